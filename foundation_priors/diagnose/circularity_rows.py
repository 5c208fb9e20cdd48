"""Answers by revision of the prompt, from synthetic data or from a journal's versions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation_priors.errors import ColumnError, ElicitationError, did_you_mean

if TYPE_CHECKING:
    from foundation_priors.synthetic import SyntheticData

__all__ = ["Means", "Said", "means_of", "said_in"]

type Floats = NDArray[np.float64]

REVISIONS = ("revision", "round", "version")
ORDINARY = "conversation"


@dataclass(frozen=True, eq=False)
class Said:
    """Answers in a frame with columns value, weight, revision, conversation and unit.

    ``first`` is the time of the first answer, where it is known.
    """

    rows: pd.DataFrame
    outcome: str
    first: str | None


@dataclass(frozen=True, eq=False)
class Means:
    """Means by revision with the covariance of their errors.

    ``noise`` says what the covariance was estimated from, and ``freedom`` its degrees of freedom,
    0 where there is nothing to estimate it from.
    """

    revisions: list[Any]
    mean: Floats
    sd: Floats
    count: NDArray[np.int_]
    covariance: Floats
    freedom: float
    noise: str


def said_in(
    answers: SyntheticData | str | os.PathLike,
    outcome: str | None,
    revision: str | None,
    event: Any,
    user: tuple[str, Any] | None = None,
) -> Said:
    """Return the answers by revision; of one user where a column and a level are given."""
    from foundation_priors.synthetic import SyntheticData

    if isinstance(answers, SyntheticData):
        some = answers if user is None else answers.sel(**{user[0]: user[1]})
        name = _outcome(some, outcome)
        rows = _frame(some, name, some.column(_revision(some, revision)), event)
        return Said(rows, name, _first(some))
    if isinstance(answers, str | os.PathLike):
        return _versions(answers, outcome, event)
    raise TypeError(
        f"circularity() takes SyntheticData or the path of a journal, not {type(answers).__name__}."
    )


def _outcome(llm: SyntheticData, outcome: str | None) -> str:
    if outcome is None and len(llm.outcomes) == 1:
        return llm.outcomes[0]
    if outcome not in llm.outcomes:
        what = "outcome=None" if outcome is None else repr(outcome)
        raise ColumnError(f"{what} names no outcome.{did_you_mean(outcome, llm.outcomes)}")
    return str(outcome)


def _revision(llm: SyntheticData, revision: str | None) -> str:
    if revision is not None:
        if revision not in llm.dataset:
            raise ColumnError(
                f"The answers have no column {revision!r}.{did_you_mean(revision, llm.factors)}"
            )
        return revision
    for name in REVISIONS:
        if name in llm.dataset:
            return name
    raise ValueError(
        "These answers do not say which revision of the prompt they answer: name the column with "
        "revision=, or give the journal, whose versions are the revisions."
    )


def _frame(llm: SyntheticData, outcome: str, revision: Any, event: Any) -> pd.DataFrame:
    data = llm.dataset
    blank = np.full(len(llm), "", dtype=object)
    return pd.DataFrame(
        {
            "value": _numbers(llm, outcome, event),
            "weight": llm.weights(outcome),
            "revision": revision,
            "conversation": data[ORDINARY].values if ORDINARY in data else blank,
            "unit": llm.column(llm.unit) if llm.unit else blank,
        }
    ).dropna(subset=["value"])


def _numbers(llm: SyntheticData, outcome: str, event: Any) -> Floats:
    values = llm.column(outcome)
    if event is None and values.dtype.kind in "biuf":
        return values.astype(float)
    known = list(llm.levels.get(outcome) or pd.unique(values))
    if event is None and len(known) == 2:
        event = known[1]
    if event is None:
        raise ColumnError(
            f"The answers {outcome!r} are words and have no mean: name with event= the answer "
            "whose share is to be followed."
        )
    if event not in known:
        raise ColumnError(f"No answer says {outcome}={event!r}.{did_you_mean(event, known)}")
    return (values == event).astype(float)


def _first(llm: SyntheticData) -> str | None:
    dates = llm.provenance.get("dates")
    found = dates.get("first") if isinstance(dates, dict) else dates
    try:
        pd.Timestamp(str(found))
    except ValueError:
        return None
    return str(found)


def _versions(journal: str | os.PathLike, outcome: str | None, event: Any) -> Said:
    """Return the answers to each version of a journal's study, in the order they were asked."""
    from foundation_priors.elicit.collect import replay
    from foundation_priors.elicit.journal import read

    versions: dict[str, None] = {}
    first = None
    for line in read(journal):
        if line["kind"] == "study":
            versions.setdefault(line["version"])
        elif line["kind"] == "answer" and line.get("time"):
            first = min(first or line["time"], line["time"])
    frames: list[pd.DataFrame] = []
    name = outcome
    for version in versions:
        try:
            llm = replay(journal, version=version)
        except ElicitationError:
            continue  # asked, and not answered
        name = _outcome(llm, outcome)
        frames.append(_frame(llm, name, len(frames), event))
    if not frames or name is None:
        raise ElicitationError(f"The journal {str(journal)!r} holds no answer: run the survey.")
    return Said(pd.concat(frames, ignore_index=True), name, first)


def means_of(rows: pd.DataFrame) -> Means:
    """Return the means by revision, numbers in increasing order and words as they appear.

    Notes
    -----
    The errors of the means are those between conversations where every revision has two or more,
    with the variance pooled; else those of the same units' differences where every unit was asked
    in every revision; else those between the answers, pooled.
    """
    numeric = rows["revision"].dtype.kind in "iufb"
    groups = [group for _, group in rows.groupby("revision", sort=numeric)]
    labels = [group["revision"].iloc[0] for group in groups]
    mean = np.array([_mean(g) for g in groups])
    sd = np.array([g["value"].std(ddof=1) for g in groups])
    count = np.array([len(g) for g in groups])
    covariance, freedom, noise = _errors(groups)
    return Means(labels, mean, sd, count, covariance, freedom, noise)


def _mean(group: pd.DataFrame) -> float:
    weight = group["weight"]
    return float((group["value"] * weight).sum() / weight.sum())


def _errors(groups: list[pd.DataFrame]) -> tuple[Floats, float, str]:
    talks = [_by(g, "conversation") for g in groups]
    if all(len(t) > 1 for t in talks):
        return *_pooled(talks), "conversations"
    paired = _paired([_by(g, "unit") for g in groups])
    if paired is not None:
        return *paired, "units"
    each = [g["value"].to_numpy() for g in groups]
    return *_pooled(each), "answers"


def _by(group: pd.DataFrame, name: str) -> pd.Series:
    total = (group["value"] * group["weight"]).groupby(group[name]).sum()
    return total / group["weight"].groupby(group[name]).sum()


def _pooled(parts: list[Any]) -> tuple[Floats, float]:
    """Return a diagonal covariance from the variance within parts, and its degrees of freedom."""
    freedom = sum(len(p) - 1 for p in parts)
    squares = sum(float(((p - p.mean()) ** 2).sum()) for p in parts)
    variance = squares / freedom if freedom else np.nan
    return np.diag([variance / len(p) for p in parts]), float(freedom)


def _paired(units: list[pd.Series]) -> tuple[Floats, float] | None:
    """Return the covariance of means over the same units, None where they are not the same."""
    first = units[0].index
    if len(first) < len(units) + 2 or any(not u.index.equals(first) for u in units):
        return None
    table = np.array([u.to_numpy() for u in units])
    return np.atleast_2d(np.cov(table)) / len(first), float(len(first) - 1)
