"""Whatever a server sends is a reply, or Unreadable; what is read of it is what it says."""

import dataclasses
import json

import pytest

import foundation_priors as fp
from foundation_priors.elicit.exchange import Reply, judge, read_reply
from foundation_priors.elicit.retry import Unreadable
from tests.elicit.offline import elicitation, study_of
from tests.elicit.surveys import QUICK, finals, lines, survey

DOLE, CLINTON = '{"vote": "Dole"}', '{"vote": "Clinton"}'
STUDY = study_of(elicitation(answer={"vote": ["Clinton", "Dole"]}))
CALL = next(STUDY.calls())


def response(message, finish="stop", **more):
    return {"choices": [{"message": message, "finish_reason": finish}], **more}


def answered(value):
    """Return the vote in a response, or the reason for having none."""
    parsed, rejected = judge(STUDY, CALL, read_reply(value))
    return parsed[0]["vote"] if rejected is None else rejected


def function(arguments):
    return {"function": {"name": "answer", "arguments": arguments}}


@pytest.mark.parametrize(
    "message",
    [
        {"content": DOLE},
        {"content": None, "reasoning_content": DOLE},
        {"content": "", "reasoning": f"```json\n{DOLE}\n```"},
        {"content": " \n", "thinking": "Dole"},
        {"content": None, "tool_calls": [function(DOLE)]},
        {"content": "", "tool_calls": [function({"vote": "Dole"})]},
        {"tool_calls": [{"arguments": DOLE}], "reasoning": "Or Clinton?"},
        {"content": None, "tool_calls": [function(DOLE), function(DOLE)]},
        {"function_call": {"name": "answer", "arguments": DOLE}},
        {"content": "Let me see.", "tool_calls": [function(DOLE)]},
        {"content": DOLE, "tool_calls": [function(DOLE)]},
        {"content": [{"type": "text", "text": '{"vote": '}, {"type": "text", "text": '"Dole"}'}]},
        {"content": ['{"vote": ', '"Dole"}']},
        {"content": [{"type": "thinking", "thinking": '{"vote": "Clinton"}'}, {"text": DOLE}]},
        {"content": [{"type": "thinking", "thinking": [{"text": "Hm"}]}, {"text": DOLE}]},
        {"content": {"vote": "Dole"}},
        {"content": None, "parsed": {"vote": "Dole"}},
        {"content": " ", "parsed": {"vote": "Dole"}, "reasoning": CLINTON, "tool_calls": []},
        {"content": DOLE, "parsed": {"vote": "Dole"}},
        {"content": DOLE, "parsed": None},
        {"content": "Dole<|im_end|>"},
        {"content": {"type": "text", "text": DOLE}},
        {"content": DOLE, "reasoning_content": '{"vote": "Clinton"}', "tool_calls": []},
        {"content": DOLE, "tool_calls": None, "refusal": None},
        DOLE,
    ],
)
def test_the_answer_is_found_where_servers_put_it(message):
    assert answered(response(message)) == "Dole"


def test_a_completion_without_messages_is_one():
    assert answered({"choices": [{"text": DOLE, "finish_reason": "stop"}]}) == "Dole"


@pytest.mark.parametrize(
    ("message", "finish", "reason"),
    [
        ({"content": None, "reasoning_content": f"Maybe {DOLE} or not"}, "stop", "empty"),
        ({"content": None, "reasoning_content": f"{DOLE} no"}, "stop", "empty"),
        ({"content": None, "reasoning_content": f"{DOLE} or {DOLE}"}, "stop", "empty"),
        ({"content": None, "reasoning_content": DOLE}, "length", "truncated"),
        ({"content": "", "reasoning": "Hm"}, "length", "truncated"),
        ({"content": ""}, "length", "truncated"),
        ({"content": f"<think>{DOLE}"}, "length", "truncated"),
        ({"content": f"<think>Hm</think>{DOLE[:9]}"}, "length", "truncated"),
        ({"content": "Dole"}, "length", "truncated"),
        ({"content": f"{DOLE} But since"}, "MAX_TOKENS", "truncated"),
        ({"content": f"{DOLE}\n{DOLE[:8]}"}, "model_length", "truncated"),
        ({"content": DOLE}, "content_filter", "content filter"),
        ({"content": DOLE}, "SAFETY", "content filter"),
        ({"content": DOLE, "refusal": "No."}, "stop", "refusal"),
        ({"content": None}, "stop", "empty"),
        ({}, "stop", "empty"),
        ({"content": None, "tool_calls": [function("{}")]}, "stop", "off schema"),
        ({"content": DOLE, "tool_calls": [function(CLINTON)]}, "stop", "several choices"),
        (
            {"tool_calls": [function(DOLE), function('{"vote": "Clinton"}')]},
            "tool_calls",
            "several choices",
        ),
    ],
)
def test_what_is_no_answer_says_why(message, finish, reason):
    rejected = answered(response(message, finish))
    assert rejected.reason == reason
    if reason == "truncated":
        assert "raise max_tokens" in rejected.detail


@pytest.mark.parametrize("finish", ["length", "max_tokens", "MAX_TOKENS"])
def test_a_whole_object_and_blanks_to_the_limit_are_read(finish):
    for text in (
        DOLE + 200 * "\n",
        f"```json\n{DOLE}\n```" + 200 * " ",
        f"<think>A</think>{DOLE}\t",
    ):
        assert answered(response({"content": text}, finish)) == "Dole"


@pytest.mark.parametrize(
    "value",
    [
        response({"content": "4"}, "error"),
        response({"content": "4"}, "abort"),
        response({"content": DOLE}, "insufficient_system_resource"),
        response({"content": DOLE}, "network_error"),
        response({"content": DOLE}, "cancelled"),
        response({"content": DOLE}, "stop", error={"message": "upstream failed", "code": 502}),
        response({"content": DOLE, "error": "upstream failed"}),
        {"choices": [{"message": {"content": "4"}, "error": {"message": "upstream failed"}}]},
        {"error": {"message": "upstream failed"}},
        {"error": "upstream failed", "choices": []},
        {"error": {"code": 502}, "choices": None},
    ],
)
def test_what_an_error_broke_off_is_no_answer(value):
    with pytest.raises(Unreadable) as caught:
        read_reply(value)
    assert any(word in str(caught.value) for word in ("upstream failed", "502", "finish_reason"))


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "x",
        [],
        {},
        {"choices": None},
        {"choices": {}},
        {"choices": "x"},
        {"choices": [None]},
        {"choices": ["x"]},
        {"choices": [[]]},
        {"choices": [{}]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": 5}]},
        {"choices": [{"message": []}]},
        {"choices": [{"delta": {"content": "x"}}]},
    ],
)
def test_what_is_no_completion_is_unreadable(value):
    with pytest.raises(Unreadable):
        read_reply(value)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        5,
        "x",
        [],
        {},
        {"prompt_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": None},
        {"prompt_tokens": "12.0", "completion_tokens": 3},
        {"prompt_tokens": "12", "completion_tokens": 3},
        {"prompt_tokens": -1, "completion_tokens": 3},
        {"prompt_tokens": 5, "completion_tokens": -1},
        {"prompt_tokens": 5, "completion_tokens": 0.5},
        {"prompt_tokens": float("nan"), "completion_tokens": 3},
        {"prompt_tokens": 1e999, "completion_tokens": 3},
        {"prompt_tokens": -1e999, "completion_tokens": 3},
        {"prompt_tokens": 10**400, "completion_tokens": 3},
        {"prompt_tokens": True, "completion_tokens": 3},
        {"prompt_tokens": [5], "completion_tokens": {}},
    ],
)
def test_counts_of_tokens_that_are_none_are_unknown(usage):
    reply = read_reply(response({"content": DOLE}, usage=usage))
    assert reply.tokens is None and reply.text == DOLE


def test_the_text_is_kept_as_it_came():
    assert read_reply(response({"content": " \n"})).text == " \n"
    assert read_reply(response({"content": " A\n"})).text == " A\n"
    both = read_reply(response({"content": "So:", "tool_calls": [function(DOLE)]}))
    assert both.text == f"So:\n{DOLE}"


def test_whole_counts_are_known():
    usage = {"prompt_tokens": 12.0, "completion_tokens": 0}
    reply = read_reply(response({"content": DOLE}, usage=usage))
    assert reply.tokens == {"input": 12, "output": 0}


@pytest.mark.parametrize("odd", [5, True, [], {}, [{"a": 1}], {"a": {"b": 1}}, 1e999, "\ud800"])
def test_odd_words_of_a_server_break_nothing(odd):
    message = {"content": DOLE, "refusal": odd, "reasoning_content": odd, "tool_calls": odd}
    value = response(message, odd, model=odd, system_fingerprint=odd, usage=odd)
    value["choices"][0]["logprobs"] = odd
    for content in (DOLE, odd, [odd], [{"type": odd, "text": odd}], {"text": odd}):
        message["content"] = content
        reply = read_reply(value)
        for field in dataclasses.fields(Reply):
            kept = getattr(reply, field.name)
            assert kept is None or isinstance(kept, str | float | list | dict)
        judge(STUDY, CALL, reply)


def test_a_check_that_raises_loses_no_response():
    def check(values):
        raise ZeroDivisionError("by the user's own model")

    schema = dataclasses.replace(STUDY.schema, check=check)
    study = dataclasses.replace(STUDY, schema=schema, _memo={})
    parsed, rejected = judge(study, next(study.calls()), read_reply(response({"content": DOLE})))
    assert parsed is None and rejected.reason == "unreadable"
    assert "ZeroDivisionError, by the user's own model" in rejected.detail


# Through a server


def test_an_answer_that_an_error_broke_off_is_asked_again(server, tmp_path):
    server.script(next=["broken_off", None, "broken_off"])
    path = tmp_path / "a.jsonl"
    llm = survey(server.url, 3).run(path, progress=False, patience=QUICK)
    assert len(llm) == 6 and server.counts()["requests"] == 8
    failures = [line for line in lines(path) if line["kind"] == "failure"]
    assert len(failures) == 2
    assert all("upstream fell over" in line["error"] for line in failures)


@pytest.mark.parametrize("name", ["in_reasoning", "in_tool_call", "blanks_to_the_limit"])
def test_answers_in_odd_places_are_the_same(server, tmp_path, name):
    plain = survey(server.url, 3).run(tmp_path / "plain.jsonl", progress=False)
    server.script(always=name)
    path = tmp_path / "odd.jsonl"
    llm = survey(server.url, 3).run(path, progress=False, patience=QUICK)
    assert server.counts()["requests"] == 6
    assert llm.dataset.drop_attrs().identical(plain.dataset.drop_attrs())
    assert all(json.loads(line["raw"]) for line in finals(path))
    assert survey(server.url, 3).replay(path).identical(llm)


def test_thoughts_are_kept_and_the_cure_is_told(server, tmp_path):
    path = tmp_path / "a.jsonl"
    server.script(when={"Person 1:": "all_thoughts"})
    with pytest.warns(fp.IncompleteWarning, match="2 truncated"):
        survey(server.url, 2).run(path, progress=False, patience=QUICK)
    lost = [line for line in finals(path) if line["rejected"]]
    assert {line["rejected"]["reason"] for line in lost} == {"truncated"}
    assert all("raise max_tokens" in line["rejected"]["detail"] for line in lost)
    assert all(line["thoughts"].startswith("Is it") and line["raw"] == "" for line in lost)
