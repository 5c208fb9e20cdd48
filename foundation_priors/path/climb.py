"""Where to put anchors: first evenly in arc, then wherever a check fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.arc import even_grid, length, power_law
from foundation_priors.path.bridge import SOUND, Anchored, Bridge, Referenced
from foundation_priors.path.engine import Engine
from foundation_priors.path.fits import (
    APART,
    DIVERGENT,
    R_HAT,
    Fit,
    Settings,
    Task,
    charge,
    forward_fit,
    run_tasks,
)
from foundation_priors.path.ladder import ESS_FLOOR, LOG_Z_LIMIT, Ladder, _robust
from foundation_priors.path.ledger import Ledger
from foundation_priors.path.matched import MANY, MatchedBridge
from foundation_priors.path.mixture import pareto_k_limit

__all__ = ["Climber", "Plan", "posterior_at_zero"]

type Floats = NDArray[np.float64]

GAP = 2.0
MIXING = 0.35
"""Effective share of the draws of ell that an anchor of the usual length is made for."""
STARTS, LONGEST = 100, 8
"""Draws among which chains start, and the most draws of an anchor, times those of the plan."""
WARM = 100
"""Draws of a chain for warm-up where it starts among draws of neighbouring weights."""
AGAIN = 4
"""Chains that are slow to agree go on for at most so many times their draws."""
ANCHORS = 32
"""The most anchors of a ladder for each source, unless a plan says otherwise."""
AGREEMENT = 400
"""Effective draws of an anchor from which r-hat says more than chance."""
AT_ONCE = 4
"""The most gaps that get an anchor at once."""
LOG_Z_SHARE = 0.65
"""The part of the limit on the error of log evidence that either ladder may use."""
LEAST_K = 0.01
"""Smallest k-hat to measure others against; for a handful of draws the limit is 0."""
ERROR_MEAN, ERROR_SD = 0.03, 0.035
"""Largest Monte Carlo errors of coordinates' means and sds, in posterior sds, to aim at."""
MARGIN = 1.25
"""How far beyond the floor of the effective sample size to go, since it is itself an estimate."""


@dataclass(frozen=True)
class Plan:
    """How many draws and anchors to spend; ``draws`` are those of one chain of an anchor.

    ``max_anchors`` may be left to the climber.
    """

    draws: int
    max_anchors: int | None
    max_trust: float
    settings: Settings
    executor: Executor | None


class Climber:
    """Builds both ladders, the posterior's and the tilted prior's, from one engine."""

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        seed: Any,
        progress: Callable[..., None] = lambda *_, **__: None,
        ledger: Ledger | None = None,
    ) -> None:
        self.engine, self.plan, self.progress = engine, plan, progress
        self.seeds = np.random.SeedSequence(seed)
        self.ledger = ledger or Ledger()
        self.sources = len(engine.tilted.sources)
        self.zero = np.zeros(self.sources)
        self.far = np.zeros((1, engine.dim))
        self.most = plan.max_anchors or self._room()

    def _room(self) -> int:
        """Return the most anchors: many dimensions make a path longer by their square root."""
        return int(ANCHORS * self.sources * max(1.0, np.sqrt(self.engine.dim / MANY)))

    def climb(self) -> tuple[Ladder, Ladder]:
        """Return the posterior's ladder and the tilted prior's."""
        return self._mend(*self._fill(*self._ends()))

    def _task(
        self,
        trust: Floats,
        real: float,
        draws: int,
        near: Floats,
        far: Floats | None = None,
        **how: Any,
    ) -> Task:
        seed = int(self._seed().generate_state(1)[0])
        return Task(tuple(trust), real, draws, seed, near, self.far if far is None else far, **how)

    def _run(self, tasks: list[Task], doing: str) -> list[Fit]:
        fits = self._sample(tasks, doing)
        for task, fit in zip(tasks, fits, strict=True):
            self.ledger.add(task.why, fit.run)
        slow = [k for k, fit in enumerate(fits) if not fit.agrees and fit.r_hat <= APART]
        again = [self._longer(tasks[k], fits[k]) for k in slow]
        if slow:
            for k, fit in zip(slow, self._sample(again, f"{doing}, longer"), strict=True):
                self.ledger.add("chains that went on", fit.run)
                fits[k] = charge(fit, fits[k].run.gradients, fits[k].run.seconds)
        return fits

    def _sample(self, tasks: list[Task], doing: str) -> list[Fit]:
        self.progress(doing, total=len(tasks))
        done = lambda: self.progress(doing, advance=1)  # noqa: E731
        return run_tasks(self.engine, tasks, self.plan.settings, self.plan.executor, done)

    def _longer(self, task: Task, fit: Fit) -> Task:
        """Return the task that goes on from where chains ended that do not agree yet."""
        ends, half = fit.run.u[:, -1], self.plan.settings.chains // 2
        times = np.clip(1.5 * AGREEMENT / fit.ess_min, 2, AGAIN)
        diverged = fit.run.divergences > DIVERGENT * fit.draws
        seed, draws = int(self._seed().generate_state(1)[0]), int(task.draws * times)
        near, far = ends[:half], ends[half:]
        return replace(task, draws=draws, seed=seed, near=near, far=far, careful=diverged)

    def _corners(self) -> list[Floats]:
        """Return the weights at the far ends: all sources together first, then each alone."""
        one = np.eye(self.sources) * self.plan.max_trust
        return [one.sum(axis=0), *(one if self.sources > 1 else ())]

    def _ends(self) -> tuple[list[Fit], list[Fit]]:
        plan, wide = self.plan, self.plan.draws
        forward = forward_fit(self.engine, 2 * 4 * plan.draws, self._seed())
        if forward is not None:
            self.ledger.add("draws of the prior", forward.run)
        start = self._typical() if forward is None else forward.run.u[0]
        self.far = start
        tasks = [self._task(self.zero, 1.0, wide, start)]
        if forward is None:
            tasks.append(self._task(self.zero, 0.0, wide, start))
        first, *rest = self._run(tasks, "posterior and prior at trust 0")
        base = forward or rest[0]
        self.far = base.run.u.reshape(base.draws, -1)
        near, corners = first.run.u.reshape(first.draws, -1), self._corners()
        said = self._run([self._task(c, 0.0, wide, near) for c in corners], "tilted prior")
        # Where real data and answers disagree, each of these starts finds a mode of its own.
        pools = [fit.run.u.reshape(fit.draws, -1) for fit in said]
        tasks = [self._task(c, 1.0, wide, near, u) for c, u in zip(corners, pools, strict=True)]
        return [first, *self._run(tasks, "posterior at the ends of the path")], [base, *said]

    def _seed(self) -> np.random.SeedSequence:
        return self.seeds.spawn(1)[0]

    def _seeds(self) -> Iterator[np.random.SeedSequence]:
        while True:
            yield self._seed()

    def _bridge(self, ends: list[Fit]) -> Anchored:
        """Bridge a ladder with references, from its far end down to 0, as far as they fit."""
        size = (4 if ends[0].real else 2) * self.plan.draws
        first, *others = ends[1:]
        start = [] if ends[0].known else [self.zero]
        corners = [end.trust for end in others]
        if MatchedBridge.serves(self.engine, ends):
            matched = MatchedBridge(self.engine, ends, size, self.most, self._seeds(), self.ledger)
            inner = self._between(ends[0], first, GAP)[::-1]
            matched.span([first.trust, *inner, *start, *corners])
            return matched
        bridge = Bridge(self.engine, ends, size, self.most, self._seeds(), self.ledger)
        inner = self._between(ends[0], first, 0.75 * GAP)[::-1]
        if bridge.span([first.trust, *inner, *start, *corners]):
            return bridge
        return Anchored(ends, [p for end in ends[1:] for p in self._between(ends[0], end, GAP)])

    def _typical(self) -> Floats:
        """Return initial points of the model, where its prior cannot be drawn from directly."""
        states = self._seed().generate_state(16)
        start = self.engine.compiled.initial_point_func
        return np.array([start(int(s)) for s in states])

    def _fill(self, posterior: list[Fit], prior: list[Fit]) -> tuple[Ladder, Ladder]:
        """Bridge each ladder between 0 and its ends, by references or else by anchors."""
        sides = {1.0: posterior, 0.0: prior}
        bridges = {real: self._bridge(fits) for real, fits in sides.items()}
        tasks = [
            t for real, bridge in bridges.items() for t in self._inner(bridge, posterior, real)
        ]
        found = self._run(tasks, "anchors between") if tasks else []
        for real, bridge in bridges.items():
            bridge.join([fit for fit in found if fit.real == real])
        return self._mend_bridge(bridges[1.0]), self._mend_bridge(bridges[0.0])

    def _inner(self, bridge: Anchored, near: list[Fit], real: float) -> list[Task]:
        """Return the fits that a ladder wants, as far as there is room."""
        room, draws = max(self.most - len(bridge.fits), 0), self._draws(real)
        return [
            self._task(
                p, real, int(draws * times), *self._beside(near, p), tune=WARM, why="between"
            )
            for p, times in bridge.wanting[:room]
        ]

    def _draws(self, real: float) -> int:
        return self.plan.draws if real else max(self.plan.draws * 3 // 5, 1)

    def _between(self, start: Fit, end: Fit, gap: float) -> list[Floats]:
        step = end.trust - start.trust
        lines = [f.run.ell.reshape(f.draws, -1) @ step for f in (start, end)]
        flat = [np.full(len(x), 1 / len(x)) for x in lines]
        (mean_a, sd_a), (mean_b, sd_b) = (_robust(x, w) for x, w in zip(lines, flat, strict=True))
        sd = power_law(sd_a, sd_b, mean_b - mean_a, 1.0)
        size = int(np.ceil(length(sd, 1.0) / gap)) + 1
        inner = even_grid(sd, 1.0, min(size, self.most))[1:-1]
        return [start.trust + t * step for t in inner]

    @staticmethod
    def _beside(fits: Sequence[Fit], point: Floats) -> tuple[Floats, Floats]:
        """Return draws of the nearest fit and of the nearest beyond the point, seen from there.

        Where the density changes from one phase to another, each finds its own.
        """
        first, *rest = sorted(fits, key=lambda f: float(np.abs(f.trust - point).sum()))
        across = (f for f in rest if (f.trust - point) @ (first.trust - point) < 0)
        second = next(across, first)
        near, far = (f.run.u.reshape(f.draws, -1) for f in (first, second))
        return near, far

    def _mend(self, posterior: Ladder, prior: Ladder) -> tuple[Ladder, Ladder]:
        """Add anchors where checks fail until none does, or none more may be added."""
        while True:
            errors = [self._log_z_error(ladder) for ladder in (posterior, prior)]
            misses = [
                error / _allowed(other) for error, other in zip(errors, errors[::-1], strict=True)
            ]
            tasks = self._wanted(posterior, 1.0, misses[0])
            tasks += self._wanted(prior, 0.0, misses[1])
            if not tasks:
                return posterior, prior
            fits = self._run(tasks, "anchors where checks failed")
            more = {real: [f for f in fits if f.real == real] for real in (1.0, 0.0)}
            posterior, prior = posterior.joined(more[1.0]), prior.joined(more[0.0])

    def _mend_bridge(self, bridge: Anchored) -> Ladder:
        """Add references where a bridge is uncertain, as long as that helps."""
        ladder, misses = bridge.ladder, [np.inf, np.inf]
        if not isinstance(bridge, Referenced):
            return ladder
        while len(ladder.fits) < self.most:
            place, miss = self._place(ladder)
            # Several weights may take turns at being worst, so two in vain are needed to stop.
            if miss <= 1 or miss > 0.97 * max(misses[-2:]) or not bridge.add(place):
                break
            ladder = bridge.ladder
            misses.append(miss)
            if bridge.real and bridge.share < SOUND:
                break
        return ladder

    def _place(self, ladder: Ladder) -> tuple[Floats, float]:
        """Return where one more reference would help most, and by what factor a limit is missed."""
        points = self.check_points(ladder)
        found = ladder.mixture.survey(points, self.zero)
        limit = max(pareto_k_limit(ladder.mixture.effective.sum()), LEAST_K)
        needed = MARGIN * ESS_FLOOR if ladder.fits[0].real else ESS_FLOOR / 4
        severity = np.maximum(found.pareto_k / limit, needed / found.ess)
        worst = int(np.argmax(severity))
        places = [(points[worst], float(severity[worst]))]
        if ladder.fits[0].real:
            places.append(self._least_precise(ladder))
        error = float(found.mcse_log_z.max()) / (LOG_Z_SHARE * LOG_Z_LIMIT)
        if error > 1 and self.sources == 1:
            places.append((ladder.between(*ladder.weakest_gaps(1)[0], 3)[1], error))
        elif error > 1:
            places.append((points[int(np.argmax(found.mcse_log_z))], error))
        return max(places, key=lambda place: place[1])

    def _least_precise(self, ladder: Ladder) -> tuple[Floats, float]:
        """Return where the means and sds of coordinates are least certain, against the limits."""
        points = ladder.between(self.zero, np.full(self.sources, self.plan.max_trust), 7)
        mean, sd = ladder.precision(points)
        miss = np.maximum(mean / ERROR_MEAN, sd / ERROR_SD)
        return points[int(np.argmax(miss))], float(miss.max())

    def _log_z_error(self, ladder: Ladder) -> float:
        return float(ladder.mixture.log_z_error(self.check_points(ladder), self.zero).max())

    def _wanted(self, ladder: Ladder, real: float, miss: float) -> list[Task]:
        """Return the fits that would help a ladder most: one for its weights, some for its gaps.

        ``miss`` is by what factor the error of its log z is too large.
        """
        room = self.most - len(ladder.fits)
        points = self.check_points(ladder)
        checks = ladder.check(points, leave_out=False)
        wanted: list[tuple[Floats, int, str]] = []
        severity = np.maximum(checks.pareto_k / max(checks.pareto_k_limit, LEAST_K), 0)
        times = np.ones(len(points))
        if real:
            times = np.maximum(MARGIN * ESS_FLOOR / checks.ess, checks.imprecise**2)
            severity = np.maximum(severity, times)
        worst = int(np.argmax(severity))
        if severity[worst] > 1 and not self._hopeless(ladder, points[worst]):
            missing = checks.ess[worst] * (times[worst] - 1)
            draws = self._deficit(ladder, missing, points[worst])
            wanted.append((points[worst], draws, "added for means"))
        if not miss <= 1 or not ladder.linked.all():
            gaps = ladder.weakest_gaps(self._fillers(ladder, miss))
            middles = [ladder.between(*gap, 3)[1] for gap in gaps]
            wanted.extend((m, self._filling(ladder, m), "added for evidence") for m in middles)
        rng = np.random.default_rng(self._seed())
        return [
            self._task(
                p, real, n, ladder.resample(p, STARTS, rng), far, tune=max(WARM, n // 3), why=why
            )
            for p, n, why in wanted[: max(room, 0)]
            for _, far in [self._beside(ladder.fits, p)]
        ]

    def _filling(self, ladder: Ladder, point: Floats) -> int:
        """Return the draws of a chain that fill a gap: the more, the slower ell mixes there."""
        near = ladder.near(point)
        times = np.clip(MIXING * near.draws / near.ess, 1, LONGEST)
        return int(self._draws(near.real) * times)

    @staticmethod
    def _fillers(ladder: Ladder, miss: float) -> int:
        """Return how many anchors at once should bring the error of log z to its limit."""
        sampled = sum(not fit.known for fit in ladder.fits)
        return int(np.clip(np.ceil(sampled * (min(2.0, miss) ** 2 - 1)), 1, AT_ONCE))

    def _deficit(self, ladder: Ladder, missing: float, point: Floats) -> int:
        """Return the draws of a chain that should give so many effective ones.

        They should also be enough for the chains to be seen to agree and, where none is missing
        but the weights have a heavy tail, twice as many as were drawn there before.
        """
        fit, chains = ladder.near(point), self.plan.settings.chains
        needed = 1.2 * missing * fit.draws / fit.ess_min / chains
        slowest = min((f.ess_min / f.draws for f in ladder.fits if not f.known), default=1.0)
        least = max(self.plan.draws // 2, AGREEMENT / slowest / chains)
        if missing <= 0:
            same = (f.draws for f in ladder.fits if not f.known and (f.trust == point).all())
            least = max(least, 2 * sum(same) / chains)
        most = LONGEST * self.plan.draws
        return int(np.clip(np.ceil(needed), min(least, most), most))

    def _hopeless(self, ladder: Ladder, point: Floats) -> bool:
        """Say whether chains have already disagreed twice where more draws would go."""
        near = ladder.near(point).trust
        bad = [f for f in ladder.fits if f.r_hat > R_HAT and np.abs(f.trust - near).max() < 1e-9]
        return len(bad) > 1

    def check_points(self, ladder: Ladder) -> Floats:
        """Return where the checks are made: along equal weights and, with sources, among them."""
        line = np.full(self.sources, self.plan.max_trust)
        points = [ladder.between(self.zero, line, 25)]
        if self.sources > 1:
            rng = np.random.default_rng(0)
            for end in [*self._corners(), *(rng.random((24, self.sources)) * line)]:
                points.append(ladder.between(self.zero, end, 5)[1:])
        return np.concatenate(points)


def _allowed(other: float) -> float:
    """Return the error that log z of a ladder may have beside that of the other."""
    share = LOG_Z_SHARE * LOG_Z_LIMIT
    return float(np.sqrt(max(2 * share**2 - other**2, share**2)))


def posterior_at_zero(engine: Engine, seed: Any, settings: Settings | None = None) -> Fit:
    """Return one fit of the real data alone."""
    plan = Plan(500, 1, 1.0, settings or Settings(), None)
    climber = Climber(engine, plan, seed)
    forward = forward_fit(engine, 500, climber._seed())
    climber.far = climber._typical() if forward is None else forward.run.u[0]
    return climber._run([climber._task(climber.zero, 1.0, 500, climber.far)], "posterior")[0]
