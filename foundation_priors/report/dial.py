"""What the dial of a page moves: densities, intervals and probabilities at weights of the path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.draws import weighted_quantiles
from foundation_priors.report.dial_core import TAIL, densities, ends
from foundation_priors.report.inputs import LEVEL, MOST

if TYPE_CHECKING:
    from foundation_priors.report.inputs import Inputs

__all__ = ["dial"]

type Floats = NDArray[np.float64]

WEIGHTS = 41
POINTS = 121
CI_PROB = 0.9
DIGITS = 5
STATEMENTS = 12


def dial(inputs: Inputs) -> dict[str, Any]:
    """Return everything that the dial shows, as JSON knows it.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    dict
        ``weights`` (of the path's grid, evenly spaced in arc), ``worth``, ``log_evidence``,
        ``reliable`` at each; ``quantities`` with ``grid`` (its ends), ``density`` (weight, point),
        ``mean``, ``lower``, ``upper``; ``statements`` with ``probability``; ``marks`` and
        ``start``, weights to jump to and to start from.
    """
    path = inputs.path
    chosen = np.unique(np.round(np.linspace(0, len(path.trust) - 1, WEIGHTS)).astype(int))
    at = path.trust[chosen]
    points = path.points(at)
    w = path.posterior.mixture.weights(points.array)
    bad = path.posterior.check(points.array).weights_fail
    return {
        "weights": _short(at, 8),
        "worth": _short(points.array @ np.array(path.facts.worth)),
        "n_real": path.facts.n_real,
        "sources": list(path.sources),
        "log_evidence": _short(path._evidence_of(points.array)),
        "reliable": [bool(x) for x in ~bad],
        "level": LEVEL,
        "ci_prob": CI_PROB,
        "quantities": [_quantity(c.label, c.draws, w) for c in inputs.quantities[:MOST]],
        "statements": [
            {"label": s.label, "probability": _short(_expect(w, s.draws.astype(float)), 6)}
            for s in inputs.statements[:STATEMENTS]
        ],
        "marks": _marks(inputs),
        "start": _start(inputs),
    }


def _quantity(label: str, draws: Floats, w: Floats) -> dict[str, Any]:
    tails = np.array([TAIL, (1 - CI_PROB) / 2, (1 + CI_PROB) / 2, 1 - TAIL])
    bounds = weighted_quantiles(draws, w, tails)
    live = w.max(axis=0) > 0
    low, high = ends(draws[live], bounds[:, [0, 3]])
    density = densities(draws[live], w[:, live], low, high, POINTS)
    return {
        "label": label,
        "grid": [low, high],
        "density": [_short(row, 4) for row in density],
        "mean": _short(_expect(w, draws)),
        "lower": _short(bounds[:, 1]),
        "upper": _short(bounds[:, 2]),
    }


def _expect(w: Floats, h: Floats) -> Floats:
    live = w.max(axis=0) > 0
    return np.asarray(w[:, live] @ h[live])


def _start(inputs: Inputs) -> float:
    """Return the mean weight of the audit's trust, along equal weights of the sources."""
    try:
        start = float(np.mean(inputs.point))
    except ValueError:
        start = 0.0
    return min(start, inputs.path.max_trust)


def _marks(inputs: Inputs) -> list[dict[str, Any]]:
    """Return weights that mean something, each with its name."""
    path, total = inputs.path, float(np.sum(inputs.path.facts.worth))
    found = {"ignore the answers": 0.0}
    start = _start(inputs)
    if start > 0:
        rule = inputs.weighing.label() if hasattr(inputs.weighing, "rule") else inputs.trust
        found[f"{rule}, on average" if isinstance(rule, str) else "the audit's trust"] = start
    if total > 0 and np.isfinite(total):
        found["worth the real data"] = path.facts.n_real / total
    found |= _design(inputs)
    found["take them for data"] = 1.0
    marks = [{"label": k, "trust": v} for k, v in found.items() if 0 <= v <= path.max_trust]
    return sorted(marks, key=lambda mark: float(str(mark["trust"])))


def _design(inputs: Inputs) -> dict[str, float]:
    """Return the weight that the design effect would leave, where weights were given."""
    from foundation_priors.synthetic import SyntheticData

    said = inputs.path.synthetic
    if not isinstance(said, SyntheticData):
        return {}
    left, given = (s.weights(inputs.outcome).sum() for s in (said.with_weight(None), said))
    return {"what clustering leaves": float(left / given)} if given > 1.01 * left else {}


def _short(values: Floats, digits: int = DIGITS) -> list[float | None]:
    """Return numbers with few digits, None for what is not finite."""
    flat = np.asarray(values, float).ravel().tolist()
    return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in flat]
