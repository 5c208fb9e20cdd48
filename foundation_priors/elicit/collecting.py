"""The answers of a batch, matched with its calls and written to the journal."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import IO, Any

from foundation_priors.elicit.budget import Cost
from foundation_priors.elicit.exchange import Reply, read_reply
from foundation_priors.elicit.lane import BREATH, Lane, Question
from foundation_priors.elicit.retry import Fault, Unreadable, explain, of_status
from foundation_priors.elicit.run import Run
from foundation_priors.elicit.transport import oversized

__all__ = ["Collector"]

TOGETHER = 256  # answers that wait for the disk as one
NAMED = re.compile(rb'"custom_id"\s*:\s*"([0-9a-f]{32})"')
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
        limit = self.run.study.endpoints[batch["model"]].max_bytes
        places = _places(files, limit)
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
                got = _read(files, places.get(key), limit)
                taking.append(self._take(question, got, lane))
            if len(taking) == TOGETHER:
                spent = sum(await asyncio.gather(*taking), spent)
                taking = []
        spent = sum(await asyncio.gather(*taking), spent)
        return spent, len(open_keys & places.keys())

    async def _take(self, question: Question, got: Reply | Fault, lane: Lane) -> Cost:
        call = question.call
        question.attempt = self.run.journal.tries(call.key) + 1
        if isinstance(got, Reply):
            await lane.keep(question, got, question.attempt > self.run.patience.reasks)
            return self.run.spent(call, question.bound, got, True)
        await self.run.fail(call, question.attempt, got)
        key = bytes.fromhex(call.key)
        self._failures[key] += 1
        if got.kind == "stop":
            self.fault = self.fault or got
        elif got.kind in ("bad", "filtered") or self._failures[key] >= ROUNDS:
            await lane.end(question, got)
        return self.run.spent(call, question.bound, None, False)


def _places(files: list[IO[bytes]], limit: int) -> dict[bytes, tuple[int, int]]:
    """Return where the line of each call begins."""
    places: dict[bytes, tuple[int, int]] = {}
    for number, file in enumerate(files):
        file.seek(0)
        place = 0
        while raw := file.readline(limit + 1):
            try:
                name = json.loads(raw)["custom_id"] if len(raw) <= limit else _name(raw)
                places[bytes.fromhex(name)] = (number, place)
            except (ValueError, LookupError, TypeError, RecursionError):
                pass  # an empty or damaged line: its call counts as not answered
            place += len(raw)
            while len(raw) > limit and not raw.endswith(b"\n"):  # the rest of a line too long
                raw = file.readline(limit + 1)
                place += len(raw)
    return places


def _name(raw: bytes) -> str:
    """Return whose line it is that is not read whole."""
    found = NAMED.search(raw)
    return "" if found is None else found[1].decode()


def _read(files: list[IO[bytes]], place: tuple[int, int] | None, limit: int) -> Reply | Fault:
    if place is None:
        return Fault("again", "the batch ended before it was answered")
    file = files[place[0]]
    file.seek(place[1])
    raw = file.readline(limit + 1)
    if len(raw) > limit:
        return oversized(raw[:limit].decode("utf-8", "replace"), len(raw))
    try:
        return _answered(json.loads(raw))
    except Unreadable as error:
        return replace(explain(error), raw=raw.decode("utf-8", "replace"))
    except Exception as error:  # whatever a server sends, it ends no run
        text = f"the line of the batch is not understood ({type(error).__name__})"
        return Fault("again", text, raw=raw.decode("utf-8", "replace"))


def _answered(line: Mapping[str, Any]) -> Reply | Fault:
    response = line.get("response") or {}
    status, body = response.get("status_code"), response.get("body")
    if status is None:
        error = line.get("error") or {}
        return Fault("again", str(error.get("message") or "the batch ended before it was answered"))
    return read_reply(body) if status == 200 else of_status(int(status), body, {})
