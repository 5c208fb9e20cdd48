"""Beliefs as a path of trust holds them: what it asks of answers, for answers that are not rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr

from foundation_priors.beliefs.belief import Belief
from foundation_priors.errors import ColumnError
from foundation_priors.netcdf import need, parse

__all__ = ["MARK", "Beliefs"]

MARK = "foundation_priors_beliefs"
LEVELS = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])


@dataclass(frozen=True)
class Beliefs:
    """Beliefs about quantities of one model, and what was found out about their priors.

    Attributes
    ----------
    beliefs : tuple of Belief
    notes : tuple of str
        How the primitive prior density of each quantity was worked out, and its error.
    """

    beliefs: tuple[Belief, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Any) -> Self | None:
        """Return a belief or a list of beliefs as one object; None for anything else.

        Raises
        ------
        TypeError
            When beliefs and rows are mixed.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, Belief):
            return cls((given,))
        if not isinstance(given, list | tuple) or not any(isinstance(b, Belief) for b in given):
            return None
        for other in given:
            if not isinstance(other, Belief):
                raise TypeError(
                    f"A list of beliefs holds {type(other).__name__} too, and rows and beliefs "
                    "cannot tilt one model together: turn the rows into a belief about the "
                    "quantity (Belief.from_draws), or make a path of each."
                )
        return cls(tuple(given))

    @property
    def noun(self) -> str:
        """What its members are called."""
        return "belief" if len(self) == 1 else "beliefs"

    @property
    def levels(self) -> Mapping[str, tuple]:
        """No levels: beliefs have no columns."""
        return {}

    def __len__(self) -> int:
        """Return the number of beliefs."""
        return len(self.beliefs)

    def groups(self, by: str | None = None) -> dict[str, np.ndarray]:
        """Return the positions of the beliefs of each source."""
        if by is None:
            return {"synthetic": np.arange(len(self))}
        if by != "source":
            raise ColumnError(f"by={by!r} does not divide beliefs: only by='source' does.")
        names = np.array([b.source for b in self.beliefs])
        return {str(s): np.flatnonzero(names == s) for s in dict.fromkeys(names.tolist())}

    @property
    def dataset(self) -> xr.Dataset:
        """Quantiles of the densities, dims (belief, probability), with quantities and sources."""
        return xr.Dataset(
            {
                "value": (
                    ("belief", "probability"),
                    np.array([b.density.quantile(LEVELS) for b in self.beliefs]),
                ),
                "quantity": ("belief", [b.label for b in self.beliefs]),
                "source": ("belief", [b.source for b in self.beliefs]),
            },
            {"probability": LEVELS},
            {"notes": "; ".join(self.notes)},
        )

    def encode(self) -> xr.Dataset:
        """Return what a file can hold."""
        stored = [b.to_json() for b in self.beliefs]
        return xr.Dataset(attrs={MARK: json.dumps({"beliefs": stored, "notes": self.notes})})

    @classmethod
    def decode(cls, stored: xr.Dataset) -> Self:
        """Undo `encode`."""
        found = parse(stored.attrs[MARK], "its beliefs")
        notes, beliefs = found["notes"], found["beliefs"]
        need(isinstance(beliefs, list) and beliefs, "its beliefs are no list")
        need(
            isinstance(notes, list) and all(isinstance(n, str) for n in notes), "notes are no text"
        )
        return cls(tuple(map(Belief.from_json, beliefs)), tuple(notes))
