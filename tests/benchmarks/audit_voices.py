"""Variance components over simulated designs: bias, coverage, and simulation-based calibration.

Run as ``python -m tests.benchmarks.audit_voices``; the results are stored and tests read them.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy import stats

from foundation_priors.diagnose.voices_core import Anova, anova, pivots, repeats
from foundation_priors.diagnose.voices_model import compiled, contrasts, sampled
from tests.benchmarks.tables import store

NAMES = ("model", "persona", "prompt", "within")
TRUE = np.array([0.25, 0.10, 0.15, 0.50])
DESIGNS, FITS, KEPT = 200, 200, 100


def design(rng: np.random.Generator, balanced: bool) -> dict[str, np.ndarray]:
    """Return 6 models x 5 personas x 4 prompts, twice each; unbalanced: 70 percent of the rows."""
    grid = np.indices((6, 5, 4, 2)).reshape(4, -1)[:3]
    keep = np.arange(grid.shape[1]) if balanced else rng.choice(240, 168, replace=False)
    return dict(zip(NAMES, grid[:, np.sort(keep)], strict=False))


def simulate(
    factors: dict[str, np.ndarray], variance: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    n = len(factors["model"])
    y = rng.normal(0, np.sqrt(variance[-1]), n)
    for codes, var in zip(factors.values(), variance, strict=False):
        y = y + rng.normal(0, np.sqrt(var), codes.max() + 1)[codes]
    return y


def effective(variance: np.ndarray, factors: dict[str, np.ndarray], n: int) -> np.ndarray:
    counts = np.array([*(repeats(c, n) for c in factors.values()), n])
    return variance.sum(axis=-1) / (variance / counts).sum(axis=-1)


def moments(balanced: bool, seed: int) -> dict[str, Any]:
    """Estimate the components of many data sets and cover the effective number."""
    rng = np.random.default_rng(seed)
    found, covered = [], 0
    for _ in range(DESIGNS):
        factors = design(rng, balanced)
        y = simulate(factors, TRUE, rng)
        table: Anova = anova(y, factors)
        found.append(table.components)
        drawn = effective(pivots(table, rng, 1000), factors, len(y))
        low, high = np.quantile(drawn, [0.05, 0.95])
        covered += int(low <= effective(TRUE, factors, len(y)) <= high)
    values = np.array(found)
    z = (values.mean(axis=0) - TRUE) / (values.std(axis=0, ddof=1) / np.sqrt(DESIGNS))
    return {
        "designs": DESIGNS,
        "mean": dict(zip(NAMES, values.mean(axis=0).round(4).tolist(), strict=True)),
        "z": dict(zip(NAMES, z.round(2).tolist(), strict=True)),
        "coverage_of_effective_number_90": covered / DESIGNS,
    }


def calibration(balanced: bool, seed: int) -> dict[str, Any]:
    """Rank true standard deviations among posterior draws, parameters drawn from the prior."""
    rng = np.random.default_rng(seed)
    factors = design(rng, balanced)
    first = contrasts(simulate(factors, TRUE, rng), factors)
    start = time.perf_counter()
    model = compiled(first, 1.0)
    ranks, worst = np.zeros((FITS, len(NAMES)), int), 0.0
    for i in range(FITS):
        true = np.abs(rng.normal(size=len(NAMES))) ** 2
        data = contrasts(simulate(factors, true, rng), factors)
        parts: dict[str, np.ndarray] = {"sums_of_squares": data.squares[data.df > 0]}
        if len(data.contrasts):
            parts["seen"] = data.contrasts
        drawn, r_hat = sampled(model.with_data(**parts), 500, 2, int(rng.integers(2**31)))
        thinned = drawn[:: len(drawn) // KEPT][: KEPT - 1]
        ranks[i] = (thinned < true).sum(axis=0)
        worst = max(worst, r_hat)
    bins = np.array([np.bincount(r * 10 // KEPT, minlength=10) for r in ranks.T])
    p = stats.chisquare(bins, axis=1).pvalue
    return {
        "fits": FITS,
        "contrasts": len(first.contrasts),
        "p_uniform": dict(zip(NAMES, p.round(3).tolist(), strict=True)),
        "counts_in_tenths": dict(zip(NAMES, bins.tolist(), strict=True)),
        "largest_r_hat": round(worst, 3),
        "seconds": round(time.perf_counter() - start, 1),
    }


if __name__ == "__main__":
    for name, balanced in (("balanced", True), ("unbalanced", False)):
        store("audit", "voices", f"anova, {name}", moments(balanced, 11))
    for name, balanced in (("balanced", True), ("unbalanced", False)):
        store("audit", "voices", f"calibration, {name}", calibration(balanced, 12))
