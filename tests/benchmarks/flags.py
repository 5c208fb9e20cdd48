"""How well flags tell: ladders of simulated chains, with the truth in closed form.

Nothing is compiled and no model is fitted. Densities are mixtures of normal distributions whose
tilts are mixtures again, and chains are autoregressions of the first order within a component, so
that every failure can be made to measure. ``python -m tests.benchmarks.flags`` runs all of it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from foundation_priors.path.engine import Run
from foundation_priors.path.fits import Fit, _diagnose
from foundation_priors.path.ladder import Ladder
from foundation_priors.path.reference import Reference

__all__ = ["SCENARIOS", "Chains", "Scenario", "World", "rates", "replicate"]

type Array = np.ndarray

GRID = np.linspace(0, 1, 21)
OFF_MEAN, OFF_SD, OFF_LOG_Z, ERRORS = 0.1, 0.1, 0.4, 4.5
"""A weight is wrong if a mean lies so many sds off, an sd by such a part, log z by so much, or any
of them by so many of its Monte Carlo errors."""
PROMISED_MEAN, PROMISED_SD, PROMISED_LOG_Z = 0.035, 0.04, 0.1
"""Largest errors of what is not flagged. A ladder that keeps them at a weight, as the root mean
square over replicates, could have been judged there."""


@dataclass(frozen=True)
class World:
    """A mixture of normal distributions as base density, and ell = sum of slope u - curve u^2 / 2.

    ``means`` and ``precisions`` have shape (component, coordinate), ``weights`` (component,).
    """

    weights: Array
    means: Array
    precisions: Array
    slope: Array
    curve: Array

    def parts(self, trust: float) -> tuple[Array, Array, Array]:
        """Return log masses of the components at a weight, not normalised, means and precisions."""
        p = self.precisions + trust * self.curve
        pull = self.precisions * self.means + trust * self.slope
        gain = np.log(self.precisions / p) + pull**2 / p - self.precisions * self.means**2
        return np.log(self.weights) + gain.sum(axis=1) / 2, pull / p, p

    def log_z(self, trust: float) -> float:
        return float(np.logaddexp.reduce(self.parts(trust)[0]))

    def mass(self, trust: float) -> Array:
        log = self.parts(trust)[0]
        return np.exp(log - np.logaddexp.reduce(log))

    def moments(self, trust: float) -> tuple[Array, Array]:
        """Return the exact mean and sd of every coordinate."""
        mass, (_, means, p) = self.mass(trust), self.parts(trust)
        mean = mass @ means
        return mean, np.sqrt(mass @ (1 / p + (means - mean) ** 2))

    def ell(self, u: Array) -> Array:
        return u @ self.slope - u**2 @ self.curve / 2

    def log_base(self, u: Array) -> Array:
        z = u[..., None, :] - self.means
        log = (np.log(self.precisions / (2 * np.pi)) - self.precisions * z**2).sum(axis=-1) / 2
        return np.logaddexp.reduce(np.log(self.weights) + log, axis=-1)


@dataclass(frozen=True)
class Chains:
    """Four chains at a weight.

    ``rho`` is their autocorrelation within a component, ``stay`` the chance of a draw to keep its
    component. ``only`` names, for each chain, the components that it visits: all by default.
    ``known`` makes independent draws from the base density, or from a reference that was fitted.
    """

    trust: float
    draws: int = 500
    rho: float = 0.3
    stay: float = 0.3
    only: Sequence[Sequence[int]] = ()
    divergences: int = 0
    known: bool = False
    pilot: bool = False

    def fit(self, world: World, rng: np.random.Generator) -> Fit:
        """Simulate, and diagnose as the package does."""
        if self.known:
            return self._independent(world, rng)
        u = np.stack([self._chain(world, rng, c) for c in range(4)])
        run = _run(world, u, self.divergences)
        return Fit(np.array([self.trust]), 1.0, run, *_diagnose(run))

    def _chain(self, world: World, rng: np.random.Generator, chain: int) -> Array:
        from scipy.signal import lfilter

        _, means, p = world.parts(self.trust)
        mass = world.mass(self.trust)
        if self.only:
            mass = np.where(np.isin(np.arange(len(mass)), self.only[chain]), mass, 0.0)
        fresh = rng.choice(len(mass), self.draws, p=mass / mass.sum())
        moved = np.where(rng.random(self.draws) < self.stay, 0, np.arange(self.draws))
        component = fresh[np.maximum.accumulate(moved)]
        noise = rng.normal(size=(self.draws, means.shape[1]))
        noise[1:] *= np.sqrt(1 - self.rho**2)
        z = lfilter([1.0], [1.0, -self.rho], noise, axis=0)
        return means[component] + z / np.sqrt(p[component])

    def _independent(self, world: World, rng: np.random.Generator) -> Fit:
        size, reference = 4 * self.draws, None
        if self.trust:
            mean, sd = world.moments(self.trust)
            df = 5.0 + 2 * len(mean)
            reference = Reference(mean, np.diag(sd * np.sqrt(1.1 * (df - 2) / df)), df)
            u = reference.draw(size, rng)
        else:
            u = np.concatenate([replace(self, known=False)._chain(world, rng, c) for c in range(4)])
        run, n = _run(world, u[None], 0), float(size)
        return Fit(np.array([self.trust]), 1.0, run, n, n, 1.0, True, reference)


def _run(world: World, u: Array, divergences: int) -> Run:
    ell, base = world.ell(u)[..., None], world.log_base(u)
    return Run(u, {}, ell, np.zeros(base.shape), base, divergences, u.shape[0] * u.shape[1], 0.0)


@dataclass(frozen=True)
class Scenario:
    """A density and the chains that make a ladder of it; ``sound`` says what flags should do."""

    title: str
    world: World
    chains: Sequence[Chains] = field(repr=False)
    sound: bool = True

    def ladder(self, rng: np.random.Generator) -> Ladder:
        fits = [(c.pilot, c.fit(self.world, rng)) for c in self.chains]
        return Ladder([f for p, f in fits if not p], [f for p, f in fits if p])


def replicate(scenario: Scenario, seed: int, grid: Array = GRID) -> dict[str, Array]:
    """Return what is off, wrong and flagged at each weight of a ladder, for one seed."""
    ladder = scenario.ladder(np.random.default_rng(seed))
    checks = ladder.check(grid[:, None])
    found = ladder.mixture.estimate(grid[:, None], ladder.u)
    mean, sd = (np.array(x) for x in zip(*map(scenario.world.moments, grid), strict=True))
    log_z = np.array([scenario.world.log_z(t) for t in grid]) - scenario.world.log_z(0.0)
    gap, spread = found.mean - mean, found.sd - sd
    off = np.abs(checks.log_z - log_z)
    wrong = (np.abs(gap) > OFF_MEAN * sd) | (np.abs(spread) > OFF_SD * sd)
    wrong |= np.abs(gap) > ERRORS * found.mcse_mean
    wrong |= np.abs(spread) > ERRORS * found.mcse_sd
    return {
        "wrong": wrong.any(axis=1),
        "flagged": checks.weights_fail,
        "miss": np.hstack([gap / sd / PROMISED_MEAN, spread / sd / PROMISED_SD]),
        "log_z_wrong": (off > OFF_LOG_Z) | (off > ERRORS * checks.mcse_log_z + 1e-9),
        "log_z_flagged": checks.log_z_fails,
        "log_z_miss": off[:, None] / PROMISED_LOG_Z,
    }


def rates(scenario: Scenario, seeds: Sequence[int], grid: Array = GRID) -> dict[str, Any]:
    """Return the shares of weights that are wrong, of wrong ones flagged and of right ones flagged.

    Of the right ones, those count as false alarms where the root mean square error over replicates
    keeps what is promised: elsewhere a right weight was luck.
    """
    rows = [replicate(scenario, seed, grid) for seed in seeds]
    found = {k: np.array([row[k] for row in rows]) for k in rows[0]}
    out: dict[str, Any] = {"title": scenario.title, "sound": scenario.sound, "ladders": len(rows)}
    for kind in ("", "log_z_"):
        wrong, flagged = found[f"{kind}wrong"], found[f"{kind}flagged"]
        rms = np.sqrt((found[f"{kind}miss"] ** 2).mean(axis=0)).max(axis=-1)
        kept = ~wrong & (rms <= 1)
        out[f"{kind}wrong"] = _share(wrong, np.ones_like(wrong))
        out[f"{kind}true"] = _share(flagged, wrong)
        out[f"{kind}false"] = _share(flagged, ~wrong)
        out[f"{kind}alarm"] = _share(flagged, kept)
        out[f"{kind}missed"] = _share(wrong & ~flagged, np.ones_like(wrong))
    return out


def _share(what: Array, of: Array) -> float | None:
    return float(f"{what[of].mean():.4g}") if of.any() else None


def means(d: int, length: float) -> World:
    """Return independent normal means: d coordinates, a path about so long in all."""
    one = np.ones((1, d))
    slope = np.full(d, length / np.sqrt(d))
    return World(np.ones(1), 0 * one, one, slope, np.full(d, 0.5))


def modes(apart: float, slope: float, light: float) -> World:
    """Return two modes on a line, of which the second has mass ``light`` at trust 0."""
    return World(
        np.array([1 - light, light]),
        np.array([[0.0], [apart]]),
        np.ones((2, 1)),
        np.array([slope]),
        np.zeros(1),
    )


def heavy() -> World:
    """Return a scale mixture near Student's t with 4 degrees of freedom, and a quadratic ell."""
    scale = np.geomspace(0.5, 6, 7)[:, None]
    weights = np.array([0.09, 0.26, 0.32, 0.21, 0.085, 0.028, 0.007])
    return World(weights, 0 * scale, scale**-2, np.array([5.0]), np.array([2.0]))


def along(count: int, **how: Any) -> list[Chains]:
    """Return so many like chains at evenly spaced weights."""
    return [Chains(float(t), **how) for t in np.linspace(0, 1, count)]


def some(chains: Sequence[Chains], which: Sequence[int], **how: Any) -> list[Chains]:
    """Return chains of which some are otherwise."""
    return [replace(c, **how) if k in which else c for k, c in enumerate(chains)]


def bridged(count: int, **pilots: Any) -> list[Chains]:
    """Return independent draws along the path, and pilots at its ends."""
    known = along(count, known=True)
    return [*known, *(Chains(t, pilot=True, **pilots) for t in (0.0, 1.0))]


A, B = ((0,),) * 4, ((1,),) * 4
HALF, QUARTER = ((0,), (0,), (1,), (1,)), ((0,), (0,), (0,), (1,))
TWO, LEAN = modes(6, 1.0, 0.3), modes(6, 1.5, 0.01)
TAIL = modes(4, 0.1, 0.05)
FEW = {"draws": 250, "rho": 0.97}

SCENARIOS: dict[str, Scenario] = {
    "line": Scenario("one mean", means(1, 6), along(5)),
    "twenty": Scenario("20 means", means(20, 8), along(6)),
    "slow": Scenario("5 means, autocorrelation .7", means(5, 6), along(9, rho=0.7)),
    "tails": Scenario("heavy tails", heavy(), along(6)),
    "mixing": Scenario("two modes, mixed", TWO, along(7)),
    "short": Scenario(
        "3 of 9 anchors short, 20 effective draws",
        means(5, 6),
        some(along(9), (2, 4, 6), draws=300, rho=0.93),
    ),
    "one": Scenario("1 of 9 anchors slow", means(5, 6), some(along(9), (4,), rho=0.96)),
    "end": Scenario("the anchor at the end slow", means(5, 6), some(along(9), (8,), rho=0.96)),
    "pair": Scenario(
        "the anchors at .25 and .75 slow", means(5, 6), some(along(9), (2, 6), rho=0.96)
    ),
    "crawl": Scenario(
        "1 of 9 anchors at a crawl, 10 effective draws",
        means(5, 6),
        some(along(9), (4,), rho=0.98),
    ),
    "diverge": Scenario(
        "2% of one anchor diverge", means(5, 6), some(along(9), (4,), divergences=40)
    ),
    "switch": Scenario(
        "two modes, one anchor seldom switches", TWO, some(along(9), (4,), stay=0.985)
    ),
    "bridge": Scenario("references", means(3, 5), bridged(5)),
    "pilot": Scenario("references, short pilots", means(3, 5), bridged(5, **FEW)),
    "few": Scenario("too short chains", means(5, 6), along(7, **FEW), False),
    "fewer": Scenario("far too short chains", means(5, 6), along(7, draws=100, rho=0.97), False),
    "half": Scenario("two of four chains in the other mode", TWO, along(7, only=HALF), False),
    "quarter": Scenario("one of four chains in the other mode", TWO, along(7, only=QUARTER), False),
    "upper": Scenario(
        "from .5 on all chains in one mode", TWO, some(along(7), (3, 4, 5, 6), only=A), False
    ),
    "middle": Scenario(
        "at one anchor all chains in the lesser mode", TWO, some(along(7), (4,), only=A), False
    ),
    "phases": Scenario(
        "one mode below .5, the other above",
        LEAN,
        some(along(9, only=A), range(5, 9), only=B),
        False,
    ),
    "torn": Scenario(
        "both modes at the end alone", LEAN, some(along(9, only=A), (8,), only=HALF), False
    ),
    "signs": Scenario(
        "two modes near 0, one of them gone from .3 on",
        modes(-6, 5.0, 0.5),
        some(along(13, only=A), (0, 1), only=HALF),
        False,
    ),
    "apart": Scenario("anchors too far apart", means(5, 30), along(5), False),
    "gap": Scenario(
        "one gap too wide", means(1, 12), [Chains(t) for t in (0, 0.15, 0.3, 0.8, 1)], False
    ),
    "region": Scenario(
        "a region of 5% missed at three anchors", TAIL, some(along(7), (2, 3, 4), only=A), False
    ),
    "neck": Scenario(
        "a region of 5% missed, 3% diverge",
        TAIL,
        along(5, only=A, divergences=60),
        False,
    ),
    "thousands": Scenario(
        "thousands diverge, most of it missed",
        heavy(),
        along(6, only=((0, 1, 2),) * 4, divergences=700),
        False,
    ),
    "misfit": Scenario(
        "references miss a mode that pilots find",
        modes(8, 0.2, 0.3),
        [Chains(0, known=True, only=A), *along(5, known=True)[1:], Chains(1, pilot=True)],
        False,
    ),
    "unseen": Scenario("all chains in one mode everywhere", TWO, along(7, only=A), False),
}


def main() -> None:
    """Run scenarios, store the rates and write their table."""
    from tests.benchmarks.tables import store, write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", help="all by default")
    parser.add_argument("--ladders", type=int, default=100)
    parser.add_argument("--dry", action="store_true", help="store nothing")
    given = parser.parse_args()
    for name in given.scenario or SCENARIOS:
        began = time.perf_counter()
        row = rates(SCENARIOS[name], range(given.ladders))
        print(f"{name} ({time.perf_counter() - began:.0f} s): {row}", flush=True)
        if not given.dry:
            store("accuracy", "flags", name, row)
    if not given.dry:
        write("accuracy")


if __name__ == "__main__":
    main()
