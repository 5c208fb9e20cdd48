"""How far conclusions depend on the trust: distances, statements, decisions, washout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.plots.axis import readable_ticks, tick_label, trust_axis
from foundation_priors.plots.plain import lettered

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["plot_decision", "plot_sensitivity", "plot_statements", "plot_washout"]

BLUE, GREY, ORANGE, GREEN = "#0072B2", "#7f7f7f", "#D55E00", "#009E73"
LABELS = {
    "shift": "shift of the mean (sd)",
    "spread": "sd over that at trust 0",
    "wasserstein": "Wasserstein distance (sd)",
    "cjs": "cumulative Jensen-Shannon distance",
    "power_scaling": "power-scaling sensitivity",
}


def _axes(ax: Any, height: float = 3.9) -> Any:
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(6.4, height), layout="constrained")[1] if ax is None else ax


def _trust_scale(ax: Any, trust: np.ndarray) -> None:
    """Give axes the square-root axis of trust."""
    axis = trust_axis(trust)
    ax.set_xscale("function", functions=(axis.forward, axis.inverse))
    ax.set_xlim(axis.limits())
    ticks = readable_ticks(axis, gap=0.1)
    ax.set_xticks(ticks, [tick_label(t) for t in ticks])
    ax.minorticks_off()
    ax.set_xlabel(axis.label)


def _over_trust(result: Any, name: str, kind: str) -> np.ndarray:
    """Return the weights of a result over trust.

    Raises
    ------
    ValueError
    """
    if name not in getattr(result, "data_vars", ()) or "trust" not in result[name].dims:
        raise ValueError(
            f"This needs what {kind} returned over several weights: leave out its trust=, or give "
            "an array."
        )
    return np.asarray(result["trust"].values, dtype=float)


def plot_sensitivity(result: xr.Dataset, measure: str = "wasserstein", *, ax: Any = None) -> Any:
    """Plot the distance of each quantity's posterior to that at trust 0, over trust.

    Parameters
    ----------
    result : xarray.Dataset
        Of `foundation_priors.diagnose.sensitivity`.
    measure : {"wasserstein", "cjs", "shift", "spread", "power_scaling"}
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Bands are two Monte Carlo standard errors wide on either side.
    """
    if measure not in LABELS:
        raise ValueError(f"measure={measure!r} must be one of {', '.join(LABELS)}.")
    trust, ax = _over_trust(result, measure, "sensitivity()"), _axes(ax)
    for name in result.quantity.values:
        own = result.sel(quantity=name)
        y = own[measure].values
        (line,) = ax.plot(trust, y, lw=2, label=lettered(name))
        if f"mcse_{measure}" in own:
            error = 2 * own[f"mcse_{measure}"].values
            ax.fill_between(trust, y - error, y + error, color=line.get_color(), alpha=0.2, lw=0)
    _trust_scale(ax, trust)
    ax.set_ylabel(LABELS[measure])
    ax.legend(frameon=False, fontsize="small")
    return ax


def plot_statements(table: pd.DataFrame, *, ax: Any = None) -> Any:
    """Plot the range of each statement's probability over the path, and what it is now.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `foundation_priors.diagnose.statements`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    if "verdict" not in getattr(table, "columns", ()):
        raise ValueError("This needs the table that statements() returned.")
    ax = _axes(ax, 1.2 + 0.42 * len(table))
    places = np.arange(len(table))[::-1]
    colours = {"tips": ORANGE, "holds everywhere": BLUE, "holds nowhere": GREY}
    ax.hlines(places, table.lowest, table.highest, color=[colours[v] for v in table.verdict], lw=5)
    ax.plot(table.at_zero, places, "o", mfc="none", mec="black", label="trust 0")
    ax.plot(table.at_trust, places, "o", color="black", label="chosen trust")
    ax.axvline(table.attrs["probability"], color=GREY, ls="--", lw=1)
    several = table.index.get_level_values(1).nunique() > 1
    names = [f"{lettered(a)} ({lettered(b)})" if several else lettered(a) for a, b in table.index]
    ax.set_yticks(places, [f"{n}: {v}" for n, v in zip(names, table.verdict, strict=True)])
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("posterior probability over the path")
    ax.legend(frameon=False, fontsize="small", loc="upper left")
    return ax


def plot_decision(result: xr.Dataset, *, ax: Any = None) -> Any:
    """Plot what acting on the answers costs, and what ignoring them does, over trust.

    Parameters
    ----------
    result : xarray.Dataset
        Of `foundation_priors.diagnose.decision`.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    trust, ax = _over_trust(result, "cost", "decision()"), _axes(ax)
    for name, colour, label in (
        ("cost", ORANGE, "cost of acting on them, if they should be ignored"),
        ("forgone", BLUE, "cost of ignoring them, if they are right"),
    ):
        y, error = result[name].values, 2 * result[f"mcse_{name}"].values
        ax.plot(trust, y, color=colour, lw=2, label=label)
        ax.fill_between(trust, y - error, y + error, color=colour, alpha=0.2, lw=0)
    _trust_scale(ax, trust)
    ax.set_ylabel("expected utility")
    ax.legend(frameon=False, fontsize="small")
    return ax


def plot_washout(result: xr.Dataset, *, ax: Any = None) -> Any:
    """Plot how many more observations make the answers matter little.

    Parameters
    ----------
    result : xarray.Dataset
        Of `foundation_priors.diagnose.washout`: for a statement the probability that it no longer
        tips, over further rows; for quantities the rows that each needs.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    if "observations" not in getattr(result, "data_vars", ()):
        raise ValueError("This needs what washout() returned.")
    if "settled" in result:
        ax = _axes(ax)
        rows = result.rows.values
        ax.fill_between(rows, result.holds, color=BLUE, alpha=0.35, lw=0, label="holds everywhere")
        ax.fill_between(
            rows, result.holds, result.settled, color=GREY, alpha=0.35, lw=0, label="holds nowhere"
        )
        ax.plot(rows, result.settled, color="black", lw=2, label="no longer tips")
        ax.axhline(result.attrs["assurance"], color=GREY, ls="--", lw=1)
        if np.isfinite(result.observations):
            ax.axvline(float(result.observations), color=ORANGE, lw=1.5)
        ax.set_ylim(0, 1.02)
        ax.set_ylabel("probability over futures")
        ax.set_xlabel("further real observations")
        ax.set_title(lettered(result.attrs["statement"]))
        ax.legend(frameon=False, fontsize="small")
        return ax
    table = result.expand_dims("quantity") if "quantity" not in result.dims else result
    ax = _axes(ax, 1.2 + 0.42 * table.sizes["quantity"])
    places = np.arange(table.sizes["quantity"])[::-1]
    finite = np.isfinite(table.observations.values) & np.isfinite(table.upper.values)
    ax.hlines(
        places[finite], table.lower.values[finite], table.upper.values[finite], color=BLUE, lw=4
    )
    ax.plot(table.observations.values[finite], places[finite], "o", color="black")
    ax.set_yticks(places, [lettered(q) for q in table.quantity.values])
    ax.set_xlabel(f"further real observations until the share is {result.attrs['target']:g}")
    return ax
