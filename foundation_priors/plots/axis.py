"""The axis of trust: a scale that shows small weights, ticks at readable numbers. NumPy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import did_you_mean

__all__ = ["Scale", "TrustAxis", "readable_ticks", "tick_label", "trust_axis"]

type Floats = NDArray[np.float64]
type Map = Callable[[Floats], Floats]

Scale = Literal["sqrt", "arc", "linear"]


@dataclass(frozen=True)
class TrustAxis:
    """Where each trust lies on an axis.

    ``forward`` and ``inverse`` are increasing maps from trust to positions and back, beyond the
    ends too, since a plotting library asks for margins.
    """

    low: float
    high: float
    label: str
    forward: Map
    inverse: Map

    def fraction(self, trust: Floats | float) -> Floats:
        """Return the place of some weights between the ends of the axis, 0 to 1."""
        low, high = self.forward(np.array([self.low, self.high]))
        span = high - low
        return np.asarray((self.forward(np.asarray(trust, float)) - low) / (span or 1.0))

    def limits(self, margin: float = 0.02) -> tuple[float, float]:
        """Return the ends with a margin, a fraction of the axis, in units of trust."""
        low, high = self.forward(np.array([self.low, self.high]))
        pad = margin * ((high - low) or 1.0)
        left, right = self.inverse(np.array([low - pad, high + pad]))
        return float(left), float(right)


def trust_axis(trust: Floats, scale: Scale = "sqrt", grid: Floats | None = None) -> TrustAxis:
    """Return the axis for some weights.

    Parameters
    ----------
    trust : array, shape (trust,)
        The weights to be shown.
    scale : {"sqrt", "arc", "linear"}
        ``"arc"`` gives equal steps of ``grid`` equal room: those of a path are evenly spaced in
        Fisher-Rao arc, so that every stretch over which the posterior moves as much is as long.
    grid : array, shape (weight,), optional
        Increasing; needed for ``"arc"``.
    """
    low, high = float(np.min(trust)), float(np.max(trust))
    if scale == "linear":
        return TrustAxis(low, high, "trust", np.asarray, np.asarray)
    if scale == "sqrt":
        return TrustAxis(low, high, "trust (square-root scale)", _root, _square)
    if scale == "arc" and grid is not None:
        return TrustAxis(low, high, "trust (arc scale)", *_along(np.asarray(grid, float)))
    raise ValueError(f"scale={scale!r} is not a scale.{did_you_mean(scale, get_args(Scale))}")


def _root(x: Floats) -> Floats:
    return np.sign(x) * np.sqrt(np.abs(x))


def _square(x: Floats) -> Floats:
    return np.sign(x) * np.square(x)


def _along(grid: Floats) -> tuple[Map, Map]:
    place = np.linspace(0.0, 1.0, len(grid))

    def interpolate(x: Floats, a: Floats, b: Floats) -> Floats:
        x = np.asarray(x, float)
        left = (b[1] - b[0]) / (a[1] - a[0]) * np.minimum(x - a[0], 0)
        right = (b[-1] - b[-2]) / (a[-1] - a[-2]) * np.maximum(x - a[-1], 0)
        return np.interp(x, a, b) + left + right

    return lambda x: interpolate(x, grid, place), lambda x: interpolate(x, place, grid)


def readable_ticks(axis: TrustAxis, gap: float, per_trust: float = 1.0) -> Floats:
    """Return round numbers that lie far enough apart on an axis.

    Parameters
    ----------
    axis : TrustAxis
    gap : float
        The least distance between two ticks, as a fraction of the axis.
    per_trust : float
        The ticks are round in units of trust times this, and are returned in them.

    Returns
    -------
    array
        Increasing.

    Examples
    --------
    >>> import numpy as np
    >>> readable_ticks(trust_axis(np.linspace(0, 1, 11)), gap=0.12)
    array([0.  , 0.02, 0.1 , 0.2 , 0.5 , 0.7 , 1.  ])
    """
    low, high = axis.low * per_trust, axis.high * per_trust
    chosen: list[float] = []
    for value in _candidates(low, high):
        place = axis.fraction(value / per_trust)
        others = axis.fraction(np.array(chosen) / per_trust)
        if np.all(np.abs(others - place) >= gap):
            chosen.append(value)
    return np.sort(np.array(chosen))


def _candidates(low: float, high: float) -> list[float]:
    """Return round numbers between two ends, those that a reader needs most first."""
    top = int(np.floor(np.log10(high))) if high > 0 else 0
    powers = [10.0**k for k in range(top, top - 6, -1)]
    groups = [[0.0, 1.0], powers, [5 * p for p in powers], [2 * p for p in powers]]
    groups += [[d * p for p in powers for d in digits] for digits in ((3, 4, 6, 8), (7, 9))]
    kept = (float(f"{v:.6g}") for group in groups for v in group)
    slack = 1e-9 * max(high - low, 1e-12)
    return [v for v in kept if low - slack <= v <= high + slack]


def tick_label(value: float) -> str:
    """Return a number as short as it can be told exactly."""
    return f"{value:,.6g}" if value >= 1 else f"{value:.6f}".rstrip("0").rstrip(".")
