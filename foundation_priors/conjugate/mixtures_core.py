"""What mixtures of conjugate priors share: the density, its quantiles and its update."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from foundation_priors.conjugate import checks
from foundation_priors.conjugate.events import parse_event

__all__ = ["ConjugateMixture"]

type Array = NDArray[np.float64]

BISECTIONS = 1100  # enough for the smallest numbers there are; 60 or so are used


class ConjugateMixture(ABC):
    r"""A mixture of conjugate priors of one parameter.

    Notes
    -----
    With weights :math:`w_k` and components :math:`p_k`, data y give the mixture of the updated
    components with weights

    .. math:: w_k' = \frac{w_k m_k(y)}{\sum_j w_j m_j(y)}, \qquad
        m_k(y) = \int p(y \mid \theta)\, p_k(\theta)\, d\theta .

    A mixture has a ``logpdf``, so that it can serve wherever a distribution can: as the hyperprior
    of a trust, as a belief, or in `prior_ess`.

    References
    ----------
    Dalal, S. R. and Hall, W. J. (1983). Approximating priors by mixtures of natural conjugate
    priors. JRSS B 45(2). doi:10.1111/j.2517-6161.1983.tb01251.x
    Schmidli, H. et al. (2014). Robust meta-analytic-predictive priors in clinical trials with
    historical control information. Biometrics 70(4). doi:10.1111/biom.12242
    """

    parameter: ClassVar[str]
    """Name of the parameter in events."""
    likelihood: ClassVar[str]
    """The sampling model to which the mixture is conjugate."""
    weights: Array

    @property
    @abstractmethod
    def _parameters(self) -> dict[str, Array]:
        """The components' parameters by the constructor's names, each of shape (component,)."""

    @property
    @abstractmethod
    def _frozen(self) -> Any:
        """Frozen SciPy distributions of the components."""

    @abstractmethod
    def _updated(self, *data: Array) -> tuple[dict[str, Array], Array]:
        """Return updated parameters and log marginal likelihoods, shape (..., component)."""

    @abstractmethod
    def _check_data(self, *data: Array) -> None:
        """Refuse data that cannot have been observed."""

    @abstractmethod
    def canonical(self, eta: Array) -> tuple[Array, Array, Array]:
        """Return each component's log density of the canonical parameter, with two derivatives.

        Parameters
        ----------
        eta : array
            The log odds of a probability, the log of a rate, or a mean itself.

        Returns
        -------
        log_density, slope, curvature
            Of shape (..., component).
        """

    def _adopt(self, weights: ArrayLike, **parameters: ArrayLike) -> dict[str, Array]:
        """Check weights and parameters and make them of equal length."""
        w = np.atleast_1d(np.asarray(weights, dtype=float))
        arrays = {k: np.atleast_1d(np.asarray(v, dtype=float)) for k, v in parameters.items()}
        checks.finite(weights=w, **arrays)
        if len({a.shape for a in (w, *arrays.values())}) > 1 or w.ndim > 1:
            shapes = {"weights": w.shape, **{k: a.shape for k, a in arrays.items()}}
            raise ValueError(f"The shapes differ, {shapes}: give one number for each component.")
        if (w < 0).any() or abs(w.sum() - 1) > 1e-6:
            raise ValueError(
                f"weights are {w}: give numbers from 0 upwards that add to 1, one a component."
            )
        self.weights = w / w.sum()
        return arrays

    @property
    def components(self) -> int:
        """How many components there are."""
        return len(self.weights)

    @property
    def mean(self) -> float:
        """Mean of the parameter."""
        return float(self.weights @ self._frozen.mean())

    @property
    def sd(self) -> float:
        """Standard deviation of the parameter."""
        frozen = self._frozen
        away = frozen.mean() - self.mean
        return float(np.sqrt(self.weights @ (frozen.var() + away**2)))

    @property
    def support(self) -> tuple[float, float]:
        """Ends of the interval in which the parameter lies."""
        low, high = self._frozen.support()
        return float(np.min(low)), float(np.max(high))

    def logpdf(self, x: ArrayLike) -> Any:
        """Return the log density at each ``x``."""
        columns = self._frozen.logpdf(np.asarray(x, dtype=float)[..., None])
        with np.errstate(divide="ignore"):
            return logsumexp(columns + np.log(self.weights), axis=-1)

    def pdf(self, x: ArrayLike) -> Any:
        """Return the density at each ``x``."""
        return np.exp(self.logpdf(x))

    def cdf(self, x: ArrayLike) -> Any:
        """Return the probability of at most ``x``."""
        return self._frozen.cdf(np.asarray(x, dtype=float)[..., None]) @ self.weights

    def sf(self, x: ArrayLike) -> Any:
        """Return the probability of more than ``x``."""
        return self._frozen.sf(np.asarray(x, dtype=float)[..., None]) @ self.weights

    def quantile(self, q: ArrayLike) -> Any:
        """Return the quantile at each probability ``q``, by bisection to the last digits."""
        levels = np.asarray(q, dtype=float)
        if not np.all((levels >= 0) & (levels <= 1)):
            raise ValueError(f"q is {levels}: give probabilities between 0 and 1.")
        each = self._frozen.ppf(levels[..., None])[..., self.weights > 0]
        low, high = each.min(axis=-1), each.max(axis=-1)
        for _ in range(BISECTIONS):
            with np.errstate(invalid="ignore"):
                middle = np.where(low == high, low, (low + high) / 2)
            if np.all((middle == low) | (middle == high)):
                break
            below = self.cdf(middle) < levels
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return high[()]

    def ppf(self, q: ArrayLike) -> Any:
        """Return quantiles, by SciPy's name; see `quantile`."""
        return self.quantile(q)

    def probability(self, event: str) -> float:
        """Return the probability of an event about the parameter, such as ``"theta > 0.5"``."""
        return float(parse_event(event, {self.parameter: ()}, {}).probability(self))

    def rvs(self, size: int, random_state: Any = None) -> Array:
        """Draw independently, shape (size,).

        Parameters
        ----------
        size : int
        random_state
            Anything that `numpy.random.default_rng` takes.
        """
        rng = np.random.default_rng(random_state)
        which = rng.choice(self.components, size, p=self.weights)
        each = {k: v[which] for k, v in self._parameters.items()}
        one = type(self)(**self._with(np.full(size, 1 / size), each))
        return np.asarray(one._frozen.rvs(random_state=rng))

    def log_marginal(self, *data: ArrayLike) -> Any:
        """Return the log probability (density, for a mean) of data; arguments as `posterior`'s.

        Arguments may be arrays, and broadcast.
        """
        arrays = np.broadcast_arrays(*(np.asarray(d, dtype=float) for d in data))
        self._check_data(*arrays)
        _, log_m = self._updated(*(a[..., None] for a in arrays))
        with np.errstate(divide="ignore"):
            return logsumexp(log_m + np.log(self.weights), axis=-1)

    def _posterior(self, *data: float) -> Self:
        arrays = [np.asarray(d, dtype=float) for d in data]
        if any(a.ndim for a in arrays):
            raise ValueError("posterior() takes one outcome: give numbers, or loop over them.")
        self._check_data(*arrays)
        updated, log_m = self._updated(*arrays)
        with np.errstate(divide="ignore"):
            log_w = np.log(self.weights) + log_m
        weights = np.exp(log_w - logsumexp(log_w))
        return type(self)(**self._with(weights, updated))

    def _with(self, weights: Array, parameters: dict[str, Array]) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"weights": weights, **parameters}

    def _robustified(self, weight: float, **component: float) -> Self:
        if not 0 <= weight <= 1:
            raise ValueError(f"weight is {weight}: the robust component's is between 0 and 1.")
        own = self._parameters
        return self._joined(type(self)(**self._with(np.ones(1), _columns(component, own))), weight)

    def _joined(self, other: Self, weight: float) -> Self:
        """Return the mixture of this one and, with ``weight``, another of its kind."""
        mine, others = self._parameters, other._parameters
        parameters = {k: np.concatenate([mine[k], others[k]]) for k in mine}
        weights = np.concatenate([(1 - weight) * self.weights, weight * other.weights])
        return type(self)(**self._with(weights, parameters))

    def __repr__(self) -> str:
        """Return the components with their weights."""
        columns = self._parameters
        rows = [
            f"{w:.4g} ({', '.join(f'{v[k]:.5g}' for v in columns.values())})"
            for k, w in enumerate(self.weights)
        ]
        return f"{type(self).__name__}[{', '.join(columns)}]: {' + '.join(rows)}"


def _columns(component: dict[str, float], own: dict[str, Array]) -> dict[str, Array]:
    return {name: np.array([component[name]], dtype=float) for name in own}
