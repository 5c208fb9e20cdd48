"""Rows written out in a Potential one by one, as a sum over Python numbers makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Apply, Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = ["added_up", "rows_written_out"]

ROWS = 3
"""So many terms that differ in their numbers only are rows, and no longer priors."""


def rows_written_out(model: pm.Model, potential: TensorVariable) -> Iterator[np.ndarray]:
    """Yield the numbers, shape (row, number), of terms of a sum that differ in nothing else.

    Terms about one element each of a variable, as in a random walk, may differ in what weighs
    them, and are rows where they differ in a number that is added or subtracted.
    """
    groups: dict[object, list[tuple[tuple[Any, ...], tuple[float, ...], tuple[float, ...]]]] = {}
    for term in [term for node, term in added_up(potential) if node is None]:
        form, elements, added, others = _read(model, term)
        if form and not _is_scale(term):
            groups.setdefault(form, []).append((elements, added, others))
    for found in groups.values():
        alone = len({elements for elements, *_ in found}) == 1
        rows = [added + others if alone else added for _, added, others in found]
        if len(set(rows)) >= ROWS:
            yield np.array(rows)


def added_up(potential: Any) -> Iterator[tuple[Apply | None, Variable]]:
    """Yield the nodes of the sum at the top of a graph, and its terms, each beside None."""
    from pytensor.raise_op import CheckAndRaise
    from pytensor.scalar.basic import Add, Neg, Sub
    from pytensor.tensor.basic import Join, MakeVector
    from pytensor.tensor.elemwise import DimShuffle
    from pytensor.tensor.math import Sum

    left = [potential]
    while left:
        variable = left.pop()
        node = variable.owner
        if node is None:
            yield None, variable
        elif isinstance(node.op, CheckAndRaise):
            left.append(node.inputs[0])
        elif isinstance(getattr(node.op, "scalar_op", None), Add | Sub | Neg) and not isinstance(
            node.op, Sum
        ):
            yield node, variable
            left += node.inputs
        elif isinstance(node.op, DimShuffle | Join | MakeVector | Sum):
            left += node.inputs
        else:
            yield None, variable


def _read(
    model: pm.Model, term: Variable
) -> tuple[object, tuple[Any, ...], tuple[float, ...], tuple[float, ...]]:
    """Return the form of a term, the elements it is about, and its numbers, added and others."""
    from pytensor.graph.basic import Constant
    from pytensor.graph.traversal import io_toposort
    from pytensor.scalar.basic import Add, Sub
    from pytensor.tensor.subtensor import Subtensor

    free = list(model.free_RVs)
    place: dict[Variable, int] = {}
    form: list[object] = []
    elements: list[Any] = []
    added: list[float] = []
    others: list[float] = []
    for node in io_toposort(free, [term]):
        inputs: list[object] = []
        for n, v in enumerate(node.inputs):
            if not isinstance(v, Constant) or not _is_number(v.data):
                inputs.append(place.get(v, v))
            elif isinstance(node.op, Subtensor) and n:
                elements.append(np.asarray(v.data).item())
            else:
                adds = isinstance(getattr(node.op, "scalar_op", None), Add | Sub)
                (added if adds else others).append(float(np.asarray(v.data).item()))
        form.append((node.op, tuple(inputs)))
        place |= {output: len(place) + i for i, output in enumerate(node.outputs)}
    rests = any(v in free for node in io_toposort(free, [term]) for v in node.inputs)
    return tuple(form) if rests else None, tuple(elements), tuple(added), tuple(others)


def _is_scale(term: Variable) -> bool:
    """Say whether a term is the logarithm of a product, so that a number in it is a constant."""
    from pytensor.graph.basic import Constant
    from pytensor.scalar.basic import Log, Mul, Pow, Sqr, Sqrt, TrueDiv

    def is_(variable: Variable, *ops: type) -> bool:
        node = variable.owner
        return node is not None and isinstance(getattr(node.op, "scalar_op", None), ops)

    while is_(term, Mul):
        rest = [v for v in term.owner.inputs if not isinstance(v, Constant)]
        if len(rest) != 1:
            return False
        term = rest[0]
    return is_(term, Log) and is_(term.owner.inputs[0], Mul, Pow, Sqr, Sqrt, TrueDiv)


def _is_number(value: Any) -> bool:
    array = np.asarray(value)
    return array.size == 1 and array.dtype.kind in "biuf"
