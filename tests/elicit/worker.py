"""A run in a process that tests may kill at any moment."""

from __future__ import annotations

import warnings
from pathlib import Path

import foundation_priors as fp
from tests.elicit.surveys import QUICK, survey

__all__ = ["CONCURRENCY", "answers", "work"]

CONCURRENCY = 20
PROFILES = 500


def answers(url: str, journal: Path, profiles: int = PROFILES) -> fp.SyntheticData:
    """Ask whatever the journal does not hold yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a torn last line, and of runs that ended early
        return survey(url, profiles).run(
            journal=journal, concurrency=CONCURRENCY, patience=QUICK, progress=False
        )


def work(url: str, journal: Path) -> None:
    answers(url, journal)
