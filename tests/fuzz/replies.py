"""Random replies of servers: whatever they send ends as an answer, a reason, or one sentence.

``python -m tests.fuzz.replies`` reads 2,000 of them, prints what became of them and fails if one
ended otherwise; the tests read a few. Each is at first a sound completion of one of four studies,
then spoilt: nodes of its JSON are replaced, taken out, doubled or nested, its answer is cut or
mixed with what readers stumble over, its bytes are changed. It goes the way of a response: it is
judged, counted against a budget, written to a journal, and replayed.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import dataclasses
import json
import math
import random
import tempfile
import time
import tracemalloc
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

import foundation_priors as fp
from foundation_priors.elicit.design import Call, Study
from foundation_priors.elicit.exchange import Reply, judge, read_reply
from foundation_priors.elicit.journal import Journal
from foundation_priors.elicit.progress import Outcome
from foundation_priors.elicit.reading import loads
from foundation_priors.elicit.retry import Patience, Unreadable, explain, of_status
from foundation_priors.elicit.run import Run
from tests.elicit.loopback import Loopback

__all__ = ["body", "fuzz", "spoilt", "studies", "through_a_server"]

SECONDS = 20.0  # of one reply
BYTES = 60_000_000  # of memory, for replies of at most one million bytes
BIG = 10**400
JUNK = (
    *(None, True, False, 0, -1, 1.5, 10**30, -(10**30), BIG, math.nan, math.inf, -math.inf, 1e-300),
    *("", " ", "x", "\0", "\x1b[2J", "\ud800", "\udfff\ud800", "\u202e", "é" * 50, "9" * 5000),
    *("1e999", "NaN", "-", "{", "[", "12.0", "null", "error", "length", "content_filter", "stop"),
    *([], {}, [[]], [None], {"": None}, {"content": []}, [{"text": {}}], [1, "a", {}]),
)
WORDS = (
    *(
        "<think>",
        "</think>",
        "<thinking>",
        "</reasoning>",
        "[/THINK]",
        "<|channel|>final<|message|>",
    ),
    *("{", "}", "[", "]", '"', "\\", "```", "```json\n", ",", ":", "\n", "\0", "\ud83d", "\x9b2J"),
    *("NaN", "-Infinity", "1e999", "null", "1,200", "1.200", "$450", "2: ", "{}", '{"vote":'),
    *("I'm sorry", "A", " voter", "[" * 300, '{"a":' * 300, "{" * 30_000, '{"', "9" * 5000),
)


def studies() -> list[Study]:
    """Return studies of one question, of several, of three profiles in a call, and of letters."""
    frame = pd.DataFrame({"age": range(20, 80)}, index=[f"p{i}" for i in range(60)])
    vote = {"vote": ["Clinton", "Dole"]}
    several = {**vote, "place": range(1, 8), "wage": fp.Number(0, 5000, unit="dollars")}
    kinds: list[dict[str, Any]] = [
        {"answer": {"wage": fp.Number(0, 5000, unit="dollars")}},
        {"answer": {**several, "why": fp.Text(max_length=40), "sure": bool}},
        {"answer": several, "per_call": 3, "prompt": "{profiles}"},
        {"answer": vote, "probabilities": True},
    ]
    point = fp.Endpoint("http://127.0.0.1:9/v1", price=(1.0, 2.0))
    given = {"prompt": "You are {age}.", "profiles": frame, "models": {"m": point}}
    sampling = {"settings": {"max_tokens": 50}}
    surveys = [fp.Elicitation(**{**given, **sampling, **kind}) for kind in kinds]
    return [dataclasses.replace(survey._study, draws=100, _memo={}) for survey in surveys]


def spoilt(value: Any, rng: random.Random) -> Any:
    """Spoil some nodes or a text of a value of JSON."""
    for _ in range(rng.choice((1, 1, 2))):
        value = rng.choice((_replaced, _without, _nested, _said))(value, rng)
    return value


def body(call: Call, rng: random.Random) -> bytes:
    """Return the body of one response: a sound one, spoilt a few times."""
    value: Any = _completion(call, rng)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 5))):
        value = rng.choice((_replaced, _replaced, _without, _doubled, _nested, _said))(value, rng)
    raw = json.dumps(value).encode()
    if rng.random() < 0.2:
        raw = _bytes(raw, rng)
    return raw[:1_000_000]


def _completion(call: Call, rng: random.Random) -> dict[str, Any]:
    text, tokens = _answer(call, rng), None
    if call.study.probabilities:
        texts = [*rng.choice(((), ("<think>", "A", "</think>"), ("\n",))), rng.choice("AB")]
        texts += rng.choice(((), (".",), (" voter",), (":", " Dole")))
        top = [{"token": t, "logprob": math.log(p)} for t, p in (("A", 0.7), ("B", 0.29))]
        tokens = [{"token": t, "logprob": -0.1, "bytes": [65], "top_logprobs": top} for t in texts]
        text = "".join(texts).rpartition("</think>")[2]
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if rng.random() < 0.2:
        message |= {"content": None, rng.choice(("reasoning_content", "reasoning")): text}
    if rng.random() < 0.1:
        message |= {"content": "", "tool_calls": [{"function": {"name": "f", "arguments": text}}]}
    finish = rng.choice(("stop", "stop", "stop", "length", "error", "content_filter", None))
    return {
        "id": "1",
        "model": "m-1",
        "system_fingerprint": "fp",
        "choices": [
            {"index": 0, "message": message, "logprobs": {"content": tokens}}
            | {"finish_reason": finish}
        ],
        "usage": {"prompt_tokens": rng.randrange(100), "completion_tokens": rng.randrange(50)},
    }


def _answer(call: Call, rng: random.Random) -> str:
    kinds = {
        "vote": ("Clinton", "Dole", "2: Dole", "none", ["Dole"]),
        "place": (1, 7, "4", 9, 4.5),
        "wage": (1.5, "1,200", "1.200", "$450", -1, "12,5"),
        "why": ("Since.", "\ud800", "x" * 50),
        "sure": (True, "yes", 1),
    }

    def one() -> dict[str, Any]:
        return {name: rng.choice(kinds[name]) for name in call.study.schema.fields}

    value = {str(p): one() for p in call.profiles} if call.keyed else one()
    text = json.dumps(value)
    return rng.choice(
        (text, text, f"Draft: {json.dumps(one())} Final: {text}", f"```\n{text}\n```")
    )


def _nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict | list) or len(path) > 30:
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(p for name, part in inner for p in _nodes(part, (*path, name)))]


def _node(value: Any, rng: random.Random) -> tuple[Any, ...]:
    """Draw a node, rather one inside than one at the top."""
    nodes = _nodes(value)
    return max(rng.choice(nodes), rng.choice(nodes), key=len)


def _changed(value: Any, path: tuple[Any, ...], make: Any) -> Any:
    """Return a value in which the node at a path is made anew; None takes it out of its parent."""
    if not path:
        return make(value)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _changed(copy[path[0]], path[1:], make)
    return copy


def _replaced(value: Any, rng: random.Random) -> Any:
    return _changed(value, _node(value, rng), lambda old: rng.choice(JUNK))


def _without(value: Any, rng: random.Random) -> Any:
    def fewer(old: Any) -> Any:
        if isinstance(old, dict) and old:
            gone = rng.choice(list(old))
            return {name: part for name, part in old.items() if name != gone}
        return old[1:] if isinstance(old, list) else old

    return _changed(value, _node(value, rng), fewer)


def _doubled(value: Any, rng: random.Random) -> Any:
    many = rng.choice((2, 2, 100))
    return _changed(
        value,
        _node(value, rng),
        lambda old: old * many if isinstance(old, list | str) else [old] * many,
    )


def _nested(value: Any, rng: random.Random) -> Any:
    def deep(old: Any) -> Any:
        for _ in range(rng.choice((1, 3, 100, 400))):
            old = [old] if rng.random() < 0.5 else {"a": old}
        return old

    return _changed(value, _node(value, rng), deep)


def _said(value: Any, rng: random.Random) -> Any:
    """Spoil a text somewhere in it."""
    texts = [path for path in _nodes(value) if isinstance(_at(value, path), str)]
    return _changed(value, rng.choice(texts), lambda old: _text(old, rng)) if texts else value


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


def _text(text: str, rng: random.Random) -> str:
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randint(0, len(text))
        word = rng.choice(WORDS)
        text = rng.choice(
            (text[:at], text[:at] + word + text[at:], text + text, text + 200 * "\n", word * 50)
        )[:200_000]
    return text


def _bytes(raw: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(raw))
    return rng.choice(
        (
            raw[:at],
            raw[:at] + bytes([rng.randrange(256)]) + raw[at + 1 :],
            b"[" * 200_000 + raw,
            b'{"choices":' * 50_000,
            raw.replace(b"0", b"1e999"),
            b"\xff\xfe" + raw,
            b"<html>" + raw,
            b"",
        )
    )


def outcome(study: Study, call: Call, raw: bytes, run: Run, loop: asyncio.Runner) -> str:
    """Take one response the way of a run, and say what became of it."""
    try:
        try:
            got: Reply | Unreadable = read_reply(loads(raw))
        except ValueError:
            raise Unreadable("the response was cut short") from None
    except Unreadable as error:
        fault = explain(error)
        assert "\n" not in str(run.error("m", fault))
        return "asked again"
    assert isinstance(got, Reply)
    bound = run.bound(call, raw[:1000])
    spent = run.spent(call, bound, got, True)
    assert all(part >= 0 and math.isfinite(part) for part in dataclasses.astuple(spent))
    parsed, rejected = judge(study, call, got)
    loop.run(run.keep(call, "text", call.messages, got, parsed, rejected, True, 1))
    if rejected is None:
        return "answer"
    assert rejected.reason and isinstance(rejected.detail, str)
    return "in part" if parsed is not None else f"rejected, {rejected.reason}"


def fuzz(replies: int, seed: int) -> Counter[str]:
    """Read random replies, and count what became of them.

    Raises
    ------
    AssertionError
        If one ended otherwise than as an answer, a reason, or one sentence, or took too long or too
        much memory.
    """
    rng, found = random.Random(seed), Counter[str]()
    for number, study in enumerate(studies()):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "answers.jsonl"
            with asyncio.Runner() as loop, Journal(path) as journal:
                head = study.record()
                journal.write({"kind": head.pop("kind"), **head})
                journal.write({"kind": "run", "version": study.version, "draws": study.draws})
                run = Run(study, journal, {"money": 1e9}, Patience(), Outcome(study.n_calls))
                for _, call in zip(range(number, replies, 4), study.calls(), strict=False):
                    found[_checked(study, call, body(call, rng), run, loop)] += 1
            path.read_text(encoding="utf-8")
            _replayed(path, study)
    for _ in range(replies // 10):
        found[_refused(rng)] += 1
    return found


def _checked(study: Study, call: Call, raw: bytes, run: Run, loop: asyncio.Runner) -> str:
    began, before = time.process_time(), tracemalloc.get_traced_memory()[0]
    if tracemalloc.is_tracing():
        tracemalloc.reset_peak()
    try:
        became = outcome(study, call, raw, run, loop)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error} of {raw[:300]!r}") from error
    assert time.process_time() - began < SECONDS, raw[:300]
    if tracemalloc.is_tracing():
        assert tracemalloc.get_traced_memory()[1] - before < BYTES, raw[:300]
    return became


def _replayed(path: Path, study: Study) -> None:
    """Replay a journal by the rules of today, which are those of the run, and as stored."""
    values = []
    for reading in ("today", "stored"):
        with warnings.catch_warnings(), contextlib.suppress(fp.ElicitationError):
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", fp.IncompleteWarning)
            llm = fp.elicit.replay(path, reading=reading)  # type: ignore[arg-type]
            values.append(llm.dataset.drop_attrs())
            llm.to_netcdf(path.with_suffix(".nc"))
            assert fp.SyntheticData.from_netcdf(path.with_suffix(".nc")).identical(llm)
            assert str(llm).isprintable() or "\n" in str(llm)
    assert len(values) != 1 and (not values or values[0].identical(values[1]))


def _refused(rng: random.Random) -> str:
    """Explain the body of a refusal."""
    value: Any = {"error": {"message": "No.", "type": "x", "code": 5, "param": None}}
    for _ in range(rng.randint(0, 3)):
        value = rng.choice((_replaced, _without, _nested, _said))(value, rng)
    status = rng.choice((400, 401, 403, 404, 408, 429, 500, 503, 529, 302, 418))
    fault = of_status(status, value, {})
    assert isinstance(fault.text, str) and fault.text.startswith(f"HTTP {status}")
    return f"refused, {fault.kind}"


def through_a_server(replies: int, seed: int) -> Counter[str]:
    """Ask a server that sends such replies, by the client that asks every server.

    Raises
    ------
    AssertionError
        If a run ended otherwise than with answers or with one sentence.
    """
    found, rng, hasty = Counter[str](), random.Random(seed), Patience(6, 1, 1e-3, 1e-3, 0.01)
    with Loopback() as server, tempfile.TemporaryDirectory() as folder:
        for number in range(math.ceil(replies / 50)):
            study = studies()[number % 4]
            point = fp.Endpoint(server.url, timeout=20.0)
            study = dataclasses.replace(study, endpoints={"m": point}, draws=1, _memo={})
            survey = fp.Elicitation.__new__(fp.Elicitation)
            survey._study = study
            calls = [call for call, _ in zip(study.calls(), range(50), strict=False)]
            spoilt = [
                (rng.choice((*[200] * 12, 429, 500)), body(rng.choice(calls), rng))
                for _ in range(50)
            ]
            script = [[status, base64.b64encode(raw).decode()] for status, raw in spoilt]
            server.script(bodies=script)
            path = Path(folder) / f"{number}.jsonl"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", fp.IncompleteWarning)
                try:
                    survey.run(path, progress=False, patience=hasty, budget={"calls": 500})
                    found["run ended with answers"] += 1
                except fp.ElicitationError as error:
                    assert "\n" not in str(error) and len(str(error)) < 2_000
                    found["run ended with one sentence"] += 1
            found["requests"] += server.counts()["requests"]
            kinds = Counter(line["kind"] for line in Journal.read(path))
            assert kinds["answer"] + kinds["failure"] >= server.counts()["requests"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.perf_counter()
    tracemalloc.start()
    found = fuzz(given.replies, given.seed)
    seconds = time.perf_counter() - began
    tracemalloc.stop()
    asked = through_a_server(given.replies // 4, given.seed)
    print(", ".join(f"{count} {what}" for what, count in sorted(asked.items())))
    print(f"{found.total():,} replies in {seconds:.0f} s, seed {given.seed}")
    for became, count in found.most_common():
        print(f"{count:6,} {became}")


if __name__ == "__main__":
    main()
