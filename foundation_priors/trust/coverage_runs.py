"""The repetitions of a study of operating characteristics, here or on an executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import xarray as xr

from foundation_priors.display import count
from foundation_priors.errors import StatementError, brief
from foundation_priors.path.draws import SAMPLE, labels
from foundation_priors.statements import Name, compute, label_of, parse

__all__ = ["Answer", "Job", "run"]

CHUNKS = 40
"""Into how many parts an executor's work is cut: enough to balance it and to show progress."""


@dataclass(frozen=True)
class Answer:
    """One repetition: intervals by rule and quantity, decisions by rule, and the truth of both."""

    intervals: dict[str, dict[str, tuple[float, float, float]]]
    decisions: dict[str, dict[str, bool]]
    truth: dict[str, float]


@dataclass(frozen=True)
class Job:
    """What every repetition does."""

    analyse: Callable[[Any], Any]
    simulate: Any
    truth: Any
    rules: Mapping[str, Any] | None
    decisions: Mapping[str, float]
    ci_prob: float

    def __call__(self, n: int | None, seed: np.random.SeedSequence) -> Answer:
        """Make data, analyse them and read every rule."""
        rng = np.random.default_rng(seed)
        truth = dict(self.truth(rng) if callable(self.truth) else self.truth)
        found = self.analyse(self._data(truth, n, rng))
        if isinstance(found, Mapping):
            return _read(found, truth)
        if not self.rules:
            raise ValueError("analyse= returns a path, so rules= must say how to weigh it.")
        return self._weigh(found, truth)

    def _data(self, truth: dict[str, Any], n: int | None, rng: np.random.Generator) -> Any:
        if callable(self.simulate):
            return self.simulate(truth, rng) if n is None else self.simulate(truth, rng, n)
        return resample(self.simulate, n, rng)

    def _weigh(self, path: Any, truth: dict[str, Any]) -> Answer:
        """Read a path under every rule."""
        tail = (1 - self.ci_prob) / 2
        intervals: dict[str, dict[str, tuple[float, float, float]]] = {}
        decisions: dict[str, dict[str, bool]] = {}
        known = {k: v for k, v in truth.items() if k not in self.decisions}
        flat: dict[str, float] = {}
        for rule, given in (self.rules or {}).items():
            trust = given(path) if callable(given) else given
            row = intervals[rule] = {}
            for name, value in known.items():
                mean = path.mean(name, trust=trust)
                ends = path.quantile(name, [tail, 1 - tail], trust=trust)
                names = _labels(name, mean, rule)
                flat |= _flat(name, value, names)
                columns = (
                    np.ravel(a)
                    for a in (mean, ends.isel(quantile=0).values, ends.isel(quantile=1).values)
                )
                triples = zip(*columns, strict=True)
                row |= {k: (float(a), float(b), float(c)) for k, (a, b, c) in _pair(names, triples)}
            decisions[rule] = {
                event: float(path.probability(event, trust=trust)) >= level
                for event, level in self.decisions.items()
            }
        events = {event: _holds(event, truth, flat) for event in self.decisions}
        return Answer(intervals, decisions, flat | events)


def _pair(names: Sequence[str], values: Iterator[Any]) -> Iterator[tuple[str, Any]]:
    return zip(names, values, strict=True)


def resample(table: Any, n: int | None, rng: np.random.Generator) -> Any:
    """Draw rows with replacement, as many as there are unless n says otherwise."""
    if isinstance(table, xr.Dataset):
        if len(table.sizes) != 1:
            raise ValueError(
                f"simulate= is a Dataset over {', '.join(map(str, table.sizes))}: give one over "
                "its rows alone, or a function that draws from it."
            )
        dim, size = next(iter(table.sizes.items()))
        return table.isel({dim: rng.integers(size, size=size if n is None else n)})
    rows = rng.integers(len(table), size=len(table) if n is None else n)
    return table.iloc[rows] if isinstance(table, pd.DataFrame | pd.Series) else table[rows]


def _labels(name: str, mean: xr.DataArray, rule: str) -> list[str]:
    """Return a name for each element of a quantity."""
    if "trust" in mean.dims:
        raise ValueError(f"The rule {rule!r} is several weights: a rule is one, or a distribution.")
    return labels(mean.expand_dims(SAMPLE), name)


def _flat(name: str, value: Any, names: list[str]) -> dict[str, float]:
    values = np.ravel(np.asarray(value, dtype=float))
    if len(values) not in (1, len(names)):
        raise ValueError(
            f"truth[{name!r}] has {count(len(values), 'value')}, and {name} has {len(names)}: give "
            "one for each."
        )
    return dict(zip(names, np.broadcast_to(values, len(names)).tolist(), strict=True))


def _holds(event: str, truth: Mapping[str, Any], elements: Mapping[str, float]) -> float:
    """Say whether an event holds in truth: 1, 0, or nan where it speaks of something else."""
    if event in truth:
        return float(truth[event])
    known = {**{k: v for k, v in truth.items() if np.ndim(v) == 0}, **elements}

    def lookup(name: Name) -> np.float64:
        label = label_of(name.name, name.place or ())
        if label not in known:
            raise StatementError(f"truth= does not give {brief(label)}.")
        return np.float64(known[label])

    try:
        return float(compute(parse(event), lookup))
    except StatementError:
        return float("nan")


def _read(found: Mapping[str, Mapping[str, Any]], truth: dict[str, Any]) -> Answer:
    """Read what a plain function returned: a triple is an interval, a bool a decision."""
    intervals: dict[str, dict[str, tuple[float, float, float]]] = {}
    decisions: dict[str, dict[str, bool]] = {}
    for rule, results in found.items():
        if not isinstance(results, Mapping):
            raise TypeError(
                f"analyse= returned {type(results).__name__} for {rule!r}: give a mapping from "
                "each quantity to (mean, low, high) and from each decision to a bool."
            )
        intervals[rule], decisions[rule] = {}, {}
        for name, value in results.items():
            if isinstance(value, bool | np.bool_):
                decisions[rule][name] = bool(value)
                truth.setdefault(name, np.nan)
                continue
            if np.shape(value) != (3,):
                raise ValueError(
                    f"analyse= returned {value!r} for {name!r} under {rule!r}: give (mean, low, "
                    "high), or a bool for a decision."
                )
            if name not in truth:
                raise ValueError(f"analyse= returned {name!r}, of which truth= says nothing.")
            mean, low, high = map(float, value)
            intervals[rule][name] = (mean, low, high)
    named = {k for row in intervals.values() for k in row}
    named |= {k for made in decisions.values() for k in made}
    return Answer(intervals, decisions, {k: float(truth[k]) for k in named})


def _chunk(
    pickled: bytes, tasks: Sequence[tuple[int | None, int, np.random.SeedSequence]]
) -> list[Answer]:
    """Run some repetitions; the job comes pickled so that it may hold lambdas."""
    job: Job = cloudpickle.loads(pickled)
    return [_one(job, *task) for task in tasks]


def _one(job: Job, n: int | None, number: int, seed: np.random.SeedSequence) -> Answer:
    try:
        return job(n, seed)
    except Exception as error:
        size = "" if n is None else f" with n = {n}"
        error.add_note(f"This was repetition {number}{size}.")
        raise


def run(
    job: Job,
    sizes: Sequence[int | None],
    repeats: int,
    random_seed: int | None,
    executor: Executor | None,
    progressbar: bool,
) -> list[list[Answer]]:
    """Return the repetitions of every size; they do not depend on the executor."""
    seeds = np.random.SeedSequence(random_seed).spawn(len(sizes) * repeats)
    tasks = [(n, r, seeds[i * repeats + r]) for i, n in enumerate(sizes) for r in range(repeats)]
    answers: list[Answer | None] = [None] * len(tasks)
    with _bar(len(tasks), progressbar) as advance:
        if executor is None:
            for i, task in enumerate(tasks):
                answers[i] = _one(job, *task)
                advance(1)
        else:
            _spread(cloudpickle.dumps(job), tasks, executor, answers, advance)
    done = [answer for answer in answers if answer is not None]
    return [done[i * repeats : (i + 1) * repeats] for i in range(len(sizes))]


def _spread(
    pickled: bytes,
    tasks: list[tuple[int | None, int, np.random.SeedSequence]],
    executor: Executor,
    answers: list[Answer | None],
    advance: Callable[[int], None],
) -> None:
    size = max(1, -(-len(tasks) // CHUNKS))
    futures = {
        executor.submit(_chunk, pickled, tasks[i : i + size]): i for i in range(0, len(tasks), size)
    }
    try:
        for future in as_completed(futures):
            some = future.result()
            start = futures[future]
            answers[start : start + len(some)] = some
            advance(len(some))
    finally:
        for future in futures:
            future.cancel()


@contextmanager
def _bar(total: int, show: bool) -> Iterator[Callable[[int], None]]:
    """Show progress as rich does."""
    if not show:
        yield lambda done: None
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
    )
    with Progress(*columns, refresh_per_second=4) as bars:
        task = bars.add_task("repetitions", total=total)
        yield lambda done: bars.update(task, advance=done)
