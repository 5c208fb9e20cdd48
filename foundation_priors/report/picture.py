"""Pictures as files inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from foundation_priors.errors import UnreliableWarning, noted

__all__ = ["Picture", "drawn"]

DPI = 144
COLOURS = 64
"""Enough for lines, areas and smooth letters, and a third of the bytes of true colour."""


@dataclass(frozen=True)
class Picture:
    """A picture: a PNG, its width in CSS pixels and what it shows, for those who can't see it.

    ``failed`` says why it could not be drawn; then there are no bytes.
    """

    data: bytes = b""
    width: int = 0
    alt: str = ""
    failed: str = ""

    @property
    def address(self) -> str:
        """The picture as a ``data:`` address."""
        return f"data:image/png;base64,{base64.b64encode(self.data).decode()}"


def drawn(draw: Callable[[], Any], alt: str) -> Picture:
    """Draw a picture with matplotlib, away from the user's own figures and settings.

    Parameters
    ----------
    draw : callable
        Returns a PlotCollection, axes or a figure.
    alt : str
    """
    import matplotlib.pyplot as plt

    before = set(plt.get_fignums())
    try:
        with noted(UnreliableWarning):  # the section itself has told it
            return _stored(figure_of(draw()), alt)
    except (ValueError, TypeError, UserWarning) as error:  # a warning where filters raise it
        return Picture(failed=" ".join(str(error).split()), alt=alt)
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def figure_of(drawing: Any) -> Any:
    """Return the matplotlib figure of a PlotCollection, of axes, or of an array of axes."""
    import numpy as np

    if hasattr(drawing, "get_viz"):
        return drawing.get_viz("figure")
    if hasattr(drawing, "savefig"):
        return drawing
    first = np.ravel(drawing)[0] if isinstance(drawing, list | tuple | np.ndarray) else drawing
    return first.get_figure()


def _stored(figure: Any, alt: str) -> Picture:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
    paper = Image.new("RGBA", image.size, "white")
    few = Image.alpha_composite(paper, image).convert("RGB").quantize(COLOURS)
    buffer = io.BytesIO()
    few.save(buffer, format="png", optimize=True)
    return Picture(buffer.getvalue(), round(96 * figure.get_figwidth()), alt)
