"""The normal-inverse-gamma algebra behind the three normal families."""

from abc import abstractmethod
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import gammaln, polygamma, psi

from foundation_priors.conjugate.base import ConjugatePath

__all__ = ["NormalConjugate", "RegressionRows", "least_squares", "positive"]

Array = NDArray[np.float64]


class RegressionRows(NamedTuple):
    """Sufficient statistics of a normal linear regression, weighted for answers.

    Attributes
    ----------
    gram
        X'WX, shape ``(coefficient, coefficient)``.
    fit
        A least squares solution, shape ``(coefficient,)``.
    squares
        Weighted sum of squared residuals of that fit.
    rows
        Sum of the weights.
    """

    gram: Array
    fit: Array
    squares: float
    rows: float


def least_squares(X: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> RegressionRows:
    """Summarise weighted rows.

    Residuals are summed about the fit and not as y'y - b'X'y, which would lose all digits where
    outcomes are large against their spread.

    Examples
    --------
    >>> from foundation_priors.conjugate.normal_core import least_squares
    >>> rows = least_squares([[1, 0], [1, 1], [1, 2]], [1.0, 2.0, 4.0])
    >>> rows.fit.round(3), round(rows.squares, 4)
    (array([0.833, 1.5  ]), 0.1667)
    """
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    w = np.ones_like(y) if weight is None else np.asarray(weight, dtype=float)
    root = np.sqrt(w)
    fit = np.linalg.lstsq(X * root[:, None], y * root, rcond=None)[0]
    residual = y - X @ fit
    return RegressionRows((X.T * w) @ X, fit, float(w @ residual**2), float(w.sum()))


class _State(NamedTuple):
    """Updated parameters at each trust; `squares` per block about the posterior mean."""

    mean: Array
    precision: Array
    a: Array
    b: Array
    squares: Array


class NormalConjugate(ConjugatePath):
    r"""Normal rows with a normal prior, the residual scale known or inverse-gamma.

    With precision :math:`\Lambda = \Lambda_0 + \sum_k w_k G_k` in units of the residual variance
    and mean :math:`m`, the update keeps :math:`b = b_0 + \frac12 (m - m_0)'\Lambda_0 (m - m_0) +
    \frac12 \sum_k w_k S_k(m)`, a sum of positive terms, with :math:`S_k(m)` the sum of squares of
    block k about :math:`m`. A known scale is the case in which b only enters the normaliser.
    """

    @property
    @abstractmethod
    def _blocks(self) -> tuple[RegressionRows, ...]:
        """Real rows, then each source's."""

    @property
    @abstractmethod
    def _primitive(self) -> tuple[Array, Array, float, float]:
        """Prior mean, prior precision times the residual variance, and a, b of the variance."""

    @property
    @abstractmethod
    def _known_sigma(self) -> float | None:
        """Residual standard deviation where it is known."""

    @property
    @abstractmethod
    def _location(self) -> str:
        """Name of the mean or coefficients."""

    @cached_property
    def _stacked(self) -> tuple[Array, Array, Array, Array]:
        gram, fit, squares, rows = zip(*self._blocks, strict=True)
        return np.stack(gram), np.stack(fit), np.array(squares), np.array(rows)

    def _state(self, weights: Array) -> _State:
        gram, fit, squares, rows = self._stacked
        mean0, precision0, a0, b0 = self._primitive
        precision = precision0 + np.einsum("tk,kij->tij", weights, gram)
        pull = np.einsum("tk,kij,kj->ti", weights, gram, fit - mean0, optimize=True)
        shift = np.linalg.solve(precision, pull[..., None])[..., 0]
        gap = (mean0 + shift)[:, None, :] - fit
        about = squares + np.einsum("tki,kij,tkj->tk", gap, gram, gap, optimize=True)
        quadratic = np.einsum("ti,ij,tj->t", shift, precision0, shift, optimize=True)
        b = b0 + (quadratic + np.einsum("tk,tk->t", weights, about)) / 2
        return _State(mean0 + shift, precision, a0 + weights @ rows / 2, b, about)

    def _log_z(self, weights: Array) -> Array:
        state, sigma = self._state(weights), self._known_sigma
        _, precision0, a0, b0 = self._primitive
        rows = weights @ self._stacked[3]
        shape = (np.linalg.slogdet(precision0)[1] - np.linalg.slogdet(state.precision)[1]) / 2
        flat = shape - rows * np.log(2 * np.pi) / 2
        if sigma is not None:
            return np.asarray(flat - rows * np.log(sigma) - state.b / sigma**2)
        primitive = a0 * np.log(b0) - gammaln(a0)
        return np.asarray(flat + primitive + gammaln(state.a) - state.a * np.log(state.b))

    def _ell_variance(self, weights: Array) -> Array:
        gram, fit, _, rows = self._stacked
        state, sigma = self._state(weights), self._known_sigma
        total, n = gram[1:].sum(axis=0), rows[1:].sum()
        gap = fit[1:] - state.mean[:, None, :]
        slope = np.einsum("kij,tkj->ti", gram[1:], gap, optimize=True)
        spread = np.linalg.solve(state.precision, np.broadcast_to(total, state.precision.shape))
        curve = np.einsum("tij,tji->t", spread, spread) / 2
        toward = np.linalg.solve(state.precision, slope[..., None])[..., 0]
        tilt = np.einsum("ti,ti->t", slope, toward)
        if sigma is not None:
            return np.asarray(curve + tilt / sigma**2)
        a, ratio = state.a, state.a / state.b
        scale = (n - state.squares[:, 1:].sum(axis=1) * ratio) ** 2 / (4 * a)
        return np.asarray(curve + ratio * tilt + scale + n**2 / 4 * (polygamma(1, a) - 1 / a))

    def _moments(self, name: str, weights: Array) -> tuple[Array, Array]:
        state = self._state(weights)
        if name == "sigma":
            return _sigma_moments(state.a, state.b)
        sd = self._unit_sd(state) * (self._known_sigma or _root_mean_variance(state))
        return self._shaped(state.mean), self._shaped(sd)

    def _marginal(self, name: str, weights: Array) -> Any:
        state = self._state(weights)
        if name == "sigma":
            return _sigma(state.a, state.b)
        unit, location = self._unit_sd(state), self._shaped(state.mean)
        if self._known_sigma is not None:
            return stats.norm(location, self._known_sigma * self._shaped(unit))
        scale = unit * np.sqrt(state.b / state.a)[:, None]
        df = np.broadcast_to(2 * state.a[:, None], scale.shape)
        return stats.t(self._shaped(df), location, self._shaped(scale))

    def _unit_sd(self, state: _State) -> Array:
        """Return standard deviations per unit of residual scale, ``(trust, coefficient)``."""
        return np.sqrt(np.diagonal(np.linalg.inv(state.precision), axis1=1, axis2=2))

    def _joint(self, weights: Array) -> dict[str, Any]:
        mean, precision, a, b, _ = self._state(weights[None])
        if self._scalar:
            frozen = {name: self._marginal(name, weights[None]) for name in self.parameters}
            return {k: _first(v) for k, v in frozen.items()}
        cov, sigma = np.linalg.inv(precision[0]), self._known_sigma
        if sigma is not None:
            return {self._location: stats.multivariate_normal(mean[0], sigma**2 * cov)}
        spread = stats.multivariate_t(mean[0], cov * (b[0] / a[0]), df=2 * float(a[0]))
        return {self._location: spread, "sigma": _first(_sigma(a, b))}

    def _draw(self, weights: Array, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        mean, precision, a, b, _ = self._state(weights[None])
        known = self._known_sigma
        sigma = np.full(draws, known) if known else np.sqrt(b / rng.gamma(a, size=draws))
        unit = np.linalg.solve(
            np.linalg.cholesky(precision[0]).T, rng.standard_normal((mean.shape[1], draws))
        )
        location = self._shaped(mean[0] + sigma[:, None] * unit.T)
        return {self._location: location} | ({} if known else {"sigma": sigma})

    def _worth(self) -> Array:
        gram, fit, squares, rows = self._stacked
        information = gram
        state = self._state(np.eye(1, len(rows)))
        cov = np.linalg.inv(state.precision[0])
        if self._known_sigma is None:
            information = _with_log_sigma(gram, fit, squares, state)
            cov = _unconstrained_cov(cov, float(state.a[0]), float(state.b[0]))
        return _relative(information, cov) * rows[0] if rows[0] else rows[1:]

    @property
    def _scalar(self) -> bool:
        return not self._dims[self._location]

    def _shaped(self, values: Array) -> Array:
        return values[:, 0] if self._scalar else values


def _with_log_sigma(gram: Array, fit: Array, squares: Array, state: _State) -> Array:
    """Minus the Hessians of each block in (coefficients, log sigma) at the posterior mean."""
    gap = fit - state.mean[0]
    precision = np.exp(psi(state.a[0])) / state.b[0]
    cross = 2 * np.einsum("kij,kj->ki", gram, gap)
    corner = 2 * (squares + np.einsum("ki,kij,kj->k", gap, gram, gap))
    top = np.concatenate([gram, cross[:, :, None]], axis=2)
    bottom = np.concatenate([cross, corner[:, None]], axis=1)
    return np.asarray(precision * np.concatenate([top, bottom[:, None, :]], axis=1))


def _unconstrained_cov(cov: Array, a: float, b: float) -> Array:
    size = len(cov)
    full = np.zeros((size + 1, size + 1))
    # Below one degree of freedom the variance is infinite; the scale stands in for it.
    full[:size, :size] = cov * b / (a - 1 if a > 1 else a)
    full[size, size] = polygamma(1, a) / 4
    return full


def _relative(information: Array, cov: Array) -> Array:
    """Information of the sources per information of the real rows, per dimension."""
    real, sources = information[0], information[1:]
    if positive(real):
        sign, log_det = np.linalg.slogdet(sources)
        ratio = np.exp((log_det - np.linalg.slogdet(real)[1]) / len(real))
    else:
        sign, ratio = np.zeros(len(sources)), np.zeros(len(sources))
    trace = np.einsum("ij,kji->k", cov, sources) / np.einsum("ij,ji->", cov, real)
    definite = (sign > 0) & np.array([positive(block) for block in sources])
    return np.where(definite, ratio, trace)


def positive(matrix: Array) -> bool:
    """Say whether a symmetric matrix is positive definite, in whatever units its axes are.

    Rounding leaves eigenvalues of a singular one on either side of 0.
    """
    scale = np.sqrt(np.diag(matrix).clip(0))
    if not (np.isfinite(matrix).all() and scale.all()):
        return False
    least = np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0]
    return bool(least > 10 * len(matrix) * np.finfo(float).eps)


def _sigma(a: Array, b: Array) -> Any:
    """Return the law of sqrt(b / Gamma(a)), the root of an inverse-gamma variance."""
    return stats.gengamma(a, -2, scale=np.sqrt(b))


def _root_mean_variance(state: _State) -> Array:
    """Return the root of E[sigma^2], infinite up to a shape of 1, as a column."""
    excess = np.where(state.a > 1, state.a - 1, 1.0)
    return np.where(state.a > 1, np.sqrt(state.b / excess), np.inf)[:, None]


def _sigma_moments(a: Array, b: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of sigma.

    E[sigma^2] - E[sigma]^2 loses all digits at a large shape, so there the squared ratio of
    Gamma(x + 1/2) to Gamma(x), x = a - 1/2, comes from its series in 1/x.
    """
    x = np.where(a > 0.5, a - 0.5, 1.0)
    exact = np.exp(2 * (gammaln(x + 0.5) - gammaln(x)))
    tail = 1 / (32 * x) + 1 / (128 * x**2) - 5 / (2048 * x**3) - 23 / (8192 * x**4)
    squared = np.where(x > 50, x - 0.25 + tail, exact)
    excess = np.where(x > 50, 0.25 + tail, exact - (x - 0.5))
    below = np.where(a > 1, x - 0.5, 1.0)
    mean, sd = np.sqrt(b / squared), np.sqrt(b * excess / (below * squared))
    return np.where(a > 0.5, mean, np.inf), np.where(a > 1, sd, np.inf)


def _first(frozen: Any) -> Any:
    args = [float(np.ravel(value)[0]) for value in frozen.args]
    kwds = {key: float(np.ravel(value)[0]) for key, value in frozen.kwds.items()}
    return frozen.dist(*args, **kwds)
