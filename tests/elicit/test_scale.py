"""What a run holds at once does not grow with its calls."""

import asyncio
import gc

from foundation_priors.elicit.design import Call
from tests.elicit.surveys import survey

CONCURRENCY = 20


def alive():
    return sum(type(thing) is Call for thing in gc.get_objects())


def test_calls_and_tasks_are_made_as_they_are_needed(server, tmp_path):
    calls, tasks = [], []
    gc.collect()
    before = alive()  # other tests may have left some

    async def watch():
        while True:
            await asyncio.sleep(0.05)
            tasks.append(len(asyncio.all_tasks()))
            calls.append(alive() - before)

    async def run():
        watcher = asyncio.create_task(watch())
        study = survey(server.url, 100)
        journal = tmp_path / "a.jsonl"
        llm = await study.arun(journal=journal, draws=5, concurrency=CONCURRENCY, progress=False)
        watcher.cancel()
        return llm

    llm = asyncio.run(run())
    assert len(llm) == 1000
    assert server.counts()["peak"] <= CONCURRENCY
    assert (
        server.counts()["connections"] < 500
    )  # of 1,000 calls; idle ones expire on a slow machine
    # A worker each, and a few that write, watch and count.
    assert max(tasks) <= 3 * CONCURRENCY + 20
    assert max(calls) <= 3 * CONCURRENCY + 20
