"""Truth beside answers: real values of the units that answers speak about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.voices_columns import (
    indicators,
    levels_of,
    profile_codes,
    the_outcome,
)
from foundation_priors.errors import ColumnError, ModelError

if TYPE_CHECKING:
    from foundation_priors.synthetic import SyntheticData

    type Truth = Mapping[Any, Any] | pd.Series | xr.DataArray

__all__ = ["Anchored", "anchored"]

type Floats = NDArray[np.float64]
type Codes = NDArray[np.intp]


class Anchored:
    """Answers about units whose real value is known.

    Parameters
    ----------
    rows : array of int
        Positions of these answers.
    item : array of int
        Their units, from 0 without gaps.
    said, real : array
        Shape (answer, column): numbers, or indicators of unordered levels.
    label : str
        What the items are.
    wrong_or_right : bool
        Whether there are two levels or several unordered ones, so that an answer is right or not.
    """

    def __init__(
        self, rows: Codes, item: Codes, said: Floats, real: Floats, label: str, right: bool
    ) -> None:
        self.rows, self.item, self.said, self.real = rows, item, said, real
        self.label, self.wrong_or_right = label, right

    @property
    def items(self) -> int:
        """Count the units."""
        return int(self.item.max()) + 1

    def errors(self) -> Floats:
        """Return answer minus truth, or 1 where an unordered level is wrong; shape (answer,)."""
        if self.said.shape[1] == 1:
            return self.said[:, 0] - self.real[:, 0]
        return (self.said != self.real).any(axis=1).astype(float)


def anchored(
    llm: SyntheticData, truth: Truth, outcome: str | None = None, item: str | None = None
) -> Anchored:
    """Find the answers whose unit has a real value.

    Parameters
    ----------
    llm : SyntheticData
    truth : mapping, Series or DataArray
        The real value by item: levels or their codes for an outcome of words.
    outcome, item : str, optional
        Default: the first outcome; the unit.

    Returns
    -------
    Anchored
    """
    name = the_outcome(llm, outcome)
    label = item or llm.unit
    if label is None:
        raise ModelError(
            "The answers name no unit whose truth could be looked up: give item=, a column of them."
        )
    _, codes = profile_codes(llm, label)
    assert codes is not None
    known = _series(truth)
    ids = llm.column(label)
    values = pd.Series(ids).map(known).to_numpy()
    rows = np.flatnonzero(~np.asarray(pd.isna(values)))
    if not len(rows):
        raise ModelError(
            f"No answer speaks about a unit of truth=: its keys must be values of {label!r}, such"
            f" as {ids[0]!r}."
        )
    said, levels = indicators(llm, name)
    right = levels is not None or len(np.unique(said)) == 2
    real = _coded(values[rows], levels_of(llm, name), name)
    real = real[:, None] if levels is None else np.eye(len(levels))[real.astype(int)]
    kept = pd.factorize(codes[rows])[0]
    return Anchored(rows, kept, said[rows], real, label, right)


def _series(truth: Truth) -> pd.Series:
    if isinstance(truth, xr.DataArray):
        if truth.ndim != 1 or truth.dims[0] not in truth.coords:
            raise ValueError("truth= needs one dim whose coordinate holds the items.")
        truth = truth.to_series()
    if not isinstance(truth, pd.Series | Mapping):
        raise TypeError(
            f"truth= must be a Series, a mapping or a DataArray by item, not a"
            f" {type(truth).__name__}."
        )
    found = pd.Series(truth)
    if found.index.has_duplicates:
        twice = found.index[found.index.duplicated()][0]
        raise ValueError(f"truth= has the item {twice!r} twice: give each one value.")
    return found


def _coded(values: np.ndarray, levels: tuple | None, name: str) -> Floats:
    if levels is None:
        found = np.asarray(pd.to_numeric(pd.Series(values), errors="coerce"), dtype=float)
        if not np.isfinite(found).all():
            raise ColumnError(f"truth= of {name!r} must be finite numbers.")
        return found
    at: dict[Any, float] = {**{i: float(i) for i in range(len(levels))}}
    at |= {level: float(i) for i, level in enumerate(levels)}
    codes = np.array([at.get(value, -1.0) for value in values])
    bad = codes < 0
    if bad.any():
        raise ColumnError(
            f"truth= of {name!r} holds {values[bad][0]!r}, which is none of the levels {levels} and"
            " no code of one."
        )
    return codes
