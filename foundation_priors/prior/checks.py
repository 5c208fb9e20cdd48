"""What must not happen to a tilt: answers as evidence, rows and levels that are impossible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ColumnError, ModelError, SyntheticAsEvidenceError, warn
from foundation_priors.prior.columns import Table
from foundation_priors.prior.density import row_logp
from foundation_priors.prior.model import short
from foundation_priors.prior.rows import RowArrays, is_discrete, numbered
from foundation_priors.prior.start import values_nearby

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_levels", "check_not_evidence", "check_ranges", "check_support"]

RUN = 20
DISTINCT = 5
"""A shorter or duller run of equal rows can be coincidence: two coins fall alike."""
UNIQUE = 0.9
"""The share of outcomes from which on distinct fractions are measurements, in whatever order."""
SCALE, UNLIKELY = 12, 1e-6
"""Outcomes of at most so many levels can be right by chance, which must not be less likely."""
MAGNITUDE = 20
"""Ratio of the largest values beyond which outcomes are of different units."""
POINTS = 21


def check_not_evidence(real: RowArrays, synthetic: RowArrays) -> float:
    """Raise when the observed rows are the answers themselves; return the share that coincide.

    Parameters
    ----------
    real, synthetic : RowArrays
        Outcome and covariates as the model sees them.

    Returns
    -------
    float
        The share of the answers that equal some real row in every column.

    Raises
    ------
    SyntheticAsEvidenceError
        When all rows agree in order, or a run of 20 does, with at least 5 distinct rows among them,
        and it is unlikely (below 1e-6) that the answers are right so often. Also, in any order,
        when each of 5 or more answers equals a real row and 90 % or more of the outcomes, of both,
        are distinct numbers that are not whole.

    Warns
    -----
    UserWarning
        When they agree so, and may do so by chance.

    Notes
    -----
    Answers about the very people who were surveyed, in their order, have the covariates of the
    real rows, and a good language model is right about many in a row. So a run with fewer than 5
    distinct outcomes is suspect only where it does not end at an answer that differs. Answers on a
    scale are right by chance with their accuracy on the other answers, those with the covariates of
    some real row, or where there are none with the frequencies of the real outcomes; numbers that
    are equal to the last digit are not.
    """
    a, b = real.matrix(), synthetic.matrix()
    if a.shape[1] != b.shape[1]:
        return 0.0
    one, two = np.split(numbered(np.vstack([a, b])), [len(a)])
    alike = np.isin(two, one)
    whole_table = len(one) == len(two) and bool((one == two).all()) and _rich(one)
    if whole_table or (alike.all() and all(_measured(r.outcome) for r in (real, synthetic))):
        agree = np.ones(len(two), dtype=bool)
    else:
        agree = _copied_runs(real, synthetic, one, two)
    if agree.any():
        chance = _chance(real, synthetic, agree)
        if chance < UNLIKELY:
            raise SyntheticAsEvidenceError(
                "The model's observed rows are the synthetic answers themselves, so a language "
                "model would be its own evidence: observe real data, and pass the answers to "
                "tilt() only."
            )
        warn(
            f"{agree.sum()} answers in a row equal the real rows, of which the chance is "
            f"{chance:.2g}: make sure that the model observes real data and not these answers.",
            UserWarning,
        )
    return float(alike.mean())


def check_ranges(real: RowArrays, synthetic: RowArrays, outcome: str) -> None:
    """Warn when a column of the answers lies wholly outside what the real rows have.

    Opinions may differ from observations, and of few real rows the range is not known: then it is
    warned of where the answers are further away than the real rows are from one another, or of
    another order of magnitude. Such a scale is told of inside the range too, as of shares beside
    per cents, whichever of the two is the larger.

    Parameters
    ----------
    real, synthetic : RowArrays
        Outcome and covariates as the model sees them.
    outcome : str
        The observed variable's name.
    """
    pairs = {name: (real.data[name], values) for name, values in synthetic.data.items()}
    for name, pair in {**pairs, outcome: (real.outcome, synthetic.outcome)}.items():
        known, asked = (np.reshape(v, (len(v), -1)) for v in pair)
        if known.shape[1] != asked.shape[1] or known.dtype.kind != "f" or not len(known):
            continue
        advice = (
            "if the units or the scale differ, give the answers those of the model"
            if name == outcome
            else "if the model's is standardised, do the same to the answers'"
        )
        spans = zip(known.min(0), known.max(0), asked.min(0), asked.max(0), strict=True)
        for column, (low, high, least, most) in enumerate(spans):
            gap = max(least - high, low - most)
            sizes = np.sort([max(abs(low), abs(high)), max(abs(least), abs(most))])
            many = len(known) >= DISTINCT
            apart = gap > high - low if name == outcome or not many else gap > 0
            scaled = sizes[1] > MAGNITUDE * sizes[0]
            both = _rich(known[:, column]) and _rich(asked[:, column])
            away = gap > 0 and (scaled or (apart and (many or name != outcome)))
            if low < high and (away or (scaled and both)):
                where = f"{name!r}, column {column}," if known.shape[1] > 1 else f"{name!r}"
                warn(
                    f"The answers' {where} runs from {least:.4g} to {most:.4g} and that of the "
                    f"real rows from {low:.4g} to {high:.4g}: {advice} through columns=.",
                    UserWarning,
                )


def _rich(numbers: np.ndarray) -> bool:
    return len(np.unique(numbers)) >= DISTINCT


def _measured(outcome: np.ndarray) -> bool:
    """Say whether nearly all outcomes are distinct numbers with fractions."""
    values = outcome.reshape(len(outcome), -1)
    fractions = values[(values != np.round(values)).any(axis=1)]
    return len(values) >= DISTINCT and len(np.unique(fractions, axis=0)) >= UNIQUE * len(values)


def _chance(real: RowArrays, synthetic: RowArrays, agree: np.ndarray) -> float:
    """Return how likely it is that these answers are all right."""
    n = len(real.outcome)
    outcomes = np.vstack([r.outcome.reshape(len(r.outcome), -1) for r in (real, synthetic)])
    truth, said = np.split(numbered(outcomes), [n])
    if (outcomes != np.round(outcomes)).any() or len(np.unique(truth)) > SCALE:
        return 0.0
    profiles = numbered(np.vstack([real.covariates(), synthetic.covariates()]))
    about, asked = np.split(profiles, [n])
    levels, size = max(truth.max(), said.max()) + 1, profiles.max() + 1
    people = np.bincount(about, minlength=size)
    alike = np.bincount(about * levels + truth, minlength=size * levels).reshape(size, levels)
    others = ~agree & (people[asked] > 0) & bool(synthetic.data)
    if others.any():
        right = (alike[asked, said] / np.maximum(people[asked], 1))[others]
        return float(((right.sum() + 1) / (len(right) + 2)) ** agree.sum())
    return float(np.prod((np.bincount(truth, minlength=levels) / n)[said[agree]]))


def _copied_runs(
    real: RowArrays, synthetic: RowArrays, one: np.ndarray, two: np.ndarray
) -> np.ndarray:
    """Return which answers belong to suspect runs of equal rows."""
    suspect = np.zeros(len(two), dtype=bool)
    if min(len(one), len(two)) < RUN:
        return suspect
    windows = np.lib.stride_tricks.sliding_window_view
    mine = {w.tobytes(): i for i, w in enumerate(np.ascontiguousarray(windows(one, RUN)))}
    theirs = enumerate(np.ascontiguousarray(windows(two, RUN)))
    pairs = [(mine[key], j) for j, w in theirs if (key := w.tobytes()) in mine and _rich(w)]
    if not pairs:
        return suspect
    said = numbered(synthetic.outcome.reshape(len(two), -1))
    asked = numbered(np.vstack([real.covariates(), synthetic.covariates()]))
    before, after = np.split(asked, [len(one)])
    for i, j in pairs:
        ends = [_end(one, two, i, j, -1), _end(one, two, i + RUN - 1, j + RUN - 1, 1)]
        differs = any(end is not None and before[end[0]] == after[end[1]] for end in ends)
        if _rich(said[j : j + RUN]) or not differs:
            suspect[j : j + RUN] = True
    return suspect


def _end(one: np.ndarray, two: np.ndarray, i: int, j: int, step: int) -> tuple[int, int] | None:
    """Return the first positions beyond the run of equal rows, or None at an end of the table."""
    while 0 <= i < len(one) and 0 <= j < len(two) and one[i] == two[j]:
        i, j = i + step, j + step
    return (i, j) if 0 <= i < len(one) and 0 <= j < len(two) else None


def check_support(model: pm.Model, name: str, logp: TensorVariable, rows: np.ndarray) -> None:
    """Raise when a row has no density at the initial point or anywhere around it.

    Parameters
    ----------
    model : pymc.Model
        The model of whose variables ``logp`` is a graph.
    name : str
        What has this log-likelihood.
    logp : TensorVariable
        One value a row.
    rows : numpy.ndarray
        The rows' numbers in the synthetic data.

    Raises
    ------
    ColumnError
        Naming the first such rows.
    ModelError
        When there is not one value a row.
    """
    impossible = np.ones(len(rows), dtype=bool)
    for values in values_nearby(model, logp, POINTS):
        if values.shape != impossible.shape:
            raise ModelError(
                f"The log-likelihood of {name!r} has {values.size} values for {len(rows)} rows of "
                "the synthetic data: it must have one a row."
            )
        impossible &= ~np.isfinite(values)
        if not impossible.any():
            return
    first = ", ".join(map(str, np.sort(rows[impossible])[:5]))
    raise ColumnError(
        f"The outcome lies outside the support of {name!r} in row(s) {first} of the synthetic data "
        "(or their covariates give it no density): correct these rows, or check whether the "
        "model's codes start at 0."
    )


def check_levels(
    model: pm.Model, observed: TensorVariable, rows: RowArrays, table: Table, spec: Any
) -> None:
    """Raise when a numeric outcome has a level, seen or not, that the likelihood cannot take.

    Answers from 1 to 6 on a scale from 1 to 7 fit a model that counts from 0, shifted by one.

    Raises
    ------
    ColumnError
        Naming the level.
    """
    column = spec if isinstance(spec, str) else short(str(observed.name))
    levels = table.levels.get(column, ()) if spec is None or isinstance(spec, str) else ()
    numeric = all(isinstance(v, int | float | np.number) for v in levels)
    if not levels or not numeric or not is_discrete(observed) or rows.outcome.ndim > 1:
        return
    some = rows.take(np.zeros(len(levels), dtype=int))
    logp = row_logp(model, observed, RowArrays(np.array(levels, dtype=float), some.data))
    impossible = np.ones(len(levels), dtype=bool)
    for values in values_nearby(model, logp, POINTS):
        impossible &= ~np.isfinite(values)
    if impossible.any():
        level = np.array(levels)[impossible][0]
        raise ColumnError(
            f"The level {level} of the column {column!r} lies outside the support of "
            f"{observed.name!r}, so its codes may be shifted: number the levels as the model does, "
            f"columns={{{observed.name!r}: fp.codes({column!r}, levels=[...])}}."
        )
