"""Where the information comes from, over trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.plots.axis import Scale, TrustAxis, trust_axis
from foundation_priors.plots.curves import Wanted, facets, options, over_trust, wanted
from foundation_priors.plots.dress import (
    collection,
    draw,
    draw_marks,
    draw_unreliable,
    grows,
    legend,
    line_entries,
    panel_width,
    targets,
    title,
    trust_scale,
    worth_axis,
)
from foundation_priors.plots.plain import lettered

if TYPE_CHECKING:
    from arviz_plots import PlotCollection

    from foundation_priors.path import TrustPath
    from foundation_priors.plots.curves import Quantities

__all__ = ["plot_shares", "roomiest", "stack"]

type Floats = NDArray[np.float64]

POINTS = 25
SOURCES = ("#E69F00", "#009E73", "#D55E00", "#F0E442", "#CC79A7")  # of Okabe and Ito


def plot_shares(
    path: TrustPath,
    quantity: Quantities,
    *,
    trust: Any = None,
    along: Mapping[str, float] | None = None,
    marks: Mapping[str, float] | None = None,
    scale: Scale = "sqrt",
    backend: str | None = None,
    visuals: Mapping[str, Mapping[str, Any] | bool] | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Plot over trust which share of the information about a quantity comes from where.

    The shares are those of `foundation_priors.reliance`: of the primitive prior, the model
    structure, the real data and each source. They add to 1. Where one is negative, because
    components work against each other, it is drawn below zero and the others reach above 1.

    Parameters
    ----------
    path : TrustPath
    quantity : str, callable, sequence or dict
        As ``var_names`` in `plot_trust_path`, one facet for each scalar.
    trust : array, optional
        Weights to compute the shares at; 25, evenly spaced on the axis, by default.
    along, marks, scale, backend, **pc_kwargs
        As in `plot_trust_path`.
    visuals : dict, optional
        Settings of ``"shares"``, ``"labels"``, ``"marks"`` and ``"unreliable"``; False leaves one
        out.

    Returns
    -------
    arviz_plots.PlotCollection
        Its ``data`` holds ``share`` and ``mcse_share``, and ``bottom`` and ``top`` of the areas,
        over (quantity, component, trust), and ``reliable``.

    Examples
    --------
    >>> from foundation_priors import plots
    >>> plots.plot_shares(path, "beta[age]")  # doctest: +SKIP
    """
    if not hasattr(path, "draws"):
        raise TypeError(
            f"Shares of information need the draws of a path, which {type(path).__name__} has "
            "not: build one with trust_path()."
        )
    at = _weights(path, scale) if trust is None else trust
    data = _shares(path, wanted(path, quantity), at, along)
    axis = trust_axis(data["trust"].values, scale, path.trust)
    colours = _colours(data["component"].values)
    pc = collection(data, backend, **pc_kwargs)
    _areas(pc, data, colours, visuals)
    flagged = draw_unreliable(pc, data["reliable"].isel(component=0, drop=True), visuals)
    styles = draw_marks(pc, marks, axis, visuals, color="black", zorder=3)
    title(pc)
    _limits(pc, data)
    trust_scale(pc, axis, margin=0.0)
    worth = float(path.effective_observations(axis.high, **options(along)))
    worth_axis(pc, axis, worth / axis.high if axis.high else 0.0)
    bare = _labels(pc, data, axis, colours, visuals)
    areas = [(c, ("area", {"color": colours[c]})) for c in colours if c in bare]
    hatch: list[tuple[str, Any]] = [("unreliable", ("hatch", {}))] if flagged else []
    legend(pc, [*areas, *hatch, *line_entries(styles)], grow=grows(pc_kwargs))
    return pc


def _weights(path: TrustPath, scale: Scale) -> Floats:
    """Return weights evenly spaced on the axis."""
    axis = trust_axis(path.trust, scale, path.trust)
    low, high = axis.forward(np.array([axis.low, axis.high]))
    return np.clip(axis.inverse(np.linspace(low, high, POINTS)), axis.low, axis.high)


def _shares(
    path: TrustPath, items: Sequence[Wanted], trust: Any, along: Mapping[str, float] | None
) -> xr.Dataset:
    """Return shares over (quantity, component, trust); one pass over the draws per weight."""
    from foundation_priors.diagnose.components import components
    from foundation_priors.diagnose.shares import shares
    from foundation_priors.path.draws import evaluate

    def one(draws: xr.Dataset) -> xr.DataArray:
        return xr.DataArray(np.ones(draws.sizes["sample"]), dims="sample")

    reliable = over_trust(path.mean(one, trust, **options(along)))
    points, parts = path.points(trust, along), components(path)
    drawn: dict[str, Floats] = {}
    for item in items:
        drawn |= facets(path, evaluate(path.draws, item.quantity), item, "sample")
    shape = (len(drawn), len(parts), len(points.array))
    share, error, known = np.empty(shape), np.empty(shape), np.empty(shape, bool)
    for column, point in enumerate(points.array):
        weight = dict(zip(path.sources, point, strict=True))
        scale = [weight.get(name, 1.0) for name in parts]
        values = np.stack([s * v for s, (v, _) in zip(scale, parts.values(), strict=True)])
        grads = np.stack([s * g for s, (_, g) in zip(scale, parts.values(), strict=True)])
        for row, h in enumerate(drawn.values()):
            found = shares(
                path.posterior.mixture, point, h.astype(float), path.posterior.u, grads, values
            )
            share[row, :, column], error[row, :, column] = found.share, found.share_error
            known[row, :, column] = abs(found.total) > 4 * found.total_error
    bottom, top = stack(share)
    dims = ("quantity", "component", "trust")
    arrays = {"share": share, "mcse_share": error, "bottom": bottom, "top": top}
    arrays["reliable"] = known & reliable["reliable"].values
    coords = {"quantity": list(drawn), "component": list(parts), "trust": reliable["trust"].values}
    return xr.Dataset({k: (dims, v) for k, v in arrays.items()}, coords).sortby("trust")


def stack(share: Floats) -> tuple[Floats, Floats]:
    """Return bottom and top of stacked areas, the components along the last axis but one.

    Positive shares pile up from 0, negative ones hang down from it; at every weight the height
    above 0 less the depth below it is the sum.

    Examples
    --------
    >>> bottom, top = stack(np.array([[0.5], [-0.25], [0.75]]))
    >>> bottom.ravel(), top.ravel()
    (array([ 0.  , -0.25,  0.5 ]), array([0.5 , 0.  , 1.25]))
    """
    up, down = np.maximum(share, 0), np.minimum(share, 0)
    high, low = np.cumsum(up, axis=-2), np.cumsum(down, axis=-2)
    return np.where(share >= 0, high - up, low), np.where(share >= 0, high, low - down)


def roomiest(
    place: Floats, bottom: Floats, top: Floats, width: float, enough: float = np.inf
) -> tuple[float, float, float]:
    """Return where a label fits best into an area: centre along the axis, middle, and height.

    Parameters
    ----------
    place : array, shape (trust,)
        Increasing, as fractions of the axis.
    bottom, top : array, shape (trust,)
    width : float
        Of the label, in the same units as ``place``.
    enough : float
        A height that needs no improvement: among places with as much, the most central is taken.
    """
    best = (0.5, 0.0, -np.inf)
    for centre in sorted(np.linspace(width / 2, 1 - width / 2, 41), key=lambda c: abs(c - 0.5)):
        x = np.linspace(centre - width / 2, centre + width / 2, 9)
        low, high = np.interp(x, place, bottom).max(), np.interp(x, place, top).min()
        if min(high - low, enough) > best[2] + 1e-9:
            best = (float(centre), float(low + high) / 2, float(high - low))
    return best


def _colours(components: Floats) -> dict[str, str]:
    from foundation_priors.diagnose.components import PRIOR, REAL, STRUCTURE

    fixed = {PRIOR: "#999999", STRUCTURE: "#56B4E9", REAL: "#0072B2"}
    sources = [c for c in components if c not in fixed]
    own = {c: SOURCES[i % len(SOURCES)] for i, c in enumerate(sources)}
    return {str(c): (fixed | own)[c] for c in components}


def _areas(
    pc: PlotCollection,
    data: xr.Dataset,
    colours: Mapping[str, str],
    visuals: Mapping[str, Any] | None,
) -> None:
    from foundation_priors.plots.visuals import areas

    draw(
        pc,
        "shares",
        areas,
        visuals,
        {},
        data=data["bottom"].rename("shares"),
        upper=data["top"],
        colours=list(colours.values()),
        artist_dims={"component": len(colours)},
    )


def _limits(pc: PlotCollection, data: xr.Dataset) -> None:
    from arviz_plots.visuals import set_ylim

    low, high = float(data["bottom"].min()), float(data["top"].max())
    pad = 0.03 * (high - low)
    limits = (low - (pad if low < -1e-3 else 0), high + (pad if high > 1.001 else 0))
    kwargs = {"data": data["share"].isel(component=0, drop=True), "store_artist": False}
    if np.isfinite(limits).all():
        pc.map(set_ylim, limits=limits, ignore_aes="all", **kwargs)
    from importlib import import_module

    backend = import_module(f"arviz_plots.backend.{pc.backend}")
    for name, target in targets(pc).items():
        if low < -1e-3:
            for level in (0.0, 1.0):
                backend.hline(level, target, color="black", width=1, linestyle="-")
        if int(pc.viz["col_index"].sel(quantity=name)) == 0:
            backend.ylabel("share of information", target)


def _labels(
    pc: PlotCollection,
    data: xr.Dataset,
    axis: TrustAxis,
    colours: Mapping[str, str],
    visuals: Mapping[str, Any] | None,
) -> set[str]:
    """Write each component's name onto its area; return those that fit in some facet nowhere."""
    own = (visuals or {}).get("labels", {})
    if pc.backend != "matplotlib" or own is False:
        return set(colours)
    place, width, bare = axis.fraction(data["trust"].values), panel_width(pc), set()
    for name, target in targets(pc).items():
        low, high = target.get_ylim()
        for component, colour in colours.items():
            area = data.sel(quantity=name, component=component)
            room = 0.085 * len(component) / width
            x, y, height = roomiest(place, area["bottom"].values, area["top"].values, room, 0.2)
            if room > 0.9 or height < 0.1 * (high - low):
                bare.add(component)
                continue
            ends = axis.forward(np.array([axis.low, axis.high]))
            trust = axis.inverse(ends[0] + x * (ends[1] - ends[0]))
            look = {"color": _ink(colour), "ha": "center", "va": "center", "zorder": 5}
            look |= {"bbox": {"facecolor": colour, "edgecolor": "none", "pad": 1.5}, **own}
            target.text(float(trust), y, lettered(component), **look)
    return bare


def _ink(colour: str) -> str:
    """Return black or white, whichever reads better on a colour."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.45 else "white"
