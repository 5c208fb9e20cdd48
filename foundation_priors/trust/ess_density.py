"""Nodes for integrals under any density of one variable of which the log is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["Axis", "Nodes", "at_end", "nodes_of"]

type Floats = NDArray[np.float64]

NODES = 6001
SCAN = 4001
NEGLIGIBLE = 60.0
"""Nats below the top of a density, in the coordinate of the nodes: what lies there is left out."""
STEP = 5e-3
"""Of finite differences, in the width of the density."""
NEAR = 20.0
"""Largest coordinate, since 1 - exp(-20) is the last number whose distance from 1 is precise."""
FLAT = 1e-4
"""Slope of a log density against the log distance from an end, below which it is constant."""


@dataclass(frozen=True)
class Axis:
    """A coordinate without ends, tau, for a variable between ``low`` and ``high``."""

    low: float
    high: float

    def value(self, tau: Floats) -> Floats:
        """Return the variable."""
        if np.isfinite(self.low) and np.isfinite(self.high):
            return self.low + (self.high - self.low) * expit(tau)
        if np.isfinite(self.low):
            return self.low + np.exp(np.minimum(tau, 700))
        if np.isfinite(self.high):
            return self.high - np.exp(np.minimum(-tau, 700))
        return np.asarray(tau, dtype=float)

    def slope(self, value: Floats) -> Floats:
        """Return the variable's derivative by tau."""
        left = value - self.low if np.isfinite(self.low) else None
        right = self.high - value if np.isfinite(self.high) else None
        if left is not None and right is not None:
            return left * right / (self.high - self.low)
        if left is None and right is None:
            return np.ones(np.shape(value))
        return left if left is not None else right  # type: ignore[return-value]

    @property
    def reach(self) -> tuple[float, float]:
        """Where the variable can still be told from its ends, which at 0 is everywhere."""
        low = -NEAR if np.isfinite(self.low) and self.low else -np.inf
        return low, NEAR if np.isfinite(self.high) and self.high else np.inf


@dataclass(frozen=True)
class Nodes:
    """Nodes with the probability at each, shape (node,), and the step of differences in tau."""

    at: Floats
    mass: Floats
    step: float


def nodes_of(log_density: Callable[[Floats], Floats], axis: Axis) -> Nodes:
    """Return nodes for a density.

    Parameters
    ----------
    log_density : callable
        Of the variable itself, up to a constant.
    axis : Axis

    Notes
    -----
    The trapezoid rule in z with tau = centre + scale sinh(z): dense where the density is high, and
    with steps that grow with the distance, so that heavy tails are reached.
    """

    def height(tau: Floats) -> Floats:
        value = axis.value(tau)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            out = log_density(value) + np.log(axis.slope(value))
        return np.where(np.isfinite(out), out, -np.inf)

    tau = np.sinh(np.linspace(-20, 20, SCAN))
    for _ in range(12):
        values = height(tau)
        top = values.max()
        if not np.isfinite(top):
            raise ValueError("The prior's density is 0 or not a number everywhere on its range.")
        kept = np.flatnonzero(values > top - 2)
        if len(kept) > 200:
            break
        tau = np.linspace(tau[max(kept[0] - 1, 0)], tau[min(kept[-1] + 1, len(tau) - 1)], SCAN)
    centre = float(tau[np.argmax(values)])
    scale = max((tau[kept[-1]] - tau[kept[0]]) / 4, 1e-12)
    z = np.linspace(-45, 45, SCAN)
    reach = height(centre + scale * np.sinh(z)) + np.log(np.cosh(z))
    live = np.flatnonzero(reach > reach.max() - NEGLIGIBLE)
    z = np.linspace(z[max(live[0] - 1, 0)], z[min(live[-1] + 1, SCAN - 1)], NODES)
    tau = centre + scale * np.sinh(z)
    log_mass = height(tau) + np.log(np.cosh(z))
    mass = np.exp(log_mass - log_mass.max())
    kept = (mass > 0) & (tau > axis.reach[0]) & (tau < axis.reach[1])
    mass = np.where(kept, mass, 0.0)
    return Nodes(axis.value(tau[kept]), mass[kept] / mass.sum(), STEP * min(scale, 1.0))


def at_end(log_density: Callable[[Floats], Floats], end: float, side: int) -> float:
    """Return the density at an end of its range: 0, finite or infinite.

    ``side`` is 1 for the low end and -1 for the high one.
    """
    if not np.isfinite(end):
        return 0.0
    near = np.array([1e-6, 1e-10]) * (1.0 if end else 1e-20)
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = np.asarray(log_density(end + side * near), dtype=float)
    slope = (first - second) / (np.log(near[0]) - np.log(near[1]))
    if not np.isfinite(slope):
        return 0.0
    if abs(slope) < FLAT:
        return float(np.exp(second))
    return 0.0 if slope > 0 else np.inf
