"""A probability with a Beta prior: Misra's coin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import betaln, gammaln, polygamma

from foundation_priors.conjugate import checks
from foundation_priors.conjugate.base import ConjugatePath, Dims
from foundation_priors.conjugate.weights import by_source

__all__ = ["BernoulliRows", "BetaBinomial"]

Array = NDArray[np.float64]


class BernoulliRows(NamedTuple):
    """Sufficient statistics of trials with two outcomes.

    Attributes
    ----------
    successes, trials
        Counts, or sums of weights.
    log_base
        What the log-likelihood adds that does not depend on theta: 0 for trials in their order,
        the summed log binomial coefficients for rows of counts.
    """

    successes: float
    trials: float
    log_base: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class BetaBinomial(ConjugatePath):
    r"""A probability ``theta`` with a Beta prior.

    Parameters
    ----------
    a, b
        Shapes of the primitive prior Beta(a, b); the default is uniform.
    real
        ``(successes, trials)`` of the real data.
    synthetic
        The same of the answers, or ``{source: (successes, trials)}``.
    max_trust
        The largest trust that may be asked for.

    Notes
    -----
    With s successes and f failures, real ones without and synthetic ones with a tilde, the
    posterior at trust L is :math:`\mathrm{Beta}(a + s + L\tilde s,\; b + f + L\tilde f)`, and the
    evidence of the real data is

    .. math::

        m(L) = \frac{B(a + s + L\tilde s,\; b + f + L\tilde f)}{B(a + L\tilde s,\; b + L\tilde f)}.

    References
    ----------
    Misra, S. (2025). Foundation priors. arXiv:2512.01107.
    Ibrahim, J. G. and Chen, M.-H. (2000). Statistical Science 15, 46-60.
    doi:10.1214/ss/1009212673

    Examples
    --------
    Four heads in five real tosses, five heads in ten answers:

    >>> from foundation_priors.conjugate import BetaBinomial
    >>> coin = BetaBinomial(real=(4, 5), synthetic=(5, 10))
    >>> coin.mean("theta", trust=[0, 0.2, 0.5, 1]).values.round(3)
    array([0.714, 0.667, 0.625, 0.588])
    >>> round(1 / coin.evidence(trust=0).item(), 6)
    30.0
    >>> coin.at(1)["theta"].args
    (10.0, 7.0)
    >>> coin.probability("theta > 0.5", trust=[0, 1]).values.round(3)
    array([0.891, 0.773])
    >>> coin.tipping("theta > 0.5", probability=0.8)["trust"].values.round(3)
    array([0.664])
    """

    a: float = 1.0
    b: float = 1.0
    real: Any = BernoulliRows(0.0, 0.0)
    synthetic: Any
    max_trust: float = 1.0
    _rows: tuple[BernoulliRows, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check and normalise the statistics."""
        checks.proper(a=self.a, b=self.b)
        checks.positive(max_trust=self.max_trust)
        real = checks.as_rows(BernoulliRows, self.real)
        sources: Mapping[str, BernoulliRows] = checks.named_sources(self.synthetic, BernoulliRows)
        for name, rows in checks.blocks(real, sources):
            checks.finite(**{name: rows})
            if not 0 <= rows.successes <= rows.trials:
                raise ValueError(
                    f"{name} has {rows.successes:g} successes in {rows.trials:g} trials: "
                    "successes must lie between 0 and the trials."
                )
        object.__setattr__(self, "real", real)
        object.__setattr__(self, "synthetic", sources)
        object.__setattr__(self, "_rows", (real, *sources.values()))

    @classmethod
    def from_data(
        cls,
        y: ArrayLike,
        y_synthetic: ArrayLike,
        *,
        trials: ArrayLike = 1,
        trials_synthetic: ArrayLike = 1,
        weight: ArrayLike | None = None,
        source: ArrayLike | None = None,
        a: float = 1.0,
        b: float = 1.0,
        max_trust: float = 1.0,
    ) -> Self:
        """Build the family from rows.

        Parameters
        ----------
        y, y_synthetic
            Successes per row, flat: 0 or 1, or counts out of `trials`.
        trials, trials_synthetic
            Trials per row, or one number for all.
        weight
            Weight of each synthetic row, or one for all; 1 if omitted.
        source
            Label of each synthetic row's source; one source if omitted.
        a, b, max_trust
            As for the class.

        Examples
        --------
        >>> from foundation_priors.conjugate import BetaBinomial
        >>> coin = BetaBinomial.from_data([1, 1, 1, 1, 0], [1, 0] * 5, weight=0.5)
        >>> coin.effective_observations(trust=1).item()
        5.0
        """
        tested, n = _binomial_rows("y", y, trials)
        answers, m = _binomial_rows("y_synthetic", y_synthetic, trials_synthetic)
        synthetic = {
            name: _summarise(answers[index], m[index], w)
            for name, index, w in by_source(len(answers), weight, source)
        }
        real = _summarise(tested, n, np.ones_like(tested))
        return cls(a=a, b=b, real=real, synthetic=synthetic, max_trust=max_trust)

    @property
    def _dims(self) -> Dims:
        return {"theta": ()}

    def _shapes(self, weights: Array) -> tuple[Array, Array]:
        table = np.array([(row.successes, row.trials - row.successes) for row in self._rows])
        successes, failures = (weights @ table).T
        return self.a + successes, self.b + failures

    def _log_z(self, weights: Array) -> Array:
        base = weights @ np.array([row.log_base for row in self._rows])
        return np.asarray(betaln(*self._shapes(weights)) - betaln(self.a, self.b) + base)

    def _ell_variance(self, weights: Array) -> Array:
        a, b = self._shapes(weights)
        trials = sum(row.trials for row in self._rows[1:])
        successes = sum(row.successes for row in self._rows[1:])
        return np.asarray(
            successes**2 * polygamma(1, a)
            + (trials - successes) ** 2 * polygamma(1, b)
            - trials**2 * polygamma(1, a + b)
        )

    def _moments(self, name: str, weights: Array) -> tuple[Array, Array]:
        a, b = self._shapes(weights)
        mean = a / (a + b)
        return mean, np.sqrt(mean * (1 - mean) / (a + b + 1))

    def _marginal(self, name: str, weights: Array) -> Any:
        return stats.beta(*self._shapes(weights))

    def _joint(self, weights: Array) -> dict[str, Any]:
        a, b = self._shapes(weights[None])
        return {"theta": stats.beta(float(a[0]), float(b[0]))}

    def _draw(self, weights: Array, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        a, b = self._shapes(weights[None])
        return {"theta": rng.beta(a[0], b[0], draws)}

    def _worth(self) -> Array:
        return np.array([row.trials for row in self._rows[1:]])


def _binomial_rows(name: str, y: ArrayLike, trials: ArrayLike) -> tuple[Array, Array]:
    successes = checks.flat(name, y)
    checks.whole(**{name: successes, f"trials of {name}": trials})
    n = np.broadcast_to(np.asarray(trials, dtype=float), successes.shape)
    if np.any(successes > n):
        raise ValueError(
            f"{name} has more successes than trials in row {np.argmax(successes > n)}."
        )
    return successes, n


def _summarise(y: Array, n: Array, weight: Array) -> BernoulliRows:
    log_choose = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
    return BernoulliRows(
        float(weight @ y), float(weight @ n), float(np.where(n > 1, log_choose, 0.0) @ weight)
    )
