"""Models made for measuring cost: one that is slow, one with three sources, and any size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm

import foundation_priors as fp
from tests.benchmarks.cases import Case
from tests.benchmarks.models import votes

__all__ = ["framings", "heavy", "large", "logistic"]

type Array = np.ndarray


def framings() -> Case:
    """Return the pilot with a trust for each of three framings, every answer taken for a row."""
    case = votes()
    options = {**case.options, "by": "framing"}
    return Case("logistic, three framings with a trust each", case.model, case.synthetic, options)


def large(rows: int = 30_000) -> Case:
    """Votes of many simulated people, nine covariates: slow since each evaluation is."""
    case = logistic(1_000, 10, rows)
    title = f"logistic, 10 parameters, {rows:,} simulated people"
    return Case(title, case.model, case.synthetic, case.options)


def heavy(rows: int = 3_000, groups: int = 60, answers: int = 2_000) -> Case:
    """Votes of simulated people in groups, four covariates; the answers have other slopes."""
    rng = np.random.default_rng(0)
    names = ["x0", "x1", "x2", "x3"]
    effects = rng.normal(0, 0.6, groups)
    real = _people(rng, rows, effects, np.array([0.8, -0.4, 0.2, 0.0]))
    said = _people(rng, answers, 1.5 * effects, np.array([1.5, -0.4, 0.0, 0.5]))
    with pm.Model(coords={"covariate": names, "group": range(groups)}) as model:
        x = pm.Data("x", real[names].to_numpy(), dims=("person", "covariate"))
        of = pm.Data("of", real.of.to_numpy(), dims="person")
        beta = pm.Normal("beta", 0, 2.5, dims="covariate")
        intercept, spread = pm.Normal("intercept", 0, 2.5), pm.HalfNormal("spread", 1)
        offset = pm.Normal("offset", 0, 1, dims="group")
        eta = intercept + spread * offset[of] + x @ beta
        pm.Bernoulli("vote", logit_p=eta, observed=real.vote.to_numpy(), dims="person")
    llm = fp.SyntheticData.from_dataframe(said, outcome="vote", source="simulated", weight=1)
    title = f"hierarchical logistic, {groups} groups, {rows:,} simulated people"
    return Case(title, model, llm, {"columns": {"x": names}})


def logistic(answers: int, parameters: int, rows: int = 500) -> Case:
    """Votes of simulated people; the answers have other coefficients, shrunk by a half."""
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(parameters - 1)]
    slopes = rng.normal(0, 2 / np.sqrt(parameters), parameters - 1)
    nobody = np.zeros(1)
    real = _people(rng, rows, nobody, slopes)
    said = _people(rng, answers, nobody, slopes / 2)
    with pm.Model(coords={"covariate": names}) as model:
        x = pm.Data("x", real[names].to_numpy(), dims=("person", "covariate"))
        intercept = pm.Normal("intercept", 0, 2.5)
        beta = pm.Normal("beta", 0, 1, dims="covariate")
        eta = intercept + x @ beta
        pm.Bernoulli("vote", logit_p=eta, observed=real.vote.to_numpy(), dims="person")
    llm = fp.SyntheticData.from_dataframe(said, outcome="vote", source="simulated", weight=1)
    return Case(
        f"logistic, {parameters} parameters, {answers:,} answers",
        model,
        llm,
        {"columns": {"x": names}},
    )


def _people(rng: np.random.Generator, rows: int, effects: Array, slopes: Array) -> pd.DataFrame:
    of = rng.integers(len(effects), size=rows)
    x = rng.normal(size=(rows, len(slopes)))
    chance = 1 / (1 + np.exp(-(effects[of] + x @ slopes)))
    columns = pd.DataFrame(x, columns=[f"x{i}" for i in range(len(slopes))])
    return columns.assign(of=of, vote=(rng.random(rows) < chance).astype(int))
