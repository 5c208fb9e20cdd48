"""Every variant's estimate and interval in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from foundation_priors.plots.circularity import draw_real
from foundation_priors.plots.dress import BLUE, GREY, ORANGE
from foundation_priors.plots.plain import lettered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_multiverse"]

COLOURS = {"no answers": "black", "alone": BLUE, "all": "#009E73", "without": ORANGE}
REAL, ALONE = "with real data", "answers alone"


def plot_multiverse(
    table: xr.Dataset,
    real: float | Sequence[float] | None = None,
    *,
    prior: bool = True,
    xlabel: str | None = None,
    real_label: str = "real data",
    ax: Axes | None = None,
) -> Axes:
    """Plot the estimate and the interval of every variant of the prompt.

    Parameters
    ----------
    table : xarray.Dataset
        What `foundation_priors.diagnose.multiverse` returned.
    real : float or sequence of three, optional
        An estimate from real data, or it and the ends of its interval.
    prior : bool
        Whether to draw what the answers alone say, too, as hollow points.
    xlabel, real_label : str, optional
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        One row a variant, each kind in the order of its estimates.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.multiverse import multiverse
    >>> from foundation_priors.plots.multiverse import plot_multiverse
    >>> table = multiverse(fp.datasets.load("refine").synthetic, by=["persona", "round"])
    >>> plot_multiverse(table, real=7.4).get_xlabel()
    'mean of return_percent'
    """
    if not isinstance(table, xr.Dataset) or "variant" not in table.dims:
        raise ValueError("plot_multiverse() takes what multiverse() returned.")
    main = table.sel(data=REAL) if "data" in table.dims else table
    order = _order(main)
    main, table = main.isel(variant=order), table.isel(variant=order)
    height = np.arange(main.sizes["variant"])[::-1]
    if ax is None:
        import matplotlib.pyplot as plt

        size = (6.8, 1.3 + 0.28 * len(height))
        ax = plt.subplots(figsize=size, layout="constrained")[1]
    colours = [COLOURS[kind] for kind in main["kind"].values]
    draw_real(ax.axvspan, ax.axvline, real, real_label)
    if prior and "data" in table.dims:
        _prior(ax, table.sel(data=ALONE), height - 0.25, colours)
    ax.hlines(height, main["lower"], main["upper"], color=colours, lw=2)
    ax.scatter(main["mean"], height, color=colours, s=28, zorder=3)
    ax.set_yticks(height, [lettered(v) for v in main["variant"].values])
    ax.set_xlabel(xlabel or lettered(table.attrs.get("quantity", "")))
    if real is not None or (prior and "data" in table.dims):
        ax.figure.legend(
            *ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False
        )
    return ax


def _order(main: xr.Dataset) -> list[int]:
    kinds, means = main["kind"].values.tolist(), main["mean"].values
    known = list(COLOURS)
    return sorted(range(len(kinds)), key=lambda i: (known.index(kinds[i]), means[i]))


def _prior(ax: Axes, alone: xr.Dataset, height: np.ndarray, colours: list[str]) -> None:
    """Draw the tilted prior, clipped by nothing but the axis of the posterior."""
    shown = (alone["kind"] != "no answers").values
    some = alone.isel(variant=shown)
    chosen = [c for c, keep in zip(colours, shown, strict=True) if keep]
    ax.hlines(height[shown], some["lower"], some["upper"], color=chosen, lw=1, alpha=0.6)
    ax.scatter(
        some["mean"],
        height[shown],
        s=22,
        facecolor="none",
        edgecolor=chosen,
        zorder=3,
        label="the answers without the real data",
    )
    ax.scatter([], [], s=28, color=GREY, label="with the real data")
