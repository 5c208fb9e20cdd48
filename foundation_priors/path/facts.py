"""What a path knows about its model and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Facts"]


@dataclass(frozen=True)
class Facts:
    """What a path knows about its model and answers; plain values, so that a file can hold them.

    ``worth`` are the effective real observations of each source at trust 1, ``columns`` the names
    for which ``columns=`` was given.
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
