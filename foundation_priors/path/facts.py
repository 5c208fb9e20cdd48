"""What a path knows about its model and answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foundation_priors.netcdf import MOST, amount, is_whole, names, need, table, whole
from foundation_priors.statements import readable

__all__ = ["LAWS", "Facts", "facts_of"]

LAWS = 2
"""The number of today's laws of trust: by 1, ``"cautious"`` was uniform on the simplex."""


@dataclass(frozen=True)
class Facts:
    """What a path knows about its model and answers; plain values, so that a file can hold them.

    ``worth`` are the effective real observations of each source at trust 1, ``columns`` the names
    for which ``columns=`` was given. ``shared`` are the variables that the answers inform, of those
    in ``parts`` only the elements with these labels; ``commensurate`` describes the link of those
    that are informed through one, and ``links`` are the free variables that it adds. ``data`` tells
    the model's data from others; see `foundation_priors.path.data`. ``laws`` is the number of the
    laws of trust that the path was made with, which it keeps; ``cost`` are the seconds, gradients
    and fits that each stage of the building took.
    """

    sources: tuple[str, ...]
    single: bool
    n_real: int
    worth: tuple[float, ...]
    max_trust: float
    private: dict[str, tuple[str, ...]]
    shared: tuple[str, ...]
    coincide: float
    seed: Any
    coordinates: dict[str, tuple[int, int]]
    columns: tuple[str, ...] = ()
    commensurate: dict[str, str] = field(default_factory=dict)
    links: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    data: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    laws: int = LAWS
    cost: dict[str, tuple[float, int, int]] = field(default_factory=dict)

    @property
    def informed(self) -> tuple[str, ...]:
        """What the answers inform: ``beta``, or ``beta[party]`` where it is some elements only."""
        return tuple(
            readable(label)
            for name in self.shared
            for label in [f"{name}[{part}]" for part in self.parts.get(name, ())] or [name]
        )

    def tie(self, name: str, place: str = "") -> str:
        """Return how the answers see an element: shared, private, commensurate or own.

        ``place`` are its coordinates, joined by commas. Own are the answers' copies and what links
        add; quantities that are not free variables have no tie.
        """
        if name in {n for names in [*self.private.values(), *self.links.values()] for n in names}:
            return "own"
        if name in self.shared and place in self.parts.get(name, (place,)):
            return "commensurate" if name in self.commensurate else "shared"
        return "private" if name in self.private else ""


def facts_of(stored: Any) -> Facts:
    """Return the facts of a file, or raise where they cannot be."""
    need(isinstance(stored, dict), "its facts are no table")
    entry = {"commensurate": {}, "links": {}, "parts": {}, "columns": [], **stored}
    for name in ("sources", "shared", "columns"):
        entry[name] = names(entry[name], f"its {name}")
    for name in ("private", "links", "parts"):
        # Files of paths without links may lack the last two.
        entry[name] = table(entry[name], f"its {name}")
    links, worth, places = entry["commensurate"], entry["worth"], entry["coordinates"]
    good = isinstance(links, dict) and all(isinstance(v, str) for v in links.values())
    need(good, "its commensurate links are no table of texts")
    need(isinstance(entry["single"], bool), "it does not say whether there is one trust")
    seed = entry["seed"]
    need(
        seed is None or (is_whole(seed) and seed >= 0), "its seed is no whole number of at least 0"
    )
    whole(entry["n_real"], "n_real", 1)
    need(whole(entry["laws"], "the number of its laws", 1) <= LAWS, "its laws are later ones")
    entry["max_trust"] = amount(entry["max_trust"], "max_trust", 0.0)
    need(0 < entry["max_trust"] < np.inf, "max_trust is not above 0")
    amount(entry["coincide"], "the share of coinciding rows", 0.0, 1.0, unknown=True)
    sized = isinstance(worth, list) and len(worth) == len(entry["sources"]) > 0
    need(sized, "it does not say what each source is worth")
    entry["worth"] = tuple(amount(w, "a worth", 0.0, MOST, unknown=True) for w in worth)
    entry["coordinates"] = _places(places)
    # Files of before this was written lack it.
    entry["data"] = _sums(entry.get("data", {}))
    entry["cost"] = _cost(entry.get("cost", {}))
    return Facts(**entry)


def _sums(stored: Any) -> dict[str, tuple[float, float, float]]:
    need(isinstance(stored, dict), "its data are no table")
    found = {}
    for name, sums in stored.items():
        need(isinstance(sums, list) and len(sums) == 3, f"the data {name!r} are not told apart")
        size, total, scale = (amount(v, f"a sum of {name!r}") for v in sums)
        found[name] = size, total, scale
    return found


def _cost(stored: Any) -> dict[str, tuple[float, int, int]]:
    need(isinstance(stored, dict), "its cost is no table")
    found = {}
    for stage, spent in stored.items():
        need(isinstance(spent, list) and len(spent) == 3, f"the cost of {stage!r} is no triple")
        seconds = amount(spent[0], f"the seconds of {stage!r}", 0.0)
        gradients, fits = (whole(n, f"a number in the cost of {stage!r}", 0) for n in spent[1:])
        found[stage] = seconds, gradients, fits
    return found


def _places(stored: Any) -> dict[str, tuple[int, int]]:
    """Return where each free variable stands: one after the other, from 0, without gaps."""
    need(isinstance(stored, dict), "its coordinates are no table")
    for name, cut in stored.items():
        pair = isinstance(cut, list) and len(cut) == 2 and all(map(is_whole, cut))
        need(pair, f"the place of {name!r} is no pair of numbers")
    ordered = sorted(tuple(cut) for cut in stored.values())
    ends = [0, *(stop for _, stop in ordered)]
    whole_line = all(
        start == end <= stop for (start, stop), end in zip(ordered, ends, strict=False)
    )
    need(whole_line, "its coordinates do not follow one another")
    return {name: (cut[0], cut[1]) for name, cut in stored.items()}
