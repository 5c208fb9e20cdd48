"""Journals written without a server."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

import foundation_priors as fp
from foundation_priors.elicit.design import Call, Study

__all__ = ["FRAME", "POINT", "answers_to", "elicitation", "study_of", "write"]

POINT = fp.Endpoint("http://127.0.0.1:9/v1", model="tiny")
FRAME = pd.DataFrame(
    {
        "age": [26, 44, 33, 44],
        "party": pd.Categorical(["D", "R", "D", "R"], categories=["R", "D"]),
        "share": [0.25, 1.0, 1 / 3, 1.0],
        "since": pd.to_datetime(["1996-11-05", "1996-11-06", "1996-11-07", "1996-11-06"]),
        "local": [True, False, True, False],
    },
    index=["a", "b", "c", "d"],
)


def elicitation(**given: Any) -> fp.Elicitation:
    """Return a study of four profiles, two framings and one model, all of it replaceable."""
    defaults: dict[str, Any] = {
        "prompt": 'You are {age}, party {party}. {framing} Not {"this": {that}}.',
        "answer": {"vote": ["Clinton", "Dole", "Perot"], "place": range(1, 8)},
        "profiles": FRAME,
        "factors": {"framing": {"short": "Go.", "long": "Say it at {age}."}},
        "models": {"m": POINT},
    }
    return fp.Elicitation(**defaults | given)


def study_of(survey: fp.Elicitation, draws: int = 1) -> Study:
    return dataclasses.replace(survey._study, draws=draws, _memo={})


def answers_to(call: Call) -> list[dict[str, Any]]:
    """Answer a call in a way that depends on its cells alone."""
    seed = [
        int(call.request[2 * row : 2 * row + 2], 16) + call.draw for row in range(len(call.rows))
    ]
    return [{"vote": ("Clinton", "Dole", "Perot")[s % 3], "place": s % 7 + 1} for s in seed]


def write(
    path: Path,
    survey: fp.Elicitation,
    draws: int = 1,
    answer: Callable[[Call], Any] = answers_to,
    backwards: bool = False,
) -> Path:
    """Write the journal of a run; an answer that is a string is the reason for having none."""
    study = study_of(survey, draws)
    lines: list[dict[str, Any]] = [study.record()]
    lines.append({"kind": "run", "version": study.version, "draws": draws})
    calls = list(study.calls())
    for number, call in enumerate(calls[::-1] if backwards else calls):
        said = answer(call)
        if said is None:
            continue
        rejected = {"reason": said, "detail": "."} if isinstance(said, str) else None
        cells = [{"profile": c.profile, "factors": c.factors} for c in call.cells]
        line = {"kind": "answer", "key": call.key, "version": study.version, "model": call.model}
        line |= {"draw": call.draw, "cells": cells, "structured": "json_schema", "final": True}
        line |= {"parsed": None if rejected else said, "rejected": rejected}
        line |= {"server_model": "tiny-1", "time": f"2026-01-01T00:00:{number % 60:02d}"}
        lines.append(line)
    with path.open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return path
