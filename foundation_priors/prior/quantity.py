"""A scalar quantity of a model, from its name, an expression or a function."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from foundation_priors.errors import ModelError, did_you_mean
from foundation_priors.prior.model import numpy_mode

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["element_labels", "quantity_of"]

FUNCTIONS = ("abs", "exp", "expm1", "invlogit", "log", "log1p", "logit", "sqrt", "tanh")
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
    ast.USub: lambda a: -a,
    ast.UAdd: lambda a: a,
}


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
    if (named := model.name_for(text)) in known:
        return known[named]
    found: dict[str, Any] = {}

    def element(match: re.Match[str]) -> str:
        name = f"fp_element_{len(found)}"
        found[name] = _element(model, known, match[1], match[2])
        return name

    plain = re.sub(r"(\w+)\[([^\]]*)\]", element, text)
    try:
        tree = ast.parse(plain, mode="eval").body
    except SyntaxError:
        raise ModelError(
            f"{text!r} is not an expression of the model's variables, such as 'a + 2 * beta[age]'."
        ) from None
    return _value(tree, {**known, **found}, model, text)


def _value(node: ast.AST, names: Mapping[str, Any], model: pm.Model, text: str) -> Any:
    import pytensor.tensor as pt

    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            name = name if name in names else model.name_for(name)
            if name not in names:
                raise _unknown(name, names, model, text)
            return names[name]
        case ast.BinOp(left=a, op=op, right=b) if type(op) in OPERATORS:
            sides = [_value(side, names, model, text) for side in (a, b)]
            return OPERATORS[type(op)](*sides)
        case ast.UnaryOp(op=op, operand=a) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(a, names, model, text))
        case ast.Call(func=ast.Name(id=name), args=[a], keywords=[]) if name in FUNCTIONS:
            argument = _value(a, names, model, text)
            if name == "invlogit":
                return pt.sigmoid(argument)
            return (
                pt.log(argument / (1 - argument))
                if name == "logit"
                else getattr(pt, name)(argument)
            )
    raise ModelError(
        f"{text!r} cannot be read: combine the model's variables by arithmetic and the functions "
        f"{', '.join(FUNCTIONS)}, or give a function of the model's variables."
    )


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
    dims = model.named_vars_to_dims.get(name) or (None,) * len(shape)
    axes = []
    for dim, size in zip(dims, shape, strict=True):
        values = model.coords.get(dim) if dim is not None else None
        axes.append(list(values) if values is not None else list(range(size)))
    return [f"{name}[{', '.join(map(str, place))}]" for place in itertools.product(*axes)]


def _element(model: pm.Model, known: Mapping[str, Any], name: str, place: str) -> Any:
    full = name if name in known else model.name_for(name)
    if full not in known:
        raise _unknown(full, known, model, f"{name}[{place}]")
    value = known[full]
    shape = _shape(value)
    labels = element_labels(model, full, shape)
    wanted = place.replace("'", "").replace('"', "")
    label = f"{full}[{', '.join(part.strip() for part in wanted.split(','))}]"
    if not shape or label not in labels:
        raise ModelError(f"The model has no quantity {label!r}.{did_you_mean(label, labels)}")
    return value.flatten()[labels.index(label)]


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in value.shape.eval(mode=numpy_mode()))


def _not_scalar(model: pm.Model, quantity: Any, value: Any, label: str) -> str:
    if isinstance(quantity, str):
        try:
            places = element_labels(model, model.name_for(quantity), _shape(value))
        except ValueError:
            places = []
        hint = f"name one, such as {places[0]!r}" if places else "name one element"
    else:
        hint = "return one number"
    return f"The quantity {label!r} has several elements, and a belief speaks about one: {hint}."
