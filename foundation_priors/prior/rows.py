"""The log-likelihood of other rows under the model's own observed variable.

The graph of the observed variable is rebuilt for the new rows: its batch size is changed, the
data containers that run along its rows are replaced by the new columns, and `pymc.logp` does the
rest. Free variables are shared with the model, never copied; that is asserted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ColumnError, ModelError
from foundation_priors.prior.columns import ColumnSpec, Table, Target, resolve
from foundation_priors.prior.model import lies_above, numpy_mode

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = [
    "RowArrays",
    "check_rows_replaceable",
    "observed_value",
    "read_rows",
    "row_data",
    "row_logp",
]


@dataclass(frozen=True)
class RowArrays:
    """The columns of some rows, as the model wants them.

    ``outcome`` has shape (row, ...), ``data`` maps names of data containers to arrays whose first
    axis is the row.
    """

    outcome: np.ndarray
    data: dict[str, np.ndarray]

    def matrix(self) -> np.ndarray:
        """Return all columns side by side, shape (row, column)."""
        parts = [self.outcome, *self.data.values()]
        return np.column_stack([p.reshape(len(p), -1) for p in parts])

    def take(self, rows: np.ndarray) -> RowArrays:
        """Return the rows at these positions."""
        return RowArrays(self.outcome[rows], {k: v[rows] for k, v in self.data.items()})


def row_data(model: pm.Model, observed: TensorVariable) -> dict[str, int]:
    """Return the data containers that run along the rows of ``observed``, with that axis.

    A container counts when it carries the row dimension of ``observed`` or, having no dimensions,
    its length. For a scalar ``observed`` every scalar container counts.
    """
    above = lies_above(observed, model)
    dims = model.named_vars_to_dims.get(observed.name) or ()
    n_rows = _n_rows(model, observed)
    found = {}
    for data in model.data_vars:
        if data not in above:
            continue
        own = model.named_vars_to_dims.get(data.name) or ()
        if observed.ndim == 0:
            if data.ndim == 0:
                found[data.name] = 0
        elif dims and dims[0] in own:
            found[data.name] = own.index(dims[0])
        elif not any(own) and data.ndim and data.get_value(borrow=True).shape[0] == n_rows:
            found[data.name] = 0
    return found


def observed_value(model: pm.Model, observed: TensorVariable) -> np.ndarray:
    """Return the array that ``observed`` is conditioned on."""
    value = model.rvs_to_values[observed]
    if hasattr(value, "get_value"):
        return np.asarray(value.get_value())
    return np.asarray(value.eval(mode=numpy_mode()))


def _n_rows(model: pm.Model, observed: TensorVariable) -> int:
    shape = observed_value(model, observed).shape
    return shape[0] if shape else 1


def read_rows(
    model: pm.Model,
    observed: TensorVariable,
    table: Table,
    columns: Mapping[str, ColumnSpec],
    outcome: ColumnSpec | None,
) -> RowArrays:
    """Read from a table what the observed variable needs, and check it against the model."""
    axes = row_data(model, observed)
    if observed.ndim == 0:
        axes = {n: 0 for n in axes if n in columns or n in table.dataset.variables}
    value = observed_value(model, observed)
    indexed = _indexed(model, observed, axes)
    dims = {str(k): tuple(v) for k, v in model.coords.items() if v is not None}
    data = {}
    for name in axes:
        target = _target(model, model[name].get_value(borrow=True), name, axes[name], dims)
        levels = indexed[name][1] if name in indexed else None
        target = Target(name, target.integer, target.width, target.labels, levels, dims)
        data[name] = resolve(table, target, columns.get(name))
        if name in indexed:
            _check_codes(data[name], name, indexed[name][0], table.title)
    rows = value if value.ndim else value[None]
    target = _target(model, rows, observed.name, 0, dims, discrete=_is_discrete(observed))
    return RowArrays(resolve(table, target, outcome), data)


def _is_discrete(variable: TensorVariable) -> bool:
    return variable.dtype.startswith(("int", "uint", "bool"))


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


def _indexed(
    model: pm.Model, observed: TensorVariable, names: Mapping[str, int]
) -> dict[str, tuple[int, tuple[Any, ...] | None]]:
    """Return, for data used as an index, the length and coordinates of the dimension indexed."""
    from pytensor.tensor.subtensor import AdvancedSubtensor, Subtensor

    by_variable = {model[name]: name for name in names}
    found: dict[str, tuple[int, tuple[Any, ...] | None]] = {}
    for variable in lies_above(observed, model):
        node = variable.owner
        if node is None or not isinstance(node.op, AdvancedSubtensor | Subtensor):
            continue
        for axis, index in _indices(node):
            if (name := by_variable.get(_uncast(index))) is None:
                continue
            size, labels = _dimension(model, node.inputs[0], axis)
            if name not in found or size < found[name][0]:
                found[name] = size, labels
    return found


def _indices(node: Any) -> list[tuple[int, Variable]]:
    from pytensor.tensor.subtensor import indices_from_subtensor

    entries = indices_from_subtensor(node.inputs[1:], node.op.idx_list)
    return [(axis, entry) for axis, entry in enumerate(entries) if not isinstance(entry, slice)]


def _uncast(variable: Variable) -> Variable:
    """Return what ``variable`` was before casts and added axes."""
    from pytensor.scalar.basic import Cast
    from pytensor.tensor.basic import ScalarFromTensor
    from pytensor.tensor.elemwise import DimShuffle, Elemwise

    while (node := variable.owner) is not None:
        cast = isinstance(node.op, Elemwise) and isinstance(node.op.scalar_op, Cast)
        if not (cast or isinstance(node.op, DimShuffle | ScalarFromTensor)):
            break
        variable = node.inputs[0]
    return variable


def _dimension(
    model: pm.Model, variable: TensorVariable, axis: int
) -> tuple[int, tuple[Any, ...] | None]:
    dims = model.named_vars_to_dims.get(variable.name) if variable.name else None
    labels = model.coords.get(dims[axis]) if dims and dims[axis] else None
    size = variable.type.shape[axis]
    if size is None:
        size = int(variable.shape[axis].eval(mode=numpy_mode()))
    return size, None if labels is None else tuple(labels)


def _check_codes(array: np.ndarray, name: str, size: int, title: str) -> None:
    outside = (array < 0) | (array >= size)
    if outside.any():
        row = int(np.flatnonzero(outside.reshape(len(array), -1).any(axis=1))[0])
        value = int(array[outside].flat[0])
        reason = " (pandas writes a missing category as -1)" if value == -1 else ""
        raise ColumnError(
            f"The codes for {name!r} must lie in 0..{size - 1}, but row {row} of {title} has "
            f"{value}{reason}: correct the codes, or let fp.codes(column, levels=[...]) make them."
        )


def row_logp(
    model: pm.Model,
    observed: TensorVariable,
    rows: RowArrays,
    swap: Mapping[Variable, Variable] | None = None,
    tag: str = "",
) -> TensorVariable:
    """Return the log-likelihood of each row, a vector, with ``swap`` made in its parameters.

    While `pymc.logp` works, plain variables stand in for the free ones, since it would otherwise
    rewrite them as parts of the likelihood.
    """
    import pymc as pm
    import pytensor
    from pytensor.graph.replace import graph_replace, vectorize_graph

    others = {rv: model.rvs_to_values[rv] for rv in model.observed_RVs if rv is not observed}
    stand_ins = {rv: rv.type(name=rv.name) for rv in model.free_RVs}
    back = {stand_in: (swap or {}).get(rv, rv) for rv, stand_in in stand_ins.items()}
    value = pytensor.shared(rows.outcome.astype(observed.dtype), f"fp_{observed.name}{tag}")
    if observed.ndim == 0:
        one = graph_replace(observed, {**others, **stand_ins}, strict=False)
        scalar = one.type(name="fp_value")
        columns = {model[n]: _shared(model, n, v, 0, tag) for n, v in rows.data.items()}
        logp = vectorize_graph(pm.logp(one, scalar), {scalar: value, **columns})
    else:
        axes = row_data(model, observed)
        columns = {model[n]: _shared(model, n, v, axes[n], tag) for n, v in rows.data.items()}
        resized = _resized(model, observed, len(rows.outcome))
        changes = {**others, **stand_ins, **columns}
        logp = pm.logp(graph_replace(resized, changes, strict=False), value)
    logp = graph_replace(logp, back, strict=False)
    return logp.sum(axis=tuple(range(1, logp.ndim))) if logp.ndim > 1 else logp


def _resized(model: pm.Model, observed: TensorVariable, rows: int) -> TensorVariable:
    from pymc.distributions.custom import CustomSymbolicDistRV
    from pymc.distributions.shape_utils import change_dist_size

    node = observed.owner
    shape = observed_value(model, observed).shape
    support = getattr(node.op, "ndim_supp", 0)
    resized = change_dist_size(observed, (rows, *shape[1 : len(shape) - support]))
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


def check_rows_replaceable(model: pm.Model, observed: TensorVariable, rows: RowArrays) -> None:
    """Raise when something belongs to the real rows that new rows would need their own of.

    Plain arrays with one value a row, and latent variables of which each row has one, are
    suspected by their length and convicted by trying one row more.

    Raises
    ------
    ModelError
        Naming the array or the latent variable.
    """
    import pymc as pm

    suspects = _tied_to_rows(model, observed)
    latent = [s for s in suspects if _depends_on(s, model, rows.data)]
    if not suspects or observed.ndim == 0:
        return
    if not latent:
        more = np.arange(_n_rows(model, observed) + 1) % len(rows.outcome)
        try:
            pm.draw(row_logp(model, observed, rows.take(more)), mode=numpy_mode(), random_seed=0)
            return
        except (ValueError, IndexError, AssertionError):
            pass
    free = [v.name for v in latent or suspects if v in model.free_RVs]
    if free:
        raise ModelError(
            f"The free variable {free[0]!r} belongs to the rows of {observed.name!r}, so new rows "
            "would need their own: write the model without a latent variable per row, or pass a "
            "likelihood= callable."
        )
    raise ModelError(
        f"The model of {observed.name!r} holds a plain array of length "
        f"{_n_rows(model, observed)}, one value a row, which the answers' rows cannot replace: "
        "wrap it in pm.Data, or pass a likelihood= callable."
    )


def _tied_to_rows(model: pm.Model, observed: TensorVariable) -> list[Variable]:
    from pytensor.compile import SharedVariable
    from pytensor.graph.basic import Constant

    n_rows = _n_rows(model, observed)
    known = {*model.data_vars, model.rvs_to_values[observed]}
    suspects = []
    for variable in lies_above(observed, model) - known:
        if variable in model.free_RVs:
            shape = variable.shape.eval(mode=numpy_mode()) if variable.ndim else ()
        elif isinstance(variable, Constant):
            shape = np.shape(variable.data)
        elif isinstance(variable, SharedVariable):
            shape = np.shape(variable.get_value(borrow=True))
        else:
            continue
        if len(shape) and n_rows > 1 and n_rows in tuple(shape):
            suspects.append(variable)
    latent = [v for v in model.free_RVs if v in lies_above(observed, model)]
    data = row_data(model, observed)
    return suspects + [v for v in latent if v not in suspects and _depends_on(v, model, data)]


def _depends_on(variable: Variable, model: pm.Model, data: Mapping[str, object]) -> bool:
    """Say whether a free variable's own prior looks at data that run along the rows."""
    from pytensor.graph.traversal import ancestors

    return variable in model.free_RVs and any(
        model[name] in set(ancestors([variable])) for name in data
    )
