import asyncio
import re

import pytest

from foundation_priors.elicit import batch
from foundation_priors.elicit.batch import Batches, ask_batch
from foundation_priors.elicit.journal import Journal
from foundation_priors.errors import ElicitationError
from tests.elicit.small import HASTY, finals, lines, study


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers.jsonl"


def batched(the_study, path, **given):
    given = {"progress": False, "patience": HASTY, "poll": 0.02} | given
    with Journal(path) as journal:
        return asyncio.run(ask_batch(the_study, journal, **given))


def posted(server, what):
    return server.counts()["paths"].get(f"POST /v1/{what}", 0)


def test_all_calls_but_the_probe_go_in_one_batch(server, path):
    server.script(batch_delay=0.2)
    outcome = batched(study(server.url, profiles=30), path)
    assert (outcome.answered, outcome.missing, outcome.stopped) == (30, 0, None)
    assert posted(server, "batches") == posted(server, "chat/completions") == 1
    assert server.counts()["requests"] == 30
    assert [line["status"] for line in lines(path, "batch")] == [
        "uploaded",
        "submitted",
        "collected",
    ]
    assert len(finals(path)) == 30
    again = batched(study(server.url, profiles=30), path)
    assert (again.before, again.requests) == (30, 0)


def test_answers_are_those_of_ordinary_asking(server, path):
    from tests.elicit.small import asked

    batched(study(server.url, profiles=20), path)
    asked(study(server.url, profiles=20), path.with_name("b.jsonl"))
    ordinary = finals(path.with_name("b.jsonl"))
    for key, line in finals(path).items():
        for name in ("parsed", "raw", "messages", "cells", "tokens", "server_model", "structured"):
            assert line[name] == ordinary[key][name]


def test_what_failed_goes_into_a_next_batch(server, path):
    server.script(share=0.3, faults=["rate_limit", "server_error", "wrong_schema", "refusal"])
    outcome = batched(study(server.url, profiles=60), path)
    assert outcome.missing == 0
    assert len(finals(path)) == 60
    assert outcome.rejected["refusal"] > 0
    assert outcome.failures > 0
    assert posted(server, "batches") > 1


def test_what_expired_goes_into_a_next_batch_and_is_given_up_in_the_end(server, path):
    server.script(batch_status="expired", batch_done=0.5)
    outcome = batched(study(server.url, profiles=41), path)
    assert posted(server, "batches") == 3
    # The probe answers 1, and three batches half of what is left: 20, 10 and 5 of 40.
    assert outcome.answered == 1 + 20 + 10 + 5
    assert outcome.rejected == {"no response": 5}


def test_a_batch_that_failed_is_one_sentence_and_is_submitted_anew(server, path):
    server.script(batch_status="failed")
    with pytest.raises(ElicitationError, match="This line is not valid"):
        batched(study(server.url), path)
    server.script()
    assert batched(study(server.url), path).answered == 9
    assert len(finals(path)) == 10


def test_lines_of_a_file_are_limited(server, path, monkeypatch):
    monkeypatch.setattr("foundation_priors.elicit.batch.LINES", 8)
    outcome = batched(study(server.url, profiles=25), path)
    assert outcome.answered == 25
    assert posted(server, "batches") == 3
    assert [len(line["keys"]) for line in lines(path, "batch") if "keys" in line] == [8, 8, 8]


def test_a_budget_bounds_what_is_submitted(server, path):
    outcome = batched(study(server.url, profiles=30), path, budget={"calls": 12})
    assert outcome.answered == outcome.requests == server.counts()["requests"] == 12
    assert outcome.stopped
    tokens = batched(study(server.url, profiles=30), path, budget={"tokens": 4000})
    assert 0 < sum(tokens.tokens.values()) <= 4000


class Killed(BaseException):
    pass


def dying(at, after):
    """Return batches that end in the step of that number, before or after the server knows."""

    class Dying(Batches):
        steps = 0

        async def _patiently(self, model, do):
            self.steps += 1
            if self.steps != at:
                return await super()._patiently(model, do)
            if after:
                await super()._patiently(model, do)
            raise Killed

    return Dying


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", [1, 2, 3, 4])  # upload, submit, look, download
def test_a_run_killed_in_any_step_submits_nothing_twice(server, path, monkeypatch, step, after):
    monkeypatch.setattr(batch, "Batches", dying(step, after))
    with pytest.raises(Killed):
        batched(study(server.url, profiles=20), path)
    monkeypatch.undo()
    outcome = batched(study(server.url, profiles=20), path)
    assert outcome.missing == 0
    assert len(finals(path)) == 20
    assert posted(server, "batches") == 1
    assert posted(server, "chat/completions") == 1
    assert server.counts()["requests"] == 20


def test_a_batch_that_the_server_does_not_know_is_one_sentence(server, path, monkeypatch):
    monkeypatch.setattr(batch, "Batches", dying(3, False))
    with pytest.raises(Killed):
        batched(study(server.url), path)
    monkeypatch.undo()
    path.write_text(re.sub(r"batch_\d+", "batch_0", path.read_text()))
    with pytest.raises(ElicitationError, match="No such object.*batch=True"):
        batched(study(server.url), path)


def test_a_torn_journal_of_a_batch_is_collected_to_its_end(server, path):
    batched(study(server.url, profiles=20), path)
    whole = path.read_text().splitlines(keepends=True)
    cut = next(i for i, text in enumerate(whole) if '"submitted"' in text) + 6
    path.write_text("".join(whole[:cut]))
    outcome = batched(study(server.url, profiles=20), path)
    assert outcome.missing == 0
    assert len(finals(path)) == 20
    assert posted(server, "batches") == 1


def test_a_batch_of_a_larger_design_keeps_the_rest(server, path):
    server.script(batch_delay=0.3)

    async def submit_only():
        with Journal(path) as journal:
            task = asyncio.create_task(
                ask_batch(study(server.url, profiles=20), journal, progress=False, poll=5)
            )
            while not any(line.get("status") == "submitted" for line in Journal.read(path)):
                await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(submit_only())
    assert batched(study(server.url, profiles=8), path).missing == 0
    assert len(finals(path)) == 8
    assert batched(study(server.url, profiles=20), path).missing == 0
    assert len(finals(path)) == 20
    assert posted(server, "batches") == 1


def test_nothing_is_left_open(server, path):
    batched(study(server.url), path)
    with Journal(path) as journal:
        (known,) = journal.batches.values()
    assert known["status"] == "collected"
    assert not known["keys"]
