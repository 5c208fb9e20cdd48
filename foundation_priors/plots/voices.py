"""Pictures of one voice or many: components of variance, and effective voices of designs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.plots.dress import BLUE, GREY, ORANGE
from foundation_priors.plots.plain import axes_of, lettered, require

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_effective_voices", "plot_variance_components"]


def plot_variance_components(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Plot the standard deviation that each component gives to an answer, with intervals.

    Parameters
    ----------
    result : xarray.Dataset
        Of `variance_components`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.voices import variance_components
    >>> found = variance_components(fp.datasets.load("wages").synthetic, "lwage")
    >>> len(plot_variance_components(found).get_yticks())
    5
    """
    require(result, {"variance", "lower", "upper", "share"}, "variance_components")
    names = result["component"].values.tolist()
    ax = axes_of(ax, 6.4, 1.2 + 0.42 * len(names))
    rows = np.arange(len(names))
    point = np.sqrt(np.maximum(result["variance"].values, 0.0))
    low, high = np.sqrt(result["lower"].values), np.sqrt(result["upper"].values)
    # With two levels a component may be a thousand times its estimate: the line leaves the picture.
    top = 3.5 * float(point.max())
    colours = [GREY if n == result.attrs["profile"] else BLUE for n in names]
    ax.hlines(rows, low, np.minimum(high, top), color=colours, lw=2, alpha=0.6)
    ax.scatter(point, rows, color=colours, zorder=3)
    for row, edge in zip(rows, high, strict=True):
        if edge > top:
            ax.annotate("\N{RIGHTWARDS ARROW}", (top, row), va="center")
    ax.set_yticks(rows, [lettered(n) for n in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(left=-0.02 * top if top else None)
    prob, outcome = result.attrs["prob"], result.attrs["outcome"]
    ax.set_xlabel(f"standard deviation in {outcome!r} ({prob:z.0%} intervals)")
    return ax


def plot_effective_voices(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Plot the effective voices of each design beside the number of answers it takes.

    Parameters
    ----------
    result : xarray.Dataset
        Of `effective_voices`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Logarithmic.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.voices_effective import effective_voices
    >>> found = effective_voices(fp.datasets.load("wages").synthetic, "lwage")
    >>> plot_effective_voices(found).get_xscale()
    'log'
    """
    require(result, {"effective", "lower", "upper", "counts"}, "effective_voices")
    names = result["design"].values.tolist()
    ax = axes_of(ax, 6.4, 1.5 + 0.42 * len(names))
    rows = np.arange(len(names))
    ax.hlines(rows, result["lower"], result["upper"], color=BLUE, lw=2, alpha=0.6)
    ax.scatter(result["effective"], rows, color=BLUE, zorder=3, label="independent voices")
    answers = result["counts"].sel(component="within")
    ax.scatter(answers, rows, color=ORANGE, marker="D", zorder=3, label="answers")
    for row, value in zip(rows, result["effective"].values, strict=True):
        ax.annotate(f"{value:z.1f}", (value, row), (0, 6), textcoords="offset points", ha="center")
    ax.set_xscale("log")
    ax.set_yticks(rows, [lettered(n) for n in names])
    ax.set_ylim(len(names) - 0.5, -0.7)
    ax.set_xlabel("number")
    ax.figure.legend(
        *ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False
    )
    return ax
