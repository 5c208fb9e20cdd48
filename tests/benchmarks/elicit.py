"""What asking costs beside a bare client, and how much memory many calls take.

Run as ``python -m tests.benchmarks.elicit [throughput | memory ...]``, or as the part ``elicit`` of
``tests.benchmarks.run``. The server is the loopback one of the tests, in a process of its own,
and answers after 50 ms. A bare ``asyncio.gather`` over ``AsyncOpenAI`` with the same requests
and the same bound on their number runs in turn with the package's; the package also writes and
syncs its journal and checks every answer. Peak memory is the largest resident set of a fresh
process. Results are stored beside this file and shown in ``docs/asking/cost.md``. Nothing here is
asserted.
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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import foundation_priors as fp
from tests.elicit.loopback import ROOT, Loopback

__all__ = ["PAGE", "bare", "elicit", "memory", "tables", "throughput", "write"]

PAGE = ROOT / "docs" / "asking" / "cost.md"

LATENCY = 0.05
CONCURRENCY = 100
CALLS = 3_000
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
    elicit(server, folder / "kept.jsonl")
    return server.requests()


@dataclass(frozen=True)
class Cost:
    """Calls a second, and milliseconds of this process's processor for each."""

    rate: float
    processor: float


def timed(run: Callable[[], Any]) -> Cost:
    """Do `CALLS` calls and say what they cost."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return Cost(CALLS / wall, 1e3 * processor / CALLS)


def bare(server: Loopback, asked: list[dict[str, Any]]) -> None:
    """Make the requests with nothing but the client."""
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

    asyncio.run(run())


def elicit(server: Loopback, journal: Path) -> None:
    """Make the requests with the package."""
    llm = survey(server.url, CALLS).run(journal=journal, concurrency=CONCURRENCY, progress=False)
    assert len(llm) == CALLS


def throughput(repeats: int) -> dict[str, Any]:
    """Alternate bare and whole runs; return medians, and the ratios of neighbours."""
    costs: dict[str, list[Cost]] = {"bare": [], "elicitation": []}
    with Loopback() as server, tempfile.TemporaryDirectory() as name:
        asked = requests(server, Path(name))
        server.script(latency=LATENCY)
        for i in range(repeats):
            runs = {
                "bare": lambda: bare(server, asked),
                "elicitation": lambda i=i: elicit(server, Path(name) / f"{i}.jsonl"),
            }
            # Whoever comes second finds a warmer machine: take turns.
            for who in sorted(runs, reverse=bool(i % 2)):
                costs[who].append(timed(runs[who]))
            print({who: costs[who][-1] for who in runs}, flush=True)
    rates = {who: np.array([c.rate for c in costs[who]]) for who in costs}
    ratios = rates["elicitation"] / rates["bare"]
    return {
        "calls": CALLS,
        "latency": LATENCY,
        "concurrency": CONCURRENCY,
        "repeats": repeats,
        **{who: round(float(np.median(rates[who]))) for who in costs},
        "ratio": round(float(np.median(ratios)), 3),
        "ratios": [round(float(r), 3) for r in ratios],
        "processor": {
            who: round(float(np.median([c.processor for c in costs[who]])), 2) for who in costs
        },
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


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Return the tables of ``docs/asking/cost.md`` by their markers."""
    from tests.benchmarks.tables import markdown

    speed = results["throughput"]["loopback"]
    low, high = min(speed["ratios"]), max(speed["ratios"])
    processor = speed["processor"].values()
    memories = [(kind, *row.values()) for kind, row in results["memory"].items()]
    return {
        "throughput": markdown(
            (
                "runs of each",
                "bare, calls a second",
                "elicitation",
                "ratio",
                "its range",
                "processor for a call, bare, ms",
                "elicitation",
            ),
            [
                (
                    *(speed[k] for k in ("repeats", "bare", "elicitation", "ratio")),
                    f"{low} to {high}",
                    *processor,
                )
            ],
        ),
        "memory": markdown(
            ("tenfold", "imported", f"{SMALL:,} calls", f"{LARGE:,} calls", "ratio"),
            [(kind, *figures) for kind, _, *figures in memories],
        ),
    }


def write(results: Mapping[str, Any]) -> None:
    """Put the tables into the page."""
    text = PAGE.read_text()
    for marker, table in tables(results).items():
        before, rest = text.split(f"<!-- {marker} -->")
        _, after = rest.split(f"<!-- end of {marker} -->")
        text = f"{before}<!-- {marker} -->\n{table}\n<!-- end of {marker} -->{after}"
    PAGE.write_text(text)


def main(repeats: int = 5, names: list[str] | None = None) -> None:
    """Measure and store."""
    # Here, since it imports PyMC, which a child's memory must not hold.
    from tests.benchmarks.tables import read, store

    if not names or "throughput" in names:
        row = throughput(max(repeats, 9))
        store("elicit", "throughput", "loopback", row)
        print(row, flush=True)
    for kind in KINDS:
        if not names or "memory" in names or kind in names:
            row = memory(kind)
            store("elicit", "memory", kind, row)
            print(kind, row, flush=True)
    write(read("elicit"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("what", nargs="*", help="throughput, memory, draws or profiles")
        parser.add_argument("--repeats", type=int, default=5)
        given = parser.parse_args()
        main(given.repeats, given.what)
