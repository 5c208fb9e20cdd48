"""What every density of a belief offers, whatever its family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.beliefs.operations import operations
from foundation_priors.beliefs.support import Support

__all__ = ["Density"]

type Floats = NDArray[np.float64]

POINTS = 8
"""Gauss-Legendre points in each panel of the numeric integrals."""


class Density(ABC):
    """A probability density with full support on an interval.

    Subclasses say what the log density of the coordinate w on the whole line is (see `Support`),
    in functions that arrays and tensors share.
    """

    support: Support

    @abstractmethod
    def log_components(self, w: Any) -> Any:
        """Return the log density of w of each component, on a new last axis."""

    @abstractmethod
    def edges(self) -> Floats:
        """Return increasing values of w, between neighbours of which the density is smooth."""

    def log_line(self, w: Any) -> Any:
        """Return the log density of the coordinate w."""
        return self.log_components(w)[..., 0]

    def logpdf(self, x: Any) -> Any:
        """Return the log density at ``x``, an array or a tensor; -inf outside of the support."""
        if np.isscalar(x):
            x = np.asarray(x, dtype=float)
        o, (low, high) = operations(x), self.support.bounded
        if not (low or high):
            return self.log_line(x)
        inside = (x > self.support.lower) & (x < self.support.upper)
        safe = o.where(inside, x, float(self.support.backward(np.float64(0.0))))
        value = self.log_line(self.support.forward(safe)) + self.support.log_slope(safe)
        return o.where(inside, value, -np.inf)

    @cached_property
    def _quadrature(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return panel edges, nodes and weights of w, and probabilities at the edges."""
        edges = np.unique(self.edges())
        nodes, weights = np.polynomial.legendre.leggauss(POINTS)
        half = np.diff(edges)[:, None] / 2
        w = edges[:-1, None] + half * (nodes + 1)
        mass = half * weights * np.exp(self.log_line(w))
        below = np.concatenate([[0.0], np.cumsum(mass.sum(axis=1))])
        return edges, w, mass, below

    @property
    def total(self) -> float:
        """The integral of the density, 1 but for the error of the numeric integration."""
        return float(self._quadrature[3][-1])

    def cdf(self, x: Any) -> Floats:
        """Return the probability below ``x``."""
        values = np.asarray(x, dtype=float)
        inside = np.clip(values, self.support.lower, self.support.upper)
        with np.errstate(divide="ignore"):
            w = np.asarray(self.support.forward(inside))
        edges, _, _, below = self._quadrature
        w = np.clip(w, edges[0], edges[-1])
        panel = np.clip(np.searchsorted(edges, w) - 1, 0, len(edges) - 2)
        nodes, weights = np.polynomial.legendre.leggauss(POINTS)
        half = (w - edges[panel])[..., None] / 2
        inner = half * weights * np.exp(self.log_line(edges[panel][..., None] + half * (nodes + 1)))
        return (below[panel] + inner.sum(axis=-1)) / self.total

    def quantile(self, p: Any) -> Floats:
        """Return the values below which the probability is ``p``."""
        target = np.asarray(p, dtype=float)
        edges = self._quadrature[0]
        with np.errstate(over="ignore"):
            below = self.cdf(self.support.backward(edges))
        panel = np.clip(np.searchsorted(below, target) - 1, 0, len(edges) - 2)
        low, high = edges[panel], edges[panel + 1]
        for _ in range(60):
            middle = (low + high) / 2
            less = self.cdf(self.support.backward(middle)) < target
            low, high = np.where(less, middle, low), np.where(less, high, middle)
        return np.asarray(self.support.backward((low + high) / 2))

    def expect(self, function: Any) -> float:
        """Return the expectation of a function of the quantity."""
        _, w, mass, _ = self._quadrature
        with np.errstate(over="ignore", invalid="ignore"):
            return float((mass * function(self.support.backward(w))).sum() / self.total)

    @property
    def mean(self) -> float:
        """The mean."""
        return self.expect(lambda x: x)

    @property
    def sd(self) -> float:
        """The standard deviation."""
        mean = self.mean
        return float(np.sqrt(self.expect(lambda x: (x - mean) ** 2)))
