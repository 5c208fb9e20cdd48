"""The posterior over trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.plots.axis import Scale, trust_axis
from foundation_priors.plots.curves import drawn_at, posterior_curves
from foundation_priors.plots.dress import (
    BLUE,
    GREY,
    collection,
    draw,
    draw_marks,
    draw_unreliable,
    grows,
    legend,
    line_entries,
    title,
    trust_scale,
    worth_axis,
)

if TYPE_CHECKING:
    from arviz_plots import PlotCollection

    from foundation_priors.plots.curves import Path, Quantities

__all__ = ["plot_trust_path"]


def plot_trust_path(
    path: Path,
    var_names: Quantities = None,
    *,
    ci_prob: float | Sequence[float] = (0.5, 0.9),
    trust: Any = None,
    along: Mapping[str, float] | None = None,
    marks: Mapping[str, float] | None = None,
    scale: Scale = "sqrt",
    plot_collection: PlotCollection | None = None,
    backend: str | None = None,
    visuals: Mapping[str, Mapping[str, Any] | bool] | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Plot posterior means and intervals, or probabilities of events, over trust.

    One facet for each scalar quantity. The axis on top counts the answers in effective real
    observations; weights at which the path's checks fail are hatched.

    Parameters
    ----------
    path : TrustPath or ConjugatePath
    var_names : str, callable, sequence or dict, optional
        Names (``"beta"``), elements (``"beta[age]"``), expressions (``"beta > 0.5"``, drawn as a
        probability) or functions of the draws; a dict gives them titles. Arrays get one facet for
        each element. By default all free variables.
    ci_prob : float or sequence of float
        Probabilities of the equal-tailed intervals.
    trust : array, optional
        Weights to draw at; by default the path's own grid, finer near 0 where the scale needs it.
    along : dict, optional
        With several sources, the multiples of a shared weight.
    marks : dict, optional
        Weights to mark with vertical lines, by label; those outside the axis are left out.
    scale : {"sqrt", "arc", "linear"}
        Of the trust. ``"arc"`` gives each stretch the room that the posterior moves over it.
    plot_collection : arviz_plots.PlotCollection, optional
        Draw into this one, made by this function before, and leave its axes and legend alone.
    backend : str, optional
        ArviZ's plotting backend. The top axis, the scale and the legend are matplotlib's; other
        backends draw the same curves on a linear axis.
    visuals : dict, optional
        Settings of ``"mean"`` (the probability, of an event), ``"interval"``, ``"reference"`` (the
        same at the smallest weight shown), ``"marks"`` and ``"unreliable"``; False leaves one out.
    **pc_kwargs
        Passed to `arviz_plots.PlotCollection.wrap`: ``col_wrap``, ``figure_kwargs``.

    Returns
    -------
    arviz_plots.PlotCollection
        Its ``data`` holds the curves: ``mean`` over (quantity, trust), ``lower`` and ``upper``
        over (quantity, prob, trust), ``reliable``. With matplotlib,
        ``pc.get_viz("plot", quantity="beta")`` are the axes, in units of trust.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from foundation_priors import plots
    >>> from foundation_priors.conjugate import BetaBinomial
    >>> coin = BetaBinomial(real=(20, 100), synthetic=(70, 100))
    >>> pc = plots.plot_trust_path(coin, marks={"a fifth": 0.2})
    >>> pc.data["mean"].sel(trust=[0, 1]).values.round(3)
    array([[0.206, 0.45 ]])
    """
    probs = [float(p) for p in np.atleast_1d(np.asarray(ci_prob, dtype=float))]
    if not all(0 < p < 1 for p in probs):
        raise ValueError(f"ci_prob={ci_prob} must lie between 0 and 1.")
    at = drawn_at(path, trust, scale)
    data = posterior_curves(path, var_names, probs, at, along)
    axis = trust_axis(data["trust"].values, scale, path.trust)
    pc = plot_collection or collection(data, backend, **pc_kwargs)
    styles = _draw(pc, data, axis, marks, visuals)
    if plot_collection is None:
        title(pc)
        _probabilities(pc, data)
        trust_scale(pc, axis)
        worth_axis(pc, axis, _slope(data))
        legend(pc, _entries(data, styles, visuals or {}), grow=grows(pc_kwargs))
    return pc


def _draw(
    pc: PlotCollection,
    data: xr.Dataset,
    axis: Any,
    marks: Mapping[str, float] | None,
    visuals: Mapping[str, Any] | None,
) -> dict[str, Any]:
    from arviz_plots.visuals import hline, line_xy

    from foundation_priors.plots.visuals import bands

    draw(
        pc,
        "interval",
        bands,
        visuals,
        {"color": BLUE, "alphas": _alphas(data.sizes["prob"])},
        data=data["lower"].rename("interval"),
        upper=data["upper"],
        artist_dims={"prob": data.sizes["prob"]},
    )
    start = data["mean"].isel(trust=0, drop=True)
    look = {"color": GREY, "width": 0.8, "linestyle": "-"}
    draw(pc, "reference", hline, visuals, look, data=start.rename("reference"))
    draw(pc, "mean", line_xy, visuals, {"color": BLUE, "width": 2}, data=data["mean"], x=data.trust)
    draw_unreliable(pc, data["reliable"], visuals)
    return draw_marks(pc, marks, axis, visuals)


def _probabilities(pc: PlotCollection, data: xr.Dataset) -> None:
    """Show all of 0 to 1 where a probability is drawn, and say that it is one."""
    from arviz_plots.visuals import labelled_y, set_ylim

    events = data["quantity"].values[data["event"].values]
    if len(events):
        chosen = data["mean"].sel(quantity=events)
        for visual, settings in (
            (set_ylim, {"limits": (-0.03, 1.03)}),
            (labelled_y, {"text": "posterior probability"}),
        ):
            pc.map(visual, data=chosen, ignore_aes="all", store_artist=False, **settings)


def _alphas(count: int) -> list[float]:
    return np.linspace(0.2, 0.3, count).tolist()


def _slope(data: xr.Dataset) -> float:
    """Return the effective real observations at trust 1."""
    trust = float(data["trust"][-1])
    return float(data["effective_observations"][-1]) / trust if trust else 0.0


def _kinds(data: xr.Dataset) -> list[str]:
    """Return what the lines are, a name for each kind among the facets."""
    events = data["event"].values
    names = {"mean": not events.all(), "probability": events.any()}
    return [name for name, drawn in names.items() if drawn]


def _entries(
    data: xr.Dataset, styles: Mapping[str, Any], visuals: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    out: list[tuple[str, Any]] = []
    if visuals.get("mean") is not False:
        colour = (visuals.get("mean") or {}).get("color", BLUE)
        what = " or ".join(_kinds(data))
        out.append((f"posterior {what}", ("line", {"color": colour, "linewidth": 2})))
    if visuals.get("interval") is not False and bool(data["lower"].notnull().any()):
        colour = (visuals.get("interval") or {}).get("color", BLUE)
        alphas = 1 - np.cumprod(1 - np.array(_alphas(data.sizes["prob"])))
        for prob, alpha in zip(data["prob"].values, alphas, strict=True):
            look = {"color": colour, "alpha": alpha}
            out.append((f"{100 * prob:.3g}% interval", ("area", look)))
    if visuals.get("reference") is not False:
        low = float(data["trust"][0])
        where = "without the answers" if low == 0 else f"at trust {low:.3g}"
        label = f"{' or '.join(_kinds(data))} {where}"
        out.append((label, ("line", {"color": GREY, "linewidth": 0.8})))
    if visuals.get("unreliable") is not False and not bool(data["reliable"].all()):
        out.append(("unreliable", ("hatch", {})))
    return [*out, *line_entries(styles)]
