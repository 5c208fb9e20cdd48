"""A mean with a normal prior, the variance known or not."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foundation_priors.conjugate import checks
from foundation_priors.conjugate.base import Dims
from foundation_priors.conjugate.normal_core import NormalConjugate, RegressionRows
from foundation_priors.conjugate.weights import by_source

__all__ = ["NormalMean", "NormalMeanVariance", "NormalRows"]

Array = NDArray[np.float64]


class NormalRows(NamedTuple):
    """Sufficient statistics of normal outcomes.

    Attributes
    ----------
    rows
        How many, or the sum of weights.
    mean
        Their (weighted) mean.
    squares
        (Weighted) sum of squared deviations from that mean.
    """

    rows: float
    mean: float
    squares: float


class _Mean(NormalConjugate):
    """The intercept-only regression, with scalars in place of vectors."""

    real: Any
    synthetic: Any

    def _adopt(self) -> None:
        real = checks.as_rows(NormalRows, self.real)
        sources = checks.named_sources(self.synthetic, NormalRows)
        for name, rows in checks.blocks(real, sources):
            checks.finite(**{name: rows})
            checks.at_least(0, **{f"rows and squares of {name}": (rows.rows, rows.squares)})
        object.__setattr__(self, "real", real)
        object.__setattr__(self, "synthetic", sources)

    @property
    def _location(self) -> str:
        return "mu"

    @property
    def _blocks(self) -> tuple[RegressionRows, ...]:
        return tuple(
            RegressionRows(np.array([[rows]]), np.array([mean]), squares, rows)
            for rows, mean, squares in (self.real, *self.synthetic.values())
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class NormalMean(_Mean):
    r"""A mean ``mu`` of outcomes with known standard deviation.

    Parameters
    ----------
    prior_mean, prior_sd
        Of the normal primitive prior, in the outcome's unit.
    sigma
        Standard deviation of an outcome about mu.
    real
        ``(rows, mean, squares)`` of the real data, the last the sum of squared deviations from
        their mean.
    synthetic
        The same of the answers, or ``{source: (rows, mean, squares)}``.
    max_trust
        The largest trust that may be asked for.

    Notes
    -----
    Precisions add: :math:`1/s_0^2 + (n + L \tilde n)/\sigma^2`, and the posterior mean weighs the
    prior mean, the real and the synthetic mean by their terms.

    References
    ----------
    Misra, S. (2025). Foundation priors. arXiv:2512.01107.
    Ibrahim, J. G. and Chen, M.-H. (2000). Statistical Science 15, 46-60.
    doi:10.1214/ss/1009212673

    Examples
    --------
    >>> from foundation_priors.conjugate import NormalMean
    >>> path = NormalMean(
    ...     prior_mean=0, prior_sd=1, sigma=1, real=(3, 2.0, 1.5), synthetic=(12, 0.5, 4.0)
    ... )
    >>> path.mean("mu", trust=[0, 0.5, 1]).values
    array([1.5 , 0.9 , 0.75])
    >>> path.sd("mu", trust=1).item()
    0.25
    """

    prior_mean: float
    prior_sd: float
    sigma: float
    real: Any = NormalRows(0.0, 0.0, 0.0)
    synthetic: Any
    max_trust: float = 1.0

    def __post_init__(self) -> None:
        """Check and normalise the statistics."""
        checks.proper(prior_sd=self.prior_sd)
        checks.positive(sigma=self.sigma, max_trust=self.max_trust)
        checks.finite(prior_mean=self.prior_mean)
        self._adopt()

    @classmethod
    def from_data(
        cls,
        y: ArrayLike,
        y_synthetic: ArrayLike,
        *,
        prior_mean: float,
        prior_sd: float,
        sigma: float,
        weight: ArrayLike | None = None,
        source: ArrayLike | None = None,
        max_trust: float = 1.0,
    ) -> Self:
        """Build the family from rows.

        Parameters
        ----------
        y, y_synthetic
            Outcomes, flat.
        prior_mean, prior_sd, sigma, max_trust
            As for the class.
        weight
            Weight of each synthetic row, or one for all; 1 if omitted.
        source
            Label of each synthetic row's source; one source if omitted.
        """
        return cls(
            prior_mean=prior_mean,
            prior_sd=prior_sd,
            sigma=sigma,
            max_trust=max_trust,
            **_from_rows(y, y_synthetic, weight, source),
        )

    @property
    def _dims(self) -> Dims:
        return {"mu": ()}

    @property
    def _known_sigma(self) -> float:
        return self.sigma

    @property
    def _primitive(self) -> tuple[Array, Array, float, float]:
        precision = np.array([[(self.sigma / self.prior_sd) ** 2]])
        return np.array([self.prior_mean]), precision, 0.0, 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class NormalMeanVariance(_Mean):
    r"""A mean ``mu`` and standard deviation ``sigma`` of outcomes, both unknown.

    Parameters
    ----------
    prior_mean
        Of mu, in the outcome's unit.
    prior_rows
        How many outcomes the primitive prior of mu is worth:
        :math:`\mu \mid \sigma \sim N(\text{prior mean}, \sigma^2 / \text{prior rows})`.
    a, b
        Shape and scale of the inverse-gamma primitive prior of :math:`\sigma^2`.
    real
        ``(rows, mean, squares)`` of the real data, the last the sum of squared deviations from
        their mean.
    synthetic
        The same of the answers, or ``{source: (rows, mean, squares)}``.
    max_trust
        The largest trust that may be asked for.

    Notes
    -----
    A normal-inverse-gamma prior stays one, with :math:`\kappa = \kappa_0 + n + L \tilde n`,
    :math:`a = a_0 + (n + L \tilde n)/2` and b grown by half the weighted squares about the new
    mean. Marginally mu is a Student t with 2a degrees of freedom and
    :math:`\sigma = \sqrt{b/\Gamma_a}` with :math:`\Gamma_a` a Gamma variable of shape a.

    References
    ----------
    Misra, S. (2025). Foundation priors. arXiv:2512.01107.
    Ibrahim, J. G. and Chen, M.-H. (2000). Statistical Science 15, 46-60.
    doi:10.1214/ss/1009212673

    Examples
    --------
    >>> from foundation_priors.conjugate import NormalMeanVariance
    >>> path = NormalMeanVariance(
    ...     prior_mean=0, prior_rows=1, a=2, b=1, real=(3, 2.0, 1.5), synthetic=(12, 0.5, 4.0)
    ... )
    >>> path.mean("mu", trust=[0, 0.5, 1]).values
    array([1.5 , 0.9 , 0.75])
    >>> path.mean("sigma", trust=[0, 0.5, 1]).values.round(3)
    array([1.085, 0.973, 0.878])
    """

    prior_mean: float
    prior_rows: float
    a: float
    b: float
    real: Any = NormalRows(0.0, 0.0, 0.0)
    synthetic: Any
    max_trust: float = 1.0

    def __post_init__(self) -> None:
        """Check and normalise the statistics."""
        checks.proper(prior_rows=self.prior_rows, a=self.a, b=self.b)
        checks.positive(max_trust=self.max_trust)
        checks.finite(prior_mean=self.prior_mean)
        self._adopt()

    @classmethod
    def from_data(
        cls,
        y: ArrayLike,
        y_synthetic: ArrayLike,
        *,
        prior_mean: float,
        prior_rows: float,
        a: float,
        b: float,
        weight: ArrayLike | None = None,
        source: ArrayLike | None = None,
        max_trust: float = 1.0,
    ) -> Self:
        """Build the family from rows.

        Parameters
        ----------
        y, y_synthetic
            Outcomes, flat.
        prior_mean, prior_rows, a, b, max_trust
            As for the class.
        weight
            Weight of each synthetic row, or one for all; 1 if omitted.
        source
            Label of each synthetic row's source; one source if omitted.
        """
        return cls(
            prior_mean=prior_mean,
            prior_rows=prior_rows,
            a=a,
            b=b,
            max_trust=max_trust,
            **_from_rows(y, y_synthetic, weight, source),
        )

    @property
    def _dims(self) -> Dims:
        return {"mu": (), "sigma": ()}

    @property
    def _known_sigma(self) -> None:
        return None

    @property
    def _primitive(self) -> tuple[Array, Array, float, float]:
        return np.array([self.prior_mean]), np.array([[self.prior_rows]]), self.a, self.b


def _from_rows(
    y: ArrayLike, y_synthetic: ArrayLike, weight: ArrayLike | None, source: ArrayLike | None
) -> dict[str, Any]:
    real, answers = checks.flat("y", y), checks.flat("y_synthetic", y_synthetic)
    synthetic = {
        name: _summarise(answers[index], w)
        for name, index, w in by_source(len(answers), weight, source)
    }
    return {"real": _summarise(real, np.ones_like(real)), "synthetic": synthetic}


def _summarise(y: Array, weight: Array) -> NormalRows:
    total = float(weight.sum())
    mean = float(weight @ y) / total if total else 0.0
    return NormalRows(total, mean, float(weight @ (y - mean) ** 2))
