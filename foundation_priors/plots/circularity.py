"""The drift of answers over revisions of a prompt, beside what was expected and what is real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.plots.dress import BLUE, GREY, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    type Estimate = float | Sequence[float] | None

__all__ = ["draw_real", "plot_circularity"]

COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00")


def plot_circularity(
    drift: xr.Dataset,
    real: Estimate = None,
    *,
    ylabel: str | None = None,
    real_label: str = "real data",
    ax: Axes | None = None,
) -> Axes:
    """Plot the mean answer of each revision, the anticipation and the real estimate.

    Parameters
    ----------
    drift : xarray.Dataset
        What `foundation_priors.diagnose.circularity` returned, of one user or several.
    real : float or sequence of three, optional
        The estimate from real data in the unit of the answers, or it and the ends of its interval.
    ylabel : str, optional
        Name and unit of the answers.
    real_label : str
    ax : matplotlib.axes.Axes, optional
        Draw into these.

    Returns
    -------
    matplotlib.axes.Axes
        To go on with. Means have error bars at the drift's level; dashed lines are anticipations,
        with shaded quantiles where there are some.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import foundation_priors as fp
    >>> from foundation_priors.diagnose.circularity import circularity
    >>> from foundation_priors.plots.circularity import plot_circularity
    >>> drift = circularity(fp.datasets.load("refine").synthetic, user="persona")
    >>> plot_circularity(drift, real=7.4).get_xlabel()
    'revision of the prompt'
    """
    if not isinstance(drift, xr.Dataset) or "revision" not in drift.dims:
        raise ValueError("plot_circularity() takes what circularity() returned.")
    ax = _axes(ax)
    place = np.arange(drift.sizes["revision"])
    for (name, one), colour in zip(_users(drift), _cycle(drift), strict=True):
        _anticipated(ax, one, colour, name)
        label = f"answers to {name}" if name else "answers"
        ax.plot(place, one["mean"], "o-", color=colour, lw=2, ms=5, label=label)
        if bool(one["lower"].notnull().all()):
            ax.vlines(place, one["lower"], one["upper"], color=colour, lw=1.5)
    draw_real(ax.axhspan, ax.axhline, real, real_label)
    ax.set_xticks(place, [str(v) for v in drift["revision"].values])
    ax.set_xlabel("revision of the prompt")
    ax.set_ylabel(ylabel or f"mean of {drift.attrs.get('outcome', 'the answers')}")
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


def draw_real(span: Any, line: Any, real: Estimate, label: str) -> None:
    """Draw an estimate from real data, with its interval if there is one."""
    if real is None:
        return
    values = np.atleast_1d(np.asarray(real, dtype=float))
    if values.shape not in ((1,), (3,)) or not np.isfinite(values).all():
        raise ValueError(
            f"real={real!r} must be an estimate, or an estimate and the ends of its interval."
        )
    if len(values) == 3:
        span(values[1], values[2], color=GREY, alpha=0.25, lw=0)
    line(values[0], color="black", lw=1.5, label=label, zorder=1)


def _axes(ax: Axes | None, height: float = 3.9) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(7.2, height), layout="constrained")[1]


def _users(drift: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    if "user" not in drift.dims:
        yield "", drift
        return
    for name in drift["user"].values:
        yield str(name), drift.sel(user=name)


def _cycle(drift: xr.Dataset) -> list[str]:
    count = drift.sizes.get("user", 1)
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _anticipated(ax: Axes, one: xr.Dataset, colour: str, name: str) -> None:
    if bool(one["anticipated"].isnull()):
        return
    label = f"anticipated by {name}" if name else "anticipated"
    ax.axhline(float(one["anticipated"]), color=colour, ls="--", lw=1.2, label=label, zorder=1)
    if bool(one["anticipated_lower"].notnull()):
        ends = float(one["anticipated_lower"]), float(one["anticipated_upper"])
        ax.axhspan(*ends, color=colour, alpha=0.1, lw=0)
