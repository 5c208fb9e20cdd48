"""The words of a statement: numbers, names with the labels of an element, and signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from foundation_priors.errors import brief

__all__ = ["Name", "Refused", "Token", "tokens"]

type Token = tuple[str, Any, int]

_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_OPERATOR = re.compile(r"\*\*|<=|>=|==|!=|[-+*/<>&|~(),]")


@dataclass(frozen=True)
class Name:
    """A variable, or with ``place`` the element of these labels; ``end`` is where the name ends."""

    name: str
    place: tuple[str, ...] | None
    end: int


class Refused(Exception):
    """Why a text cannot be read; ``unfinished`` where it is only the beginning of something."""

    def __init__(self, why: str, unfinished: bool = False) -> None:
        super().__init__(why)
        self.unfinished = unfinished


def tokens(text: str) -> Iterator[Token]:
    """Return the words of a statement: kind, value and position of each, and an end.

    Raises
    ------
    Refused
    """
    i = 0
    while i < len(text):
        at, character = i, text[i]
        if character.isspace():
            i += 1
        elif found := _NUMBER.match(text, i):
            i = found.end()
            if i < len(text) and (_continues(text[i]) or text[i] == "."):
                raise Refused(
                    f"{brief(text[at : i + 1])} at character {at + 1} is no number; a name that "
                    "is no identifier is written in backquotes, and a product with *",
                )
            if not np.isfinite(float(found[0])):
                raise Refused(f"the number at character {at + 1} is too large")
            yield "number", float(found[0]), at
        elif character == "`" or character.isidentifier():
            name, i = _quoted(text, i) if character == "`" else _identifier(text, i)
            if character != "`" and name in ("and", "or", "not"):
                yield "operator", name, at
                continue
            end = i
            place, i = _place(text, i)
            yield "name", Name(name, place, end), at
        elif found := _OPERATOR.match(text, i):
            i = found.end()
            yield "operator", found[0], at
        else:
            hint = {
                "=": "; == compares",
                ".": "; a name with a dot is written in backquotes",
                "[": "; it follows the name of a variable",
                "]": "; a label with a bracket is written in quotes",
                "'": "; quotes hold labels, as in beta['a label']",
                '"': '; quotes hold labels, as in beta["a label"]',
                "^": "; ** is a power",
                "!": "; != compares",
            }.get(character, "")
            raise Refused(f"{character!r} cannot stand at character {at + 1}{hint}")
    yield "end", "", len(text)


def _continues(character: str) -> bool:
    return ("a" + character).isidentifier()


def _identifier(text: str, start: int) -> tuple[str, int]:
    """Read a name such as ``beta`` or ``model::beta``."""
    i = start + 1
    while i < len(text) and (
        _continues(text[i]) or (text[i : i + 2] == "::" and text[i + 2 : i + 3].isidentifier())
    ):
        i += 1 if text[i] != ":" else 2
    return text[start:i], i


def _quoted(text: str, start: int) -> tuple[str, int]:
    """Read what stands in quotes or backquotes; one of these within is doubled."""
    mark, i, out = text[start], start + 1, []
    while i < len(text):
        if text[i] != mark:
            out.append(text[i])
        elif text[i + 1 : i + 2] == mark:
            out.append(mark)
            i += 1
        else:
            return "".join(out), i + 1
        i += 1
    raise Refused(f"the {mark} at character {start + 1} is not closed")


def _place(text: str, start: int) -> tuple[tuple[str, ...] | None, int]:
    """Read the labels in brackets after a name, if there are any."""
    i = _skip(text, start)
    if text[i : i + 1] != "[":
        return None, start
    opened, labels = i, []
    while True:
        i = _skip(text, i + 1)
        if i < len(text) and text[i] in "'\"":
            label, i = _quoted(text, i)
            i = _skip(text, i)
        else:
            first = i
            while i < len(text) and text[i] not in "[],":
                i += 1
            label = text[first:i].strip()
            if not label and i < len(text) and text[i] in ",]":
                raise Refused(f"a label is missing at character {i + 1}")
        if i >= len(text):
            raise Refused(f"the [ at character {opened + 1} is not closed")
        if text[i] not in ",]":
            raise Refused(
                f"{text[i]!r} cannot stand at character {i + 1}; a label with brackets or commas "
                "is written in quotes, which are doubled within"
            )
        labels.append(label)
        if text[i] == "]":
            return tuple(labels), i + 1


def _skip(text: str, i: int) -> int:
    while i < len(text) and text[i].isspace():
        i += 1
    return i
