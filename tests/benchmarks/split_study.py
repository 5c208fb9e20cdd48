"""One source's answers split at random into several: coverage and means under "cautious".

The mean of a normal with known sd 1: 20 real values, and 60 answers that are off by a bias of the
source's own. The evidence is in closed form, the nodes are those of the package's hyperprior.

Run: ``python -m tests.benchmarks.split_study``.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import ndtr

from foundation_priors.trust.several import within

__all__ = ["OUT", "differences", "measure"]

OUT = Path(__file__).parent / "results" / "split.json"
REAL, ANSWERS, PRIOR_SD = 20, 60, 5.0
BIASES = (0.2, 0.35, 0.5)
SPLITS = (2, 3, 10)
PILOTS = 1000

type Array = np.ndarray


def _pilot(rng: np.random.Generator, bias: float) -> tuple[float, float, Array]:
    """Return the true mean, the mean of the real values, and the answers."""
    true = rng.normal(0, PRIOR_SD)
    real = rng.normal(true, 1, REAL).mean()
    return true, real, rng.normal(true + rng.normal(0, bias), 1, ANSWERS)


@cache
def _hyperprior(sources: int) -> tuple[Array, Array]:
    """Return weights, shape (node, source), and their probabilities."""
    if sources == 1:
        x, w = np.polynomial.legendre.leggauss(200)
        return min(1.0, REAL / ANSWERS) * (x[:, None] + 1) / 2, w / 2
    counts = [len(p) for p in np.array_split(np.arange(ANSWERS), sources)]
    nodes = within(REAL / np.array(counts), 1.0).nodes
    assert nodes is not None
    return nodes.points, nodes.probability


def _posterior(real: float, answers: Array, sources: int) -> tuple[Array, Array, Array]:
    """Return probabilities of the nodes, and the posterior mean and sd at each."""
    parts = np.array_split(answers, sources)
    counts, sums = np.array([(len(p), p.sum()) for p in parts]).T

    weights, before = _hyperprior(sources)
    precision = weights @ counts + PRIOR_SD**-2
    mean = weights @ sums / precision
    variance = 1 / precision + 1 / REAL
    log = -((real - mean) ** 2) / (2 * variance) - np.log(variance) / 2
    p = before * np.exp(log - log.max())
    after = precision + REAL
    return p / p.sum(), (precision * mean + REAL * real) / after, after**-0.5


def differences(sources: int, count: int, seed: int = 1, fixed: bool = False) -> Array:
    """Return by how much random splits move the posterior mean, in its sd.

    Each split is of another pilot, or of the same one if ``fixed``.
    """
    rng, out = np.random.default_rng(seed), []
    _, real, answers = _pilot(rng, BIASES[1])
    for _ in range(count):
        if not fixed:
            _, real, answers = _pilot(rng, BIASES[1])
        p, mean, sd = _posterior(real, answers, 1)
        one = p @ mean
        spread = np.sqrt(p @ (sd**2 + (mean - one) ** 2))
        p, mean, _ = _posterior(real, rng.permutation(answers), sources)
        out.append((p @ mean - one) / spread)
    return np.array(out)


def measure() -> dict:
    """Return coverage of 90% intervals on the same pilots, and differences of means."""
    coverage = {}
    for bias in BIASES:
        covered: dict[int, list[bool]] = {s: [] for s in (1, *SPLITS)}
        rng = np.random.default_rng(int(1000 * bias))
        for _ in range(PILOTS):
            true, real, answers = _pilot(rng, bias)
            for sources, found in covered.items():
                p, mean, sd = _posterior(real, answers, sources)
                found.append(0.05 < p @ ndtr((true - mean) / sd) < 0.95)
        coverage[f"{bias:g}"] = {str(s): round(float(np.mean(c)), 4) for s, c in covered.items()}
        print(bias, coverage[f"{bias:g}"], flush=True)
    gaps = {}
    for sources in SPLITS:
        gap = differences(sources, 200)
        gaps[str(sources)] = {
            "mean": round(float(gap.mean()), 5),
            "error": round(float(gap.std(ddof=1) / np.sqrt(len(gap))), 5),
            "largest": round(float(np.abs(gap).max()), 4),
            "of one pilot": round(float(differences(sources, 200, fixed=True).mean()), 5),
        }
    return {"pilots": PILOTS, "coverage": coverage, "difference": gaps}


if __name__ == "__main__":
    OUT.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
