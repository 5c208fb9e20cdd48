"""Conflict of the real data with the foundation prior, and disagreement with the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["plot_conflict", "plot_disagreement"]

BLUE, GREY, ORANGE = "#0072B2", "#7f7f7f", "#D55E00"
LEAST = 1e-3


def plot_conflict(result: xr.Dataset, *, ax: Any = None) -> Any:
    """Plot the p-values of the checks over trust, or by check where there is one trust.

    Parameters
    ----------
    result : xarray.Dataset
        Of `foundation_priors.diagnose.conflict`; where it has several outcomes or sources, one of
        them: ``result.sel(source="all sources")``. All rows are shown, or the region that is left.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Small p-values, on a log scale, lie low; the line is .05 over the number of checks.
    """
    if "p_value" not in getattr(result, "data_vars", ()):
        raise ValueError("This needs what conflict() returned.")
    import matplotlib.pyplot as plt

    if ax is None:
        ax = plt.subplots(figsize=(6.4, 3.9), layout="constrained")[1]
    p = result.p_value
    for dim in ("outcome", "source", "region"):
        if dim in p.dims:
            p = p.isel({dim: 0})
    if "trust" in p.dims:
        for check in p.check.values:
            own = p.sel(check=check)
            quantity = own.kind.item() == "quantity"
            ax.plot(p.trust, own.clip(LEAST), "o-" if quantity else ".--", label=str(check))
        ax.set_xlabel("trust")
        ax.legend(frameon=False, fontsize="small", ncols=2)
    else:
        ax.plot(p.clip(LEAST), np.arange(p.sizes["check"]), "o", color=BLUE)
        ax.set_yticks(np.arange(p.sizes["check"]), [str(c) for c in p.check.values])
    line = ax.axhline if "trust" in p.dims else ax.axvline
    line(0.05 / p.sizes["check"], color=ORANGE, lw=1)
    (ax.set_yscale if "trust" in p.dims else ax.set_xscale)("log")
    (ax.set_ylabel if "trust" in p.dims else ax.set_xlabel)("p-value")
    return ax


def plot_disagreement(table: pd.DataFrame, *, ax: Any = None) -> Any:
    """Plot where answers and observations disagree, with intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `foundation_priors.diagnose.disagreement`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Differences of answers less observations in residual sds of the observations; that of the
        spread is the log of the ratio.
    """
    if "disagrees" not in getattr(table, "columns", ()):
        raise ValueError("This needs the table that disagreement() returned.")
    import matplotlib.pyplot as plt

    if ax is None:
        height = 1.2 + 0.28 * len(table)
        ax = plt.subplots(figsize=(6.4, height), layout="constrained")[1]
    on = table.index.get_level_values("on")
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(on == "spread", 1.0, table.effect / table.difference)
    scale = np.where(np.isfinite(scale), scale, np.nanmedian(scale[np.isfinite(scale)]))
    places = np.arange(len(table))[::-1]
    colours = [ORANGE if d else GREY for d in table.disagrees]
    ax.hlines(places, table.lower * scale, table.upper * scale, color=colours, lw=3)
    ax.scatter(table.difference * scale, places, color=colours, zorder=3)
    ax.axvline(0, color="black", lw=0.8)
    ax.set_yticks(places, [f"{a}: {b}" for a, b in table.index], fontsize="small")
    ax.set_xlabel("answers less observations (residual sds; spread: log ratio)")
    return ax
