"""Many draws from the primitive prior at once, with NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import ModelError
from foundation_priors.prior.model import numpy_mode

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_forward", "forward"]

FEWER = 20
"""Where a model cannot be drawn from at once, there are so many times fewer draws."""


def forward(
    model: pm.Model, outputs: Sequence[TensorVariable], draws: int, seed: int = 0
) -> list[NDArray[np.float64]]:
    """Return draws of functions of the free variables under their prior, shape (draw, ...)."""
    import pymc as pm
    from pytensor.graph.replace import vectorize_graph
    from pytensor.graph.traversal import ancestors

    above = set(ancestors(outputs))
    how: dict[str, Any] = {"mode": numpy_mode(), "random_seed": seed}
    try:
        many: dict[Any, Any] = _batched([rv for rv in model.free_RVs if rv in above], draws)
        found = vectorize_graph(list(outputs), many)
        return [np.asarray(v) for v in pm.draw(found, **how)]
    except (NotImplementedError, ValueError):  # a mixture or a walk that has parents
        return [np.asarray(v) for v in pm.draw(list(outputs), draws=draws // FEWER, **how)]


def _batched(free: Sequence[TensorVariable], draws: int) -> dict[TensorVariable, TensorVariable]:
    """Return each free variable with a first axis of draws, its parents' draws put in."""
    from pymc.distributions.shape_utils import change_dist_size
    from pytensor.graph.replace import vectorize_graph
    from pytensor.graph.traversal import ancestors

    done: dict[Any, Any] = {}
    for rv in free:
        parents = {other: done[other] for other in ancestors([rv]) if other in done}
        if parents:
            done[rv] = vectorize_graph(rv, parents)
        else:
            done[rv] = change_dist_size(rv, (draws,), expand=True)
    return done


def check_forward(model: pm.Model, names: Sequence[str], evidence: Sequence[str]) -> None:
    """Raise where the prior of these variables is not what their distributions say.

    Raises
    ------
    ModelError
        With a Potential in the prior, a transform that may cut it, or a density by hand.
    """
    from pymc.distributions.custom import CustomDistRV
    from pymc.distributions.transforms import _default_transform

    how = "state what the answers say as rows, or write the prior with distributions of PyMC"
    for potential in model.potentials:
        if potential.name not in evidence:
            raise ModelError(
                f"The Potential {potential.name!r} changes the prior, so the prior density that a "
                f"belief replaces is not known: name it in evidence= if it is data, or {how}."
            )
    for name in names:
        rv = model[name]
        usual = type(_default_transform(rv.owner.op, rv))
        if type(model.rvs_to_transforms[rv]) is not usual:
            raise ModelError(
                f"The variable {name!r} has a transform of its own, which may cut its prior, so "
                f"the prior density that a belief replaces is not known: {how}."
            )
        if isinstance(rv.owner.op, CustomDistRV):
            raise ModelError(
                f"The prior of {name!r} is a density written by hand, which need not be "
                f"normalised, so a belief cannot replace it: {how}."
            )
