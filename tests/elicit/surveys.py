"""Studies that several files ask, and what can be read from their journals."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

import foundation_priors as fp

__all__ = ["QUICK", "cells", "finals", "lines", "provenance", "survey"]

PROMPT = 'Person {number}: {age} years, {region}. {framing} Answer as {"like": "this"}.'
FRAMINGS = {"roleplay": "You are this person.", "plain": "Estimate what this person says."}
QUICK = fp.elicit.Patience(base=0.01, longest=0.1)


def survey(url: str, profiles: int, **given: Any) -> fp.Elicitation:
    """Return a study of two framings in which no two cells have the same prompt."""
    frame = pd.DataFrame(
        {
            "number": range(profiles),
            "age": [18 + i % 70 for i in range(profiles)],
            "region": ["north", "Süd", "東", "west"] * (profiles // 4) + ["north"] * (profiles % 4),
        },
        index=[f"p{i}" for i in range(profiles)],
    )
    endpoint = given.pop("endpoint", {})
    defaults = {
        "prompt": PROMPT,
        "answer": {
            "vote": ["Clinton", "Dole"],
            "place": range(1, 8),
            "wage": fp.Number(0, 5000, unit="cents"),
            "why": fp.Text(max_length=200),
        },
        "profiles": frame,
        "factors": {"framing": FRAMINGS},
        "models": {"m": fp.Endpoint(base_url=url, **{"timeout": 10.0} | endpoint)},
        "settings": {"temperature": 1.0, "max_tokens": 200},
    }
    return fp.Elicitation(**defaults | given)


def lines(journal: Path) -> list[dict[str, Any]]:
    """Read a journal without the package's help; every line must be whole."""
    text = journal.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def finals(journal: Path) -> list[dict[str, Any]]:
    return [line for line in lines(journal) if line["kind"] == "answer" and line["final"]]


def cells(journal: Path) -> Counter[tuple[Any, ...]]:
    """Count the final answers of every cell."""
    return Counter(
        (line["model"], line["draw"], cell["profile"], *sorted(cell["factors"].items()))
        for line in finals(journal)
        for cell in line["cells"]
    )


def provenance(llm: fp.SyntheticData) -> dict[str, Any]:
    """Return all that is known of the answers but the time they were given."""
    return {k: v for k, v in llm.provenance.items() if k != "dates"}
