"""What speaks for one trust or another: evidence and held-out score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.plots.axis import Scale, TrustAxis, tick_label, trust_axis
from foundation_priors.plots.curves import (
    drawn_at,
    drawn_between,
    options,
    over_trust,
    reliable_at,
)
from foundation_priors.plots.dress import (
    BLUE,
    ORANGE,
    collection,
    draw,
    draw_marks,
    draw_unreliable,
    grows,
    legend,
    line_entries,
    targets,
    title,
    trust_scale,
    worth_axis,
)

if TYPE_CHECKING:
    import pandas as pd
    from arviz_plots import PlotCollection

    from foundation_priors.path import TrustPath
    from foundation_priors.plots.curves import Path

    type HeldOut = xr.DataArray | pd.DataFrame | xr.Dataset

__all__ = ["plot_evidence", "plot_evidence_and_score", "plot_score"]

EVIDENCE, SCORE = "evidence of the real data", "prediction of held-out rows"


def plot_evidence(
    path: Path,
    *,
    trust: Any = None,
    along: Mapping[str, float] | None = None,
    marks: Mapping[str, float] | None = None,
    scale: Scale = "sqrt",
    backend: str | None = None,
    visuals: Mapping[str, Mapping[str, Any] | bool] | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Plot the log evidence of the real data over trust, its highest point marked.

    The band is two Monte Carlo standard errors wide on either side. A high evidence is no licence
    to pool: choosing the trust by it alone is known to make intervals too short.

    Parameters
    ----------
    path : TrustPath or ConjugatePath
    trust, along, marks, scale, backend, **pc_kwargs
        As in `plot_trust_path`.
    visuals : dict, optional
        Settings of ``"curve"``, ``"error"``, ``"points"``, ``"labels"``, ``"marks"`` and
        ``"unreliable"``; False leaves one out.

    Returns
    -------
    arviz_plots.PlotCollection
        Its ``data`` holds ``curve``, ``mcse`` and ``reliable`` over (quantity, trust).

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from foundation_priors import plots
    >>> from foundation_priors.conjugate import BetaBinomial
    >>> pc = plots.plot_evidence(BetaBinomial(real=(20, 100), synthetic=(70, 100)))
    >>> pc.data["curve"].sel(trust=0).values
    array([0.])
    """
    at = drawn_at(path, trust, scale)
    curves = {EVIDENCE: path.log_evidence(at, **options(along))}
    return _panels(path, curves, along, marks, scale, backend, visuals, pc_kwargs)


def plot_score(
    path: TrustPath,
    held_out: HeldOut,
    *,
    trust: Any = None,
    along: Mapping[str, float] | None = None,
    marks: Mapping[str, float] | None = None,
    scale: Scale = "sqrt",
    backend: str | None = None,
    visuals: Mapping[str, Mapping[str, Any] | bool] | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Plot the log predictive score of held-out real rows over trust.

    The best trust is marked, and so are ignoring the answers (trust 0) and pooling them with the
    data (trust 1).

    Parameters
    ----------
    path : TrustPath
    held_out : DataArray, DataFrame or Dataset
        What `TrustPath.score` returned, or the rows to score. A score that was returned is joined
        linearly in trust.
    trust, along, marks, scale, backend, **pc_kwargs
        As in `plot_trust_path`; ``trust`` is not used when the score is given.
    visuals : dict, optional
        As in `plot_evidence`.

    Returns
    -------
    arviz_plots.PlotCollection
        Its ``data`` holds ``curve`` and ``reliable`` over (quantity, trust).

    Examples
    --------
    >>> from foundation_priors import plots
    >>> score = path.score(rows)  # doctest: +SKIP
    >>> plots.plot_score(path, score, marks={"design effect": 0.12})  # doctest: +SKIP
    """
    curves = {SCORE: _score(path, held_out, trust, scale, along)}
    return _panels(path, curves, along, marks, scale, backend, visuals, pc_kwargs)


def plot_evidence_and_score(
    path: TrustPath,
    held_out: HeldOut,
    *,
    trust: Any = None,
    along: Mapping[str, float] | None = None,
    marks: Mapping[str, float] | None = None,
    scale: Scale = "sqrt",
    backend: str | None = None,
    visuals: Mapping[str, Mapping[str, Any] | bool] | None = None,
    **pc_kwargs: Any,
) -> PlotCollection:
    """Plot `plot_evidence` and `plot_score` side by side.

    Parameters
    ----------
    path, held_out, trust, along, marks, scale, backend, visuals, **pc_kwargs
        As in `plot_score`.

    Returns
    -------
    arviz_plots.PlotCollection

    Examples
    --------
    >>> from foundation_priors import plots
    >>> plots.plot_evidence_and_score(path, path.score(rows))  # doctest: +SKIP
    """
    score = _score(path, held_out, trust, scale, along)
    at = score["trust"].values
    curves = {EVIDENCE: path.log_evidence(at, **options(along)), SCORE: score}
    return _panels(path, curves, along, marks, scale, backend, visuals, pc_kwargs)


def _score(
    path: TrustPath, held_out: HeldOut, trust: Any, scale: Scale, along: Mapping[str, float] | None
) -> xr.DataArray:
    if isinstance(held_out, xr.DataArray):
        return drawn_between(over_trust(held_out), scale)
    return over_trust(path.score(held_out, drawn_at(path, trust, scale), **options(along)))


def _panels(
    path: Path,
    curves: Mapping[str, xr.DataArray],
    along: Mapping[str, float] | None,
    marks: Mapping[str, float] | None,
    scale: Scale,
    backend: str | None,
    visuals: Mapping[str, Any] | None,
    pc_kwargs: dict[str, Any],
) -> PlotCollection:
    data = _dataset(curves)
    axis = trust_axis(data["trust"].values, scale, path.trust)
    pc = collection(data, backend, **pc_kwargs)
    _draw(pc, data, visuals)
    flagged = draw_unreliable(pc, data["reliable"], visuals)
    points = {name: _points(data["curve"].sel(quantity=name), name) for name in curves}
    _annotate(pc, data, points, axis, visuals)
    styles = draw_marks(pc, marks, axis, visuals)
    title(pc)
    _ylabels(pc, curves)
    trust_scale(pc, axis)
    top = float(path.effective_observations(axis.high, **options(along)))
    worth_axis(pc, axis, top / axis.high if axis.high else 0.0)
    entries = [("two Monte Carlo standard errors", ("area", {"color": BLUE, "alpha": 0.25}))]
    shown = bool((data["mcse"] > 0).any()) and (visuals or {}).get("error") is not False
    hatch: list[tuple[str, Any]] = [("unreliable", ("hatch", {}))] if flagged else []
    legend(pc, [*entries[: int(shown)], *hatch, *line_entries(styles)], grow=grows(pc_kwargs))
    return pc


def _dataset(curves: Mapping[str, xr.DataArray]) -> xr.Dataset:
    rows = {k: over_trust(v).transpose("trust") for k, v in curves.items()}
    parts = {
        "curve": [a.values for a in rows.values()],
        "mcse": [_mcse(a) for a in rows.values()],
        "reliable": [reliable_at(a) for a in rows.values()],
    }
    trust = next(iter(rows.values()))["trust"].values
    return xr.Dataset(
        {k: (("quantity", "trust"), np.stack(v)) for k, v in parts.items()},
        {"quantity": list(rows), "trust": trust},
    ).sortby("trust")


def _mcse(array: xr.DataArray) -> np.ndarray:
    known = array.coords.get("mcse")
    return np.full(array.sizes["trust"], np.nan) if known is None else known.values


def _draw(pc: PlotCollection, data: xr.Dataset, visuals: Mapping[str, Any] | None) -> None:
    from arviz_plots.visuals import fill_between_y, line_xy

    draw(
        pc,
        "error",
        fill_between_y,
        visuals,
        {"color": BLUE, "alpha": 0.25},
        data=data["mcse"].rename("error"),
        x=data["trust"],
        y_bottom=data["curve"] - 2 * data["mcse"],
        y_top=data["curve"] + 2 * data["mcse"],
    )
    look = {"color": BLUE, "width": 2}
    draw(pc, "curve", line_xy, visuals, look, data=data["curve"], x=data["trust"])


def _points(curve: xr.DataArray, name: str) -> dict[str, tuple[float, float]]:
    """Return the points to name: label, trust and value."""
    trust, value = curve["trust"].values, curve.values
    if not np.isfinite(value).any():
        return {}
    best = int(np.nanargmax(value))
    word = "highest" if name == EVIDENCE else "best"
    places = {best: f"{word} at trust {tick_label(float(f'{trust[best]:.2g}'))}"}
    if name == SCORE:
        for weight, label in ((0.0, "ignoring"), (1.0, "pooling")):
            for i in np.flatnonzero(np.isclose(trust, weight, rtol=0, atol=1e-12)):
                places[int(i)] = f"{label} is {word}" if i == best else label
    shown = {i: f"{value[i]:z.1f}".replace("-", "\N{MINUS SIGN}") for i in places}
    return {
        f"{label}: {shown[i]}": (float(trust[i]), float(value[i]))
        for i, label in places.items()
        if np.isfinite(value[i])
    }


def _annotate(
    pc: PlotCollection,
    data: xr.Dataset,
    points: Mapping[str, Mapping[str, tuple[float, float]]],
    axis: TrustAxis,
    visuals: Mapping[str, Any] | None,
) -> None:
    """Draw the points with their labels, on the side of the curve where there is room."""
    from arviz_plots.visuals import scatter_xy

    from foundation_priors.plots.visuals import notes, room_for_notes

    dots = _dots(points)
    look = {"color": ORANGE, "size": 45, "zorder": 4}
    if pc.backend != "matplotlib":
        look.pop("zorder")
    draw(pc, "points", scatter_xy, visuals, look, data=dots.rename("points"))
    limits = pc.backend == "matplotlib" and (visuals or {}).get("labels") is not False
    texts = {name: list(found) for name, found in points.items()}
    if limits:
        for name, target in targets(pc).items():
            room_for_notes(target, data["curve"].sel(quantity=name).values)
    draw(
        pc,
        "labels",
        notes,
        visuals,
        {},
        data=dots.rename("labels"),
        curve=data["curve"],
        texts=texts,
        fraction=axis.fraction,
        artist_dims={"point": dots.sizes["point"]},
        subset_info=True,
    )


def _dots(points: Mapping[str, Mapping[str, tuple[float, float]]]) -> xr.DataArray:
    most = max(len(found) for found in points.values())
    out = np.full((len(points), 2, most), np.nan)
    for row, found in zip(out, points.values(), strict=True):
        row[:, : len(found)] = np.reshape(list(found.values()), (len(found), 2)).T
    coords = {"quantity": list(points), "plot_axis": ["x", "y"]}
    return xr.DataArray(out, coords, ("quantity", "plot_axis", "point"))


def _ylabels(pc: PlotCollection, curves: Mapping[str, xr.DataArray]) -> None:
    from importlib import import_module

    backend = import_module(f"arviz_plots.backend.{pc.backend}")
    for name, target in targets(pc).items():
        rows = curves[name].attrs.get("n_rows")
        texts = {
            EVIDENCE: "log evidence, 0 at trust 0 (nats)",
            SCORE: f"log score of {rows:,} rows (nats)" if rows else "log score (nats)",
        }
        backend.ylabel(texts[name], target)
