"""Answers are read as models give them, and nothing else passes."""

import enum
import json
import math
from typing import Literal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, model_validator

import foundation_priors as fp
from foundation_priors.elicit.answers import AnswerSchema, Rejected
from tests.elicit.offline import elicitation, study_of

SCHEMA = AnswerSchema.of(
    {
        "vote": ["Clinton", "Dole", "Strong Democrat"],
        "place": range(1, 8),
        "wage": fp.Number(0, 5000, unit="cents"),
        "why": fp.Text(max_length=20),
    }
)
GOOD = {"vote": "Dole", "place": 4, "wage": 512.5, "why": "höher 🗳️"}
TEXT = json.dumps(GOOD)


def reason(schema, text):
    with pytest.raises(Rejected) as caught:
        schema.read_one(text)
    assert caught.value.detail.endswith((".", "?"))
    assert "\n" not in caught.value.detail
    return caught.value.reason


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"\ufeff\n {TEXT} \n",
        f"```json\n{TEXT}\n```",
        f"Sure [1]! Here {{it}} is:\n```\n{TEXT}\n```\nAnything else? {{no}}",
        f"<think>Maybe {{}} or {TEXT.replace('Dole', 'Clinton')}</think>\n{TEXT}",
        f"{TEXT}\n{TEXT}",
        json.dumps({"answer": GOOD}),
        json.dumps({"Vote": " dole. ", "PLACE": "4", "Wage": "512.5 cents", "why": "höher 🗳️"}),
        json.dumps({**GOOD, "confidence": "high"}),
        json.dumps({**GOOD, "place": 4.0}),
        json.dumps(GOOD, ensure_ascii=True),
        f"I'm sorry for the delay. {TEXT}",
        TEXT[:-1] + ', "vote": "Dole"}',
    ],
)
def test_what_models_write_is_understood(text):
    assert SCHEMA.read_one(text) == GOOD


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"vote": "Nader"}, "off schema"),
        ({"vote": 1}, "off schema"),
        ({"vote": None}, "off schema"),
        ({"vote": ["Dole"]}, "several choices"),
        ({"vote": "Clinton or Dole"}, "several choices"),
        ({"vote": "Clinton, Dole"}, "several choices"),
        ({"place": 9}, "out of range"),
        ({"place": 3.5}, "off schema"),
        ({"place": True}, "off schema"),
        ({"place": "four"}, "off schema"),
        ({"place": "1_0"}, "off schema"),
        ({"place": 10**400}, "not finite"),
        ({"place": 10**30}, "out of range"),
        ({"wage": math.nan}, "not finite"),
        ({"wage": math.inf}, "not finite"),
        ({"wage": "NaN"}, "not finite"),
        ({"wage": False}, "off schema"),
        ({"wage": -1}, "out of range"),
        ({"wage": "$500"}, "off schema"),
        ({"wage": {"value": 5}}, "off schema"),
        ({"why": 5}, "off schema"),
        ({"why": "x" * 21}, "out of range"),
        ({"why": "\ud800"}, "off schema"),
        ({"why": "a\0b"}, "off schema"),
    ],
)
def test_what_does_not_fit_is_rejected(changed, why):
    assert reason(SCHEMA, json.dumps({**GOOD, **changed})) == why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "empty"),
        ("  \n", "empty"),
        ("<think>It is {", "empty"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("As an AI, I have no vote.", "refusal"),
        ("I would say the first option.", "not JSON"),
        ("[1, 2, 3]", "not JSON"),
        (TEXT[: len(TEXT) // 2], "not JSON"),
        ("[" * 100_000, "not JSON"),
        (TEXT.replace("4", "1" + "0" * 5000), "not JSON"),
        ('{"a":' * 3_000, "not JSON"),
        ("{}", "off schema"),
        ('{"something": "else"}', "off schema"),
        (f"{TEXT} {TEXT.replace('Dole', 'Clinton')}", "several choices"),
        (TEXT[:-1] + ', "vote": "Clinton"}', "several choices"),
    ],
)
def test_what_is_no_answer_is_rejected(text, why):
    assert reason(SCHEMA, text) == why


def test_numbers_may_name_options_and_zero_has_no_sign():
    assert AnswerSchema.of({"vote": ["1", "2"]}).read_one('{"vote": 2}') == {"vote": "2"}
    zero = AnswerSchema.of({"wage": fp.Number()}).read_one('{"wage": -0.0}')["wage"]
    assert math.copysign(1, zero) == 1


def test_a_single_question_may_be_answered_without_json():
    schema = AnswerSchema.of({"vote": ["Clinton", "Dole"]})
    for text in ("Dole", " **Dole**.", "```\nDole\n```", '"dole"', "<think>.</think>DOLE"):
        assert schema.read_one(text) == {"vote": "Dole"}
    assert reason(schema, "Dole, or maybe Clinton") == "several choices"
    assert AnswerSchema.of({"n": range(20)}).read_one("１２") == {"n": 12}


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text):
    for schema in (SCHEMA, AnswerSchema.of({"n": fp.Number()})):
        try:
            schema.read_one(text)
        except Rejected as error:
            assert error.reason


@given(
    st.fixed_dictionaries(
        {
            "vote": st.sampled_from(SCHEMA.fields["vote"].options),
            "place": st.integers(1, 7),
            "wage": st.floats(0, 5000),
            "why": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
        }
    )
)
def test_valid_answers_come_back(values):
    expected = {**values, "why": values["why"].strip()}
    assert SCHEMA.read_one(json.dumps(values)) == expected
    assert SCHEMA.read_one(f"So:\n```json\n{json.dumps(values, indent=1)}\n```") == expected


# Several profiles in one call


def call_of(size=3, **given):
    survey = elicitation(per_call=size, prompt="{profiles} {framing}", factors=None, **given)
    return study_of(survey).call("m", 0, 0, 0)


ONE = {"vote": "Dole", "place": 4}
TWO = {"vote": "Perot", "place": 1}


@pytest.mark.parametrize(
    "said",
    [
        {"a": ONE, "b": TWO, "c": ONE},
        {"c": ONE, "b": TWO, "a": ONE},
        {"answers": {"a": ONE, "b": TWO, "c": ONE}},
        {"Profile a": ONE, "profile_b": TWO, "C": ONE},
        [{"profile": p, **v} for p, v in zip("abc", (ONE, TWO, ONE), strict=True)],
        {"answers": [{"id": p, **v} for p, v in zip("cba", (ONE, TWO, ONE), strict=True)]},
    ],
)
def test_answers_by_profile(said):
    call = call_of()
    assert call.study.schema.parse(json.dumps(said), call) == [ONE, TWO, ONE]
    if isinstance(said, list):
        lines = "\n".join(json.dumps(line) for line in said)
        assert call.study.schema.parse(lines, call) == [ONE, TWO, ONE]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "missing profile"),
        ({"a": ONE, "b": TWO, "c": ONE, "d": ONE}, "surplus profile"),
        ({"a": ONE, "b": TWO, "d": ONE}, "surplus profile"),
        ({"a": None, "b": 1, "c": []}, "off schema"),
        (ONE, "missing profile"),
        ([1, 2, 3], "not JSON"),
        ([ONE, TWO, ONE], "not JSON"),
    ],
)
def test_a_call_of_which_no_profile_can_be_told_is_rejected(said, why):
    call = call_of()
    with pytest.raises(Rejected) as caught:
        call.study.schema.parse(json.dumps(said), call)
    assert caught.value.reason == why


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"a": ONE, "b": TWO}, "missing profile"),
        ({"a": ONE, "b": TWO, "c": None}, "off schema"),
        ({"a": ONE, "b": TWO, "c": {"vote": "Dole"}}, "off schema"),
        ({"a": ONE, "b": TWO, "c": {"vote": "Nader", "place": 1}}, "off schema"),
        ({"a": ONE, "b": TWO, "c": {"vote": "Dole", "place": 8}}, "out of range"),
        ({"a": ONE, "b": TWO, "c": ONE, "C": TWO}, "several choices"),
        ([{"profile": "a", **ONE}, {"profile": "b", **TWO}], "missing profile"),
    ],
)
def test_a_profile_without_an_answer_takes_no_other_along(said, why):
    call = call_of()
    *found, lost = call.study.schema.parse(json.dumps(said), call)
    assert found == [ONE, TWO] and lost.reason == why


def test_the_keyed_schema_refers_to_one_definition():
    schema = call_of().schema
    assert schema["required"] == ["a", "b", "c"]
    assert set(map(str, schema["properties"].values())) == {"{'$ref': '#/$defs/answer'}"}
    assert schema["$defs"]["answer"]["additionalProperties"] is False


# What can be written as answer=


class Party(enum.Enum):
    LEFT = "left"
    RIGHT = "right"


class Reply(BaseModel):
    vote: Literal["Clinton", "Dole"]
    party: Party
    place: int = Field(ge=1, lt=8, description="from left to right")
    wage: float = Field(gt=0, le=10)
    sure: bool
    why: str = Field(default="", max_length=5)

    @model_validator(mode="after")
    def _consistent(self):
        if self.vote == "Dole" and self.party is Party.LEFT:
            raise ValueError("Dole is of the right")
        return self


def test_a_pydantic_model_is_a_schema_and_checks():
    schema = AnswerSchema.of(Reply)
    good = {"vote": "dole", "party": "right", "place": "7", "wage": 1, "sure": True, "why": " x "}
    assert schema.read_one(json.dumps(good)) == {
        "vote": "Dole",
        "party": "right",
        "place": 7,
        "wage": 1.0,
        "sure": True,
        "why": "x",
    }
    assert schema.outcomes == ("vote", "party", "place", "wage", "sure")
    assert reason(schema, json.dumps({**good, "party": "left"})) == "off schema"
    assert reason(schema, json.dumps({**good, "wage": 0})) == "off schema"
    assert reason(schema, json.dumps({**good, "place": 8})) == "out of range"
    assert reason(schema, json.dumps({**good, "sure": 1})) == "off schema"
    assert schema.fields["place"].description == "from left to right"


def test_schemas_survive_being_written_down():
    answer = {
        "a": ["x", "y"],
        "b": range(1, 9, 2),
        "c": [3, 1, 2],
        "d": fp.Number(low=0),
        "e": str,
        "f": bool,
        "g": pd.CategoricalDtype(["low", "high"], ordered=True),
        "h": range(1000),
    }
    schema = AnswerSchema.of(answer)
    again = AnswerSchema.from_record(json.loads(json.dumps(schema.record())))
    assert again.fields == schema.fields
    assert again.fields["g"].ordered


def test_schemas_are_those_of_strict_structured_output():
    call = study_of(elicitation(answer={"h": range(1000), "d": fp.Number(0, 1), "e": fp.Text(9)}))
    schema = call.call("m", 0, 0, 0).schema
    assert schema["properties"]["h"] == {"type": "integer", "minimum": 0, "maximum": 999}
    assert schema["properties"]["e"] == {"type": "string"}
    assert schema["required"] == ["h", "d", "e"]


class Optional(BaseModel):
    vote: Literal["a", "b"] | None


class Unbounded(BaseModel):
    n: int


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (["Clinton", "Dole"], TypeError, "must be a dictionary"),
        ({}, ValueError, "no number and no choice"),
        ({"why": str}, ValueError, "no number and no choice"),
        ({"vote": ["Dole"]}, ValueError, "two or more"),
        ({"vote": ["Dole", "dole "]}, ValueError, "different by more than case"),
        ({"vote": ["Dole", ""]}, ValueError, "none empty"),
        ({"vote": ["Dole", 1]}, TypeError, "all strings or all whole"),
        ({"vote": [True, False]}, TypeError, "all strings or all whole"),
        ({"vote": "Dole"}, TypeError, "no answer that can be checked"),
        ({"vote": int}, TypeError, "no answer that can be checked"),
        ({"a vote": ["a", "b"]}, ValueError, "one word"),
        ({1: ["a", "b"]}, ValueError, "one word"),
        ({"place": range(1)}, ValueError, "two or more"),
        (Optional, TypeError, "no None"),
        (Unbounded, ValueError, "needs bounds"),
    ],
)
def test_what_cannot_be_checked_is_refused(answer, error, words):
    with pytest.raises(error, match=words):
        AnswerSchema.of(answer)


@pytest.mark.parametrize("bounds", [(1, 0), (0, math.inf), (True, 2), ("0", "1")])
def test_bounds_must_be_bounds(bounds):
    with pytest.raises(ValueError):
        fp.Number(*bounds)
