"""From what a user writes down as ``answer=`` to fields."""

from __future__ import annotations

import dataclasses
import enum
import numbers
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from foundation_priors.elicit.fields import KINDS, Choice, Field, Flag, Number, Text, Whole

__all__ = ["fields_of", "is_model"]

READY = (Choice, Whole, Number, Flag, Text)


def is_model(answer: object) -> bool:
    """Say whether something is a pydantic model's class."""
    return isinstance(answer, type) and hasattr(answer, "model_fields")


def fields_of(answer: object) -> dict[str, Field]:
    """Turn what a user writes down into fields.

    Parameters
    ----------
    answer : mapping of str to object, or pydantic model class
        Values: a list of options, a range or a list of whole numbers, a `Number`, a `Text`, an
        ``Enum``, a `pandas.CategoricalDtype`, or ``str``, ``float``, ``bool``.

    Returns
    -------
    dict of str to Field
        In the same order.

    Raises
    ------
    ValueError, TypeError
        If a field cannot be understood, naming it.

    Examples
    --------
    >>> fields_of({"vote": ["Clinton", "Dole"], "place": range(1, 8)})["vote"].options
    ('Clinton', 'Dole')
    """
    if is_model(answer):
        found = {name: _of_info(name, info) for name, info in answer.model_fields.items()}  # type: ignore[attr-defined]
    elif isinstance(answer, Mapping):
        found = {name: _named(name, entry) for name, entry in answer.items()}
    else:
        raise TypeError(
            f"answer= is {answer!r}, and must be a dictionary such as"
            " {'vote': ['Clinton', 'Dole']}, or a pydantic model class."
        )
    if not any(not isinstance(field, Text) for field in found.values()):
        raise ValueError(
            "answer= holds no number and no choice, and an analysis needs at least one of them: add"
            " a field such as {'vote': ['Clinton', 'Dole']}."
        )
    return found


def _named(name: object, entry: object) -> Field:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"The field name {name!r} of answer= must be one word of letters.")
    try:
        return _field(entry)
    except (TypeError, ValueError) as error:
        raise type(error)(f"answer={{{name!r}: ...}}: {error}") from None


def _field(entry: object) -> Field:
    if isinstance(entry, READY):
        return entry
    simple: dict[object, Field] = {str: Text(), float: Number(), bool: Flag()}
    if isinstance(entry, type) and entry in simple:
        return simple[entry]
    if isinstance(entry, range):
        return Whole(entry)
    if isinstance(entry, type) and issubclass(entry, enum.Enum):
        entry = [member.value for member in entry]
    ordered = False
    if isinstance(entry, pd.CategoricalDtype):
        ordered, entry = bool(entry.ordered), list(entry.categories)
    if isinstance(entry, Sequence | np.ndarray | pd.Index) and not isinstance(entry, str):
        return _listed([v.item() if isinstance(v, np.generic) else v for v in entry], ordered)
    raise TypeError(
        f"{entry!r} is no answer that can be checked: give a list of options, a range of whole"
        " numbers, fp.Number(low, high, unit=...), fp.Text(), or bool."
    )


def _listed(options: list[Any], ordered: bool) -> Field:
    if all(isinstance(option, str) for option in options):
        return Choice(tuple(str(option) for option in options), ordered)
    if all(isinstance(o, numbers.Integral) and not isinstance(o, bool) for o in options):
        return Whole(tuple(int(option) for option in options))
    raise TypeError(
        f"The options {options!r} must be all strings or all whole numbers: write others as"
        " strings."
    )


def _of_info(name: str, info: Any) -> Field:
    """Return the field of one attribute of a pydantic model."""
    note = info.description or ""
    bounds = {key: getattr(m, key) for m in info.metadata for key in _bounds(m)}
    kind = info.annotation
    try:
        if typing.get_origin(kind) is typing.Literal:
            found = _listed(list(typing.get_args(kind)), ordered=False)
        elif kind is int:
            found = Whole(_range(bounds))
        elif kind is float:
            found = Number(bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt")))
        elif kind is str:
            found = Text(bounds.get("max_length"))
        else:
            found = _plain(kind)
        return KINDS[found.kind](**{**_parts(found), "description": note or found.description})
    except (TypeError, ValueError) as error:
        raise type(error)(f"The field {name!r} of the pydantic model: {error}") from None


def _plain(kind: Any) -> Field:
    if isinstance(kind, type) and (kind is bool or issubclass(kind, enum.Enum)):
        return _field(kind)
    several = isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union
    raise TypeError(
        f"{kind} is no single answer: use Literal, an Enum, int or float with bounds, bool or str"
        f"{', and no None' if several else ''}."
    )


def _bounds(mark: object) -> list[str]:
    names = ("ge", "gt", "le", "lt", "max_length")
    return [name for name in names if getattr(mark, name, None) is not None]


def _range(bounds: Mapping[str, Any]) -> range:
    low = bounds.get("ge", bounds["gt"] + 1 if "gt" in bounds else None)
    high = bounds.get("le", bounds["lt"] - 1 if "lt" in bounds else None)
    if low is None or high is None:
        raise ValueError("a whole number needs bounds, as in Field(ge=1, le=7).")
    return range(int(low), int(high) + 1)


def _parts(field: Field) -> dict[str, Any]:
    return {part.name: getattr(field, part.name) for part in dataclasses.fields(field)}
