"""Put answers of several sources into one container."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from foundation_priors.errors import ColumnError
from foundation_priors.synthetic.build import ROWS, WEIGHT, Schema
from foundation_priors.synthetic.container import SyntheticData

__all__ = ["concat"]


def concat(parts: Sequence[SyntheticData], source: Sequence[str] | None = None) -> SyntheticData:
    """Join answers, one part after another.

    Parameters
    ----------
    parts : sequence of SyntheticData
        With equal outcomes, covariates, unit and levels. A factor that a part lacks is missing in
        its rows.
    source : sequence of str, optional
        A name for each part, which replaces the sources it has. Default: those it has.

    Returns
    -------
    SyntheticData
        All rows. Default weights are those of the rows together. Provenance that differs is kept
        under the name of each part.

    Raises
    ------
    ColumnError
        If the parts do not fit together.

    Examples
    --------
    >>> import pandas as pd
    >>> a = SyntheticData.from_dataframe(pd.DataFrame({"wage": [5.0, 6.0]}), outcome="wage")
    >>> concat([a, a], source=["gpt", "qwen"]).sources
    ('gpt', 'qwen')
    """
    parts = list(parts)
    if not parts:
        raise ColumnError("There is nothing to concatenate: give at least one SyntheticData.")
    for part in parts:
        if not isinstance(part, SyntheticData):
            raise TypeError(f"concat takes SyntheticData, and this is a {type(part).__name__}.")
    datasets, schemas = [p._data for p in parts], [p._schema for p in parts]
    _require_equal(parts, schemas)
    datasets = _name_sources(datasets, source)
    datasets, weight = _align_weights(datasets, schemas)
    data = _stack(datasets)
    first = schemas[0]
    names = [str(s) for s in source] if source is not None else _default_names(parts)
    clusters = tuple(dict.fromkeys(name for s in schemas for name in s.clusters))
    levels = _join_levels(data, schemas)
    schema = Schema(
        outcomes=first.outcomes,
        unit=first.unit,
        clusters=clusters,
        weight=weight,
        probability=first.probability,
        levels=levels,
        ordered=tuple(n for n in levels if any(n in s.ordered for s in schemas)),
        provenance=_join_provenance(schemas, names),
    )
    return SyntheticData._wrap(data, schema)


def _require_equal(parts: list[SyntheticData], schemas: list[Schema]) -> None:
    for number, (part, schema) in enumerate(zip(parts, schemas, strict=True)):
        for what, mine, first in [
            ("outcomes", schema.outcomes, schemas[0].outcomes),
            ("covariates", sorted(part.covariates), sorted(parts[0].covariates)),
            ("a unit", schema.unit, schemas[0].unit),
            ("a probability", schema.probability, schemas[0].probability),
        ]:
            if mine != first:
                raise ColumnError(
                    f"Part {number} has {what} {mine!r} and part 0 has {first!r}: make them equal."
                )
        for name in schema.levels.keys() & schemas[0].levels.keys():
            if schema.levels[name] != schemas[0].levels[name] and name not in part.factors:
                raise ColumnError(
                    f"Part {number} has levels {schema.levels[name]} of {name!r} and part 0 has"
                    f" {schemas[0].levels[name]}: give both the same with levels=."
                )


def _name_sources(datasets: list[xr.Dataset], source: Sequence[str] | None) -> list[xr.Dataset]:
    if source is None:
        named = ["source" in data.coords for data in datasets]
        if any(named) and not all(named):
            raise ColumnError(
                f"Part {named.index(False)} names no source while others do: name each part with"
                " source=."
            )
        return datasets
    if isinstance(source, str) or len(source) != len(datasets):
        raise ColumnError(
            f"source={source!r} must be a list of {len(datasets)} names, one for each part."
        )
    return [
        data.assign_coords(source=(ROWS, np.array([str(name)] * data.sizes[ROWS], dtype=object)))
        for data, name in zip(datasets, source, strict=True)
    ]


def _align_weights(
    datasets: list[xr.Dataset], schemas: list[Schema]
) -> tuple[list[xr.Dataset], str | None]:
    names = [schema.weight for schema in schemas]
    if len(set(names)) == 1:
        return datasets, names[0]
    if None in names:
        raise ColumnError(
            f"Part {names.index(None)} has default weights and others were given theirs: give"
            " weight= to all parts or to none."
        )
    out = []
    for data, name in zip(datasets, names, strict=True):
        values = data[name].values.astype(float)
        out.append(data.drop_vars([name]).assign_coords({WEIGHT: (ROWS, values)}))
    return out, WEIGHT


def _stack(datasets: list[xr.Dataset]) -> xr.Dataset:
    coords: dict[str, xr.Variable] = {}
    for name in dict.fromkeys(str(n) for data in datasets for n in data.coords):
        holders = [data for data in datasets if name in data.coords]
        variable = holders[0][name].variable
        if variable.dims != (ROWS,):
            if any(not variable.equals(data[name].variable) for data in holders):
                raise ColumnError(f"The coordinate {name!r} differs between parts: make it equal.")
            coords[name] = variable
            continue
        arrays = [
            data[name].values if name in data.coords else _missing(holders[0][name].values, data)
            for data in datasets
        ]
        coords[name] = xr.Variable((ROWS,), _join(name, arrays), variable.attrs)
    columns = {}
    for key, array in datasets[0].data_vars.items():
        name = str(key)
        values = _join(name, [data[name].values for data in datasets])
        columns[name] = xr.Variable(array.dims, values, array.attrs)
    return xr.Dataset(columns, coords, datasets[0].attrs)


def _missing(like: np.ndarray, data: xr.Dataset) -> np.ndarray:
    rows = data.sizes[ROWS]
    if like.dtype.kind in "mM":
        return np.full(rows, "NaT", dtype=like.dtype)
    return np.full(rows, None, dtype=object) if like.dtype == object else np.full(rows, np.nan)


def _join(name: str, arrays: list[np.ndarray]) -> np.ndarray:
    kinds = {"n" if array.dtype.kind in "iuf" else array.dtype.kind for array in arrays}
    if len(kinds) > 1:
        raise ColumnError(
            f"Column {name!r} is {', '.join(str(array.dtype) for array in arrays)} in the parts:"
            " make it all numbers, all strings, all booleans or all times."
        )
    if len({array.shape[1:] for array in arrays}) > 1:
        raise ColumnError(f"The column {name!r} is a matrix of another width in each part.")
    return np.concatenate(arrays)


def _join_levels(data: xr.Dataset, schemas: list[Schema]) -> dict[str, tuple]:
    levels: dict[str, tuple] = {}
    for schema in schemas:
        for name, found in schema.levels.items():
            levels[name] = tuple(dict.fromkeys([*levels.get(name, ()), *found]))
    known = {name: set(data[name].values.tolist()) - {None} for name in levels}
    return {name: found for name, found in levels.items() if known[name] <= set(found)}


def _default_names(parts: list[SyntheticData]) -> list[str]:
    names = [next(iter(part.groups())) for part in parts]
    return names if len(set(names)) == len(names) else [str(n) for n in range(len(parts))]


def _join_provenance(schemas: list[Schema], names: list[str]) -> dict:
    found = [schema.provenance for schema in schemas]
    if all(entry == found[0] for entry in found):
        return found[0]
    return dict(zip(names, found, strict=True))
