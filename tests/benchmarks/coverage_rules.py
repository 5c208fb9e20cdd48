"""The rules of trust that the study of coverage compares, as laws on the weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.coverage_gauss import calibrated, worth_of

__all__ = ["RULES", "law_of"]

type Law = tuple[np.ndarray, np.ndarray]

EDGES, MASS = np.polynomial.legendre.leggauss(16)
CURVE = np.linspace(0, 1, 49) ** 3
FEW = np.linspace(0, 1, 9) ** 2


def fixed(trust: float) -> Law:
    """Return a single weight."""
    return np.array([trust]), np.ones(1)


def random(pilot: Any, cap: float, power: int = 3, ignored: float = 0.0) -> Law:
    """Return the posterior of a trust uniform on [0, cap], or 0 with a prior share of it."""
    u = (EDGES + 1) / 2
    trust, density = cap * u**power, MASS / 2 * power * u ** (power - 1)
    if ignored:
        trust, density = np.append(trust, 0), np.append((1 - ignored) * density, ignored)
    log_p = np.log(density) + pilot.log_evidence(trust)
    p = np.exp(log_p - log_p.max())
    return trust, p / p.sum()


def two_points(pilot: Any, cap: float, share: float = 0.2) -> Law:
    """Return the robust mixture of the primitive prior and the tilted prior at the cap."""
    trust = np.array([0.0, cap])
    log_p = np.log([share, 1 - share]) + pilot.log_evidence(trust)
    p = np.exp(log_p - log_p.max())
    return trust, p / p.sum()


def best(score: Callable[[np.ndarray], np.ndarray], weights: np.ndarray) -> Law:
    """Return the weight with the highest score."""
    return fixed(weights[int(np.argmax(score(weights)))])


def cap_of(pilot: Any) -> float:
    """Return the weight at which the answers are worth as much as the real data, at most 1."""
    return min(1.0, pilot.n / pilot.worth)


def cap_by(how: str) -> Callable[[Any], float]:
    """Return the same cap with another measure of worth."""
    return lambda pilot: min(1.0, 1 / worth_of(pilot.linear, how))


def cap_in_rows(pilot: Any) -> float:
    """Return the weight at which there are as many effective rows as real ones, at most 1."""
    return min(1.0, pilot.n / pilot.effective_rows)


def cap_in_whole_rows(pilot: Any) -> float:
    """Return the weight at which there are as many answers as real rows, each of weight 1."""
    return min(1.0, pilot.n / (pilot.effective_rows * pilot.pool)) * pilot.pool


RULES: dict[str, Callable[[Any], Law]] = {
    "ignore": lambda pilot: fixed(0.0),
    "pool": lambda pilot: fixed(pilot.pool),
    "trust 1": lambda pilot: fixed(1.0),
    "trust .1": lambda pilot: fixed(0.1),
    "worth 10": lambda pilot: fixed(min(1.0, 10 / pilot.worth)),
    "uniform": lambda pilot: random(pilot, 1.0),
    "cautious": lambda pilot: random(pilot, cap_of(pilot)),
    "evidence": lambda pilot: best(pilot.log_evidence, CURVE),
    "evidence, capped": lambda pilot: best(pilot.log_evidence, cap_of(pilot) * CURVE),
    "leave one out": lambda pilot: best(pilot.loo, FEW),
    "held out": lambda pilot: best(pilot.held_out, FEW),
    "robust mixture": lambda pilot: two_points(pilot, cap_of(pilot)),
    "calibrated": lambda pilot: fixed(calibrated(pilot.linear, pilot.rng)),
    "cap in rows": lambda pilot: random(pilot, cap_in_rows(pilot)),
    "cap in rows of weight 1": lambda pilot: random(pilot, cap_in_whole_rows(pilot)),
    "evidence, rows of weight 1": lambda pilot: best(pilot.log_evidence, pilot.pool * CURVE),
    "at the cap": lambda pilot: fixed(cap_of(pilot)),
    "half the cap": lambda pilot: random(pilot, cap_of(pilot) / 2),
    "a quarter of the cap": lambda pilot: random(pilot, cap_of(pilot) / 4),
    "cap by trace": lambda pilot: random(pilot, cap_by("trace")(pilot)),
    "cap in every direction": lambda pilot: random(pilot, cap_by("most")(pilot)),
    "cautious or 0": lambda pilot: random(pilot, cap_of(pilot), ignored=0.5),
}


def law_of(rule: str, pilot: Any) -> Law:
    """Return weights and their probabilities under a rule."""
    return RULES[rule](pilot)
