"""From a frame or a Dataset to a checked Dataset with one row per answer."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.synthetic import columns
from foundation_priors.synthetic.provenance import fill, plain

__all__ = [
    "FACTORS",
    "ROWS",
    "TEXT",
    "WEIGHT",
    "Schema",
    "build",
    "parts_of_frame",
    "reweigh",
    "row_mass",
]

ROWS = "answer"
WEIGHT = "fp_weight"
TEXT = "fp_text"
"""An attribute of coordinates that are answers in free text, and no factors."""
FACTORS = ("source", "framing", "persona", "conversation", "model", "draw")


@dataclasses.dataclass(frozen=True)
class Schema:
    """What the columns of a Dataset of synthetic answers mean."""

    outcomes: tuple[str, ...]
    unit: str | None = None
    clusters: tuple[str, ...] = ()
    weight: str | None = None
    probability: str | None = None
    levels: dict[str, tuple] = dataclasses.field(default_factory=dict)
    ordered: tuple[str, ...] = ()
    provenance: dict = dataclasses.field(default_factory=dict)


def build(
    dataset: xr.Dataset,
    outcome: str | Sequence[str],
    source: str | None = None,
    cluster: str | Sequence[str] | None = None,
    unit: str | None = None,
    weight: float | str | Sequence[float] | np.ndarray | None = None,
    probability: str | None = None,
    levels: Mapping[str, object] | None = None,
    provenance: Mapping | None = None,
) -> tuple[xr.Dataset, Schema]:
    """Check a Dataset and sort its variables into columns and coordinates.

    Parameters
    ----------
    dataset : xarray.Dataset
        Dims: one for the rows (the first of the first outcome, if none is named ``answer``).
    outcome, source, cluster, unit, weight, probability, levels, provenance
        As in `SyntheticData`.

    Returns
    -------
    tuple of (xarray.Dataset, Schema)
        A new Dataset with the rows on ``answer``, and what its variables mean.

    Raises
    ------
    ColumnError
        If a column is missing, or holds what it must not hold.
    """
    outcomes = _names(outcome, "outcome")
    clusters = _names(cluster, "cluster") if cluster is not None else ()
    if not outcomes:
        raise ColumnError("No outcome is named: say which columns are answers with outcome=.")
    _require(dataset, outcomes, "outcome")
    data, found = _tidy(_rows_first(dataset, outcomes[0]), outcomes)
    _require(data, clusters, "cluster")
    if unit is not None and not isinstance(unit, str):
        raise TypeError(f"unit={unit!r:.80} must be the name of one column.")
    if probability is not None and not isinstance(probability, str):
        raise TypeError(f"probability={probability!r:.80} must be the name of one column.")
    _require(data, (unit,) if unit is not None else (), "unit")
    found.pop("source", None)
    found.update(_table(levels or {}))
    given = {name: columns.split_levels(entry, name) for name, entry in found.items()}
    _require(data, tuple(given), "levels")
    _require_chances(data, outcomes, probability)
    if weight is None and WEIGHT in data.coords:
        weight = WEIGHT  # The Dataset of another container, whose weights were given.
    data = _with_source(_with_weight(data, weight), source)
    named = {*FACTORS, *clusters, unit, probability, weight if isinstance(weight, str) else None}
    roles = [n for n in data.data_vars if n in named and n not in outcomes]
    for name in roles:
        if data[name].ndim > 1:
            raise ColumnError(f"{name!r} has two dims and must have one value per answer.")
    data = data.reset_coords(outcomes).set_coords(roles)
    schema = Schema(
        outcomes=outcomes,
        unit=unit,
        clusters=clusters,
        weight=_weight_name(weight),
        probability=probability,
        levels={name: entry for name, (entry, _) in given.items()},
        ordered=tuple(name for name, (_, ordered) in given.items() if ordered),
        provenance=fill(provenance),
    )
    _check(data, schema)
    return data, schema


def reweigh(data: xr.Dataset, schema: Schema, weight: object) -> tuple[xr.Dataset, Schema]:
    """Give checked answers other weights.

    Parameters
    ----------
    data, schema
        As `build` returns them.
    weight : float, str, array_like or None
        As in `SyntheticData`.

    Returns
    -------
    tuple of (xarray.Dataset, Schema)
        A new Dataset and what its variables mean.
    """
    if isinstance(weight, str):
        _require(data, (weight,), "weight")
        data = data.set_coords([n for n in (weight,) if n not in schema.outcomes])
    name = _weight_name(weight)
    data = _with_weight(data.drop_vars({WEIGHT} - {name}, errors="ignore"), weight)
    return data, dataclasses.replace(schema, weight=name)


def row_mass(data: xr.Dataset, schema: Schema) -> np.ndarray:
    """Return how much of an answer each row is, shape (answer,): all of it, or its probability."""
    if schema.probability is None:
        return np.ones(data.sizes[ROWS])
    return np.array(data[schema.probability].values, dtype=float)


def parts_of_frame(frame: pd.DataFrame) -> xr.Dataset:
    """Turn a frame into a Dataset with the rows on ``answer``.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per answer; categorical columns stay categorical. Named levels of its index are
        columns too.

    Returns
    -------
    xarray.Dataset
        Dims: answer.

    Raises
    ------
    ColumnError
        If a column's name is no string, is used twice, or is ``answer``.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"A pandas.DataFrame is needed, and this is a {type(frame).__name__}.")
    if not len(frame):
        raise ColumnError("There are no answers (zero rows): give at least one.")
    frame = columns.named_index(frame, drop=ROWS)
    odd = [name for name in frame.columns if not isinstance(name, str)]
    if odd:
        raise ColumnError(f"The column name {odd[0]!r} is no string: rename it.")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ColumnError(f"There are two columns named {twice!r}: rename or drop one of them.")
    if ROWS in frame.columns:
        raise ColumnError(f"A column is named {ROWS!r}, which names the rows here: rename it.")
    return xr.Dataset({name: (ROWS, frame[name].array) for name in frame.columns})


def _names(names: str | Sequence[str], what: str) -> tuple[str, ...]:
    out = (names,) if isinstance(names, str) else tuple(names)
    odd = [name for name in out if not isinstance(name, str)]
    if odd:
        raise TypeError(f"{what}= holds {odd[0]!r}, and must hold names of columns.")
    if len(set(out)) != len(out):
        raise ColumnError(f"{what}={list(out)} names a column twice: name it once.")
    return out


def _table(levels: object) -> Mapping[str, object]:
    if not isinstance(levels, Mapping):
        raise TypeError(
            f"levels={levels!r:.80} must be a dict {{column: levels}}, as in"
            " {'vote': ['no', 'yes']}."
        )
    return levels


def _require(dataset: xr.Dataset, names: Sequence[str], what: str) -> None:
    known = [str(name) for name in dataset.variables]
    for name in names:
        if name not in dataset.variables:
            raise ColumnError(
                f"{what}={name!r} is no column of the answers.{did_you_mean(name, known)}"
            )


def _require_chances(data: xr.Dataset, outcomes: tuple[str, ...], probability: str | None) -> None:
    if probability is None:
        return
    _require(data, (probability,), "probability")
    if len(outcomes) > 1:
        raise ColumnError(
            f"probability= speaks about one outcome, and there are {len(outcomes)}: make a"
            " SyntheticData of each."
        )
    values = np.asarray(data[probability].values)
    numbers = values.dtype.kind in "biuf" and data[probability].dims == (ROWS,)
    if not numbers or not ((values >= 0) & (values <= 1)).all():
        raise ColumnError(
            f"The probability {probability!r} must be one number from 0 to 1 for each row: the"
            " chance that the answer gives to the outcome of that row."
        )
    if not values.any():
        raise ColumnError(
            f"The probability {probability!r} is 0 in every row, so the answers say nothing: give"
            " one above 0."
        )


def _rows_first(dataset: xr.Dataset, outcome: str) -> xr.Dataset:
    if not dataset[outcome].dims:
        raise ColumnError(f"The outcome {outcome!r} is one value, and must have one per answer.")
    rows = ROWS if ROWS in dataset.dims else dataset[outcome].dims[0]
    indexed = [name for name, index in dataset.xindexes.items() if rows in dataset[name].dims]
    data = dataset.reset_index(indexed).drop_vars([rows], errors="ignore")
    if rows != ROWS and ROWS in data.variables:
        raise ColumnError(f"A column is named {ROWS!r}, which names the rows here: rename it.")
    data = data.rename({rows: ROWS}) if rows != ROWS else data
    if data.sizes[ROWS] == 0:
        raise ColumnError("There are no answers (zero rows): give at least one.")
    return data


def _tidy(data: xr.Dataset, outcomes: Sequence[str]) -> tuple[xr.Dataset, dict[str, object]]:
    variables: dict[str, xr.Variable] = {}
    levels: dict[str, object] = {}
    for key, array in data.variables.items():
        name = str(key)
        columns.check_name(name)
        if array.dims == (ROWS,) or (array.ndim == 0 and key in data.coords):
            values, dtype = _values_and_levels(name, array)
            values = np.repeat(values, data.sizes[ROWS]) if array.ndim == 0 else values
            variables[name] = xr.Variable((ROWS,), values, plain(dict(array.attrs)))
            if dtype is not None:
                levels[name] = dtype
        elif ROWS not in array.dims and key in data.coords:
            text = array.dtype.kind in "UT"
            variables[name] = array.astype(object) if text else array.copy()
        elif array.ndim == 2 and ROWS in array.dims and (name in outcomes or key in data.data_vars):
            array = array.transpose(ROWS, ...)
            values = np.array(array.values)
            if values.dtype.kind not in "biuf":
                raise ColumnError(f"The column {name!r} has two dims and must hold numbers.")
            variables[name] = xr.Variable(array.dims, values, plain(dict(array.attrs)))
        else:
            raise ColumnError(
                f"Column {name!r} has dims {array.dims}, and must have one value per answer, on"
                f" ({ROWS!r},), or one row of numbers, on ({ROWS!r}, another dim)."
            )
    coords = {name: variables.pop(name) for name in list(variables) if name in data.coords}
    attrs = plain(dict(data.attrs))
    assert isinstance(attrs, dict)
    return xr.Dataset(variables, coords, attrs), levels


def _values_and_levels(
    name: str, array: xr.Variable
) -> tuple[np.ndarray, pd.CategoricalDtype | None]:
    data = array.data
    dtype = getattr(data, "dtype", None)
    if not isinstance(dtype, pd.CategoricalDtype):
        return columns.tidy(name, np.atleast_1d(data) if array.ndim == 0 else data), None
    series = pd.Series(data)
    if pd.api.types.infer_dtype(dtype.categories) == "interval":
        series = series.map(str, na_action="ignore").astype(object)
    return columns.tidy(name, series), dtype


def _weight_name(weight: object) -> str | None:
    if weight is None or isinstance(weight, str):
        return weight
    return WEIGHT


def _with_weight(data: xr.Dataset, weight: object) -> xr.Dataset:
    if weight is None:
        return data
    if isinstance(weight, str):
        _require(data, (weight,), "weight")
        values = np.asarray(data[weight].values)
    else:
        values = np.asarray(weight)
    if values.dtype.kind not in "biuf":
        raise ColumnError("weight= must hold numbers, or name a column that does.")
    if values.ndim and values.shape != (data.sizes[ROWS],):
        raise ColumnError(
            f"weight= has shape {values.shape}, and must be one number or one for each of the"
            f" {data.sizes[ROWS]} answers."
        )
    full = np.broadcast_to(values.astype(float), (data.sizes[ROWS],)).copy()
    bad = np.flatnonzero(~(np.isfinite(full) & (full >= 0)))
    if bad.size:
        raise ColumnError(
            f"The weight is negative or not finite in {columns.name_rows(bad)}: weights must be"
            " zero or more."
        )
    if not full.any():
        raise ColumnError("All weights are zero, so the answers say nothing: give one above zero.")
    return data if isinstance(weight, str) else data.assign_coords({WEIGHT: (ROWS, full)})


def _with_source(data: xr.Dataset, source: str | None) -> xr.Dataset:
    if source is not None and not isinstance(source, str):
        raise TypeError(f"source={source!r} must be the name of a column, or of all rows.")
    if source is None and "source" not in data.variables:
        return data
    if source is not None and source not in data.variables:
        values = np.array([source] * data.sizes[ROWS], dtype=object)
    else:
        found = np.asarray(data[source or "source"].values)
        missing = np.flatnonzero(columns.is_missing(found))
        if missing.size:
            raise ColumnError(f"The source is missing in {columns.name_rows(missing)}: name it.")
        values = np.array([str(value) for value in found], dtype=object)
    return data.drop_vars("source", errors="ignore").assign_coords(source=(ROWS, values))


def _check(data: xr.Dataset, schema: Schema) -> None:
    for key, array in data.data_vars.items():
        name = str(key)
        what = "outcome" if name in schema.outcomes else "covariate"
        values = array.values
        if what == "outcome" and values.dtype.kind in "mM":
            raise ColumnError(f"The outcome {name!r} holds times: make it numbers or strings.")
        columns.require_finite(name, values, what)
        if what == "outcome" and values.dtype == object:
            _forbid_missing(name, values, what)
    for name in dict.fromkeys([*([schema.unit] if schema.unit else []), *schema.clusters]):
        _forbid_missing(name, data[name].values, "unit" if name == schema.unit else "cluster")
    for name, levels in schema.levels.items():
        columns.check_levels(name, data[name].values, levels)


def _forbid_missing(name: str, values: np.ndarray, what: str) -> None:
    missing = np.flatnonzero(columns.is_missing(values))
    if missing.size:
        raise ColumnError(
            f"The {what} {name!r} is missing in {columns.name_rows(missing)}: drop these rows"
            " before, or fill them in."
        )
