"""The quantiles of many experts, one a row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation_priors.beliefs.checks import CrossingError, check_quantiles
from foundation_priors.beliefs.said import Quantiles, Said
from foundation_priors.errors import ColumnError, IncompleteWarning, did_you_mean, warn
from foundation_priors.synthetic.columns import named_index

if TYPE_CHECKING:
    import xarray as xr

    from foundation_priors.synthetic import SyntheticData

__all__ = ["read"]

type Panel = tuple[list[Said], list[float]]


def read(
    frame: pd.DataFrame | xr.Dataset | SyntheticData,
    quantiles: Mapping[str, float],
    expert: str | None,
    panel: str | None,
    scale: float,
    weights: str | None,
) -> dict[Any, Panel]:
    """Return what the experts of each panel said, with their weights; see `from_dataframe`."""
    table = _table(frame)
    named = [*quantiles, *(name for name in (expert, panel, weights) if name is not None)]
    for name in named:
        if name not in table.columns:
            raise ColumnError(
                f"The experts' table has no column {name!r}.{did_you_mean(name, table.columns)}"
            )
    if len(quantiles) < 2:
        raise ColumnError("A belief needs at least 2 quantiles: name two columns or more.")
    if not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"scale={scale} must be a positive number.")
    groups = [(None, table)] if panel is None else table.groupby(panel, sort=False, observed=True)
    return {name: _panel(rows, quantiles, expert, scale, weights, name) for name, rows in groups}


def _table(frame: Any) -> pd.DataFrame:
    from foundation_priors.synthetic import SyntheticData

    if isinstance(frame, SyntheticData):
        frame = frame.dataset
    if isinstance(frame, pd.DataFrame):
        return named_index(frame).reset_index(drop=True)
    if hasattr(frame, "to_dataframe"):
        return frame.to_dataframe().reset_index()
    raise TypeError(
        f"The experts' answers must be a DataFrame, a Dataset or SyntheticData, not "
        f"{type(frame).__name__}."
    )


def _panel(
    rows: pd.DataFrame,
    quantiles: Mapping[str, float],
    expert: str | None,
    scale: float,
    weights: str | None,
    panel: Any,
) -> Panel:
    """Return what the experts of one panel said, without those who said nothing."""
    names = [str(e) for e in (rows[expert] if expert else rows.index)]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise ColumnError(
            f"The expert {min(twice)!r} has several rows: give one row an expert, or leave expert= "
            "out to count each row as one."
        )
    values = rows[list(quantiles)].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    given = np.isfinite(values)
    silent = given.sum(axis=1) < 2
    where = "" if panel is None else f" of the panel {panel!r}"
    if silent.all():
        raise ColumnError(f"No expert{where} has answered: every row lacks its quantiles.")
    if silent.any():
        missing = ", ".join(np.array(names)[silent][:5])
        warn(
            f"{silent.sum()} of {len(names)} experts{where} answered nothing, or less than two "
            f"quantiles, and are left out of the pool: {missing}.",
            IncompleteWarning,
        )
    levels = np.array(list(quantiles.values()), dtype=float)
    mass = rows[weights].to_numpy(dtype=float) if weights else np.ones(len(rows))
    said: list[Said] = []
    kept: list[float] = []
    wrong: dict[str, ColumnError] = {}
    for name, row, known, own in zip(names, values, given, mass.tolist(), strict=True):
        if known.sum() < 2:
            continue
        stated = dict(zip(levels[known].tolist(), (scale * row[known]).tolist(), strict=True))
        try:
            p, x = check_quantiles(stated, f"the expert {name!r}")
        except CrossingError as error:
            wrong[name] = error
            continue
        said.append(Quantiles(tuple(p), tuple(x)))
        kept.append(own)
    if wrong and not said:
        raise next(iter(wrong.values()))
    if wrong:
        warn(
            f"{len(wrong)} of {len(names)} experts{where} gave quantiles that cross, and are left "
            f"out of the pool: {', '.join(list(wrong)[:5])}. {next(iter(wrong.values()))}",
            IncompleteWarning,
        )
    return said, kept
