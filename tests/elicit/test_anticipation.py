"""What a user expected: its forms, its date, its place in a journal."""

import json
from datetime import UTC, date, datetime

import numpy as np
import pytest

import foundation_priors as fp
from foundation_priors.elicit.anticipation import Anticipation
from foundation_priors.elicit.journal import Journal, read
from foundation_priors.errors import UnreliableWarning


def survey(prompt: str = "How many percent?") -> fp.Elicitation:
    models = {"m": fp.Endpoint("http://localhost:9/v1")}
    return fp.Elicitation(prompt, answer={"share": fp.Number(0, 100)}, models=models)


@pytest.mark.parametrize(
    ("given", "centre", "interval"),
    [
        ({"value": 3}, 3.0, None),
        ({"mean": 3}, 3.0, None),
        ({"mean": 3, "sd": 2}, 3.0, (3 - 3.29, 3 + 3.29)),
        ({"quantiles": {0.95: 9, 0.05: 1, 0.5: 4}}, 4.0, (1.0, 9.0)),
        ({"quantiles": {0.1: 1, 0.9: 5}}, 3.0, (1.0, 5.0)),
        ({"quantiles": {0.5: 7}}, 7.0, None),
    ],
)
def test_its_forms(given, centre, interval):
    expected = Anticipation("share", **given)
    assert expected.centre == pytest.approx(centre)
    assert expected.interval == (None if interval is None else pytest.approx(interval))
    again = Anticipation.from_json(expected.to_json())
    assert again == expected and hash(again) == hash(expected)


def test_the_median_lies_where_scores_say():
    expected = Anticipation("share", quantiles={0.2: 1, 0.9: 5})
    from scipy.stats import norm

    low, high = norm.ppf([0.2, 0.9])
    assert expected.centre == pytest.approx(1 + 4 * (0 - low) / (high - low))


def test_it_is_frozen_and_dated_now():
    expected = Anticipation("share", value=3)
    age = datetime.now(UTC) - datetime.fromisoformat(str(expected.when))
    assert 0 <= age.total_seconds() < 60
    with pytest.raises(AttributeError):
        expected.value = 4  # type: ignore[misc]
    assert Anticipation.from_json(Anticipation("y", value=1, when=None).to_json()).when is None


@pytest.mark.parametrize(
    ("own", "first", "before"),
    [
        ("2026-01-01", "2026-01-02", True),
        ("2026-01-03", "2026-01-02T08:00:00+00:00", False),
        ("2026-01-02", "2026-01-02T08:00:00+00:00", None),
        ("2026-01-02T09:00+02:00", "2026-01-02T08:00:00+00:00", True),
        (datetime(2026, 1, 2, 9), "2026-01-02T08:00:00+00:00", False),
        (date(2026, 1, 1), "2026-01-02", True),
        (None, "2026-01-02", None),
        ("2026-01-02", None, None),
    ],
)
def test_its_date_beside_the_answers(own, first, before):
    assert Anticipation("share", value=3, when=own).before(first) is before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "got nothing"),
        ({"value": 1, "mean": 2}, "got value and mean"),
        ({"value": "a"}, "must be a finite number"),
        ({"value": np.nan}, "must be a finite number"),
        ({"value": 1, "sd": 1}, "stand beside mean="),
        ({"mean": 1, "sd": 0}, "must be positive"),
        ({"quantiles": {}}, "must map probabilities"),
        ({"quantiles": [1, 2]}, "must map probabilities"),
        ({"quantiles": {5: 1, 50: 2}}, "between 0 and 1"),
        ({"quantiles": {0.1: 2, 0.9: 1}}, "must rise"),
        ({"quantiles": {0.6: 2, 0.9: 3}}, "both sides"),
        ({"value": 1, "when": "yesterday"}, "is no date"),
        ({"value": 1, "when": 3}, "is no date"),
        ({"value": 1, "who": ""}, "must be a name"),
        ({"value": 1, "note": 3}, "must be text"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        Anticipation("share", **given)


@pytest.mark.parametrize("text", ["", "[1]", '{"value": 1}', '{"quantity": "y", "values": 1}'])
def test_what_is_no_json_of_one(text):
    with pytest.raises(ValueError, match="no JSON of an anticipation"):
        Anticipation.from_json(text)


def test_it_stands_in_the_journal_before_the_calls(tmp_path):
    journal, asked = tmp_path / "answers.jsonl", survey()
    expected = Anticipation("share", quantiles={0.1: 1, 0.9: 5}, who="ann", note="the press")
    expected.write(journal, asked)
    assert Anticipation.read(journal) == [expected]
    assert [line["kind"] for line in read(journal)] == ["study"]
    # A run finds its study there, and goes on behind that line.
    with Journal(journal) as kept:
        assert kept.versions == {asked._study.version} and not kept.torn


def test_a_journal_without_one(tmp_path):
    journal = tmp_path / "answers.jsonl"
    with Journal(journal) as kept:
        kept.write(survey()._study.record())
    assert Anticipation.read(journal) == []


def test_it_comes_too_late(tmp_path):
    journal = fp.datasets.journal("refine-low", tmp_path / "answers.jsonl")
    models = {"m": fp.Endpoint("http://localhost:9/v1")}
    asked = fp.Elicitation("?", answer={"return_percent": fp.Number()}, models=models)
    with pytest.warns(UnreliableWarning, match="holds answers already"):
        Anticipation("return_percent", value=3).write(journal, asked)
    assert len(Anticipation.read(journal)) == 1


def test_it_must_be_about_a_field(tmp_path):
    with pytest.raises(ValueError, match="asks for share"):
        Anticipation("wage", value=3).write(tmp_path / "answers.jsonl", survey())


def test_plain_json():
    plain = json.loads(Anticipation("y", quantiles={0.5: 2}, when="2026-01-01").to_json())
    assert plain == {
        "quantity": "y",
        "quantiles": [[0.5, 2.0]],
        "who": "user",
        "when": "2026-01-01",
    }
