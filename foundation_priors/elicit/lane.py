"""One server: its calls taken one by one, each asked until it has an answer or a reason."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from foundation_priors.elicit.answers import Rejected
from foundation_priors.elicit.budget import Cost, OutOfBudget
from foundation_priors.elicit.exchange import Dialect, Mode, Reply, compose, judge
from foundation_priors.elicit.limit import Limit
from foundation_priors.elicit.reading import loads
from foundation_priors.elicit.retry import Fault, explain
from foundation_priors.elicit.run import Run, label, now
from foundation_priors.elicit.transport import Arrived, Oversized, send

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from foundation_priors.elicit.design import Call

__all__ = ["KEPT", "Lane", "Question"]

KEPT = ("refusal", "content filter")  # to ask until the model complies would select the answers
DOUBTS = 3  # calls that may be to blame, before the server is
BREATH = 512  # calls passed over before others get a turn
MODES: tuple[Mode, ...] = ("json_schema", "json_object", "text")
PROBES = 2  # answers by which a mode may show that it is understood
OUT = "the budget does not cover the next request"


@dataclass
class Question:
    """A call on its way: what is sent for it, and how it went so far."""

    call: Call
    mode: Mode
    body: dict[str, Any]
    content: bytes
    bound: Cost
    attempt: int = 0
    failures: int = 0
    failing_since: float = field(default=math.inf)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages, as they are sent."""
        return self.body["messages"]


class Lane:
    """The calls to one server.

    Parameters
    ----------
    run : Run
        What is shared with other servers.
    calls : iterator of Call
        In the order of asking.
    clients : dict of str to openai.AsyncOpenAI
        By model.
    concurrency : int
        Requests under way at most.

    Notes
    -----
    Calls are made when a worker is free for them, so that memory does not grow with their number.
    A call whose requests all failed ends as "no response" if the server answered others in the
    meantime; else it is set aside, and when three are, the server is to blame and the run stops,
    so that an hour without a network does not empty the study.
    """

    def __init__(
        self, run: Run, calls: Iterator[Call], clients: dict[str, AsyncOpenAI], concurrency: int
    ) -> None:
        self.run, self.clients, self.limit = run, clients, Limit(concurrency)
        self._calls, self._claimed = calls, set[str]()
        self.modes = self._known_modes()
        probes = run.journal.probes
        self.dialects = {m: Dialect(**probes[m].get("dialect", {})) for m in self.modes}
        self._probing = {name: asyncio.Lock() for name in clients}
        self._heard = -math.inf
        self._doubtful: list[tuple[Question, Fault]] = []

    async def work(self) -> None:
        """Ask all calls."""
        workers = min(self.limit.most, self.run.study.n_calls)
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker())
        if self._doubtful and self._heard == -math.inf:
            question, fault = self._doubtful[0]
            raise self.run.error(question.call.model, fault)
        await self._resolve_doubts()

    async def _worker(self) -> None:
        while (call := await self._next()) is not None:
            try:
                await self.ask(call)
            except OutOfBudget:
                self.run.outcome.stopped = OUT
            finally:
                self._claimed.discard(call.key)

    async def _next(self) -> Call | None:
        """Take the next call that is neither done nor under way."""
        passed = 0
        for call in self._calls:
            if self.run.outcome.stopped is not None:
                return None
            if call.key not in self._claimed and not self.run.journal.done(call.key):
                self._claimed.add(call.key)
                return call
            self.run.outcome.before += 1
            passed += 1
            if passed % BREATH == 0:
                self.run.tick()
                await asyncio.sleep(0)
        return None

    async def ask(self, call: Call) -> None:
        """Ask a call until it has a valid answer, or a reason for having none."""
        tries = await self.ready(call)
        if tries is None:
            return
        question = self.question(call, self.modes[call.model])
        while True:
            reply = await self._respond(question, self.run.patience.tries)
            if isinstance(reply, Fault):
                return await self._give_up(question, reply)
            final = await self.keep(question, reply, tries >= self.run.patience.reasks)
            if final:
                return
            tries += 1

    async def ready(self, call: Call) -> int | None:
        """See to it that the mode of a call's model is known.

        Parameters
        ----------
        call : Call
            The call, with which the server is probed if need be.

        Returns
        -------
        int or None
            How many answers to it were rejected so far; None when it is done.
        """
        tries = min(self.run.journal.tries(call.key), self.run.patience.reasks)
        if call.model in self.modes:
            return tries
        async with self._probing[call.model]:
            return tries if call.model in self.modes else await self.probe(call)

    async def probe(self, call: Call) -> int | None:
        """Find out what the server can do by asking it a call.

        Parameters
        ----------
        call : Call
            The first of its model; its answer is kept.

        Returns
        -------
        int or None
            How many of its answers were rejected in the mode that was found; None when the call is
            done.

        Raises
        ------
        ElicitationError
            If the server takes no mode.
        """
        modes: tuple[Mode, ...] = ("text",) if self.run.study.probabilities else MODES
        for mode in modes:
            question = self.question(call, mode)
            for number in range(1, (PROBES if mode != modes[-1] else 1) + 1):
                reply = await self._respond(question, self.run.patience.tries)
                if isinstance(reply, Fault):
                    if reply.kind == "filtered":
                        await self.end(question, reply)
                        return None
                    if reply.kind == "again" and not reply.served or mode == modes[-1]:
                        raise self.run.error(call.model, reply)
                    break
                final = await self.keep(question, reply, last=False)
                if final or mode == modes[-1] or _understood(call, reply):
                    await self._decide(call, mode, reply)
                    return None if final else number
        raise AssertionError("the last mode decides")

    def question(self, call: Call, mode: Mode) -> Question:
        """Word a call.

        Parameters
        ----------
        call : Call
            The call.
        mode : str
            How the form of the answer is asked for.

        Returns
        -------
        Question
            Not sent yet.
        """
        body = compose(self.run.study, call, mode, self.dialects.get(call.model))
        content = json.dumps(body, separators=(",", ":")).encode()
        return Question(call, mode, body, content, self.run.bound(call, content))

    async def _respond(self, question: Question, tries: int) -> Reply | Fault:
        """Send a request until a response comes, or nothing is left to hope for."""
        run, call = self.run, question.call
        question.failures = 0
        while True:
            question.attempt += 1
            got = await self._send(question)
            if isinstance(got, Reply):
                self._heard = asyncio.get_running_loop().time()
                self.limit.faster()
                return got
            await run.fail(call, question.attempt, got)
            run.tick()
            if got.kind == "bad" and self._reworded(question, got):
                continue
            if got.kind in ("bad", "filtered"):
                return got
            self._stop_if_hopeless(call.model, got, question.failures + 1)
            if not self._blameless(question, got):
                question.failures += 1
            if question.failures >= tries:
                return got
            await asyncio.sleep(run.patience.pause(max(1, question.failures), got.after))

    def _reworded(self, question: Question, fault: Fault) -> bool:
        """Word a refused request in the server's own dialect; return whether that changes it."""
        model = question.call.model
        known = self.dialects.get(model, Dialect())
        self.dialects[model] = known.learned(question.body, fault.text)
        again = self.question(question.call, question.mode)
        changed = again.body != question.body
        question.body, question.content, question.bound = again.body, again.content, again.bound
        return changed

    def _blameless(self, question: Question, fault: Fault) -> bool:
        """Return whether the server turned a call away while it answered others."""
        blameless = fault.busy and self._heard > question.failing_since
        if blameless or not question.failures:
            question.failing_since = asyncio.get_running_loop().time()
        return blameless

    async def _send(self, question: Question) -> Reply | Fault:
        """Send one request within the limit and the budget."""
        run, call = self.run, question.call
        epoch = await self.limit.acquire()
        try:
            await run.budget.reserve(question.bound)
            spent = question.bound  # what a request costs that is cancelled is not known
            point = run.study.endpoints[call.model]
            arrived = Arrived(point.max_bytes)
            try:
                reply = await send(
                    self.clients[call.model], question.content, point.timeout, arrived
                )
                spent = run.spent(call, question.bound, reply, True)
                return reply
            except Exception as error:
                fault = explain(error)
                spent = run.spent(call, question.bound, None, fault.billed)
                if fault.overload:
                    self.limit.slower(epoch)
                paid = fault.billed and arrived.status == 200
                return replace(fault, raw=arrived.text) if paid else fault
            finally:
                run.budget.settle(question.bound, spent)
        finally:
            self.limit.release()

    def _stop_if_hopeless(self, model: str, fault: Fault, failures: int) -> None:
        early = 0 < fault.early <= failures and self._heard == -math.inf
        if fault.kind == "stop" or early:
            raise self.run.error(model, fault)
        self.run.check_wait(model, fault)

    async def keep(self, question: Question, reply: Reply, last: bool) -> bool:
        """Write a response down.

        Parameters
        ----------
        question : Question
            What was asked.
        reply : Reply
            What came.
        last : bool
            Whether the call is not asked again if the answer is rejected.

        Returns
        -------
        bool
            Whether the call is done.
        """
        parsed: list[dict[str, Any]] | None = None
        rejected: Rejected | None = None
        if isinstance(reply, Oversized):
            rejected = reply.rejected
            last = last or self.run.journal.tries(question.call.key) > 0  # it may cost much
        else:
            parsed, rejected = judge(self.run.study, question.call, reply)
        final = rejected is None or rejected.reason in KEPT or last
        await self.run.keep(
            question.call,
            question.mode,
            question.messages,
            reply,
            parsed,
            rejected,
            final,
            question.attempt,
        )
        if self._doubtful:
            await self._resolve_doubts()
        return final

    async def _decide(self, call: Call, mode: Mode, reply: Reply) -> None:
        study = self.run.study
        if study.probabilities and not reply.logprobs:
            fault = Fault(
                "stop",
                "the server gives no log-probabilities of tokens",
                advice="leave probabilities= out, or ask a server that gives them",
            )
            raise self.run.error(call.model, fault)
        dialect = self.dialects.get(call.model, Dialect())
        await self.run.journal.append(
            {
                "kind": "probe",
                "model": call.model,
                **self._asked_of(call.model),
                **({"dialect": asdict(dialect)} if dialect != Dialect() else {}),
                "structured": mode,
                "logprobs": bool(reply.logprobs),
                "server_model": label(reply.model),
                "fingerprint": label(reply.fingerprint),
                "time": now(),
            }
        )
        self.modes[call.model] = mode

    def _asked_of(self, model: str) -> dict[str, Any]:
        """Return what a probe is about, so that it serves no other server or kind of answer."""
        entry = self.run.study.endpoints[model].record(model)
        letters = bool(self.run.study.probabilities)
        return {"base_url": entry["base_url"], "called": entry["model"], "letters": letters}

    def _known_modes(self) -> dict[str, Mode]:
        """Return what earlier probes found."""
        probes = self.run.journal.probes
        return {
            name: probes[name]["structured"]
            for name in self.clients
            if name in probes and self._asked_of(name).items() <= probes[name].items()
        }

    async def _give_up(self, question: Question, fault: Fault) -> None:
        answered = -math.inf if fault.kind != "again" else question.failing_since
        if fault.kind == "filtered" or self._heard > answered:
            return await self.end(question, fault)
        self._doubtful.append((question, fault))
        if len(self._doubtful) >= DOUBTS:
            raise self.run.error(question.call.model, fault)

    async def _resolve_doubts(self) -> None:
        """End the calls that were set aside: the server answers others."""
        doubtful, self._doubtful = self._doubtful, []
        for question, fault in doubtful:
            await self.end(question, fault)

    async def end(self, question: Question, fault: Fault) -> None:
        """Write down that a call has no answer, and why."""
        reasons = {"again": "no response", "bad": "bad request", "filtered": "content filter"}
        rejected = Rejected(reasons[fault.kind], fault.text)
        await self.run.keep(
            question.call,
            question.mode,
            question.messages,
            None,
            None,
            rejected,
            True,
            question.attempt,
        )


def _understood(call: Call, reply: Reply) -> bool:
    """Return whether a rejected answer, or what was cut off of it, has the form asked for."""
    if reply.finish == "length":
        return reply.text.lstrip().startswith("{")
    try:
        value = loads(reply.text)
    except ValueError:
        return False
    return isinstance(value, dict) and value.keys() >= call.schema.get("properties", {}).keys()
