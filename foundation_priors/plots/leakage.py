"""Pictures of leakage: agreement beyond what is expected, columns that tell, rows recalled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.plots.dress import BLUE, GREY, ORANGE
from foundation_priors.plots.plain import axes_of, lettered, require

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_covariate_leak", "plot_leakage", "plot_recall"]


def plot_leakage(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Plot the share of answers that copy the outcome, a row a group, with 90% intervals.

    Groups that know the outcomes are in a colour of their own; p-values stand at the right.

    Parameters
    ----------
    result : xarray.Dataset
        Of `leakage`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from foundation_priors import plots
    >>> plots.plot_leakage(found)  # doctest: +SKIP
    """
    from foundation_priors.diagnose.leakage_words import chance

    require(result, {"share_copied", "p_adjusted", "knows"}, "leakage")
    names = result["group"].values.tolist()
    ax = axes_of(ax, 6.4, 1.2 + 0.36 * len(names))
    rows = np.arange(len(names))
    colours = [ORANGE if k else BLUE for k in result["knows"].values]
    low, high = result["share_low"].values, result["share_high"].values
    ax.hlines(rows, low, high, color=colours, lw=2, alpha=0.6)
    ax.scatter(result["share_copied"].values, rows, color=colours, zorder=3)
    ax.axvline(0, color=GREY, lw=1)
    for row, p in enumerate(result["p_adjusted"].values):
        ax.annotate(chance(float(p)), (1.02, row), xycoords=("axes fraction", "data"), va="center")
    ax.set_yticks(rows, [lettered(n) for n in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(-0.03, 1.03)
    ax.set_xlabel("share of the answers that copy the real outcome (90% intervals)")
    return ax


def plot_covariate_leak(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Plot how well the real outcome is told from the columns inside and outside the model.

    Parameters
    ----------
    result : xarray.Dataset
        Of `covariate_leak`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from foundation_priors import plots
    >>> plots.plot_covariate_leak(found)  # doctest: +SKIP
    """
    require(dict(result.data_vars), {"accuracy", "follows", "p_value"}, "covariate_leak")
    names = result["columns"].values.tolist()
    colours = [GREY if n == "nothing" else BLUE if n == "given" else ORANGE for n in names]
    ax = _bars(ax, names, result["accuracy"].values, colours)
    levels = result.attrs["kind"] == "levels"
    ax.set_xlabel(
        "share of real outcomes predicted rightly" if levels else "share of the variance predicted"
    )
    return ax


def plot_recall(result: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Plot the share of hidden values that were recalled, beside what needs no memory.

    Parameters
    ----------
    result : xarray.Dataset
        Of `recall`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from foundation_priors import plots
    >>> plots.plot_recall(found)  # doctest: +SKIP
    """
    require(result, {"right", "most_common", "nearest"}, "recall")
    colours = [ORANGE if p <= 0.05 else BLUE for p in result["p_value"].values]
    ax = _bars(ax, result["group"].values.tolist(), result["right"].values, colours)
    rows = np.arange(result.sizes["group"])
    for name, mark in (("most_common", "|"), ("nearest", "x")):
        label = name.replace("_", " ")
        ax.scatter(result[name].values, rows, color=GREY, marker=mark, zorder=3, label=label)
    ax.legend(title="without memory", loc="lower right")
    ax.set_xlabel(f"share of right replies about {result.attrs['hidden']!r}")
    return ax


def _bars(ax: Axes | None, names: list[Any], values: Any, colours: list[str]) -> Axes:
    ax = axes_of(ax, 6.4, 1.2 + 0.36 * len(names))
    rows = np.arange(len(names))
    ax.barh(rows, np.maximum(values, 0), color=colours, height=0.6)
    ax.set_yticks(rows, [lettered(n) for n in names])
    ax.invert_yaxis()
    ax.set_xlim(0, 1.02)
    return ax
