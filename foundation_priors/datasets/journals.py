"""The built-in studies as journals, as `Elicitation.run` would have kept them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation_priors.datasets.common import DATE, MODEL, VERSION, prompts
from foundation_priors.datasets.files import table
from foundation_priors.datasets.registry import load
from foundation_priors.elicit.answers import AnswerSchema
from foundation_priors.elicit.design import Study, digest
from foundation_priors.elicit.endpoint import NOT_RECORDED, Endpoint
from foundation_priors.elicit.fields import Number
from foundation_priors.elicit.journal import Journal
from foundation_priors.elicit.profiles import Profiles
from foundation_priors.errors import JournalError, did_you_mean

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Call
    from foundation_priors.synthetic import SyntheticData

__all__ = ["journal", "journals"]

WORDS = "description"
USERS = ("high", "low")
ROUNDS = 6
PANELS = "Experts of the same number in different panels are different experts."


def journals() -> tuple[str, ...]:
    """Name the journals that `journal` can write.

    Returns
    -------
    tuple of str
        In alphabetical order: the studies, of which ``refine`` has one for each user.

    Examples
    --------
    >>> journals()
    ('anes96', 'modechoice', 'refine-high', 'refine-low', 'returns', 'wages')
    """
    return tuple(sorted(_makers()))


def journal(name: str, path: str | os.PathLike) -> Path:
    """Write the answers of a built-in study as a journal of `Elicitation`.

    Parameters
    ----------
    name : str
        One of `journals`.
    path : str or path
        A file that isn't there yet.

    Returns
    -------
    pathlib.Path
        Where it is. `foundation_priors.elicit.replay` reads it.

    Raises
    ------
    ValueError
        If there is no such journal.
    JournalError
        If there is a file already, or it cannot be written.

    Notes
    -----
    A call is a conversation, which answered one prompt about all profiles; its prompt and its
    answer stand in the journal word for word. What was not recorded is "not recorded" or null, and
    nothing is guessed: the server, the version of the model, the settings, tokens, latency and the
    time of day. What a prompt says of a profile in words is the column ``description``.

    The journal of ``refine`` holds the six versions of one user's prompt in the order in which they
    were tried. A replay gives the last one's answers, and ``replay(path, version=...)`` another's.

    Examples
    --------
    >>> import tempfile
    >>> import foundation_priors as fp
    >>> path = journal("anes96", Path(tempfile.mkdtemp()) / "answers.jsonl")
    >>> len(fp.elicit.replay(path)), fp.elicit.replay(path).outcomes
    (540, ('vote', 'self_placement'))
    """
    makers = _makers()
    if name not in makers:
        raise ValueError(
            f"There is no journal of a built-in study {name!r}.{did_you_mean(name, makers)}"
        )
    if os.path.exists(path):
        raise JournalError(f"There is a file {str(path)!r} already: name another one.")
    with Journal(path) as kept:
        for recorded in makers[name]():
            for line in recorded.lines():
                kept.write(line)
    return Path(path)


@dataclasses.dataclass(frozen=True)
class _Recorded:
    """A version of a study, and what was answered to it.

    Parameters
    ----------
    study : Study
        What was asked.
    answers : pandas.DataFrame
        One row per answer, conversations in the order of the design, the profile's name first and
        then the fields, as the answers named them.
    notes : tuple of str
        What a reader should know.
    """

    study: Study
    answers: pd.DataFrame
    notes: tuple[str, ...]

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the journal's lines."""
        study = self.study
        head = study.record()
        yield {"kind": head.pop("kind"), **head, "notes": list(self.notes), "time": DATE}
        yield {"kind": "run", "version": study.version, "draws": study.draws, "time": DATE}
        size = len(study.profiles)
        for combination in range(len(study.combinations)):
            for draw in range(study.draws):
                start = (combination * study.draws + draw) * size
                rows = self.answers.iloc[start : start + size]
                yield _line(study.call(MODEL, combination, draw, 0), rows)


def _line(call: Call, rows: pd.DataFrame) -> dict[str, Any]:
    """Return the journal's line of one conversation."""
    said = rows.astype(object).to_dict("records")
    fields = call.study.schema.fields
    return {
        "kind": "answer",
        "key": call.key,
        "request": call.request,
        "version": call.study.version,
        "model": call.model,
        "draw": call.draw,
        "cells": [{"profile": cell.profile, "factors": cell.factors} for cell in call.cells],
        "messages": call.messages,
        "schema": digest(call.schema),
        "structured": None,
        "settings": call.settings,
        "server_model": None,
        "fingerprint": None,
        "raw": "\n".join(json.dumps(answer) for answer in said),
        "parsed": [{n: field.parse(answer[n]) for n, field in fields.items()} for answer in said],
        "rejected": None,
        "finish_reason": None,
        "tokens": None,
        "latency": None,
        "final": True,
        "attempt": None,
        "time": DATE,
    }


def _makers() -> dict[str, Callable[[], list[_Recorded]]]:
    percent = Number(unit="percent")
    framed: dict[str, dict[str, Any]] = {
        "anes96": {"vote": ["Clinton", "Dole"], "self_placement": range(1, 8)},
        "modechoice": {"choice": ["air", "train", "bus", "car"]},
        "returns": dict.fromkeys(["q05", "q50", "q95"], percent),
        "wages": {"wage_cents": Number(unit="cents")},
    }
    made = {name: partial(_framed, name, answer) for name, answer in framed.items()}
    users = {f"refine-{user}": partial(_refined, user, percent) for user in USERS}
    return {**made, **users}


def _framed(name: str, answer: dict[str, Any]) -> list[_Recorded]:
    """Return a study in which every framing words the first paragraph of the prompt."""
    answers = table(f"{name}_answers").sort_values(["framing", "conversation"], kind="stable")
    draws = int(answers["conversation"].nunique())
    answers = answers.drop(columns=["framing", "conversation"])
    profiles = pd.DataFrame(index=answers.iloc[:, 0].unique())
    texts, known = prompts(table(f"{name}_prompts")), load(name)
    framings = {framing: texts[framing].partition("\n\n")[0] for framing in sorted(texts)}
    form, _, listed = next(iter(texts.values())).partition("\n\n")[2].partition("\n\n")
    prompt, line, notes = f"{{framing}}\n\n{form}", "", known.notes
    if listed:
        prompt, line = f"{prompt}\n\n{{profiles}}\n", f"{{{WORDS}}}"
        profiles = profiles.join(_covariates(known.synthetic)).join(_words(listed))
    else:
        notes = (*notes, PANELS)
    schema = AnswerSchema.of(answer)
    study = _study(prompt, schema, profiles, line, {"framing": framings}, draws)
    return [_Recorded(study, answers, notes)]


def _covariates(llm: SyntheticData) -> pd.DataFrame:
    """Return what is known of each profile in numbers."""
    index = pd.Index(llm.column(str(llm.unit)))
    frame = pd.DataFrame({name: llm.column(name) for name in llm.covariates}, index)
    return frame.loc[~index.duplicated()]


def _words(listed: str) -> pd.Series:
    """Return what a prompt says of each profile, from its lines such as ``3: age 26``."""
    pairs = [line.partition(": ") for line in listed.splitlines()]
    return pd.Series({int(profile): said for profile, _, said in pairs}, name=WORDS)


def _refined(user: str, percent: Number) -> list[_Recorded]:
    """Return the versions of one user's prompt in the order in which they were tried."""
    answers, texts = table("refine_answers"), prompts(table("refine_prompts"))
    notes = load("refine").notes
    out = []
    for number in range(ROUNDS):
        rows = answers[(answers["user"] == user) & (answers["round"] == number)]
        study = _study(
            texts[f"{user}_{number}"],
            AnswerSchema.of({"return_percent": percent}),
            pd.DataFrame(index=np.arange(len(rows))),
        )
        own = f"Round {number} of a user who expects a {user} return."
        out.append(_Recorded(study, rows.drop(columns=["user", "round"]), (own, *notes)))
    return out


def _study(
    prompt: str,
    schema: AnswerSchema,
    profiles: pd.DataFrame,
    line: str = "",
    factors: dict[str, dict[str, str]] | None = None,
    draws: int = 1,
) -> Study:
    """Return a study that asks about all profiles in one call and adds no words of its own."""
    return Study(
        prompt=prompt,
        system="",
        instructions="",
        line=line,
        schema=schema,
        profiles=Profiles.of(profiles),
        factors=factors or {},
        endpoints={MODEL: Endpoint(NOT_RECORDED, model=VERSION)},
        settings={"sampling": NOT_RECORDED},
        per_call=len(profiles),
        draws=draws,
    )
