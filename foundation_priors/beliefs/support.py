"""Where a quantity can lie, and the map from there to the whole line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from foundation_priors.beliefs.operations import operations

__all__ = ["LINE", "Support"]


@dataclass(frozen=True)
class Support:
    """An open interval; the line where both ends are infinite.

    Notes
    -----
    The coordinate w on the whole line is x itself, log(x - lower), -log(upper - x) or
    log((x - lower) / (upper - x)).
    """

    lower: float = -np.inf
    upper: float = np.inf

    @classmethod
    def of(cls, given: Any) -> Self:
        """Read ``(lower, upper)``, either end None or infinite where there is none."""
        try:
            lower, upper = given
            low = -np.inf if lower is None else float(lower)
            high = np.inf if upper is None else float(upper)
        except (TypeError, ValueError):
            raise ValueError(
                f"support={given!r} must be a pair of ends, such as (0, 1) or (0, None)."
            ) from None
        if not low < high:
            raise ValueError(f"support={given!r} is empty: give the lower end first.")
        return cls(low, high)

    def __str__(self) -> str:
        """Return the interval in words of mathematics."""
        return f"({self.lower:g}, {self.upper:g})"

    @property
    def bounded(self) -> tuple[bool, bool]:
        """Whether there is a lower and an upper end."""
        return bool(np.isfinite(self.lower)), bool(np.isfinite(self.upper))

    def contains(self, x: Any) -> np.ndarray:
        """Say which values lie inside."""
        return (np.asarray(x) > self.lower) & (np.asarray(x) < self.upper)

    def covers(self, other: Support) -> bool:
        """Say whether another interval lies within this one."""
        return self.lower <= other.lower and other.upper <= self.upper

    def forward(self, x: Any) -> Any:
        """Map values inside to the line."""
        o = operations(x)
        match self.bounded:
            case True, True:
                return o.log(x - self.lower) - o.log(self.upper - x)
            case True, False:
                return o.log(x - self.lower)
            case False, True:
                return -o.log(self.upper - x)
        return x

    def backward(self, w: Any) -> Any:
        """Map the line to values inside."""
        o = operations(w)
        match self.bounded:
            case True, True:
                return self.lower + (self.upper - self.lower) * o.sigmoid(w)
            case True, False:
                return self.lower + o.exp(w)
            case False, True:
                return self.upper - o.exp(-w)
        return w

    def log_slope(self, x: Any) -> Any:
        """Return log dw/dx of `forward`."""
        o = operations(x)
        match self.bounded:
            case True, True:
                ends = o.log(x - self.lower) + o.log(self.upper - x)
                return np.log(self.upper - self.lower) - ends
            case True, False:
                return -o.log(x - self.lower)
            case False, True:
                return -o.log(self.upper - x)
        return 0.0 * x


LINE = Support()
