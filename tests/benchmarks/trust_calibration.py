"""Simulation-based calibration of a random trust, and of one with a poor normaliser.

The trust is uniform on [0, 1], the parameters come from the tilted prior at it and real votes from
the likelihood, so that under the right posterior the rank of what was true among independent draws
is uniform. Each simulation builds a path of its own from one compiled model. The same ranks from
the same paths, with the log normaliser of the prior interpolated linearly between 11 weights, show
that the test can fail.

References
----------
S. Talts et al. (2018). Validating Bayesian inference algorithms with simulation-based calibration.
arXiv:1804.06788.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import expit

import foundation_priors as fp
from foundation_priors.path.trust_path import climb
from foundation_priors.trust.average import Averaged
from tests.benchmarks.trust_small import Small, recorded

__all__ = ["NAMES", "calibrate"]

type Array = np.ndarray

ROWS, ANSWERS = 20, 40
DRAWS, BINS = 99, 20
KNOTS = np.linspace(0, 1, 11)
NAMES = ("trust", "a", "b", "log-likelihood")
SAMPLER = {"draws": 100, "tune": 200, "chains": 4, "cores": 1}
MORE = 400
"""Draws of a path of which a check failed with fewer."""


@dataclass(frozen=True)
class World:
    """What was true, in the order of `NAMES`, and the real votes that came of it."""

    truth: Array
    real: Array


def simulate(small: Small, rng: np.random.Generator) -> World:
    """Draw a trust, the parameters given it by inversion on the grid, and votes."""
    trust = rng.random()
    log_p = small.prior + trust * small.ell
    mass = np.cumsum(np.exp(log_p - log_p.max()))
    cell = np.searchsorted(mass, rng.random() * mass[-1])
    index = np.array(np.unravel_index(cell, log_p.shape))
    a, b = small.axis[index] + (rng.random(2) - 0.5) * small.step
    real = (rng.random(len(small.x)) < expit(a + b * small.x)).astype(int)
    return World(np.array([trust, a, b, _log_likelihood(a, b, small.x, real)]), real)


def _log_likelihood(a: Any, b: Any, x: Array, real: Array) -> Any:
    eta = np.multiply.outer(b, x) + np.asarray(a)[..., None]
    return (real * eta - np.logaddexp(0, eta)).sum(axis=-1)


def rules(
    small: Small, count: int, seed: int
) -> Iterator[tuple[World, fp.trust.TrustPosterior, bool]]:
    """Yield worlds with the trust's posterior and whether it took more draws.

    All paths come from one compiled model. One that fails a check is sampled again, as its warning
    advises; that depends on the votes alone and so leaves the ranks uniform.
    """
    answers = small.answers()
    first = fp.trust_path(small.model(), answers, random_seed=seed, progressbar=False, **SAMPLER)
    assert first.recipe is not None and first.engine is not None
    plan = first.recipe.plan
    again = replace(first.recipe, plan=replace(plan, draws=MORE))
    for stream in np.random.SeedSequence(seed).spawn(count):
        rng = np.random.default_rng(stream)
        world = simulate(small, rng)
        engine = copy.copy(first.engine)
        engine.__dict__["compiled"] = first.engine.compiled.with_data(real=world.real)
        for recipe in (first.recipe, again):
            path = climb(recipe, engine, answers, int(rng.integers(2**31)), False)
            rule = path.trust_posterior("uniform")
            if not rule.checked[1].any():
                break
        yield world, rule, recipe is again


def interpolated(exact: fp.trust.TrustPosterior) -> fp.trust.TrustPosterior:
    """Return the posterior with the log normaliser interpolated between `KNOTS`."""
    mixture, nodes = exact.path.prior.mixture, exact.nodes
    poor = np.interp(nodes.trust, KNOTS, mixture.log_z(KNOTS[:, None]))
    mass = nodes.probability * np.exp(mixture.log_z(nodes.points) - poor)
    nodes = replace(nodes, probability=mass / mass.sum())
    return replace(exact, nodes=nodes, hyperprior="interpolated")


def ranks(
    rule: fp.trust.TrustPosterior, world: World, small: Small, rng: np.random.Generator
) -> list[int]:
    """Return how many of `DRAWS` draws of trust and parameters lie below what was true."""
    weights = rule.draw_weights
    chosen = rng.choice(len(weights), DRAWS, p=weights / weights.sum())
    trust = Averaged(rule).trust_of(chosen, rng)[:, 0]
    a, b = (rule.path.draws[name].values[chosen] for name in ("a", "b"))
    drawn = np.array([trust, a, b, _log_likelihood(a, b, small.x, world.real)])
    return (drawn < world.truth[:, None]).sum(axis=1).tolist()


def calibrate(count: int, seed: int = 1) -> dict[str, Any]:
    """Return the histograms of the ranks and their chi-square tests, with both normalisers."""
    small = recorded(ROWS, ANSWERS, step=0.05)
    found: dict[str, list[list[int]]] = {"exact": [], "interpolated": []}
    twice = flagged = 0
    for number, (world, rule, again) in enumerate(rules(small, count, seed)):
        twice, flagged = twice + again, flagged + bool(rule.checked[1].any())
        rng = np.random.default_rng([seed, number])
        found["exact"].append(ranks(rule, world, small, rng))
        found["interpolated"].append(ranks(interpolated(rule), world, small, rng))
        if number % 25 == 24:
            print(f"  {number + 1} simulations, {twice} twice, {flagged} flagged", flush=True)
    return {
        "title": f"logistic of two parameters, {ROWS} real rows, {ANSWERS} answers",
        "simulations": count,
        "again": twice,
        "flagged": flagged,
        **{how: _tests(np.array(rows)) for how, rows in found.items()},
    }


def _tests(found: Array) -> dict[str, Any]:
    out = {}
    for name, column in zip(NAMES, found.T, strict=True):
        counts = np.histogram(column, np.linspace(0, DRAWS + 1, BINS + 1))[0]
        out[name] = {
            "p": float(f"{stats.chisquare(counts).pvalue:.3g}"),
            "counts": counts.tolist(),
        }
    return out
