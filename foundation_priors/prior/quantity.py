"""A scalar quantity of a model, from its name, an expression or a function."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from foundation_priors.errors import ModelError, StatementError, brief, did_you_mean
from foundation_priors.prior.model import full_name, numpy_mode
from foundation_priors.statements import (
    FUNCTIONS,
    Name,
    compute,
    is_event,
    label_of,
    locate,
    parse,
    walk,
)

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["element_labels", "places", "quantity_of"]


READ = (
    f"cannot be read: combine the model's variables by arithmetic and the functions "
    f"{', '.join(FUNCTIONS)}, or give a function of the model's variables"
)


def quantity_of(
    model: pm.Model, quantity: str | Callable[[Mapping[str, Any]], Any]
) -> TensorVariable:
    """Return a quantity as a scalar variable of the model.

    Parameters
    ----------
    model : pymc.Model
    quantity : str or callable
        See `foundation_priors.Belief`.

    Raises
    ------
    ModelError
        When the model does not have it, or it is no scalar.
    """
    import pytensor.tensor as pt

    known = _known(model)
    if isinstance(quantity, str):
        found = _expression(model, known, quantity)
        label = quantity
    else:
        found, label = quantity(known), getattr(quantity, "__name__", "quantity")
    try:
        value = cast(Any, pt.as_tensor_variable(found))
    except (TypeError, NotImplementedError, ValueError):
        raise ModelError(
            f"The quantity {label!r} gives {type(found).__name__}, not a scalar PyTensor variable: "
            "compute it from the variables that the function receives."
        ) from None
    if value.ndim:
        if not all(n == 1 for n in value.type.shape):
            raise ModelError(_not_scalar(model, quantity, value, label))
        value = value.reshape(())
    return value.astype("float64")


def _known(model: pm.Model) -> dict[str, Any]:
    variables = [*model.free_RVs, *model.deterministics, *model.data_vars]
    return {str(v.name): v for v in variables}


def _expression(model: pm.Model, known: Mapping[str, Any], text: str) -> Any:
    if text in known:
        return known[text]
    if text == "<lambda>":
        raise ModelError(
            "The belief is about a function without a name, which the file that it was read from "
            "does not hold: make the belief anew with the function, or name the quantity in the "
            "model with pm.Deterministic."
        )
    if (named := full_name(model, text)) in known:
        return known[named]
    try:
        tree = parse(text, READ)
        if any(is_event(part) for part in walk(tree)):
            raise ModelError(
                f"{brief(text)} cannot be read as a quantity, which is a number and not true or "
                "false: name what it compares."
            )
        return compute(tree, lambda name: _looked_up(model, known, name, text), _functions())
    except StatementError as error:
        raise ModelError(str(error)) from None


def _functions() -> dict[str, Callable[..., Any]]:
    """Return the language's functions as PyTensor's."""
    import pytensor.tensor as pt

    own = {"invlogit": pt.sigmoid, "logit": lambda x: pt.log(x / (1 - x))}
    return {name: own.get(name) or getattr(pt, name) for name in FUNCTIONS}


def _looked_up(model: pm.Model, known: Mapping[str, Any], name: Name, text: str) -> Any:
    full = name.name if name.name in known else full_name(model, name.name)
    if full not in known:
        raise _unknown(full, known, model, text)
    value = known[full].astype("float64")
    if name.place is None:
        return value
    shape = _shape(value)
    axes = _axes(model, full, shape)
    place = locate(full, name.place, axes, "The model has no quantity '{}'")
    return value.flatten()[int(np.ravel_multi_index(place, shape))] if place else value


def _unknown(name: str, names: Mapping[str, Any], model: pm.Model, text: str) -> ModelError:
    where = "" if name == text else f" in {text!r}"
    if name in [rv.name for rv in model.observed_RVs]:
        return ModelError(
            f"{name!r}{where} is observed data, not a quantity of the model: speak about a "
            "parameter, or a prediction such as 'invlogit(alpha + 2 * beta[age])'."
        )
    return ModelError(f"The model has no quantity {name!r}{where}.{did_you_mean(name, names)}")


def element_labels(model: pm.Model, name: str, shape: tuple[int, ...]) -> list[str]:
    """Return ``name[coordinate, ...]`` for each element, as the draws of a path label it."""
    return [label_of(name, place) for place in places(model, name, shape)]


def places(model: pm.Model, name: str, shape: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """Return the coordinates of each element, or positions where there are none."""
    return list(itertools.product(*_axes(model, name, shape)))


def _axes(model: pm.Model, name: str, shape: tuple[int, ...]) -> list[list[Any]]:
    """Return the coordinates along each axis, or positions where there are none."""
    dims = model.named_vars_to_dims.get(name) or (None,) * len(shape)
    known = [model.coords.get(dim) if dim is not None else None for dim in dims]
    return [
        list(range(size) if values is None else values)
        for values, size in zip(known, shape, strict=True)
    ]


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in value.shape.eval(mode=numpy_mode()))


def _not_scalar(model: pm.Model, quantity: Any, value: Any, label: str) -> str:
    if isinstance(quantity, str):
        try:
            labels = element_labels(model, full_name(model, quantity), _shape(value))
        except ValueError:
            labels = []
        hint = f"name one, such as {brief(labels[0])}" if labels else "name one element"
    else:
        hint = "return one number"
    return f"The quantity {label!r} has several elements, and a belief speaks about one: {hint}."
