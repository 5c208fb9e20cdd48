"""What all requests of a run share: the journal, the budget, the counts, the way to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from foundation_priors.display import visible
from foundation_priors.elicit.budget import Budget, Cost, least_tokens
from foundation_priors.elicit.design import digest
from foundation_priors.elicit.exchange import LETTER
from foundation_priors.elicit.redact import one_line, redact
from foundation_priors.elicit.transport import Oversized
from foundation_priors.errors import ElicitationError

if TYPE_CHECKING:
    from foundation_priors.elicit.answers import Rejected
    from foundation_priors.elicit.design import Call, Study
    from foundation_priors.elicit.exchange import Mode, Reply
    from foundation_priors.elicit.journal import Journal
    from foundation_priors.elicit.progress import Outcome
    from foundation_priors.elicit.retry import Fault, Patience

__all__ = ["Run", "label", "now"]

LONG = 1e9  # seconds
LABEL = 200  # characters of a server's name for its model
SLACK = 256  # tokens that servers add: the marks of roles, a system prompt of their own


class Run:
    """What all requests of a run share.

    Parameters
    ----------
    study : Study
        What is asked.
    journal : Journal
        Open.
    budget : mapping of str to float, optional
        As `Budget` takes it.
    patience : Patience
        How long a server is asked again.
    outcome : Outcome
        What is counted.

    Raises
    ------
    ValueError
        If a budget cannot be kept for want of a price or of a bound on the length of an answer.
    """

    def __init__(
        self,
        study: Study,
        journal: Journal,
        budget: Mapping[str, float] | None,
        patience: Patience,
        outcome: Outcome,
    ) -> None:
        self.study, self.journal, self.patience, self.outcome = study, journal, patience, outcome
        self.budget = Budget(budget)
        self.tick: Callable[[], None] = lambda: None
        self._surprise: dict[str, int] = {}
        for name in study.endpoints:
            self._check_bounds(name)
        journal.hide(self.secrets())

    def secrets(self) -> list[str]:
        """Return all keys in use."""
        return [secret for point in self.study.endpoints.values() for secret in point.secrets()]

    def clean(self, text: str) -> str:
        """Return a server's text as it may be shown and stored."""
        return one_line(redact(text, self.secrets()))

    def bound(self, call: Call, content: bytes) -> Cost:
        """Return the most that a request can cost.

        Parameters
        ----------
        call : Call
            The call.
        content : bytes
            The body of the request.

        Returns
        -------
        Cost
            A token is a byte or more, so that the bytes of the request bound its tokens.
        """
        if not self.budget.counts_tokens:
            return Cost(calls=1)
        point = self.study.endpoints[call.model]
        out = point.max_output(self.study.settings) or LETTER
        into = len(content) + SLACK + self._surprise.get(call.model, 0)
        return Cost(1, into + out, point.cost(into, out))

    def spent(self, call: Call, bound: Cost, reply: Reply | None, billed: bool) -> Cost:
        """Count a request and return what it cost.

        Parameters
        ----------
        call : Call
            The call.
        bound : Cost
            The most that it could cost.
        reply : Reply or None
            What it brought.
        billed : bool
            Whether a request without a response may cost all the same.

        Returns
        -------
        Cost
            The bound, where the server does not say; and what the texts must have had at least,
            where it says less.
        """
        self.outcome.requests += 1
        if reply is None:
            self.outcome.failures += 1
            return bound if billed else Cost(calls=1)
        point = self.study.endpoints[call.model]
        into = least_tokens(*(str(message["content"]) for message in call.messages))
        out = least_tokens(reply.text)
        if reply.tokens is None:
            self.outcome.unrecorded += 1
            least = Cost(1, into + out, point.cost(into, out))
            return Cost(1, max(bound.tokens, least.tokens), max(bound.money, least.money))
        used = reply.tokens
        for side, count in used.items():
            self.outcome.tokens[side] += count
        self.outcome.money += point.cost(used["input"], used["output"])
        into, out = max(used["input"], into), max(used["output"], out)
        cost = Cost(1, into + out, point.cost(into, out))
        if cost.tokens > bound.tokens > 0:  # a long prompt of the server's own: expect it from now
            over = int(cost.tokens - bound.tokens)
            self._surprise[call.model] = self._surprise.get(call.model, 0) + over
        return cost

    def error(self, model: str, fault: Fault) -> ElicitationError:
        """Return the one sentence with which the run stops."""
        address = self.study.endpoints[model].address
        return ElicitationError(
            f"Asking model {model!r} at {redact(address, self.secrets())} failed:"
            f" {self.clean(fault.text)}: {fault.advice}."
        )

    def check_wait(self, model: str, fault: Fault) -> None:
        """Stop where a server asks to wait for longer than the run is patient."""
        if fault.after is not None and fault.after > self.patience.patience:
            wait = f"{fault.after:,.0f} s" if fault.after < LONG else "a very long time"
            advice = f"it asks to wait {wait}, so run again then to go on"
            raise self.error(model, replace(fault, advice=advice))

    async def fail(self, call: Call, attempt: int, fault: Fault) -> None:
        """Write down a request that brought no answer, and what may have been paid for at once.

        Parameters
        ----------
        call : Call
            The call.
        attempt : int
            From 1.
        fault : Fault
            What went wrong.
        """
        line = {
            "kind": "failure",
            "key": call.key,
            "model": call.model,
            "attempt": attempt,
            "error": self.clean(fault.text),
            "time": now(),
        }
        if fault.raw is None:
            self.journal.note(line)
            return
        self.journal.hide(self.secrets())
        await self.journal.append({**line, "raw": fault.raw, "length": len(fault.raw)})

    async def keep(
        self,
        call: Call,
        mode: Mode,
        messages: list[dict[str, Any]],
        reply: Reply | None,
        parsed: list[dict] | None,
        rejected: Rejected | None,
        final: bool,
        attempt: int,
    ) -> None:
        """Write what a call brought, and count it when it is on disk.

        Parameters
        ----------
        call : Call
            The call.
        mode : str
            How the form of the answer was asked for.
        messages : list of dict
            As they were sent.
        reply : Reply or None
            The response, if there was one.
        parsed : list of dict or None
            The answers.
        rejected : Rejected or None
            Why there are none.
        final : bool
            Whether the call is done.
        attempt : int
            From 1.
        """
        line = self._answer(call, mode, messages, reply)
        line["parsed"] = parsed
        if rejected is not None:
            detail = self.clean(str(rejected.detail))
            line["rejected"] = {"reason": rejected.reason, "detail": detail}
            if rejected.reasons:
                line["rejected"]["reasons"] = list(rejected.reasons)
        line |= {"final": final, "attempt": attempt, "time": now()}
        self.journal.hide(self.secrets())  # a function may have given a new key meanwhile
        await self.journal.append(line)
        if rejected is None:
            self.outcome.answered += 1
        else:
            counts = self.outcome.rejected if final else self.outcome.retried
            counts[rejected.reason] += 1
        self.tick()

    def _answer(
        self, call: Call, mode: Mode, messages: list[dict[str, Any]], reply: Reply | None
    ) -> dict[str, Any]:
        line: dict[str, Any] = {
            "kind": "answer",
            "key": call.key,
            "request": call.request,
            "version": self.study.version,
            "model": call.model,
            "draw": call.draw,
            "cells": [{"profile": c.profile, "factors": c.factors} for c in call.cells],
            "messages": messages,
            "schema": digest(call.schema),
            "structured": mode,
            "settings": call.settings,
            "server_model": reply and label(reply.model),
            "fingerprint": reply and label(reply.fingerprint),
            "raw": reply and (reply.text or reply.refusal or ""),
            "parsed": None,
            "rejected": None,
            "finish_reason": reply and reply.finish,
            "tokens": reply and reply.tokens,
            "latency": reply and round(reply.latency, 4),
        }
        if isinstance(reply, Oversized):
            line["length"] = reply.length
        if self.study.probabilities:
            line["logprobs"] = reply and reply.logprobs
        if reply is not None and reply.thoughts:
            line["thoughts"] = reply.thoughts
        return line

    def _check_bounds(self, name: str) -> None:
        point = self.study.endpoints[name]
        if self.budget.counts_money and point.price is None:
            raise ValueError(
                f"A budget in money needs the price of model {name!r}: pass"
                " fp.Endpoint(price=(input, output)), of a million tokens each, 0 where it is free."
            )
        if not self.budget.counts_tokens or self.study.probabilities:
            return
        if point.max_output(self.study.settings) is None:
            raise ValueError(
                f"A budget in tokens or money needs a bound on the answers of model {name!r}: pass"
                ' settings={"max_tokens": ...}.'
            )


def label(name: object) -> str | None:
    """Return a server's name for something as text that can be shown and stored."""
    if isinstance(name, str | int | float):
        return visible(str(name))[:LABEL]
    return None


def now() -> str:
    """Return the time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
