"""Visuals for `arviz_plots.PlotCollection.map`: each takes data and a target, and draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

__all__ = ["areas", "bands", "lines_at", "notes", "room_for_notes", "spans", "stretches"]

type Objects = NDArray[np.object_]


def bands(
    da: xr.DataArray, target: Any, *, upper: xr.DataArray, alphas: list[float], **kwargs: Any
) -> Objects:
    """Fill between the lower bounds ``da`` and the upper ones, both over (prob, trust)."""
    from arviz_plots.visuals import fill_between_y

    x = da["trust"].values
    return _objects(
        fill_between_y(
            da, target, x=x, y_bottom=low.values, y_top=high.values, alpha=alpha, **kwargs
        )
        for low, high, alpha in zip(da, upper, alphas, strict=True)
    )


def lines_at(da: xr.DataArray, target: Any, *, linestyles: list[Any], **kwargs: Any) -> Objects:
    """Draw a vertical line at each value of ``da``."""
    from arviz_plots.visuals import vline

    return _objects(
        vline(value, target, linestyle=style, **kwargs)
        for value, style in zip(da, linestyles, strict=True)
    )


def spans(da: xr.DataArray, target: Any, *, most: int, **kwargs: Any) -> Objects:
    """Shade the stretches of trust at which ``da`` is False; ``most`` of them at most."""
    from arviz_plots.plot_collection import backend_from_object

    backend = backend_from_object(target)
    out = np.full(most, None, dtype=object)
    for i, (left, right) in enumerate(stretches(da["trust"].values, ~da.values.astype(bool))):
        out[i] = backend.vspan(left, right, target, **kwargs)
    return out


def stretches(x: NDArray[np.float64], where: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return the ends of each run of True, half-way to its neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> stretches(np.arange(4.0), np.array([True, False, False, True]))
    [(0.0, 0.5), (2.5, 3.0)]
    """
    edges = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2, x[-1:]])
    change = np.diff(np.concatenate([[0], where.astype(int), [0]]))
    starts, stops = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    return [(float(edges[a]), float(edges[b])) for a, b in zip(starts, stops, strict=True)]


def _objects(items: Any) -> Objects:
    listed = list(items)
    out = np.empty(len(listed), dtype=object)
    for i, item in enumerate(listed):
        out[i] = item
    return out


def notes(
    da: xr.DataArray,
    target: Any,
    *,
    curve: xr.DataArray,
    texts: dict[str, list[str]],
    fraction: Any,
    sel: dict[str, Any],
    var_name: str,
    isel: dict[str, Any],
    **kwargs: Any,
) -> Objects:
    """Write texts at the points ``da``, each on the side of the curve where there is room."""
    from arviz_plots.visuals import annotate_xy

    out = np.full(da.sizes["point"], None, dtype=object)
    if hasattr(target, "get_facecolor"):
        paper = {"facecolor": target.get_facecolor(), "edgecolor": "none", "pad": 1.0}
        kwargs = {"bbox": {**paper, "alpha": 0.8}, "zorder": 5, **kwargs}
    place, height = fraction(curve["trust"].values), curve.values
    for i, text in enumerate(texts[str(sel["quantity"])]):
        x, y = da.isel(point=i).values
        up = 0.05 * float(np.ptp(height[np.isfinite(height)]))
        side = float(fraction(x))
        near = height[np.abs(place - side) < 0.35]
        above = np.nanmean(near) <= y
        words = {"left": f"  {text}", "center": text, "right": f"{text}  "}
        align = "left" if side < 0.3 else "right" if side > 0.7 else "center"
        out[i] = annotate_xy(
            da.isel(point=i),
            target,
            y=up if above else -up,
            text=words[align],
            horizontal_align=align,
            vertical_align="bottom" if above else "top",
            **kwargs,
        )
    return out


def room_for_notes(target: Any, values: NDArray[np.float64]) -> None:
    """Leave room for a line of text above and below a curve; matplotlib only."""
    low, high = np.nanmin(values), np.nanmax(values)
    pad = (high - low) or 1.0
    target.set_ylim(low - 0.2 * pad, high + 0.2 * pad)


def areas(
    da: xr.DataArray, target: Any, *, upper: xr.DataArray, colours: list[str], **kwargs: Any
) -> Objects:
    """Fill between ``da`` and ``upper``, both over (component, trust), a colour for each."""
    from arviz_plots.visuals import fill_between_y

    x = da["trust"].values
    return _objects(
        fill_between_y(da, target, x=x, y_bottom=low.values, y_top=high.values, color=c, **kwargs)
        for low, high, c in zip(da, upper, colours, strict=True)
    )
