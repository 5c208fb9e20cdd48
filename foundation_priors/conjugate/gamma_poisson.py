"""An event rate with a Gamma prior."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import gammaln, polygamma, xlogy

from foundation_priors.conjugate import checks
from foundation_priors.conjugate.base import ConjugatePath, Dims
from foundation_priors.conjugate.weights import by_source

__all__ = ["GammaPoisson", "PoissonRows"]

Array = NDArray[np.float64]


class PoissonRows(NamedTuple):
    """Sufficient statistics of counts of events.

    Attributes
    ----------
    events, exposure
        Sums over rows, weighted for answers.
    rows
        How many observations that is; the exposure if omitted.
    log_base
        What the log-likelihood adds that does not depend on the rate: 0 for events recorded at
        their times, the sum of ``y log(exposure) - log(y!)`` for rows of counts.
    """

    events: float
    exposure: float
    rows: float | None = None
    log_base: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class GammaPoisson(ConjugatePath):
    r"""An event rate ``rate`` per unit of exposure with a Gamma prior.

    Parameters
    ----------
    a, b
        Shape and inverse scale of the primitive prior Gamma(a, b), mean ``a / b``.
    real
        ``(events, exposure)`` of the real data.
    synthetic
        The same of the answers, or ``{source: (events, exposure)}``.
    max_trust
        The largest trust that may be asked for.

    Notes
    -----
    With y events in exposure E, real ones without and synthetic ones with a tilde, the posterior
    at trust L is :math:`\mathrm{Gamma}(a + y + L\tilde y,\; b + E + L\tilde E)`, and
    :math:`\log Z = \log\Gamma(a) - a \log b` at the updated less that at the primitive parameters.

    References
    ----------
    Misra, S. (2025). Foundation priors. arXiv:2512.01107.
    Ibrahim, J. G. and Chen, M.-H. (2000). Statistical Science 15, 46-60.
    doi:10.1214/ss/1009212673

    Examples
    --------
    >>> from foundation_priors.conjugate import GammaPoisson
    >>> path = GammaPoisson(a=2, b=1, real=(3, 4), synthetic=(30, 10))
    >>> path.mean("rate", trust=[0, 0.5, 1]).values
    array([1.        , 2.        , 2.33333333])
    >>> path.quantile("rate", [0.05, 0.95], trust=0).values.round(3)
    array([0.394, 1.831])
    """

    a: float
    b: float
    real: Any = PoissonRows(0.0, 0.0)
    synthetic: Any
    max_trust: float = 1.0
    _rows: tuple[PoissonRows, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check and normalise the statistics."""
        checks.proper(a=self.a, b=self.b)
        checks.positive(max_trust=self.max_trust)
        real = _counted("real", checks.as_rows(PoissonRows, self.real))
        given: Mapping[str, PoissonRows] = checks.named_sources(self.synthetic, PoissonRows)
        sources = {name: _counted(name, rows) for name, rows in given.items()}
        object.__setattr__(self, "real", real)
        object.__setattr__(self, "synthetic", sources)
        object.__setattr__(self, "_rows", (real, *sources.values()))

    @classmethod
    def from_data(
        cls,
        y: ArrayLike,
        y_synthetic: ArrayLike,
        *,
        a: float,
        b: float,
        exposure: ArrayLike = 1,
        exposure_synthetic: ArrayLike = 1,
        weight: ArrayLike | None = None,
        source: ArrayLike | None = None,
        max_trust: float = 1.0,
    ) -> Self:
        """Build the family from rows.

        Parameters
        ----------
        y, y_synthetic
            Events per row, flat.
        a, b, max_trust
            As for the class.
        exposure, exposure_synthetic
            Exposure per row in one unit (person-years, say), or one number for all.
        weight
            Weight of each synthetic row, or one for all; 1 if omitted.
        source
            Label of each synthetic row's source; one source if omitted.
        """
        counts, time = _poisson_rows("y", y, exposure)
        answers, time_answers = _poisson_rows("y_synthetic", y_synthetic, exposure_synthetic)
        synthetic = {
            name: _summarise(answers[index], time_answers[index], w)
            for name, index, w in by_source(len(answers), weight, source)
        }
        real = _summarise(counts, time, np.ones_like(counts))
        return cls(a=a, b=b, real=real, synthetic=synthetic, max_trust=max_trust)

    @property
    def _dims(self) -> Dims:
        return {"rate": ()}

    def _shapes(self, weights: Array) -> tuple[Array, Array]:
        events, exposure = (weights @ np.array([row[:2] for row in self._rows], dtype=float)).T
        return self.a + events, self.b + exposure

    def _log_z(self, weights: Array) -> Array:
        a, b = self._shapes(weights)
        base = weights @ np.array([row.log_base for row in self._rows])
        primitive = gammaln(self.a) - self.a * np.log(self.b)
        return np.asarray(gammaln(a) - a * np.log(b) - primitive + base)

    def _ell_variance(self, weights: Array) -> Array:
        a, b = self._shapes(weights)
        events = sum(row.events for row in self._rows[1:])
        exposure = sum(row.exposure for row in self._rows[1:])
        return np.asarray((events - exposure * a / b) ** 2 / a + events**2 * _excess(a))

    def _moments(self, name: str, weights: Array) -> tuple[Array, Array]:
        a, b = self._shapes(weights)
        return a / b, np.sqrt(a) / b

    def _marginal(self, name: str, weights: Array) -> Any:
        a, b = self._shapes(weights)
        return stats.gamma(a, scale=1 / b)

    def _joint(self, weights: Array) -> dict[str, Any]:
        a, b = self._shapes(weights[None])
        return {"rate": stats.gamma(float(a[0]), scale=float(1 / b[0]))}

    def _draw(self, weights: Array, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        a, b = self._shapes(weights[None])
        return {"rate": rng.gamma(a[0], 1 / b[0], draws)}

    def _worth(self) -> Array:
        real, *sources = self._rows
        if not real.exposure:
            return np.array([row.rows for row in sources])
        return np.array([row.exposure for row in sources]) * real.rows / real.exposure


def _excess(a: Array) -> Array:
    """Return trigamma(a) - 1/a, the variance of log(gamma) beyond its linear part."""
    return np.asarray(polygamma(1, a) - 1 / a)


def _counted(name: str, rows: PoissonRows) -> PoissonRows:
    counted = rows._replace(rows=rows.exposure if rows.rows is None else rows.rows)
    checks.at_least(0, **{name: np.array(counted[:3], dtype=float)})
    checks.finite(**{name: np.array(counted, dtype=float)})
    if counted.events and not counted.exposure:
        raise ValueError(f"{name} has events without exposure: give the exposure they came from.")
    return counted


def _poisson_rows(name: str, y: ArrayLike, exposure: ArrayLike) -> tuple[Array, Array]:
    events = checks.flat(name, y)
    checks.whole(**{name: events})
    checks.positive(**{f"exposure of {name}": exposure})
    return events, np.broadcast_to(np.asarray(exposure, dtype=float), events.shape)


def _summarise(y: Array, exposure: Array, weight: Array) -> PoissonRows:
    base = float(weight @ (xlogy(y, exposure) - gammaln(y + 1)))
    return PoissonRows(float(weight @ y), float(weight @ exposure), float(weight.sum()), base)
