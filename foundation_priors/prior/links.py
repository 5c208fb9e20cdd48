"""How a parameter of the model is tied to the answers: shared with them, or private to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.errors import ModelError, did_you_mean
from foundation_priors.prior.model import replaced

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_private", "check_reached", "private_copies"]


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
    independent, and the same transform and initial value.

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
    swap: dict[TensorVariable, TensorVariable] = {}
    for rv in [rv for rv in model.free_RVs if rv.name in private]:
        name = f"{rv.name}_{suffix}"
        if name in model.named_vars:
            raise ModelError(
                f"The private copy of {rv.name!r} would be called {name!r}, a name that the model "
                "has already: rename that variable."
            )
        swap[rv] = model.register_rv(
            _fresh(rv, model, swap),
            name,
            dims=model.named_vars_to_dims.get(rv.name),
            initval=model.rvs_to_initial_values[rv],
            # The model's transform already contains the distribution's default one.
            transform=model.rvs_to_transforms[rv],
            default_transform=None,
        )
    return swap


def _fresh(
    rv: TensorVariable, model: pm.Model, swap: Mapping[TensorVariable, TensorVariable]
) -> TensorVariable:
    """Return the same random variable on new generators, with ``swap`` made in its parameters.

    Plain variables stand in for the free ones meanwhile, which would be copied otherwise.
    """
    import pytensor
    from pytensor.tensor.random.type import RandomType

    inputs = [
        pytensor.shared(np.random.default_rng()) if isinstance(i.type, RandomType) else i
        for i in rv.owner.inputs
    ]
    fresh = rv.owner.clone_with_new_inputs(inputs).outputs[rv.owner.outputs.index(rv)]
    stand_ins = {other: other.type(name=other.name) for other in model.free_RVs}
    back = {stand_in: swap.get(other, other) for other, stand_in in stand_ins.items()}
    return replaced(replaced(fresh, stand_ins), back)


def check_reached(
    terms: Sequence[TensorVariable], swaps: Sequence[Mapping[TensorVariable, TensorVariable]]
) -> None:
    """Raise when the answers do not reach a private copy, which would change nothing.

    Raises
    ------
    ModelError
        For a private variable between which and the answers there stands a shared one.
    """
    from pytensor.graph.traversal import ancestors

    reached = set(ancestors(terms))
    for swap in swaps:
        for rv, copy in swap.items():
            if copy not in reached:
                raise ModelError(
                    f"private= names {rv.name!r}, which the answers do not reach or reach through "
                    "shared variables only: make those private too, or leave it out."
                )
