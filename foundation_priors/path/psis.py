r"""Pareto-smoothed importance weights of many sets at once, in NumPy.

The largest M of S weights are replaced by quantiles of a generalised Pareto distribution fitted to
them, whose shape :math:`\hat k` says whether the weights can be relied on [1]_; the fit is the
empirical Bayes one of [2]_. ArviZ does the same for one set after the other; leaving out each of
thousands of rows at each of many weights takes all at once.

References
----------
.. [1] A. Vehtari, D. Simpson, A. Gelman, Y. Yao and J. Gabry (2024). Pareto smoothed importance
   sampling. JMLR 25(72). arXiv:1507.02646
.. [2] J. Zhang and M. A. Stephens (2009). A new and efficient estimation method for the
   generalized Pareto distribution. Technometrics 51. doi:10.1198/tech.2009.08017
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["pareto_k", "smoothed"]

type Floats = NDArray[np.float64]

LEAST = 5
"""Fewest weights that a tail can have."""
CELLS = 500_000
"""Largest size of an intermediate array of a fit: more do not stay in a processor's cache."""
PRIOR_SHAPE, PRIOR_SCALE = 10, 3
NEGLIGIBLE = 10 * np.finfo(float).eps


def pareto_k(log_weights: Floats) -> Floats:
    r"""Return :math:`\hat k` of each set of weights.

    Parameters
    ----------
    log_weights : array, shape (set, draw)

    Returns
    -------
    array, shape (set,)
        -inf where the tail is too short to be fitted or its weights are all the same.
    """
    return _tails(log_weights)[2]


def smoothed(log_weights: Floats) -> tuple[Floats, Floats]:
    r"""Return smoothed log weights, up to a constant for each set, and :math:`\hat k`.

    Parameters
    ----------
    log_weights : array, shape (set, draw)

    Returns
    -------
    array, shape (set, draw)
        The largest weight is at most 1. Where the tail cannot be fitted, weights are as they were.
    array, shape (set,)
        As of `pareto_k`.
    """
    out = log_weights - log_weights.max(axis=1, keepdims=True)
    places, tail, k, sigma, cutoff = _tails(out)
    fitted = np.isfinite(k)
    if not fitted.any():
        return out, k
    size = tail.shape[1]
    k_, sigma_ = k[fitted, None], np.where(sigma > 0, sigma, np.nan)[fitted, None]
    log_p = np.log1p(-np.arange(0.5, size) / size)
    with np.errstate(invalid="ignore", divide="ignore"):
        rise = np.where(k_ == 0, -log_p, np.expm1(-k_ * log_p) / k_)
        values = np.log(cutoff[fitted, None] + sigma_ * rise)
    values = np.where(values > tail[fitted, -1:], tail[fitted, -1:], values)
    np.put_along_axis(out, places, np.where(fitted[:, None], _put(tail, fitted, values), tail), 1)
    return out, k


def _put(tail: Floats, fitted: NDArray[np.bool_], values: Floats) -> Floats:
    out = tail.copy()
    out[fitted] = values
    return out


def _tails(rows: Floats) -> tuple[NDArray[np.intp], Floats, Floats, Floats, Floats]:
    """Return where each set's tail is, its log weights in order, k, sigma and the cutoff."""
    count, draws = rows.shape
    size = int(3 * np.sqrt(draws) if draws > 225 else draws / 5)
    k, sigma = np.full(count, -np.inf), np.full(count, np.nan)
    if size < LEAST:
        return np.zeros((count, 0), int), np.zeros((count, 0)), k, sigma, sigma
    order = np.argpartition(rows, draws - size - 1, axis=1)
    places = order[:, draws - size :]
    tail = np.take_along_axis(rows, places, 1)
    inner = np.argsort(tail, axis=1)
    places, tail = np.take_along_axis(places, inner, 1), np.take_along_axis(tail, inner, 1)
    top = rows.max(axis=1)
    last = np.take_along_axis(rows, order[:, [draws - size - 1]], 1)[:, 0]
    cutoff = np.exp(last - top)
    varied = ~(np.abs(tail[:, -1] - tail[:, 0]) < np.finfo(float).tiny)
    excess = np.exp(tail[varied] - top[varied, None]) - cutoff[varied, None]
    step = max(1, CELLS // (size * _grid_size(size)))
    parts = [_fit(excess[i : i + step]) for i in range(0, len(excess), step)]
    if parts:
        k[varied], sigma[varied] = (np.concatenate(p) for p in zip(*parts, strict=True))
    return places, tail, k, sigma, cutoff


def _grid_size(size: int) -> int:
    return 30 + int(size**0.5)


def _fit(x: Floats) -> tuple[Floats, Floats]:
    """Return shape and scale of a generalised Pareto distribution for each row, in order."""
    n, many = x.shape[1], _grid_size(x.shape[1])
    quarter = x[:, int((n / 4 + 0.5) - 1)]
    far = quarter <= x[:, 0]  # from any generalised Pareto distribution
    spread = 1 - np.sqrt(many / (np.arange(1, many + 1) - 0.5))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        b = spread / (PRIOR_SCALE * quarter[:, None]) + 1 / x[:, -1:]
        k = np.log1p(-b[:, :, None] * x[:, None]).mean(axis=2)
        height = n * (np.log(-b / k) - k - 1)
        w = np.exp(height - height.max(axis=1, keepdims=True))
        w /= w.sum(axis=1, keepdims=True)
        w = np.where(w >= NEGLIGIBLE, w, 0.0)
        w /= w.sum(axis=1, keepdims=True)
        mean = (np.where(w > 0, b, 0.0) * w).sum(axis=1)
        shape = np.log1p(-mean[:, None] * x).mean(axis=1)
        sigma = -shape / mean
    shape = (n * shape + PRIOR_SHAPE * 0.5) / (n + PRIOR_SHAPE)
    unknown = np.isnan(shape)
    shape, sigma = np.where(unknown, np.inf, shape), np.where(unknown, np.nan, sigma)
    return np.where(far, np.nan, shape), np.where(far, np.nan, sigma)
