r"""Fisher-Rao arc length along a path of trust, :math:`\int sd_L(\ell)\, dL`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["even_grid", "length", "power_law"]

type Floats = NDArray[np.float64]


def power_law(
    sd_start: float, sd_end: float, rise: float, reach: float
) -> Callable[[Floats], Floats]:
    r"""Guess :math:`sd_t(\ell)` on ``[0, reach]`` from what is known at its ends.

    Parameters
    ----------
    sd_start, sd_end : float
        Standard deviation of ell at 0 and at ``reach``.
    rise : float
        Mean of ell at ``reach`` less that at 0, which is :math:`\int sd_t^2 dt`.
    reach : float
        Length of the interval.

    Returns
    -------
    callable
        :math:`t \mapsto a (1 + t/\tau)^{-p}`, with :math:`\tau` and p such that all three hold.
        It is exact, with p = 1, for a Gaussian model under a wide prior.

    Examples
    --------
    >>> sd = power_law(4.0, 1.0, 4.0, 1.0)
    >>> [round(float(s), 3) for s in sd(np.array([0.0, 0.5, 1.0]))]
    [4.0, 1.6, 1.0]
    """
    from scipy.optimize import brentq

    ratio = max(sd_start, 1e-12) / max(sd_end, 1e-12)
    if ratio <= 1.01:
        return lambda t: sd_start + (sd_end - sd_start) * t / reach

    def shape(log_tau: float) -> tuple[float, float]:
        tau = np.exp(log_tau)
        return tau, np.log(ratio) / np.log1p(reach / tau)

    def excess(log_tau: float) -> float:
        tau, p = shape(log_tau)
        grow = (1 - 2 * p) * np.log1p(reach / tau)
        area = sd_start**2 * tau * (grow and np.expm1(grow) / (1 - 2 * p))
        return np.log(area) - np.log(rise)

    low, high = np.log(reach) - 40.0, np.log(reach) + 10.0
    if np.isfinite(rise) and rise > 0 and excess(low) * excess(high) < 0:
        tau, p = shape(brentq(excess, low, high))
    else:
        tau, p = reach / (ratio - 1), 1.0
    return lambda t: sd_start * (1 + t / tau) ** -p


def _nodes(reach: float) -> Floats:
    return np.concatenate([[0.0], reach * np.geomspace(1e-9, 1.0, 600)])


def _cumulative(sd: Callable[[Floats], Floats], nodes: Floats) -> Floats:
    heights = sd(nodes)
    steps = np.diff(nodes) * (heights[1:] + heights[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(steps)])


def length(sd: Callable[[Floats], Floats], reach: float) -> float:
    """Return the arc length of ``[0, reach]``."""
    return float(_cumulative(sd, _nodes(reach))[-1])


def even_grid(sd: Callable[[Floats], Floats], reach: float, size: int) -> Floats:
    """Return ``size`` points of ``[0, reach]``, evenly spaced in arc, the ends exact.

    Examples
    --------
    >>> even_grid(lambda t: np.ones_like(t), 2.0, 5).round(3).tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    nodes = _nodes(reach)
    arc = _cumulative(sd, nodes)
    arc = arc + np.linspace(0, 1e-9 * max(arc[-1], 1e-300), len(arc))
    grid = np.interp(np.linspace(0, arc[-1], size), arc, nodes)
    grid[[0, -1]] = 0.0, reach
    return grid
