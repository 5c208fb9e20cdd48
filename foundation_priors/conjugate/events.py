"""Events such as ``"theta > 0.5"`` that a closed-form distribution function can answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any, NoReturn

import numpy as np

from foundation_priors.errors import StatementError, brief, did_you_mean
from foundation_priors.statements import Chain, Name, Tree, compute, is_event, locate, parse, walk

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Event:
    """One parameter, or one element of it, on one side of a number."""

    name: str
    position: int | None
    above: bool
    cut: float

    def probability(self, marginal: Any) -> Any:
        """Read the probability off a frozen distribution over ``(trust, *dims)``."""
        values = marginal.sf(self.cut) if self.above else marginal.cdf(self.cut)
        return values if self.position is None else values[:, self.position]


def parse_event(
    text: str, dims: Mapping[str, Sequence[str]], coords: Mapping[str, Sequence[Any]]
) -> Event:
    """Parse ``"name > c"``, ``"name < c"`` or, for a vector, ``"name[index] > c"``.

    The index is a label of the vector's coordinate, or without quotes a position where no label is
    a number.
    """
    name, sign, cut = _sides(text)
    if name.name not in dims:
        raise StatementError(
            f"The event {brief(text)} names no parameter.{did_you_mean(name.name, dims)}"
        )
    position = None if name.place is None else _position(text, name, dims[name.name], coords)
    return Event(name.name, position, sign.startswith(">"), float(cut))


def _sides(text: str) -> tuple[Name, str, Any]:
    """Return the parameter, the sign between it and the number, and the number."""
    match parse(text):
        case Chain((sign,), (Name() as name, side)) if sign in MIRRORED and _constant(side):
            return name, sign, compute(side, _none)
        case Chain((sign,), (side, Name() as name)) if sign in MIRRORED and _constant(side):
            return name, MIRRORED[sign], compute(side, _none)
    raise StatementError(
        f"The event {brief(text)} has no closed form here: compare one parameter with one number, "
        "as in 'theta > 0.5' or 'beta[0] < 1', or count over sample()."
    )


def _constant(side: Tree) -> bool:
    return not is_event(side) and not any(isinstance(part, Name) for part in walk(side))


def _none(name: Name) -> NoReturn:
    raise AssertionError(f"{name} is in no constant.")


def _position(
    text: str, name: Name, dims: Sequence[str], coords: Mapping[str, Sequence[Any]]
) -> int:
    if not dims:
        raise StatementError(
            f"The event {brief(text)} has an index for a scalar parameter: drop it."
        )
    labels, place = list(coords[dims[0]]), name.place or ()
    if len(place) != 1 or place[0] in map(str, labels):
        return locate(name.name, place, [labels])[0]
    (index,) = place
    quoted = text[name.end :].lstrip()[1:].lstrip()[:1] in ("'", '"')
    numbered = any(map(_is_number, labels))
    digits = index.isascii() and index.isdecimal()
    if digits and not quoted and not numbered and int(index) < len(labels):
        return int(index)
    positions = "" if numbered else f"a position below {len(labels)} or "
    raise StatementError(
        f"The event {brief(text)} asks for element {brief(index)}: give {positions}one of the "
        f"labels {brief(labels)}."
    )


def _is_number(label: object) -> bool:
    """Say whether a label is a number, or the text of one."""
    try:
        return isinstance(label, Number | np.bool_) or bool(np.isfinite(float(str(label))))
    except ValueError:
        return False
