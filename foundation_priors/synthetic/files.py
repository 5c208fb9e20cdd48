"""To and from NetCDF with nothing lost."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import xarray as xr

from foundation_priors.synthetic.build import Schema
from foundation_priors.synthetic.columns import is_missing

__all__ = ["decode", "encode", "read", "write"]

MARK = "foundation_priors_synthetic"
FORMAT = 1


def write(data: xr.Dataset, schema: Schema, path: str | os.PathLike) -> None:
    """Write a checked Dataset and its meaning to a file.

    Parameters
    ----------
    data : xarray.Dataset
        Dims: answer.
    schema : Schema
        What its variables mean.
    path : str or path
        Where to.
    """
    plain = encode(data, schema)
    unfilled = {name: {"_FillValue": None} for name in plain.variables}
    plain.to_netcdf(Path(path), engine="h5netcdf", encoding=unfilled)


def read(path: str | os.PathLike) -> tuple[xr.Dataset, Schema]:
    """Read what `write` wrote.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    tuple of (xarray.Dataset, Schema)
        As they were written.

    Raises
    ------
    OSError
        If the file is missing, cut short or no NetCDF file.
    ValueError
        If it holds something else.
    """
    place = Path(path)
    if not place.is_file():
        raise FileNotFoundError(f"There is no file {str(place)!r}.")
    try:
        with xr.open_dataset(place, engine="h5netcdf", decode_cf=False) as opened:
            plain = opened.load()
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise OSError(
            f"{str(place)!r} is cut short or is no NetCDF file ({_first_line(error)}): write it"
            " again with to_netcdf."
        ) from None
    if MARK not in plain.attrs:
        raise ValueError(
            f"{str(place)!r} holds no SyntheticData: open it with xarray and hand the Dataset to"
            " SyntheticData."
        )
    return decode(plain)


def encode(data: xr.Dataset, schema: Schema) -> xr.Dataset:
    """Return a Dataset of numbers and strings that a NetCDF file can hold.

    Parameters
    ----------
    data : xarray.Dataset
        Dims: answer.
    schema : Schema
        What its variables mean.

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
    meaning = {
        "format": FORMAT,
        "coords": [str(name) for name in data.coords],
        "order": [str(name) for name in data.variables],
        "notes": notes,
        "attrs": dict(data.attrs),
        "schema": dataclasses.asdict(schema),
    }
    return xr.Dataset(variables, attrs={MARK: json.dumps(meaning)})


def decode(plain: xr.Dataset) -> tuple[xr.Dataset, Schema]:
    """Undo `encode`.

    Parameters
    ----------
    plain : xarray.Dataset
        As `encode` returns it, loaded and undecoded.

    Returns
    -------
    tuple of (xarray.Dataset, Schema)
        As they went into `encode`.

    Raises
    ------
    ValueError
        If it was written by a later version, or is not complete.
    """
    try:
        meaning = json.loads(plain.attrs[MARK])
        if meaning["format"] > FORMAT:
            raise ValueError("it was written by a later version, so upgrade foundation_priors")
        variables = {
            name: _decode_variable(plain[name].variable, meaning["notes"][name])
            for name in meaning["order"]
        }
        schema = _schema(meaning["schema"])
        coords = {name: variables.pop(name) for name in meaning["coords"]}
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"These synthetic answers cannot be read: {_first_line(error)}.") from None
    return xr.Dataset(variables, coords, meaning["attrs"]), schema


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


def _decode_variable(variable: xr.Variable, note: dict) -> xr.Variable:
    values = np.asarray(variable.values)
    if note["dtype"] == "object":
        values = np.array(values, dtype=object)
        if "missing" in note:
            values[values == note["missing"]] = None
    else:
        values = values.astype(note["dtype"])
    return xr.Variable(variable.dims, values, note["attrs"])


def _schema(entry: dict) -> Schema:
    for name in ("outcomes", "clusters", "ordered"):
        entry[name] = tuple(entry[name])
    entry["levels"] = {name: tuple(levels) for name, levels in entry["levels"].items()}
    return Schema(**entry)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
