"""What a path knows about its model and answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Facts"]


@dataclass(frozen=True)
class Facts:
    """What a path knows about its model and answers; plain values, so that a file can hold them.

    ``worth`` are the effective real observations of each source at trust 1, ``columns`` the names
    for which ``columns=`` was given. ``shared`` are the variables that the answers inform, of those
    in ``parts`` only the elements with these labels; ``commensurate`` describes the link of those
    that are informed through one, and ``links`` are the free variables that it adds.
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

    @property
    def informed(self) -> tuple[str, ...]:
        """What the answers inform: ``beta``, or ``beta[party]`` where it is some elements only."""
        return tuple(
            label
            for name in self.shared
            for label in [f"{name}[{part}]" for part in self.parts.get(name, ())] or [name]
        )

    def tie(self, label: str) -> str:
        """Return how the answers see ``beta[party]``: shared, private, commensurate or own.

        Own are the answers' copies and what links add; quantities that are not free variables have
        no tie.
        """
        name = label.split("[")[0]
        if name in {n for names in [*self.private.values(), *self.links.values()] for n in names}:
            return "own"
        if label in self.informed or name in self.informed:
            return "commensurate" if name in self.commensurate else "shared"
        return "private" if name in self.private else ""
