"""What an expert said about a quantity, before it is known where the quantity can lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.beliefs.blocks import Blocks
from foundation_priors.beliefs.checks import (
    check_inside,
    check_moments,
    check_quantiles,
    finite,
    weights_of,
)
from foundation_priors.beliefs.density import Density
from foundation_priors.beliefs.johnson import Johnson
from foundation_priors.beliefs.pooled import METHODS, Pooled
from foundation_priors.beliefs.support import Support
from foundation_priors.beliefs.table import Table
from foundation_priors.display import count, settled
from foundation_priors.errors import ColumnError

__all__ = ["Draws", "Function", "Histogram", "Moments", "Pool", "Quantiles", "Said", "revived"]

FARTHEST = 1000
"""How many times the range of the quantiles a tail may reach beyond them, at .001 and .999."""

type Floats = NDArray[np.float64]

FILE = "a file"
DEEPEST = 20
"""The deepest pool of pools."""


class Said(ABC):
    """Something that was said, which becomes a density once the support is known."""

    @abstractmethod
    def density(self, support: Support) -> Density:
        """Return the density on a support."""

    @abstractmethod
    def values(self) -> Floats:
        """Return values of the quantity that were named, which must lie in its support."""

    @abstractmethod
    def plain(self) -> dict[str, Any]:
        """Return what JSON can hold."""

    @abstractmethod
    def __str__(self) -> str:
        """Say it in words."""


@dataclass(frozen=True)
class Quantiles(Said):
    """Probabilities and the values below which they lie."""

    probabilities: tuple[float, ...]
    at: tuple[float, ...]

    def density(self, support: Support) -> Density:
        """Return Johnson's density through the quantiles.

        Raises
        ------
        ColumnError
            When two lie so close to each other that a tail reaches beyond all reason.
        """
        made = Johnson.through(np.array(self.probabilities), np.array(self.at), support)
        width = self.at[-1] - self.at[0]
        for p, end in ((0.001, self.at[0]), (0.999, self.at[-1])):
            far = float(made.quantile(p))
            if not abs(far - end) <= FARTHEST * width:
                gaps = np.diff(self.at)
                i = int(np.argmin(gaps / np.diff(self.probabilities)))
                raise ColumnError(
                    f"Of the {self}, {self.at[i]:.8g} and {self.at[i + 1]:.8g} lie so close to "
                    f"each other that a tail explodes ({100 * p:g}% lie below {far:.3g}): state "
                    "them further apart, leave one out, or say with support= where the quantity "
                    "ends."
                )
        return made

    def values(self) -> Floats:
        """Return the quantiles."""
        return np.array(self.at)

    def plain(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"said": "quantiles", "probabilities": self.probabilities, "at": self.at}

    def __str__(self) -> str:
        """Say it in words."""
        pairs = zip(self.probabilities, self.at, strict=True)
        return "quantiles " + ", ".join(f"{p:g}: {x:.4g}" for p, x in pairs)


@dataclass(frozen=True)
class Histogram(Said):
    """Edges of bins and the probabilities below them, which do not rise in empty bins."""

    edges: tuple[float, ...]
    below: tuple[float, ...]

    def density(self, support: Support) -> Density:
        """Return a density in blocks; see `Blocks`."""
        return Blocks.of(np.array(self.edges), np.array(self.below), support)

    def values(self) -> Floats:
        """Return the edges that have something on both sides."""
        below = np.array(self.below)
        return np.array(self.edges)[(below > 0) & (below < 1)]

    def plain(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"said": "histogram", "edges": self.edges, "below": self.below}

    def __str__(self) -> str:
        """Say it in words."""
        gaps = int((np.diff(self.below) <= 0).sum())
        return f"a histogram of {len(self.edges) - 1} bins, {gaps} of them empty"


@dataclass(frozen=True)
class Moments(Said):
    """A mean and a standard deviation."""

    mean: float
    sd: float

    def density(self, support: Support) -> Density:
        """Return a normal, shifted log-normal or scaled beta density with these moments."""
        match support.bounded:
            case False, False:
                return Johnson.normal(self.mean, self.sd, support)
            case True, True:
                return self._beta(support)
        lower = support.bounded[0]
        distance = self.mean - support.lower if lower else support.upper - self.mean
        variance = np.log1p((self.sd / distance) ** 2)
        middle = np.log(distance) - variance / 2
        return Johnson.normal(middle if lower else -middle, np.sqrt(variance), support)

    def _beta(self, support: Support) -> Density:
        from scipy.stats import beta

        width = support.upper - support.lower
        m, v = (self.mean - support.lower) / width, (self.sd / width) ** 2
        count = m * (1 - m) / v - 1
        if count <= 0:
            raise ValueError(
                f"No density on {support} has mean {self.mean:g} and sd {self.sd:g}: the sd must "
                f"be less than {width * np.sqrt(m * (1 - m)):.4g}."
            )
        return tabulated(beta(m * count, (1 - m) * count, support.lower, width), support)

    def values(self) -> Floats:
        """Return the mean."""
        return np.array([self.mean])

    def plain(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"said": "moments", "mean": self.mean, "sd": self.sd}

    def __str__(self) -> str:
        """Say it in words."""
        return f"mean {self.mean:.4g}, sd {self.sd:.4g}"


@dataclass(frozen=True)
class Draws(Said):
    """A sample of the quantity."""

    draws: tuple[float, ...]

    def density(self, support: Support) -> Density:
        """Return a penalised spline estimate; see `Table.from_draws`."""
        return Table.from_draws(np.array(self.draws), support)

    def values(self) -> Floats:
        """Return the draws."""
        return np.array(self.draws)

    def plain(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"said": "draws", "draws": self.draws}

    def __str__(self) -> str:
        """Say it in words."""
        values = self.values()
        sd = float(values.std(ddof=1))
        mean = settled(float(values.mean()), sd)
        return f"{count(len(values), 'draw')}, mean {mean:.4g}, sd {sd:.4g}"


@dataclass(frozen=True)
class Function(Said):
    """A density given as a function; it knows its support."""

    made: Density
    name: str

    def density(self, support: Support) -> Density:
        """Return the density, cut to the support where that is narrower."""
        if support == self.made.support:
            return self.made
        if not support.covers(self.made.support):
            return tabulated(_Cut(self.made, support), support)
        return self.made

    def values(self) -> Floats:
        """Return the quartiles."""
        return self.made.quantile([0.25, 0.5, 0.75])

    def plain(self) -> dict[str, Any]:
        """Return what JSON can hold: many quantiles, from which nearly the same density follows."""
        p = np.array([0.001, 0.01, 0.025, *np.arange(0.05, 0.96, 0.05), 0.975, 0.99, 0.999])
        support = [
            None if np.isinf(e) else e for e in (self.made.support.lower, self.made.support.upper)
        ]
        return {
            "said": "function",
            "name": self.name,
            "probabilities": p.tolist(),
            "at": self.made.quantile(p).tolist(),
            "support": support,
        }

    def __str__(self) -> str:
        """Say it in words."""
        return f"density {self.name}, mean {self.made.mean:.4g}, sd {self.made.sd:.4g}"


@dataclass(frozen=True)
class Pool(Said):
    """Several experts' words, pooled into one density."""

    parts: tuple[Said, ...]
    weights: tuple[float, ...]
    method: str

    def density(self, support: Support) -> Density:
        """Return the pool of the parts' densities."""
        parts = [part.density(support) for part in self.parts]
        return Pooled.of(parts, np.array(self.weights), self.method)

    def values(self) -> Floats:
        """Return the values that the parts named."""
        return np.concatenate([part.values() for part in self.parts])

    def plain(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        parts = [part.plain() for part in self.parts]
        return {"said": "pool", "parts": parts, "weights": self.weights, "method": self.method}

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.method} pool of {len(self.parts)}"


def tabulated(distribution: Any, support: Support) -> Table:
    """Interpolate the log density of an object with ``logpdf`` and ``ppf``."""
    levels = np.array([0.02, 0.25, 0.5, 0.75, 0.98])
    base = Johnson.near(levels, np.asarray(distribution.ppf(levels), dtype=float), support)
    return Table.of(distribution.logpdf, base)


class _Cut:
    """A density restricted to a narrower support."""

    def __init__(self, density: Density, support: Support) -> None:
        self.density = density
        self.ends = density.cdf([support.lower, support.upper])

    def logpdf(self, x: Floats) -> Floats:
        return self.density.logpdf(x)

    def ppf(self, p: Floats) -> Floats:
        low, high = self.ends
        return self.density.quantile(low + (high - low) * p)


def revived(plain: dict[str, Any], depth: int = 0) -> Said:
    """Undo `Said.plain`, with the checks of what experts say."""
    match plain["said"]:
        case "quantiles":
            return Quantiles(*_quantiles(plain))
        case "histogram":
            return Histogram(*_histogram(plain))
        case "moments":
            return Moments(*check_moments(plain["mean"], plain["sd"], FILE))
        case "draws":
            return Draws(tuple(finite(plain["draws"], "draws", 2).tolist()))
        case "function":
            p, x = _quantiles(plain)
            support = Support.of(plain["support"])
            check_inside(np.array(x), support, FILE, "its density")
            return Function(Johnson.through(np.array(p), np.array(x), support), str(plain["name"]))
        case "pool" if depth < DEEPEST and plain["method"] in METHODS and plain["parts"]:
            parts = tuple(revived(part, depth + 1) for part in plain["parts"])
            weights = weights_of(plain["weights"], len(parts))
            return Pool(parts, tuple(weights.tolist()), plain["method"])
    raise ColumnError(f"No belief is made of {plain['said']!r:.60}.")


def _quantiles(plain: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    p, x = (plain[name] for name in ("probabilities", "at"))
    pairs = check_quantiles(dict(zip(p, x, strict=True)), FILE)
    return tuple(pairs[0]), tuple(pairs[1])


def _histogram(plain: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    edges, below = (finite(plain[name], name, 2) for name in ("edges", "below"))
    rising = len(edges) == len(below) and (np.diff(edges) > 0).all() and (np.diff(below) >= 0).all()
    if not rising or below[0] < 0 or below[-1] > 1:
        raise ColumnError("The edges of a histogram and the probabilities below them must rise.")
    return tuple(edges.tolist()), tuple(below.tolist())
