"""Compiled models that serve another model of the same form, with its data put in."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.prior.compiling import LOCK, compile_model

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.graph.basic import Variable

__all__ = ["compiled", "remember"]

KEPT: deque[tuple[pm.Model, Any]] = deque(maxlen=4)
"""The models compiled last, with what was compiled."""


def compiled(model: pm.Model) -> Any:
    """Return a nutpie model, compiled unless one of the last few has the same graph.

    Such a one is given the model's data, of the same shapes. Those of the prior have to be the
    same, since they decide where chains start. So a path of the same model with as many other
    answers, or with another seed, need not be compiled, and its draws are those that it would have
    if it were.
    """
    with LOCK:
        for other, made in list(KEPT):
            data = _data_for(model, other, {v.name for v in made.shared_var_keys})
            if data is not None:
                return made.with_data(**data)
        made = compile_model(model)
        KEPT.append((model, made))
        return made


def remember(model: pm.Model, made: Any) -> None:
    """Keep a compiled model for others like it."""
    with LOCK:
        if not any(made is one for _, one in KEPT):
            KEPT.append((model, made))


def _data_for(model: pm.Model, other: pm.Model, used: set[str]) -> dict[str, Any] | None:
    """Return the model's data by name if it has the form of another; None if it has not."""
    from pytensor.graph.basic import equal_computations

    if _described(model) != _described(other):
        return None
    mine, theirs = (_outputs(m) for m in (model, other))
    ours, olds = _shared(mine), _shared(theirs)
    if [_form(v) for v in ours] != [_form(v) for v in olds]:
        return None
    changed = [v for v, old in zip(ours, olds, strict=True) if not _same(v, old)]
    fixed = set(_shared(model.free_RVs))
    names = [v.name for v in ours]
    told = [v for v in changed if v.name in used and names.count(v.name) == 1]
    # Data without a name, or with one that is not theirs alone, cannot be put in.
    if len(told) < len(changed) or not all(v.name and v not in fixed for v in changed):
        return None
    places, before = ([m.rvs_to_values[rv] for rv in m.free_RVs] for m in (model, other))
    if not equal_computations(mine, theirs, in_xs=[*ours, *places], in_ys=[*olds, *before]):
        return None
    return {v.name: v.get_value() for v in changed}


def _described(model: pm.Model) -> Any:
    """Return what graphs do not tell: names, dimensions, transforms and initial values."""
    rvs = model.free_RVs
    starts = [model.rvs_to_initial_values.get(rv) for rv in rvs]
    texts = [s if s is None or isinstance(s, str) else np.asarray(s).tolist() for s in starts]
    names = [v.name for v in [*rvs, *model.deterministics, *model.potentials]]
    transforms = [type(model.rvs_to_transforms[rv]).__qualname__ for rv in rvs]
    return names, transforms, texts, {k: tuple(v) for k, v in model.named_vars_to_dims.items()}


def _outputs(model: pm.Model) -> list[Any]:
    """Return all that a model consists of, its log density among them."""
    return [*model.free_RVs, *model.deterministics, *model.potentials]


def _shared(outputs: Sequence[Variable]) -> list[Any]:
    """Return the shared variables of a graph, in the order in which it is walked."""
    from pytensor.compile.sharedvalue import SharedVariable
    from pytensor.graph.traversal import graph_inputs

    return [v for v in graph_inputs(outputs) if isinstance(v, SharedVariable)]


def _form(variable: Any) -> Any:
    """Return the name, the type and the shape of a shared variable."""
    from pytensor.tensor.random.type import RandomType

    random = isinstance(variable.type, RandomType)
    return variable.name, variable.type, random or np.shape(variable.get_value(borrow=True))


def _same(variable: Any, other: Any) -> bool:
    """Say whether two shared variables hold the same; states of random generators do not count."""
    from pytensor.tensor.random.type import RandomType

    if variable is other or isinstance(variable.type, RandomType):
        return True
    return np.array_equal(*(v.get_value(borrow=True) for v in (variable, other)))
