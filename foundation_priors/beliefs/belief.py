"""What was said about a quantity of the model: a density, never evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from foundation_priors.beliefs.checks import check_inside, check_quantiles, weights_of
from foundation_priors.beliefs.density import Density
from foundation_priors.beliefs.made import Made, QuantityOf, who
from foundation_priors.beliefs.pooled import METHODS
from foundation_priors.beliefs.said import Pool, Quantiles, revived
from foundation_priors.beliefs.support import LINE, Support
from foundation_priors.display import settled
from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.netcdf import need, parse, told

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from foundation_priors.synthetic import SyntheticData

__all__ = ["Belief", "QuantityOf"]


class Belief(Made):
    r"""What was said about one quantity of the model, as a probability density.

    It takes the place of `SyntheticData` in `tilt`, `sample` and `trust_path`, alone or in a list
    of beliefs.

    Parameters
    ----------
    quantity : str or callable
        A scalar free variable or deterministic of the model, ``"theta"``; an element,
        ``"beta[educ]"``; an expression of them, ``"invlogit(alpha + 2 * beta[educ])"``; or a
        function from a dictionary of the model's variables to a scalar PyTensor variable, such as
        a prediction at stated covariates.
    quantiles : dict
        From probabilities to values, two or more. `from_moments`, `from_interval`, `from_draws`,
        `from_histogram` and `from_density` take what was said in other forms.
    support : tuple of float, optional
        The ends between which the quantity can lie, None for no end. By default those of the
        quantity in the model where they can be told, and the whole line else.
    source : str
        Who said it; beliefs of different sources can get a trust of their own.
    provenance : dict, optional
        Where it comes from, nested, as in `SyntheticData`.

    Raises
    ------
    ColumnError
        When quantiles cross, or lie outside the support.

    Notes
    -----
    With f the density and :math:`\pi_0(q)` the primitive prior of the quantity,

    .. math:: \pi(\theta \mid L) \propto \pi_0(\theta) \left( \frac{f(q)}{\pi_0(q)} \right)^L,

    so that a trust of 1 puts f in place of the prior of q and leaves the prior of everything else
    given q, and in between lies the logarithmic pool :math:`\pi_0(q)^{1-L} f(q)^L` [1]_.

    Two or three quantiles are met exactly by a smooth density of one mode, of Johnson's system
    parametrised by its quantiles [2]_, and more of them exactly by a smooth function of its normal
    score; two of them, or symmetric ones, give a normal density (of the log, or the logit, where
    the support is bounded). No density has a bounded support of its own, so a belief never rules
    out what the prior allows.

    References
    ----------
    .. [1] C. Genest, K. J. McConway and M. J. Schervish (1986). Characterization of externally
       Bayesian pooling operators. Annals of Statistics 14(2). doi:10.1214/aos/1176349934
    .. [2] C. C. Hadlock and J. E. Bickel (2017). Johnson quantile-parameterized distributions.
       Decision Analysis 14(1). doi:10.1287/deca.2016.0343

    Examples
    --------
    >>> from foundation_priors.beliefs import Belief
    >>> belief = Belief("beta[educ]", quantiles={0.05: 0.03, 0.5: 0.08, 0.95: 0.14})
    >>> belief.density.cdf([0.03, 0.08, 0.14]).round(12).tolist()
    [0.05, 0.5, 0.95]
    """

    __slots__ = ()

    def __init__(
        self,
        quantity: QuantityOf,
        quantiles: Mapping[float, float],
        *,
        support: tuple[float | None, float | None] | None = None,
        source: str = "belief",
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        p, x = check_quantiles(quantiles, who(quantity, source))
        self._fill(quantity, Quantiles(tuple(p), tuple(x)), support, source, provenance)

    @classmethod
    def from_dataframe(
        cls,
        frame: pd.DataFrame | xr.Dataset | SyntheticData,
        quantity: QuantityOf,
        quantiles: Mapping[str, float],
        *,
        expert: str | None = None,
        panel: str | None = None,
        scale: float = 1.0,
        method: str = "linear",
        weights: str | None = None,
        support: tuple[float | None, float | None] | None = None,
        source: str = "experts",
        provenance: Mapping[str, Any] | None = None,
    ) -> Any:
        """Pool the quantiles of many experts, one a row, in one call.

        Parameters
        ----------
        frame : DataFrame, Dataset or SyntheticData
        quantity : str or callable
        quantiles : dict
            From columns to probabilities, ``{"q05": .05, "q50": .5, "q95": .95}``.
        expert : str, optional
            The column that names the expert; without it experts are rows.
        panel : str, optional
            A column whose levels are panels, each pooled on its own.
        scale : float
            Factor from the unit of the answers to that of the quantity: .01 for percent.
        method, support, provenance
            As in `pool` and `Belief`.
        weights : str, optional
            A column of weights of the experts.
        source : str
            Name of the pool; with ``panel=`` the panels name the sources.

        Returns
        -------
        Belief, or dict of str to Belief
            With ``panel=``, one for each panel, in order of appearance.

        Raises
        ------
        ColumnError
            When a column is missing, or no expert has answered. Experts who answered nothing, less
            than two quantiles, or quantiles that cross, are left out with an `IncompleteWarning`.

        Examples
        --------
        >>> import foundation_priors as fp
        >>> from foundation_priors.beliefs import Belief
        >>> pools = Belief.from_dataframe(
        ...     fp.datasets.load("returns").synthetic,
        ...     "beta[educ]",
        ...     {"q05": 0.05, "q50": 0.5, "q95": 0.95},
        ...     expert="expert",
        ...     panel="framing",
        ...     scale=0.01,
        ... )
        >>> {name: round(pool.density.mean, 3) for name, pool in pools.items()}
        {'economist': 0.066, 'policy': 0.071, 'skeptic': 0.061}
        """
        from foundation_priors.beliefs.experts import read

        panels = read(frame, quantiles, expert, panel, scale, weights)
        made = {}
        for name, (parts, mass) in panels.items():
            shared = weights_of(mass, len(parts))
            said = Pool(tuple(parts), tuple(shared.tolist()), _method(method))
            called = source if panel is None else str(name)
            made[called] = cls._of(quantity, said, support, called, provenance)
        return made if panel is not None else next(iter(made.values()))

    @classmethod
    def pool(
        cls,
        beliefs: Sequence[Belief],
        method: str = "linear",
        weights: Sequence[float] | None = None,
        *,
        source: str | None = None,
    ) -> Self:
        r"""Pool beliefs about the same quantity into one.

        Parameters
        ----------
        beliefs : sequence of Belief
        method : {"linear", "logarithmic"}
            :math:`\sum_i w_i f_i` or :math:`\prod_i f_i^{w_i} / Z`. The linear pool keeps the
            disagreement; the logarithmic one is sharper, and does not mind whether data come
            before or after pooling.
        weights : sequence of float, optional
            Equal by default; they are made to add to 1.
        source : str, optional
            By default that of the beliefs, if they have the same, and ``"pool"`` else.
        """
        beliefs = list(beliefs)
        for belief in beliefs:
            if not isinstance(belief, Belief):
                raise TypeError(f"pool() takes beliefs, not {type(belief).__name__}.")
        if not beliefs:
            raise ColumnError("There is nothing to pool: no expert has answered.")
        first = beliefs[0]
        for belief in beliefs:
            if belief.quantity != first.quantity or belief.support != first.support:
                raise ValueError(
                    f"Beliefs about {first.label!r} and {belief.label!r}, on the supports "
                    f"{first.support} and {belief.support}, cannot be pooled: they must speak "
                    "about one quantity, with one support."
                )
        shared = weights_of(weights, len(beliefs)).tolist()
        said = Pool(tuple(b.said for b in beliefs), tuple(shared), _method(method))
        names = {b.source for b in beliefs}
        name = source or (names.pop() if len(names) == 1 else "pool")
        origin = {b.source: b.provenance for b in beliefs}
        return cls._of(first.quantity, said, first.support, name, {"pooled": origin})

    @property
    def label(self) -> str:
        """The quantity, as text."""
        if isinstance(self.quantity, str):
            return self.quantity
        return getattr(self.quantity, "__name__", type(self.quantity).__name__)

    @property
    def density(self) -> Density:
        """The density on the belief's own support, the whole line where none was given."""
        return self.on(self.support or LINE)

    def on(self, support: Support) -> Density:
        """Return the density on a support, within which all that was said must lie."""
        if support not in self._cached:
            check_inside(self.said.values(), support, who(self.quantity, self.source), self.label)
            self._cached[support] = self.said.density(support)
        return self._cached[support]

    def to_json(self) -> str:
        """Return everything as JSON; of a function as quantity its name only, no file holds it."""
        ends = None
        if self.support is not None:
            pair = self.support.lower, self.support.upper
            ends = [None if np.isinf(e) else e for e in pair]
        plain = {
            "quantity": self.label,
            "support": ends,
            "source": self.source,
            "provenance": self.provenance,
            "said": self.said.plain(),
        }
        return json.dumps(plain)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Undo `to_json`.

        Raises
        ------
        ColumnError
            When the text is none that `to_json` wrote.
        """
        try:
            p = parse(text, "the beliefs")
            need(isinstance(p["source"], str) and isinstance(p["provenance"], dict), "no source")
            return cls._of(
                p["quantity"], revived(p["said"]), p["support"], p["source"], p["provenance"]
            )
        except ColumnError:
            raise
        except (Exception, RecursionError) as error:
            raise ColumnError(
                f"This is no JSON of a belief ({told(error)}): give what to_json wrote."
            ) from None

    def __repr__(self) -> str:
        """Say who said what about which quantity."""
        f = self.density
        ends = f.quantile([0.05, 0.5, 0.95])
        low, middle, high = (settled(float(x), float(np.ptp(ends))) for x in ends)
        where = self.support if self.support is not None else "that of the model"
        return (
            f"<foundation_priors.Belief about {self.label}>\n"
            f"    source:   {self.source}\n"
            f"    said:     {self.said}\n"
            f"    support:  {where}\n"
            f"    density:  5% {low:.4g}, 50% {middle:.4g}, 95% {high:.4g}"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle, and copy, by parts."""
        parts = self.quantity, self.said, self.support, self.source, self.provenance
        return _remade, parts


def _remade(*parts: Any) -> Belief:
    return Belief._of(*parts)


def _method(method: str) -> str:
    if method not in METHODS:
        raise ValueError(f"There is no pool method={method!r}.{did_you_mean(method, METHODS)}")
    return method
