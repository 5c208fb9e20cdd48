"""The Batch API: calls written to a file, answered within a day, and resumed from the journal."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, Literal

from foundation_priors.elicit.ask import first_of, opened
from foundation_priors.elicit.budget import Cost, OutOfBudget
from foundation_priors.elicit.collecting import Collector
from foundation_priors.elicit.lane import BREATH, OUT, Lane
from foundation_priors.elicit.progress import Outcome, watched
from foundation_priors.elicit.redact import redacted_logs
from foundation_priors.elicit.retry import ADDRESS, NO_MODEL, Fault, Patience, Unreadable, explain
from foundation_priors.elicit.run import Run, now

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from foundation_priors.elicit.design import Call, Study
    from foundation_priors.elicit.journal import Journal

__all__ = ["ask_batch"]

URL: Literal["/v1/chat/completions"] = "/v1/chat/completions"
WINDOW: Literal["24h"] = "24h"
LINES, BYTES = 50_000, 90_000_000  # of one file; OpenAI takes 200 MB
WAITING = ("uploaded", "submitted")
GOING = ("validating", "in_progress", "finalizing", "cancelling")
NO_BATCHES = "the server may have no Batch API, so leave batch=True out"
LONGEST = 500  # characters of a server's name for something
LISTED = 100_000  # batches that are looked through
CLOCKS = 3600  # seconds by which two clocks may differ


async def ask_batch(
    study: Study,
    journal: Journal,
    *,
    budget: Mapping[str, float] | None = None,
    progress: bool = True,
    patience: Patience | None = None,
    poll: float = 60.0,
) -> Outcome:
    """Ask every call that a journal holds no answer to, by OpenAI's Batch API.

    Parameters
    ----------
    study : Study
        What is asked.
    journal : Journal
        Open; what is done in it, or waits in a batch that it knows, is not asked again.
    budget : mapping of str to float, optional
        The most that this run may spend, in ``"calls"``, ``"tokens"`` or ``"money"`` (at the full
        price).
    progress : bool
        Whether to show a bar.
    patience : Patience, optional
        How often a call is asked again.
    poll : float
        Seconds between two looks at the batches.

    Returns
    -------
    Outcome
        What was done and spent.

    Raises
    ------
    ElicitationError
        If a server has no Batch API, or refuses a batch.

    Notes
    -----
    One ordinary request per model finds out how the server takes the form of the answer. Then
    every batch is written to a file, uploaded, noted in the journal and submitted. A run that is
    stopped between any two of these steps is taken up by the next one: a batch is looked for on
    the server by its file before it is submitted again. Calls that expired or failed go into a
    next batch.
    """
    outcome = Outcome(calls=study.n_calls)
    run = Run(study, journal, budget, patience or Patience(), outcome)
    error: BaseException | None = None
    async with opened(study, 8) as clients:
        with watched(outcome, progress, "in batches") as run.tick, redacted_logs(run.secrets):
            try:
                await Batches(run, clients, poll).work()
            except BaseExceptionGroup as several:
                error = first_of(several)
    if error is not None:
        raise error
    return outcome


class Batches:
    """The batches of a run.

    Parameters
    ----------
    run : Run
        What is shared.
    clients : dict of str to openai.AsyncOpenAI
        By model.
    poll : float
        Seconds between two looks.
    """

    def __init__(self, run: Run, clients: dict[str, AsyncOpenAI], poll: float) -> None:
        self.run, self.clients, self.poll = run, clients, poll
        self.lane = Lane(run, iter(()), clients, 1)
        self.collector = Collector(run)
        self.held: dict[str, Cost] = {}
        self.names: set[str] = set()  # batches that hold calls of the study
        self.short = self.cancelled = False

    async def work(self) -> None:
        """Submit and collect until nothing is left."""
        self.run.outcome.before = await self._look_over()
        while True:
            self.short = False
            for batch in self._open():
                if not batch.get("batch_id"):
                    await self._create(batch, seek=True)
            if not self.cancelled:
                for model in self.clients:
                    await self._submit_all(model)
            if not self._open():
                break
            await self._collect_ended()
        if self.cancelled:
            self.run.outcome.stopped = "a batch was cancelled"
        elif self.short:
            self.run.outcome.stopped = OUT

    def _open(self) -> list[dict[str, Any]]:
        """Return the batches that wait, the oldest first."""
        waiting = [
            batch
            for name, batch in self.run.journal.batches.items()
            if name in self.names and batch["status"] in WAITING
        ]
        self.run.outcome.in_batches = sum(len(batch["keys"]) for batch in waiting)
        return waiting

    async def _look_over(self) -> int:
        """Return how many calls are done, and note which known batches hold the others."""
        known = self.run.journal.batches
        where = {
            bytes.fromhex(key): name
            for name, batch in known.items()
            if batch["status"] in WAITING
            for key in batch["keys"]
        }
        done = 0
        for number, call in enumerate(self.run.study.calls(), 1):
            if self.run.journal.done(call.key):
                done += 1
            elif (name := where.get(bytes.fromhex(call.key))) is not None:
                self.names.add(name)
            if number % BREATH == 0:
                await asyncio.sleep(0)
        return done

    async def _submit_all(self, model: str) -> None:
        waiting = {bytes.fromhex(key) for batch in self._open() for key in batch["keys"]}
        calls = (
            call
            for call in self.run.study.calls(model=model)
            if not self.run.journal.done(call.key) and bytes.fromhex(call.key) not in waiting
        )
        held_back: list[Call] = []
        while not self.short:
            with tempfile.TemporaryFile() as file:
                keys, cost = await self._write(file, model, calls, held_back)
                if not keys:
                    return
                file.seek(0)
                await self._submit(file, model, keys, cost)

    async def _write(
        self, file: IO[bytes], model: str, calls: Iterator[Call], held_back: list[Call]
    ) -> tuple[list[str], Cost]:
        """Write the calls of one batch, as many as fit."""
        keys: list[str] = []
        cost = Cost()
        while (call := held_back.pop() if held_back else next(calls, None)) is not None:
            if model not in self.lane.modes and not await self._probed(call):
                continue
            if self.short:
                break
            question = self.lane.question(call, self.lane.modes[model])
            if not self.run.budget.fits(cost + question.bound):
                self.short = True
                break
            request = b'{"custom_id":"%s","method":"POST","url":"%s","body":%s}\n'
            line = request % (call.key.encode(), URL.encode(), question.content)
            if keys and (len(keys) == LINES or file.tell() + len(line) > BYTES):
                held_back.append(call)
                break
            file.write(line)
            keys.append(call.key)
            cost += question.bound
            if len(keys) % BREATH == 0:
                await asyncio.sleep(0)
        return keys, cost

    async def _probed(self, call: Call) -> bool:
        """Return whether a call is still to be asked when the mode of its model is known."""
        try:
            return await self.lane.ready(call) is not None
        except OutOfBudget:
            self.short = True
            return True

    async def _submit(self, file: IO[bytes], model: str, keys: list[str], cost: Cost) -> None:
        name = uuid.uuid4().hex
        client = self.clients[model]

        async def upload() -> str:
            file.seek(0)
            return _id(await client.files.create(file=(f"{name}.jsonl", file), purpose="batch"))

        uploaded = await self._patiently(model, upload)
        line = {
            "kind": "batch",
            "name": name,
            "model": model,
            "version": self.run.study.version,
            "status": "uploaded",
            "structured": self.lane.modes[model],
            "file_id": uploaded,
            "batch_id": None,
            "keys": keys,
            "time": now(),
        }
        await self.run.journal.append(line)
        self.names.add(name)
        self.run.budget.hold(cost)
        self.held[name] = cost
        await self._create(line, seek=False)

    async def _create(self, batch: dict[str, Any], seek: bool) -> None:
        """Submit an uploaded batch, unless the server has it already."""
        client, tried = self.clients[batch["model"]], seek

        async def create() -> str:
            nonlocal tried
            async with self._limited(batch["model"]):
                found = await _find(client, batch) if tried else None
                tried = True  # one that seemed to fail may have arrived
                return _id(
                    found
                    or await client.batches.create(
                        input_file_id=batch["file_id"],
                        endpoint=URL,
                        completion_window=WINDOW,
                        metadata={"foundation_priors": batch["name"]},
                    )
                )

        created = await self._patiently(batch["model"], create)
        await self._note(batch, "submitted", batch_id=created)

    async def _collect_ended(self) -> None:
        """Look after every batch, and collect those that have ended."""
        ended = 0
        for batch in self._open():
            client = self.clients[batch["model"]]
            look = functools.partial(self._look, batch)
            state = await self._patiently(batch["model"], look)
            if state.status not in GOING:
                ended += 1
                await self._collect(batch, client, state)
        if not ended:
            self.run.tick()
            await asyncio.sleep(self.poll)

    async def _look(self, batch: dict[str, Any]) -> Any:
        async with self._limited(batch["model"]):
            state = await self.clients[batch["model"]].batches.retrieve(batch["batch_id"])
        if _id(state) != batch["batch_id"] or not isinstance(state.status, str):
            raise Unreadable("the reply is about no batch")
        return state

    def _limited(self, model: str) -> asyncio.Timeout:
        return asyncio.timeout(self.run.study.endpoints[model].timeout)

    async def _collect(self, batch: dict[str, Any], client: AsyncOpenAI, state: Any) -> None:
        if state.status == "failed":
            await self._note(batch, "failed")
            self._settle(batch, Cost())
            text = f"the batch {state.id} failed, {_reasons(state) or 'without a reason'}"
            raise self.run.error(batch["model"], Fault("stop", text))
        with ExitStack() as stack:
            files: list[IO[bytes]] = []
            for file_id in (state.output_file_id, state.error_file_id):
                if file_id:
                    file = stack.enter_context(tempfile.TemporaryFile())
                    limit = self.run.study.endpoints[batch["model"]].max_bytes
                    size = limit, len(batch["keys"])
                    download = functools.partial(_download, client, file_id, file, *size)
                    await self._patiently(batch["model"], download)
                    files.append(file)
            spent, unmatched = await self.collector.collect(batch, files, self.lane)
        self._settle(batch, spent)
        self.names.discard(batch["name"])
        if not unmatched:  # else a later run of another design may want the rest
            await self._note(batch, "collected")
        self.cancelled |= state.status == "cancelled"
        if self.collector.fault is not None:
            raise self.run.error(batch["model"], self.collector.fault)

    def _settle(self, batch: dict[str, Any], spent: Cost) -> None:
        held = self.held.pop(batch["name"], None)
        if held is not None:  # of this run
            self.run.budget.settle(held, spent)

    async def _note(self, batch: dict[str, Any], status: str, **more: Any) -> None:
        line = {"kind": "batch", "name": batch["name"], "model": batch["model"]}
        await self.run.journal.append({**line, "status": status, **more, "time": now()})

    async def _patiently(self, model: str, do: Callable[[], Awaitable[Any]]) -> Any:
        """Do something until it is done, or nothing is left to hope for."""
        failures = 0
        while True:
            try:
                return await do()
            except Exception as error:
                fault = _explained(error)
            failures += 1
            if fault.kind == "stop" and fault.advice in (ADDRESS, NO_MODEL):
                fault = dataclasses.replace(fault, advice=NO_BATCHES)
            if fault.kind != "again" or failures >= self.run.patience.tries:
                raise self.run.error(model, fault)
            self.run.check_wait(model, fault)
            await asyncio.sleep(self.run.patience.pause(failures, fault.after))


def _explained(error: Exception) -> Fault:
    """Say what an error means for the run, also where the server's words confused the client."""
    try:
        return explain(error)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as odd:
        return Fault("again", f"the reply is not understood ({type(odd).__name__})")


def _id(thing: Any) -> str:
    """Return what a server calls a file or a batch."""
    name = getattr(thing, "id", None)
    if not isinstance(name, str) or not name or len(name) > LONGEST or not name.isprintable():
        raise Unreadable("the reply does not name what was made")
    return name


def _reasons(state: Any) -> str:
    errors = getattr(getattr(state, "errors", None), "data", None)
    texts = [str(getattr(e, "message", e)) for e in errors[:3]] if isinstance(errors, list) else []
    return "; ".join(texts)


async def _find(client: AsyncOpenAI, batch: Mapping[str, Any]) -> Any:
    """Look for a batch on the server by its file."""
    from datetime import datetime

    uploaded, number = datetime.fromisoformat(batch["time"]).timestamp(), 0
    async for known in client.batches.list(limit=100):  # the newest first
        if known.input_file_id == batch["file_id"]:
            return known
        if known.created_at < uploaded - CLOCKS:
            return None
        number += 1
        if number == LISTED:
            raise Unreadable("the list of batches has no end")
    return None


async def _download(
    client: AsyncOpenAI, file_id: str, file: IO[bytes], limit: int, calls: int
) -> None:
    """Download a file, and of each line no more than shows that it is longer than the limit."""
    file.seek(0)
    file.truncate()
    room, most = limit + 1, (limit + 2) * (calls + 1)
    async with client.files.with_streaming_response.content(file_id) as response:
        async for chunk in response.iter_bytes(1 << 16):
            for number, part in enumerate(chunk.split(b"\n")):
                if number:
                    file.write(b"\n")
                    room = limit + 1
                file.write(part[:room])
                room -= min(room, len(part))
            if file.tell() > most:
                return
