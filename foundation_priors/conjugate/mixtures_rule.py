"""Comparing two probabilities: how sure one is the larger, and how often a trial shows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import betainc, betaln, expit, log_expit

from foundation_priors.conjugate.mixtures import BetaMixture

__all__ = ["TwoArmRule", "probability_larger"]

type Array = NDArray[np.float64]

REACH = 700.0


@dataclass(frozen=True)
class _Arms:
    """Updated shapes, (outcome, component), and the components' posterior weights."""

    a: Array
    b: Array
    weights: Array


def _arms(prior: BetaMixture, successes: Array, trials: float) -> _Arms:
    parameters, log_m = prior._updated(successes[:, None], np.asarray(float(trials)))
    raw = np.exp(log_m - log_m.max(axis=1, keepdims=True)) * prior.weights
    return _Arms(parameters["a"], parameters["b"], raw / raw.sum(axis=1, keepdims=True))


def _nodes(a: Array, b: Array) -> Array:
    """Return evenly spaced log odds that carry Beta densities, fine enough for the narrowest."""
    centre = np.log(a) - np.log(b)
    left = min(centre.min(), 0) - 45 / min(a.min(), 1)
    right = max(centre.max(), 0) + 45 / min(b.min(), 1)
    step = min(np.sqrt(1 / a + 1 / b).min() / 3, 0.1)
    ends = max(left, -REACH), min(right, REACH)
    return np.linspace(*ends, int(np.ceil((ends[1] - ends[0]) / step)) + 1)


def _larger(first: _Arms, second: _Arms, margin: float) -> Array:
    """Return P(first - second > margin), shape (outcome of first, outcome of second).

    Between the ends of both ranges, where the second's distribution function has a kink.
    """
    low, high = max(margin, 0.0), min(1 + margin, 1.0)
    t = _nodes(first.a, first.b)
    p, q = expit(t), expit(-t)
    x, far = low + (high - low) * p, 1 - high + (high - low) * q
    density = np.zeros((len(first.a), len(t)))
    for a, b, w in zip(first.a.T, first.b.T, first.weights.T, strict=True):
        log_f = (a[:, None] - 1) * np.log(x) + (b[:, None] - 1) * np.log(far)
        density += w[:, None] * np.exp(log_f + log_expit(t) + log_expit(-t) - betaln(a, b)[:, None])
    # Mass so close to an end that no number tells it from there is given to the rest.
    inside = _below(first, np.array([high]), np.array([1 - high]))
    inside -= _below(first, np.array([low]), np.array([1 - low]))
    total = density.sum(axis=1, keepdims=True)
    density *= np.divide(inside, total, out=np.zeros_like(total), where=total > 0)
    y, rest = x - margin, far + margin
    y, rest = (np.clip(v, 0.0, 1.0) for v in (y, rest))
    above = 1 - _below(first, np.array([high]), np.array([1 - high]))
    return density @ _below(second, y, rest).T + above


def _below(arms: _Arms, x: Array, far: Array) -> Array:
    """Return distribution functions at x = 1 - far, shape (outcome, node)."""
    out = np.zeros((len(arms.a), len(x)))
    for a, b, w in zip(arms.a.T, arms.b.T, arms.weights.T, strict=True):
        near = betainc(a[:, None], b[:, None], x)
        out += w[:, None] * np.where(x < 0.5, near, 1 - betainc(b[:, None], a[:, None], far))
    return out


def probability_larger(first: BetaMixture, second: BetaMixture, margin: float = 0.0) -> float:
    r"""Return the probability that one probability is larger than another, independent of it.

    Parameters
    ----------
    first, second : BetaMixture
        What is known of :math:`p_1` and of :math:`p_2`.
    margin : float
        By how much it must be larger; below 0 it may be that much smaller.

    Returns
    -------
    float
        :math:`P(p_1 - p_2 > \text{margin})`.

    Notes
    -----
    :math:`\int f_1(x) F_2(x - \text{margin})\,dx` by the trapezoid rule in the log odds of where x
    stands between the ends of both ranges; the integrand decays exponentially on both sides, so
    that the rule converges exponentially.

    Examples
    --------
    >>> from foundation_priors.conjugate import BetaMixture, probability_larger
    >>> first, second = BetaMixture(1, 3, 2), BetaMixture(1, 1, 1)
    >>> round(probability_larger(first, second), 10)
    0.6
    """
    _check(first, second, margin)
    none = np.zeros(1)
    return float(_larger(_arms(first, none, 0.0), _arms(second, none, 0.0), margin)[0, 0])


def _check(first: BetaMixture, second: BetaMixture, margin: float) -> None:
    for name, prior in (("first", first), ("second", second)):
        if not isinstance(prior, BetaMixture):
            raise TypeError(
                f"{name} is {prior!r}: give a BetaMixture, with one component where that is all."
            )
    if not -1 < margin < 1:
        raise ValueError(f"margin is {margin}: give a difference of probabilities above -1.")


@dataclass(frozen=True, eq=False)
class TwoArmRule:
    r"""Success when :math:`P(p_1 - p_2 > \text{margin} \mid \text{data}) > \text{level}`.

    Parameters
    ----------
    first, second : BetaMixture
        Priors of the two probabilities.
    trials : tuple of int
        How many are observed of each.
    level : float
        How sure one must be.
    margin : float
        By how much :math:`p_1` must be larger; below 0 it may be that much smaller.

    Notes
    -----
    The success of every outcome is decided once, by quadrature as in `probability_larger`; its
    probability at true rates is then a sum over the two binomial distributions.

    References
    ----------
    Weber, S. et al. (2021). Journal of Statistical Software 100(19). doi:10.18637/jss.v100.i19
    Chen, M.-H. et al. (2011). Bayesian design of noninferiority trials for medical devices using
    historical data. Biometrics 67(3). doi:10.1111/j.1541-0420.2011.01561.x

    Examples
    --------
    >>> from foundation_priors.conjugate import BetaMixture, TwoArmRule
    >>> prior = BetaMixture([0.7, 0.3], [19, 8], [133, 40]).robustify(0.2, mean=0.5)
    >>> rule = TwoArmRule(prior, BetaMixture(1, 1, 1), trials=(100, 100))
    >>> round(rule.success_probability(0.2, 0.2).item(), 10)
    0.0148055069
    """

    first: BetaMixture
    second: BetaMixture
    trials: tuple[int, int]
    level: float = 0.95
    margin: float = 0.0

    def __post_init__(self) -> None:
        """Check the rule."""
        _check(self.first, self.second, self.margin)
        sizes = np.asarray(self.trials, dtype=float)
        if sizes.shape != (2,) or (sizes < 0).any() or (sizes != np.floor(sizes)).any():
            raise ValueError(f"trials is {self.trials}: give how many there are of each, (n1, n2).")
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}: give a probability between 0 and 1.")

    @cached_property
    def probability(self) -> xr.DataArray:
        """Probability that the first is larger, over the successes of ``first`` and ``second``."""
        y, z = (np.arange(n + 1.0) for n in self.trials)
        arms = _arms(self.first, y, self.trials[0]), _arms(self.second, z, self.trials[1])
        coords = {"first": y.astype(int), "second": z.astype(int)}
        return xr.DataArray(_larger(*arms, self.margin), coords, ("first", "second"))

    def success_probability(self, first: ArrayLike, second: ArrayLike) -> xr.DataArray:
        """Return how often a trial succeeds.

        Parameters
        ----------
        first, second : float or array
            True rates, each one number or a flat array.

        Returns
        -------
        xarray.DataArray
            Over ``first`` and ``second`` (unless that is one number).
        """
        rates = [np.asarray(r, dtype=float) for r in (first, second)]
        for name, rate in zip(("first", "second"), rates, strict=True):
            if rate.ndim > 1 or not ((rate >= 0) & (rate <= 1)).all():
                raise ValueError(f"{name} is {rate}: give rates between 0 and 1, flat.")
        chance = [
            stats.binom.pmf(np.arange(n + 1), n, np.atleast_1d(rate)[:, None])
            for n, rate in zip(self.trials, rates, strict=True)
        ]
        success = (self.probability.values > self.level).astype(float)
        values = chance[0] @ success @ chance[1].T
        coords = {"first": np.atleast_1d(rates[0]), "second": np.atleast_1d(rates[1])}
        out = xr.DataArray(values, coords, ("first", "second"), name="success_probability")
        return out.isel({k: 0 for k, r in zip(coords, rates, strict=True) if not r.ndim})
