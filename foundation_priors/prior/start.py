"""Evaluating a graph where the sampler starts, and further and further from there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.prior.model import numpy_mode

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["evaluate", "start_values", "values_nearby"]


def start_values(model: pm.Model, *, transformed: bool = False) -> dict[str, np.ndarray]:
    """Return the initial point by name, of the free variables or of their transforms."""
    import pymc as pm
    from pymc.initial_point import make_initial_point_expression

    if not model.free_RVs:
        return {}
    expressions = make_initial_point_expression(
        free_rvs=model.free_RVs,
        rvs_to_transforms=model.rvs_to_transforms,
        initval_strategies=model.rvs_to_initial_values,
        return_transformed=transformed,
    )
    values = pm.pytensorf.compile([], expressions, mode=numpy_mode(), random_seed=0)()
    names = [(model.rvs_to_values[rv] if transformed else rv).name for rv in model.free_RVs]
    return dict(zip(names, map(np.asarray, values), strict=True))


def values_nearby(model: pm.Model, graph: TensorVariable, points: int) -> Iterator[np.ndarray]:
    """Yield a graph of the free variables at the initial point, then ever further from it.

    The steps are normal in unconstrained coordinates, with standard deviations 1/2, 1, 3/2 and so
    on. Draws from the prior would not do: under a diffuse one a likelihood can overflow at all of
    them, and some priors cannot be drawn from.
    """
    import pymc as pm

    (graph,) = model.replace_rvs_by_values([graph])
    values = [model.rvs_to_values[rv] for rv in model.free_RVs]
    function = pm.pytensorf.compile(values, graph, mode=numpy_mode(), on_unused_input="ignore")
    start = start_values(model, transformed=True)
    rng = np.random.default_rng(0)
    for point in range(points):
        moved = [start[v.name] + point / 2 * rng.normal(size=start[v.name].shape) for v in values]
        with np.errstate(all="ignore"):
            yield function(*(m.astype(v.dtype) for m, v in zip(moved, values, strict=True)))


def evaluate(model: pm.Model, graph: TensorVariable) -> np.ndarray:
    """Return the value of a graph of the free variables at the initial point."""
    return next(values_nearby(model, graph, 1))
