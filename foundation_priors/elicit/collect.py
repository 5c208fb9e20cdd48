"""From the lines of a journal to synthetic data."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pandas as pd
import xarray as xr

from foundation_priors.elicit.columns import ANSWERED, MISSING, Answers
from foundation_priors.elicit.design import ORDER, Study
from foundation_priors.elicit.fields import Choice
from foundation_priors.elicit.lines import read, whole
from foundation_priors.elicit.origin import Notes, provenance_of
from foundation_priors.elicit.reread import CHANGES, Rules, read_line
from foundation_priors.errors import (
    ElicitationError,
    IncompleteWarning,
    JournalError,
    RereadWarning,
    warn,
)
from foundation_priors.synthetic.build import FACTORS, ROWS, TEXT
from foundation_priors.synthetic.container import SyntheticData

__all__ = ["asked_last", "collect", "draws_asked", "probability_rows", "replay"]

CHANCE = "probability"
MOST = 100_000_000  # answers; a file may name any number of draws


def replay(
    journal: str | os.PathLike,
    draws: int | None = None,
    version: str | None = None,
    *,
    reading: Rules = "today",
) -> SyntheticData:
    """Rebuild the answers of a study from its journal, offline.

    Parameters
    ----------
    journal : str or path
        The file that `Elicitation.run` wrote.
    draws : int, optional
        Answers for each cell. Default: as many as were asked for.
    version : str, optional
        The ``version`` of one of the journal's lines of kind ``study``, to read what a prompt
        brought that was given up. Default: the one that was asked last.
    reading : str, optional
        ``"today"`` reads what the model wrote again, by the rules of this version; ``"stored"``
        keeps what was made of it when it came. A line without the text stands as it was.

    Returns
    -------
    SyntheticData
        Identical to what the run returned, but for answers that are read otherwise today.

    Raises
    ------
    JournalError
        If the file is missing, is no journal, or names no such study.
    ElicitationError
        If it holds no answer.

    Warns
    -----
    RereadWarning
        If answers come out otherwise than they were recorded.
    """
    line = asked_last(journal, version)
    with whole(journal):
        study = Study.from_record(line)
        draws = draws_asked(journal, study) if draws is None else draws
    return collect(journal, dataclasses.replace(study, draws=draws, _memo={}), reading=reading)


def asked_last(journal: str | os.PathLike, version: str | None = None) -> dict[str, Any]:
    """Return the line of a version of the study, by default of that which was asked last."""
    studies, last = {}, None
    for line in read(journal):
        if line["kind"] == "study":
            studies[line["version"]] = line
        if line["kind"] in ("study", "run"):
            last = line["version"]
    if version is not None and version not in studies:
        known = ", ".join(studies) or "none"
        raise JournalError(
            f"The journal {str(journal)!r} holds no version {version!r} of a study: name one of"
            f" those that it holds, {known}."
        )
    if version is None and last not in studies:
        raise JournalError(
            f"The journal {str(journal)!r} does not say what was asked: replay it with the"
            " Elicitation that did, survey.replay(journal)."
        )
    return studies[last if version is None else version]


def draws_asked(journal: str | os.PathLike, study: Study) -> int:
    """Return how many draws of a study a journal was last asked for, or else holds."""
    asked, held, any_held = 0, 0, 1
    for line in read(journal):
        own = line.get("version") == study.version
        if line["kind"] == "run" and own:
            asked = line.get("draws", 0)
        elif line["kind"] == "answer":
            count = line.get("draw", 0) + 1
            any_held, held = max(any_held, count), max(held, count) if own else held
    return asked or held or any_held


def collect(
    journal: str | os.PathLike,
    study: Study,
    stopped: str | None = None,
    reading: Rules = "today",
) -> SyntheticData:
    """Read the answers to a study out of a journal, line by line.

    Parameters
    ----------
    journal : str or path
        The file.
    study : Study
        What was asked.
    stopped : str, optional
        Why the run ended early, for the warning.
    reading : str, optional
        ``"today"`` reads what the model wrote again, by the rules of this version; ``"stored"``
        keeps what was made of it when it came. A line without the text stands as it was.

    Returns
    -------
    SyntheticData
        One row per answer, models slowest, then factors, draws and profiles, whatever the order in
        which they arrived.

    Raises
    ------
    ElicitationError
        If there is no answer at all.
    JournalError
        If an answer in the journal does not fit the study.

    Warns
    -----
    IncompleteWarning
        If answers were rejected or are missing.
    RereadWarning
        If answers come out otherwise than they were recorded.
    """
    if reading not in get_args(Rules):
        raise ValueError(f"reading={reading!r} must be 'today' or 'stored'.")
    with whole(journal):
        if study.n_cells > MOST:
            raise JournalError(
                f"The study in the journal {str(journal)!r} asks for {study.n_cells:,} answers and"
                f" not at most {MOST:,}: name fewer with draws=."
            )
        answers, notes = Answers(study), Notes(reading)
        for line in read(journal):
            if line["kind"] == "study":
                notes.version(line)
            elif line["kind"] == "answer" and line.get("final"):
                _take(line, study, answers, notes, journal)
    rows = np.flatnonzero(answers.status == ANSWERED)
    if not rows.size:
        raise ElicitationError(_nothing(journal, answers, stopped))
    _warn(answers, stopped)
    _warn_reread(notes, int(answers.status.size))
    with whole(journal):
        return SyntheticData(
            _dataset(study, answers, rows),
            outcome=study.schema.outcomes,
            unit="profile",
            probability=CHANCE if study.probabilities else None,
            cluster=_clusters(study),
            levels=_levels(study),
            provenance=provenance_of(journal, study, answers, notes),
        )


def probability_rows(
    rows: np.ndarray, probability: np.ndarray, options: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn each answer that is a distribution into one row for each option.

    Parameters
    ----------
    rows : numpy.ndarray
        Shape (answer,): numbers of cells.
    probability : numpy.ndarray
        Shape (answer, option): rows add to 1.
    options : numpy.ndarray
        Shape (option,): what can be answered.

    Returns
    -------
    tuple of numpy.ndarray
        Shape (answer times option,) each: the cell, the option and its probability.

    Examples
    --------
    >>> cells, said, chance = probability_rows(
    ...     np.array([7]), np.array([[0.25, 0.75]]), np.array(["Clinton", "Dole"], dtype=object)
    ... )
    >>> cells.tolist(), said.tolist(), chance.tolist()
    ([7, 7], ['Clinton', 'Dole'], [0.25, 0.75])
    """
    size = len(options)
    return np.repeat(rows, size), np.tile(options, len(rows)), probability.ravel()


def _take(
    line: Mapping[str, Any],
    study: Study,
    answers: Answers,
    notes: Notes,
    journal: str | os.PathLike,
) -> None:
    try:
        found = study.locate(line)
    except (AttributeError, KeyError, IndexError, TypeError):
        raise JournalError(
            f"An answer in the journal {str(journal)!r} does not say what it answers: take the line"
            f" with the key {str(line.get('key'))[:32]!r} out, and run again to ask for it anew."
        ) from None
    if found is None:
        return
    call, start = found
    if answers.status[start] != MISSING:
        return
    notes.answer(line)
    reading = read_line(line, study, call, notes.reading)
    notes.changes.update(reading.changes)
    if reading.parsed is None:
        answers.reject(start, len(call.rows), str(reading.reason))
        return
    try:
        if len(reading.parsed) != len(call.rows):
            raise ValueError
        answers.add(start, call.key, reading.parsed, reading.reasons)
    except (KeyError, IndexError, TypeError, ValueError):
        raise JournalError(
            f"The answer {call.key} in the journal {str(journal)!r} does not fit the study: take"
            " that line out, and run again to ask for it anew."
        ) from None


def _dataset(study: Study, answers: Answers, rows: np.ndarray) -> xr.Dataset:
    if study.probabilities is None:
        names = study.schema.fields
        return _rows(study, rows, answers, {name: answers.values(name, rows) for name in names})
    name, chances = study.probabilities, answers.probability[rows]
    cells, said, chance = probability_rows(rows, chances, answers.options(name))
    data = _rows(study, cells, answers, {name: said})
    return data.assign_coords({CHANCE: (ROWS, chance)})


def _rows(
    study: Study, rows: np.ndarray, answers: Answers, values: dict[str, np.ndarray]
) -> xr.Dataset:
    profiles, n = study.profiles, len(study.profiles)
    table, place = rows // n, rows % n
    draw, table = table % study.draws, table // study.draws
    model, combination = table // len(study.combinations), table % len(study.combinations)
    data: dict[str, Any] = {}
    coords: dict[str, Any] = {"source": (ROWS, _text(list(study.endpoints), model))}
    for name, field in study.schema.fields.items():
        home = data if name in study.schema.outcomes else coords
        unit = getattr(field, "unit", "")
        attrs = {"units": unit} if unit else {}
        home[name] = (ROWS, values[name], attrs if home is data else attrs | {TEXT: "yes"})
    for name in study.factors:
        coords[name] = (ROWS, _text([c[name] for c in study.combinations], combination))
    if study.shuffle:
        coords[ORDER] = (ROWS, _shown(study, model, combination, draw, place))
    if study.per_call > 1:
        coords["conversation"] = (ROWS, answers.calls[rows].astype(str).astype(object))
    coords["draw"] = (ROWS, draw)
    kind = object if isinstance(profiles.ids[0], str) else np.int64
    coords["profile"] = (ROWS, np.array(profiles.ids, dtype=kind)[place])
    data |= {name: (ROWS, values[place]) for name, values in profiles.columns.items()}
    return xr.Dataset(data, coords)


def _text(names: list[str], codes: np.ndarray) -> np.ndarray:
    return np.array(names, dtype=object)[codes]


def _shown(study: Study, *codes: np.ndarray) -> np.ndarray:
    """Return the order in which each row's call showed the options."""
    names = list(study.endpoints)
    calls = zip(*(code.tolist() for code in codes), strict=True)
    shown = [study.call(names[m], c, d, p // study.per_call).factors[ORDER] for m, c, d, p in calls]
    return np.array(shown, dtype=object)


def _clusters(study: Study) -> list[str]:
    """Name what makes answers alike beyond profile and framing, which are known to."""
    several = [name for name, levels in study.factors.items() if len(levels) > 1]
    own = [name for name in several if name not in FACTORS]
    return ["conversation", *own] if study.per_call > 1 else own


def _levels(study: Study) -> dict[str, Any]:
    levels: dict[str, Any] = dict(study.profiles.levels)
    for name, field in study.schema.fields.items():
        if isinstance(field, Choice):
            levels[name] = pd.CategoricalDtype(list(field.options), ordered=field.ordered)
    return levels


def _warn(answers: Answers, stopped: str | None) -> None:
    size, there = answers.status.size, int((answers.status == ANSWERED).sum())
    if there == size:
        return
    lost = f"{size - there} of {size} answers are not there ({_why(answers)})."
    if answers.reasons:
        lost += " Rejected ones are not missing at random: see .provenance['rejected']."
    warn(
        " ".join([lost, *([_sentence(stopped)] if stopped else [])]),
        IncompleteWarning,
    )


def _warn_reread(notes: Notes, size: int) -> None:
    if not notes.changes:
        return
    how = ", ".join(f"{notes.changes[name]} {name}" for name in CHANGES if notes.changes[name])
    warn(
        f"{notes.changes.total()} of {size} answers come out otherwise than they were recorded,"
        f" read by the rules of this version ({how}): see .provenance['reading'], or keep the old"
        " reading with replay(..., reading='stored').",
        RereadWarning,
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _nothing(journal: str | os.PathLike, answers: Answers, stopped: str | None) -> str:
    if stopped:
        return f"There is no answer yet ({_why(answers)}). {_sentence(stopped)}"
    if answers.counts():
        return (
            f"No answer could be used ({_why(answers)}): look at the lines of"
            f" {str(journal)!r} and change the prompt or the answer's schema."
        )
    return (
        f"The journal {str(journal)!r} holds no answer to this study: run it, or replay the study"
        " that it was last used for with fp.elicit.replay(journal)."
    )


def _why(answers: Answers) -> str:
    parts = [f"{count} {reason}" for reason, count in answers.counts().items()]
    waiting = int((answers.status == MISSING).sum())
    return ", ".join([*parts, *([f"{waiting} not asked yet"] if waiting else [])])
