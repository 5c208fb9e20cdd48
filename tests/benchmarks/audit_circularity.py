"""How often the interval of the share towards an anticipation holds the true share.

Run ``python -m tests.benchmarks.audit_circularity``; the results are read by
``test_audit_circularity.py``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foundation_priors.diagnose.circularity_core import extremes, radius, share_towards
from tests.benchmarks.tables import DOCS, markdown, read, replace_between, store

__all__ = ["PAGE", "run", "table"]

type Floats = NDArray[np.float64]

DRIFTS: dict[str, tuple[list[float], float, float, int]] = {
    "as refine, low": ([8.2, 5.7, 3.8, 3.95, 2.4, 2.9], 3, 1.5, 20),
    "as refine, high": ([8.3, 11.1, 11.3, 12.0, 13.6, 13.9], 15, 2, 20),
    "back and forth": ([8, 6, 7, 5, 6, 4.5], 3, 1.5, 20),
    "back and forth, 5 answers": ([8, 6, 7, 5, 6, 4.5], 3, 1.5, 5),
    "small steps back and forth": ([8, 7.7, 7.9, 7.6, 7.8, 7.5], 3, 2, 20),
    "small steps, all one way": ([8, 7.7, 7.4, 7.1, 6.8, 6.5], 3, 2, 20),
    "two steps": ([8, 6, 4], 5, 1.5, 20),
}
"""Means, anticipation, sd of an answer, answers in each revision."""
PAGE = DOCS / "audit" / "circularity.md"
REPEATS, BOOTSTRAPS, PROB = 1000, 400, 0.9
SLACK = 1e-6


def simulate(drift: tuple[list[float], float, float, int], seed: int) -> dict[str, float]:
    """Return coverage and mean width of the interval, and of the bootstrap's."""
    means, target, sd, n = np.array(drift[0], dtype=float), *drift[1:]
    share = float(share_towards(means, target))
    rng, found = np.random.default_rng(seed), []
    for _ in range(REPEATS):
        answers = means[:, None] + sd * rng.normal(size=(len(means), n))
        ours, theirs = _interval(answers, target), _bootstrap(answers, target, rng)
        found.append([*_hit(ours, share), *_hit(theirs, share)])
    keys = ("coverage", "width", "coverage_bootstrap", "width_bootstrap")
    average = np.mean(found, axis=0).round(3).tolist()
    return {"share": round(share, 3), **dict(zip(keys, average, strict=True))}


def _hit(ends: tuple[float, float], share: float) -> tuple[float, float]:
    low, high = ends
    return float(low - SLACK <= share <= high + SLACK), high - low


def _interval(answers: Floats, target: float) -> tuple[float, float]:
    count, n = answers.shape
    spread = np.eye(count) * answers.var(axis=1, ddof=1).mean() / n
    reach = radius(PROB, count * (n - 1))
    return extremes(lambda m: share_towards(m, target), answers.mean(axis=1), spread, reach)


def _bootstrap(answers: Floats, target: float, rng: np.random.Generator) -> tuple[float, float]:
    """Return percentiles over answers drawn again within each revision."""
    chosen = rng.integers(0, answers.shape[1], (BOOTSTRAPS, *answers.shape))
    again = np.take_along_axis(answers[None], chosen, axis=2).mean(axis=2)
    low, high = np.quantile(share_towards(again, target), [(1 - PROB) / 2, (1 + PROB) / 2])
    return float(low), float(high)


def table() -> str:
    """Return the table of the page."""
    header = ("drift", "true share", "covered", "width", "bootstrap covered", "width")
    keys = ("share", "coverage", "width", "coverage_bootstrap", "width_bootstrap")
    stored = read("audit")["circularity"]
    rows = [(name, *(f"{stored[name][k]:.2f}" for k in keys)) for name in DRIFTS]
    return markdown(header, rows)


def run() -> None:
    """Simulate every drift, store the results and write the page's table."""
    for seed, (name, drift) in enumerate(DRIFTS.items()):
        store("audit", "circularity", name, simulate(drift, seed))
    replace_between(PAGE, "coverage", table())


if __name__ == "__main__":
    run()
