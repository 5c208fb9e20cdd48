"""Asking works wherever it is called from: a script, a notebook's loop, a thread, a coroutine."""

import asyncio
import threading

import pytest

from tests.elicit.surveys import QUICK, cells, finals, survey


def test_run_inside_a_running_loop(server, tmp_path):
    async def cell():
        return survey(server.url, 5).run(journal=tmp_path / "a.jsonl", progress=False)

    assert len(asyncio.run(cell())) == 10


def test_run_twice_in_one_loop(server, tmp_path):
    async def cell():
        study = survey(server.url, 5)
        first = study.run(journal=tmp_path / "a.jsonl", progress=False)
        return first, study.run(journal=tmp_path / "a.jsonl", draws=2, progress=False)

    first, second = asyncio.run(cell())
    assert (len(first), len(second)) == (10, 20)
    assert server.counts()["requests"] == 20


def test_arun_shares_the_loop(server, tmp_path):
    server.script(latency=0.02)
    beats = 0

    async def beat():
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    async def both():
        pulse = asyncio.create_task(beat())
        runs = (survey(server.url, 20).arun(journal=tmp_path / f"{i}.jsonl") for i in "ab")
        done = await asyncio.gather(*runs)
        pulse.cancel()
        return done

    first, second = asyncio.run(both())
    assert first.dataset.drop_attrs().identical(second.dataset.drop_attrs())
    assert beats > 0


def test_run_in_a_thread(server, tmp_path):
    found = []

    def ask():
        found.append(survey(server.url, 5).run(journal=tmp_path / "a.jsonl", progress=False))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert len(found[0]) == 10


def test_a_cancelled_arun_leaves_a_valid_journal(server, tmp_path):
    server.script(latency=0.02)
    study, journal = survey(server.url, 100), tmp_path / "a.jsonl"

    async def cancelled():
        task = asyncio.create_task(study.arun(journal=journal, progress=False))
        while not journal.exists() or len(journal.read_text().splitlines()) < 20:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert 0 < len(finals(journal)) < 200
    assert len(study.run(journal=journal, patience=QUICK, progress=False)) == 200
    assert set(cells(journal).values()) == {1}
