"""What a study takes is checked before anybody is asked, and it shows what it is."""

import asyncio
import copy
import os
import pickle
import signal
import threading

import pytest

import foundation_priors as fp
from foundation_priors.elicit.loops import run_anywhere
from foundation_priors.errors import ColumnError
from tests.elicit.offline import FRAME, POINT, elicitation, write


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"prompt": ""}, TypeError, "prompt="),
        ({"prompt": {"a": "b"}}, TypeError, "prompt="),
        ({"system": 3}, TypeError, "system="),
        ({"line": 3}, TypeError, "line="),
        ({"instructions": 3}, TypeError, "instructions="),
        ({"models": {}}, TypeError, "at least one model"),
        ({"models": {"m": "http://localhost:1/v1"}}, TypeError, "holds a str"),
        ({"models": POINT}, TypeError, "at least one model"),
        ({"models": {"m": fp.Endpoint("http://a/v1", settings={"n": 2})}}, ValueError, "'n'"),
        ({"factors": ["a"]}, TypeError, "must be a dictionary"),
        ({"factors": {"framing": "plain"}}, TypeError, "list of levels"),
        ({"factors": {"framing": {}}}, ValueError, "one or more distinct levels"),
        ({"factors": {"framing": {"a": 3}}}, ValueError, "each with a text"),
        ({"factors": {"framing": ["a", "a"]}}, ValueError, "twice"),
        ({"factors": {"age/sex": ["a"]}}, ColumnError, "'age/sex' is a factor and holds '/'"),
        ({"factors": {"age": ["a"]}}, ColumnError, "'age' is a factor and also a column"),
        ({"factors": {"vote": ["a"]}}, ColumnError, "'vote' is a field"),
        ({"factors": {"draw": ["a"]}}, ColumnError, "'draw' is a factor and also used by"),
        ({"factors": {"vote_options": ["a"]}}, ColumnError, "list of a field's options"),
        ({"factors": {"option_order": ["up"]}}, ValueError, "not 'up'"),
        (
            {"factors": {"option_order": ["original"]}, "shuffle_options": True},
            ValueError,
            "not both",
        ),
        ({"answer": {"n": range(3)}, "shuffle_options": True}, ValueError, "no list of options"),
        ({"profiles": FRAME.assign(profile=1)}, ColumnError, "set_index"),
        ({"profiles": FRAME.assign(place=1)}, ColumnError, "'place' is a field"),
        ({"profiles": FRAME.assign(source="x")}, ColumnError, "rename it"),
        ({"settings": {"messages": []}}, ValueError, "leave it out"),
        ({"settings": [1]}, TypeError, "settings="),
        ({"settings": {"temperature": float("nan")}}, ValueError, "not finite"),
        ({"settings": {"stop": object()}}, TypeError, "cannot be written down"),
        ({"per_call": 0}, ValueError, "per_call=0"),
        ({"per_call": 2.5}, ValueError, r"per_call=2\.5"),
        ({"per_call": True}, ValueError, "per_call=True"),
        ({"shuffle_options": 1}, TypeError, "shuffle_options=1"),
        ({"random_seed": "x"}, TypeError, "random_seed"),
        ({"probabilities": True}, ValueError, "one question"),
        ({"probabilities": True, "per_call": 2}, ValueError, "one question"),
        (
            {"probabilities": "vot", "answer": {"vote": ["a", "b"]}},
            ValueError,
            "Did you mean 'vote'",
        ),
        ({"probabilities": True, "answer": {"n": range(21)}}, ValueError, "2 to 20 options"),
        ({"probabilities": True, "answer": {"n": fp.Number(0, 1)}}, ValueError, "2 to 20 options"),
        (
            {"probabilities": True, "answer": {"n": range(3)}, "instructions": "Say it."},
            ValueError,
            "add {answer_form}",
        ),
        ({"line": "{age}"}, ValueError, "add {profiles}"),
        ({"per_call": 2, "prompt": "{profiles} {age}"}, ValueError, "prompt= names {age}"),
        ({"per_call": 2, "prompt": "{profiles} {framing}"}, ValueError, "prompt= names {age}"),
        ({"per_call": 2, "system": "{party}"}, ValueError, "system= names {party}"),
        ({"per_call": 2, "prompt": "{instructions} {age}"}, ValueError, "repeated for each"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(given, error, words):
    if given.get("prompt") != "{profiles} {framing}":
        given = {"factors": {"framing": {"a": "b"}}, **given}
    with pytest.raises(error, match=words) as caught:
        elicitation(**given)
    assert "\n" not in str(caught.value) and str(caught.value)[-1] in ".?"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda s: s.run("a.jsonl", draws=0), ValueError, "draws=0"),
        (lambda s: s.run("a.jsonl", draws=1.5), ValueError, r"draws=1\.5"),
        (lambda s: s.run("", draws=1), TypeError, "journal=''"),
        (lambda s: s.run(None), TypeError, "journal=None"),
        (lambda s: s.run("a.jsonl", concurrency=0), ValueError, "concurrency"),
        (lambda s: s.run("a.jsonl", budget={"euros": 3}), ValueError, "euros"),
        (lambda s: s.run("a.jsonl", batch="yes"), TypeError, "batch='yes'"),
        (lambda s: s.replay(3), TypeError, "journal=3"),
        (lambda s: s.preview(draws=-1), ValueError, "draws=-1"),
    ],
)
def test_what_cannot_be_run_is_refused(call, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        call(elicitation())


def test_a_refused_run_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for given in ({"concurrency": 0}, {"budget": {"euros": 3}}, {"batch": 1}, {"draws": 0}):
        with pytest.raises((TypeError, ValueError)):
            elicitation().run("a.jsonl", **given)
    assert list(tmp_path.iterdir()) == []


def test_displays_say_what_is_asked():
    survey = elicitation(prompt="<i>{age}</i> {framing}", system="Be kind.", per_call=2)
    for text in (repr(survey), survey._repr_html_()):
        assert "4 calls a draw, 2 profiles each" in text and "framing {short, long}" in text
        assert "a whole number from 1 to 7" in text and "http://127.0.0.1:9/v1" in text
    assert "<i>" not in survey._repr_html_()
    assert max(len(line) for line in repr(survey).splitlines()) <= 88


def test_a_study_is_copied_and_pickled_without_keys(tmp_path):
    point = fp.Endpoint("http://127.0.0.1:9/v1", model="tiny", api_key="sk-very-secret")
    survey = elicitation(models={"m": point})
    path = write(tmp_path / "a.jsonl", survey)
    raw = pickle.dumps(survey)
    assert b"sk-very" not in raw and "sk-very" not in repr(survey) + survey._repr_html_()
    for again in (pickle.loads(raw), copy.deepcopy(survey), copy.copy(survey)):
        assert again.replay(path).identical(survey.replay(path))


# Loops


async def _add(a, b):
    await asyncio.sleep(0)
    return a + b


def test_a_coroutine_runs_with_and_without_a_loop():
    async def cell():
        return run_anywhere(lambda: _add(1, 2)), threading.active_count()

    threads = threading.active_count()
    assert run_anywhere(lambda: _add(1, 2)) == 3
    assert asyncio.run(cell()) == (3, threads)


def test_an_error_comes_out_as_it_is():
    async def fail():
        raise KeyError("x")

    async def cell():
        return run_anywhere(fail)

    with pytest.raises(KeyError, match="x"):
        asyncio.run(cell())


@pytest.mark.parametrize("inside", [False, True])
def test_an_interrupt_cancels_and_waits_until_all_is_cleaned_up(inside):
    seen = []
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))

    async def wait():
        timer.start()  # not before there is something to interrupt, however slow the machine
        try:
            await asyncio.sleep(30)
            seen.append("slept")
        finally:
            await asyncio.sleep(0.05)
            seen.append("cleaned up")

    async def cell():
        return run_anywhere(wait)

    with pytest.raises(KeyboardInterrupt):
        if inside:
            loop = asyncio.new_event_loop()  # a notebook's loop leaves SIGINT to Python
            try:
                loop.run_until_complete(cell())
            finally:
                loop.close()
        else:
            run_anywhere(wait)
    timer.join()
    assert seen == ["cleaned up"]
