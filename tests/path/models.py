"""Paths of small models, each built once a session and shared by the tests."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

import foundation_priors as fp
from foundation_priors.path.trust_path import climb
from foundation_priors.prior.tilt import build
from foundation_priors.trust.placebo import _with_rows

KNOWN = {"m0": 0.5, "s0": 2.0, "sigma": 1.5}


def coin_model() -> pm.Model:
    with pm.Model() as model:
        theta = pm.Uniform("theta")
        pm.Bernoulli("heads", theta, observed=[1, 1, 1, 1, 0])
    return model


def coin_answers(copies: int = 1) -> fp.SyntheticData:
    frame = pd.DataFrame({"heads": [1, 0] * 5 * copies})
    return fp.SyntheticData.from_dataframe(frame, outcome="heads", source="llm", weight=1 / copies)


def coin_exact() -> fp.conjugate.BetaBinomial:
    return fp.conjugate.BetaBinomial(a=1, b=1, real=(4, 5), synthetic=(5, 10))


@cache
def coin() -> fp.TrustPath:
    """Return the coin of arXiv 2512.01107: 4 heads of 5, and 5 of 10 by a language model."""
    return fp.trust_path(coin_model(), coin_answers(), random_seed=1, progressbar=False)


def normal_data() -> tuple[np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(7)
    real = rng.normal(1.0, 1.5, 12)
    said = np.concatenate([rng.normal(-0.5, 0.7, 9), rng.normal(2.5, 0.7, 5)])
    framing = ["plain"] * 9 + ["roleplay"] * 5
    return real, pd.DataFrame({"y": said, "framing": framing})


def normal_model() -> pm.Model:
    real, _ = normal_data()
    with pm.Model() as model:
        mu = pm.Normal("mu", KNOWN["m0"], KNOWN["s0"])
        pm.Normal("y", mu, KNOWN["sigma"], observed=real)
    return model


def normal_answers() -> fp.SyntheticData:
    return fp.SyntheticData.from_dataframe(normal_data()[1], outcome="y", weight=1)


def normal_exact(by: str | None = None) -> fp.conjugate.NormalMean:
    real, said = normal_data()
    return fp.conjugate.NormalMean.from_data(
        real,
        said.y,
        source=None if by is None else said[by],
        prior_mean=KNOWN["m0"],
        prior_sd=KNOWN["s0"],
        sigma=KNOWN["sigma"],
        weight=1,
    )


@cache
def normal(by: str | None = None) -> fp.TrustPath:
    """Return a normal mean with known variance, for all answers at once or by framing."""
    return fp.trust_path(normal_model(), normal_answers(), by=by, random_seed=3, progressbar=False)


def regression_data(n: int = 30, m: int = 20) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(11)

    def table(size, sd, slope):
        x = rng.normal(size=(size, 2))
        y = 1 + x @ [slope, -0.5] + sd * rng.normal(size=size)
        return pd.DataFrame({"age": x[:, 0], "income": x[:, 1], "wage": y})

    return table(n, 0.8, 1.0), table(m, 0.2, 0.6)


def regression_model() -> pm.Model:
    real, _ = regression_data()
    names = ["age", "income"]
    with pm.Model(coords={"covariate": names}) as model:
        x = pm.Data("X", real[names].to_numpy(), dims=("person", "covariate"))
        a = pm.Normal("a", 0, 2)
        beta = pm.Normal("beta", 0, 2, dims="covariate")
        sigma = pm.HalfNormal("sigma", 1)
        mu = pm.Deterministic("mu", a + x @ beta, dims="person")
        pm.Normal("wage", mu, sigma, observed=real.wage.to_numpy(), dims="person")
    return model


@cache
def regression() -> fp.TrustPath:
    """Return a regression with a coefficient per named covariate and a private residual scale."""
    said = regression_data()[1]
    answers = fp.SyntheticData.from_dataframe(said, outcome="wage", weight=1)
    return fp.trust_path(
        regression_model(), answers, private=["sigma"], random_seed=5, progressbar=False
    )


COUNTS = {
    "a": ((20, 100), (20, 100)),
    "b": ((200, 1000), (200, 1000)),
    "c": ((200, 1000), (10, 100)),
}


@cache
def counts() -> fp.TrustPath:
    """Return three independent pairs of real and synthetic counts, each with its own trust."""
    real = [r for r, _ in COUNTS.values()]
    with pm.Model(coords={"case": list(COUNTS)}) as model:
        n = pm.Data("n", [trials for _, trials in real], dims="row")
        case = pm.Data("case_of", [0, 1, 2], dims="row")
        theta = pm.Beta("theta", 1, 1, dims="case")
        pm.Binomial("y", n=n, p=theta[case], observed=[y for y, _ in real], dims="row")
    said = [s for _, s in COUNTS.values()]
    frame = pd.DataFrame(
        {
            "y": [y for y, _ in said],
            "n": [trials for _, trials in said],
            "case_of": [0, 1, 2],
            "framing": list(COUNTS),
        }
    )
    answers = fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)
    return fp.trust_path(model, answers, by="framing", random_seed=2, progressbar=False)


def cells_data() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(13)
    levels = rng.normal(0.5, 0.8, 6)

    def table(per_cell, shift):
        cell = np.repeat(np.arange(6), per_cell)
        return pd.DataFrame({"cell": cell, "y": levels[cell] + shift + rng.normal(size=len(cell))})

    return table(8, 0.0), table(4, 0.3)


@cache
def hierarchy() -> fp.TrustPath:
    """Return cells with a common mean and spread."""
    real, said = cells_data()
    with pm.Model(coords={"cell": np.arange(6)}) as model:
        index = pm.Data("cell_of", real.cell.to_numpy(), dims="row")
        common = pm.Normal("common", 0, 2)
        spread = pm.Gamma("spread", 4, 4)
        level = pm.Normal("level", common, spread, dims="cell")
        pm.Normal("y", level[index], 1.0, observed=real.y.to_numpy(), dims="row")
    answers = fp.SyntheticData.from_dataframe(
        said.rename(columns={"cell": "cell_of"}), outcome="y", weight=1
    )
    return fp.trust_path(model, answers, random_seed=4, progressbar=False)


SIGNED_REAL, SIGNED_SAID = (
    center + width * noise
    for (center, width), noise in zip(
        ((3, 0.3), (2, 0.1)),
        np.split(np.random.default_rng(0).normal(size=16), [10]),
        strict=True,
    )
)


@cache
def two_modes() -> fp.TrustPath:
    """Return a mean of which real data know the size only, and the answers the sign."""
    with pm.Model() as model:
        signed = pm.Data("signed", np.zeros(10))
        mu = pm.Normal("mu", 0, 5)
        pm.Normal("y", pt.switch(signed > 0, mu, pt.abs(mu)), 1.0, observed=SIGNED_REAL)
    frame = pd.DataFrame({"y": SIGNED_SAID, "signed": np.ones(6)})
    answers = fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)
    return fp.trust_path(model, answers, random_seed=1, progressbar=False)


def again(
    path: fp.TrustPath, seed: int, answers: fp.SyntheticData | None = None, **plan: Any
) -> fp.TrustPath:
    """Return a path from the compiled model of another: with other answers, or another plan.

    It is compiled anew where there are not as many distinct answers, each column of its kind.
    """
    recipe, engine = path.recipe, path.engine
    recipe = replace(recipe, plan=replace(recipe.plan, **plan))
    if answers is not None:
        tilted = build(recipe.model, answers, alone=True, **recipe.options)
        engine = _with_rows(engine, tilted)
    return climb(recipe, engine, answers or path.synthetic, seed, False)
