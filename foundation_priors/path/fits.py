"""Fits at single weights: where chains start, who runs them, and what is kept."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.engine import Engine, Run
from foundation_priors.path.mixture import Anchor
from foundation_priors.path.reference import Reference
from foundation_priors.prior.compiling import one_at_a_time

__all__ = ["Fit", "Settings", "Task", "charge", "forward_fit", "reference_fit", "run_tasks"]

type Floats = NDArray[np.float64]

R_HAT = 1.05
"""Largest r-hat of an anchor that is relied on."""
APART = 1.3
"""The r-hat beyond which chains are in modes of their own rather than slow."""
DIVERGENT = 0.01
"""Largest share of divergent draws of an anchor that is relied on."""
TARGET_ACCEPT = 0.8
"""The acceptance that the sampler aims at where nothing else is asked for."""


@dataclass(frozen=True)
class Settings:
    """How every anchor is sampled; ``nuts`` are options of the sampler (`nuts_options`).

    ``target_accept`` of None is the sampler's own, .8.
    """

    tune: int = 400
    chains: int = 4
    cores: int | None = None
    target_accept: float | None = None
    nuts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """What the sampler takes besides lengths, places and seeds."""
        own = {} if self.target_accept is None else {"target_accept": self.target_accept}
        return {**self.nuts, **own}

    @classmethod
    def of(cls, options: Mapping[str, Any], **lengths: Any) -> Settings:
        """Return settings with the options that `nuts_options` gave."""
        nuts = dict(options)
        return cls(target_accept=nuts.pop("target_accept", None), nuts=nuts, **lengths)


@dataclass(frozen=True)
class Task:
    """One fit to make: a weight, a ladder, a number of draws and where the chains may start.

    ``near`` and ``far`` are unconstrained points, shape (point, coordinate): half of the chains
    start at the one and half at the other, since chains that all start where the last ones ended
    would never find another mode. ``tune`` draws of each chain are for warm-up, those of the
    settings by default; ``careful`` halves the distance of the sampler's target acceptance from 1.
    ``why`` says what the fit is for.
    """

    trust: tuple[float, ...]
    real: float
    draws: int
    seed: int
    near: Floats
    far: Floats
    tune: int | None = None
    careful: bool = False
    why: str = "ends"


@dataclass(frozen=True, eq=False)
class Fit:
    """Draws at one weight with their diagnostics.

    ``ess`` is that of ell, which weighs the draws; ``ess_min`` the smallest over all coordinates.
    ``known`` says that the density drawn from is normalised: the primitive prior, or a
    ``reference`` that was fitted near this weight.
    """

    trust: Floats
    real: float
    run: Run
    ess: float
    ess_min: float
    r_hat: float
    known: bool = False
    reference: Reference | None = None

    @property
    def draws(self) -> int:
        """Number of draws of all chains."""
        return self.run.u.shape[0] * self.run.u.shape[1]

    @property
    def agrees(self) -> bool:
        """Whether the chains agree and rarely diverge."""
        return self.r_hat <= R_HAT and self.run.divergences <= DIVERGENT * self.draws

    def anchor(self) -> Anchor:
        """Return what the mixture needs."""
        return Anchor(self.trust, self.run.ell, self.ess, self.ess_min, self.known)


def forward_fit(engine: Engine, draws: int, seed: np.random.SeedSequence) -> Fit | None:
    """Return independent draws from the primitive prior as a fit at trust 0, if it can be drawn."""
    u = engine.forward(draws, seed)
    if u is None:
        return None
    return _independent(engine, u, np.zeros(len(engine.tilted.sources)), 0.0, None)


def reference_fit(
    engine: Engine,
    reference: Reference,
    trust: Floats,
    real: float,
    draws: int,
    seed: np.random.SeedSequence,
) -> Fit:
    """Return independent draws from a reference distribution, fitted near ``trust``."""
    u = reference.draw(draws, np.random.default_rng(seed))
    return _independent(engine, u, trust, real, reference)


def charge(fit: Fit, gradients: int, seconds: float) -> Fit:
    """Return a fit whose cost includes what was spent on its making."""
    run = fit.run
    gradients, seconds = run.gradients + gradients, run.seconds + seconds
    return replace(fit, run=replace(run, gradients=gradients, seconds=seconds))


def _independent(
    engine: Engine, u: Floats, trust: Floats, real: float, reference: Reference | None
) -> Fit:
    began = time.perf_counter()
    found = engine.expand(u)
    seconds, size = time.perf_counter() - began, float(len(u))
    values = {name: value[None] for name, value in found.values.items()}
    ell, loglik, base = found.ell[None], found.real[None], found.base(real)[None]
    run = Run(u[None], values, ell, loglik, base, 0, len(u), seconds)
    return Fit(trust, real, run, size, size, 1.0, True, reference)


def run_tasks(
    engine: Engine, tasks: Sequence[Task], settings: Settings, executor: Executor | None, done: Any
) -> list[Fit]:
    """Make all fits, in order; ``done`` is called after each."""
    if executor is None:
        fits = []
        for task in tasks:
            fits.append(_fit(engine, settings, task))
            done()
        return fits
    one = replace(settings, cores=settings.cores or 1)
    futures = [executor.submit(partial(_fit_anywhere, engine, one), task) for task in tasks]
    for future in as_completed(futures):
        future.result()
        done()
    return [future.result() for future in futures]


_ENGINES: dict[str, Engine] = {}


def _fit_anywhere(engine: Engine, settings: Settings, task: Task) -> Fit:
    """Make a fit, perhaps in another process, which compiles the model once and keeps it."""
    if "compiled" in engine.__dict__:
        return _fit(engine, settings, task)
    return _fit(_ENGINES.setdefault(engine.key, engine), settings, task)


def _fit(engine: Engine, settings: Settings, task: Task) -> Fit:
    """Sample in two halves, one started near and one far."""
    trust = np.array(task.trust)
    half = settings.chains // 2
    options = settings.options
    if task.careful:
        options["target_accept"] = (1 + options.get("target_accept", TARGET_ACCEPT)) / 2
    runs = [
        engine.sample(
            trust,
            task.real,
            partial(_start, engine, task, pool),
            draws=task.draws,
            tune=settings.tune if task.tune is None else min(task.tune, settings.tune),
            chains=chains,
            cores=settings.cores,
            seed=task.seed + number,
            options=options,
        )
        for number, (pool, chains) in enumerate(
            ((task.near, half), (task.far, settings.chains - half))
        )
    ]
    run = _joined(runs)
    return Fit(trust, task.real, run, *_diagnose(run))


def _joined(runs: Sequence[Run]) -> Run:
    """Return the chains of several runs as one run."""
    return Run(
        u=np.concatenate([r.u for r in runs]),
        values={k: np.concatenate([r.values[k] for r in runs]) for k in runs[0].values},
        ell=np.concatenate([r.ell for r in runs]),
        real=np.concatenate([r.real for r in runs]),
        base=np.concatenate([r.base for r in runs]),
        divergences=sum(r.divergences for r in runs),
        gradients=sum(r.gradients for r in runs),
        seconds=sum(r.seconds for r in runs),
    )


def _start(engine: Engine, task: Task, pool: Floats, seed: int | None) -> Floats:
    """Return a point of the pool, moved towards the near ones until its density is positive."""
    rng = np.random.default_rng(seed)
    near, start = (points[rng.integers(len(points))] for points in (task.near, pool))
    for step in (1.0, 0.5, 0.25, 0.1, 0.03):
        point = near + step * (start - near)
        if np.isfinite(engine.value_grad(point[None], np.array(task.trust), task.real)[0][0]):
            return point
    return near.copy()


@one_at_a_time
def _diagnose(run: Run) -> tuple[float, float, float]:
    from arviz_stats.base import array_stats

    axes = {"chain_axis": 0, "draw_axis": 1}
    total = float(run.u.shape[0] * run.u.shape[1])
    both = np.concatenate([run.u, run.ell], axis=-1)
    ell = np.atleast_1d(array_stats.ess(run.ell, method="mean", **axes))
    bulk = np.atleast_1d(array_stats.ess(both, method="bulk", **axes))
    r_hat = np.atleast_1d(array_stats.rhat(both, **axes))
    least = [float(np.nan_to_num(e, nan=1.0).min()) for e in (ell, bulk)]
    ess, ess_min = (min(max(e, 1.0), total) for e in least)
    return ess, min(ess_min, ess), float(np.nan_to_num(r_hat, nan=np.inf).max())
