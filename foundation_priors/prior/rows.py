"""The rows of an observed variable: what runs along them, the real ones, others from a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ColumnError, ModelError
from foundation_priors.prior.columns import ColumnSpec, Table, Target, resolve
from foundation_priors.prior.facts import Facts, facts_of, once
from foundation_priors.prior.index import check_codes, check_compared, levels_of, lookups
from foundation_priors.prior.model import data_value, imputed, lies_above, short

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = [
    "RowArrays",
    "is_discrete",
    "is_one_row",
    "n_rows",
    "numbered",
    "observed_rows",
    "read_rows",
    "real_rows",
    "row_data",
    "row_facts",
    "unscaled",
]


@dataclass(frozen=True)
class RowArrays:
    """The columns of some rows, as the model wants them.

    ``outcome`` has shape (row, ...), ``data`` maps names of data containers to arrays whose first
    axis is the row.
    """

    outcome: np.ndarray
    data: dict[str, np.ndarray]

    def covariates(self) -> np.ndarray:
        """Return the data side by side, shape (row, column)."""
        parts = [v.reshape(len(v), -1) for v in self.data.values()]
        return np.hstack([np.empty((len(self.outcome), 0)), *parts])

    def matrix(self) -> np.ndarray:
        """Return all columns side by side, the outcome first, shape (row, column)."""
        return np.hstack([self.outcome.reshape(len(self.outcome), -1), self.covariates()])

    def take(self, rows: np.ndarray) -> RowArrays:
        """Return the rows at these positions."""
        return RowArrays(self.outcome[rows], {k: v[rows] for k, v in self.data.items()})


def numbered(matrix: np.ndarray) -> np.ndarray:
    """Give equal rows of a matrix one number, from 0 in order of appearance; shape (row,)."""
    import pandas as pd

    numbers = np.zeros(len(matrix), dtype=np.int64)
    for column in matrix.T:
        values, levels = pd.factorize(column)
        numbers, _ = pd.factorize(numbers * len(levels) + values)
    return numbers


def row_data(model: pm.Model, observed: TensorVariable) -> dict[str, int]:
    """Return what runs along the rows of ``observed`` and goes into it, with that axis.

    These are data containers, and other observed variables on which this one depends, those with
    imputed values among them. One counts
    when it carries the row dimension of ``observed`` or, having no dimensions, its length, unless
    other data pick its elements (then it belongs to groups). For a single observed row every
    scalar counts.
    """
    others = [rv for rv in model.observed_RVs if rv is not observed]
    above = lies_above(observed, model)
    names = [v.name for v in [*model.data_vars, *others, *imputed(model).values()] if v in above]
    if is_one_row(observed):
        return {name: 0 for name in names if model[name].ndim == 0}
    dims = model.named_vars_to_dims.get(observed.name) or ()
    grouped = _grouped(model, observed, names)
    found = {}
    for name in names:
        own = model.named_vars_to_dims.get(name) or ()
        if dims and dims[0] in own:
            found[name] = own.index(dims[0])
        elif not any(own) and model[name].ndim and name not in grouped:
            if len(data_value(model, name)) == n_rows(model, observed):
                found[name] = 0
    return found


def _grouped(model: pm.Model, observed: TensorVariable, names: list[str]) -> set[str]:
    """Return the data whose elements other data pick."""
    return {
        lookup.base.name
        for lookup in lookups(model, observed, names)
        if lookup.base.name in names and lookup.names != (lookup.base.name,)
    }


def row_facts(model: pm.Model, observed: TensorVariable) -> Facts:
    """Return what ``observed`` takes from its rows as a whole, worked out once for a model."""

    def find() -> Facts:
        axes = {} if is_one_row(observed) else row_data(model, observed)
        return facts_of(model, observed, axes, n_rows(model, observed))

    return once(model, f"facts of {observed.name}", find)


def is_one_row(observed: TensorVariable) -> bool:
    """Say whether the variable is a single observation: a coin's count, one vector of counts."""
    return observed.ndim == getattr(unscaled(observed).owner.op, "ndim_supp", 0)


def unscaled(observed: TensorVariable) -> TensorVariable:
    """Return the variable without the ``total_size=`` that scales the real rows."""
    from pymc.variational.minibatch_rv import MinibatchRandomVariable

    if isinstance(observed.owner.op, MinibatchRandomVariable):
        return observed.owner.inputs[0]
    return observed


def is_discrete(variable: TensorVariable) -> bool:
    """Say whether the variable takes whole numbers."""
    return variable.dtype.startswith(("int", "uint", "bool"))


def observed_rows(model: pm.Model, observed: TensorVariable) -> np.ndarray:
    """Return the array that ``observed`` is conditioned on, with its rows along the first axis."""
    value = data_value(model, str(observed.name))
    return value[None] if is_one_row(observed) else value


def n_rows(model: pm.Model, observed: TensorVariable) -> int:
    """Return the number of real rows."""
    return len(observed_rows(model, observed))


def real_rows(model: pm.Model, observed: TensorVariable, names: Any = None) -> RowArrays:
    """Return the complete real rows, with these of their data or with all that each row needs."""
    axes = row_data(model, observed)
    names = row_facts(model, observed).used if names is None else names
    arrays = {name: data_value(model, name) for name in axes if name in names}
    data = {n: np.moveaxis(a, axes[n], 0) if a.ndim else a[None] for n, a in arrays.items()}
    rows = RowArrays(observed_rows(model, observed), data)
    complete = ~np.isnan(rows.covariates().astype(float)).any(axis=1)
    return rows if complete.all() else rows.take(np.flatnonzero(complete))


def read_rows(
    model: pm.Model,
    observed: TensorVariable,
    table: Table,
    columns: Mapping[str, ColumnSpec],
    outcome: ColumnSpec | None,
) -> RowArrays:
    """Read from a table what the observed variable needs, and check it against the model.

    Data that reach it through a fact of the real rows alone, such as their mean, need no column.
    """
    axes = row_data(model, observed)
    if is_one_row(observed):
        axes = {n: 0 for n in axes if n in columns or n in table.dataset.variables}
    else:
        axes = {n: axis for n, axis in axes.items() if n in row_facts(model, observed).used}
    found = lookups(model, observed, axes)
    dims = {str(k): tuple(v) for k, v in model.coords.items() if v is not None}
    data = {}
    for name, axis in axes.items():
        target = _target(model, data_value(model, name), name, axis, dims)
        target = replace(target, levels=levels_of(found, name), dims=dims)
        data[name] = _fits(resolve(table, target, columns.get(name)), model[name], table.title)
    check_codes(model, found, data, table.title)
    check_compared(model, observed, row_facts(model, observed), axes, data, table.title)
    real = observed_rows(model, observed)
    _check_separate(observed, real, table, outcome)
    target = _target(model, real, str(observed.name), 0, dims, discrete=is_discrete(observed))
    return RowArrays(_fits(resolve(table, target, outcome), observed, table.title), data)


def _check_separate(
    observed: TensorVariable, real: np.ndarray, table: Table, outcome: ColumnSpec | None
) -> None:
    column = short(str(observed.name)) if outcome is None else outcome
    if is_one_row(observed) and observed.ndim and isinstance(column, str):
        if column in table.dataset and table.dataset[column].ndim == 1:
            raise ModelError(
                f"The likelihood of {observed.name!r} takes its {real.shape[1]} values together "
                f"as one observation, and the column {column!r} has one value a row: pass a "
                "likelihood= callable."
            )


def _fits(array: np.ndarray, variable: TensorVariable, title: str) -> np.ndarray:
    """Raise for values that the variable's type would change in silence."""
    with np.errstate(invalid="ignore"):
        changed = array.astype(variable.dtype).astype(float) != array
    if is_discrete(variable) and changed.any():
        row = int(np.flatnonzero(changed.reshape(len(array), -1).any(axis=1))[0])
        raise ColumnError(
            f"The model's {variable.name!r} is of type {variable.dtype}, which cannot hold "
            f"{array[row]} in row {row} of {title}: correct the row, or name another column."
        )
    return array


def _target(
    model: pm.Model,
    value: np.ndarray,
    name: str,
    axis: int,
    dims: dict[str, tuple[Any, ...]],
    discrete: bool | None = None,
) -> Target:
    if value.ndim > 2:
        raise ModelError(
            f"The model's {name!r} has {value.ndim} dimensions, and rows of vectors are the most "
            "that answers can fill: flatten it, or pass a likelihood= callable."
        )
    other = 1 - axis
    width = value.shape[other] if value.ndim == 2 else None
    own = model.named_vars_to_dims.get(name) or ()
    labels = dims.get(own[other]) if width is not None and len(own) == 2 else None
    integer = value.dtype.kind in "iub" if discrete is None else discrete
    return Target(name, integer, width, labels)
