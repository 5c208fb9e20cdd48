"""Which answers describe which real rows, and one summary of the answers about each unit.

However often a unit was asked about, its answers become one number or one level: a copy of an
answer is not a second look at the unit.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation_priors.errors import ColumnError, SyntheticAsEvidenceError
from foundation_priors.prior.rows import RowArrays

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.synthetic import SyntheticData

__all__ = ["Units", "gather", "majorities", "means", "real_ids"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int_]

AGREE = 1e-4
"""Relative difference up to which a covariate is the same in a real row and in the answers."""
SAME = 20
"""Answers that equal the real outcomes in so many rows or more, and all of them, are copies."""


@dataclass(frozen=True)
class Units:
    """The units that answers speak about, in order of appearance.

    Attributes
    ----------
    ids : tuple
        The identifiers.
    number : array, shape (answer,)
        The unit of each answer.
    weight, said : arrays, shape (answer,)
        What each answer weighs within its unit, and its outcome as the model codes it.
    data : dict
        Covariates of the model, one row a unit.
    real : array, shape (unit,)
        The real row of each unit, -1 where there is none.
    """

    ids: tuple[Hashable, ...]
    number: Ints
    weight: Floats
    said: Floats
    data: dict[str, np.ndarray]
    real: Ints

    @property
    def paired(self) -> NDArray[np.bool_]:
        """Which units have a real row too."""
        return self.real >= 0

    def rows(self, units: NDArray[np.bool_]) -> RowArrays:
        """Return the covariates of some units, with zeros for the outcome that is not known."""
        return RowArrays(np.zeros(int(units.sum())), {k: v[units] for k, v in self.data.items()})


def means(said: Floats, number: Ints, weight: Floats) -> Floats:
    """Return the weighted mean of each unit's answers, shape (unit,).

    Examples
    --------
    >>> means(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1]), np.ones(3)).tolist()
    [2.0, 5.0]
    """
    return np.bincount(number, weight * said) / np.bincount(number, weight)


def majorities(said: Floats, number: Ints, weight: Floats, levels: int) -> Ints:
    """Return the level that most of a unit's answers give, ``levels`` where several do.

    Examples
    --------
    >>> said, number = np.array([1.0, 1, 0, 0, 1]), np.array([0, 0, 0, 1, 1])
    >>> majorities(said, number, np.ones(5), levels=2).tolist()
    [1, 2]
    """
    counts = np.zeros((number.max() + 1, levels))
    np.add.at(counts, (number, said.astype(int)), weight)
    top = counts.max(axis=1, keepdims=True)
    first = counts >= top * (1 - 1e-9)
    return np.where(first.sum(axis=1) > 1, levels, counts.argmax(axis=1))


def real_ids(model: pm.Model, pairs: Any, n_real: int) -> list[Hashable]:
    """Return the unit of each real row, None where it has none.

    Raises
    ------
    ColumnError
        For a name that the model does not have, or another number of identifiers than real rows.
    """
    if isinstance(pairs, str):
        pairs = _named_ids(model, pairs)
    values = np.asarray(pairs)
    if values.shape != (n_real,):
        raise ColumnError(
            f"pairs= has shape {values.shape}, but the model observes {n_real} real rows: give "
            "the identifier of the unit of each real row, None for those without answers."
        )
    return [None if pd.isna(v) else v for v in values.tolist()]


def _named_ids(model: pm.Model, name: str) -> Any:
    labels = model.coords.get(name)
    if labels is not None:
        return np.asarray(labels)
    if name in [v.name for v in model.data_vars]:
        return model[name].get_value()
    raise ColumnError(
        f"pairs={name!r} names neither a dimension of the model with coordinates nor data of it: "
        "give the identifiers of the real rows as an array."
    )


def gather(
    synthetic: SyntheticData, said: RowArrays, real: RowArrays, ids: Sequence[Hashable]
) -> Units:
    """Match answers with real rows by the unit.

    Parameters
    ----------
    synthetic : SyntheticData
    said, real : RowArrays
        The answers' rows and the real ones, as the model sees them.
    ids : sequence
        The unit of each real row.

    Raises
    ------
    ColumnError
        When the answers name no units, none has a real row or all have, a unit has several, or a
        unit's covariates differ between its rows.
    SyntheticAsEvidenceError
        When the real outcomes are the answers.
    """
    if synthetic.unit is None:
        raise ColumnError(
            "The answers do not say which unit each speaks about, so they cannot be paired with "
            "real rows: name the column, SyntheticData(..., unit='person')."
        )
    weight = synthetic.weights()
    kept = weight > 0
    number, known = pd.factorize(synthetic.column(synthetic.unit)[kept])
    if not kept.any() or (number < 0).any():
        raise ColumnError(
            f"The column {synthetic.unit!r} is missing in some answers, or no answer has a weight "
            "above 0: say for each answer which unit it is about."
        )
    rows = said.take(np.flatnonzero(kept))
    _, first = np.unique(number, return_index=True)
    names = tuple(np.asarray(known).tolist())
    where = _places(names, ids)
    data = {k: v[first] for k, v in rows.data.items()}
    _check_constant(rows, number, data, names)
    units = Units(names, number, weight[kept], rows.outcome, data, where)
    _check_same(units, real)
    _check_not_copied(units, real)
    return units


def _places(names: Sequence[Hashable], ids: Sequence[Hashable]) -> Ints:
    rows: dict[Hashable, int] = {}
    wanted = set(names)
    for row, unit in enumerate(ids):
        if unit in wanted and unit in rows:
            raise ColumnError(
                f"pairs= gives unit {unit!r} to the real rows {rows[unit]} and {row}: a unit with "
                "answers must have one real outcome, so name it once."
            )
        if unit in wanted:
            rows[unit] = row
    where = np.array([rows.get(name, -1) for name in names])
    if (where < 0).all():
        there = next((v for v in ids if v is not None), None)
        raise ColumnError(
            "No unit has both a real outcome and an answer, so there is nothing to calibrate with: "
            f"the answers are about units such as {names[0]!r} ({type(names[0]).__name__}), and "
            f"pairs= holds such as {there!r} ({type(there).__name__})."
        )
    if (where >= 0).all():
        raise ColumnError(
            "Every unit with an answer has a real outcome, so no answer is left to be worth "
            "anything: set the real outcomes of some aside, or ask about further units."
        )
    return where


def _check_constant(
    rows: RowArrays, number: Ints, data: dict[str, np.ndarray], names: Sequence[Hashable]
) -> None:
    for name, values in rows.data.items():
        bad = _differ(values, data[name][number])
        if bad.any():
            raise ColumnError(
                f"The answers about unit {names[number[bad][0]]!r} differ in {name!r}: a unit has "
                "one value of each covariate, so correct them or give each variant its own unit."
            )


def _check_same(units: Units, real: RowArrays) -> None:
    for name, values in units.data.items():
        mine, theirs = values[units.paired], real.data[name][units.real[units.paired]]
        bad = _differ(mine, theirs)
        if bad.any():
            first = np.flatnonzero(units.paired)[bad][0]
            raise ColumnError(
                f"The pairs do not match: unit {units.ids[first]!r} has {name!r} = "
                f"{theirs[bad][0]} in real row {units.real[first]} and {mine[bad][0]} in the "
                "answers; check the identifiers in pairs=, or the units through columns=."
            )


def _differ(one: np.ndarray, two: np.ndarray) -> NDArray[np.bool_]:
    scale = AGREE * np.maximum(np.abs(one), np.abs(two)) + 1e-9
    away = np.abs(np.asarray(one, float) - two) > scale
    return away.reshape(len(away), -1).any(axis=1)


def _check_not_copied(units: Units, real: RowArrays) -> None:
    first = np.unique(units.number, return_index=True)[1]
    alike = units.said[first] == real.outcome[np.maximum(units.real, 0)]
    rich = len(np.unique(units.said)) > SAME
    if rich and units.paired.sum() >= SAME and alike[units.paired].all():
        raise SyntheticAsEvidenceError(
            "Every paired answer equals its real outcome, so one was copied from the other: "
            "observe real data, and pass what the language model said as answers."
        )
