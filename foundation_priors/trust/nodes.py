r"""Nodes of integrals over a random trust; NumPy in, NumPy out.

With :math:`L = a + (b - a) / (1 + e^{-t})` the integrand decays exponentially on both sides,
whatever mass piles up at the ends, and the trapezoid rule in t converges exponentially [1]_.

References
----------
.. [1] L. N. Trefethen and J. A. C. Weideman (2014). The exponentially convergent trapezoidal rule.
   SIAM Review 56(3). doi:10.1137/130932132
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit

__all__ = ["Nodes", "atoms", "place"]

type Floats = NDArray[np.float64]

NODES = 401
LEFT, RIGHT, STEP = -700.0, 36.0, 0.5
NEGLIGIBLE = 32.0
"""Nats below the top of the integrand: what lies there changes no result by 1e-12."""


@dataclass(frozen=True)
class Nodes:
    """Weights, shape (node, source), their probabilities, and the log of the integral.

    For a density of one weight ``t`` is the coordinate in which they are evenly spaced and
    ``slope`` is dL/dt, each of shape (node,). ``size`` is the number of independent draws that they
    are worth, infinite for a rule of quadrature and for atoms.
    """

    points: Floats
    probability: Floats
    log_integral: float
    t: Floats | None = None
    slope: Floats | None = None
    size: float = np.inf

    @property
    def trust(self) -> Floats:
        """The weight of the only source, shape (node,)."""
        return self.points[:, 0]

    def thinned(self, most: int) -> tuple[Floats, Floats]:
        """Return at most about so many of the nodes that matter, with their probabilities."""
        if self.t is not None:
            # The trapezoid rule with a longer step.
            every = max(1, (len(self.t) - 1) // (most - 1))
            p = self.probability[::every]
            return self.points[::every], p / p.sum()
        if len(self.points) <= most:
            return self.points, self.probability
        order = np.argsort(self.points @ np.ones(self.points.shape[1]))
        level = np.cumsum(self.probability[order])
        chosen = np.searchsorted(level, (np.arange(most) + 0.5) / most * (1 - 1e-12))
        return self.points[order[chosen]], np.full(most, 1 / most)


def atoms(points: Floats, log_mass: Floats) -> Nodes:
    """Return a distribution on a few weights, shape (node, source)."""
    top = log_mass.max()
    mass = np.exp(log_mass - top)
    return Nodes(points, mass / mass.sum(), float(top + np.log(mass.sum())))


def place(
    log_density: Callable[[Floats], Floats], low: float, high: float, name: str = "the prior"
) -> Nodes:
    """Return nodes for a density on ``[low, high]`` of which the log is given.

    Raises
    ------
    ValueError
        When it has no finite integral.
    """

    def height(t: Floats) -> tuple[Floats, Floats, Floats]:
        inner = low + (high - low) * np.exp(log_expit(t))
        trust = np.clip(inner, np.nextafter(low, high), np.nextafter(high, low))
        log_slope = np.log(high - low) + log_expit(t) + log_expit(-t)
        return trust, log_slope, log_density(trust) + log_slope

    coarse = np.arange(LEFT, RIGHT + STEP, STEP)
    rough = height(coarse)[2]
    top = rough.max()
    if not np.isfinite(top) or rough[0] > top - 10 or rough[-1] > top - 6:
        raise ValueError(f"{name} is not normalisable: its integral over the trust is not finite.")
    kept = coarse[rough > top - NEGLIGIBLE]
    t = np.linspace(kept[0] - STEP, kept[-1] + STEP, NODES)
    trust, log_slope, values = height(t)
    top = values.max()
    mass = np.exp(values - top)
    total = mass.sum()
    log_integral = float(top + np.log(total * (t[1] - t[0])))
    return Nodes(trust[:, None], mass / total, log_integral, t, np.exp(log_slope))
