"""Group numbers: which data index which dimension of the model, and whether they stay inside.

An index out of range gives a wrong number in silence (-1 means the last group) or a crash.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from foundation_priors.errors import ColumnError
from foundation_priors.prior.facts import REFUSALS, Facts, held
from foundation_priors.prior.model import lies_above, numpy_mode

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = ["Lookup", "check_codes", "check_compared", "levels_of", "lookups"]

DIGITS, CLOSE = 6, 0.01
"""Decimals to which codes are compared, and a tolerance below which numbers count as equal."""


@dataclass(frozen=True)
class Lookup:
    """One place where rows pick an element along a dimension of the model.

    It is ``base[index]``, with ``index`` computed from the data ``names``; ``size`` and ``levels``
    are the length and the coordinates of the dimension; ``direct`` says that the index is the data
    as they are.
    """

    base: TensorVariable
    index: TensorVariable
    names: tuple[str, ...]
    size: int
    levels: tuple[Hashable, ...] | None
    direct: bool


def lookups(model: pm.Model, observed: TensorVariable, names: Collection[str]) -> list[Lookup]:
    """Find where the data ``names`` index something that ``observed`` is computed from."""
    from pytensor.graph.traversal import ancestors

    data = {model[name]: name for name in names}
    found = []
    for base, axis, index in _indices(lies_above(observed, model)):
        used = tuple(data[v] for v in ancestors([index]) if v in data)
        if used and index.dtype != "bool":
            size, levels = _dimension(model, base, axis)
            found.append(Lookup(base, index, used, size, levels, index in data))
    return found


def _indices(variables: Collection[Variable]) -> list[tuple[TensorVariable, int, TensorVariable]]:
    """Return all (indexed variable, axis, index) among the variables."""
    from pytensor.tensor.subtensor import (
        AdvancedIncSubtensor,
        AdvancedSubtensor,
        Subtensor,
        indices_from_subtensor,
    )

    found = []
    for variable in variables:
        node = variable.owner
        if node is None:
            continue
        if not isinstance(node.op, AdvancedSubtensor | Subtensor | AdvancedIncSubtensor):
            continue
        # What is set, as in one-hot coding, has the values before the indices.
        first = 2 if isinstance(node.op, AdvancedIncSubtensor) else 1
        entries: Sequence[Any] = indices_from_subtensor(node.inputs[first:], node.op.idx_list)
        for axis, entry in enumerate(entries):
            if not isinstance(entry, slice | int):
                found.append((node.inputs[0], axis, _uncast(entry)))
    return found


def _uncast(variable: Variable) -> TensorVariable:
    """Return what ``variable`` was before casts and added axes."""
    from pytensor.scalar.basic import Cast
    from pytensor.tensor.basic import ScalarFromTensor
    from pytensor.tensor.elemwise import DimShuffle, Elemwise

    while (node := variable.owner) is not None:
        casts = isinstance(node.op, Elemwise) and isinstance(node.op.scalar_op, Cast)
        if not (casts or isinstance(node.op, DimShuffle | ScalarFromTensor)):
            break
        variable = node.inputs[0]
    return cast(Any, variable)


def _dimension(
    model: pm.Model, variable: TensorVariable, axis: int
) -> tuple[int, tuple[Hashable, ...] | None]:
    dims = model.named_vars_to_dims.get(variable.name) if variable.name else None
    labels = model.coords.get(dims[axis]) if dims and dims[axis] else None
    size = variable.type.shape[axis]
    if size is None:
        size = int(variable.shape[axis].eval(mode=numpy_mode()))
    return size, None if labels is None else tuple(labels)


def levels_of(found: Sequence[Lookup], name: str) -> tuple[Hashable, ...] | None:
    """Return the coordinates, if any, of the shortest dimension that the data themselves index."""
    own = [lookup for lookup in found if lookup.direct and lookup.names == (name,)]
    if not own:
        return None
    return min(own, key=lambda lookup: (lookup.size, lookup.levels is None)).levels


def check_codes(
    model: pm.Model, found: Sequence[Lookup], data: Mapping[str, np.ndarray], title: str
) -> None:
    """Raise when a row picks what is not there.

    Raises
    ------
    ColumnError
        Naming the first such row.
    """
    for lookup in found:
        array = data[lookup.names[0]] if lookup.direct else _values(model, lookup, data)
        outside = (array < 0) | (array >= lookup.size)
        if not outside.any():
            continue
        row = int(np.flatnonzero(outside.reshape(len(array), -1).any(axis=1))[0])
        value = int(array[outside].flat[0])
        name = lookup.names[0]
        what = f"The codes for {name!r}" if lookup.direct else f"The indices made from {name!r}"
        reason = " (pandas writes a missing category as -1)" if value == -1 else ""
        raise ColumnError(
            f"{what} must lie in 0..{lookup.size - 1}, but row {row} of {title} has "
            f"{value}{reason}: correct the codes, or let fp.codes(column, levels=[...]) make them."
        )


def check_compared(
    model: pm.Model,
    observed: TensorVariable,
    facts: Facts,
    axes: Mapping[str, int],
    data: Mapping[str, np.ndarray],
    title: str,
) -> None:
    """Raise for a code that equals none of those with which the model compares it.

    Where codes are spelled out as indicators, ``eq(group[:, None], arange(3))``, an unknown one
    would have no effect at all. A code of the real rows is known: a reference level has none. Of
    what is computed from the data (``group + 1``, a repeated column) one value may be without.

    Raises
    ------
    ColumnError
        Naming the first such row.
    """
    names = {model[name]: name for name in data}
    known: dict[Any, tuple[TensorVariable, set[float]]] = {}
    for side, codes in _comparisons(lies_above(observed, model) - facts.fixed, {*names}, model):
        above = set(_above(side))
        used = tuple(name for v, name in names.items() if v in above)
        key = used, side in names, frozenset(_numbers(side))
        known.setdefault(key, (side, set()))[1].update(codes)
    for (used, direct, here), (side, codes) in known.items():
        if len(codes) < 2:
            continue  # one indicator: all other codes are alike
        extra, name = here - codes, used[0]
        if direct:
            found = data[name]
        elif len(extra) > 1 or any(data[n].ndim != model[n].ndim for n in used):
            continue
        else:
            moved = {n: np.moveaxis(data[n], 0, axes[n]) for n in used}
            try:
                rows = {model[n]: held(model[n], v, axes[n]) for n, v in moved.items()}
                found = _by_row(facts.follow(side, rows).eval(mode=numpy_mode()), len(data[name]))
            except REFUSALS:
                continue  # the check of the rows says so in words
        outside = ~np.isin(found.astype(float).round(DIGITS), list(codes | extra))
        if outside.any():
            row = int(np.flatnonzero(outside.reshape(len(outside), -1).any(axis=1))[0])
            value = found[outside].flat[0] if direct or data[name].ndim > 1 else data[name][row]
            what = f"{name!r}" if direct else f"what it computes from {name!r}"
            raise ColumnError(
                f"The model compares {what} with the codes {sorted(codes)}, but row {row} of "
                f"{title} has {value:g}, which would have no effect: correct "
                "the codes, or let fp.codes(column, levels=[...]) make them."
            )


def _comparisons(
    variables: Collection[Variable], names: set[Variable], model: pm.Model
) -> Iterator[tuple[TensorVariable, set[float]]]:
    """Yield what is computed from the data and compared with constants, and these."""
    from pytensor.scalar.basic import EQ

    for variable in variables:
        sides = _operands(variable, EQ) or _close(variable, model)
        for one, two in (sides, sides[::-1]) if sides else ():
            side, above = _uncast(one), set(_above(one))
            if names & above and not above.intersection(model.basic_RVs):
                if not {*names, *model.basic_RVs} & set(_above(two)):
                    yield side, _numbers(two)


def _numbers(variable: TensorVariable) -> set[float]:
    values = np.unique(variable.eval(mode=numpy_mode()))
    return set(values.astype(float).round(DIGITS).tolist())


def _operands(variable: Variable, kind: type) -> list[Any]:
    """Return the inputs of a scalar operation of this kind, or nothing."""
    from pytensor.tensor.elemwise import Elemwise

    node = variable.owner
    fits = node and isinstance(node.op, Elemwise) and isinstance(node.op.scalar_op, kind)
    return list(node.inputs) if node and fits else []


def _close(variable: Variable, model: pm.Model) -> list[Any]:
    """Return what is compared up to a small tolerance, as `pytensor.tensor.isclose` does."""
    from pytensor.scalar.basic import LE, Abs, Sub

    if not (sides := _operands(variable, LE)) or not (inside := _operands(sides[0], Abs)):
        return []
    if set(_above(sides[1])).intersection(model.basic_RVs):
        return []
    small = np.max(sides[1].eval(mode=numpy_mode()), initial=0.0) < CLOSE
    return _operands(inside[0], Sub) if small else []


def _by_row(values: np.ndarray, rows: int) -> np.ndarray:
    """Return values with the axis along the rows first."""
    return np.moveaxis(values, values.shape.index(rows), 0)


def _above(variable: Variable) -> list[Variable]:
    from pytensor.graph.traversal import ancestors

    return list(ancestors([variable]))


def _values(model: pm.Model, lookup: Lookup, data: Mapping[str, np.ndarray]) -> np.ndarray:
    import pytensor
    from pytensor.graph.replace import vectorize_graph

    shared = {model[n]: pytensor.shared(data[n].astype(model[n].dtype)) for n in lookup.names}
    return np.atleast_1d(vectorize_graph(lookup.index, shared).eval(mode=numpy_mode()))
