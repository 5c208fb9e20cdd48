"""What a run holds at once does not grow with its calls."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from foundation_priors.elicit.design import Call
from tests.elicit.surveys import survey

CONCURRENCY = 20


@pytest.fixture
def unseen() -> Iterator[None]:
    """Hide what other tests left from the collector, which then lists this test's objects alone."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def alive() -> int:
    return sum(type(thing) is Call for thing in gc.get_objects())


def test_calls_and_tasks_are_made_as_they_are_needed(server, tmp_path, unseen):
    calls, tasks = [], []

    async def watch():
        while True:
            await asyncio.sleep(0.05)
            tasks.append(len(asyncio.all_tasks()))
            calls.append(alive())

    async def run():
        watcher = asyncio.create_task(watch())
        study = survey(server.url, 100, endpoint={"timeout": 60.0})
        journal = tmp_path / "a.jsonl"
        llm = await study.arun(journal=journal, draws=5, concurrency=CONCURRENCY, progress=False)
        watcher.cancel()
        return llm

    llm = asyncio.run(run())
    assert len(llm) == 1000
    assert server.counts()["peak"] <= CONCURRENCY
    # Of 1,000 calls: connections serve again, but for those that idle for seconds.
    assert server.counts()["connections"] < 500
    # A worker each, and a few that write, watch and count.
    assert max(tasks) <= 3 * CONCURRENCY + 20
    assert 0 < max(calls) <= 3 * CONCURRENCY + 20
