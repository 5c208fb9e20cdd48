"""A replay reads what the model wrote by today's rules, and says what comes out otherwise."""

import json
import math
import warnings
from typing import Literal

import pandas as pd
import pytest
from pydantic import BaseModel, model_validator

import foundation_priors as fp
from foundation_priors.errors import IncompleteWarning, JournalError, RereadWarning
from tests.elicit.offline import POINT, elicitation, study_of, write
from tests.elicit.surveys import QUICK, finals, survey

ONE = {
    "answer": {"wage": fp.Number(0, 5000)},
    "profiles": pd.DataFrame({"age": [26, 44, 33]}, index=["a", "b", "c"]),
    "factors": None,
    "prompt": "{age}?",
}


def journal(path, study, changes, answer=lambda call: [{"wage": 1.0}]):
    """Write a journal, and change its answers' lines one by one."""
    write(path, study, answer=answer)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    answers = [line for line in lines if line["kind"] == "answer"]
    for line, change in zip(answers, changes, strict=True):
        line.update(change)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def stored(parsed, raw, **more):
    rejected = {"reason": parsed, "detail": "."} if isinstance(parsed, str) else None
    return {"parsed": None if rejected else parsed, "rejected": rejected, "raw": raw, **more}


OLD = [
    stored([{"wage": 1.2}], '{"wage": "1.200"}'),
    stored([{"wage": 4.0}], "4", finish_reason="error"),
    stored("off schema", '{"wage": "1,200"}'),
]


def test_what_comes_out_otherwise_is_told(tmp_path):
    study = elicitation(**ONE)
    path = journal(tmp_path / "a.jsonl", study, OLD)
    with pytest.warns(RereadWarning, match=r"3 of 3 .*2 rejected now, 1 answered now.*'stored'"):
        with pytest.warns(IncompleteWarning, match="1 ambiguous, 1 broken off"):
            llm = study.replay(path)
    assert llm.column("wage").tolist() == [1200.0]
    found = llm.provenance["reading"]
    assert found.pop("rules").startswith("of version ")
    assert found == {"another value": 0, "rejected now": 2, "answered now": 1}
    with pytest.warns() as caught:
        assert fp.elicit.replay(path).identical(llm)
    assert {w.category for w in caught} == {RereadWarning, IncompleteWarning}


def test_the_old_reading_is_kept_on_request(tmp_path):
    study = elicitation(**ONE)
    path = journal(tmp_path / "a.jsonl", study, OLD)
    with pytest.warns(IncompleteWarning, match="1 off schema"):
        llm = study.replay(path, reading="stored")
    assert llm.column("wage").tolist() == [1.2, 4.0]
    assert llm.provenance["reading"]["rules"] == "of when they came"
    for replay in (study.replay, fp.elicit.replay):
        with pytest.raises(ValueError, match="'today' or 'stored'"):
            replay(path, reading="yesterday")


def test_another_value(tmp_path):
    study = elicitation(**ONE)
    text = 'Draft: {"wage": 1}. Final: {"wage": 2}'
    path = journal(tmp_path / "a.jsonl", study, [stored([{"wage": 1.0}], text)] * 3)
    with pytest.warns(RereadWarning, match="3 of 3 .*3 another value"):
        assert study.replay(path).column("wage").tolist() == [2.0] * 3


@pytest.mark.parametrize(
    "line",
    [
        stored([{"wage": 7.0}], None),
        stored([{"wage": 7.0}], "7"),
        stored([{"wage": 7.0}], '{"wage": 7}'),
        {"parsed": [{"wage": 7.0}]},
        stored([{"wage": 7.0}], '{"wage": 7}\n\n', finish_reason="length"),
    ],
)
def test_what_was_read_right_or_never_stored_stands(tmp_path, line):
    study = elicitation(**ONE)
    path = journal(tmp_path / "a.jsonl", study, [line] * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        llm = study.replay(path)
    assert llm.column("wage").tolist() == [7.0] * 3 and "reading" not in llm.provenance


@pytest.mark.parametrize("reason", ["refusal", "content filter", "no response", "bad request"])
def test_what_a_server_did_beside_the_text_stands(tmp_path, reason):
    study = elicitation(**ONE)
    lines = [stored([{"wage": 7.0}], "7"), *[stored(reason, '{"wage": 7}')] * 2]
    path = journal(tmp_path / "a.jsonl", study, lines)
    with pytest.warns(IncompleteWarning, match=f"2 {reason}"):
        assert len(study.replay(path)) == 1


class Reply(BaseModel):
    vote: Literal["Clinton", "Dole"]
    party: Literal["left", "right"]

    @model_validator(mode="after")
    def _consistent(self):
        if self.vote == "Dole" and self.party == "left":
            raise ValueError("Dole is of the right")
        return self


def test_checks_of_a_pydantic_model_are_not_forgotten(tmp_path):
    study = elicitation(**{**ONE, "answer": Reply})
    good = {"vote": "Dole", "party": "right"}
    detail = "the answer: Value error, Dole is of the right."
    bad = json.dumps({"vote": "Dole", "party": "left"})
    lines = [
        stored([good], json.dumps(good)),
        stored([good], json.dumps({"vote": "2: Dole", "party": "right"})),
        {**stored("off schema", bad), "rejected": {"reason": "off schema", "detail": detail}},
    ]
    path = journal(tmp_path / "a.jsonl", study, lines)
    with pytest.warns(IncompleteWarning, match="1 off schema"):
        llm = study.replay(path)
    with pytest.warns(IncompleteWarning, match="1 off schema"):
        assert fp.elicit.replay(path).identical(llm)
    head = json.loads(path.read_text().splitlines()[0])
    assert head["checked"] is True
    # Journals of before do not say that there was a model.
    path.write_text(path.read_text().replace('"checked": true', '"package": "0"'))
    with pytest.warns(IncompleteWarning, match="1 off schema"):
        assert fp.elicit.replay(path).identical(llm)


def test_probabilities_are_read_again(tmp_path):
    given = {**ONE, "answer": {"vote": ["Clinton", "Dole"]}, "probabilities": True}
    study = elicitation(**given)
    top = [{"token": "A", "logprob": math.log(0.6)}, {"token": "B", "logprob": math.log(0.4)}]
    sure = {"vote": {"Clinton": 1.0, "Dole": 0.0}}
    lines = [
        stored([sure], "A", logprobs=[{**top[0], "top_logprobs": None}]),
        stored([sure], "A", logprobs=[{**top[0], "top_logprobs": top}]),
        stored([sure], "A", logprobs=None),
    ]
    path = journal(tmp_path / "a.jsonl", study, lines)
    with pytest.warns(RereadWarning, match="1 another value, 1 rejected now"):
        with pytest.warns(IncompleteWarning, match="1 not listed"):
            llm = study.replay(path)
    assert llm.column("probability").tolist() == pytest.approx([0.6, 0.4, 1.0, 0.0])


def test_a_call_of_which_one_profile_is_missing_gives_the_others(tmp_path):
    given = {**ONE, "per_call": 3, "prompt": "{profiles}"}
    study = elicitation(**given)
    text = json.dumps({"a": {"wage": 1}, "c": {"wage": "3,000"}})
    path = journal(tmp_path / "a.jsonl", study, [stored("missing profile", text)])
    with pytest.warns(RereadWarning, match="2 of 3 .*2 answered now"):
        with pytest.warns(IncompleteWarning, match=r"1 of 3 .*1 missing profile"):
            llm = study.replay(path)
    assert llm.column("profile").tolist() == ["a", "c"]
    assert llm.column("wage").tolist() == [1.0, 3000.0]
    assert llm.provenance["rejected"]["by profile"] == {"b": 1}


def test_a_missing_profile_is_asked_again_and_loses_no_other(server, tmp_path):
    path = tmp_path / "a.jsonl"
    study = survey(server.url, 3, per_call=3, prompt="{profiles} {framing}")
    server.script(always="one_missing")
    with pytest.warns(IncompleteWarning, match="2 of 6 .*2 missing profile"):
        llm = study.run(path, progress=False, patience=QUICK)
    assert len(llm) == 4 and server.counts()["requests"] >= 6  # each call twice more
    assert set(llm.column("profile")) == {"p0", "p2"}
    for replay in (study.replay, fp.elicit.replay):
        with pytest.warns(IncompleteWarning):
            assert replay(path).identical(llm)
        with pytest.warns(IncompleteWarning, match="2 missing profile"):
            again = replay(path, reading="stored")
        assert again.dataset.drop_attrs().identical(llm.dataset.drop_attrs())
    line = finals(path)[-1]
    assert line["rejected"]["reasons"] == [None, "missing profile", None]
    assert line["parsed"][1] is None


@pytest.mark.parametrize(
    "damage",
    [
        {"parsed": 5},
        {"parsed": "x"},
        {"parsed": [{"wage": "x"}]},
        {"parsed": [None]},
        {"parsed": [{"wage": 1.0}, {"wage": 1.0}]},
        {"cells": [5]},
        {"cells": 5},
        {"cells": [{"factors": 5}]},
    ],
)
def test_damaged_lines_are_told_in_one_sentence(tmp_path, damage):
    study = elicitation(**ONE)
    path = journal(tmp_path / "a.jsonl", study, [damage] * 3)
    with pytest.raises((JournalError, fp.ElicitationError)) as caught:
        study.replay(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "odd",
    [
        {"raw": 5},
        {"raw": "1", "finish_reason": {"a": 1}},
        {"raw": "1", "thoughts": 5, "logprobs": 7},
    ],
)
def test_odd_lines_are_read(tmp_path, odd):
    study = elicitation(**ONE)
    path = journal(tmp_path / "a.jsonl", study, [odd] * 3)
    assert study.replay(path).column("wage").tolist() == [1.0] * 3


def test_words_of_a_file_are_shown_escaped(tmp_path):
    study = elicitation(**ONE)
    odd = {"server_model": "\x1b[2Jx\ud800", "time": "\x9b31m"}
    bad = {"parsed": None, "rejected": {"reason": "\x1b[31m\ud800", "detail": "."}}
    path = journal(tmp_path / "a.jsonl", study, [{**odd, "raw": "1"}, odd, {**odd, **bad}])
    with pytest.warns(IncompleteWarning, match=r"1 \\x1b\[31m\\ud800") as caught:
        llm = study.replay(path)
    shown = f"{caught[0].message}{llm}{llm.provenance['model']}{llm.provenance['dates']}"
    assert "\x1b" not in shown and "\x9b" not in shown and shown.encode()


def test_a_run_goes_on_in_an_old_journal_and_says_so(server, tmp_path):
    study = elicitation(**{**ONE, "models": {"m": fp.Endpoint(server.url, model="tiny")}})
    path = journal(tmp_path / "a.jsonl", study, OLD)
    with pytest.warns(RereadWarning), pytest.warns(IncompleteWarning):
        study.run(path, progress=False)
    assert server.counts()["requests"] == 0
    assert (
        study_of(elicitation(**{**ONE, "models": {"m": POINT}})).version == study_of(study).version
    )


def test_what_is_answered_in_part_is_counted_so(tmp_path):
    from foundation_priors.cli.tally import tally

    study = elicitation(**{**ONE, "per_call": 3, "prompt": "{profiles}"})
    reasons = [None, "missing profile", None]
    rejected = {"reason": "missing profile", "detail": ".", "reasons": reasons}
    line = {"parsed": [{"wage": 1.0}, None, {"wage": 2.0}], "rejected": rejected}
    found = tally(journal(tmp_path / "a.jsonl", study, [line]))
    assert found.total.answered == 2 and found.total.rejected == {"missing profile": 1}
    assert found.profiles["b"].rejected.total() == 1 and found.profiles["c"].answered == 1
