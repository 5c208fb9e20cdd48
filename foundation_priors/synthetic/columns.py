"""Bring the values of one column into one of a few plain kinds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from foundation_priors.errors import ColumnError, did_you_mean

__all__ = [
    "check_levels",
    "check_name",
    "is_missing",
    "name_rows",
    "named_index",
    "number_as_text",
    "require_finite",
    "split_levels",
    "tidy",
]


def named_index(frame: pd.DataFrame, drop: str | None = None) -> pd.DataFrame:
    """Return a frame with the named levels of its index as columns before the others.

    Parameters
    ----------
    frame : pandas.DataFrame
        Shape (row, column).
    drop : str, optional
        A name of the index that names the rows only.

    Returns
    -------
    pandas.DataFrame
        The same frame if no level of its index has a name.

    Raises
    ------
    ColumnError
        If a level is called as another, or as a column.

    Examples
    --------
    >>> frame = pd.DataFrame({"person": [1, 1, 2], "y": [0, 1, 1]})
    >>> named_index(frame.set_index("person")).columns.tolist()
    ['person', 'y']
    """
    levels = {i: n for i, n in enumerate(frame.index.names) if n is not None and n != drop}
    for name in levels.values():
        if name in frame.columns or list(levels.values()).count(name) > 1:
            raise ColumnError(
                f"The frame's index has the name {name!r}, as has another column: rename or drop"
                " one of them."
            )
    index = {name: frame.index.get_level_values(i).array for i, name in levels.items()}
    return frame if not levels else pd.concat([pd.DataFrame(index, frame.index), frame], axis=1)


def tidy(name: str, values: object) -> np.ndarray:
    """Return values as numbers, booleans, datetimes or an object array of strings.

    Parameters
    ----------
    name : str
        The column's name, for the error.
    values : array_like
        Shape (answer,). Missing strings become None; whole numbers with gaps become floats; times
        with a zone become UTC; intervals and tuples become their text.

    Returns
    -------
    numpy.ndarray
        Shape (answer,), always a new array.

    Raises
    ------
    ColumnError
        If the values are of several kinds, or of none that a column can hold.

    Examples
    --------
    >>> tidy("persona", ["nurse", float("nan")])
    array(['nurse', None], dtype=object)
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return _plain_float(values)
    series = values if isinstance(values, pd.Series) else pd.Series(values)
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    kind = pd.api.types.infer_dtype(series, skipna=True)
    gaps = bool(series.isna().any())
    if kind == "interval" or (len(series) and series.map(_is_tuple).all()):
        return _strings(series)
    if kind == "string" or (kind == "empty" and series.dtype.kind not in "mM"):
        return _strings(series)
    if kind == "boolean" and not gaps:
        return series.to_numpy(dtype=bool)
    if kind == "integer" and not gaps:
        return _integers(series)
    if kind in {"integer", "integer-na", "floating", "mixed-integer-float", "decimal"}:
        return _plain_float(series.to_numpy(dtype=float, na_value=np.nan))
    if kind in {"datetime64", "datetime", "date"} or series.dtype.kind == "M":
        return _datetimes(series)
    if kind in {"timedelta64", "timedelta"} or series.dtype.kind == "m":
        return pd.to_timedelta(series).to_numpy(copy=True)
    raise ColumnError(
        f"Column {name!r} holds values of kind {kind!r}{' with gaps' if gaps else ''}, so make it"
        " all numbers, all strings, all booleans or all times."
    )


def _is_tuple(value: object) -> bool:
    return isinstance(value, tuple)


def _plain_float(values: np.ndarray) -> np.ndarray:
    # Half and extended precision have no counterpart in NetCDF.
    if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
        return values.astype(float)
    return np.array(values)


def _integers(series: pd.Series) -> np.ndarray:
    if series.dtype.kind in "iu":
        narrow = getattr(series.dtype, "numpy_dtype", series.dtype)
        return np.array(series.to_numpy(), dtype=np.dtype(str(narrow)))
    return series.to_numpy(dtype=np.int64)


def _strings(series: pd.Series) -> np.ndarray:
    out = np.array([None] * len(series), dtype=object)
    for position, (value, gap) in enumerate(zip(series, series.isna(), strict=True)):
        if not gap:
            out[position] = str(value)
    return out


def _datetimes(series: pd.Series) -> np.ndarray:
    times = pd.to_datetime(series)
    if times.dt.tz is not None:
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return times.to_numpy(copy=True)


def check_name(name: str) -> None:
    """Raise if no file can hold a column of this name."""
    if "/" in name:
        raise ColumnError(
            f"The column name {name!r} holds '/', which files read as a folder: rename it."
        )


def is_missing(values: np.ndarray) -> np.ndarray:
    """Say which values of a tidied column are missing.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (answer,) or (answer, k).

    Returns
    -------
    numpy.ndarray
        Booleans of the same shape.
    """
    return np.asarray(pd.isna(values))


def split_levels(levels: object, name: str) -> tuple[tuple, bool]:
    """Read one entry of ``levels=``.

    Parameters
    ----------
    levels : sequence or pandas.CategoricalDtype
        Distinct strings, or distinct numbers.
    name : str
        The column's name, for the error.

    Returns
    -------
    tuple of (tuple, bool)
        The levels as plain Python values, and whether their order means something.
    """
    ordered = bool(getattr(levels, "ordered", False))
    if isinstance(levels, pd.CategoricalDtype):
        levels = _named_categories(levels)
    if isinstance(levels, str) or not isinstance(levels, Sequence | np.ndarray | pd.Index):
        raise ColumnError(
            f"Levels of {name!r} are {levels!r}, and must be a list of the values it can take."
        )
    plain = tuple(np.asarray(tidy(name, list(levels))).tolist())
    if not plain or len(set(plain)) != len(plain) or any(level is None for level in plain):
        raise ColumnError(
            f"Levels of {name!r} are {list(plain)}, and must be one or more distinct values."
        )
    return plain, ordered


def _named_categories(dtype: pd.CategoricalDtype) -> list:
    kind = pd.api.types.infer_dtype(dtype.categories)
    # Intervals, as pandas.cut makes them, are known by their names.
    return [str(c) if kind == "interval" else c for c in dtype.categories]


def check_levels(name: str, values: np.ndarray, levels: tuple) -> None:
    """Raise if a value of a column is none of its levels.

    Parameters
    ----------
    name : str
        The column's name.
    values : numpy.ndarray
        Shape (answer,). Missing values pass.
    levels : tuple
        What the column can take.

    Raises
    ------
    ColumnError
        Naming the first value without a level, and its rows.
    """
    known = set(levels)
    for value in pd.unique(pd.Series(values.ravel())):
        if pd.isna(value) or value in known:
            continue
        rows = np.flatnonzero((values == value).reshape(len(values), -1).any(axis=1))
        plain = value.item() if isinstance(value, np.generic) else value
        raise ColumnError(
            f"Column {name!r} holds {plain!r} in {name_rows(rows)}, which is none of its"
            f" levels.{did_you_mean(plain, levels)}"
        )


def require_finite(name: str, values: np.ndarray, what: str) -> None:
    """Raise if a number is not finite.

    Parameters
    ----------
    name, what : str
        The column's name and its part ("outcome", "covariate").
    values : numpy.ndarray
        Shape (answer,) or (answer, k).

    Raises
    ------
    ColumnError
        Naming the first rows.
    """
    if values.dtype.kind != "f":
        return
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if bad.any():
        raise ColumnError(
            f"The {what} {name!r} is missing or infinite in {name_rows(np.flatnonzero(bad))}:"
            " drop these rows before, or fill them in."
        )


def name_rows(rows: np.ndarray, shown: int = 5) -> str:
    """Name the first few row positions.

    Examples
    --------
    >>> name_rows(np.array([3]))
    'row 3'
    >>> name_rows(np.arange(9))
    'rows 0, 1, 2, 3, 4 and 4 more'
    """
    first = ", ".join(str(int(row)) for row in rows[:shown])
    more = f" and {len(rows) - shown} more" if len(rows) > shown else ""
    return f"{'row' if len(rows) == 1 else 'rows'} {first}{more}"


def number_as_text(values: np.ndarray) -> str | None:
    """Return the first value of a column of strings that are all numbers, else None."""
    texts = [v for v in values.ravel().tolist() if v is not None and v == v]
    try:
        known = all(isinstance(v, str) and np.isfinite(float(v)) for v in texts)
    except ValueError:
        return None
    return texts[0] if texts and known else None
