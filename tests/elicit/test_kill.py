"""A run that is killed, interrupted or torn goes on where it was."""

import multiprocessing
import os
import random
import signal
import time

import pytest

import foundation_priors as fp
from tests.elicit.surveys import cells, finals, lines, provenance
from tests.elicit.worker import CONCURRENCY, PROFILES, answers, work

KILLS = int(os.environ.get("FP_KILLS", "8"))
"""How often a run is killed; `make bench` asks for 20."""
CELLS = 2 * PROFILES


@pytest.fixture(scope="module")
def children():
    """Make children that have imported everything before they are born."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.elicit.worker"])
    return context


@pytest.fixture(scope="module")
def whole(running, tmp_path_factory):
    """Return an uninterrupted run's answers and the size of its journal."""
    running.script(latency=0.02)
    journal = tmp_path_factory.mktemp("whole") / "answers.jsonl"
    return answers(running.url, journal), journal.stat().st_size


def size(journal):
    return journal.stat().st_size if journal.exists() else 0


def end(child, journal, growth, pause, number=signal.SIGKILL):
    """Wait until the journal has grown, and a moment more, then send the signal."""
    began = size(journal)
    while size(journal) - began < growth and child.is_alive():
        time.sleep(0.001)
    time.sleep(pause)
    alive = child.is_alive()
    if alive:
        os.kill(child.pid, number)
    child.join()
    return alive


def test_kills_lose_nothing(server, children, whole, tmp_path, capsys):
    expected, length = whole
    journal, chance = tmp_path / "answers.jsonl", random.Random(3)
    server.script(latency=0.02)
    killed, extra = 0, []
    while killed < KILLS:
        child = children.Process(target=work, args=(server.url, journal))
        child.start()
        # Below zero, it is killed while it starts; after a little growth, while it asks.
        growth = chance.uniform(-0.1, 0.6) * length / KILLS
        assert end(child, journal, growth, chance.uniform(0, 0.02)), "nothing left to kill"
        killed += 1
        # Requests that the server has seen and the journal has no answer to.
        held = len(set(whole_lines(journal)))
        extra.append(server.counts()["requests"] - held)
        assert extra[-1] <= killed * CONCURRENCY

    llm = answers(server.url, journal)
    counts = server.counts()
    assert len(cells(journal)) == CELLS and set(cells(journal).values()) == {1}
    assert len({line["key"] for line in finals(journal)}) == len(finals(journal)) == CELLS
    assert len(counts["by_hash"]) == CELLS
    assert counts["requests"] <= CELLS + KILLS * CONCURRENCY
    assert llm.dataset.drop_attrs().identical(expected.dataset.drop_attrs())
    assert provenance(llm) == provenance(expected)
    with capsys.disabled():
        print(
            f"\n{KILLS} kills in a run of {CELLS:,} cells: each cell in the journal once, "
            f"{counts['requests'] - CELLS} requests more than cells "
            f"(at most {KILLS * CONCURRENCY} allowed), equal answers"
        )


def whole_lines(journal):
    """Return the keys of final answers in a journal that may end in a torn line."""
    if not journal.exists():
        return
    text = journal.read_text(errors="replace")
    for line in text.split("\n")[:-1]:
        if '"final": true' in line or '"final":true' in line:
            yield line


def test_a_torn_last_line_is_asked_again(server, whole, tmp_path):
    expected, _ = whole
    journal = tmp_path / "answers.jsonl"
    answers(server.url, journal)
    text = journal.read_bytes()
    journal.write_bytes(text[:-25])
    server.script()
    llm = answers(server.url, journal)
    assert server.counts()["requests"] == 1
    assert llm.dataset.drop_attrs().identical(expected.dataset.drop_attrs())
    torn = [p for p in tmp_path.iterdir() if p.name.startswith("answers.jsonl.torn")]
    assert text.splitlines()[-1][:-24] in torn[0].read_bytes()


def test_ctrl_c_leaves_a_valid_journal(server, children, whole, tmp_path):
    expected, length = whole
    journal = tmp_path / "answers.jsonl"
    server.script(latency=0.02)
    child = children.Process(target=work, args=(server.url, journal))
    child.start()
    assert end(child, journal, length / 4, 0, signal.SIGINT)
    assert child.exitcode == 1
    half = len(finals(journal))
    assert 0 < half < CELLS
    assert server.counts()["requests"] <= half + CONCURRENCY
    llm = answers(server.url, journal)
    assert server.counts()["requests"] <= CELLS + CONCURRENCY
    assert llm.dataset.drop_attrs().identical(expected.dataset.drop_attrs())


def test_a_journal_in_use_is_refused(server, children, tmp_path):
    journal = tmp_path / "answers.jsonl"
    server.script(latency=0.02)
    child = children.Process(target=work, args=(server.url, journal))
    child.start()
    while size(journal) == 0:
        time.sleep(0.001)
    with pytest.raises(fp.JournalError) as caught:
        answers(server.url, journal)
    assert "\n" not in str(caught.value)
    child.kill()
    child.join()
    answers(server.url, journal)
    assert set(cells(journal).values()) == {1}


def test_replay_is_the_same_and_asks_nobody(server, whole, tmp_path):
    journal = tmp_path / "answers.jsonl"
    llm = answers(server.url, journal, 50)
    asked = server.counts()["requests"]
    for again in (replayed(server, journal), fp.elicit.replay(journal)):
        assert again.dataset.drop_attrs().identical(llm.dataset.drop_attrs())
        assert again.provenance == llm.provenance
    assert server.counts()["requests"] == asked
    assert [line["kind"] for line in lines(journal)].count("study") == 1


def replayed(server, journal):
    from tests.elicit.surveys import survey

    return survey(server.url, 50).replay(journal)
