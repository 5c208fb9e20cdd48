"""Real rows that wash the answers out: what is said against what simulation needs.

    python -m tests.benchmarks.audit_washout

Tipping points: true values from the posterior at trust 0, new rows from them, and the exact
conjugate posterior at every trust. Shares: a path is built again with so many more rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pymc as pm
from scipy.stats import beta, norm

import foundation_priors as fp
from foundation_priors.diagnose.washout import washout
from tests.benchmarks.tables import store
from tests.path import models

ASSURANCE, FUTURES = 0.8, 40_000
TRUST = np.linspace(0, 1, 21)[:, None]


def normal_settled(rows: int, edge: float, level: float, rng: np.random.Generator) -> float:
    """Return how often "mu > edge" is settled by so many rows."""
    real, said = models.normal_data()
    m0, s0, sigma = models.KNOWN.values()
    precision = 1 / s0**2 + 12 / sigma**2
    mu = (m0 / s0**2 + real.sum() / sigma**2) / precision
    true = mu + rng.normal(size=FUTURES) / np.sqrt(precision)
    new = true * rows + rng.normal(size=FUTURES) * sigma * np.sqrt(rows)
    precision = 1 / s0**2 + (12 + rows + 14 * TRUST) / sigma**2
    mean = m0 / s0**2 + (real.sum() + new + TRUST * said.y.sum()) / sigma**2
    holds = norm.sf(edge, mean / precision, precision**-0.5) >= level
    return float((holds.all(axis=0) | (~holds).all(axis=0)).mean())


def coin_settled(rows: int, edge: float, level: float, rng: np.random.Generator) -> float:
    """Return how often "theta > edge" is settled by so many tosses."""
    heads = np.arange(rows + 1)
    holds = beta.sf(edge, 5 + heads + 5 * TRUST, 2 + rows - heads + 5 * TRUST) >= level
    same = holds.all(axis=0) | (~holds).all(axis=0)
    return float(same[rng.binomial(rows, rng.beta(5, 2, FUTURES))].mean())


def needed(settled: Callable[..., float], *claim: float) -> float:
    """Return the rows from which on a claim is settled in ASSURANCE of the futures.

    The curve of a count has teeth: it is smoothed over seven neighbouring numbers of rows.
    """
    rows = np.arange(1, 240)
    often = np.array([settled(int(m), *claim, np.random.default_rng(5)) for m in rows])
    smooth = np.convolve(often, np.ones(7) / 7, mode="valid")
    below = np.flatnonzero(smooth < ASSURANCE)
    if len(below) and below[-1] + 1 == len(smooth):
        return np.inf
    if not len(below):
        return 0.0
    i = int(below[-1])
    return float(rows[3 + i] + (ASSURANCE - smooth[i]) / (smooth[i + 1] - smooth[i]))


def refit(rows: int) -> dict[str, float]:
    """Return the share of a regression's answers once the present rows are repeated."""
    real, said = models.regression_data()
    real = real.iloc[np.arange(len(real) + rows) % len(real)]
    both = real[["age", "income"]].to_numpy()
    with pm.Model(coords={"covariate": ["age", "income"]}) as model:
        data = pm.Data("X", both, dims=("person", "covariate"))
        a = pm.Normal("a", 0, 2)
        slope = pm.Normal("beta", 0, 2, dims="covariate")
        sigma = pm.HalfNormal("sigma", 1)
        pm.Normal("wage", a + data @ slope, sigma, observed=real.wage.to_numpy(), dims="person")
    answers = fp.SyntheticData.from_dataframe(said, outcome="wage", weight=1)
    path = fp.trust_path(model, answers, private=["sigma"], random_seed=5, progressbar=False)
    row = fp.reliance(path, 0.1, "beta[income]").loc[("beta[income]", "synthetic")]
    return {"share": float(row.share), "mcse": float(row.mcse_share)}


def main() -> None:
    """Run everything and store it."""
    normal = [(0.3, 0.9), (0.2, 0.9), (0.4, 0.8)]
    cases = [("mu", models.normal, normal_settled, c) for c in normal]
    cases += [("theta", models.coin, coin_settled, c) for c in [(0.5, 0.85), (0.5, 0.9)]]
    for name, path, settled, (edge, level) in cases:
        said = washout(path(), f"{name} > {edge}", probability=level, assurance=ASSURANCE)
        row = {"rows": float(said.observations), "mcse": float(said.mcse)}
        row |= {"needed": needed(settled, edge, level), "check": float(said.check)}
        print(name, edge, level, row, flush=True)
        store("audit", "washout", f"{name} > {edge}, {level}", row)
    said = washout(models.regression(), "beta[income]", share=0.1, trust=0.1)
    rows = round(said.observations.item())
    found = {"rows": rows, "mcse_rows": said.mcse.item(), "target": 0.1, **refit(rows)}
    print(found, flush=True)
    store("audit", "washout", "refit", found)


if __name__ == "__main__":
    main()
