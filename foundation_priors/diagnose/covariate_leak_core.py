"""Predicting an outcome from columns, each row by a fit without it; NumPy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

__all__ = ["accuracy", "features", "follow", "gained", "predicted"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int_]

COMMON, MOST = 0.04, 8
"""Least share of the rows with the same value for it to be a feature, and the most of these."""
RIDGE = 1.0


def features(columns: Mapping[str, np.ndarray]) -> Floats:
    """Return what a linear fit may use of columns: their values, and which rows share a value.

    A value that many rows share, such as the default of a form, can tell an outcome where the size
    of the value does not.

    Parameters
    ----------
    columns : mapping of str to array, shape (row,)

    Returns
    -------
    array, shape (row, feature)
        Standardised; no constant ones.

    Examples
    --------
    >>> features({"wait": np.array([69, 69, 69, 40, 45, 10])}).shape
    (6, 5)
    """
    parts = []
    for values in columns.values():
        known, counts = np.unique(values, return_counts=True)
        if np.asarray(values).dtype.kind in "biuf":
            parts.append(np.asarray(values, dtype=float))
        often = np.argsort(-counts, kind="stable")[:MOST]
        parts += [
            (values == known[i]).astype(float) for i in often if counts[i] > COMMON * len(values)
        ]
    if not parts:
        return np.empty((len(next(iter(columns.values()), [])), 0))
    table = np.column_stack(parts)
    table = table[:, np.ptp(table, axis=0) > 0]
    return (table - table.mean(axis=0)) / table.std(axis=0)


def predicted(x: Floats, y: np.ndarray, levels: int | None, folds: Ints) -> Floats:
    """Predict each row by a ridge fit to the other folds.

    Parameters
    ----------
    x : array, shape (row, feature)
    y : array, shape (row,)
        Levels from 0, or numbers.
    levels : int or None
        None for numbers.
    folds : array of int, shape (row,)

    Returns
    -------
    array, shape (row, level) or (row,)
        Probabilities, or means.
    """
    out = np.zeros((len(y), levels) if levels else len(y))
    for fold in np.unique(folds):
        inside, outside = folds != fold, folds == fold
        fit = _levels if levels else _numbers
        out[outside] = fit(x[inside], y[inside], x[outside], levels or 0)
    return out


def _levels(x: Floats, y: np.ndarray, new: Floats, levels: int) -> Floats:
    size = x.shape[1] + 1
    one, design = np.ones((len(x), 1)), np.eye(levels)[y]
    wide = np.hstack([one, x])

    def loss(flat: Floats) -> tuple[float, Floats]:
        b = flat.reshape(size, levels)
        eta = wide @ b
        slope = wide.T @ (softmax(eta, axis=1) - design)
        slope[1:] += RIDGE * b[1:]
        value = -(design * log_softmax(eta, axis=1)).sum() + RIDGE * (b[1:] ** 2).sum() / 2
        # The intercepts' common shift is held, lightly, where it has no meaning.
        return value + 1e-3 * (b[0] ** 2).sum() / 2, (
            slope + 1e-3 * np.eye(size)[:, :1] * b
        ).ravel()

    b = minimize(loss, np.zeros(size * levels), jac=True, method="L-BFGS-B").x
    return softmax(np.hstack([np.ones((len(new), 1)), new]) @ b.reshape(size, levels), axis=1)


def _numbers(x: Floats, y: np.ndarray, new: Floats, levels: int) -> Floats:
    centre = y.mean()
    b = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (y - centre))
    return centre + new @ b


def accuracy(said: Floats, y: np.ndarray) -> float:
    """Return the share of right levels, or the share of the variance that is explained."""
    return float(_right(said, y).mean())


def gained(more: Floats, less: Floats, y: np.ndarray) -> tuple[float, float]:
    """Return by how much one set of predictions is more accurate than another, and its error.

    The standard error is that of the mean difference over rows, which are compared in pairs.
    """
    gain = _right(more, y) - _right(less, y)
    return float(gain.mean()), float(gain.std(ddof=1) / np.sqrt(len(gain)))


def _right(said: Floats, y: np.ndarray) -> Floats:
    """Return of each row what its prediction adds to `accuracy`, the mean."""
    if said.ndim == 2:
        return (said.argmax(axis=1) == y).astype(float)
    return 1 - (y - said) ** 2 / y.var()


def follow(
    said: Floats, hint: Floats, strata: Ints, rng: np.random.Generator, size: int = 4999
) -> tuple[float, float, float]:
    """Test whether answers follow a hint, against answers permuted within strata.

    Parameters
    ----------
    said, hint : arrays, shape (unit, ...)
        What is said of each unit, and what the columns outside add to its prediction.
    strata : array of int, shape (unit,)

    Returns
    -------
    tuple of float
        The mean product of the two, its mean when permuted, and the chance of as large a one.
    """
    said, hint = said.reshape(len(said), -1), hint.reshape(len(hint), -1)
    seen = float((said * hint).sum() / len(said))
    drawn = np.empty(size)
    order = np.argsort(strata, kind="stable")
    for i in range(size):
        mixed = np.lexsort((rng.random(len(said)), strata))
        drawn[i] = (said[order] * hint[mixed]).sum() / len(said)
    p = (1 + (drawn >= seen - 1e-12).sum()) / (size + 1)
    return seen, float(drawn.mean()), float(p)
