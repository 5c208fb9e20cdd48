"""Graphs of a model evaluated on many draws at once, with NumPy: nothing is compiled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.prior.compiling import one_at_a_time
from foundation_priors.prior.model import numpy_mode

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["on_draws"]

type Floats = NDArray[np.float64]

CELLS = 4_000_000
"""Largest size of an intermediate array."""


@one_at_a_time
def on_draws(
    model: pm.Model, outputs: Sequence[TensorVariable], draws: xr.Dataset, width: int = 1
) -> list[Floats]:
    """Evaluate functions of the free variables at every draw.

    Parameters
    ----------
    model : pymc.Model
    outputs : sequence of TensorVariable
        Functions of the model's free variables.
    draws : xarray.Dataset
        The free variables over ``sample``.
    width : int
        Size of an output at one draw; it decides how many draws are taken at a time.

    Returns
    -------
    list of array
        Each of shape (sample, ...).
    """
    import pytensor
    from pytensor.graph.replace import vectorize_graph

    plain = _plain(list(outputs))
    batched = {
        rv: pytensor.tensor.tensor(dtype=rv.dtype, shape=(None, *rv.type.shape), name=rv.name)
        for rv in model.free_RVs
    }
    results = vectorize_graph(plain, batched)
    mode = numpy_mode().including("fp_numpy")
    function = pytensor.function(
        list(batched.values()), results, mode=mode, on_unused_input="ignore"
    )
    arrays = [draws[rv.name].values.astype(rv.dtype) for rv in batched]
    size, step = draws.sizes["sample"], max(1, CELLS // max(width, 1))
    parts = [function(*(a[i : i + step] for a in arrays)) for i in range(0, size, step)]
    varies = [many.type.ndim > one.type.ndim for many, one in zip(results, plain, strict=True)]
    return [
        np.concatenate(values) if own else np.broadcast_to(values[0], (size, *values[0].shape))
        for own, values in zip(varies, zip(*parts, strict=True), strict=True)
    ]


def _plain(outputs: list[Any]) -> list[Any]:
    """Write softplus and log1mexp, slow as Python scalars, in terms that NumPy has."""
    from pytensor.graph.fg import FunctionGraph

    graph = FunctionGraph(outputs=outputs, clone=False, copy_inputs=False)
    _rewriter().rewrite(graph)
    return list(graph.outputs)


@cache
def _rewriter() -> Any:
    import pytensor.tensor as pt
    from pytensor.graph.rewriting.basic import in2out, node_rewriter
    from pytensor.scalar.math import Log1mexp, Softplus
    from pytensor.tensor.elemwise import Elemwise

    @node_rewriter([Elemwise])
    def to_numpy(fgraph: Any, node: Any) -> Any:
        x = node.inputs[0]
        if isinstance(node.op.scalar_op, Softplus):
            return [pt.maximum(x, 0) + pt.log1p(pt.exp(-pt.abs(x)))]
        if isinstance(node.op.scalar_op, Log1mexp):
            near = pt.log(-pt.expm1(x))
            return [pt.switch(x > -np.log(2.0), near, pt.log1p(-pt.exp(x)))]
        return None

    return in2out(to_numpy)
