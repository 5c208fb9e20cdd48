r"""Densities of draws under many weights, in NumPy.

A draw's weight at every trust is known, so the density of a quantity at a trust is a kernel
estimate with those weights, :math:`\hat f_L(x) = \sum_n w_n(L)\, K_h(x - x_n)`, here from a fine
histogram. Near the ends of the draws' range, which may be bounds of the quantity, the kernel is the
local linear one [1]_.

References
----------
.. [1] M. C. Jones (1993). Simple boundary correction for kernel density estimation. Statistics and
   Computing 3. doi:10.1007/BF00147776
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["densities", "ends"]

type Floats = NDArray[np.float64]

BINS = 512
TAIL = 0.001
"""Of each tail that is left out of the grid."""
NARROWEST = 1e-9


def ends(values: Floats, quantiles: Floats) -> tuple[float, float]:
    """Return the ends of a grid that holds all but the tails at every weight.

    Parameters
    ----------
    values : array, shape (draw,)
    quantiles : array, shape (weight, 2)
        Of the tails.
    """
    low, high = float(quantiles.min()), float(quantiles.max())
    room = 0.04 * (high - low)
    if not room > 0:
        room = max(abs(low), 1.0) * 1e-3
    # A range that ends just beyond the grid is a boundary, which the grid should show.
    least, most = float(np.min(values)), float(np.max(values))
    return max(low - room, least), min(high + room, most)


def densities(values: Floats, weights: Floats, low: float, high: float, points: int) -> Floats:
    r"""Return the density at every weight on a grid between two ends.

    Parameters
    ----------
    values : array, shape (draw,)
    weights : array, shape (weight, draw)
        Normalised.
    low, high : float
        The ends of the grid.
    points : int
        Of the grid.

    Returns
    -------
    array, shape (weight, point)

    Notes
    -----
    The bandwidth is Scott's, :math:`1.06 \min(sd, IQR/1.34)\, n_{eff}^{-1/5}` with Kish's
    effective size :math:`1/\sum w^2`.
    """
    least, most = float(np.min(values)), float(np.max(values))
    if not most > least:
        return np.zeros((len(weights), points))
    inner_low, inner_high = max(least, 2 * low - high), min(most, 2 * high - low)
    edges = np.linspace(inner_low, inner_high, BINS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    at = np.floor((values - inner_low) / (inner_high - inner_low) * BINS).astype(int)
    inside = (at >= 0) & (at <= BINS)
    at = np.minimum(at[inside], BINS - 1)
    x = np.linspace(low, high, points)
    out = np.empty((len(weights), points))
    for row, w in enumerate(weights):
        mass = np.bincount(at, w[inside], BINS)
        width = max(_bandwidth(middle, mass, w), (edges[1] - edges[0]) / 2, NARROWEST)
        out[row] = _kernel(x, middle, width, least, most) @ mass
    return np.maximum(out, 0.0)


def _bandwidth(middle: Floats, mass: Floats, weights: Floats) -> float:
    total = mass.sum()
    if not total > 0:
        return 0.0
    p = mass / total
    centre = p @ middle
    sd = float(np.sqrt(p @ (middle - centre) ** 2))
    lower, upper = np.interp([0.25, 0.75], np.cumsum(p), middle)
    spread = min(sd, (upper - lower) / 1.34) if upper > lower else sd
    return float(1.06 * spread * float(weights @ weights) ** 0.2)


def _kernel(x: Floats, centre: Floats, width: float, least: float, most: float) -> Floats:
    """Return the kernel of each centre at each x, unbiased to first order at two bounds."""
    low, high = (x - most) / width, (x - least) / width
    p_low, p_high = (np.exp(-0.5 * u * u) / np.sqrt(2 * np.pi) for u in (low, high))
    zeroth = np.maximum(ndtr(high) - ndtr(low), NARROWEST)
    first = p_low - p_high
    second = zeroth + low * p_low - high * p_high
    z = (x[:, None] - centre) / width
    normal = np.exp(-0.5 * z * z) / (width * np.sqrt(2 * np.pi))
    scale = np.maximum(zeroth * second - first**2, NARROWEST)
    return (second[:, None] - first[:, None] * z) * normal / scale[:, None]
