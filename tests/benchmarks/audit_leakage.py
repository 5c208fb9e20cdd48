"""Size and power of the leakage test, parameters and data drawn from the foundation prior.

Run as ``python -m tests.benchmarks.audit_leakage [case [simulations]]``; results are stored.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from foundation_priors.diagnose.leakage_core import Judgement, Levels, Normal, judge
from tests.benchmarks.tables import store

__all__ = ["CASES", "simulate"]

TRUST = 0.3
DRAWS = 600
CONVERSATIONS = 2

type Floats = np.ndarray


def _logistic_draws(
    rng: np.random.Generator, x: Floats, y: Floats, weight: Floats, draws: int
) -> Floats:
    """Draw coefficients given weighted rows, prior Normal(0, 1.5), by importance resampling."""
    sd = 1.5

    def minus_log(b: Floats) -> float:
        eta = x @ b
        return float(-(weight * (y * eta + log_expit(-eta))).sum() + 0.5 * (b @ b) / sd**2)

    def slope(b: Floats) -> Floats:
        return x.T @ (weight * (expit(x @ b) - y)) + b / sd**2

    centre = minimize(minus_log, np.zeros(x.shape[1]), jac=slope, method="BFGS").x
    p = expit(x @ centre)
    precision = (x * (weight * p * (1 - p))[:, None]).T @ x + np.eye(x.shape[1]) / sd**2
    proposal = stats.multivariate_t(centre, 1.5 * np.linalg.inv(precision), df=6)
    b = proposal.rvs(5 * draws, random_state=rng)
    eta = b @ x.T
    log = (weight * (y * eta + log_expit(-eta))).sum(axis=1) - 0.5 * (b**2).sum(axis=1) / sd**2
    log -= proposal.logpdf(b)
    chance = np.exp(log - log.max())
    return b[rng.choice(len(b), draws, p=chance / chance.sum())]


def _copied(rng: np.random.Generator, said: Floats, y: Floats, copy: float) -> Floats:
    return np.where(rng.random(said.shape) < copy, y, said)


def _chatter(rng: np.random.Generator, base: Floats, size: int) -> Floats:
    """Return conversations that are nearly copies of one."""
    other = rng.integers(0, size, (CONVERSATIONS, len(base)))
    return np.where(rng.random(other.shape) < 0.85, base, other)


def logistic(rng: np.random.Generator, n: int = 50, copy: float = 0.0) -> tuple[Any, float]:
    """Three coefficients; as many pairs as rows; answers that follow the covariates."""
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    said = _chatter(rng, rng.random(n) < expit(x @ rng.normal(size=3)), 2)
    theta = _logistic_draws(rng, x, said[0], np.full(n, TRUST), 10)[0]
    if copy:
        theta = theta * 0.3  # Outcomes that the covariates hardly tell: base agreement about .5.
    y = (rng.random(n) < expit(x @ theta)).astype(int)
    base = float((said == y).mean())
    said = _copied(rng, said, y, copy)
    rows, outcome = np.vstack([x, x]), np.append(y, said[0])
    # With copies the answers are kept out of the posterior, as an analyst who tests first does.
    weight = np.append(np.ones(n), np.full(n, 0.0 if copy else TRUST))
    eta = _logistic_draws(rng, rows, outcome, weight, DRAWS) @ x.T
    logp = np.stack([log_expit(-eta), log_expit(eta)], axis=1)
    return Levels(logp, y, np.stack([1.0 - said, said], axis=2)), base


def cells(rng: np.random.Generator, n: int = 60, copy: float = 0.0) -> tuple[Any, float]:
    """Four levels in three cells with Dirichlet priors: posterior draws are exact."""
    cell = rng.integers(0, 3, n)
    said = _chatter(rng, rng.integers(0, 4, 3)[cell], 4)
    counts = np.ones((3, 4))
    np.add.at(counts, (cell, said[0]), TRUST)
    theta = np.stack([rng.dirichlet(c) for c in counts])
    y = (rng.random(n)[:, None] > theta[cell].cumsum(axis=1)[:, :-1]).sum(axis=1)
    base = float((said == y).mean())
    said = _copied(rng, said, y, copy)
    np.add.at(counts, (cell, y), 1)
    drawn = np.stack([rng.dirichlet(c, DRAWS) for c in counts], axis=2)
    return Levels(np.log(np.maximum(drawn[:, :, cell], 1e-300)), y, np.eye(4)[said]), base


def regression(rng: np.random.Generator, n: int = 30, copy: float = 0.0) -> tuple[Any, float]:
    """Linear regression, normal-inverse-gamma prior: posterior draws are exact."""
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    own = x @ rng.normal(size=3)
    said = own + rng.normal(0, 0.5, n) + rng.normal(0, 0.2, (CONVERSATIONS, n))
    prior = (np.zeros(3), np.eye(3), 3.0, 2.0)
    b, sd = _gaussian(rng, _update(prior, x, said[0], TRUST), 1)
    y = x @ b[0] + sd[0] * rng.normal(size=n)
    said = _copied(rng, said, y, copy)
    known = prior if copy else _update(prior, x, said[0], TRUST)
    b, sd = _gaussian(rng, _update(known, x, y, 1.0), DRAWS)
    return Normal(b @ x.T, np.tile(sd[:, None], n), y, said), np.nan


def _update(prior: tuple[Any, ...], x: Floats, y: Floats, weight: float) -> tuple[Any, ...]:
    m, k, a, b = prior
    precision = k + weight * x.T @ x
    mean = np.linalg.solve(precision, k @ m + weight * x.T @ y)
    rest = weight * y @ y + m @ k @ m - mean @ precision @ mean
    return mean, precision, a + weight * len(y) / 2, b + rest / 2


def _gaussian(
    rng: np.random.Generator, known: tuple[Any, ...], draws: int
) -> tuple[Floats, Floats]:
    m, k, a, b = known
    sd = np.sqrt(b / rng.gamma(a, size=draws))
    root = np.linalg.cholesky(np.linalg.inv(k))
    return m + sd[:, None] * (rng.normal(size=(draws, len(m))) @ root.T), sd


type Maker = Callable[..., tuple[Any, float]]
CASES: dict[str, tuple[Maker, int, float, int]] = {
    "votes, logistic regression": (logistic, 50, 0.0, 2000),
    "four levels in cells": (cells, 60, 0.0, 2000),
    "linear regression": (regression, 30, 0.0, 2000),
    "votes, a third copied": (logistic, 200, 1 / 3, 400),
    "linear regression, a third copied": (regression, 200, 1 / 3, 400),
}


def simulate(maker: Maker, pairs: int, copy: float, size: int, seed: int = 0) -> dict[str, Any]:
    """Return what the test does in simulated worlds."""
    found, base = [], []
    for world in range(size):
        rng = np.random.default_rng([seed, world])
        test, agreement = maker(rng, pairs, copy)
        found.append(judge(test, rng))
        base.append(agreement)
    return _summary(found, base, pairs, copy)


def _summary(found: list[Judgement], base: list[float], pairs: int, copy: float) -> dict[str, Any]:
    p, single = (np.array([getattr(j, k)[0] for j in found]) for k in ("p", "single"))
    adjusted = np.array([j.adjusted.min() for j in found])
    share, se = (np.array([getattr(j, k)[0] for j in found]) for k in ("share", "se"))
    known = np.isfinite(share)
    covered = np.abs(share - copy)[known] <= stats.norm.ppf(0.95) * se[known]
    return {
        "pairs": pairs,
        "copied": round(copy, 3),
        "simulations": len(found),
        "base_agreement": round(float(np.mean(base)), 3) if np.isfinite(base).all() else None,
        "rejected": round(float((p <= 0.05).mean()), 4),
        "rejected_single": round(float((single <= 0.05).mean()), 4),
        "rejected_any": round(float((adjusted <= 0.05).mean()), 4),
        "uniform": round(float(stats.kstest(p, "uniform").pvalue), 4),
        "uniform_single": round(float(stats.kstest(single, "uniform").pvalue), 4),
        "share": round(float(share[known].mean()), 3),
        "interval": round(float(covered.mean()), 3),
    }


def main(names: list[str], size: int | None = None) -> None:
    """Simulate the cases and store the results."""
    for name in names or list(CASES):
        maker, pairs, copy, default = CASES[name]
        result = simulate(maker, pairs, copy, size or default)
        store("audit", "leakage", name, result)
        print(name, result, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:2], int(sys.argv[2]) if len(sys.argv) > 2 else None)
