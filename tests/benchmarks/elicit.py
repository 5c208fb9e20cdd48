"""What asking costs beside a bare client, and how much memory many calls take.

Run as ``python -m tests.benchmarks.elicit [throughput | memory ...]``, or as the part ``elicit`` of
``tests.benchmarks.run``. The server is the loopback one of the tests, in a process of its own,
and answers after 50 ms. A bare ``asyncio.gather`` over ``AsyncOpenAI`` with the same requests
and the same bound on their number runs in turn with the package's; the package also writes and
syncs its journal and checks every answer. Peak memory is the largest resident set of a fresh
process. Results are stored beside this file. Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import foundation_priors as fp
from tests.elicit.loopback import ROOT, Loopback

__all__ = ["bare", "elicit", "memory", "throughput"]

LATENCY = 0.05
CONCURRENCY = 100
CALLS = 4_000
SMALL, LARGE = 5_000, 50_000
# The tenfold calls come from tenfold draws of the same people, or from tenfold people.
KINDS = {"draws": (1_000, 5, 50), "profiles": (5_000, 1, 10)}


def survey(url: str, profiles: int) -> fp.Elicitation:
    """Return a study of a typical size: a paragraph of a prompt, two outcomes."""
    frame = pd.DataFrame(
        {"number": np.arange(profiles), "age": 18 + np.arange(profiles) % 70, "region": "north"}
    )
    return fp.Elicitation(
        prompt="You are person {number}, {age} years old, and live in the {region} of the United "
        "States in the autumn of 1996. Bill Clinton and Bob Dole stand for president. For whom "
        "do you vote, and where do you place yourself between liberal (1) and conservative (7)?",
        answer={"vote": ["Clinton", "Dole"], "place": range(1, 8)},
        profiles=frame,
        models={"loopback": fp.Endpoint(base_url=url)},
        settings={"temperature": 1.0, "max_tokens": 100},
    )


def requests(server: Loopback, folder: Path) -> list[dict[str, Any]]:
    """Return the requests that the package makes for the study, as the server saw them."""
    server.script(keep=True)
    elicit(server, folder / "kept.jsonl", CONCURRENCY, CALLS)
    return server.requests()


def bare(server: Loopback, asked: list[dict[str, Any]]) -> float:
    """Return the seconds that a bare client takes."""
    from openai import AsyncOpenAI

    async def run() -> None:
        slots = asyncio.Semaphore(CONCURRENCY)
        async with AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as client:

            async def one(body: dict[str, Any]) -> str | None:
                async with slots:
                    reply = await client.chat.completions.create(**body)
                return reply.choices[0].message.content

            said = await asyncio.gather(*(one(body) for body in asked))
        assert all(said)

    began = time.perf_counter()
    asyncio.run(run())
    return time.perf_counter() - began


def elicit(server: Loopback, journal: Path, concurrency: int, profiles: int) -> float:
    """Return the seconds that the package takes."""
    began = time.perf_counter()
    llm = survey(server.url, profiles).run(journal=journal, concurrency=concurrency, progress=False)
    seconds = time.perf_counter() - began
    assert len(llm) == profiles
    return seconds


def throughput(repeats: int) -> dict[str, Any]:
    """Alternate bare and whole runs; return calls a second and the ratio of each pair."""
    alone, whole = [], []
    with Loopback() as server, tempfile.TemporaryDirectory() as name:
        asked = requests(server, Path(name))
        server.script(latency=LATENCY)
        for i in range(repeats):
            # Whoever comes second finds a warmer machine: take turns.
            for runner in ("bare", "elicit") if i % 2 else ("elicit", "bare"):
                if runner == "bare":
                    alone.append(CALLS / bare(server, asked))
                else:
                    journal = Path(name) / f"{i}.jsonl"
                    whole.append(CALLS / elicit(server, journal, CONCURRENCY, CALLS))
            print(f"bare {alone[-1]:.0f}, elicitation {whole[-1]:.0f} calls a second", flush=True)
    ratios = np.array(whole) / np.array(alone)
    return {
        "calls": CALLS,
        "latency": LATENCY,
        "concurrency": CONCURRENCY,
        "repeats": repeats,
        "bare": round(float(np.median(alone))),
        "elicitation": round(float(np.median(whole))),
        "ratio": round(float(np.median(ratios)), 3),
        "ratios": [round(float(r), 3) for r in ratios],
    }


def memory(kind: str) -> dict[str, Any]:
    """Return the peak memory of fresh processes in MB: importing, at few calls, at many."""
    profiles, few, many = KINDS[kind]
    sizes = {0: (1, 0), SMALL: (profiles, few)}
    sizes[LARGE] = (profiles, many) if kind == "draws" else (profiles * many, few)
    with Loopback() as server:
        peaks = {calls: _peak(server, *size) for calls, size in sizes.items()}
    return {
        "calls": [SMALL, LARGE],
        "import": peaks[0],
        "few": peaks[SMALL],
        "many": peaks[LARGE],
        "ratio": round(peaks[LARGE] / peaks[SMALL], 3),
    }


def _peak(server: Loopback, profiles: int, draws: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.elicit", "child", server.url]
    done = subprocess.run(
        [*command, str(profiles), str(draws)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def child(url: str, profiles: int, draws: int) -> None:
    """Ask, and print the largest resident set in MB."""
    study = survey(url, profiles)
    with tempfile.TemporaryDirectory() as name:
        if draws:
            llm = study.run(
                journal=Path(name) / "a.jsonl",
                draws=draws,
                concurrency=CONCURRENCY,
                progress=False,
            )
            assert len(llm) == profiles * draws
    print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1))


def main(repeats: int = 5, names: list[str] | None = None) -> None:
    """Measure and store."""
    # Here, since it imports PyMC, which a child's memory must not hold.
    from tests.benchmarks.tables import store

    if not names or "throughput" in names:
        row = throughput(max(repeats, 5))
        store("elicit", "throughput", "loopback", row)
        print(row, flush=True)
    for kind in KINDS:
        if not names or "memory" in names or kind in names:
            row = memory(kind)
            store("elicit", "memory", kind, row)
            print(kind, row, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("what", nargs="*", help="throughput, memory, draws or profiles")
        parser.add_argument("--repeats", type=int, default=5)
        given = parser.parse_args()
        main(given.repeats, given.what)
