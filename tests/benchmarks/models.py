"""Seven models of real rows with answers of a language model, or answers said to be simulated.

Nothing is tuned to them: the paths are built with the default settings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

import foundation_priors as fp
from tests.benchmarks.cases import Case, anes, men, standardiser

__all__ = ["REAL"]

VOTER = ["PID", "age", "educ", "income"]
MAN = ["educ", "exper", "black", "south", "smsa"]
AGES = (30, 40, 50, 65)
TOP = np.log(700)
"""Where wages are cut off in the censored model: 700 cents an hour, near the upper quartile."""


def votes(rows: int = 40, seed: int = 1) -> Case:
    """Vote on party, age, education and income: the pilot, with every answer taken for a row."""
    frame = anes(rows, seed)
    standardise = standardiser(anes(), VOTER)
    with pm.Model(coords={"covariate": VOTER, "respondent": frame.index}) as model:
        x = pm.Data("x", standardise(frame), dims=("respondent", "covariate"))
        intercept = pm.Normal("intercept", 0, 2.5)
        beta = pm.Normal("beta", 0, 2.5, dims="covariate")
        eta = intercept + x @ beta
        pm.Bernoulli("vote", logit_p=eta, observed=frame.vote.to_numpy(), dims="respondent")
    answers = _as_data(fp.datasets.load("anes96").synthetic, "vote")
    title = f"logistic, vote of {rows} respondents"
    return Case(title, model, answers, {"columns": {"x": standardise}})


def wages(rows: int = 200, seed: int = 1) -> Case:
    """Log wage on schooling and more, the residual scale private to the answers."""
    frame = men(rows, seed)
    standardise = standardiser(frame, MAN)
    with pm.Model(coords={"covariate": MAN, "man": frame.index}) as model:
        x = pm.Data("x", standardise(frame), dims=("man", "covariate"))
        intercept = pm.Normal("intercept", 6, 1)
        beta = pm.Normal("beta", 0, 0.5, dims="covariate")
        sigma = pm.HalfNormal("sigma", 1)
        mu = intercept + x @ beta
        pm.Normal("lwage", mu, sigma, observed=frame.lwage.to_numpy(), dims="man")
    options = {"columns": {"x": standardise}, "private": ["sigma"]}
    title = f"regression with private sigma, log wage of {rows} men"
    return Case(title, model, fp.datasets.load("wages").synthetic, options)


def cells(rows: int | None = None, seed: int = 1) -> Case:
    """Vote by 35 cells of education and age about a common mean, and party identification."""
    frame = anes(rows, seed)
    names = [f"educ {e}, age group {a}" for e in range(1, 8) for a in range(len(AGES) + 1)]
    centre, scale = frame.PID.mean(), frame.PID.std()
    with pm.Model(coords={"cell": names, "respondent": frame.index}) as model:
        cell = pm.Data("cell_of", _cell(frame), dims="respondent")
        party = pm.Data("party", (frame.PID - centre) / scale, dims="respondent")
        intercept = pm.Normal("intercept", 0, 2.5)
        slope = pm.Normal("slope", 0, 2.5)
        spread = pm.HalfNormal("spread", 1)
        offset = pm.Normal("offset", 0, 1, dims="cell")
        eta = intercept + spread * offset[cell] + slope * party
        pm.Bernoulli("vote", logit_p=eta, observed=frame.vote.to_numpy(), dims="respondent")
    columns = {"cell_of": _cell, "party": lambda t: (t["PID"].to_numpy() - centre) / scale}
    title = f"hierarchical logistic, 35 cells, vote of {len(frame)} respondents"
    answers = _as_data(fp.datasets.load("anes96").synthetic, "vote")
    return Case(title, model, answers, {"columns": columns})


def news(rows: int = 300, seed: int = 1) -> Case:
    """Days of television news in a week as a negative binomial; the answers are simulated."""
    frame = anes(rows, seed)
    standardise = standardiser(anes(), ["age", "educ"])
    with pm.Model(coords={"covariate": ["age", "educ"], "respondent": frame.index}) as model:
        x = pm.Data("x", standardise(frame), dims=("respondent", "covariate"))
        intercept = pm.Normal("intercept", 1, 1)
        beta = pm.Normal("beta", 0, 0.5, dims="covariate")
        alpha = pm.Gamma("alpha", 2, 0.5)
        mu = pm.math.exp(intercept + x @ beta)
        days = frame.TVnews.to_numpy()
        pm.NegativeBinomial("TVnews", mu=mu, alpha=alpha, observed=days, dims="respondent")

    def draw(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
        mean = np.exp(1.5 + 0.1 * x[:, 0] + 0.15 * x[:, 1])
        return rng.negative_binomial(8, 8 / (8 + mean))

    options = {"columns": {"x": standardise}}
    title = f"negative binomial, days of news of {rows} respondents"
    return Case(title, model, _simulated("TVnews", draw, standardise), options)


def zeros(rows: int = 300, seed: int = 1) -> Case:
    """Days of television news out of 7, some never watching; the answers are simulated."""
    frame = anes(rows, seed)
    standardise = standardiser(anes(), ["age", "educ"])
    with pm.Model(coords={"covariate": ["age", "educ"], "respondent": frame.index}) as model:
        x = pm.Data("x", standardise(frame), dims=("respondent", "covariate"))
        intercept = pm.Normal("intercept", 0, 1.5)
        beta = pm.Normal("beta", 0, 1, dims="covariate")
        watching = pm.Beta("watching", 2, 1)
        p = pm.math.invlogit(intercept + x @ beta)
        days = frame.TVnews.to_numpy()
        pm.ZeroInflatedBinomial("TVnews", psi=watching, n=7, p=p, observed=days, dims="respondent")

    def draw(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
        p = 1 / (1 + np.exp(-(0.8 + 0.5 * x[:, 0])))
        return rng.binomial(7, p) * (rng.random(len(x)) < 0.97)

    options = {"columns": {"x": standardise}}
    title = f"zero-inflated binomial, days of news of {rows} respondents"
    return Case(title, model, _simulated("TVnews", draw, standardise), options)


def places(rows: int = 300, seed: int = 1) -> Case:
    """Place between left and right, 1 to 7, as an ordered logistic with six cutpoints."""
    frame = anes(rows, seed)
    names = ["PID", "age", "educ"]
    standardise = standardiser(anes(), names)
    with pm.Model(coords={"covariate": names, "respondent": frame.index}) as model:
        x = pm.Data("x", standardise(frame), dims=("respondent", "covariate"))
        beta = pm.Normal("beta", 0, 2.5, dims="covariate")
        start = np.linspace(-3, 3, 6)
        ordered = pm.distributions.transforms.ordered
        cutpoints = pm.Normal("cutpoints", 0, 3, shape=6, transform=ordered, initval=start)
        observed = frame.selfLR.to_numpy() - 1
        pm.OrderedLogistic(
            "selfLR", eta=x @ beta, cutpoints=cutpoints, observed=observed, dims="respondent"
        )
    columns = {"x": standardise, "selfLR": lambda t: t["self_placement"].to_numpy() - 1}
    title = f"ordered logistic, own place of {rows} respondents"
    answers = _as_data(fp.datasets.load("anes96").synthetic, "self_placement")
    return Case(title, model, answers, {"columns": columns})


def topcoded(rows: int = 200, seed: int = 1) -> Case:
    """Log wage censored from above at `TOP`, the residual scale private to the answers."""
    frame = men(rows, seed)
    standardise = standardiser(frame, MAN)
    with pm.Model(coords={"covariate": MAN, "man": frame.index}) as model:
        x = pm.Data("x", standardise(frame), dims=("man", "covariate"))
        intercept = pm.Normal("intercept", 6, 1)
        beta = pm.Normal("beta", 0, 0.5, dims="covariate")
        sigma = pm.HalfNormal("sigma", 1)
        latent = pm.Normal.dist(intercept + x @ beta, sigma)
        observed = np.minimum(frame.lwage.to_numpy(), TOP)
        pm.Censored("lwage", latent, lower=None, upper=TOP, observed=observed, dims="man")
    columns = {"x": standardise, "lwage": lambda t: np.minimum(t["lwage"].to_numpy(), TOP)}
    options = {"columns": columns, "private": ["sigma"]}
    title = f"censored regression with private sigma, log wage of {rows} men"
    return Case(title, model, fp.datasets.load("wages").synthetic, options)


def _as_data(llm: fp.SyntheticData, outcome: str) -> fp.SyntheticData:
    """Return the answers with weight 1, so that trust 1 takes every one of them for a row."""
    return fp.SyntheticData(llm.dataset, outcome=outcome, weight=1, levels=dict(llm.levels))


def _cell(table: pd.DataFrame | xr.Dataset) -> np.ndarray:
    group = np.searchsorted(AGES, table["age"].to_numpy(), side="right")
    return (table["educ"].to_numpy() - 1) * (len(AGES) + 1) + group


def _simulated(
    outcome: str,
    draw: Callable[[np.random.Generator, np.ndarray], np.ndarray],
    standardise: Callable[[pd.DataFrame], np.ndarray],
) -> fp.SyntheticData:
    """Simulate three answers about each of the 60 respondents whom the prompts describe."""
    real = fp.datasets.load("anes96").real.to_dataframe()
    frame = pd.concat([real.loc[real.in_prompt, ["age", "educ"]]] * 3, ignore_index=True)
    frame[outcome] = draw(np.random.default_rng(0), standardise(frame))
    return fp.SyntheticData.from_dataframe(
        frame, outcome=outcome, source="simulated", weight=1, provenance={"model": "simulated"}
    )


REAL: dict[str, Callable[[], Case]] = {
    "votes": votes,
    "wages": wages,
    "cells": cells,
    "news": news,
    "places": places,
    "topcoded": topcoded,
    "zeros": zeros,
}
