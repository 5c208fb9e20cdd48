"""Potentials that hold data: real rows written by hand, which belong to the evidence.

Whether a Potential is part of the prior or of the likelihood is the user's to say. What speaks for
data is an array that does not run along a free variable, as the times of censored rows do not, one
from which free variables with a prior of their own are subtracted, whole numbers that multiply
logarithms, and rows written out one by one. Indices, numbers, and constants of the length of a
variable that weigh its elements, their differences or its steps do not. The rest is not in the
graph: a Dirichlet prior of whole numbers and a vector of counts are one function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ModelError, did_you_mean, warn
from foundation_priors.prior.model import full_name, numpy_mode, replaced
from foundation_priors.prior.rows import n_rows, row_data
from foundation_priors.prior.written_out import added_up, rows_written_out

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Apply, Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = ["evidence_of", "real_observations"]

FLAT = ("FlatRV", "HalfFlatRV")
PRIOR_MEANS = 10
"""So many constants, one for each element of a flat variable, may still be means of its prior."""


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
        warn(
            f"The Potential{'s' * many} {', '.join(map(repr, held))} {'hold' if many else 'holds'} "
            f"data and count{'s' * (not many)} as part of the prior: pass evidence={held} if they "
            "are real rows, or evidence=[] if all Potentials are prior.",
            UserWarning,
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
    yield from rows_written_out(model, potential)
    nodes, terms = _nodes(model, potential), {node for node, _ in added_up(potential)}
    shapes = _shapes([*model.free_RVs, *(v for node in nodes for v in node.outputs)])
    parts = {rv: _Part(shapes[rv], frozenset([rv])) for rv in model.free_RVs}
    steps: set[tuple[object, int]] = set()
    suspects: dict[tuple[object, int], np.ndarray] = {}
    for node in nodes:
        known = [parts[v] for v in node.inputs if v in parts]
        if not known:
            continue
        here = _Part(
            frozenset().union(*(p.along for p in known)),
            frozenset().union(*(p.free for p in known)),
            frozenset().union(*(p.slices for p in known)),
            frozenset().union(*(p.arrays for p in known)),
        )
        # What is added to a log density is a part of its normalising constant.
        for variable in [] if node in terms and _is(node, "Add", "Sub") else _operands(node):
            if variable not in parts and bool(getattr(variable.type, "shape", ())):
                value = _value(model, variable)
                if value.dtype.kind not in "biuf" or value.size < 2:
                    continue
                if not {side for side in value.shape if side > 1} <= here.along:
                    keys = {((value.tobytes(), value.shape), n) for n in value.shape if n > 1}
                    suspects |= dict.fromkeys(keys - set(suspects), value)
                    here = replace(here, arrays=here.arrays | keys)
                elif _is_observed(model, node, variable, value, here):
                    yield value
        # Arrays that meet the steps of one variable, from each element to the next, scale these.
        lengths = {
            n
            for v, n in here.slices
            if any(
                w is not v and w.owner.inputs[0] is v.owner.inputs[0]
                for w, m in here.slices
                if m == n
            )
        }
        steps |= {(key, n) for key, n in here.arrays if n in lengths}
        for output in node.outputs:
            parts[output] = _after(node, output, shapes[output], here)
    yield from (value for key, value in suspects.items() if key not in steps)


@dataclass(frozen=True)
class _Part:
    """What a part of a Potential is made of.

    ``along`` holds the lengths of the axes along which a free variable itself runs, ``free`` these
    variables, ``slices`` those of one of them with their lengths, and ``arrays`` those of constants
    that met no variable of their length, by value and length.
    """

    along: frozenset[int]
    free: frozenset[Variable]
    slices: frozenset[tuple[Any, int]] = frozenset()
    arrays: frozenset[tuple[object, int]] = frozenset()


def _is_observed(
    model: pm.Model, node: Apply, variable: Variable, value: np.ndarray, here: _Part
) -> bool:
    """Say whether an array, one number for each element of a variable, was observed of it.

    Free variables are subtracted from it, or it counts how often each of their logarithms comes.
    """
    from pytensor.tensor.math import Dot

    if len(np.unique(value)) < 2:
        return False
    if _is(node, "Mul") or isinstance(getattr(node.op, "core_op", node.op), Dot):
        counts = bool((value >= 0).all() and (value == np.round(value)).all())
        return counts and any(_is_logarithm(v) for v in node.inputs if v is not variable)
    flat = any(type(rv.owner.op).__name__ in FLAT for rv in here.free)
    fewest = PRIOR_MEANS if flat and not _is_data(model, variable) else 2
    return _is(node, "Add", "Sub") and value.size >= fewest


def _is_logarithm(variable: Variable) -> bool:
    from pytensor.tensor.elemwise import DimShuffle
    from pytensor.tensor.special import LogSoftmax

    node = variable.owner
    while node is not None and isinstance(node.op, DimShuffle):
        node = node.inputs[0].owner
    if node is None:
        return False
    return isinstance(node.op, LogSoftmax) or _is(node, "Log", "Log1p", "Log1mexp", "Softplus")


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


def _after(node: Apply, output: Variable, shape: frozenset[int], here: _Part) -> _Part:
    """Return what the output of a node is made of."""
    from pytensor.tensor.subtensor import Subtensor

    if isinstance(node.op, Subtensor):
        sliced = (
            frozenset((output, n) for n in shape) if node.inputs[0] in here.free else frozenset()
        )
        return replace(here, along=shape if here.along else shape & here.along, slices=sliced)
    if _picks(node):
        return replace(here, along=frozenset(), slices=frozenset())
    bases = [_picked(v) for v in node.inputs]
    if _is(node, "Sub") and bases[0] is not None and bases[0] is bases[-1]:
        # Differences of the elements of one variable, of neighbours for instance.
        return replace(here, along=shape)
    return replace(here, along=here.along & shape)


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


def _shapes(variables: Sequence[Any]) -> dict[Variable, frozenset[int]]:
    """Return the lengths of the axes of variables, those that are not known worked out at once."""
    import pytensor

    out = {v: getattr(v.type, "shape", ()) for v in variables}
    open_ = [v for v, shape in out.items() if None in shape]
    if open_:
        found = pytensor.function([], [v.shape for v in open_], mode=numpy_mode())()
        out |= {v: tuple(map(int, shape)) for v, shape in zip(open_, found, strict=True)}
    return {v: frozenset(shape) for v, shape in out.items()}


def _shape(model: pm.Model, variable: Any) -> tuple[int, ...]:
    known = variable.type.shape
    return known if None not in known else tuple(variable.shape.eval(mode=numpy_mode()))
