"""Columns of a table, as the arrays that a model's data containers expect."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.synthetic.columns import named_index, number_as_text

if TYPE_CHECKING:
    import pandas as pd

    from foundation_priors.synthetic import SyntheticData

__all__ = ["Codes", "ColumnSpec", "Table", "Target", "codes", "plain_labels", "resolve"]


@dataclass(frozen=True)
class Codes:
    """A categorical column and the order in which its levels are numbered; see `codes`."""

    column: str
    levels: tuple[Hashable, ...] | None = None
    dim: str | None = None


type ColumnSpec = str | Sequence[str] | Callable[[xr.Dataset], Any] | Codes


def codes(
    column: str, *, levels: Sequence[Hashable] | None = None, dim: str | None = None
) -> Codes:
    """Say how the levels of a categorical column are numbered, for use in ``columns=``.

    Levels are never sorted. Their order is, in this turn, ``levels=``; the coordinates of the
    model's dimension ``dim=``; and with neither, inferred: where the data pick elements of a
    variable, as in ``level[place]`` with ``dims="region"``, the coordinates of the dimension that
    they index, and else the levels that the table carries (``levels=`` of the `SyntheticData`, or a
    categorical column). A column of strings that is given by its name alone, or that has the name
    of the data, is numbered by the same inference.

    Parameters
    ----------
    column : str
        Name of the column in the synthetic data (or in the held-out rows).
    levels : sequence, optional
        The levels in the order in which the model numbers them, from 0.
    dim : str, optional
        A dimension of the model whose coordinates are the levels.

    Returns
    -------
    Codes
        A column specification.

    Raises
    ------
    ColumnError
        When both ``levels`` and ``dim`` are given.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> fp.codes("party", levels=["Democrat", "Independent", "Republican"]).column
    'party'

    With coordinates in the model there is nothing to add:

    >>> import pandas as pd
    >>> import pymc as pm
    >>> with pm.Model(coords={"region": ["west", "east"]}) as model:
    ...     place = pm.Data("place", [0, 1, 1])
    ...     level = pm.Normal("level", dims="region")
    ...     y = pm.Normal("y", level[place], 1, observed=[0.3, -0.2, 0.1])
    >>> said = pd.DataFrame({"region": ["east", "west"], "y": [0.5, 0.4]})
    >>> llm = fp.SyntheticData.from_dataframe(said, outcome="y", weight=1)
    >>> tilted = fp.tilt(model, llm, trust=0.5, columns={"place": fp.codes("region")})
    """
    if levels is not None and dim is not None:
        raise ColumnError(
            f"codes({column!r}) got both levels= and dim=: give the one that numbers the levels."
        )
    return Codes(column, None if levels is None else plain_labels(levels), dim)


def plain_labels(labels: Iterable[Hashable], *, apart: bool = True) -> tuple[Hashable, ...]:
    """Return labels that samplers and files can hold: numbers or times of one kind, else texts.

    Intervals, tuples and labels of several kinds become their text. Where that makes two of them
    alike (1 and "1"), ``apart`` gives the texts that Python writes; otherwise they stay alike, so
    that neither can be addressed.

    Examples
    --------
    >>> plain_labels([1, "a"])
    ('1', 'a')
    """
    import pandas as pd

    labels = list(labels)
    index = pd.Index(labels, tupleize_cols=False)
    if isinstance(index.dtype, np.dtype) and index.dtype.kind in "biuf":
        return tuple(v.item() if isinstance(v, np.generic) else v for v in labels)
    if isinstance(index.dtype, np.dtype) and index.dtype.kind in "mM":
        return tuple(labels)
    texts = [str(label) for label in labels]
    alike = len(set(texts)) < len(set(labels))
    return tuple(map(repr, labels) if alike and apart else texts)


@dataclass(frozen=True)
class Table:
    """Rows to be read, and what to call them in an error."""

    dataset: xr.Dataset
    levels: Mapping[str, tuple[Hashable, ...]] = field(default_factory=dict)
    title: str = "the synthetic data"

    @classmethod
    def from_synthetic(cls, synthetic: SyntheticData) -> Table:
        """Read the rows of a `SyntheticData`."""
        return cls(synthetic.dataset, synthetic.levels)

    @classmethod
    def from_real(cls, rows: xr.Dataset | pd.DataFrame) -> Table:
        """Read real rows; categorical columns of a frame carry levels, a named index is one."""
        import pandas as pd

        if isinstance(rows, xr.Dataset):
            return cls(rows, title="the held-out rows")
        if not isinstance(rows, pd.DataFrame):
            raise TypeError(
                "Held-out rows must be a DataFrame or an xarray.Dataset, not "
                f"{type(rows).__name__}."
            )
        rows = named_index(rows)
        levels, plain = {}, {}
        for name, column in rows.items():
            if isinstance(column.dtype, pd.CategoricalDtype):
                categories = plain_labels(column.cat.categories)
                levels[str(name)] = categories
                column = column.cat.rename_categories(list(categories)).astype(object)
            elif isinstance(column.dtype, pd.IntervalDtype):
                column = column.astype(str)
            plain[str(name)] = "row", column
        dataset = xr.Dataset({name: (dim, np.asarray(v)) for name, (dim, v) in plain.items()})
        return cls(dataset, levels, "the held-out rows")

    @property
    def rows(self) -> int:
        """The number of rows, which run along the first dim of the first column."""
        return len(next(iter(self.dataset.data_vars.values())))

    def column(self, name: str, wanted_by: str) -> np.ndarray:
        """Return one column, or say which columns there are."""
        if name in self.dataset.variables:
            return np.asarray(self.dataset[name].values)
        raise ColumnError(
            f"The model's {wanted_by!r} needs a column {name!r}, which {self.title} do not have: "
            f"name one with columns={{{wanted_by!r}: ...}}."
            f"{did_you_mean(name, map(str, self.dataset.variables))}"
        )


@dataclass(frozen=True)
class Target:
    """What a variable of the model expects of its column.

    ``width`` is the length of the second axis (None for a vector), ``labels`` its coordinates;
    ``levels`` are the coordinates of the dimension that integer codes index, if known.
    """

    name: str
    integer: bool
    width: int | None = None
    labels: tuple[Hashable, ...] | None = None
    levels: tuple[Hashable, ...] | None = None
    dims: Mapping[str, tuple[Hashable, ...]] = field(default_factory=dict)


def resolve(table: Table, target: Target, spec: ColumnSpec | None) -> np.ndarray:
    """Return the array, of shape (row,) or (row, width), that ``spec`` names.

    Raises
    ------
    ColumnError
        For a missing column, strings without levels, an unmatched level, a shape that does not
        fit, missing or infinite values, or fractions where whole numbers belong.
    """
    array = _numeric(table, target, _default(table, target, spec))
    if target.width == 1 and array.ndim == 1:
        array = array[:, None]
    elif target.width is None and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    width = array.shape[1] if array.ndim == 2 else None
    if array.ndim > 2 or width != target.width:
        wanted = "one value" if target.width is None else f"{target.width} values"
        raise ColumnError(
            f"The model's {target.name!r} takes {wanted} a row, but columns= gives an array of "
            f"shape {array.shape}: name as many columns as it has."
        )
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.all():
        raise ColumnError(
            f"The column for {target.name!r} has missing or infinite values in rows "
            f"{_first(~finite)} of {table.title}: drop or repair these rows."
        )
    if target.integer and not (array == np.round(array)).all():
        raise ColumnError(
            f"The model's {target.name!r} holds whole numbers, but its column in {table.title} has "
            "fractions: name another column or give the model floating-point data."
        )
    return array


def _default(table: Table, target: Target, spec: ColumnSpec | None) -> ColumnSpec:
    if spec is not None:
        return spec
    if target.width is not None and target.name not in table.dataset.variables and target.labels:
        return [str(label) for label in target.labels]
    return target.name.rsplit("::", 1)[-1]


def _numeric(table: Table, target: Target, spec: ColumnSpec) -> np.ndarray:
    if isinstance(spec, Codes):
        return _coded(table.column(spec.column, target.name), _levels(table, target, spec), spec)
    if isinstance(spec, str):
        values = table.column(spec, target.name)
        if _is_number(values):
            return _ordered(table, target, spec, values.astype(float))
        named = target.levels is not None or (target.integer and spec in table.levels)
        if not named and (number := number_as_text(values)) is not None:
            raise ColumnError(
                f"The column {spec!r} for {target.name!r} holds numbers as text, such as "
                f"{number!r}: make it numeric, frame[{spec!r}] = frame[{spec!r}].astype(float)."
            )
        return _coded(values, _levels(table, target, Codes(spec)), Codes(spec))
    if callable(spec):
        return _called(table, target, spec)
    if isinstance(spec, Sequence):
        scalar = Target(target.name, target.integer, levels=target.levels, dims=target.dims)
        return np.column_stack([_numeric(table, scalar, name) for name in spec])
    raise ColumnError(
        f"columns={{{target.name!r}: ...}} takes a column's name, a list of names, a function of "
        f"the dataset or foundation_priors.codes(...), not {type(spec).__name__}."
    )


def _ordered(table: Table, target: Target, name: str, values: np.ndarray) -> np.ndarray:
    """Return the columns of a matrix in the model's order, where both name them."""
    variable = table.dataset[name]
    if values.ndim != 2 or target.labels is None or variable.dims[1] not in table.dataset.coords:
        return values
    own = [str(label) for label in table.dataset[variable.dims[1]].values]
    wanted = [str(label) for label in target.labels]
    if sorted(own) != sorted(wanted):
        raise ColumnError(
            f"The columns of the matrix {name!r} are {own} in {table.title} and {wanted} in the "
            "model: name them alike."
        )
    return values[:, [own.index(label) for label in wanted]]


def _called(table: Table, target: Target, spec: Callable[[xr.Dataset], Any]) -> np.ndarray:
    try:
        values = np.asarray(spec(table.dataset.copy()))
    except KeyError as error:
        first = str(error.args[0] if error.args else error).split(". ")[0]
        raise ColumnError(
            f"The function in columns={{{target.name!r}: ...}} asks for a column that "
            f"{table.title} do not have ({first}): there are "
            f"{', '.join(map(str, table.dataset.variables))}."
        ) from error
    rows = table.rows
    if not _is_number(values) or values.ndim == 0 or len(values) != rows:
        raise ColumnError(
            f"The function in columns={{{target.name!r}: ...}} must return {rows} numbers or rows "
            f"of numbers, one for each row, not an array of {values.dtype} with shape "
            f"{values.shape}."
        )
    return values.astype(float)


def _levels(table: Table, target: Target, spec: Codes) -> tuple[Hashable, ...]:
    if spec.levels is not None:
        return spec.levels
    if spec.dim is not None:
        if spec.dim not in target.dims:
            raise ColumnError(
                f"codes({spec.column!r}, dim={spec.dim!r}) names a dimension that the model does "
                f"not have: it has {', '.join(map(repr, target.dims)) or 'none'}."
            )
        return target.dims[spec.dim]
    if target.levels is not None:
        return target.levels
    if spec.column in table.levels:
        return tuple(table.levels[spec.column])
    raise ColumnError(
        f"The column {spec.column!r} for {target.name!r} holds strings whose order is unknown: "
        f"give the levels, columns={{{target.name!r}: fp.codes({spec.column!r}, levels=[...])}}."
    )


def _coded(values: np.ndarray, levels: Sequence[Hashable], spec: Codes) -> np.ndarray:
    numbers = {level: number for number, level in enumerate(levels)}
    unmatched = [v for v in dict.fromkeys(values.tolist()) if v not in numbers]
    if unmatched:
        raise ColumnError(
            f"The column {spec.column!r} has the level {unmatched[0]!r}, which is not among "
            f"{list(levels)}: correct the answer or add the level."
        )
    twice = [v for v in dict.fromkeys(values.tolist()) if list(levels).count(v) > 1]
    if twice:
        raise ColumnError(
            f"The level {twice[0]!r} of the column {spec.column!r} stands more than once among "
            f"{list(levels)}: give each level a place of its own."
        )
    return np.array([numbers[v] for v in values.tolist()], dtype=float)


def _is_number(values: np.ndarray) -> bool:
    return values.dtype.kind in "buif"


def _first(mask: np.ndarray, most: int = 5) -> str:
    rows = np.flatnonzero(mask)
    more = ", ..." if len(rows) > most else ""
    return ", ".join(map(str, rows[:most])) + more
