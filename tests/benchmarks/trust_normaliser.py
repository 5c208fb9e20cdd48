"""The log normaliser and the log evidence beside sums over a fine grid of both parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

import foundation_priors as fp
from tests.benchmarks.trust_small import Small, recorded

__all__ = ["against_quadrature"]

NEAR_ZERO = np.geomspace(1e-6, 1e-2, 17)
CASES = {"all": (40, None), "few": (20, 40)}
"""How many real respondents, and how many of the 540 answers."""


def against_quadrature(seed: int = 1) -> dict[str, dict[str, Any]]:
    """Return the largest differences of each case, on the path's own grid and near 0."""
    return {name: _compare(recorded(*sizes), seed) for name, sizes in CASES.items()}


def _compare(small: Small, seed: int) -> dict[str, Any]:
    path = fp.trust_path(small.model(), small.answers(), random_seed=seed, progressbar=False)
    weights = np.sort(np.concatenate([path.trust[1:], NEAR_ZERO]))
    prior, posterior = (small.log_z(weights, real) for real in (False, True))
    row: dict[str, Any] = {
        "title": f"{len(small.x)} real rows, {len(small.said)} answers",
        "weights": len(weights),
        "lowest": float(f"{prior.min():.4g}"),
    }
    for what, truth in (("normalizer", prior), ("evidence", posterior - prior)):
        value = getattr(path, f"log_{what}")(weights)
        gap = np.abs(value.values - truth)
        row[what] = {
            "difference": float(f"{gap.max():.3g}"),
            "z": float(f"{(gap / value.mcse.values).max():.3g}"),
            "error": float(f"{value.mcse.values.max():.3g}"),
            "unreliable": int((~value.reliable).sum()),
        }
    return row
