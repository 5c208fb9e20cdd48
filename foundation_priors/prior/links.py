"""How a parameter is tied to the answers: shared with them, private to them, or commensurate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ModelError
from foundation_priors.prior.commensurate import Commensurate, link_scale
from foundation_priors.prior.model import replaced
from foundation_priors.prior.start import start_values

if TYPE_CHECKING:
    import pymc as pm
    from numpy.typing import NDArray
    from pytensor.tensor.variable import TensorVariable

    type Swap = Mapping[TensorVariable, TensorVariable]

__all__ = ["Linkage", "Wiring", "check_reached", "fresh", "wire"]


@dataclass(frozen=True)
class Linkage:
    """What one source's answers may inform; a parameter named nowhere is shared.

    ``private`` are names, ``commensurate`` maps names to links, and ``parts`` maps some private
    vectors to the elements, True in a mask, that are shared nevertheless.
    """

    private: tuple[str, ...] = ()
    commensurate: dict[str, Commensurate] = field(default_factory=dict)
    parts: dict[str, NDArray[np.bool_]] = field(default_factory=dict)


@dataclass(frozen=True)
class Wiring:
    """What one source's answers see in place of the model's free variables.

    ``swap`` maps variables to what stands in their place, ``copies`` private ones to their copies
    among the free variables, and ``links`` commensurate ones, by name, to the names of the free
    variables of their link. ``learned`` are those whose spread has a distribution.
    """

    swap: dict[TensorVariable, TensorVariable]
    copies: dict[TensorVariable, TensorVariable]
    links: dict[str, tuple[str, ...]]
    learned: frozenset[str] = frozenset()

    @property
    def own(self) -> tuple[str, ...]:
        """Names of the free variables that belong to this source alone."""
        return (*(str(c.name) for c in self.copies.values()), *self.link)

    @property
    def link(self) -> tuple[str, ...]:
        """Names of the free variables of commensurate links."""
        return tuple(name for names in self.links.values() for name in names)


def wire(model: pm.Model, linkage: Linkage, suffix: str) -> Wiring:
    """Add to the model what one source's answers see in place of its variables.

    Parameters
    ----------
    model : pymc.Model
        Changed in place.
    linkage : Linkage
    suffix : str
        The copy of ``sigma`` is named ``sigma_<suffix>``.

    Returns
    -------
    Wiring
        A private copy has the prior of the original, given the copies of what that prior depends
        on; a commensurate copy has the link as its prior.
    """
    wiring = Wiring(
        {}, {}, {}, frozenset(n for n, link in linkage.commensurate.items() if link.learned)
    )
    starts = start_values(model, transformed=True) if linkage.commensurate else {}
    for rv in list(model.free_RVs):
        name = f"{rv.name}_{suffix}"
        if rv.name in linkage.commensurate:
            link = linkage.commensurate[rv.name]
            _check_free(model, rv, name, "commensurate")
            shape = starts[model.rvs_to_values[rv].name].shape
            copy, added = _commensurate_copy(model, rv, link, name, shape, wiring.swap)
            wiring.swap[rv], wiring.links[str(rv.name)] = copy, added
        elif rv.name in linkage.private:
            _check_free(model, rv, name, "private")
            copy = _private_copy(model, rv, name, wiring.swap)
            wiring.copies[rv] = wiring.swap[rv] = copy
            if rv.name in linkage.parts:
                wiring.swap[rv] = _mixed(linkage.parts[rv.name], rv, copy)
    return wiring


def _check_free(model: pm.Model, rv: TensorVariable, name: str, kind: str) -> None:
    if name in model.named_vars:
        raise ModelError(
            f"The {kind} copy of {rv.name!r} would be called {name!r}, a name that the model "
            "has already: rename that variable."
        )


def _private_copy(model: pm.Model, rv: TensorVariable, name: str, swap: Swap) -> Any:
    """Register a copy with the same prior, transform and initial value, drawn on its own."""
    return model.register_rv(
        fresh(rv, model, swap),
        name,
        dims=model.named_vars_to_dims.get(str(rv.name)),
        initval=model.rvs_to_initial_values[rv],
        # The model's transform already contains the distribution's default one.
        transform=model.rvs_to_transforms[rv],
        default_transform=None,
    )


def _mixed(shared: NDArray[np.bool_], rv: TensorVariable, copy: TensorVariable) -> Any:
    import pytensor.tensor as pt

    return pt.switch(pt.constant(shared), rv, copy)


def _commensurate_copy(
    model: pm.Model,
    rv: TensorVariable,
    link: Commensurate,
    name: str,
    shape: tuple[int, ...],
    swap: Swap,
) -> tuple[Any, tuple[str, ...]]:
    """Register a copy around the original, and return it with the free variables of the link."""
    import pymc as pm

    transform = model.rvs_to_transforms[rv]
    dims = model.named_vars_to_dims.get(str(rv.name))
    scale, learned = link_scale(model, link, name, shape, str(rv.name))
    centre: Any = rv if transform is None else transform.forward(rv, *rv.owner.inputs)
    with model:
        if link.centred:
            free = name if transform is None else f"{name}_unconstrained"
            where: Any = pm.Normal(free, centre, scale, shape=shape)
        else:
            free = f"{name}_offset"
            where = centre + scale * pm.Normal(free, 0.0, 1.0, shape=shape)
        if transform is not None:
            # Bounds of a prior may be variables, whose copies bound this one.
            where = transform.backward(where, *fresh(rv, model, swap).owner.inputs)
        copy = where if free == name else pm.Deterministic(name, where, dims=dims)
    return copy, (free, *([learned] if learned else []))


def fresh(rv: TensorVariable, model: pm.Model, swap: Swap) -> TensorVariable:
    """Return the same random variable on new generators, with ``swap`` made in its parameters.

    Forward draws of the two are independent then. Plain variables stand in for the free ones
    meanwhile, which would be copied otherwise.
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


def check_reached(terms: Sequence[TensorVariable], wirings: Sequence[Wiring]) -> None:
    """Raise when the answers do not reach a copy, which would change nothing.

    Raises
    ------
    ModelError
        For a variable between whose copy and the answers there stands a shared one.
    """
    from pytensor.graph.traversal import ancestors

    reached = set(ancestors(terms))
    for wiring in wirings:
        for rv, copy in wiring.swap.items():
            if wiring.copies.get(rv, copy) not in reached:
                kind = "private" if rv in wiring.copies else "commensurate"
                raise ModelError(
                    f"{kind}= names {rv.name!r}, which the answers do not reach or reach through "
                    f"shared variables only: make those {kind} too, or leave it out."
                )
