"""What a model takes from its real rows as a whole, and how the rest follows other rows.

A mean, a maximum or a group's size is computed from the rows' data but does not run along them: it
is a fact about the real rows, and stays what it was when other rows are put in their place. Which
variables run along the rows is tried out with more rows. A number of rows follows the new ones
where it sizes something, and is a fact where it enters a calculation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import numpy as np

from foundation_priors.prior.model import data_value, numpy_mode
from foundation_priors.prior.start import start_values

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Apply, Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = ["Facts", "facts_of", "grows", "held", "once", "stretched"]

_FOUND: WeakKeyDictionary[pm.Model, dict[str, Any]] = WeakKeyDictionary()
FEW = 50
"""Distinct rows in a trial, which takes up to twice as many and a few more."""
REFUSALS = ValueError, IndexError, AssertionError, TypeError, RuntimeError, ArithmeticError
"""What operations raise where a graph does not take so many rows."""


@dataclass(frozen=True)
class Facts:
    """How what an observed variable is computed from depends on the data of its rows.

    ``fixed`` does not run along the rows, ``lengths`` are those of it that are numbers of rows (or
    sizes made of them), and ``used`` names the data that reach the variable other than through
    these. ``others`` are the model's other variables, which are not looked into: a prior that is
    built from the real rows stays.
    """

    fixed: frozenset[Variable]
    lengths: frozenset[Variable]
    used: frozenset[str]
    others: frozenset[Variable]

    def follow(self, graph: TensorVariable, rows: Mapping[Variable, Variable]) -> TensorVariable:
        """Return the graph with ``rows`` in place of the data, facts left on the real ones."""
        (found,) = self.followed([graph], rows)
        return cast(Any, found)

    def followed(
        self, graphs: Sequence[Variable], rows: Mapping[Variable, Variable]
    ) -> list[Variable]:
        """Return the same of several graphs."""
        memo = dict(rows)
        for node in _nodes(graphs, self.others | set(rows)):
            inputs = [
                memo.get(v, v) if self._follows(node, i, v) else v
                for i, v in enumerate(node.inputs)
            ]
            if any(new is not old for new, old in zip(inputs, node.inputs, strict=True)):
                copy = node.clone_with_new_inputs(inputs, strict=False)
                memo.update(zip(node.outputs, copy.outputs, strict=True))
        return [memo.get(graph, graph) for graph in graphs]

    def _follows(self, node: Apply, place: int, variable: Variable) -> bool:
        if variable not in self.fixed:
            return True
        if variable not in self.lengths:
            return False
        return set(node.outputs) <= self.lengths or _sizes(node, place)


def once[T](model: pm.Model, what: str, find: Callable[[], T]) -> T:
    """Return what was found out about a model before, or find it."""
    found = _FOUND.setdefault(model, {})
    if what not in found:
        found[what] = find()
    return found[what]


def _sizes(node: Apply, place: int) -> bool:
    """Say whether a number at this place among a node's inputs sizes something.

    Elsewhere it is a value: one to fill an array with or to set, or one that a loop works with.
    """
    from pytensor.scan.op import Scan
    from pytensor.tensor.basic import Alloc
    from pytensor.tensor.blockwise import Blockwise
    from pytensor.tensor.elemwise import CAReduce, Elemwise
    from pytensor.tensor.math import Dot
    from pytensor.tensor.subtensor import AdvancedIncSubtensor, IncSubtensor

    if _is_random(node):
        return node.inputs[place] is node.op.size_param(node)
    if isinstance(node.op, Scan):
        lengths = [node.inputs[0], *node.op.outer_nitsot(node.inputs)]
        return any(node.inputs[place] is length for length in lengths)
    if isinstance(node.op, Alloc):
        return place > 0
    if isinstance(node.op, IncSubtensor | AdvancedIncSubtensor):
        return place != 1
    return not isinstance(node.op, Elemwise | CAReduce | Dot | Blockwise)


def _is_random(node: Apply) -> bool:
    from pymc.distributions.distribution import SymbolicRandomVariable
    from pytensor.tensor.random.op import RandomVariable

    return isinstance(node.op, RandomVariable | SymbolicRandomVariable)


def _nodes(graphs: Sequence[Variable], blockers: Iterable[Variable]) -> list[Apply]:
    from pytensor.graph.traversal import io_toposort

    return list(io_toposort(list(blockers), list(graphs)))


def _below(nodes: list[Apply], some: set[Variable]) -> set[Variable]:
    """Return the outputs of the nodes that are computed from some variables."""
    found = set(some)
    for node in nodes:
        if not found.isdisjoint(node.inputs):
            found.update(node.outputs)
    return found - some


def facts_of(model: pm.Model, observed: TensorVariable, axes: Mapping[str, int], n: int) -> Facts:
    """Find out what an observed variable takes from its rows as a whole.

    Parameters
    ----------
    model : pymc.Model
    observed : TensorVariable
    axes : dict
        The names of what runs along its rows, and along which axis; see `rows.row_data`.
    n : int
        The number of real rows.
    """
    data: dict[Variable, str] = {model[name]: name for name in axes}
    others = frozenset(rv for rv in model.basic_RVs if rv is not observed)
    nodes = [
        node for node in _nodes([observed], others | set(data)) if observed not in node.outputs
    ]
    made = _below(nodes, set(data))
    made -= _below(nodes, {v for node in nodes if _is_random(node) for v in node.outputs})
    made -= {v for node in nodes if _is_random(node) for v in node.outputs}
    ordered = [v for node in nodes for v in node.outputs if v in made and hasattr(v, "shape")]
    nothing = Facts(frozenset(), frozenset(), frozenset(), others)
    fixed = frozenset(_fixed(nothing, model, ordered, axes, n))
    lengths = frozenset(_lengths(nodes, fixed, made | set(data)))
    facts = replace(nothing, fixed=fixed, lengths=lengths)
    return replace(facts, used=frozenset(_used(facts, observed, data)))


def _lengths(nodes: list[Apply], fixed: frozenset[Variable], made: set[Variable]) -> set[Variable]:
    from pytensor.tensor.shape import Shape, Shape_i

    found: set[Variable] = set()
    for node in nodes:
        from_rows = [v for v in node.inputs if v in made]
        if isinstance(node.op, Shape | Shape_i) or found.issuperset(from_rows):
            whole = [v for v in node.outputs if getattr(v, "dtype", "") in _WHOLE]
            found.update(v for v in whole if v in fixed and from_rows)
    return found


_WHOLE = {"bool"} | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}


def _used(facts: Facts, observed: TensorVariable, data: Mapping[Variable, str]) -> set[str]:
    """Return the names of the data whose values reach a variable row by row."""
    seen: set[Variable] = set()
    todo: list[Variable] = [observed]
    names: set[str] = set()
    while todo:
        variable = todo.pop()
        if variable in data:
            names.add(data[variable])
        elif variable.owner is not None and variable not in seen | facts.others:
            todo += [v for v in variable.owner.inputs if v not in facts.fixed]
        seen.add(variable)
    return names


def _fixed(
    facts: Facts, model: pm.Model, variables: list[Any], axes: Mapping[str, int], n: int
) -> list[Variable]:
    """Return the variables whose shape stays the same when there are more rows."""
    if not variables:
        return []
    here, shapes = _placeholders(model), [v.shape for v in variables]
    few = min(n, FEW)

    def tried(size: int, distinct: int) -> list[tuple[int, ...]]:
        followed = facts.followed(shapes, stretched(model, axes, np.arange(size) % distinct))
        return _evaluated(followed, here)

    try:
        each = [tried(size, few) for size in (few, few + 1, 2 * few + 3)]
    except REFUSALS:
        # Something takes the real rows only; then lengths tell what runs along them.
        return [v for v, shape in zip(variables, tried(n, n), strict=True) if n not in shape]
    return [v for v, *found in zip(variables, *each, strict=True) if found == found[:1] * 3]


def _evaluated(shapes: list[Any], here: Mapping[Variable, Variable]) -> list[tuple[int, ...]]:
    import pytensor
    from pytensor.graph.replace import graph_replace

    graphs: Any = graph_replace(shapes, dict(here), strict=False)
    found = pytensor.function([], graphs, mode=numpy_mode())()
    return [tuple(int(side) for side in shape) for shape in found]


def _placeholders(model: pm.Model) -> dict[Variable, Variable]:
    """Return constants in place of the free variables, and of the observed ones their values."""
    import pytensor.tensor as pt

    start = start_values(model)
    free = {rv: pt.constant(start[str(rv.name)].astype(rv.dtype)) for rv in model.free_RVs}
    return {**free, **{rv: model.rvs_to_values[rv] for rv in model.observed_RVs}}


def stretched(
    model: pm.Model, axes: Mapping[str, int], rows: np.ndarray
) -> dict[Variable, Variable]:
    """Return what runs along the rows with these of the real ones in their place."""
    values = {n: np.take(data_value(model, n), rows, axis=axis) for n, axis in axes.items()}
    return {model[n]: held(model[n], v, axes[n]) for n, v in values.items()}


def held(variable: TensorVariable, values: np.ndarray, axis: int, name: str = "") -> Variable:
    """Return a shared variable that holds values in place of a variable, any number along an axis.

    The other axes keep their lengths: one of length 1 is broadcast.
    """
    import pytensor

    array = np.ascontiguousarray(values.astype(variable.dtype))
    shared = pytensor.shared(array, name or None)
    if shared.ndim > variable.ndim:
        return shared
    shape = [None if i == axis else side for i, side in enumerate(variable.type.shape)]
    return variable.type.clone(shape=shape).filter_variable(shared)


def grows(model: pm.Model, variable: TensorVariable, axes: Mapping[str, int], n: int) -> bool:
    """Say whether a free variable is longer when there are more rows."""
    from pytensor.graph.traversal import ancestors

    if not {model[name] for name in axes} & set(ancestors([variable])):
        return False
    whole = Facts(frozenset(), frozenset(), frozenset(), frozenset())
    (shape,) = whole.followed([variable.shape], stretched(model, axes, np.arange(n + 1) % n))
    try:
        return tuple(_value(shape)) != tuple(_value(variable.shape))
    except REFUSALS:
        return True


def _value(graph: Any) -> Any:
    return graph.eval(mode=numpy_mode())
