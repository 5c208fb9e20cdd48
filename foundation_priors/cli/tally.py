"""What a journal of answers holds, counted in one pass over its lines."""

from __future__ import annotations

import dataclasses
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Study

__all__ = ["Cells", "Tally", "tally"]

ENDED = ("collected", "failed")


@dataclasses.dataclass
class Cells:
    """Answers that were asked for together.

    Parameters
    ----------
    answered : int
        Those that can be used.
    rejected : collections.Counter
        The others, by reason.
    """

    answered: int = 0
    rejected: Counter[str] = dataclasses.field(default_factory=Counter)

    @property
    def done(self) -> int:
        """Answers and rejections."""
        return self.answered + self.rejected.total()

    def take(self, reasons: Iterable[str | None]) -> None:
        """Count answers, of which those that are none have a reason."""
        for reason in reasons:
            if reason is None:
                self.answered += 1
            else:
                self.rejected[reason] += 1


@dataclasses.dataclass
class Usage:
    """What a model took, over all versions of a study."""

    requests: int = 0
    unrecorded: int = 0
    tokens: Counter[str] = dataclasses.field(default_factory=Counter)
    cost: float | None = None
    heard: dict[str, set[str]] = dataclasses.field(default_factory=lambda: defaultdict(set))


@dataclasses.dataclass
class Version:
    """What was asked at one time, and how many calls were answered to it."""

    line: dict[str, Any]
    calls: int = 0


@dataclasses.dataclass
class Tally:
    """What a journal holds.

    Parameters
    ----------
    path : pathlib.Path
        The journal.
    study : Study or None
        What was asked last; None if the journal does not say.
    calls : int
        Those of the study that are done.
    total : Cells
        All answers to the study.
    designs, factors, profiles : dict of Cells
        The same by model and levels, by factor and level, by profile.
    usage : dict of Usage
        By model.
    versions : dict of Version
        Every version of the study, the oldest first.
    retried, failures : collections.Counter
        Responses that were asked for again, by reason, and requests that brought none, by model.
    batches : dict of int
        Calls in batches that were not collected, by the batch's name.
    latency : array
        Seconds, of each response.
    first, last : str
        Times of the first and of the last response, in UTC; "" for none.
    """

    path: Path
    study: Study | None = None
    calls: int = 0
    total: Cells = dataclasses.field(default_factory=Cells)
    designs: dict[tuple[str, ...], Cells] = dataclasses.field(
        default_factory=lambda: defaultdict(Cells)
    )
    factors: dict[tuple[str, str], Cells] = dataclasses.field(
        default_factory=lambda: defaultdict(Cells)
    )
    profiles: dict[str, Cells] = dataclasses.field(default_factory=lambda: defaultdict(Cells))
    usage: dict[str, Usage] = dataclasses.field(default_factory=lambda: defaultdict(Usage))
    versions: dict[str, Version] = dataclasses.field(default_factory=dict)
    retried: Counter[str] = dataclasses.field(default_factory=Counter)
    failures: Counter[str] = dataclasses.field(default_factory=Counter)
    batches: dict[str, int] = dataclasses.field(default_factory=dict)
    latency: array[float] = dataclasses.field(default_factory=lambda: array("f"))
    first: str = ""
    last: str = ""

    def asked(self, model: str | None = None, level: tuple[str, str] | None = None) -> int:
        """Return how many answers the study asks for, of a model or of a level of a factor."""
        if self.study is None:
            return 0
        models = len(self.study.endpoints) if model is None else model in self.study.endpoints
        share = len(self.study.factors.get(level[0], ())) if level else 1
        return self.study.n_cells // len(self.study.endpoints) * models // max(share, 1)

    def take(self, line: Mapping[str, Any]) -> None:
        """Count one line."""
        kind = line["kind"]
        if kind == "study":
            self.versions.setdefault(line["version"], Version(dict(line)))
        elif kind == "answer":
            self._response(line)
            if line.get("final"):
                self._final(line)
            else:
                self.retried[str((line.get("rejected") or {}).get("reason"))] += 1
        elif kind == "failure":
            self.failures[str(line.get("model"))] += 1
        elif kind == "batch":
            waits = len(line.get("keys") or ()) or self.batches.get(line["name"], 0)
            self.batches[line["name"]] = 0 if line["status"] in ENDED else waits

    def _response(self, line: Mapping[str, Any]) -> None:
        if line.get("latency") is None and line.get("raw") is None:
            return  # the call ended without a response
        usage = self.usage[line["model"]]
        usage.requests += 1
        for name in ("server_model", "fingerprint", "structured"):
            if line.get(name) is not None:
                usage.heard[name].add(str(line[name]))
        tokens = line.get("tokens")
        if tokens is None:
            usage.unrecorded += 1
        else:
            usage.tokens.update(tokens)
            self._cost(usage, line, tokens)
        if line.get("latency") is not None:
            self.latency.append(line["latency"])
        if time := line.get("time"):
            self.first = min(self.first or time, time)
            self.last = max(self.last, time)

    def _cost(self, usage: Usage, line: Mapping[str, Any], tokens: Mapping[str, int]) -> None:
        version = self.versions.get(line.get("version", ""))
        entry = version.line["models"].get(line["model"]) if version else None
        price = entry and entry.get("price")
        if price:
            spent = (tokens["input"] * price[0] + tokens["output"] * price[1]) / 1e6
            usage.cost = (usage.cost or 0.0) + spent

    def _final(self, line: Mapping[str, Any]) -> None:
        from foundation_priors.elicit.reread import reasons_of

        if version := self.versions.get(line.get("version", "")):
            version.calls += 1
        if self.study is None or not self._asks_for(line):
            return
        self.calls += 1
        given = line["cells"][0]["factors"]
        levels = {name: str(given.get(name)) for name in self.study.factors}
        parts = [self.total, self.designs[line["model"], *levels.values()]]
        parts += [self.factors[pair] for pair in levels.items()]
        reasons = reasons_of(line)
        for part in parts:
            part.take(reasons)
        for cell, reason in zip(line["cells"], reasons, strict=True):
            self.profiles[str(cell["profile"])].take([reason])

    def _asks_for(self, line: Mapping[str, Any]) -> bool:
        assert self.study is not None
        if line.get("version") == self.study.version:
            return bool(line["draw"] < self.study.draws)
        # Calls that an earlier version had in common are not asked again, and count for both.
        return self.study.locate(line) is not None


def tally(path: Path) -> Tally:
    """Count what a journal holds, whether or not it is in use.

    Parameters
    ----------
    path : pathlib.Path
        The journal.

    Returns
    -------
    Tally
        The counts. Memory grows with the profiles, and by four bytes an answer.

    Raises
    ------
    JournalError
        If it is missing, or no journal.
    """
    from foundation_priors.elicit.lines import read

    out = Tally(path, _study(path))
    for line in read(path):
        out.take(line)
    return out


def _study(path: Path) -> Study | None:
    from foundation_priors.elicit.collect import asked_last, draws_asked
    from foundation_priors.elicit.design import Study
    from foundation_priors.elicit.journal import read

    if not any(line["kind"] == "study" for line in read(path)):
        return None
    study = Study.from_record(asked_last(path))
    return dataclasses.replace(study, draws=draws_asked(path, study), _memo={})
