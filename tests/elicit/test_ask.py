import asyncio
import time
from collections import Counter

import pytest

from foundation_priors.elicit.ask import Patience, ask
from foundation_priors.elicit.journal import Journal
from foundation_priors.errors import ElicitationError
from tests.elicit.faults import BROKEN, HARMLESS, PASSING
from tests.elicit.small import HASTY, asked, finals, lines, study


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers.jsonl"


def test_every_call_is_asked_once_and_answered(server, path):
    outcome = asked(study(server.url, profiles=30, draws=2), path)
    assert (outcome.calls, outcome.answered, outcome.requests) == (60, 60, 60)
    assert (outcome.missing, outcome.stopped) == (0, None)
    assert server.counts()["requests"] == 60
    line = next(iter(finals(path).values()))
    assert line["parsed"][0].keys() == {"vote", "place"}
    assert line["tokens"].keys() == {"input", "output"}
    assert line["server_model"] == "m0-loopback"
    assert line["latency"] > 0
    assert line["structured"] == "json_schema"


def test_a_second_run_asks_for_nothing_and_a_larger_one_for_the_rest(server, path):
    asked(study(server.url, profiles=10), path)
    again = asked(study(server.url, profiles=10), path)
    assert (again.before, again.requests, again.missing) == (10, 0, 0)
    more = asked(study(server.url, profiles=15), path)
    assert (more.before, more.requests) == (10, 5)
    assert len(finals(path)) == 15
    assert len(lines(path, "probe")) == 1


@pytest.mark.parametrize("fault", sorted(set(BROKEN | PASSING | HARMLESS) - {"html"}))
def test_a_fault_that_passes_costs_a_request_and_no_answer(server, path, fault):
    server.script(next=[None, fault])
    timeout = 1.0 if fault in ("hang", "endless") else 10.0
    outcome = asked(study(server.url, profiles=4, timeout=timeout), path, concurrency=1)
    assert (outcome.answered, outcome.missing) == (4, 0)
    passes = fault in HARMLESS
    assert outcome.failures == (0 if passes else 1)
    assert len(lines(path, "failure")) == outcome.failures
    assert server.counts()["requests"] == outcome.requests == (4 if passes else 5)


def test_a_web_page_in_the_middle_is_a_passing_fault_and_at_the_start_a_wrong_address(server, path):
    server.script(next=[None, "html"])
    assert asked(study(server.url, profiles=3), path, concurrency=1).answered == 3
    server.script(always="html")
    with pytest.raises(ElicitationError, match="web page.*base_url"):
        asked(study(server.url, profiles=3), path.with_name("b.jsonl"))
    assert server.counts()["requests"] == 3


def test_retry_after_is_waited_for(server, path):
    server.script(next=[None, "rate_limit_after"], retry_after=0.4)
    began = time.monotonic()
    asked(study(server.url, profiles=2), path, concurrency=1)
    assert time.monotonic() - began >= 0.4


def test_a_server_that_asks_for_too_much_patience_stops_the_run(server, path):
    server.script(always="rate_limit_after", retry_after=4000)
    with pytest.raises(ElicitationError, match="wait 4,000 s"):
        asked(study(server.url), path)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("unauthorized", "api_key"),
        ("forbidden", "api_key"),
        ("unknown_model", "fp.Endpoint\\(model="),
        ("quota", "credit"),
    ],
)
@pytest.mark.parametrize("at", [0, 5])
def test_what_asking_again_does_not_mend_stops_at_once(server, path, fault, sentence, at):
    server.script(next=[None] * at + [fault] * 1000)
    with pytest.raises(ElicitationError, match=sentence) as caught:
        asked(study(server.url, profiles=50, api_key="sk-quagga-7731"), path, concurrency=4)
    assert "'m0'" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "quagga" not in str(caught.value) + path.read_text()
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert server.counts()["requests"] <= at + 4
    server.script()
    assert asked(study(server.url, profiles=50), path).missing == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://no.such.host.invalid/v1"])
def test_no_server_at_the_address_stops_at_once(path, url):
    began = time.monotonic()
    with pytest.raises(ElicitationError, match="no connection.*base_url"):
        asked(study(url), path, patience=Patience())
    assert time.monotonic() - began < 5


def test_a_wrong_path_stops_at_once(server, path):
    with pytest.raises(ElicitationError, match="HTTP 404.*base_url"):
        asked(study(server.url.removesuffix("/v1")), path)


def test_a_server_that_goes_away_empties_no_study(server, path):
    server.script(next=[None] * 10 + ["unavailable"] * 10_000)
    with pytest.raises(ElicitationError, match="HTTP 503"):
        asked(study(server.url, profiles=40), path)
    assert Counter(line["rejected"] is None for line in finals(path).values()) == {True: 10}
    server.script()
    assert asked(study(server.url, profiles=40), path).answered == 30


def test_a_call_that_never_gets_a_response_is_left_without(server, path):
    server.script(when={"You are 25.": "server_error"})
    outcome = asked(study(server.url, profiles=20), path)
    assert outcome.rejected == {"no response": 1}
    assert outcome.answered == 19
    assert len(lines(path, "failure")) == HASTY.tries
    assert asked(study(server.url, profiles=20), path).requests == 0


def test_a_busy_server_is_waited_for_as_long_as_it_answers_others(server, path):
    # A call fails with probability .7; among 60 calls some fail 8 times in a row, and none is lost.
    server.script(share=0.7, faults=["rate_limit"], latency=0.002)
    outcome = asked(study(server.url, profiles=60), path)
    assert outcome.answered == 60
    tries = Counter(line["key"] for line in lines(path, "failure"))
    assert max(tries.values()) >= HASTY.tries


def test_a_call_that_is_always_turned_away_is_left_without_in_the_end(server, path):
    server.script(when={"You are 25.": "rate_limit"}, latency=0.002)
    outcome = asked(study(server.url, profiles=40), path)
    assert outcome.rejected == {"no response": 1}
    assert outcome.answered == 39


@pytest.mark.parametrize(("fault", "mode"), [("off_range", "json_schema"), ("list", "text")])
def test_a_wrong_value_in_the_right_form_shows_that_the_form_is_understood(
    server, path, fault, mode
):
    server.script(next=[fault] * 5)
    assert asked(study(server.url), path).missing == 0
    assert lines(path, "probe")[0]["structured"] == mode


@pytest.mark.parametrize("age", [20, 25, 39])
def test_a_call_that_the_server_refuses_is_left_without(server, path, age):
    server.script(when={f"You are {age}.": "too_long"})
    if age == 20:  # the first call: nothing speaks against the settings being wrong
        with pytest.raises(ElicitationError, match="context length.*settings"):
            asked(study(server.url, profiles=20), path)
        return
    outcome = asked(study(server.url, profiles=20), path)
    assert outcome.rejected == {"bad request": 1}
    assert outcome.answered == 19


@pytest.mark.parametrize(
    ("fault", "reason", "requests"),
    [
        ("wrong_schema", "off schema", 3),
        ("not_json", "not JSON", 3),
        ("length", "truncated", 3),
        ("empty", "empty", 3),
        ("null_content", "empty", 3),
        ("refusal", "refusal", 1),
        ("filtered", "content filter", 1),
    ],
)
def test_answers_without_a_valid_one_are_asked_again_or_kept(server, path, fault, reason, requests):
    server.script(when={"You are 25.": fault})
    outcome = asked(study(server.url, profiles=10), path)
    assert outcome.rejected == {reason: 1}
    assert outcome.answered == 9
    assert outcome.requests == 9 + requests
    tried = [line for line in lines(path, "answer") if line["rejected"]]
    assert [line["final"] for line in tried] == [False] * (requests - 1) + [True]
    assert all(line["rejected"]["detail"] and line["parsed"] is None for line in tried)
    assert all(line["raw"] is not None for line in tried)


def test_tries_of_an_earlier_run_count(server, path):
    server.script(when={"You are 25.": "not_json"})
    first = asked(study(server.url, profiles=6), path, budget={"calls": 6}, concurrency=1)
    assert first.stopped
    assert first.retried == {"not JSON": 1}
    second = asked(study(server.url, profiles=6), path, concurrency=1)
    assert second.rejected == {"not JSON": 1}
    assert second.requests == 2


@pytest.mark.parametrize(
    ("formats", "mode", "refused"),
    [
        (["json_schema", "json_object"], "json_schema", 0),
        (["json_object"], "json_object", 1),
        ([], "text", 2),
    ],
)
def test_the_form_of_answers_is_found_by_asking_and_remembered(
    server, path, formats, mode, refused
):
    server.script(formats=formats, keep=True)
    outcome = asked(study(server.url), path)
    assert outcome.answered == 10
    assert outcome.requests == 10 + refused
    (probe,) = lines(path, "probe")
    assert probe["structured"] == mode
    assert {line["structured"] for line in finals(path).values()} == {mode}
    sent = server.requests()[-1]
    assert finals(path).popitem()[1]["messages"][0].keys() == sent["messages"][0].keys()
    more = asked(study(server.url, profiles=15), path)
    assert more.requests == 5
    assert len(lines(path, "probe")) == 1


def test_a_server_that_ignores_the_form_is_told_in_words(server, path):
    server.script(next=["not_json"] * 4)
    outcome = asked(study(server.url), path)
    assert lines(path, "probe")[0]["structured"] == "text"
    assert outcome.answered == 10
    assert outcome.retried == {"not JSON": 4}
    assert '"properties"' in finals(path).popitem()[1]["messages"][-1]["content"]


def test_another_address_is_probed_again(server, path):
    server.script(formats=[])
    asked(study(server.url, profiles=2), path)
    asked(study(server.url.replace("127.0.0.1", "localhost"), profiles=4), path)
    assert len(lines(path, "probe")) == 2


def test_probabilities_need_log_probabilities(server, path):
    given = {"probabilities": "vote", "settings": {}}
    outcome = asked(study(server.url, profiles=3, **given), path)
    assert outcome.answered == 3
    line = finals(path).popitem()[1]
    assert sum(line["parsed"][0]["vote"].values()) == pytest.approx(1)
    assert line["logprobs"]
    for script in (None, False):
        server.script(logprobs=script)
        with pytest.raises(ElicitationError, match="log-?prob"):
            asked(study(server.url, profiles=3, **given), path.with_name(f"{script}.jsonl"))


def test_missing_usage_is_not_recorded(server, path):
    server.script(always="no_usage")
    outcome = asked(study(server.url), path)
    assert outcome.unrecorded == 10
    assert sum(outcome.tokens.values()) == 0
    assert finals(path).popitem()[1]["tokens"] is None


def test_concurrency_is_bounded_and_falls_when_the_server_is_overloaded(server, path):
    server.script(latency=0.3)
    asked(study(server.url, profiles=28), path, concurrency=7)
    assert 4 <= server.counts()["peak"] <= 7
    server.script(latency=0.02, next=[None] + ["rate_limit"] * 30)
    outcome = asked(study(server.url, profiles=60), path.with_name("b.jsonl"), concurrency=16)
    assert outcome.answered == 60
    assert outcome.failures == 30


def test_several_models_of_one_server_and_of_two(server, path):
    other = server.url.replace("127.0.0.1", "localhost")
    outcome = asked(study(server.url, server.url, other, profiles=5), path)
    assert outcome.answered == 15
    by_model = Counter(line["model"] for line in finals(path).values())
    assert by_model == {"m0": 5, "m1": 5, "m2": 5}
    evenly = asked(
        study(server.url, server.url, profiles=9),
        path.with_name("b.jsonl"),
        budget={"calls": 6},
        concurrency=1,
    )
    assert evenly.answered == 6
    by_model = Counter(line["model"] for line in finals(path.with_name("b.jsonl")).values())
    assert by_model == {"m0": 3, "m1": 3}


def test_a_run_that_is_cancelled_loses_no_answer(server, path):
    server.script(latency=0.03)

    async def run():
        with Journal(path) as journal:
            task = asyncio.create_task(
                ask(study(server.url, profiles=200), journal, progress=False, concurrency=10)
            )
            while (await asyncio.to_thread(server.counts))["requests"] < 30:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    done, seen = len(finals(path)), server.counts()["requests"]
    assert 0 < done < 200
    assert done <= seen <= done + 10
    rest = asked(study(server.url, profiles=200), path, concurrency=10)
    assert (rest.before, rest.answered) == (done, 200 - done)


def test_a_bar_shows_counts(server, path, capsys):
    server.script(when={"You are 25.": "refusal"})
    asked(study(server.url, price=(1e4, 1e4)), path, progress=True)
    shown = capsys.readouterr().out
    assert "10/10" in shown
    assert "1 rejected" in shown


def test_concurrency_must_be_a_number(server, path):
    with pytest.raises(ValueError, match="concurrency"):
        asked(study(server.url), path, concurrency=0)
