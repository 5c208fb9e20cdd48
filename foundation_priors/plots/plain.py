"""Axes of matplotlib for pictures that are neither paths nor draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foundation_priors.statements import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes_of", "columns_of", "lettered", "require"]


def axes_of(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the axes to draw on: those given, or new ones of a size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def columns_of(count: int, height: float) -> Any:
    """Return axes side by side, which share their rows."""
    import matplotlib.pyplot as plt

    width = 2.2 + 2.4 * count
    _, axes = plt.subplots(
        1, count, figsize=(width, height), sharey=True, squeeze=False, layout="constrained"
    )
    return axes[0]


def require(result: Any, names: set[str], made_by: str) -> None:
    """Refuse a result of another function."""
    if not names <= set(getattr(result, "columns", result)):
        raise ValueError(f"The picture needs the result of fp.diagnose.{made_by}.")


def lettered(text: object, width: int = 60) -> str:
    """Return a name or label as a picture writes it: short, on one line, its formulas readable."""
    from matplotlib.mathtext import MathTextParser

    shown = readable(str(text))
    shown = shown if len(shown) <= width else f"{shown[: width - 4]} ..."
    if "$" in shown:
        try:
            MathTextParser("path").parse(shown)
        except ValueError:
            return shown.replace("$", r"\$")
    return shown
