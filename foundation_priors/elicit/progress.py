"""What a run shows of itself, on a terminal and in a notebook."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from foundation_priors.display import money

__all__ = ["Outcome", "watched"]

SECONDS = 0.1  # between two updates: each costs as much as a request


@dataclass
class Outcome:
    """What a run did.

    Parameters
    ----------
    calls : int
        Calls of the study.
    before : int
        Those that were done when the run began.
    answered : int
        Those that it brought a valid answer to.
    rejected : collections.Counter
        Those that ended without one, by reason.
    requests : int
        Requests that were sent.
    failures : int
        Those that brought no response.
    retried : collections.Counter
        Responses without a valid answer whose call was asked again, by reason.
    tokens : dict of str to int
        Of ``input`` and ``output``, where the server counts.
    unrecorded : int
        Responses of which the server does not say how many tokens they took.
    money : float
        At the endpoints' prices, of the recorded tokens.
    in_batches : int
        Calls that wait in batches.
    stopped : str or None
        Why the run ended early, in one sentence.

    Examples
    --------
    >>> Outcome(calls=10, before=3, answered=5).missing
    2
    """

    calls: int = 0
    before: int = 0
    answered: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    failures: int = 0
    retried: Counter[str] = field(default_factory=Counter)
    tokens: dict[str, int] = field(default_factory=lambda: {"input": 0, "output": 0})
    unrecorded: int = 0
    money: float = 0.0
    in_batches: int = 0
    stopped: str | None = None

    @property
    def done(self) -> int:
        """Calls with a final answer or a reason for having none."""
        return self.before + self.answered + self.rejected.total()

    @property
    def missing(self) -> int:
        """Calls without."""
        return self.calls - self.done


@contextmanager
def watched(outcome: Outcome, show: bool, doing: str = "asking") -> Iterator[Callable[[], None]]:
    """Show a bar while something is done.

    Parameters
    ----------
    outcome : Outcome
        What is counted meanwhile.
    show : bool
        Whether there is a bar.
    doing : str
        What stands before it.

    Yields
    ------
    callable
        To be called when the outcome has changed, as often as it does.
    """
    if not show:
        yield lambda: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    with Progress(*columns, refresh_per_second=4) as bars:
        task = bars.add_task(doing, total=outcome.calls, counts="")
        last = 0.0

        def update() -> None:
            nonlocal last
            if time.monotonic() - last >= SECONDS:
                last = time.monotonic()
                bars.update(task, completed=outcome.done, counts=_counts(outcome))

        try:
            yield update
        finally:
            bars.update(task, completed=outcome.done, counts=_counts(outcome))


def _counts(outcome: Outcome) -> str:
    tokens = sum(outcome.tokens.values())
    counts = {
        "in batches": outcome.in_batches,
        "rejected": outcome.rejected.total(),
        "failed requests": outcome.failures,
        "tokens": tokens,
    }
    shown = [f"{count:,} {name}" for name, count in counts.items() if count]
    return ", ".join([*shown, *([f"{money(outcome.money)} spent"] if outcome.money else [])])
