"""The forms in which something can be said about a quantity, each made into a belief."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NoReturn, Self

import numpy as np

from foundation_priors.beliefs.checks import check_inside, check_moments, check_quantiles, finite
from foundation_priors.beliefs.density import Density
from foundation_priors.beliefs.said import (
    Draws,
    Function,
    Histogram,
    Moments,
    Quantiles,
    Said,
    tabulated,
)
from foundation_priors.beliefs.support import LINE, Support
from foundation_priors.errors import ColumnError, SyntheticAsEvidenceError, check_probability
from foundation_priors.synthetic.guard import Guarded
from foundation_priors.synthetic.provenance import fill

__all__ = ["Made", "QuantityOf", "who"]

type QuantityOf = str | Callable[[Mapping[str, Any]], Any]

MESSAGE = (
    "A Belief is what was said about a quantity, which is a prior and never evidence: pass it to "
    "foundation_priors.trust_path(model, belief), or for one trust to foundation_priors.tilt(model,"
    " belief, trust=...)."
)


def refuse(*_: object, **__: object) -> NoReturn:
    """Raise `SyntheticAsEvidenceError`, whatever was asked."""
    raise SyntheticAsEvidenceError(MESSAGE)


class Made(Guarded):
    """What a belief holds, how it is made, and its refusal to be evidence."""

    __slots__ = ("_cached", "provenance", "quantity", "said", "source", "support")

    quantity: QuantityOf
    said: Said
    support: Support | None
    source: str
    provenance: dict[str, Any]
    _cached: dict[Support, Density]

    def _fill(self, quantity: Any, said: Said, support: Any, source: Any, provenance: Any) -> Self:
        if not callable(quantity) and not (isinstance(quantity, str) and quantity.strip()):
            raise TypeError(
                f"quantity={quantity!r} must be the name of a quantity of the model, an expression "
                "such as 'beta[educ]', or a function of the model's variables."
            )
        if support is not None and not isinstance(support, Support):
            support = Support.of(support)
        known = support or LINE
        check_inside(said.values(), known, who(quantity, source), "the belief")
        contents = {
            "quantity": quantity,
            "said": said,
            "support": support,
            "source": str(source),
            "provenance": fill(provenance),
            "_cached": {},
        }
        for name, value in contents.items():
            object.__setattr__(self, name, value)
        said.density(known)
        _arm()
        return self

    @classmethod
    def _of(cls, quantity: Any, said: Said, support: Any, source: Any, provenance: Any) -> Self:
        return cls.__new__(cls)._fill(quantity, said, support, source, provenance)

    @classmethod
    def _stated(
        cls,
        quantity: Any,
        quantiles: Mapping[float, float],
        *,
        support: Any = None,
        source: str = "belief",
        provenance: Mapping[str, Any] | None = None,
    ) -> Self:
        p, x = check_quantiles(quantiles, who(quantity, source))
        return cls._of(quantity, Quantiles(tuple(p), tuple(x)), support, source, provenance)

    @classmethod
    def from_quantiles(
        cls, quantity: QuantityOf, quantiles: Mapping[float, float], **kwargs: Any
    ) -> Self:
        """Make a belief from quantiles, as `Belief` itself does."""
        return cls._stated(quantity, quantiles, **kwargs)

    @classmethod
    def from_moments(
        cls,
        quantity: QuantityOf,
        mean: float,
        sd: float,
        *,
        support: tuple[float | None, float | None] | None = None,
        source: str = "belief",
        provenance: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a belief from a mean and a standard deviation.

        The density is normal on the line, log-normal above or below one end, and a beta between
        two. Other parameters as in `Belief`.

        Examples
        --------
        >>> from foundation_priors.beliefs import Belief
        >>> rate = Belief.from_moments("rate", 0.2, 0.1, support=(0, 1))
        >>> round(rate.density.sd, 6)
        0.1
        """
        moments = check_moments(mean, sd, who(quantity, source))
        return cls._of(quantity, Moments(*moments), support, source, provenance)

    @classmethod
    def from_interval(
        cls, quantity: QuantityOf, lower: float, upper: float, prob: float = 0.9, **kwargs: Any
    ) -> Self:
        """Make a belief from a central interval that holds the quantity with this probability."""
        check_probability(prob, "prob")
        tail = (1 - prob) / 2
        return cls._stated(quantity, {tail: lower, 1 - tail: upper}, **kwargs)

    @classmethod
    def from_draws(
        cls,
        quantity: QuantityOf,
        draws: Any,
        *,
        support: tuple[float | None, float | None] | None = None,
        source: str = "belief",
        provenance: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a belief from a sample of the quantity, at least 20 draws.

        The density is estimated by penalised splines; see `foundation_priors.beliefs.Table`.
        Parameters as in `Belief`.
        """
        name = who(quantity, source)
        values = finite(draws, f"draws of {name}", 20)
        if len(np.unique(values)) < 10:
            raise ColumnError(
                f"The draws of {name} have {len(np.unique(values))} distinct values, too few for a "
                "density: state quantiles, or a histogram."
            )
        return cls._of(quantity, Draws(tuple(values.tolist())), support, source, provenance)

    @classmethod
    def from_histogram(
        cls,
        quantity: QuantityOf,
        edges: Sequence[float],
        counts: Sequence[float],
        *,
        outside: float = 0.01,
        **kwargs: Any,
    ) -> Self:
        """Make a belief from the chips, counts or probabilities put into bins.

        Parameters
        ----------
        quantity : str or callable
        edges : sequence of float, shape (bin + 1,)
        counts : sequence of float, shape (bin,)
            In any unit. Empty bins at the ends are dropped.
        outside : float
            The probability left beyond the outer edges, half on either side: 0 would rule out for
            ever what nobody drew.
        **kwargs
            As in `Belief`. An outer edge that is an end of ``support`` leaves nothing beyond it.

        Notes
        -----
        The cumulated probabilities at the edges are quantiles, which the density meets exactly. An
        empty bin inside stays empty but for a mass of 1e-9 that is spread over everything, so that
        its log density is finite; see `foundation_priors.beliefs.blocks.Blocks`.
        """
        name = who(quantity, kwargs.get("source", "belief"))
        walls, below = _cumulated(edges, counts, outside, kwargs.get("support"), name)
        if (np.diff(below) > 0).all() and ((below > 0) & (below < 1)).sum() > 1:
            inner = (below > 0) & (below < 1)
            quantiles = dict(zip(below[inner].tolist(), walls[inner].tolist(), strict=True))
            return cls._stated(quantity, quantiles, **kwargs)
        said = Histogram(tuple(walls.tolist()), tuple(below.tolist()))
        options = {"support": None, "source": "belief", "provenance": None, **kwargs}
        return cls._of(quantity, said, **options)

    @classmethod
    def from_density(
        cls,
        quantity: QuantityOf,
        density: Any,
        *,
        support: tuple[float | None, float | None] | None = None,
        source: str = "belief",
        provenance: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a belief from a distribution with ``logpdf`` and ``ppf``, such as SciPy's frozen.

        Where the distribution says its ``support()``, that is the default. The log density is
        interpolated (512 knots), and a file keeps quantiles of it only.
        """
        if isinstance(density, Density):
            return cls._of(quantity, Function(density, ""), support, source, provenance)
        for name in ("logpdf", "ppf"):
            if not callable(getattr(density, name, None)):
                raise TypeError(
                    f"density must have the methods logpdf and ppf, and {type(density).__name__} "
                    f"has no {name}: give a frozen distribution of SciPy, or draws."
                )
        ends = support
        if ends is None and callable(getattr(density, "support", None)):
            ends = density.support()
        where = Support.of(ends) if ends is not None else LINE
        kind = getattr(getattr(density, "dist", density), "name", type(density).__name__)
        made = tabulated(density, where)
        return cls._of(quantity, Function(made, str(kind)), where, source, provenance)

    def __iter__(self) -> Iterator[Any]:
        """Refuse to be evidence."""
        refuse()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Refuse to be evidence."""
        refuse()


@cache
def _arm() -> None:
    """Make PyTensor refuse a belief, which it would else try as a tensor."""
    from pytensor.tensor import _as_tensor_variable

    _as_tensor_variable.register(Made, refuse)


def who(quantity: Any, source: Any) -> str:
    """Name a source and its quantity, for errors."""
    name = quantity if isinstance(quantity, str) else getattr(quantity, "__name__", "a quantity")
    return f"{source!r} on {name!r}"


def _cumulated(
    edges: Sequence[float], counts: Sequence[float], outside: float, support: Any, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges of a histogram's filled bins, and the probabilities below them."""
    walls, mass = finite(edges, f"edges of {name}", 2), finite(counts, f"counts of {name}", 1)
    if len(walls) != len(mass) + 1 or (np.diff(walls) <= 0).any():
        raise ColumnError(
            f"The histogram of {name} has {len(walls)} edges for {len(mass)} bins: give rising "
            "edges, one more than counts."
        )
    if (mass < 0).any() or (mass > 0).sum() < 1:
        raise ColumnError(f"The counts of {name} must be 0 or more, and not all 0.")
    if not 0 < outside < 0.5:
        raise ValueError(f"outside={outside} must lie between 0 and .5.")
    filled = np.flatnonzero(mass)
    walls = walls[filled[0] : filled[-1] + 2]
    mass = mass[filled[0] : filled[-1] + 1] / mass.sum()
    ends = Support.of(support) if support is not None else LINE
    below = outside / 2 * (walls[0] > ends.lower)
    above = outside / 2 * (walls[-1] < ends.upper)
    p = below + (1 - below - above) * np.concatenate([[0.0], np.cumsum(mass)])
    p[-1] = 1 - above
    return walls, p
