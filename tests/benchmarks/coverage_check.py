"""The study's own posteriors beside those of `foundation_priors.trust_path`, on a few pilots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm

import foundation_priors as fp
from tests.benchmarks import coverage_votes, coverage_wages
from tests.benchmarks.cases import anes, standardiser
from tests.benchmarks.coverage_rules import fixed, law_of

__all__ = ["check"]

PILOTS = {"votes": (20, 200), "wages": (20, 200)}
RULES = ("cautious", "uniform", 0.1, 1.0)
ENDS = [0.05, 0.95]


def check() -> dict[str, dict[str, float]]:
    """Return the largest differences on each pilot: of means and of interval ends in sds."""
    out = {}
    for study, sizes in PILOTS.items():
        for n in sizes:
            pilot, path, quantities = {"votes": votes, "wages": wages}[study](n)
            out[f"{study}, n = {n}"] = row = compare(pilot, path, quantities)
            print(study, n, row, flush=True)
    return out


def compare(
    pilot: Any, path: fp.TrustPath, quantities: list[Callable[[Any], Any]]
) -> dict[str, float]:
    """Return the largest differences over rules and quantities."""
    mean, z, end, trust = [], [], [], []
    for rule in RULES:
        law = law_of(rule, pilot) if isinstance(rule, str) else fixed(float(rule))
        own = pilot.average(*law)
        if isinstance(rule, str):
            trust.append(abs(law[0] @ law[1] - path.trust_posterior(rule).mean))
        for k, q in enumerate(quantities):
            theirs = path.mean(q, rule)
            sd = float(path.sd(q, rule))
            gap = own[0, k] - float(theirs)
            mean.append(abs(gap) / sd)
            z.append(abs(gap) / float(theirs.mcse))
            end.append(np.abs(own[1:, k] - path.quantile(q, ENDS, rule).values).max() / sd)
    evidence = path.log_evidence([0.1, 1.0]).values
    ours = pilot.log_evidence(np.array([0.0, 0.1, 1.0]))
    return {
        "mean": _digits(max(mean)),
        "z": _digits(max(z)),
        "interval_end": _digits(max(end)),
        "trust": _digits(max(trust)),
        "log_evidence": _digits(np.abs(ours[1:] - ours[0] - evidence).max()),
        "worth": _digits(abs(pilot.worth / path.facts.worth[0] - 1)),
    }


def votes(n: int) -> tuple[Any, fp.TrustPath, list[Callable[[Any], Any]]]:
    """Return a pilot of voters, the same by the path, and the quantities."""
    pilot = coverage_votes.Votes(n, np.random.default_rng(n))
    world, frame = coverage_votes.world(), anes()
    few = frame.iloc[pilot.people]

    def design(table: Any) -> np.ndarray:
        return coverage_votes.design(table, frame)[:, 1:]

    with pm.Model() as model:
        x = pm.Data("x", design(few), dims=("respondent", "covariate"))
        intercept, beta = pm.Normal("intercept", 0, 1), pm.Normal("beta", 0, 1, shape=4)
        observed = few.vote.to_numpy()
        pm.Bernoulli("vote", logit_p=intercept + x @ beta, observed=observed, dims="respondent")
    llm = fp.datasets.load("anes96").synthetic
    path = fp.trust_path(model, llm, columns={"x": design}, random_seed=1, progressbar=False)

    def quantity(k: int, draws: Any) -> Any:
        level = draws["intercept"].values.reshape(-1, 1)
        theta = np.hstack([level, draws["beta"].values.reshape(-1, 4)])
        p = 1 / (1 + np.exp(-theta @ world.x.T))
        values = world.quantities(theta, p)[:, k]
        return draws["intercept"].copy(data=values.reshape(draws["intercept"].shape))

    return pilot, path, [_numbered(quantity, k) for k in range(4)]


def wages(n: int) -> tuple[Any, fp.TrustPath, list[Callable[[Any], Any]]]:
    """Return a pilot of men, the same by the path, and the quantities."""
    pilot = coverage_wages.Wages(n, np.random.default_rng(n))
    study = fp.datasets.load("wages")
    frame = study.real.to_dataframe()
    frame = frame[~frame.in_prompt]
    few, design = frame.iloc[pilot.men], standardiser(frame, coverage_wages.QUANTITIES)
    with pm.Model() as model:
        x = pm.Data("x", design(few), dims=("man", "covariate"))
        intercept, beta = pm.Normal("intercept", 6, 1), pm.Normal("beta", 0, 1, shape=5)
        sigma = pm.HalfNormal("sigma", 1)
        pm.Normal("lwage", intercept + x @ beta, sigma, observed=few.lwage.to_numpy(), dims="man")
    options = {"columns": {"x": design}, "private": ["sigma"], "progressbar": False}
    path = fp.trust_path(model, study.synthetic, random_seed=1, **options)

    def quantity(k: int, draws: Any) -> Any:
        return draws["beta"].isel(beta_dim_0=k)

    return pilot, path, [_numbered(quantity, k) for k in range(5)]


def _numbered(quantity: Callable[[int, Any], Any], k: int) -> Callable[[Any], Any]:
    return lambda draws: quantity(k, draws)


def _digits(value: float) -> float:
    return float(f"{value:.2g}")
