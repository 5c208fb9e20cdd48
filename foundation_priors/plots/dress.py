"""Titles, axes and legend of a picture; the axis of trust and the legend need matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.plots.axis import TrustAxis, readable_ticks, tick_label
from foundation_priors.plots.plain import lettered

if TYPE_CHECKING:
    from arviz_plots import PlotCollection

__all__ = [
    "LINES",
    "collection",
    "draw",
    "draw_marks",
    "draw_unreliable",
    "grows",
    "legend",
    "line_entries",
    "mark_labels",
    "panel_width",
    "targets",
    "title",
    "trust_scale",
    "worth_axis",
]

BLUE, ORANGE = "#0072B2", "#D55E00"  # of Okabe and Ito
GREY = "#7f7f7f"  # shows on white and on black
TITLE = 160
"""Most characters of a facet's title."""
LINES = ("--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 3)))
TEXT, LINE = 0.07, 0.21  # inches that a character and a line of the legend take, about
PANELS, PANEL = {1: (6.4, 3.9), 2: (4.7, 3.3)}, (3.7, 2.9)  # inches, by the number of columns


def collection(
    data: Any,
    backend: str | None,
    *,
    col_wrap: int = 3,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Return a PlotCollection with one facet for each quantity."""
    from arviz_base import rcParams
    from arviz_plots import PlotCollection

    backend = backend or rcParams["plot.backend"]
    count = data.sizes["quantity"]
    columns = min(count, col_wrap)
    figure = dict(pc_kwargs.pop("figure_kwargs", {}))
    if backend == "matplotlib":
        width, height = PANELS.get(columns, PANEL)
        figure.setdefault("figsize", (width * columns, height * -(-count // columns)))
        figure.setdefault("layout", "constrained")
    return PlotCollection.wrap(
        data,
        cols=["quantity"],
        col_wrap=columns,
        backend=backend,
        figure_kwargs=figure,
        **pc_kwargs,
    )


def targets(pc: PlotCollection) -> dict[str, Any]:
    """Return the place to draw of each quantity."""
    return {str(q): pc.get_viz("plot", quantity=q) for q in pc.viz["quantity"].values}


def draw(
    pc: PlotCollection,
    name: str,
    visual: Any,
    visuals: Mapping[str, Any] | None,
    defaults: Mapping[str, Any],
    **kwargs: Any,
) -> bool:
    """Map a visual unless the user put it to False; the user's settings come before ours."""
    own = (visuals or {}).get(name, {})
    if own is False:
        return False
    kwargs.setdefault("ignore_aes", "all")
    pc.map(visual, name, **kwargs, **{**defaults, **own})
    return True


def draw_unreliable(pc: PlotCollection, reliable: Any, visuals: Mapping[str, Any] | None) -> bool:
    """Hatch the weights at which a check fails; say whether there were any."""
    from foundation_priors.plots.visuals import spans, stretches

    trust = reliable["trust"].values
    most = max(len(stretches(trust, ~row)) for row in reliable.values)
    if not most:
        return False
    look: dict[str, Any] = {"color": GREY, "alpha": 0.3}
    if pc.backend == "matplotlib":
        look = {"facecolor": "none", "edgecolor": GREY, "hatch": "///", "zorder": 2.5}
        look["linewidth"] = 0.0
    kwargs = {"data": reliable.rename("unreliable"), "artist_dims": {"span": most}, "most": most}
    return draw(pc, "unreliable", spans, visuals, look, **kwargs)


def draw_marks(
    pc: PlotCollection,
    marks: Mapping[str, float] | None,
    axis: TrustAxis,
    visuals: Mapping[str, Any] | None,
    **look: Any,
) -> dict[str, Any]:
    """Draw vertical lines at some weights and return the line style of each."""
    import xarray as xr

    from foundation_priors.plots.visuals import lines_at

    found = mark_labels(marks, axis)
    if not found:
        return {}
    values = np.tile(list(found.values()), (len(pc.viz["quantity"]), 1)).astype(float)
    data = xr.DataArray(
        values,
        {"quantity": pc.viz["quantity"].values, "mark": list(found)},
        ("quantity", "mark"),
        name="marks",
    )
    styles = [LINES[i % len(LINES)] for i in range(len(found))]
    look = {"color": GREY, "width": 1.3, **look}
    kwargs: dict[str, Any] = {"data": data, "artist_dims": {"mark": len(found)}}
    drawn = draw(pc, "marks", lines_at, visuals, look, linestyles=styles, **kwargs)
    return dict(zip(found, styles, strict=True)) if drawn else {}


def mark_labels(marks: Mapping[str, float] | None, axis: TrustAxis) -> dict[str, float]:
    """Return the marks that lie on the axis, the trust behind each label."""
    out = {}
    for label, value in (marks or {}).items():
        if not np.isfinite(value):
            raise ValueError(f"The mark {label!r} stands at {value}: give a finite trust.")
        if axis.low <= value <= axis.high:
            out[f"{label} ({tick_label(float(f'{value:.2g}'))})"] = float(value)
    return out


def panel_width(pc: PlotCollection) -> float:
    """Return the width of one facet in inches, about."""
    if pc.backend != "matplotlib":
        return 4.0
    columns = int(np.max(pc.viz["col_index"].values)) + 1
    return 0.85 * float(pc.get_viz("figure").get_figwidth()) / columns


def trust_scale(pc: PlotCollection, axis: TrustAxis, margin: float = 0.02) -> None:
    """Give every facet the axis of trust, with its label in the lowest row."""
    backend = import_module(f"arviz_plots.backend.{pc.backend}")
    ticks = readable_ticks(axis, gap=0.42 / panel_width(pc))
    scaled = pc.backend == "matplotlib"
    for name, target in targets(pc).items():
        if scaled:
            target.set_xscale("function", functions=(axis.forward, axis.inverse))
            target.set_xlim(axis.limits(margin))
            target.set_xticks(ticks, [tick_label(t) for t in ticks])
            target.minorticks_off()
        if _lowest(pc, name):
            backend.xlabel(axis.label if scaled else "trust", target)


def _lowest(pc: PlotCollection, name: str) -> bool:
    rows, columns = pc.viz["row_index"], pc.viz["col_index"]
    own_column = columns.sel(quantity=name).item()
    return bool(rows.sel(quantity=name) == rows.where(columns == own_column).max())


def worth_axis(pc: PlotCollection, axis: TrustAxis, per_trust: float) -> None:
    """Put effective real observations on top of every facet; matplotlib only."""
    if pc.backend != "matplotlib" or not np.isfinite(per_trust) or per_trust <= 0:
        return
    ticks = readable_ticks(axis, 0.42 / panel_width(pc), per_trust)
    for name, target in targets(pc).items():
        top = target.secondary_xaxis(
            "top", functions=(lambda x: x * per_trust, lambda n: n / per_trust)
        )
        # Matplotlib knows only the way between the two units and would draw this axis linear.
        top.set_xscale(
            "function",
            functions=(
                lambda n: axis.forward(np.asarray(n) / per_trust),
                lambda p: axis.inverse(np.asarray(p)) * per_trust,
            ),
        )
        top.set_xticks(ticks, [tick_label(t) for t in ticks])
        top.minorticks_off()
        if pc.viz["row_index"].sel(quantity=name).item() == 0:
            top.set_xlabel("effective real observations")


def title(pc: PlotCollection) -> None:
    """Write each quantity's name over its facet, in lines that fit."""
    backend = import_module(f"arviz_plots.backend.{pc.backend}")
    width = max(12, int(panel_width(pc) / 0.1))
    for name, target in targets(pc).items():
        backend.title(textwrap.fill(lettered(name, TITLE), width), target)


def grows(pc_kwargs: Mapping[str, Any]) -> bool:
    """Return whether the figure may grow: the user has not asked for a size."""
    return "figsize" not in pc_kwargs.get("figure_kwargs", {})


def legend(pc: PlotCollection, entries: Iterable[tuple[str, Any]], *, grow: bool) -> None:
    """Put one legend under the whole figure, which grows by its height; matplotlib only.

    ``entries`` are labels with ``("line" | "area" | "hatch", settings)``.
    """
    listed = [(lettered(label), how) for label, how in entries]
    if pc.backend != "matplotlib" or not listed:
        return
    figure = pc.get_viz("figure")
    longest = max(len(label) for label, _ in listed)
    columns = max(1, min(len(listed), int(figure.get_figwidth() / (TEXT * longest + 0.65))))
    if grow:
        figure.set_figheight(figure.get_figheight() + LINE * -(-len(listed) // columns))
    figure.legend(
        [_handle(*spec) for _, spec in listed],
        [label for label, _ in listed],
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize="small",
    )


def _handle(kind: str, settings: Mapping[str, Any]) -> Any:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if kind == "line":
        return Line2D([], [], **settings)
    if kind == "hatch":
        return Patch(facecolor="none", edgecolor=GREY, hatch="///", linewidth=0.0)
    return Patch(linewidth=0.0, **settings)


def line_entries(styles: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the legend's entries for marks."""
    return [(k, ("line", {"color": GREY, "linestyle": s})) for k, s in styles.items()]
