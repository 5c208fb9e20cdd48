"""The log-likelihood of other rows under the model's own observed variable.

The graph of the observed variable is rebuilt for the new rows: its batch size is changed, the
data containers that run along its rows are replaced by the new columns, and `pymc.logp` does the
rest. Facts of the real rows stay (`facts`), and a model in which rows look at each other is refused
(`tied`). Free variables are shared with the model, never copied; that is asserted.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.errors import ModelError
from foundation_priors.prior.facts import held, once, stretched
from foundation_priors.prior.model import data_value, replaced
from foundation_priors.prior.rows import (
    RowArrays,
    is_one_row,
    n_rows,
    row_data,
    row_facts,
    unscaled,
)
from foundation_priors.prior.tied import check_rows_replaceable

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_rows", "row_logp", "rows_variable"]

type Swap = Mapping[TensorVariable, TensorVariable]


def check_rows(model: pm.Model, observed: TensorVariable, rows: RowArrays) -> None:
    """Raise, once for a model and so many rows, unless others can be put in for the real ones."""
    seen: list[int] = once(model, f"rows of {observed.name}", list)
    longest = max(n_rows(model, observed), len(rows.outcome)) + 3
    if longest > max(seen, default=0):
        size = 1 << (longest - 1).bit_length()
        check_rows_replaceable(model, observed, rows, partial(_row_logp, model, observed), size)
        seen.append(size)


def row_logp(
    model: pm.Model,
    observed: TensorVariable,
    rows: RowArrays,
    swap: Swap | None = None,
    tag: str = "",
) -> TensorVariable:
    """Return the log-likelihood of each row, a vector, with ``swap`` made in its parameters."""
    check_rows(model, observed, rows)
    return _row_logp(model, observed, rows, swap, tag)


def _row_logp(
    model: pm.Model,
    observed: TensorVariable,
    rows: RowArrays,
    swap: Swap | None = None,
    tag: str = "",
) -> TensorVariable:
    """Return the same, unchecked.

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
            f"({type(unscaled(observed).owner.op).__name__.removesuffix('RV')}) for other rows: "
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
        one = _with_columns(model, observed, rows, stand_ins, tag)
        here = one.type(name="fp_value")
        return vectorize_graph(pm.logp(one, here), {here: value, **columns})
    return pm.logp(_with_columns(model, observed, rows, stand_ins, tag), value)


def rows_variable(
    model: pm.Model,
    observed: TensorVariable,
    rows: RowArrays,
    stand_ins: Mapping[Variable, Variable],
    tag: str = "",
) -> TensorVariable:
    """Return the observed variable for other rows, with ``stand_ins`` for the free variables."""
    check_rows(model, observed, rows)
    return _with_columns(model, observed, rows, stand_ins, tag)


def _with_columns(
    model: pm.Model,
    observed: TensorVariable,
    rows: RowArrays,
    stand_ins: Mapping[Variable, Variable],
    tag: str,
) -> TensorVariable:
    others = [rv for rv in model.observed_RVs if rv is not observed]
    real = {rv: model.rvs_to_values[rv] for rv in others}
    if is_one_row(observed):
        real = {rv: value for rv, value in real.items() if rv.name not in rows.data}
        return replaced(unscaled(observed), {**real, **stand_ins})
    resized = _resized(model, observed, len(rows.outcome))
    facts = row_facts(model, observed)
    followed = facts.follow(resized, _columns(model, observed, rows, tag))
    return replaced(followed, {**real, **stand_ins})


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
    found = {model[n]: _shared(model, n, v, axes[n], tag) for n, v in rows.data.items()}
    if is_one_row(observed):
        return found
    # Of data without a column only the length is looked at.
    rest = {name: axis for name, axis in axes.items() if name not in rows.data}
    return {**stretched(model, rest, np.zeros(len(rows.outcome), dtype=int)), **found}


def _resized(model: pm.Model, observed: TensorVariable, rows: int) -> TensorVariable:
    from pymc.distributions.custom import CustomSymbolicDistRV
    from pymc.distributions.shape_utils import change_dist_size

    plain = unscaled(observed)
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
    moved = np.moveaxis(array, 0, axis) if array.ndim > 1 else array
    return held(model[name], moved, axis, f"fp_{name}{tag}")
