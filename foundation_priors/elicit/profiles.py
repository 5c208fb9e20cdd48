"""The table of profiles that a study asks about."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from foundation_priors.elicit.template import as_text
from foundation_priors.errors import ColumnError
from foundation_priors.synthetic.columns import require_finite, split_levels, tidy

__all__ = ["Profiles"]

DTYPE = re.compile(
    r"object|bool|u?int\d{1,2}|float\d{2,3}|(datetime|timedelta)64\[\w{1,3}\]|[<>]?U\d+"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Profiles:
    """Who is asked about: one row a profile.

    Parameters
    ----------
    ids : tuple of str or int
        What identifies each profile, all of one kind.
    columns : dict of str to numpy.ndarray
        Shape (profile,) each: numbers, booleans, times, or strings as objects.
    levels : dict of str to pandas.CategoricalDtype
        Of the columns that were categorical.
    """

    ids: tuple[str | int, ...]
    columns: dict[str, np.ndarray]
    levels: dict[str, pd.CategoricalDtype]
    _places: dict[str | int, int] = dataclasses.field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Remember where each profile stands."""
        self._places.update({name: place for place, name in enumerate(self.ids)})

    def __len__(self) -> int:
        """Count the profiles."""
        return len(self.ids)

    def place(self, profile: object) -> int | None:
        """Return the row of a profile, None if there is no such one."""
        return self._places.get(profile) if isinstance(profile, str | int) else None

    def texts(self, row: int, names: Sequence[str]) -> dict[str, str]:
        """Return some columns of one profile as a prompt shows them."""
        return {name: as_text(self.columns[name][row]) for name in names}

    @classmethod
    def of(cls, frame: pd.DataFrame | None) -> Profiles:
        """Check a frame and take its rows for profiles, its index for their names.

        Parameters
        ----------
        frame : pandas.DataFrame or None
            Shape (profile, column). None is one profile of which nothing is known.

        Returns
        -------
        Profiles
            In the order of the rows.

        Raises
        ------
        ColumnError
            If a column, or the index, is not as it must be.
        """
        if frame is None:
            return cls((0,), {}, {})
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(
                f"profiles= is a {type(frame).__name__}, and must be a pandas.DataFrame with one"
                " row per profile."
            )
        if frame.empty and not len(frame.index):
            raise ColumnError("profiles= has no rows: give at least one profile.")
        columns, levels = {}, {}
        for name in _names(frame):
            columns[name], dtype = _column(name, frame[name])
            if dtype is not None:
                levels[name] = dtype
        return cls(_ids(frame.index), columns, levels)

    def record(self) -> dict[str, Any]:
        """Return it as JSON can hold it, nothing lost."""
        return {name: self._recorded(name) for name in self.columns}

    def _recorded(self, name: str) -> dict[str, Any]:
        values, entry = self.columns[name], {"dtype": str(self.columns[name].dtype)}
        plain = values.astype(np.int64) if values.dtype.kind in "mM" else values
        out: dict[str, Any] = {**entry, "values": plain.tolist()}
        if name in self.levels:
            levels, ordered = split_levels(self.levels[name], name)
            out |= {"levels": list(levels), "ordered": ordered}
        return out

    @classmethod
    def from_record(cls, columns: Mapping[str, Any], index: Sequence[str | int]) -> Profiles:
        """Rebuild what `record` wrote.

        Parameters
        ----------
        columns : mapping
            As `record` returns it.
        index : sequence of str or int
            The ids.

        Returns
        -------
        Profiles
            Equal to what was recorded.
        """
        arrays, levels = {}, {}
        for name, entry in columns.items():
            if not DTYPE.fullmatch(entry["dtype"]):  # NumPy's own reader takes whole expressions
                raise ValueError(f"The column {name!r} has no dtype of a table.")
            dtype = np.dtype(entry["dtype"])
            plain = np.array(entry["values"], dtype=np.int64 if dtype.kind in "mM" else dtype)
            arrays[name] = plain.astype(dtype)
            if "levels" in entry:
                levels[name] = pd.CategoricalDtype(entry["levels"], entry["ordered"])
        return cls(tuple(index), arrays, levels)


def _names(frame: pd.DataFrame) -> list[str]:
    odd = [name for name in frame.columns if not isinstance(name, str)]
    if odd:
        raise ColumnError(f"The column name {odd[0]!r} of profiles= is no string: rename it.")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ColumnError(f"profiles= has two columns named {twice!r}: rename or drop one.")
    return [str(name) for name in frame.columns]


def _column(name: str, series: pd.Series) -> tuple[np.ndarray, pd.CategoricalDtype | None]:
    dtype = series.dtype if isinstance(series.dtype, pd.CategoricalDtype) else None
    if dtype is not None:
        levels, ordered = split_levels(dtype, name)
        if pd.api.types.infer_dtype(dtype.categories) == "interval":
            series = series.map(str, na_action="ignore").astype(object)
        dtype = pd.CategoricalDtype(list(levels), ordered)
    values = tidy(name, series)
    require_finite(name, values, "column")
    return values, dtype


def _ids(index: pd.Index) -> tuple[str | int, ...]:
    kind = pd.api.types.infer_dtype(index)
    sound = not isinstance(index, pd.MultiIndex) and not index.hasnans
    if not sound or kind not in ("integer", "string"):
        raise ColumnError(
            f"The index of profiles= holds values of kind {kind!r}, and names the profiles by whole"
            " numbers or strings: use frame.reset_index(drop=True)."
        )
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise ColumnError(
            f"The index of profiles= holds {twice!r} twice, and names each profile: use"
            " frame.reset_index(drop=True)."
        )
    return tuple(int(name) if kind == "integer" else str(name) for name in index)
