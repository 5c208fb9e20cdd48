"""To and from NetCDF with nothing lost."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from foundation_priors.errors import ColumnError, FileError
from foundation_priors.netcdf import (
    ANSWERS,
    MAX_BYTES,
    MOST,
    Kind,
    amount,
    names,
    need,
    parse,
    reader_of,
    save,
)
from foundation_priors.synthetic import build
from foundation_priors.synthetic.before import effect_of_version_0_1
from foundation_priors.synthetic.build import Schema
from foundation_priors.synthetic.clusters import Effect, effect
from foundation_priors.synthetic.columns import is_missing, split_levels

__all__ = ["decode", "encode", "read", "write"]

MARK = ANSWERS
FORMAT = 1
KIND = Kind("SyntheticData", "to_netcdf")

type Effects = dict[tuple[str, ...], Effect]
"""Design effects by the outcomes that are used."""


def write(
    data: xr.Dataset, schema: Schema, path: str | os.PathLike, effects: Effects | None = None
) -> None:
    """Write a checked Dataset and its meaning to a file.

    Parameters
    ----------
    data : xarray.Dataset
        Dims: answer.
    schema : Schema
        What its variables mean.
    path : str or path
        Where to.
    effects : dict, optional
        Design effects that are known.
    """
    save({"": encode(data, schema, effects)}, path)


def read(path: str | os.PathLike, max_bytes: int = MAX_BYTES) -> tuple[xr.Dataset, Schema, Effects]:
    """Read what `write` wrote.

    Parameters
    ----------
    path : str or path
        The file.
    max_bytes : int
        The most bytes that it may become in memory.

    Returns
    -------
    tuple of (xarray.Dataset, Schema, dict)
        As they were written, and the design effects that the rules of then gave.

    Raises
    ------
    FileNotFoundError, FileError
        If the file is missing, damaged, or holds something else.
    """
    with KIND.reading(path, max_bytes) as groups:
        if MARK not in groups[""].attrs:
            other = reader_of(groups)
            hint = (
                f"read it with {other}"
                if other
                else "open it with xarray and hand the Dataset to SyntheticData"
            )
            raise FileError(f"{os.fspath(path)!r} holds no SyntheticData: {hint}.")
        return decode(groups[""], path)


def encode(data: xr.Dataset, schema: Schema, effects: Effects | None = None) -> xr.Dataset:
    """Return a Dataset of numbers and strings that a NetCDF file can hold.

    Parameters
    ----------
    data : xarray.Dataset
        Dims: answer.
    schema : Schema
        What its variables mean.
    effects : dict, optional
        Design effects that are known.

    Returns
    -------
    xarray.Dataset
        The meaning is one JSON attribute; levels are attributes of their columns, for other
        programs to read; times count from 1970; a missing string is a marked string.
    """
    notes: dict[str, dict] = {}
    variables: dict[str, xr.Variable] = {}
    for key, variable in data.variables.items():
        name = str(key)
        values, notes[name] = _encode_values(np.asarray(variable.values))
        notes[name]["attrs"] = dict(variable.attrs)
        attrs = {k: v for k, v in variable.attrs.items() if isinstance(v, str)}
        if name in schema.levels:
            attrs["levels"] = json.dumps(list(schema.levels[name]))
        if "missing" in notes[name]:
            attrs["missing_string"] = notes[name]["missing"]
        variables[name] = xr.Variable(variable.dims, values, attrs)
    meaning: dict[str, object] = {
        "format": FORMAT,
        "coords": [str(name) for name in data.coords],
        "order": [str(name) for name in data.variables],
        "notes": notes,
        "attrs": dict(data.attrs),
        "schema": dataclasses.asdict(schema),
    }
    if schema.weight is None:
        found = {**_effects_by(effect, data, schema), **(effects or {})}
        meaning["effects"] = [[list(k), e.size, e.clustering] for k, e in found.items()]
    return xr.Dataset(variables, attrs={MARK: json.dumps(meaning)})


def decode(plain: xr.Dataset, path: str | os.PathLike) -> tuple[xr.Dataset, Schema, Effects]:
    """Undo `encode`.

    Parameters
    ----------
    plain : xarray.Dataset
        As `encode` returns it, undecoded.
    path : str or path
        The file that it comes from.

    Returns
    -------
    tuple of (xarray.Dataset, Schema, dict)
        As they went into `encode`, and the design effects that the rules of then gave.

    Raises
    ------
    FileError
        If it was written by a later version.
    ValueError
        If it is damaged.
    """
    meaning = parse(plain.attrs[MARK], "the notes on its columns")
    need(isinstance(meaning, dict), "the notes on its columns are no table")
    KIND.upgraded(path, meaning["format"], FORMAT, {})
    order = names(meaning["order"], "the names of its columns")
    variables = {
        name: _decode_variable(plain[name].variable, meaning["notes"][name], name) for name in order
    }
    coords = {n: variables.pop(n) for n in names(meaning["coords"], "the names of its factors")}
    need(isinstance(meaning["attrs"], dict), "its attributes are no table")
    data = xr.Dataset(variables, coords, meaning["attrs"])
    schema = _schema(meaning["schema"])
    check(data, schema)
    if schema.weight is not None:
        return data, schema, {}
    if "effects" not in meaning:
        return data, schema, _effects_by(effect_of_version_0_1, data, schema)
    return data, schema, {k: e for k, e in map(_effect, meaning["effects"])}


def check(data: xr.Dataset, schema: Schema) -> None:
    """Check a Dataset over answers and its meaning as `build` returns them, read from elsewhere.

    Raises
    ------
    ColumnError
        If `build` could not have made them.
    """
    if not schema.outcomes or data.sizes.get(build.ROWS, 0) < 1:
        raise ColumnError("There are no answers, or no outcome is named.")
    named = [schema.unit, *schema.clusters, schema.weight, schema.probability]
    used = [*schema.outcomes, *(n for n in named if n is not None), *schema.levels]
    for name in dict.fromkeys(used):
        build._require(data, (name,), "column")
        if data[name].dims[:1] != (build.ROWS,) or (
            data[name].ndim > 1 and name not in schema.outcomes
        ):
            raise ColumnError(f"Column {name!r} does not have one value per answer.")
    for name in schema.outcomes:
        if name in data.coords:
            raise ColumnError(f"The outcome {name!r} is a factor, too.")
    for column, array in data.data_vars.items():
        if array.dims[:1] != (build.ROWS,) or array.ndim > 2:
            raise ColumnError(f"Column {column!r} does not have one value per answer.")
    if not set(schema.ordered) <= set(schema.levels):
        raise ColumnError("Columns without levels have an order.")
    for name, levels in schema.levels.items():
        if split_levels(list(levels), name)[0] != levels:
            raise ColumnError(f"Levels of {name!r} are of several kinds.")
    build._require_chances(data, schema.outcomes, schema.probability)
    build._with_weight(data, schema.weight)
    build._with_source(data, None)
    build._check(data, schema)


def _effects_by(
    rule: Callable[[xr.Dataset, Schema, tuple[str, ...]], Effect], data: xr.Dataset, schema: Schema
) -> Effects:
    """Return what a rule gives for all outcomes together and for each."""
    used = [schema.outcomes, *((name,) for name in schema.outcomes)]
    return {names: rule(data, schema, names) for names in dict.fromkeys(used)}


def _effect(stored: Any) -> tuple[tuple[str, ...], Effect]:
    need(isinstance(stored, list) and len(stored) == 3, "its design effects are no list")
    outcomes, size, clustering = stored
    need(isinstance(clustering, str), "a clustering has no name")
    least = np.nextafter(1, 0)
    return names(outcomes, "outcomes"), Effect(
        amount(size, "a design effect", least, MOST), clustering
    )


def _encode_values(values: np.ndarray) -> tuple[np.ndarray, dict]:
    if values.dtype.kind == "b":
        return values.astype(np.int8), {"dtype": "bool"}
    if values.dtype.kind in "mM":
        return values.astype(np.int64), {"dtype": str(values.dtype)}
    if values.dtype.kind not in "OUT":
        return values, {"dtype": str(values.dtype)}
    marker = "<missing>"
    text, gaps = values.astype(object), is_missing(values)
    while (text == marker).any():
        marker = f"<{marker}>"
    text[gaps] = marker
    return text, {"dtype": "object", **({"missing": marker} if gaps.any() else {})}


def _decode_variable(variable: xr.Variable, note: dict, name: str) -> xr.Variable:
    values = np.asarray(variable.values)
    need(isinstance(note["attrs"], dict), f"the attributes of {name!r} are no table")
    if note["dtype"] == "object":
        need(values.dtype == object, f"{name!r} holds no text")
        if "missing" in note:
            values[values == note["missing"]] = None
    else:
        kind = _kind(note["dtype"], name)
        stored = {"b": np.int8, "m": np.int64, "M": np.int64}.get(kind.kind, kind)
        good = values.dtype.kind in "iuf" and np.can_cast(values.dtype, stored, "equiv")
        need(good, f"{name!r} holds {values.dtype} and not {kind}")
        need(kind.kind != "b" or np.isin(values, (0, 1)).all(), f"{name!r} is neither 0 nor 1")
        values = values.astype(kind)
    return xr.Variable(variable.dims, values, note["attrs"])


def _kind(text: object, name: str) -> np.dtype:
    """Read the name of a type of numbers, booleans or times."""
    need(isinstance(text, str) and len(text) < 20, f"the type of {name!r} is no name")
    kind = np.dtype(str(text))
    timed = kind.kind in "mM" and np.datetime_data(kind)[0] != "generic"
    need(kind.kind in "biuf" or timed, f"{name!r} cannot hold {kind}")
    return kind


def _schema(entry: dict) -> Schema:
    """Read what the columns mean; `check` holds it against the columns."""
    need(isinstance(entry, dict), "the meaning of its columns is no table")
    entry = dict(entry)
    for name in ("outcomes", "clusters", "ordered"):
        entry[name] = names(entry[name], f"its {name}")
    for name in ("unit", "weight", "probability"):
        need(entry[name] is None or isinstance(entry[name], str), f"its {name} is no name")
    need(isinstance(entry["levels"], dict), "its levels are no table")
    need(isinstance(entry["provenance"], dict), "its provenance is no table")
    entry["levels"] = {name: tuple(levels) for name, levels in entry["levels"].items()}
    return Schema(**entry)
