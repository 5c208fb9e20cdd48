"""What a model computes from its data alone, computed once and not at every evaluation."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from foundation_priors.prior.model import numpy_mode

if TYPE_CHECKING:
    from pytensor.graph.basic import Apply, Variable
    from pytensor.graph.fg import FunctionGraph

__all__ = ["precompute"]

PRECOMPUTED = "fp_precomputed_"


def precompute(graph: FunctionGraph, varying: Collection[str]) -> None:
    """Put arrays in place of what a model's graph computes from data that do not vary.

    Such are the basis functions of a Gaussian process or a spline, or interactions of covariates.
    Only arrays of floating-point numbers are replaced: lengths stay what they are. The new ones are
    named by their order, so that models of one form name them alike.

    Parameters
    ----------
    graph : FunctionGraph
        Of a model; it is changed.
    varying : collection of str
        Names of the data that are set anew.
    """
    import pytensor
    from pymc.model.fgraph import ModelNamed
    from pytensor.graph.replace import graph_replace

    named: dict[Variable, Variable] = {}
    fixed: dict[Variable, None] = {}
    for node in graph.toposort():
        if isinstance(node.op, ModelNamed):
            named[node.outputs[0]] = node.inputs[0]
        if _is_fixed(node, fixed, varying):
            fixed.update(dict.fromkeys(node.outputs))
    found = [v for v in fixed if v not in named and _is_array(v) and _is_used(graph, v, fixed)]
    # Those that hold no data at all are constants, which a compiler folds by itself.
    found = [v for v in found if _holds_data(v)]
    if not found:
        return
    plain = graph_replace(found, named, strict=False)
    values = pytensor.function([], plain, mode=numpy_mode(), on_unused_input="ignore")()
    new = [
        pytensor.shared(value, name=f"{PRECOMPUTED}{number}", shape=old.type.shape)
        for number, (old, value) in enumerate(zip(found, values, strict=True))
    ]
    pairs = [(old, old.type.filter_variable(v)) for old, v in zip(found, new, strict=True)]
    graph.replace_all(pairs, import_missing=True)


def _is_fixed(node: Apply, fixed: Collection[Variable], varying: Collection[str]) -> bool:
    """Say whether what a node computes depends on nothing but data that do not vary."""
    from pymc.model.fgraph import ModelNamed, ModelVar
    from pytensor.compile.sharedvalue import SharedVariable
    from pytensor.graph.basic import Constant
    from pytensor.tensor.random.op import RandomVariable
    from pytensor.tensor.random.type import RandomType

    if isinstance(node.op, RandomVariable):
        return False
    if isinstance(node.op, ModelVar) and not isinstance(node.op, ModelNamed):
        return False
    return all(
        v in fixed
        or isinstance(v, Constant)
        or (
            isinstance(v, SharedVariable)
            and not isinstance(v.type, RandomType)
            and v.name not in varying
        )
        for v in node.inputs
    )


def _is_array(variable: Variable) -> bool:
    from pytensor.tensor.type import TensorType

    kind = variable.type
    return isinstance(kind, TensorType) and kind.ndim > 0 and kind.dtype.startswith("float")


def _is_used(graph: FunctionGraph, variable: Variable, fixed: Collection[Variable]) -> bool:
    """Say whether something that is not fixed depends on a variable directly."""
    return any(not all(v in fixed for v in node.outputs) for node, _ in graph.clients[variable])


def _holds_data(variable: Variable) -> bool:
    from pytensor.compile.sharedvalue import SharedVariable
    from pytensor.graph.traversal import ancestors

    return any(isinstance(v, SharedVariable) for v in ancestors([variable]))
