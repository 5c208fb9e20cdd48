r"""Agreement of sources over items against shuffled pairs, in NumPy.

Every answer is a vector :math:`\phi` in which disagreement is half the squared distance: an
indicator of its level, a number over the standard deviation of all, a centred embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cells", "cells", "compare", "seen_by"]

type Floats = NDArray[np.float64]
type Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Cells:
    """Sums over the answers of a source to an item.

    ``count`` and ``square`` have shape (source, item), ``total`` (source, item, column).
    """

    count: Floats
    square: Floats
    total: Floats


def cells(features: Floats, source: Codes, item: Codes) -> Cells:
    """Sum vectors and squared lengths by source and item."""
    shape = (int(source.max()) + 1, int(item.max()) + 1)
    at = source * shape[1] + item
    n = shape[0] * shape[1]
    total = np.stack([np.bincount(at, col, n) for col in features.T], axis=1)
    square = np.bincount(at, (features**2).sum(axis=1), n)
    count = np.bincount(at, minlength=n).astype(float)
    return Cells(count.reshape(shape), square.reshape(shape), total.reshape(*shape, -1))


def compare(
    data: Cells, a: int, b: int, rng: np.random.Generator, shuffles: int
) -> tuple[Floats, float, Floats]:
    """Compare two sources, or a source with itself.

    Parameters
    ----------
    data : Cells
    a, b : int
    rng : numpy.random.Generator
    shuffles : int

    Returns
    -------
    array
        Mean disagreement on each item that both answered (of different answers of one source).
    float
        Mean disagreement over all pairs of different items.
    array
        Mean disagreements after random pairings of items, shape (shuffle,).
    """
    seen = seen_by(data, a, b)
    n = [data.count[k][seen] for k in (a, b)]
    mean = [data.total[k][seen] / m[:, None] for k, m in zip((a, b), n, strict=True)]
    square = [data.square[k][seen] / m for k, m in zip((a, b), n, strict=True)]
    cross = mean[0] @ mean[1].T
    distance = 0.5 * (square[0][:, None] + square[1][None]) - cross
    items = len(distance)
    matched = np.diag(distance).copy()
    if a == b:
        matched *= n[0] / (n[0] - 1)  # an answer is not compared with itself
    if items < 2:
        return matched, np.nan, np.full(shuffles, np.nan)
    floor = (distance.sum() - np.trace(distance)) / (items * (items - 1))
    rows = np.arange(items)
    shuffled = np.array([distance[rows, rng.permutation(items)].mean() for _ in range(shuffles)])
    return matched, float(floor), shuffled


def seen_by(data: Cells, a: int, b: int) -> NDArray[np.bool_]:
    """Return which items two sources both answered, or one source more than once."""
    least = 2 if a == b else 1
    return (data.count[a] >= least) & (data.count[b] >= least)
