"""Warnings about weights at which a check fails."""

from __future__ import annotations

import sys
import warnings

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import UnreliableWarning
from foundation_priors.path.points import Points

__all__ = ["levels_above", "warn"]


def warn(points: Points, bad: NDArray[np.bool_], what: str) -> None:
    """Warn if any weight fails a check, and say where."""
    if bad.any():
        where = points.array[bad].mean(axis=1)
        warnings.warn(
            f"{int(bad.sum())} of {len(bad)} weights fail the path's {what} (trust "
            f"{where.min():.3g} to {where.max():.3g}): see path.diagnostics(), or build the path "
            "with more draws or a larger max_anchors=.",
            UnreliableWarning,
            stacklevel=levels_above(),
        )


def levels_above() -> int:
    """Return the stack level, as seen by the caller, of the code that called this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(
        "foundation_priors."
    ):
        frame, level = frame.f_back, level + 1
    return level
