"""Pictures of the three axes side by side, and of what verdicts know, gain and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.plots.dress import BLUE, GREY
from foundation_priors.plots.plain import columns_of, lettered, require

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["plot_axes", "plot_verdicts"]

AXES = {
    "quality": ("quality: skill on\nheld-out truth", "quality_error"),
    "vendi": ("diversity:\nVendi score", None),
    "voices": ("diversity:\neffective voices", None),
    "complexity": ("complexity: log odds\nof being preferred", "complexity_error"),
}


def plot_axes(table: pd.DataFrame) -> Any:
    """Plot quality, diversity and complexity side by side, each on a scale of its own.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `axes`.

    Returns
    -------
    numpy.ndarray
        Of matplotlib axes; lines are one standard error on either side.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.axes import axes
    >>> len(plot_axes(axes(fp.datasets.load("wages").synthetic, by="framing")))
    4
    """
    require(table, {"quality", "vendi", "voices", "complexity"}, "axes")
    panels = columns_of(len(AXES), 1.4 + 0.4 * len(table))
    rows = np.arange(len(table))
    for ax, (column, (label, error)) in zip(panels, AXES.items(), strict=True):
        values = table[column].to_numpy(dtype=float)
        ax.set_xlabel(label)
        ax.set_yticks(rows, [lettered(name) for name in table.index])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        if np.isnan(values).all():
            ax.text(0.5, 0.5, "not judged", transform=ax.transAxes, ha="center", color=GREY)
            ax.set_xticks([])
            continue
        spread = None if error is None else table[error].to_numpy(dtype=float)
        ax.errorbar(values, rows, xerr=spread, fmt="o", color=BLUE)
        if column != "complexity":
            ends = values if spread is None else np.concatenate([values - spread, values + spread])
            ax.set_xlim(min(0.0, 1.1 * float(np.nanmin(ends))), 1.1 * max(np.nanmax(ends), 0.01))
    return panels


def plot_verdicts(result: xr.Dataset) -> Any:
    """Plot what verdicts know, what following them gains, and how many answers are left.

    Parameters
    ----------
    result : xarray.Dataset
        Of `verdicts`.

    Returns
    -------
    numpy.ndarray
        Of matplotlib axes; the dashed line is a verdict that knows nothing.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.verdicts import verdicts
    >>> frame = {"who": range(4), "vote": list("aabb")}
    >>> import pandas as pd
    >>> llm = fp.SyntheticData.from_dataframe(pd.DataFrame(frame), outcome="vote", unit="who")
    >>> found = verdicts(llm, np.array([1, 1, 1, 0]), dict(enumerate("aaaa")))
    >>> len(plot_verdicts(found))
    3
    """
    require(result, {"estimate", "lower", "upper"}, "verdicts")
    panels = columns_of(3, 1.9)
    shown = (
        ("auc", "knows: chance that the\nbetter answer ranks higher", 0.5),
        ("gap", "gains: utility added\nby following it", 0.0),
        ("kept", "costs: share of the\nanswers that is left", 1.0),
    )
    for ax, (name, label, nothing) in zip(panels, shown, strict=True):
        one = result.sel(figure=name)
        ax.axvline(nothing, color=GREY, ls="--", lw=1)
        ax.hlines(0, one["lower"], one["upper"], color=BLUE, lw=2, alpha=0.6)
        ax.scatter(one["estimate"], 0, color=BLUE, zorder=3)
        ax.set_xlabel(label)
        ax.set_yticks([0], [str(result.attrs["verdict"])])
        if name != "gap":
            ax.set_xlim(-0.03, 1.03)
    return panels
