"""A density in blocks with nothing between them: of a histogram with empty bins inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foundation_priors.beliefs.density import Density
from foundation_priors.beliefs.johnson import Johnson
from foundation_priors.beliefs.operations import operations
from foundation_priors.beliefs.support import Support

__all__ = ["FLOOR", "Blocks"]

type Floats = NDArray[np.float64]

FLOOR = 1e-9
"""The mass that is spread over everything, so that a gap is improbable and not impossible."""


@dataclass(frozen=True, eq=False)
class Blocks(Density):
    r"""A mixture of densities that end where a gap begins.

    Notes
    -----
    Each run of filled bins is a density of its own, of Johnson's system, through the cumulated
    probabilities at its edges; where a gap lies beside it, the support ends there, and the middle
    of the last bin is taken for the bin's median. A mass of 1e-9 is spread over the whole support,
    so that the log density in a gap is finite, about 20 nats below its surroundings.

    Attributes
    ----------
    support : Support
    parts : tuple of Johnson
        The blocks, on supports of their own, and last the one that is spread over everything.
    weights : array, shape (part,)
        They add to 1.
    """

    support: Support
    parts: tuple[Johnson, ...]
    weights: Floats

    @classmethod
    def of(cls, edges: Floats, below: Floats, support: Support) -> Self:
        """Make it from edges of bins and the probabilities below them."""
        gap = np.diff(below) <= 0
        starts = np.flatnonzero(np.append(True, ~gap[1:] & gap[:-1]))
        parts, mass = [], []
        for first in starts:
            last = first + 1
            while last < len(gap) and not gap[last]:
                last += 1
            ends = slice(first, last + 1)
            part, share = _block(edges[ends], below[ends], first == 0, last == len(gap), support)
            parts.append(part)
            mass.append(share)
        outer = Johnson.through(np.array([0.1, 0.9]), _inside(edges, support), support)
        weights = np.append((1 - FLOOR) * np.array(mass), FLOOR)
        return cls(support, (*parts, outer), weights)

    def log_components(self, w: Any) -> Any:
        """Return the log density of w, on a new last axis of length 1."""
        o, x = operations(w), self.support.backward(w)
        terms = [
            np.log(mass) + part.logpdf(x)[..., None]
            for part, mass in zip(self.parts, self.weights, strict=True)
        ]
        slope = self.support.log_slope(x)[..., None]
        return o.logsumexp(o.concatenate(terms, axis=-1))[..., None] - slope

    def cdf(self, x: Any) -> Floats:
        """Return the probability below ``x``; exact."""
        values = np.asarray(x, dtype=float)
        total = np.zeros(values.shape)
        for part, mass in zip(self.parts, self.weights, strict=True):
            inside = part.support.contains(values)
            middle = float(part.support.backward(np.float64(0.0)))
            below = part.cdf(np.where(inside, values, middle))
            total += mass * np.where(inside, below, values >= part.support.upper)
        return total

    def edges(self) -> Floats:
        """Return increasing values of w, between neighbours of which the density is smooth."""
        with np.errstate(all="ignore"):
            x = np.concatenate([part.support.backward(part.edges()) for part in self.parts])
            w = self.support.forward(np.sort(x))
        return np.unique(w[np.isfinite(w)])


def _block(
    edges: Floats, below: Floats, first: bool, last: bool, support: Support
) -> tuple[Johnson, float]:
    """Return the density of a run of filled bins, and its mass."""
    # Beyond an outer edge lies what nobody drew, if the support goes on there.
    left_open = first and below[0] > 0
    right_open = last and below[-1] < 1
    start, end = (0.0 if left_open else below[0]), (1.0 if right_open else below[-1])
    own = Support(
        support.lower if left_open else float(edges[0]),
        support.upper if right_open else float(edges[-1]),
    )
    extra: list[float] = []
    if not (left_open or right_open) and len(edges) == 2:
        extra = [0.25, 0.75]
    else:
        extra += [] if left_open else [0.5]
        extra += [] if right_open or (len(edges) == 2 and extra) else [len(edges) - 1.5]
    place = np.sort(np.append(np.arange(len(edges), dtype=float), extra))
    x, p = (np.interp(place, np.arange(len(edges)), v) for v in (edges, below))
    kept = own.contains(x)
    mass = end - start
    return Johnson.through((p[kept] - start) / mass, x[kept], own), float(mass)


def _inside(edges: Floats, support: Support) -> Floats:
    """Return two values within the support, a quarter of the bins' range from its ends."""
    low, high = edges[0], edges[-1]
    return np.array([low + (high - low) / 4, high - (high - low) / 4])
