"""A pilot in second order: what the answers are worth, and trust calibrated to coverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

__all__ = ["Linear", "calibrated", "worth", "worth_of"]

Z90 = 1.6448536269514722
TRUTHS = 400


@dataclass(frozen=True)
class Linear:
    """Information about the d shared parameters.

    ``mean`` and ``covariance`` at trust 0, ``prior`` precision and ``centre``, information of the
    ``real`` data and of what was ``said`` (trust 1), the ``score`` of what was said at the mean,
    and the ``slopes`` of the quantities, shape (quantity, d).
    """

    mean: np.ndarray
    covariance: np.ndarray
    prior: np.ndarray
    centre: np.ndarray
    real: np.ndarray
    said: np.ndarray
    score: np.ndarray
    slopes: np.ndarray


def _regular(matrix: np.ndarray) -> bool:
    values = np.linalg.eigvalsh(matrix)
    return bool(values[0] > 1e-8 * values[-1] > 0)


def worth(of: Linear) -> float:
    """Return how often the answers' information holds the real data's, as the path counts it."""
    d = np.sqrt(np.diag(of.covariance))
    said, real = (d[:, None] * m * d for m in (of.said, of.real))
    if _regular(said) and _regular(real):
        top, bottom = np.linalg.slogdet(said)[1], np.linalg.slogdet(real)[1]
        return float(np.exp((top - bottom) / len(d)))
    return float(np.sum(of.covariance * of.said) / np.sum(of.covariance * of.real))


def worth_of(of: Linear, how: str) -> float:
    """Return the same by another measure: by the trace, or in the direction that says most."""
    if how == "trace":
        return float(np.sum(of.covariance * of.said) / np.sum(of.covariance * of.real))
    real = of.real + 1e-9 * np.trace(of.real) * np.eye(len(of.real))
    return float(np.linalg.eigvals(np.linalg.solve(real, of.said)).real.max())


def calibrated(of: Linear, rng: np.random.Generator, slack: float = 0.01) -> float:
    """Return the largest trust whose intervals keep their coverage.

    Truths are drawn from the posterior at trust 0, data from the model in second order, and the
    coverage, averaged over quantities and truths, may fall below the nominal one, or that of
    ignoring the answers where it is lower, by ``slack``.
    """
    root = np.linalg.cholesky(of.covariance)
    truths = of.mean + rng.standard_normal((TRUTHS, len(of.mean))) @ root.T
    trusts = np.linspace(0, 1, 51) ** 2
    coverage = np.array([_coverage(of, truths, t) for t in trusts])
    bad = np.flatnonzero(coverage < min(0.9, coverage[0]) - slack)
    return float(trusts[bad[0] - 1] if len(bad) else 1.0)


def _coverage(of: Linear, truths: np.ndarray, trust: float) -> float:
    v = np.linalg.inv(of.prior + of.real + trust * of.said)
    pull = (of.centre - truths) @ of.prior + trust * (of.score + (of.mean - truths) @ of.said)
    bias = pull @ v @ of.slopes.T
    half = Z90 * np.sqrt(np.einsum("qi,ij,qj->q", of.slopes, v, of.slopes))
    spread = np.sqrt(np.einsum("qi,ij,qj->q", of.slopes @ v, of.real, of.slopes @ v)) + 1e-12
    return float((ndtr((half - bias) / spread) - ndtr((-half - bias) / spread)).mean())
