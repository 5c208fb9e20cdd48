"""Journals of the version of 2026-11-23: what it read in them, and what they say."""

import contextlib
import gzip
import json
import re
from pathlib import Path

import pytest

import foundation_priors as fp

HERE = Path(__file__).parents[1] / "data" / "before"
THEN = json.loads((HERE / "journals.json").read_text())
# What is read today, and what comes out otherwise; the texts are in data/before/make_journals.py.
NOW = {
    "numbers": (
        {"wage": [450.0, 1200.0, 450.0, 450.0, 500.0], "profile": ["p0", "p4", "p5", "p6", "p7"]},
        {"another value": 0, "rejected now": 3, "answered now": 4},
    ),
    "profiles": (
        {
            "wage": [1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 7.5, 9.0],
            "profile": ["p0", "p1", "p2", "p3", "p5", "p6", "p7", "p8"],
        },
        {"another value": 0, "rejected now": 0, "answered now": 2},
    ),
    "letters": (
        {
            "vote": ["Clinton", "Dole"] * 2,
            "profile": ["p0", "p0", "p3", "p3"],
            "probability": [0.6, 0.4, 0.03, 0.97],
        },
        {"another value": 1, "rejected now": 2, "answered now": 0},
    ),
}


@pytest.fixture(params=NOW)
def journal(request, tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_bytes(gzip.decompress((HERE / f"{request.param}.jsonl.gz").read_bytes()))
    return request.param, path


def columns(llm, wanted):
    return {name: llm.column(name).tolist() for name in wanted}


def test_the_old_reading_is_that_of_then(journal):
    name, path = journal
    all_there = contextlib.nullcontext()
    with all_there if name == "letters" else pytest.warns(fp.IncompleteWarning):
        llm = fp.elicit.replay(path, reading="stored")
    assert columns(llm, THEN[name]) == {
        column: pytest.approx(values) if column == "probability" else values
        for column, values in THEN[name].items()
    }


def test_today_they_are_read_as_they_stand(journal):
    name, path = journal
    wanted, changes = NOW[name]
    with pytest.warns() as caught:
        llm = fp.elicit.replay(path)
    assert {w.category for w in caught} == {fp.RereadWarning, fp.IncompleteWarning}
    for column, values in wanted.items():
        alike = pytest.approx(values) if column == "probability" else values
        assert llm.column(column).tolist() == alike
    found = dict(llm.provenance["reading"])
    assert re.match(r"of version \d", found.pop("rules")) and found == changes
