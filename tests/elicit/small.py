"""A small study for the tests of asking, made without the public class."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pandas as pd

from foundation_priors.elicit.answers import AnswerSchema
from foundation_priors.elicit.ask import Outcome, Patience, ask
from foundation_priors.elicit.design import Study
from foundation_priors.elicit.endpoint import Endpoint
from foundation_priors.elicit.journal import Journal
from foundation_priors.elicit.profiles import Profiles

__all__ = ["HASTY", "asked", "finals", "lines", "study"]

HASTY = Patience(base=0.001, longest=0.01, tries=8)


def study(
    *urls: str, profiles: int = 10, draws: int = 1, probabilities: str | None = None, **given: Any
) -> Study:
    """Return a study of one model for each address, m0, m1, and so on."""
    settings = given.pop("settings", {"max_tokens": 50})
    models = {f"m{i}": Endpoint(url, **{"timeout": 5.0} | given) for i, url in enumerate(urls)}
    answer = {"vote": ["Clinton", "Dole"], "place": range(1, 8)}
    if probabilities:
        answer = {probabilities: ["Clinton", "Dole"]}
    return Study(
        prompt="You are {age}. Whom do you vote for?",
        system="",
        instructions=None,
        line="",
        schema=AnswerSchema.of(answer),
        profiles=Profiles.of(pd.DataFrame({"age": range(20, 20 + profiles)})),
        factors={},
        endpoints=models,
        settings=settings,
        draws=draws,
        probabilities=probabilities,
    )


def asked(the_study: Study, path: Path, **given: Any) -> Outcome:
    """Ask a study, quickly."""
    given = {"progress": False, "patience": HASTY} | given
    with Journal(path) as journal:
        return asyncio.run(ask(the_study, journal, **given))


def lines(path: Path, kind: str) -> list[dict[str, Any]]:
    return [line for line in Journal.read(path) if line["kind"] == kind]


def finals(path: Path) -> dict[str, dict[str, Any]]:
    """Return the final lines by key; there must be one for each."""
    found = [line for line in lines(path, "answer") if line["final"]]
    by_key = {line["key"]: line for line in found}
    assert len(by_key) == len(found)
    return by_key
