"""What belongs to the real rows alone, so that other rows cannot be put in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ModelError
from foundation_priors.prior.model import lies_above, numpy_mode
from foundation_priors.prior.rows import RowArrays, is_one_row, n_rows, row_data, row_logp
from foundation_priors.prior.start import evaluate

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_rows_replaceable"]


def check_rows_replaceable(model: pm.Model, observed: TensorVariable, rows: RowArrays) -> None:
    """Raise when something belongs to the real rows that new rows would need their own of.

    Whether it does is tried out with one row more than there are real ones; lengths say only
    what to name in the error, since a group can be as long as the rows by chance.

    Raises
    ------
    ModelError
        Naming the array, the data container or the latent variable.
    """
    if is_one_row(observed):
        return
    latent = [rv for rv in model.free_RVs if _per_row(rv, model, observed)]
    if latent:
        raise _of_the_rows(latent[0], model, observed)
    more = np.arange(n_rows(model, observed) + 1) % len(rows.outcome)
    try:
        if evaluate(model, row_logp(model, observed, rows.take(more))).shape == more.shape:
            return
        reason = "it does not give one value a row"
    except (ValueError, IndexError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0].rstrip(".:")
    for suspect in _as_long_as_the_rows(model, observed):
        raise _of_the_rows(suspect, model, observed)
    raise ModelError(
        f"The likelihood of {observed.name!r} cannot be worked out for other rows ({reason}): "
        "pass a likelihood= callable."
    )


def _per_row(variable: TensorVariable, model: pm.Model, observed: TensorVariable) -> bool:
    """Say whether a free variable's own prior looks at data that run along the rows."""
    from pytensor.graph.traversal import ancestors

    data: Mapping[str, int] = row_data(model, observed)
    above = variable in lies_above(observed, model)
    return above and bool({model[name] for name in data} & set(ancestors([variable])))


def _as_long_as_the_rows(model: pm.Model, observed: TensorVariable) -> list[Variable]:
    """Return free variables, then data, then plain arrays of the length of the real rows."""
    from pytensor.compile import SharedVariable
    from pytensor.graph.basic import Constant

    rows, replaced = n_rows(model, observed), row_data(model, observed)
    found: list[tuple[int, Variable]] = []
    for variable in lies_above(observed, model) - {observed}:
        if variable in model.free_RVs:
            shape, rank = _shape(variable), 0
        elif isinstance(variable, SharedVariable) and variable.name not in replaced:
            shape = np.shape(variable.get_value(borrow=True))
            rank = 1 if variable in model.data_vars else 2
        elif isinstance(variable, Constant):
            shape, rank = np.shape(variable.data), 2
        else:
            continue
        if rows in shape:
            found.append((rank, variable))
    return [variable for _, variable in sorted(found, key=lambda pair: pair[0])]


def _shape(variable: Any) -> tuple[int, ...]:
    return tuple(variable.shape.eval(mode=numpy_mode()))


def _of_the_rows(suspect: Variable, model: pm.Model, observed: TensorVariable) -> ModelError:
    if suspect in model.free_RVs:
        return ModelError(
            f"The free variable {suspect.name!r} belongs to the rows of {observed.name!r}, so new "
            "rows would need their own: write the model without a latent variable per row, or pass "
            "a likelihood= callable."
        )
    if suspect in model.data_vars:
        dims = model.named_vars_to_dims.get(observed.name) or ("obs",)
        return ModelError(
            f"The data {suspect.name!r} run along the rows of {observed.name!r} but do not say so, "
            f"so the answers' rows cannot replace them: give both the dimension {dims[0]!r}."
        )
    return ModelError(
        f"The model of {observed.name!r} holds a plain array of length {n_rows(model, observed)}, "
        "one value a row, which the answers' rows cannot replace: wrap it in pm.Data, or pass a "
        "likelihood= callable."
    )
