"""What the building of a path cost, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from foundation_priors.path.engine import Run

__all__ = ["COMPILING", "STATISTICS", "THROWN_AWAY", "Ledger"]

COMPILING, STATISTICS = "compiling", "statistics"
THROWN_AWAY = "references thrown away"


class Ledger:
    """Seconds, gradients and numbers of fits by stage.

    Stages are ``compiling``, ``draws of the prior``, the fits at the ``ends`` of the path,
    ``references`` and ``references thrown away``, anchors ``between``, those ``added for means`` or
    ``added for evidence`` where a check failed, ``chains that went on`` since they did not agree,
    and ``statistics``, which is all else.
    """

    def __init__(self) -> None:
        self.stages: dict[str, tuple[float, int, int]] = {}

    def add(self, stage: str, run: Run) -> None:
        """Enter a run of the sampler, or the draws of a reference."""
        self.count(stage, run.gradients, run.seconds)

    def count(self, stage: str, gradients: int, seconds: float, fits: int = 1) -> None:
        """Enter what was spent."""
        before = self.stages.get(stage, (0.0, 0, 0))
        self.stages[stage] = before[0] + seconds, before[1] + gradients, before[2] + fits

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """Enter the time within, less what is entered by others meanwhile."""
        began, before = time.perf_counter(), self._total()
        yield
        inner = self._total() - before
        self.count(stage, 0, max(time.perf_counter() - began - inner, 0.0), 0)

    def _total(self) -> float:
        return sum(seconds for seconds, _, _ in self.stages.values())
