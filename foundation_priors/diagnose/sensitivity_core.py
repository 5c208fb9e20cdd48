r"""Distances between two weightings of the same draws, in NumPy.

With P and Q the distribution functions of a quantity under two sets of weights,

.. math:: W_1 = \int |P - Q|\,dx, \qquad CJS = \frac{\int P \log_2\frac{2P}{P+Q} + Q
    \log_2\frac{2Q}{P+Q}\,dx}{\int P + Q\,dx},

where the cumulative Jensen-Shannon distance is the root of the larger CJS of x and of -x [1]_.
Both are functionals whose first-order change is a difference of two means,
:math:`E_P[g] + E_Q[k]` with potentials g and k, so that their errors are those of means.

References
----------
.. [1] N. Kallioinen, T. Paananen, P.-C. Buerkner and A. Vehtari (2024). Detecting and diagnosing
   prior and likelihood sensitivity with power-scaling. Statistics and Computing 34.
   doi:10.1007/s11222-023-10366-5, arXiv:2107.14054
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Distance", "cjs", "order_of", "wasserstein"]

type Floats = NDArray[np.float64]
type Order = NDArray[np.intp]

WIDTH = 4.0
"""Sds to either side of the means over which the cumulative distance is taken: its bound grows with
the range, and that of a sample's extremes, which priorsense takes, is noise. 4,000 draws of a
normal distribution reach about as far."""


@dataclass(frozen=True)
class Distance:
    """A distance with its potentials at every draw, both of shape (draw,)."""

    value: float
    first: Floats
    second: Floats


def order_of(x: Floats) -> Order:
    """Return the order of the draws, which distances under many weights have in common."""
    return np.argsort(x, kind="stable")


def wasserstein(x: Floats, p: Floats, q: Floats, order: Order | None = None) -> Distance:
    """Return the Wasserstein-1 distance between two weightings.

    Parameters
    ----------
    x : array, shape (draw,)
    p, q : array, shape (draw,)
        Normalised weights.
    order : array, optional
        That of ``x``, where it is known: `order_of`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([0.0, 1.0, 3.0])
    >>> wasserstein(x, np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.5, 0.5])).value
    2.0
    """
    order = order_of(x) if order is None else order
    width = np.diff(x[order])
    gap = (np.cumsum(p[order]) - np.cumsum(q[order]))[:-1]
    g = _potential(order, np.append(_above(width * np.sign(gap)), 0.0))
    return Distance(float(np.abs(gap) @ width), g, -g)


def cjs(x: Floats, p: Floats, q: Floats, order: Order | None = None) -> Distance:
    """Return the cumulative Jensen-Shannon distance between two weightings, 0 to 1.

    Parameters
    ----------
    x, p, q, order
        As in `wasserstein`. The integrals go from the lower to the upper end of both weightings'
        means less and plus 4 sds.
    """
    (low, of_low), (high, of_high) = (_edge(x, p, q, side) for side in (-1, 1))
    if not high > low:
        return Distance(0.0, np.zeros_like(x), np.zeros_like(x))
    order = order_of(x) if order is None else order
    width = np.diff(np.clip(x[order], low, high), prepend=low, append=high)
    both = [np.clip(np.append(0.0, np.cumsum(w[order])), 0.0, 1.0) for w in (p, q)]
    up, down = _signed(both[0], both[1], width), _signed(1 - both[0], 1 - both[1], width)
    (value, first, second), sign = (up, 1.0) if up[0] >= down[0] else (down, -1.0)
    slopes = [sign * _potential(order, _above(width * part)[1:]) for part in (first, second)]
    if value > 0:
        # At the end of the range where both functions are 1 the bound grows by 2.
        total = both[0] + both[1] if sign > 0 else 2 - both[0] - both[1]
        by_end = -(value / 2) * (2 / (total @ width))
        end = of_high if sign > 0 else [-part for part in of_low]
        slopes = [slope + by_end * part for slope, part in zip(slopes, end, strict=True)]
    return Distance(value, *slopes)


def _edge(x: Floats, p: Floats, q: Floats, side: int) -> tuple[float, list[Floats]]:
    """Return the outer end of two weightings on one side, and how each draw moves it."""
    means = [w @ x for w in (p, q)]
    sds = [float(np.sqrt(w @ (x - m) ** 2)) for w, m in zip((p, q), means, strict=True)]
    ends = [side * m + WIDTH * s for m, s in zip(means, sds, strict=True)]
    outer = int(np.argmax(ends))
    moves = [np.zeros_like(x), np.zeros_like(x)]
    if sds[outer] > 0:
        moves[outer] = x + side * WIDTH * (x - means[outer]) ** 2 / (2 * sds[outer])
    return float(side * ends[outer]), moves


def _signed(p: Floats, q: Floats, width: Floats) -> tuple[float, Floats, Floats]:
    """Return the distance of two distribution functions, and its slopes by each of them."""
    total = p + q
    with np.errstate(divide="ignore", invalid="ignore"):
        by_p = np.where(p > 0, np.log2(2 * p / total), 0.0)
        by_q = np.where(q > 0, np.log2(2 * q / total), 0.0)
    bound = float(total @ width)
    square = max(float((p * by_p + q * by_q) @ width), 0.0) / bound if bound > 0 else 0.0
    value = float(np.sqrt(square))
    if value == 0.0:
        return 0.0, np.zeros_like(p), np.zeros_like(q)
    scale = 2 * value * bound
    return value, (by_p - square) / scale, (by_q - square) / scale


def _above(slope: Floats) -> Floats:
    """Return the sums of a slope from each place upwards.

    A draw raises the distribution function everywhere from its own place upwards.
    """
    return np.cumsum(slope[::-1])[::-1]


def _potential(order: Order, ordered: Floats) -> Floats:
    """Return for each draw what is known of the draws in order."""
    out = np.empty(len(order))
    out[order] = ordered
    return out
