"""A section of an audit: words, tables and a picture, or why it was not judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from foundation_priors.errors import (
    FoundationPriorsError,
    IncompleteWarning,
    PlaceboWarning,
    UnreliableWarning,
    noted,
)

if TYPE_CHECKING:
    from foundation_priors.report.inputs import Inputs
    from foundation_priors.report.picture import Picture

__all__ = ["Judge", "Section", "judge"]

OWN = (IncompleteWarning, PlaceboWarning, UnreliableWarning)

type Judge = Callable[[Inputs], Section]


@dataclass(frozen=True, repr=False, eq=False)
class Section:
    """One question of an audit and its answer.

    Attributes
    ----------
    key : str
        Name of the section: ``audit["shares"]``.
    title : str
    reading : str
        What was found, in plain words; empty where it could not be judged.
    tables : dict of str to pandas.DataFrame
        By caption.
    texts : dict of str to str
        Prompts and the like, word for word, by caption.
    fails_when : str
        When the reading misleads.
    notes : tuple of str
        Warnings that were given on the way.
    not_judged : str
        Why there is no reading; empty where there is one.
    seconds : float
        What it took.
    """

    key: str
    title: str
    reading: str = ""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    draw: Callable[[], Any] | None = None
    fails_when: str = ""
    notes: tuple[str, ...] = ()
    not_judged: str = ""
    seconds: float = 0.0

    @property
    def judged(self) -> bool:
        """Whether there is a reading."""
        return not self.not_judged

    @cached_property
    def picture(self) -> Picture | None:
        """The picture, drawn when it is first asked for; None where there is none."""
        from foundation_priors.report.picture import drawn

        return None if self.draw is None else drawn(self.draw, self.reading or self.title)

    def __repr__(self) -> str:
        """Return the section in words."""
        from foundation_priors.report.words import section_text

        return section_text(self)


def judge(key: str, title: str, section_of: Judge, inputs: Inputs) -> Section:
    """Return a section, or one that says why it could not be judged.

    Parameters
    ----------
    key, title : str
    section_of : callable
        From the inputs to the section. The errors that the package raises on purpose, and
        ``ValueError``, become its reason; other errors are mistakes, and are raised.
    inputs : Inputs

    Notes
    -----
    The package's own warnings become notes. Nothing that other threads see is changed for that,
    since a section may sample for minutes.
    """
    start = perf_counter()
    with noted(*OWN) as notes:
        try:
            found = replace(section_of(inputs), key=key, title=title)
        except (FoundationPriorsError, ValueError) as error:
            found = Section(key, title, not_judged=_sentence(error))
    every = tuple(dict.fromkeys([*found.notes, *notes]))
    return replace(found, notes=every, seconds=perf_counter() - start)


def _sentence(error: Exception) -> str:
    line = " ".join(str(error).split()) or type(error).__name__
    return line if line.endswith((".", "!", "?")) else f"{line}."
