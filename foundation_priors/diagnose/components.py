"""The parts of a log density, with their gradients at every draw of a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import ModelError
from foundation_priors.prior.model import lies_above, numpy_mode

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.path import TrustPath
    from foundation_priors.path.engine import Engine

__all__ = ["PRIOR", "REAL", "STRUCTURE", "components", "compute"]

type Floats = NDArray[np.float64]

CELLS = 1_000_000
"""Coordinates of draws, draws times coordinates, that a graph is evaluated at in one go."""
PRIOR, STRUCTURE, REAL = "primitive prior", "model structure", "real data"


def components(path: TrustPath) -> dict[str, tuple[Floats, Floats]]:
    """Return value and gradient of each component at weight 1, by name.

    Values have shape (draw,), gradients (draw, coordinate). The primitive prior counts the
    Jacobian; layers of a hierarchy, variables whose prior depends on other free variables, are
    the component "model structure".

    Raises
    ------
    ModelError
        When the path was read from a file that does not hold them.
    """
    if path.gradients is not None:
        names = dict.fromkeys(key.rsplit("|", 1)[0] for key in path.gradients)
        return {n: (path.gradients[f"{n}|value"], path.gradients[f"{n}|grad"]) for n in names}
    if path.engine is None:
        raise ModelError(
            "This path was read from a file without gradients: build it again with trust_path()."
        )
    found = path.engine.__dict__.get("components")
    if found is None or len(found[REAL][0]) != len(path.posterior.u):
        found = path.engine.__dict__["components"] = compute(path.engine, path.posterior.u)
    return found


def compute(engine: Engine, u: Floats) -> dict[str, tuple[Floats, Floats]]:
    """Evaluate the components: one gradient of the compiled model for each."""
    sources = engine.tilted.sources
    zero, one = np.zeros(len(sources)), np.eye(len(sources))
    base = engine.value_grad(u, zero, 0.0)
    out = {PRIOR: base}
    structure = _structure(engine, u)
    if structure is not None:
        out = {PRIOR: _less(base, structure), STRUCTURE: structure}
    out[REAL] = _less(engine.value_grad(u, zero, 1.0), base)
    for number, source in enumerate(sources):
        out[source] = _less(engine.value_grad(u, one[number], 0.0), base)
    return out


def _less(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    return a[0] - b[0], a[1] - b[1]


def layered(model: pm.Model) -> list[str]:
    """Return the free variables whose prior depends on other free variables."""
    free = set(model.free_RVs)
    return [
        rv.name
        for rv in model.free_RVs
        if any(lies_above(i, model) & free for i in rv.owner.inputs)
    ]


def _structure(engine: Engine, u: Floats) -> tuple[Floats, Floats] | None:
    """Return value and gradient of the hierarchy's layers, evaluated with NumPy."""
    import pytensor
    import pytensor.tensor as pt
    from pytensor.graph.replace import graph_replace, vectorize_graph

    model = engine.model
    names = layered(model)
    if not names:
        return None
    logp = pt.sum([t.sum() for t in model.logp(vars=[model[n] for n in names], sum=False)])
    x = pt.dvector("u")
    swap = {}
    for rv in model.free_RVs:
        value, cut = model.rvs_to_values[rv], engine.coordinates[rv.name]
        shape = engine.compiled.shapes[value.name]
        swap[value] = value.type.filter_variable(x[cut].reshape(shape).astype(value.dtype))
    logp = graph_replace(logp, swap, strict=False)
    both = [logp, pt.grad(logp, x)]
    many = pt.dmatrix("us")
    step = max(1, CELLS // u.shape[1])
    try:
        function = pytensor.function([many], vectorize_graph(both, {x: many}), mode=numpy_mode())
        blocks = [function(u[i : i + step]) for i in range(0, len(u), step)]
        value, grad = (np.concatenate(part) for part in zip(*blocks, strict=True))
    except NotImplementedError:  # an Op that cannot be vectorised
        one = pytensor.function([x], both, mode=numpy_mode())
        rows = [one(row) for row in u]
        value, grad = (np.array(part) for part in zip(*rows, strict=True))
    return value, grad
