"""Movement of a mean over revisions, and how much of it points to a target; NumPy alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["extremes", "made_by_refinement", "radius", "share_towards", "steps"]

type Floats = NDArray[np.float64]

DIRECTIONS, KEPT, ROUNDS, TRIES = 1500, 12, 14, 24
"""Of the search for the extremes: points at first, those kept, rounds, points about each."""


def steps(means: Floats, target: float) -> tuple[Floats, Floats]:
    r"""Return how far each step goes towards a target and away from it.

    Parameters
    ----------
    means : array, shape (..., revision)
    target : float

    Returns
    -------
    towards, away : array, shape (..., revision - 1)
        A step that crosses the target is split there, so that they add to its length.

    Examples
    --------
    >>> towards, away = steps(np.array([8.0, 5.0, 6.0, 2.0]), 3.0)
    >>> towards.tolist(), away.tolist()
    ([3.0, 0.0, 3.0], [0.0, 1.0, 1.0])
    """
    offset = np.asarray(means, dtype=float) - target
    before, after = offset[..., :-1], offset[..., 1:]
    near, far = np.abs(before), np.abs(after)
    crosses = before * after < 0
    towards = np.where(crosses, near, np.maximum(near - far, 0.0))
    away = np.where(crosses, far, np.maximum(far - near, 0.0))
    return towards, away


def share_towards(means: Floats, target: float) -> Floats:
    """Return the share of all movement that goes towards a target; nan where nothing moves.

    Examples
    --------
    >>> float(share_towards(np.array([8.0, 5.0, 6.0, 2.0]), 3.0))
    0.75
    """
    towards, away = steps(means, target)
    near, whole = towards.sum(axis=-1), (towards + away).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, near / whole, np.nan)


def made_by_refinement(means: Floats) -> Floats:
    """Return the part of the last mean that revisions made: of first answer and change together.

    Examples
    --------
    >>> float(made_by_refinement(np.array([8.0, 9.0, 12.0])))
    0.3333333333333333
    """
    change = np.abs(means[..., -1] - means[..., 0])
    whole = np.abs(means[..., 0]) + change
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, change / whole, np.nan)


def radius(prob: float, freedom: float) -> float:
    """Return the quantile of Student's t whose central interval has a probability."""
    from scipy.stats import t

    return float(t.ppf((1 + prob) / 2, freedom))


def extremes(
    functional: Callable[[Floats], Floats],
    means: Floats,
    covariance: Floats,
    reach: float,
    random_seed: int = 0,
) -> tuple[float, float]:
    r"""Return the least and greatest value of a functional of means near the observed ones.

    Parameters
    ----------
    functional : callable
        From means of shape (..., revision) to values of shape (...,), nan where undefined.
    means : array, shape (revision,)
    covariance : array, shape (revision, revision)
        Of the errors of the means.
    reach : float
        Standard errors, see `radius`.

    Notes
    -----
    The range of f over :math:`(m - \hat m)^T S^{-1} (m - \hat m) \le r^2`: the interval of f from
    the profile likelihood, and for a linear f exactly the estimate :math:`\pm r` standard errors.

    Examples
    --------
    >>> low, high = extremes(lambda m: m[..., 1] - m[..., 0], np.zeros(2), np.eye(2), 1.0)
    >>> round(low, 3), round(high, 3)
    (-1.414, 1.414)
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    rng = np.random.default_rng(random_seed)

    def at(z: Floats) -> Floats:
        return functional(means + z @ root.T)

    start = rng.normal(size=(DIRECTIONS, len(means)))
    start *= reach / np.linalg.norm(start, axis=-1, keepdims=True)
    inner = start[::3] * rng.uniform(0, 1, (len(start[::3]), 1))
    start = np.concatenate([np.zeros((1, len(means))), start, inner])
    greatest = _climb(at, start, reach, rng)
    least = -_climb(lambda z: -at(z), start, reach, rng)
    return least, greatest


def _climb(
    value: Callable[[Floats], Floats], start: Floats, reach: float, rng: np.random.Generator
) -> float:
    """Return the greatest value in a ball by random steps that get shorter."""
    points, found = start, _defined(value(start))
    width = 0.5 * reach
    for _ in range(ROUNDS):
        best = np.argsort(found)[-KEPT:]
        points, found = points[best], found[best]
        near = points[:, None] + width * rng.normal(size=(len(points), TRIES, points.shape[1]))
        near = near.reshape(-1, points.shape[1])
        size = np.linalg.norm(near, axis=-1, keepdims=True)
        near = near * np.minimum(1.0, reach / np.maximum(size, 1e-300))
        points = np.concatenate([points, near])
        found = np.concatenate([found, _defined(value(near))])
        width *= 0.6
    top = float(found.max())
    return top if np.isfinite(top) else np.nan


def _defined(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, -np.inf)
