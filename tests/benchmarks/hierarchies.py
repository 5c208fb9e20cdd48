"""Hierarchies and other models with funnels, skew or many parameters; all data are simulated.

Nothing is tuned to them: priors are those of the field's textbooks and examples, and the paths are
built with the default settings but for the acceptance that plain sampling needs as well.

Run as ``python -m tests.benchmarks.hierarchies MODEL [--seeds 1 2 ...]`` to build paths of one
model and to compare them with its stored reference (see `tests.benchmarks.references`).
"""

from __future__ import annotations

import argparse
import logging
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

import foundation_priors as fp
from tests.benchmarks.cases import Case
from tests.benchmarks.sized import heavy, logistic

__all__ = ["COMPARED", "HIERARCHIES"]

type Array = np.ndarray

COMPARED = {"horseshoe": ["intercept", "beta", "sigma", "log_tau", "log_lambda", "log_slab"]}
"""Variables to compare where the free ones will not do: their means or variances are infinite."""


def radon(counties: int, rows: int, answers: int) -> Case:
    """Log radon of homes by floor: correlated intercepts and slopes of counties, non-centred."""
    rng = np.random.default_rng(0)
    scale = np.array([[0.35, 0.0], [-0.1, 0.3]])
    effects = np.array([1.4, -0.7]) + rng.normal(size=(counties, 2)) @ scale.T
    real = _homes(rng, rows, effects, 0.7)
    said = _homes(rng, answers, 1.3 * effects, 0.5)
    with pm.Model(coords={"county": range(counties), "effect": ["base", "floor"]}) as model:
        of = pm.Data("of", real.of.to_numpy(), dims="home")
        floor = pm.Data("floor", real.floor.to_numpy(), dims="home")
        mean = pm.Normal("mean", 0, 2, dims="effect")
        chol, _, _ = pm.LKJCholeskyCov("chol", n=2, eta=2, sd_dist=pm.Exponential.dist(1))
        z = pm.Normal("z", 0, 1, dims=("county", "effect"))
        sigma = pm.HalfNormal("sigma", 1)
        by_county = pm.Deterministic("by_county", mean + z @ chol.T, dims=("county", "effect"))
        mu = by_county[of, 0] + by_county[of, 1] * floor
        pm.Normal("radon", mu, sigma, observed=real.radon.to_numpy(), dims="home")
    title = f"radon, LKJ slopes, {counties} counties, {rows} simulated homes, {answers} answers"
    return Case(title, model, _answers(said, "radon", 0.7))


def smooth(functions: int, rows: int, answers: int) -> Case:
    """A Gaussian process by basis functions, with a residual scale private to the answers."""
    rng = np.random.default_rng(0)
    real = _curve(rng, rows, lambda x: np.sin(x) + 0.15 * x, 0.4)
    said = _curve(rng, answers, lambda x: 0.6 * np.sin(x + 0.3) + 0.2 * x, 0.25)
    with pm.Model(coords={"function": range(functions)}) as model:
        x = pm.Data("x", real[["x"]].to_numpy(), dims=("row", "axis"))
        eta, scale = pm.HalfNormal("eta", 1), pm.InverseGamma("scale", 5, 5)
        gp = pm.gp.HSGP(m=[functions], c=1.5, cov_func=eta**2 * pm.gp.cov.ExpQuad(1, ls=scale))
        phi, root = gp.prior_linearized(x)
        weight = pm.Normal("weight", 0, 1, dims="function")
        intercept, sigma = pm.Normal("intercept", 0, 2), pm.HalfNormal("sigma", 1)
        mu = intercept + phi @ (weight * root)
        pm.Normal("y", mu, sigma, observed=real.y.to_numpy(), dims="row")
    title = f"HSGP of {functions} functions, {rows} simulated rows, {answers} answers"
    options = {"columns": {"x": ["x"]}, "private": ["sigma"]}
    return Case(title, model, _answers(said, "y", 1), options)


def horseshoe(coefficients: int = 30, rows: int = 100, answers: int = 100) -> Case:
    """Linear regression under the regularised horseshoe of Piironen and Vehtari, non-centred."""
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(coefficients)]
    slopes = np.zeros(coefficients)
    slopes[:5] = [1.0, -0.8, 0.6, -0.4, 0.2]
    real = _linear(rng, rows, slopes)
    said = _linear(rng, answers, np.roll(slopes, 1) + 0.1)
    few = 5 / (coefficients - 5) / np.sqrt(rows)
    with pm.Model(coords={"covariate": names}) as model:
        x = pm.Data("x", real[names].to_numpy(), dims=("row", "covariate"))
        sigma, intercept = pm.HalfNormal("sigma", 2), pm.Normal("intercept", 0, 2)
        tau = pm.HalfStudentT("tau", nu=2, sigma=few * sigma)
        local = pm.HalfStudentT("lambda", nu=5, sigma=1, dims="covariate")
        slab = pm.InverseGamma("slab", 1, 1)
        z = pm.Normal("z", 0, 1, dims="covariate")
        shrunk = local * pt.sqrt(slab / (slab + tau**2 * local**2))
        beta = pm.Deterministic("beta", z * tau * shrunk, dims="covariate")
        pm.Deterministic("log_tau", pt.log(tau))
        pm.Deterministic("log_lambda", pt.log(local), dims="covariate")
        pm.Deterministic("log_slab", pt.log(slab))
        pm.Normal("y", intercept + x @ beta, sigma, observed=real.y.to_numpy(), dims="row")
    title = f"horseshoe of {coefficients} coefficients, {rows} simulated rows, {answers} answers"
    return Case(title, model, _answers(said, "y", 1), {"columns": {"x": names}})


def responses(persons: int = 100, items: int = 20, answers: int = 400) -> Case:
    """Two-parameter item response; the answers are about some cells of person and item."""
    rng = np.random.default_rng(0)
    ability, steep = rng.normal(size=persons), np.exp(rng.normal(0, 0.4, items))
    hard = rng.normal(size=items)
    every = np.array(np.unravel_index(np.arange(persons * items), (persons, items)))
    some = every[:, rng.permutation(persons * items)[:answers]]
    real = _solved(rng, every, ability, steep, hard)
    said = _solved(rng, some, 0.5 * ability, steep, 0.7 * hard - 0.5)
    with pm.Model(coords={"person": range(persons), "item": range(items)}) as model:
        who = pm.Data("who", real.who.to_numpy(), dims="cell")
        what = pm.Data("what", real.what.to_numpy(), dims="cell")
        theta = pm.Normal("ability", 0, 1, dims="person")
        discrimination = pm.LogNormal("discrimination", 0, 0.5, dims="item")
        difficulty = pm.Normal("difficulty", 0, 1.5, dims="item")
        eta = discrimination[what] * (theta[who] - difficulty[what])
        pm.Bernoulli("right", logit_p=eta, observed=real.right.to_numpy(), dims="cell")
    title = f"item response, {persons} simulated persons, {items} items, {answers} answers"
    return Case(title, model, _answers(said, "right", 1))


def groups(count: int) -> Case:
    """Votes of simulated people in groups, as in `tests.benchmarks.sized.heavy`."""
    return replace(heavy(groups=count), title=f"logistic hierarchy, {count} groups, simulated")


def coefficients(count: int, rows: int) -> Case:
    """Votes of simulated people, as in `tests.benchmarks.sized.logistic`."""
    title = f"logistic, {count} coefficients, {rows:,} simulated rows, 1,000 answers"
    return replace(logistic(1_000, count, rows), title=title)


def _homes(rng: np.random.Generator, rows: int, effects: Array, sigma: float) -> pd.DataFrame:
    of = rng.integers(len(effects), size=rows)
    floor = (rng.random(rows) < 0.4).astype(float)
    radon = effects[of, 0] + effects[of, 1] * floor + sigma * rng.normal(size=rows)
    return pd.DataFrame({"of": of, "floor": floor, "radon": radon})


def _curve(
    rng: np.random.Generator, rows: int, curve: Callable[[Array], Array], sigma: float
) -> pd.DataFrame:
    x = rng.uniform(0, 10, rows)
    return pd.DataFrame({"x": x, "y": curve(x) + sigma * rng.normal(size=rows)})


def _linear(rng: np.random.Generator, rows: int, slopes: Array) -> pd.DataFrame:
    x = rng.normal(size=(rows, len(slopes)))
    columns = pd.DataFrame(x, columns=[f"x{i}" for i in range(len(slopes))])
    return columns.assign(y=x @ slopes + rng.normal(size=rows))


def _solved(
    rng: np.random.Generator, cells: Array, ability: Array, steep: Array, hard: Array
) -> pd.DataFrame:
    who, what = cells
    chance = 1 / (1 + np.exp(-steep[what] * (ability[who] - hard[what])))
    right = (rng.random(len(who)) < chance).astype(int)
    return pd.DataFrame({"who": who, "what": what, "right": right})


def _answers(said: pd.DataFrame, outcome: str, weight: float) -> fp.SyntheticData:
    return fp.SyntheticData.from_dataframe(said, outcome=outcome, source="simulated", weight=weight)


HIERARCHIES: dict[str, Callable[[], Case]] = {
    "radon8": partial(radon, 8, 120, 60),
    "radon12": partial(radon, 12, 150, 80),
    "radon85": partial(radon, 85, 919, 300),
    "hsgp8": partial(smooth, 8, 100, 200),
    "hsgp30": partial(smooth, 30, 300, 600),
    "horseshoe": horseshoe,
    "irt": responses,
    "groups60": partial(groups, 60),
    "groups200": partial(groups, 200),
    "logistic200": partial(coefficients, 200, 500),
    "rows100k": partial(coefficients, 5, 100_000),
}


def main() -> None:
    """Build paths of one model and judge them."""
    from tests.benchmarks.judging import judge_all
    from tests.benchmarks.tables import read

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=HIERARCHIES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--target-accept", type=float, help="by default that of its stored cost")
    parser.add_argument("--audit", action="store_true", help="audit each path as well")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("pymc").setLevel(logging.ERROR)
    case = HIERARCHIES[given.model]()
    print(case.title, flush=True)
    known = read("cost").get("hierarchies", {}).get(given.model, {})
    accept = given.target_accept or known.get("target_accept")
    judge_all(given.model, case, given.seeds, given.audit, target_accept=accept)


if __name__ == "__main__":
    main()
