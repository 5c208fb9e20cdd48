"""Asking all calls of a study: servers side by side, one journal, one budget."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from foundation_priors.elicit.lane import Lane
from foundation_priors.elicit.limit import Limit
from foundation_priors.elicit.progress import Outcome, watched
from foundation_priors.elicit.redact import redacted_logs
from foundation_priors.elicit.retry import Patience
from foundation_priors.elicit.run import Run

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from foundation_priors.elicit.design import Call, Study
    from foundation_priors.elicit.journal import Journal

__all__ = ["Outcome", "Patience", "ask", "first_of", "opened"]


async def ask(
    study: Study,
    journal: Journal,
    *,
    budget: Mapping[str, float] | None = None,
    concurrency: int = 8,
    progress: bool = True,
    patience: Patience | None = None,
) -> Outcome:
    """Ask every call that a journal holds no answer to.

    Parameters
    ----------
    study : Study
        What is asked.
    journal : Journal
        Open; what is done in it is not asked again.
    budget : mapping of str to float, optional
        The most that this run may spend, in ``"calls"``, ``"tokens"`` or ``"money"``.
    concurrency : int
        Requests under way at one server at most; fewer while it is overloaded.
    progress : bool
        Whether to show a bar.
    patience : Patience, optional
        How long a server is asked again.

    Returns
    -------
    Outcome
        What was done and spent.

    Raises
    ------
    ElicitationError
        If a server cannot be asked; what it has answered is in the journal.
    JournalError
        If the journal cannot be written.

    Notes
    -----
    Models of one server are asked one after the other (a local server takes long to change
    models), unless a budget may end the run: then in turn, so that it ends evenly.
    """
    outcome = Outcome(calls=study.n_calls)
    run = Run(study, journal, budget, patience or Patience(), outcome)
    Limit(concurrency)  # complains about what is no number
    error: BaseException | None = None
    async with opened(study, concurrency) as clients:
        lanes = [
            Lane(run, _calls(study, names, bool(budget)), clients, concurrency)
            for names in _servers(study)
        ]
        with watched(outcome, progress) as run.tick, redacted_logs(run.secrets):
            try:
                async with asyncio.TaskGroup() as group:
                    for lane in lanes:
                        group.create_task(lane.work())
            except BaseExceptionGroup as several:
                error = first_of(several)
    if error is not None:  # outside of the handler, so that no error of the client hangs on to it
        raise error
    return outcome


@asynccontextmanager
async def opened(study: Study, connections: int) -> AsyncIterator[dict[str, AsyncOpenAI]]:
    """Open a client for every model, and close them.

    Parameters
    ----------
    study : Study
        Whose models.
    connections : int
        Requests under way at one server at most.

    Yields
    ------
    dict of str to openai.AsyncOpenAI
        By model.
    """
    async with AsyncExitStack() as stack:
        clients = {}
        for name, point in study.endpoints.items():
            clients[name] = await stack.enter_async_context(point.client(name, connections))
        yield clients


def _servers(study: Study) -> list[list[str]]:
    """Return the models of each server."""
    by_address: dict[str, list[str]] = {}
    for name, point in study.endpoints.items():
        by_address.setdefault(point.address, []).append(name)
    return list(by_address.values())


def _calls(study: Study, names: list[str], in_turn: bool) -> Iterator[Call]:
    streams = [study.calls(model=name) for name in names]
    if in_turn:
        return itertools.chain.from_iterable(zip(*streams, strict=True))
    return itertools.chain.from_iterable(streams)


def first_of(group: BaseExceptionGroup) -> BaseException:
    """Return the first error of a group of groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
