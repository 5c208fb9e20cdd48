"""The columns of the answers while a journal is read: one small number for each answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.elicit.fields import Choice, Flag, Text, Whole

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Study

__all__ = ["Answers"]

MISSING, ANSWERED = 0, 1


class Answers:
    """What the cells of a study were answered, in the order of the rows.

    Parameters
    ----------
    study : Study
        What was asked.

    Attributes
    ----------
    status : numpy.ndarray
        Shape (cell,): 0 for no final answer, 1 for an answer, from 2 for the reasons of rejection.
    reasons : list of str
        Reasons in the order of their first appearance.
    calls : numpy.ndarray
        Shape (cell,): 12 hex digits of the call, of keyed studies only.
    """

    def __init__(self, study: Study) -> None:
        n, self.study = study.n_cells, study
        self.status = np.zeros(n, dtype=np.int16)
        self.reasons: list[str] = []
        self.calls = np.zeros(n if study.per_call > 1 else 0, dtype="S12")
        self._columns = {} if study.probabilities else {f: _empty(study, f, n) for f in _all(study)}
        self._codes = {name: _codes(study, name) for name in _all(study)}
        sizes = study.schema.sizes
        wide = sizes[study.probabilities] if study.probabilities else 0
        self.probability = np.zeros((n, wide)) if wide else np.zeros((0, 0))

    def add(
        self,
        start: int,
        key: str,
        parsed: Sequence[dict[str, Any] | None],
        reasons: Sequence[str | None] = (),
    ) -> None:
        """Take in the answers to one call.

        Parameters
        ----------
        start : int
            The number of its first cell.
        key : str
            The call's key.
        parsed : sequence of dict or None
            Values by field for each cell, None for one that has no answer.
        reasons : sequence of str or None, optional
            Why, for each cell that has none.
        """
        for cell, values in enumerate(parsed, start):
            if values is None:
                self.reject(cell, 1, str(reasons[cell - start]))
                continue
            self.status[cell] = ANSWERED
            if self.study.probabilities:
                name = self.study.probabilities
                options = self.study.schema.fields[name].options
                self.probability[cell] = [values[name][option] for option in options]
            for name, column in self._columns.items():
                codes = self._codes[name]
                column[cell] = codes[values[name]] if codes else values[name]
        if self.calls.size:
            self.calls[start : start + len(parsed)] = key[:12]

    def reject(self, start: int, count: int, reason: str) -> None:
        """Take in that one call was not answered, and why."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        self.status[start : start + count] = 2 + self.reasons.index(reason)

    def values(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return one field of some cells.

        Parameters
        ----------
        name : str
            The field.
        rows : numpy.ndarray
            Numbers of cells that are answered.

        Returns
        -------
        numpy.ndarray
            Numbers, booleans, or strings as objects.
        """
        column = self._columns[name][rows]
        is_choice = isinstance(self.study.schema.fields[name], Choice)
        return self.options(name)[column] if is_choice else column

    def options(self, name: str) -> np.ndarray:
        """Return what a choice or a whole number can be, in the original order."""
        field = self.study.schema.fields[name]
        if isinstance(field, Whole):
            return np.array(list(field.values), dtype=np.int64)
        return np.array(field.options, dtype=object)

    def counts(self) -> dict[str, int]:
        """Count the rejected answers by reason, reasons in alphabetical order."""
        found = Counter(self.status[self.status > ANSWERED].tolist())
        names = {self.reasons[code - 2]: count for code, count in found.items()}
        return dict(sorted(names.items()))


def _all(study: Study) -> list[str]:
    return list(study.schema.fields)


def _codes(study: Study, name: str) -> dict[str, int]:
    field = study.schema.fields[name]
    return {o: i for i, o in enumerate(field.options)} if isinstance(field, Choice) else {}


def _empty(study: Study, name: str, size: int) -> np.ndarray:
    field = study.schema.fields[name]
    if isinstance(field, Text):
        return np.array([None] * size, dtype=object)
    kinds = {Choice: np.int32, Flag: np.bool_, Whole: np.int64}
    return np.zeros(size, dtype=next((k for t, k in kinds.items() if isinstance(field, t)), float))
