"""What the page says of prompts and provenance is what was recorded."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.beliefs import Beliefs
from tests.path import models
from tests.report import audits

ALL = {"model": "m", "prompts": "How many heads?", "sampling": {"t": 1}, "dates": "2025"}


def answers(provenance: Any, source: str = "llm") -> fp.SyntheticData:
    frame = pd.DataFrame({"heads": [1, 0] * 5})
    return fp.SyntheticData.from_dataframe(
        frame, outcome="heads", source=source, weight=1, provenance=provenance
    )


def both(said: Any) -> tuple[str, dict[str, str], dict[str, str]]:
    path = replace(models.coin(), synthetic=said)
    asked, origin = (audits.one(key, path, trust=0.5) for key in ("asked", "provenance"))
    table = origin.tables["Where the answers come from"]
    return (
        origin.reading,
        dict(zip(table.what, table.recorded, strict=True)),
        dict(asked.texts),
    )


@pytest.mark.parametrize(
    ("prompts", "entry", "captions"),
    [
        (None, "not recorded", []),
        ("not recorded", "not recorded", []),
        ("", "not recorded", []),
        ({"plain": "", "roleplay": None}, "not recorded", []),
        ({"plain": "not recorded"}, "not recorded", []),
        ("Heads or tails?", "word for word above", ["Prompt"]),
        ({"a": "Heads?", "b": ""}, "word for word above", ["Prompt: a"]),
        ({str(i): f"Heads {i}?" for i in range(40)}, "30 of 40 word for word above", 30),
    ],
)
def test_prompts_stand_above_only_where_they_do(prompts, entry, captions):
    reading, recorded, texts = both(answers({**ALL, "prompts": prompts}))
    assert recorded["prompts"] == entry
    assert len(texts) == captions if isinstance(captions, int) else list(texts) == captions
    assert ("Not recorded: prompts." in reading) == (entry == "not recorded")
    assert ("All essentials are recorded." in reading) == (entry != "not recorded")


def test_essentials_of_put_together_answers_are_those_of_each_part():
    said = fp.concat(
        [answers(ALL), answers({"model": "q", "prompts": "not recorded"})], source=["gpt", "qwen"]
    )
    reading, recorded, texts = both(said)
    assert recorded["gpt: prompts"] == "word for word above" and list(texts) == ["Prompt of gpt"]
    assert recorded["qwen: prompts"] == "not recorded" and recorded["qwen: model"] == "q"
    assert "prompts of qwen, sampling of qwen and dates of qwen" in reading


def test_essentials_of_beliefs_are_looked_for_in_each():
    one = fp.Belief("theta", {0.05: 0.2, 0.5: 0.5, 0.95: 0.8}, source="llm", provenance=ALL)
    two = fp.Belief("theta", {0.05: 0.2, 0.5: 0.5, 0.95: 0.8}, source="x", provenance={"model": 1})
    assert "All essentials" in both(Beliefs((one,)))[0]
    assert "Not recorded: prompts of theta, x" in both(Beliefs((one, two)))[0]


def test_nested_entries_that_hold_nothing_are_not_recorded():
    entry = {"llm": {"settings": {"sampling": "not recorded"}, "structured": None}}
    assert "Not recorded: sampling." in both(answers({**ALL, "sampling": entry}))[0]


def test_a_journal_that_cannot_be_read_does_not_hide_the_answers(tmp_path):
    (tmp_path / "journal.jsonl").write_text("no journal\n")
    path = replace(models.coin(), synthetic=answers(ALL))
    section = audits.one("asked", path, trust=0.5, journal=tmp_path / "journal.jsonl")
    assert "gave 10 answers" in section.reading and "The journal was not read" in section.reading
