"""How a parameter of the model is tied to the answers: shared with them, or private to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.errors import ModelError, did_you_mean

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_private", "private_copies"]


def check_private(model: pm.Model, private: Sequence[str]) -> None:
    """Raise unless every name is a free variable of the model."""
    free = [rv.name for rv in model.free_RVs]
    for name in private:
        if name not in free:
            raise ModelError(
                f"private= names {name!r}, which is not a free variable of the model."
                f"{did_you_mean(name, free)}"
            )


def private_copies(
    model: pm.Model, private: Sequence[str], suffix: str
) -> dict[TensorVariable, TensorVariable]:
    """Add to the model a copy of each private variable, with the same prior.

    The copy gets a random generator of its own, so that forward draws of the two are
    independent, and the distribution's default transform.

    Parameters
    ----------
    model : pymc.Model
        Changed in place.
    private : sequence of str
        Names of free variables.
    suffix : str
        The copy of ``sigma`` is named ``sigma_<suffix>``.

    Returns
    -------
    dict
        From each variable to its copy. A private variable whose prior depends on another private
        one depends, in its copy, on the copy of that one.
    """
    from pytensor.graph.replace import graph_replace

    swap: dict[TensorVariable, TensorVariable] = {}
    for rv in [rv for rv in model.free_RVs if rv.name in private]:
        copy = graph_replace(_fresh(rv), swap, strict=False) if swap else _fresh(rv)
        dims = model.named_vars_to_dims.get(rv.name)
        name = f"{rv.name}_{suffix}"
        swap[rv] = model.register_rv(copy, name, dims=dims, initval=model.rvs_to_initial_values[rv])
    return swap


def _fresh(rv: TensorVariable) -> TensorVariable:
    """Return the same random variable on new generators."""
    import pytensor
    from pytensor.tensor.random.type import RandomType

    inputs = [
        pytensor.shared(np.random.default_rng()) if isinstance(i.type, RandomType) else i
        for i in rv.owner.inputs
    ]
    return rv.owner.clone_with_new_inputs(inputs).outputs[rv.owner.outputs.index(rv)]
