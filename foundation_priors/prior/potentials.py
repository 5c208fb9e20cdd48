"""Potentials that hold data: real rows written by hand, which belong to the evidence.

Whether a Potential is part of the prior or of the likelihood is the user's to say. What speaks for
data is an array that does not run along a free variable, as the times of censored rows do not, or
that free variables are subtracted from. Indices, constants of the length of a variable that weigh
its elements or their differences, and numbers do not.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ModelError, did_you_mean
from foundation_priors.prior.model import full_name, numpy_mode, replaced
from foundation_priors.prior.rows import n_rows, row_data

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Apply, Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = ["evidence_of", "real_observations"]

PRIOR_MEANS = 10
"""So many constants, one for each element of a variable, may still be the means of its prior."""


def evidence_of(model: pm.Model, evidence: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the Potentials that are real data, those that the user named.

    Where the user said nothing, Potentials that seem to hold data are warned of.

    Raises
    ------
    ModelError
        For a name that is no Potential.
    """
    if isinstance(evidence, str):
        raise TypeError(f"evidence={evidence!r} must be a list of names: [{evidence!r}].")
    known = [str(potential.name) for potential in model.potentials]
    if evidence is not None:
        for name in evidence:
            if full_name(model, name) not in known:
                raise ModelError(
                    f"evidence= names {name!r}, which is not a Potential of the model."
                    f"{did_you_mean(name, known)}"
                )
        return tuple(full_name(model, name) for name in evidence)
    held = [str(p.name) for p in model.potentials if [*_data(model, p)]]
    if held:
        many = len(held) > 1
        warnings.warn(
            f"The Potential{'s' * many} {', '.join(map(repr, held))} {'hold' if many else 'holds'} "
            f"data and count{'s' * (not many)} as part of the prior: pass evidence={held} if they "
            "are real rows, or evidence=[] if all Potentials are prior.",
            UserWarning,
            stacklevel=4,
        )
    return ()


def real_observations(
    model: pm.Model, observed: Sequence[TensorVariable], evidence: Sequence[str]
) -> int:
    """Return the number of real rows: the most of some observed variables, and the Potentials'.

    A Potential that looks at the data of the observed rows, to weigh them for instance, adds none.
    """
    from pytensor.graph.traversal import ancestors

    rows = max((n_rows(model, rv) for rv in observed), default=0)
    theirs = {model[name] for rv in observed for name in row_data(model, rv)}
    theirs |= {model.rvs_to_values[rv] for rv in observed} | set(observed)
    for potential in model.potentials:
        if potential.name in evidence and theirs.isdisjoint(ancestors([potential])):
            if potential.ndim:
                shapes = [_shape(model, potential)]
            else:
                shapes = [np.shape(value) for value in _data(model, potential)]
            rows += max((shape[0] for shape in shapes), default=1)
    return rows


def _data(model: pm.Model, potential: TensorVariable) -> Iterator[np.ndarray]:
    """Yield the arrays in a Potential that speak for data."""
    runs: dict[Variable, set[int]] = {}
    for rv in model.free_RVs:
        runs[rv] = set(_shape(model, rv))
    for node in _nodes(model, potential):
        if not any(v in runs for v in node.inputs):
            continue
        along: set[int] = set().union(*(runs.get(v, set()) for v in node.inputs))
        for variable in _operands(node):
            if variable not in runs and bool(getattr(variable.type, "shape", ())):
                value = _value(model, variable)
                if _speaks_for_data(model, node, variable, value, along):
                    yield value
        for output in node.outputs:
            runs[output] = _runs(model, node, output, along, runs)


def _speaks_for_data(
    model: pm.Model, node: Apply, variable: Variable, value: np.ndarray, along: set[int]
) -> bool:
    if value.dtype.kind not in "biuf" or value.size < 2:
        return False
    if not {side for side in value.shape if side > 1} <= along:
        return True
    fewest = 2 if _is_data(model, variable) else PRIOR_MEANS
    return _is(node, "Add", "Sub") and value.size >= fewest and len(np.unique(value)) > 1


def _nodes(model: pm.Model, potential: TensorVariable) -> list[Apply]:
    from pytensor.graph.traversal import io_toposort

    return list(io_toposort([*model.basic_RVs, *model.data_vars], [potential]))


def _operands(node: Apply) -> list[Variable]:
    """Return what a node calculates with: not the indices by which it picks, nor shapes."""
    from pytensor.raise_op import CheckAndRaise
    from pytensor.tensor.basic import Alloc
    from pytensor.tensor.elemwise import CAReduce, DimShuffle
    from pytensor.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape
    from pytensor.tensor.subtensor import AdvancedIncSubtensor, IncSubtensor

    if _picks(node) or isinstance(
        node.op, Shape | Shape_i | SpecifyShape | Reshape | CAReduce | DimShuffle | CheckAndRaise
    ):
        return []
    if isinstance(node.op, IncSubtensor | AdvancedIncSubtensor):
        return node.inputs[1:2]
    return node.inputs[:1] if isinstance(node.op, Alloc) else list(node.inputs)


def _picks(node: Apply) -> bool:
    from pytensor.tensor.subtensor import AdvancedSubtensor, Subtensor

    return isinstance(node.op, AdvancedSubtensor | Subtensor)


def _runs(
    model: pm.Model, node: Apply, output: Any, along: set[int], runs: dict[Variable, set[int]]
) -> set[int]:
    """Return the lengths of the axes along which a free variable itself runs."""
    from pytensor.tensor.subtensor import Subtensor

    if isinstance(node.op, Subtensor):
        return set(_shape(model, output)) if along else set()
    if _picks(node):
        return set()
    bases = [_picked(v) for v in node.inputs]
    if _is(node, "Sub") and bases[0] is not None and bases[0] is bases[-1]:
        # Differences of the elements of one variable, of neighbours for instance.
        return set(_shape(model, output))
    return along


def _picked(variable: Variable) -> Variable | None:
    """Return the variable of which this one is a choice of elements."""
    node = variable.owner
    return node.inputs[0] if node is not None and _picks(node) else None


def _is(node: Apply, *names: str) -> bool:
    scalar = getattr(node.op, "scalar_op", None)
    return type(scalar).__name__ in names


def _is_data(model: pm.Model, variable: Variable) -> bool:
    from pytensor.graph.traversal import ancestors

    return not {*model.data_vars, *model.observed_RVs}.isdisjoint(ancestors([variable]))


def _value(model: pm.Model, variable: Any) -> np.ndarray:
    values = {rv: model.rvs_to_values[rv] for rv in model.observed_RVs}
    return np.asarray(replaced(variable, values).eval(mode=numpy_mode()))


def _shape(model: pm.Model, variable: Any) -> tuple[int, ...]:
    known = variable.type.shape
    return known if None not in known else tuple(variable.shape.eval(mode=numpy_mode()))
