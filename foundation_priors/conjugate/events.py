"""Events such as ``"theta > 0.5"`` that a closed-form distribution function can answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foundation_priors.errors import did_you_mean

_EVENT = re.compile(
    r"\s*(?P<name>[A-Za-z_]\w*)\s*(?:\[\s*(?P<index>[^\]]+?)\s*\])?"
    r"\s*(?P<sign><=|>=|<|>)\s*(?P<cut>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
)


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

    The index is a position or a label of the vector's coordinate.
    """
    match = _EVENT.fullmatch(text)
    if match is None:
        raise ValueError(
            f"The event {text!r} has no closed form here: compare one parameter with one number, "
            "as in 'theta > 0.5' or 'beta[0] < 1', or count over sample()."
        )
    name, index = match["name"], match["index"]
    if name not in dims:
        raise ValueError(f"The event {text!r} names no parameter.{did_you_mean(name, dims)}")
    position = None if index is None else _position(text, index, dims[name], coords)
    return Event(name, position, match["sign"].startswith(">"), float(match["cut"]))


def _position(
    text: str, index: str, dims: Sequence[str], coords: Mapping[str, Sequence[Any]]
) -> int:
    if not dims:
        raise ValueError(f"The event {text!r} has an index for a scalar parameter: drop it.")
    labels = list(coords[dims[0]])
    bare = index.strip("'\"")
    if bare in map(str, labels) and not (bare == index and index.isdigit()):
        return [str(label) for label in labels].index(bare)
    if index.isdigit() and int(index) < len(labels):
        return int(index)
    raise ValueError(
        f"The event {text!r} asks for element {index}: give a position below {len(labels)} or one "
        f"of the labels {labels}."
    )
