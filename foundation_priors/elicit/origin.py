"""What is known of the answers of a journal beside the answers: their provenance."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.display import visible
from foundation_priors.elicit.columns import ANSWERED, MISSING
from foundation_priors.elicit.endpoint import NOT_RECORDED
from foundation_priors.elicit.reread import CHANGES, Rules

if TYPE_CHECKING:
    from foundation_priors.elicit.columns import Answers
    from foundation_priors.elicit.design import Study

__all__ = ["Notes", "provenance_of"]


@dataclasses.dataclass
class Notes:
    """What the lines say beside the answers.

    Parameters
    ----------
    reading : str
        By which rules answers are read, of today or as they were stored.
    changes : collections.Counter
        How many answers come out otherwise than they were recorded, and how.
    versions : dict of dict
        What was asked, by the study's version.
    heard : dict of dict
        What the servers said of each model.
    first, last : str or None
        When the first and the last answer came.
    """

    reading: Rules = "today"
    changes: Counter[str] = dataclasses.field(default_factory=Counter)
    versions: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    heard: dict[str, dict[str, set[str]]] = dataclasses.field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    first: str | None = None
    last: str | None = None

    def version(self, line: Mapping[str, Any]) -> None:
        """Take in a line of kind ``study``."""
        names = ("prompt", "system", "line", "instructions", "factors", "notes")
        said = {name: line.get(name) for name in names}
        self.versions.setdefault(line["version"], {k: v for k, v in said.items() if v})

    def answer(self, line: Mapping[str, Any]) -> None:
        """Take in a line of kind ``answer``."""
        for name in ("server_model", "fingerprint", "structured"):
            if line.get(name) is not None:
                self.heard[line["model"]][name].add(visible(str(line[name]))[:200])
        time = line.get("time")
        if isinstance(time, str):
            time = visible(time)[:50]
            self.first = min(self.first or time, time)
            self.last = max(self.last or time, time)

    def of(self, model: str, name: str) -> list[str] | str:
        """Return all that servers said of a model under a name."""
        return sorted(self.heard[model][name]) or NOT_RECORDED


def provenance_of(
    journal: str | os.PathLike, study: Study, answers: Answers, notes: Notes
) -> dict[str, Any]:
    """Return the provenance of the answers to a study.

    Parameters
    ----------
    journal : str or path
        Where they are.
    study : Study
        What was asked.
    answers : Answers
        What was answered.
    notes : Notes
        What else the lines say.

    Returns
    -------
    dict
        As `SyntheticData` takes it.
    """
    models, sampling = {}, {}
    for name, point in study.endpoints.items():
        models[name] = {
            "model": point.model or name,
            "served as": notes.of(name, "server_model"),
            "fingerprints": notes.of(name, "fingerprint"),
        }
        settings = {**study.settings, **point.settings}
        sampling[name] = {"settings": settings, "structured": notes.of(name, "structured")}
    dates = {"first": notes.first, "last": notes.last} if notes.first else None
    versions = dict(notes.versions)
    if study.version not in versions:
        own = Notes()
        own.version(study.record())
        versions |= own.versions
    return {
        "model": models,
        "prompts": {"used": study.version, "versions": versions},
        "sampling": sampling,
        "dates": dates,
        "rejected": _rejected(study, answers),
        **_reread(notes),
        "journal": Path(journal).name,
    }


def _reread(notes: Notes) -> dict[str, Any]:
    """Say how answers were read, where it makes a difference."""
    if notes.reading == "today" and not notes.changes:
        return {}
    from foundation_priors import __version__

    rules = f"of version {__version__}" if notes.reading == "today" else "of when they came"
    return {"reading": {"rules": rules, **{name: notes.changes[name] for name in CHANGES}}}


def _rejected(study: Study, answers: Answers) -> dict[str, Any]:
    """Count what is not there, since it is not missing at random."""
    status, n = answers.status, len(study.profiles)
    lost = status > ANSWERED
    by_profile = np.bincount(np.flatnonzero(lost) % n, minlength=n)
    return {
        "asked": int(status.size),
        "answered": int((status == ANSWERED).sum()),
        "not asked yet": int((status == MISSING).sum()),
        "reasons": answers.counts(),
        "by design": _by_design(study, answers),
        "by profile": {
            str(study.profiles.ids[i]): int(by_profile[i]) for i in np.flatnonzero(by_profile)
        },
    }


def _by_design(study: Study, answers: Answers) -> list[dict[str, Any]]:
    shape = (len(study.endpoints), len(study.combinations), -1)
    table, out = answers.status.reshape(shape), []
    for m, name in enumerate(study.endpoints):
        for c, levels in enumerate(study.combinations):
            codes = Counter(table[m, c][table[m, c] > ANSWERED].tolist())
            reasons = {answers.reasons[code - 2]: count for code, count in codes.items()}
            if reasons:
                asked = {"source": name, **levels, "asked": int(table.shape[2])}
                out.append({**asked, "reasons": dict(sorted(reasons.items()))})
    return out
