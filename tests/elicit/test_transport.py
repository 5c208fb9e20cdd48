"""Whatever a server sends ends as an answer, a rejection with its reason, or one sentence."""

import asyncio
import json
import warnings

import pytest

import foundation_priors as fp
from foundation_priors.elicit.events import completion_of
from foundation_priors.elicit.lane import Lane
from foundation_priors.elicit.retry import Unreadable, retry_after
from tests.elicit.surveys import QUICK, finals, lines, survey

LIMIT = 1_000_000
READ = ("packed", "charset", "events", "events_in_one")
LONG = ("long", "flood", "bomb", "deflated_bomb")
UNREAD = {
    "packed_oddly": "packed as 'br'",
    "packed_badly": "packed as 'damaged gzip'",
    "events_cut": "events were cut short",
    "events_without_answer": "hold no answer",
}


def ask(study, journal, **given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.IncompleteWarning)
        return study.run(journal, patience=QUICK, progress=False, **given)


def answers(journal):
    return [line for line in lines(journal) if line["kind"] == "answer"]


@pytest.mark.parametrize("name", READ)
def test_what_is_wrapped_oddly_is_read(server, tmp_path, name):
    plain = ask(survey(server.url, 4), tmp_path / "plain.jsonl")
    server.script(always=name)
    llm = ask(survey(server.url, 4), tmp_path / "odd.jsonl")
    assert server.counts()["requests"] == 8
    assert llm.dataset.drop_attrs().identical(plain.dataset.drop_attrs())
    assert all(line["tokens"] for line in finals(tmp_path / "odd.jsonl"))


@pytest.mark.parametrize("name", LONG)
def test_a_response_without_end_is_read_to_the_limit(server, tmp_path, name):
    resource = pytest.importorskip("resource")
    server.script(when={"Person 3:": name})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    llm = ask(survey(server.url, 5, endpoint={"timeout": 20}), tmp_path / "a.jsonl")
    assert len(llm) == 8
    asked = [line for line in answers(tmp_path / "a.jsonl") if line["rejected"]]
    assert [line["final"] for line in asked].count(True) == 2 and len(asked) == 4
    for line in asked:
        assert line["rejected"]["reason"] == "too long" and len(line["raw"]) == LIMIT
        assert line["length"] > LIMIT and f"{line['length']:,}" in line["rejected"]["detail"]
    if name == "long":
        assert asked[0]["length"] > 3_000_000 and asked[0]["raw"].startswith("{")
    assert server.counts()["flooded"] < 60 * LIMIT  # buffers of the system's, and no more
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000  # kB, of 200 MB in a bomb
    server.script()
    ask(survey(server.url, 5), tmp_path / "a.jsonl")
    assert server.counts()["requests"] == 0


def test_it_is_asked_again_at_most_once_over_all_runs(server, tmp_path):
    server.script(always="long")
    study = survey(server.url, 1, endpoint={"timeout": 20}, factors={})
    ask_one = {"budget": {"calls": 1}}
    for _ in range(4):
        with pytest.raises(fp.ElicitationError, match="no answer|No answer|hold"):
            ask(study, tmp_path / "a.jsonl", **ask_one)
    assert len(answers(tmp_path / "a.jsonl")) == 2 == server.counts()["requests"]


def test_the_limit_is_a_setting(server, tmp_path):
    for size, count in ((200, 0), (2000, 8)):
        study = survey(server.url, 4, endpoint={"max_bytes": size, "timeout": 5})
        if count:
            assert len(ask(study, tmp_path / f"{size}.jsonl")) == count
        else:
            with pytest.raises(fp.ElicitationError):
                ask(study, tmp_path / f"{size}.jsonl")
            assert {len(a["raw"]) for a in answers(tmp_path / f"{size}.jsonl")} == {size}
    with pytest.raises(ValueError, match="max_bytes"):
        fp.Endpoint(server.url, max_bytes=0)


@pytest.mark.parametrize("name", UNREAD)
def test_what_cannot_be_read_is_kept_and_explained_soon(server, tmp_path, name):
    server.script(always=name)
    with pytest.raises(fp.ElicitationError, match=UNREAD[name]) as caught:
        ask(survey(server.url, 4, endpoint={"timeout": 5}), tmp_path / "a.jsonl")
    assert str(caught.value).isprintable()
    assert server.counts()["requests"] == (8 if "cut short" in UNREAD[name] else 3)
    failures = [line for line in lines(tmp_path / "a.jsonl") if line["kind"] == "failure"]
    assert failures and all(line["length"] == len(line["raw"]) for line in failures)
    assert name == "packed_badly" or all(line["raw"] for line in failures)


def test_what_came_before_a_drop_or_a_timeout_is_kept(server, tmp_path):
    server.script(next=["cut", "truncated_body", "endless"])
    study = survey(server.url, 2, endpoint={"timeout": 2.0})
    llm = ask(study, tmp_path / "a.jsonl", concurrency=1)
    assert len(llm) == 4
    failures = [line for line in lines(tmp_path / "a.jsonl") if line["kind"] == "failure"]
    assert len(failures) == 3 and all("raw" in line for line in failures)
    assert [line["raw"][:1] for line in failures] == ["{", "{", " "]


def test_an_errors_own_text_is_bounded(server, tmp_path):
    told = {"status": 400, "body": "<" * 5_000_000, "headers": {"X": "y"}}
    server.script(always="told", told=told)
    with pytest.raises(fp.ElicitationError) as caught:
        ask(survey(server.url, 2), tmp_path / "a.jsonl")
    assert len(str(caught.value)) < 600
    assert (tmp_path / "a.jsonl").stat().st_size < 20_000


BODIES = {
    "nested": "[" * 200_000,  # also: one word without end, which is costly to search for keys
    "nested, whole": '{"choices":' + "[" * 200_000 + "]" * 200_000 + "}",
    "a number": "7",
    "null": "null",
    "text": "hello",
    "empty": "",
    "spaces": " " * 1000,
    "a huge number": '{"choices": ' + "9" * 10_000 + "}",
    "no choices": '{"choices": 7}',
    "half a character": '{"choices": "\\ud800"}',
    "not utf-8": '{"choices": "\udcff"}',
    "control": '{"error": {"message": "\\u001b[31m\\u009b red \\u202e"}}',
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_body_that_is_no_completion(server, tmp_path, name, status):
    server.script(always="told", told={"status": status, "body": BODIES[name]})
    with pytest.raises(fp.ElicitationError) as caught:
        ask(survey(server.url, 2, endpoint={"timeout": 5}), tmp_path / "a.jsonl")
    assert str(caught.value).isprintable()
    for line in (tmp_path / "a.jsonl").read_bytes().splitlines():
        json.loads(line.decode("utf-8"), parse_constant=pytest.fail)


def completion(message=None, usage=None, **more):
    text = '{"vote":"Dole","place":3,"wage":7,"why":"x"}'
    choice = {"index": 0, "message": {"content": text, **(message or {})}, "finish_reason": "stop"}
    return {"choices": [{**choice, **more.pop("choice", {})}], "usage": usage, **more}


USAGE = {
    "text": '{"prompt_tokens": "12", "completion_tokens": "many"}',
    "words": '"none"',
    "not a number": '{"prompt_tokens": NaN, "completion_tokens": NaN}',
    "infinite": '{"prompt_tokens": 1e999, "completion_tokens": 1}',
    "negative": '{"prompt_tokens": -100000, "completion_tokens": -100000}',
    "a list": '{"prompt_tokens": [], "completion_tokens": {}}',
    "zero": '{"prompt_tokens": 0, "completion_tokens": 0}',
    "one": '{"prompt_tokens": 1, "completion_tokens": 1}',
    "true": '{"prompt_tokens": true, "completion_tokens": true}',
}


@pytest.mark.parametrize("name", USAGE)
@pytest.mark.parametrize("unit", ["tokens", "money"])
def test_no_usage_cheats_a_budget(server, tmp_path, name, unit):
    body = json.dumps(completion()).replace('"usage": null', f'"usage": {USAGE[name]}')
    server.script(always="told", told={"body": body})
    long = "You are person {number}." + " word" * 600  # of which 375 tokens are certain
    point = {"price": (1e6, 1e6), "timeout": 5}
    study = survey(server.url, 30, prompt=long, factors={}, endpoint=point)
    ask(study, tmp_path / "a.jsonl", budget={unit: 12_000}, concurrency=1)
    assert 0 < server.counts()["requests"] <= 20  # of 30, of which 12 are what it should be


ODD = {
    "names": {"model": "m\x1b[31m\ud800" + "x" * 5000, "system_fingerprint": {"a": 1}},
    "numbers": {"model": 7, "system_fingerprint": 1e400},
    "log-probabilities": {"choice": {"logprobs": {"content": [{"logprob": float("nan")}]}}},
    "log-probabilities that are none": {"choice": {"logprobs": "none"}},
    "a finish": {"choice": {"finish_reason": ["stop"]}},
    "half a character": {"message": {"content": '{"vote":"Dole\\ud800"}'}},
    "a message": {"message": {"content": {"vote": "Dole"}, "refusal": ["no"]}},
}


@pytest.mark.parametrize("name", ODD)
def test_odd_values_end_no_run(server, tmp_path, name):
    body = json.dumps(completion(**ODD[name]))
    server.script(when={"Person 1:": "told"}, told={"body": body})
    llm = ask(survey(server.url, 3), tmp_path / "a.jsonl")
    assert len(llm) >= 4
    llm.to_netcdf(tmp_path / "a.nc")
    assert fp.SyntheticData.from_netcdf(tmp_path / "a.nc").identical(llm)
    for line in (tmp_path / "a.jsonl").read_bytes().splitlines():
        kept = json.loads(line.decode("utf-8"), parse_constant=pytest.fail)
        assert len(str(kept.get("server_model"))) <= 200
        assert str(kept.get("server_model")).isprintable()


def test_a_response_is_in_the_journal_whatever_is_made_of_it(server, tmp_path, monkeypatch):
    """Before any other call is ended, and though another's failure ends the run."""
    order = []
    keep, resolve = Lane.keep, Lane._resolve_doubts

    async def kept(self, *given, **more):
        order.append("keep")
        return await keep(self, *given, **more)

    async def resolved(self):
        order.append("resolve" if self._doubtful else "nothing")
        await resolve(self)

    monkeypatch.setattr(Lane, "keep", kept)
    monkeypatch.setattr(Lane, "_resolve_doubts", resolved)
    server.script(when={"Person 2:": "server_error"})
    ask(survey(server.url, 4), tmp_path / "a.jsonl", concurrency=1)
    assert "resolve" in order and order.index("keep") < order.index("resolve")


@pytest.mark.parametrize("text", ["1e300", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "1e6"])
def test_an_absurd_wait_is_one_short_sentence(server, tmp_path, text):
    server.script(always="rate_limit_after", retry_after=text)
    with pytest.raises(fp.ElicitationError, match="asks to wait|Rate limit") as caught:
        ask(survey(server.url, 2), tmp_path / "a.jsonl")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text", ["Mon, 99 Foo 99999 99:99:99 GMT", "Sun, 06 Nov 0000 08:49:37 GMT", "\x00", "1" * 5000]
)
def test_a_wait_that_is_none_is_none(text):
    found = retry_after({"retry-after": text})
    assert found is None or found >= 0


def test_pieces_are_put_together():
    def piece(**choice):
        return "data: " + json.dumps({"model": "m", "choices": [{"index": 0, **choice}]}) + "\n\n"

    text = piece(delta={"reasoning_content": "Hm"}) + piece(delta={"content": "A"})
    text += piece(delta={"content": "B"}, logprobs={"content": [1]}, finish_reason="stop")
    other = json.dumps({"choices": [{"index": 1, "delta": {"content": "no"}}]})
    whole = completion_of(text + f"data: {other}\n\ndata: [DONE]")
    message = whole["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("AB", "Hm")
    assert whole["choices"][0]["logprobs"]["content"] == [1] and whole["model"] == "m"
    arguments = [{"index": 0, "function": {"arguments": a}} for a in ('{"vo', 'te"}')]
    calls = "".join(piece(delta={"tool_calls": [a]}) for a in arguments) + "data: [DONE]\n\n"
    (call,) = completion_of(calls)["choices"][0]["message"]["tool_calls"]
    assert call["function"]["arguments"] == '{"vote"}'
    assert completion_of('data: {"error": {"message": "no"}}\n\n')["error"] == {"message": "no"}
    for bad in ("data: {\n\n", "data: 7\n\n", "data: [DONE]\n\n", piece(delta={"content": "A"})):
        with pytest.raises(Unreadable):
            completion_of(bad)


def test_a_batch_is_read_to_the_limit(server, tmp_path):
    server.script(when={"Person 3:": "long"})
    llm = ask(survey(server.url, 5), tmp_path / "a.jsonl", batch=True)
    assert len(llm) == 8
    rejected = [line for line in finals(tmp_path / "a.jsonl") if line["rejected"]]
    assert [line["rejected"]["reason"] for line in rejected] == ["too long"] * 2
    assert all(len(line["raw"]) == LIMIT < line["length"] for line in rejected)


ODD_PATHS = [
    ("POST /v1/files", "[]"),
    ("POST /v1/files", '{"id": null}'),
    ("POST /v1/files", '{"id": ["file"]}'),
    ("POST /v1/files", "{"),
    ("POST /v1/files", "<html>"),
    ("POST /v1/batches", "7"),
    ("POST /v1/batches", '{"id": "\u202e"}'),
    ("POST /v1/batches", "[" * 200_000),
    ("GET /v1/batches/", '{"id": "other", "status": "completed"}'),
    ("GET /v1/batches/", '{"status": ["completed"]}'),
]


@pytest.mark.parametrize(("path", "body"), ODD_PATHS)
def test_odd_replies_about_batches_are_one_sentence(server, tmp_path, path, body):
    server.script(paths={path: {"body": body}})
    with pytest.raises(fp.ElicitationError) as caught:
        ask(survey(server.url, 3, factors={}), tmp_path / "a.jsonl", batch=True)
    assert str(caught.value).isprintable()


LINE = '{"custom_id": "KEY", "response": %s}\n'
ODD_LINES = [
    *(LINE % wrong for wrong in ("7", '"x"', '{"status_code": 200, "body": 7}', "[]")),
    '{"custom_id": 7}\n[]\n7\n{"custom_id": "00"}\n',
    "[" * 100_000,
    "",
]


@pytest.mark.parametrize("wrong", ODD_LINES)
def test_an_odd_line_of_a_batch_is_its_calls_alone(server, tmp_path, wrong):
    study = survey(server.url, 3)
    keys = [call.key for call in study._study.calls(model="m")]
    text = "".join(wrong.replace("KEY", key) for key in keys[1:])
    server.script(paths={"GET /v1/files/": {"body": text}})
    llm = ask(study, tmp_path / "a.jsonl", batch=True)
    assert len(llm) == 1  # the one that was asked first, to see what the server can do
    assert {line["rejected"]["reason"] for line in finals(tmp_path / "a.jsonl")[1:]} == {
        "no response"
    }


def test_a_batch_does_not_wait_for_ever(server, tmp_path):
    told = {"status": 429, "body": "{}", "headers": {"Retry-After": "1e300"}}
    server.script(paths={"POST /v1/batches": told})
    with pytest.raises(fp.ElicitationError, match="asks to wait a very long time"):
        ask(survey(server.url, 3), tmp_path / "a.jsonl", batch=True)


def test_other_requests_are_bounded_too(server):
    """A list without end is read to a limit, too."""
    from foundation_priors.elicit.transport import LISTS

    async def listed():
        async with fp.Endpoint(server.url).client("m") as client:
            import httpx2

            server.script(always="flood")
            reply = await client.post("/chat/completions", cast_to=httpx2.Response, content=b"{}")
            return len(reply.content)

    assert asyncio.run(listed()) == LISTS
