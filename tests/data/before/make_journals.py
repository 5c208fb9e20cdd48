"""How the journals of before were made: by the version of 2026-11-23, which read these answers so.

``PYTHONPATH=<that version> python make_journals.py <folder>`` writes ``numbers.jsonl.gz``,
``profiles.jsonl.gz`` and ``letters.jsonl.gz``, and beside each, in ``journals.json``, what a replay
of that version gave.
"""

import asyncio
import dataclasses
import gzip
import json
import math
import sys
import tempfile
import warnings
from pathlib import Path

import pandas as pd

import foundation_priors as fp
from foundation_priors.elicit.exchange import judge, read_reply
from foundation_priors.elicit.journal import Journal
from foundation_priors.elicit.progress import Outcome
from foundation_priors.elicit.retry import Patience
from foundation_priors.elicit.run import Run

NUMBERS = [
    ('{"wage": 450}', "stop"),
    ('{"wage": "1.200"}', "stop"),
    ("4", "error"),
    ('Draft: {"wage": 450}. Final: {"wage": "none"}', "stop"),
    ('{"wage": "1,200"}', "stop"),
    ('{"wage": "$450"}', "stop"),
    ('{"wage": 450}\n\n\n', "length"),
    ("<thinking>450?</thinking> 500", "stop"),
    ("I'm sorry, I can't say.", "stop"),
]
PROFILES = [
    ('{"p0": {"wage": 1}, "p1": {"wage": 2}, "p2": {"wage": 3}}', "stop"),
    ('{"p3": {"wage": 4}, "p5": {"wage": 6}}', "stop"),
    ('{"p6": {"wage": 7}, "p7": {"wage": "7.500"}, "p8": {"wage": 9}}', "stop"),
]
LETTERS = [
    [("A", {"A": 0.6, "B": 0.4})],
    [("A", {"A": 0.6})],
    [("A", {"A": 0.9, "I": 0.1}), (" voter", {" voter": 0.9})],
    [("A", {"A": 0.9}), ("</think>", {"</think>": 0.9}), ("B", {"B": 0.97, "A": 0.03})],
]


def response(text, finish, tokens=None):
    choice = {"message": {"content": text}, "finish_reason": finish, "logprobs": tokens}
    return {
        "choices": [choice],
        "model": "m-1",
        "usage": {"prompt_tokens": 9, "completion_tokens": 9},
    }


def token(text, listed):
    top = [{"token": t, "logprob": math.log(p)} for t, p in listed.items()]
    return {"token": text, "logprob": math.log(listed[text]), "top_logprobs": top}


def made(name, responses, folder, per_call=1, **given):
    frame = pd.DataFrame({"age": range(20, 20 + per_call * len(responses))})
    frame.index = [f"p{i}" for i in range(len(frame))]
    point = fp.Endpoint("http://127.0.0.1:9/v1", model="tiny")
    prompt = "{profiles}" if per_call > 1 else "You are {age}."
    survey = fp.Elicitation(prompt, profiles=frame, models={"m": point}, per_call=per_call, **given)
    study = dataclasses.replace(survey._study, draws=1, _memo={})
    path = Path(tempfile.mkdtemp()) / f"{name}.jsonl"
    with Journal(path) as journal:
        head = study.record()
        journal.write({"kind": head.pop("kind"), **head, "time": "2026-11-23"})
        journal.write({"kind": "run", "version": study.version, "draws": 1, "time": "2026-11-23"})

        async def keep():
            run = Run(study, journal, None, Patience(), Outcome())
            for call, body in zip(study.calls(), responses, strict=True):
                reply = read_reply(body)
                parsed, rejected = judge(study, call, reply)
                await run.keep(call, "text", call.messages, reply, parsed, rejected, True, 1)

        asyncio.run(keep())
    (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        llm = survey.replay(path)
    kept = [name for name in (*llm.outcomes, "profile", "probability") if name in llm.dataset]
    return {column: llm.column(column).tolist() for column in kept}


def main(folder):
    wage = {"answer": {"wage": fp.Number(0, 5000, unit="dollars")}}
    letters = [
        response("".join(t for t, _ in pairs), "stop", {"content": [token(*p) for p in pairs]})
        for pairs in LETTERS
    ]
    found = {
        "numbers": made("numbers", [response(*said) for said in NUMBERS], folder, **wage),
        "profiles": made("profiles", [response(*s) for s in PROFILES], folder, per_call=3, **wage),
        "letters": made(
            "letters", letters, folder, answer={"vote": ["Clinton", "Dole"]}, probabilities=True
        ),
    }
    (folder / "journals.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
