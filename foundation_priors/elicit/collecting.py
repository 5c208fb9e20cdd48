"""The answers of a batch, matched with its calls and written to the journal."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any

from foundation_priors.elicit.budget import Cost
from foundation_priors.elicit.exchange import Reply, read_reply
from foundation_priors.elicit.lane import BREATH, Lane, Question
from foundation_priors.elicit.retry import Fault, Unreadable, explain, of_status
from foundation_priors.elicit.run import Run

__all__ = ["Collector"]

TOGETHER = 256  # answers that wait for the disk as one
ROUNDS = 3  # batches that bring no response to a call, before it is left without


class Collector:
    """What turns the files of a batch into lines of the journal.

    Parameters
    ----------
    run : Run
        What is shared.

    Attributes
    ----------
    fault : Fault or None
        The first that asking again will not mend.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.fault: Fault | None = None
        self._failures: Counter[bytes] = Counter()

    async def collect(
        self, batch: Mapping[str, Any], files: list[IO[bytes]], lane: Lane
    ) -> tuple[Cost, int]:
        """Write down what a batch brought.

        Parameters
        ----------
        batch : mapping
            As the journal knows it.
        files : list of binary files
            Its output and its errors.
        lane : Lane
            Of its server.

        Returns
        -------
        tuple of (Cost, int)
            What it cost, and how many of its calls the study does not ask any more.

        Notes
        -----
        The files come in any order and may be long: in memory stay 16 bytes and a position for
        each call.
        """
        places = _places(files)
        open_keys = {bytes.fromhex(key) for key in batch["keys"]}
        spent, taking = Cost(), []
        for number, call in enumerate(self.run.study.calls(model=batch["model"]), 1):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            key = bytes.fromhex(call.key)
            if key not in open_keys:
                continue
            open_keys.discard(key)
            if not self.run.journal.done(call.key):
                question = lane.question(call, batch.get("structured", "text"))
                taking.append(self._take(question, _line(files, places.get(key)), lane))
            if len(taking) == TOGETHER:
                spent = sum(await asyncio.gather(*taking), spent)
                taking = []
        spent = sum(await asyncio.gather(*taking), spent)
        return spent, len(open_keys & places.keys())

    async def _take(self, question: Question, line: Mapping[str, Any] | None, lane: Lane) -> Cost:
        call = question.call
        question.attempt = self.run.journal.tries(call.key) + 1
        got = _read(line)
        if isinstance(got, Reply):
            await lane.keep(question, got, question.attempt > self.run.patience.reasks)
            return self.run.spent(call, question.bound, got, True)
        self.run.journal.note(self.run.failure(call, question.attempt, got))
        key = bytes.fromhex(call.key)
        self._failures[key] += 1
        if got.kind == "stop":
            self.fault = self.fault or got
        elif got.kind in ("bad", "filtered") or self._failures[key] >= ROUNDS:
            await lane.end(question, got)
        return self.run.spent(call, question.bound, None, False)


def _places(files: list[IO[bytes]]) -> dict[bytes, tuple[int, int]]:
    """Return where the line of each call begins."""
    places: dict[bytes, tuple[int, int]] = {}
    for number, file in enumerate(files):
        file.seek(0)
        place = 0
        for raw in file:
            try:
                places[bytes.fromhex(json.loads(raw)["custom_id"])] = (number, place)
            except (ValueError, KeyError, TypeError):
                pass  # an empty or damaged line: its call counts as not answered
            place += len(raw)
    return places


def _line(files: list[IO[bytes]], place: tuple[int, int] | None) -> Mapping[str, Any] | None:
    if place is None:
        return None
    file = files[place[0]]
    file.seek(place[1])
    return json.loads(file.readline())


def _read(line: Mapping[str, Any] | None) -> Reply | Fault:
    if line is None:
        return Fault("again", "the batch ended before it was answered")
    response = line.get("response") or {}
    status, body = response.get("status_code"), response.get("body")
    if status is None:
        error = line.get("error") or {}
        return Fault("again", str(error.get("message") or "the batch ended before it was answered"))
    if status != 200:
        return of_status(int(status), body, {})
    try:
        return read_reply(body)
    except Unreadable as error:
        return explain(error)
