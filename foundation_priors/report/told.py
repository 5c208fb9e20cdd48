"""From what a diagnostic returns to a section."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from foundation_priors.report.section import Section
from foundation_priors.report.words import several

__all__ = ["both", "diagnostic", "plotter", "tables_of", "told"]

TRUSTS = 9
"""Most weights that a table over trust shows."""
WIDEST = 400
"""Most rows of a table that a section keeps."""


def diagnostic(module: str, name: str) -> Callable[..., Any]:
    """Return a function of the room ``diagnose``, loaded when it is needed."""
    return getattr(import_module(f"foundation_priors.diagnose.{module}"), name)


def plotter(module: str, name: str, result: Any, **kwargs: Any) -> Callable[[], Any]:
    """Return a function that draws a diagnostic's own picture."""

    def draw() -> Any:
        plot = getattr(import_module(f"foundation_priors.plots.{module}"), name)
        return plot(result, **kwargs)

    return draw


def told(result: Any, draw: Callable[[], Any] | None = None, caption: str = "") -> Section:
    """Return the section of what a diagnostic returned: its reading, tables and failure mode."""
    return Section(
        "",
        "",
        str(result.attrs.get("reading", "")),
        tables_of(result, caption),
        {},
        draw,
        str(result.attrs.get("fails_when", "")),
    )


def tables_of(result: Any, caption: str = "") -> dict[str, pd.DataFrame]:
    """Return a Dataset's variables as tables, one for each set of dims; a frame as it is."""
    if isinstance(result, pd.DataFrame):
        return {caption or "In full": result}
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, variable in _thinned(result).data_vars.items():
        groups.setdefault(tuple(map(str, variable.dims)), []).append(str(name))
    out = {}
    # The fullest table first, which the page shows open.
    for dims, names in sorted(groups.items(), key=lambda g: (-len(g[1]), len(g[0]))):
        table = _flat(_thinned(result)[names], dims, names)
        if table is not None:
            over = f"over {' and '.join(dims)}" if dims else "in numbers"
            out[f"{caption or 'Found'}, {over}"] = table
    return out


def _flat(data: xr.Dataset, dims: tuple[str, ...], names: list[str]) -> pd.DataFrame | None:
    if not dims:
        values = [data[name].item() for name in names]
        return pd.DataFrame({"what": [n.replace("_", " ") for n in names], "value": values})
    size = int(np.prod([data.sizes[d] for d in dims]))
    if not size or size > WIDEST:
        return None
    return data.reset_coords(drop=True).to_dataframe()[names]


def _thinned(data: xr.Dataset) -> xr.Dataset:
    """Keep a few weights of a long trust, its ends among them."""
    size = data.sizes.get("trust", 0)
    if size <= TRUSTS:
        return data
    return data.isel(trust=np.unique(np.linspace(0, size - 1, TRUSTS).round().astype(int)))


def both(first: Section, second: Section) -> Section:
    """Return two sections as one, with the first one's picture."""
    return replace(
        first,
        reading=several([first.reading, second.reading]),
        tables={**first.tables, **second.tables},
        fails_when=several(dict.fromkeys([first.fails_when, second.fails_when])),
    )
