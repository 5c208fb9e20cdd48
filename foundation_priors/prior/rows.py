"""The log-likelihood of other rows under the model's own observed variable.

The graph of the observed variable is rebuilt for the new rows: its batch size is changed, the
data containers that run along its rows are replaced by the new columns, and `pymc.logp` does the
rest. Free variables are shared with the model, never copied; that is asserted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ColumnError, ModelError
from foundation_priors.prior.columns import ColumnSpec, Table, Target, resolve
from foundation_priors.prior.index import check_codes, levels_of, lookups
from foundation_priors.prior.model import data_value, lies_above, replaced, short

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = [
    "RowArrays",
    "is_discrete",
    "is_one_row",
    "n_rows",
    "numbered",
    "observed_rows",
    "read_rows",
    "row_data",
    "row_logp",
    "rows_variable",
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

    These are data containers, and other observed variables on which this one depends. One counts
    when it carries the row dimension of ``observed`` or, having no dimensions, its length, unless
    other data pick its elements (then it belongs to groups). For a single observed row every
    scalar counts.
    """
    others = [rv for rv in model.observed_RVs if rv is not observed]
    # PyMC may take the size of an observed variable from the data it is conditioned on.
    above = lies_above(observed, model) - {model.rvs_to_values[observed]}
    names = [v.name for v in [*model.data_vars, *others] if v in above]
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


def is_one_row(observed: TensorVariable) -> bool:
    """Say whether the variable is a single observation: a coin's count, one vector of counts."""
    return observed.ndim == getattr(_unscaled(observed).owner.op, "ndim_supp", 0)


def _unscaled(observed: TensorVariable) -> TensorVariable:
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


def read_rows(
    model: pm.Model,
    observed: TensorVariable,
    table: Table,
    columns: Mapping[str, ColumnSpec],
    outcome: ColumnSpec | None,
) -> RowArrays:
    """Read from a table what the observed variable needs, and check it against the model."""
    axes = row_data(model, observed)
    if is_one_row(observed):
        axes = {n: 0 for n in axes if n in columns or n in table.dataset.variables}
    found = lookups(model, observed, axes)
    dims = {str(k): tuple(v) for k, v in model.coords.items() if v is not None}
    data = {}
    for name, axis in axes.items():
        target = _target(model, data_value(model, name), name, axis, dims)
        target = replace(target, levels=levels_of(found, name), dims=dims)
        data[name] = _fits(resolve(table, target, columns.get(name)), model[name], table.title)
    check_codes(model, found, data, table.title)
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


def row_logp(
    model: pm.Model,
    observed: TensorVariable,
    rows: RowArrays,
    swap: Mapping[TensorVariable, TensorVariable] | None = None,
    tag: str = "",
) -> TensorVariable:
    """Return the log-likelihood of each row, a vector, with ``swap`` made in its parameters.

    While `pymc.logp` works, plain variables stand in for the free ones, since it would otherwise
    rewrite them as parts of the likelihood.
    """
    import pytensor

    stand_ins = {rv: rv.type(name=rv.name) for rv in model.free_RVs}
    back = {stand_in: (swap or {}).get(rv, rv) for rv, stand_in in stand_ins.items()}
    value = pytensor.shared(rows.outcome.astype(observed.dtype), f"fp_{observed.name}{tag}")
    try:
        logp = _density(model, observed, rows, stand_ins, value, tag)
    except (NotImplementedError, AttributeError, TypeError) as error:
        raise ModelError(
            f"PyMC cannot work out the log density of {observed.name!r} "
            f"({type(_unscaled(observed).owner.op).__name__.removesuffix('RV')}) for other rows: "
            "pass a likelihood= callable."
        ) from error
    _check_no_clones(logp, model)
    logp = replaced(logp, back)
    return logp.sum(axis=tuple(range(1, logp.ndim))) if logp.ndim > 1 else logp


def _density(
    model: pm.Model,
    observed: TensorVariable,
    rows: RowArrays,
    stand_ins: Mapping[Variable, Variable],
    value: TensorVariable,
    tag: str,
) -> TensorVariable:
    import pymc as pm
    from pytensor.graph.replace import vectorize_graph

    if is_one_row(observed):
        columns = _columns(model, observed, rows, tag)
        one = replaced(_unscaled(observed), {**_real(model, observed, rows), **stand_ins})
        here = one.type(name="fp_value")
        return vectorize_graph(pm.logp(one, here), {here: value, **columns})
    return pm.logp(rows_variable(model, observed, rows, stand_ins, tag), value)


def rows_variable(
    model: pm.Model,
    observed: TensorVariable,
    rows: RowArrays,
    stand_ins: Mapping[Variable, Variable],
    tag: str = "",
) -> TensorVariable:
    """Return the observed variable for other rows, with ``stand_ins`` for the free variables."""
    if is_one_row(observed):
        return replaced(_unscaled(observed), {**_real(model, observed, rows), **stand_ins})
    columns = _columns(model, observed, rows, tag)
    resized = _resized(model, observed, len(rows.outcome))
    return replaced(resized, {**_real(model, observed, rows), **stand_ins, **columns})


def _real(model: pm.Model, observed: TensorVariable, rows: RowArrays) -> dict[Variable, Variable]:
    """Return the other observed variables with their values, where the rows have no columns."""
    others = [rv for rv in model.observed_RVs if rv is not observed and rv.name not in rows.data]
    return {rv: model.rvs_to_values[rv] for rv in others}


def _check_no_clones(logp: TensorVariable, model: pm.Model) -> None:
    """Assert that the free variables are shared: on a copy of one the answers teach nothing."""
    from pytensor.graph.traversal import ancestors

    names = {rv.name for rv in model.free_RVs}
    cloned = [v.name for v in ancestors([logp]) if v.owner is not None and v.name in names]
    if cloned:
        raise ModelError(
            f"PyTensor copied the free variable {cloned[0]!r} while the likelihood was rebuilt for "
            "other rows: pass a likelihood= callable."
        )


def _columns(
    model: pm.Model, observed: TensorVariable, rows: RowArrays, tag: str
) -> dict[Variable, Variable]:
    axes = row_data(model, observed)
    return {model[n]: _shared(model, n, v, axes[n], tag) for n, v in rows.data.items()}


def _resized(model: pm.Model, observed: TensorVariable, rows: int) -> TensorVariable:
    from pymc.distributions.custom import CustomSymbolicDistRV
    from pymc.distributions.shape_utils import change_dist_size

    plain = _unscaled(observed)
    node = plain.owner
    shape = data_value(model, str(observed.name)).shape
    support = getattr(node.op, "ndim_supp", 0)
    resized = change_dist_size(plain, (rows, *shape[1 : len(shape) - support]))
    if isinstance(node.op, CustomSymbolicDistRV):
        # PyMC 6.4 resizes CustomDist(dist=) with the parameters of the model it was first built in.
        size, *_ = resized.owner.inputs
        params = node.op.dist_params(node)
        others = resized.owner.inputs[1 + len(params) :]
        fixed = resized.owner.clone_with_new_inputs([size, *params, *others])
        resized = fixed.outputs[resized.owner.outputs.index(resized)]
    return resized


def _shared(model: pm.Model, name: str, array: np.ndarray, axis: int, tag: str) -> Variable:
    """Return a shared variable with the rows' values in place of a data container."""
    import pytensor

    variable = model[name]
    moved = np.moveaxis(array, 0, axis) if array.ndim > 1 else array
    shared = pytensor.shared(np.ascontiguousarray(moved.astype(variable.dtype)), f"fp_{name}{tag}")
    return shared if shared.ndim > variable.ndim else variable.type.filter_variable(shared)
