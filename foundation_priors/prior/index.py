"""Group numbers: which data index which dimension of the model, and whether they stay inside.

An index out of range gives a wrong number in silence (-1 means the last group) or a crash.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from foundation_priors.errors import ColumnError
from foundation_priors.prior.model import data_value, lies_above, numpy_mode

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Variable
    from pytensor.tensor.variable import TensorVariable

__all__ = ["Lookup", "check_codes", "check_compared", "levels_of", "lookups"]


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
    model: pm.Model, observed: TensorVariable, data: Mapping[str, np.ndarray], title: str
) -> None:
    """Raise for a code that equals none of those with which the model compares it.

    Where codes are spelled out as indicators, ``eq(group[:, None], arange(3))``, an unknown one
    would have no effect at all. A code of the real rows is known: a reference level has none.

    Raises
    ------
    ColumnError
        Naming the first such row.
    """
    from pytensor.scalar.basic import EQ
    from pytensor.tensor.elemwise import Elemwise

    known: dict[str, set[float]] = {}
    names = {model[name]: name for name in data}
    for variable in lies_above(observed, model):
        node = variable.owner
        if node is None or not isinstance(node.op, Elemwise):
            continue
        if isinstance(node.op.scalar_op, EQ):
            one, two = map(_uncast, node.inputs)
            for side, other in ((one, two), (two, one)):
                if side in names and not {*names, *model.basic_RVs} & set(_above(other)):
                    values = np.ravel(other.eval(mode=numpy_mode()))
                    known.setdefault(names[side], set()).update(values.tolist())
    for name, codes in known.items():
        if len(codes) < 2:
            continue  # one indicator: all other codes are alike
        every = codes | set(np.ravel(data_value(model, name)).tolist())
        outside = ~np.isin(data[name], list(every))
        if outside.any():
            row = int(np.flatnonzero(outside.reshape(len(outside), -1).any(axis=1))[0])
            raise ColumnError(
                f"The model compares {name!r} with the codes {sorted(codes)}, but row {row} of "
                f"{title} has {data[name][outside].flat[0]:g}, which would have no effect: correct "
                "the codes, or let fp.codes(column, levels=[...]) make them."
            )


def _above(variable: Variable) -> list[Variable]:
    from pytensor.graph.traversal import ancestors

    return list(ancestors([variable]))


def _values(model: pm.Model, lookup: Lookup, data: Mapping[str, np.ndarray]) -> np.ndarray:
    import pytensor
    from pytensor.graph.replace import vectorize_graph

    shared = {model[n]: pytensor.shared(data[n].astype(model[n].dtype)) for n in lookup.names}
    return np.atleast_1d(vectorize_graph(lookup.index, shared).eval(mode=numpy_mode()))
