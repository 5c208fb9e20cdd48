"""Pictures of variety and likeness: Vendi scores, similarity, and errors in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.plots.dress import BLUE, GREY, ORANGE
from foundation_priors.plots.plain import axes_of, lettered, require

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_error_correlation", "plot_similarity", "plot_vendi"]


def plot_vendi(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Plot Vendi scores of each group, a mark for each order.

    Parameters
    ----------
    result : xarray.Dataset
        Of `vendi`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from foundation_priors.diagnose.vendi import vendi
    >>> plot_vendi(vendi(["a", "b", "b"])).get_xlabel()
    "effectively different values of 'values'"
    """
    require(result, {"score", "n", "bound"}, "vendi")
    groups = result["group"].values.tolist()
    ax = axes_of(ax, 6.4, 1.6 + 0.42 * len(groups))
    rows = np.arange(len(groups))
    marks = "os^Dv<>p"
    colours = [BLUE, ORANGE, "#009E73", GREY]
    for i, order in enumerate(result["q"].values):
        at = rows + 0.12 * (i - (result.sizes["q"] - 1) / 2)
        one = result.isel(q=i)
        colour = colours[i % len(colours)]
        name = "\N{INFINITY}" if np.isinf(order) else f"{order:g}"
        ax.scatter(one["score"], at, marker=marks[i % 8], color=colour, label=f"order {name}")
        if "lower" in result:
            ax.hlines(at, one["lower"], one["upper"], color=colour, alpha=0.6)
    ax.set_yticks(rows, [lettered(n) for n in groups])
    ax.set_ylim(len(groups) - 0.5, -0.5)
    ax.set_xlim(left=0)
    size = result.attrs["size"]
    within = f", in subsets of {size}" if size else ""
    ax.set_xlabel(f"effectively different values of {result.attrs['column']!r}{within}")
    count = min(result.sizes["q"], 4)
    ax.figure.legend(
        *ax.get_legend_handles_labels(), loc="outside lower center", ncols=count, frameon=False
    )
    return ax


def plot_similarity(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Plot the centred similarity of all pairs of sources; the diagonal is a source with itself.

    Parameters
    ----------
    result : xarray.Dataset
        Of `similarity`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.similarity import similarity
    >>> found = similarity(fp.datasets.load("anes96").synthetic, by="framing")
    >>> len(plot_similarity(found).texts)
    9
    """
    require(result, {"similarity", "floor", "centred"}, "similarity")
    title = "alike beyond shuffled pairs"
    return _matrix(result["centred"].values, result["source"].values.tolist(), title, ax)


def plot_error_correlation(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Plot how the errors of all pairs of sources correlate.

    Parameters
    ----------
    result : xarray.Dataset
        Of `error_correlation`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from foundation_priors.diagnose.similarity_errors import error_correlation
    >>> found = error_correlation(np.random.default_rng(1).normal(size=(3, 50)))
    >>> plot_error_correlation(found).get_title()[:11]
    'correlation'
    """
    require(result, {"correlation", "rho", "effective"}, "error_correlation")
    n = result.sizes["source"]
    title = f"correlation of errors: {n} are worth {float(result['effective']):z.1f}"
    return _matrix(result["correlation"].values, result["source"].values.tolist(), title, ax)


def _matrix(values: np.ndarray, names: list[str], title: str, ax: Axes | None) -> Axes:
    side = 1.8 + 0.6 * min(len(names), 12)
    ax = axes_of(ax, side + 0.8, side)
    image = ax.imshow(values, vmin=-1, vmax=1, cmap="RdBu_r")
    ax.figure.colorbar(image, ax=ax, shrink=0.8)
    rows = range(len(names))
    if len(names) <= 12:
        for i in rows:
            for j in rows:
                shown = "" if np.isnan(values[i, j]) else f"{values[i, j]:z.2f}"
                colour = "white" if abs(values[i, j]) > 0.6 else "black"
                ax.text(j, i, shown, ha="center", va="center", color=colour, fontsize="small")
    if len(names) <= 40:
        ax.set_xticks(rows, [lettered(n) for n in names], rotation=45, ha="right")
        ax.set_yticks(rows, [lettered(n) for n in names])
    ax.set_title(title)
    return ax
