"""What the leakage diagnostics say of the built-in studies.

Run as ``python -m tests.benchmarks.audit_leakage_studies``; the results are stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm

import foundation_priors as fp
from foundation_priors.diagnose.leakage import leakage
from tests.benchmarks.tables import store

__all__ = ["MODES", "covariates", "travel", "votes", "wages"]

MODES = ("air", "train", "bus", "car")
VOTER = ["PID", "age", "educ", "income"]
MAN = ["educ", "exper", "black", "south", "smsa"]


def travel(waits: bool = True) -> tuple[pm.Model, fp.SyntheticData, Any, dict[str, Any]]:
    """Return a conditional logit of the mode on cost, time and (or not) the wait."""
    study = fp.datasets.load("modechoice")
    names = ["invc", "invt", *(["ttme"] if waits else [])]
    scale = {n: float(study.real[n].std()) for n in names}
    columns: dict[str, Any] = {
        n: lambda t, n=n: np.stack([t[f"{n}_{m}"].values for m in MODES], 1) / scale[n]
        for n in names
    }
    coords = {"traveller": study.real["traveller"].values, "mode": list(MODES)}
    with pm.Model(coords=coords) as model:
        level = pm.Normal("level", 0, 2, shape=3)
        income = pm.Normal("income", 0, 1, shape=3)
        hinc = pm.Data("hinc", study.real["hinc"].values / 20 - 1.7, dims="traveller")
        zero = np.zeros(1)
        utility = pm.math.concatenate([level, zero])[None, :]
        utility = utility + hinc[:, None] * pm.math.concatenate([income, zero])[None, :]
        for name in names:
            x = pm.Data(name, study.real[name].values / scale[name], dims=("traveller", "mode"))
            utility = utility + pm.Normal(f"b_{name}", 0, 1) * x
        p = pm.math.softmax(utility, axis=1)
        pm.Categorical("choice", p=p, observed=study.real["choice"].values, dims="traveller")
    columns["hinc"] = lambda t: t["hinc"].values / 20 - 1.7
    return model, study.synthetic, "traveller", columns


def covariates(frame: Any, names: list[str]) -> Any:
    """Return a function that standardises columns by the real rows."""
    mean, sd = frame[names].mean().to_numpy(), frame[names].std().to_numpy()
    return lambda t: (np.column_stack([t[n].to_numpy() for n in names]) - mean) / sd


def votes() -> tuple[pm.Model, fp.SyntheticData, Any, dict[str, Any]]:
    """Return a logistic regression of the vote on all that the prompts say."""
    study = fp.datasets.load("anes96")
    frame = study.real.to_dataframe()
    standard = covariates(frame, VOTER)
    with pm.Model(coords={"covariate": VOTER}) as model:
        x = pm.Data("x", standard(frame), dims=("respondent", "covariate"))
        beta = pm.Normal("beta", 0, 1, dims="covariate")
        eta = pm.Normal("intercept", 0, 2.5) + x @ beta
        pm.Bernoulli("vote", logit_p=eta, observed=frame.vote.to_numpy(), dims="respondent")
    return model, study.synthetic, study.real["profile"].values, {"x": standard}


def wages() -> tuple[pm.Model, fp.SyntheticData, Any, dict[str, Any]]:
    """Return a regression of the log wage on all that the prompts say."""
    study = fp.datasets.load("wages")
    frame = study.real.to_dataframe()
    standard = covariates(frame, MAN)
    with pm.Model(coords={"covariate": MAN}) as model:
        x = pm.Data("x", standard(frame), dims=("man", "covariate"))
        beta = pm.Normal("beta", 0, 0.5, dims="covariate")
        mu = pm.Normal("intercept", 6, 1) + x @ beta
        pm.Normal("lwage", mu, pm.HalfNormal("sigma", 1), observed=frame.lwage, dims="man")
    return model, study.synthetic, study.real["profile"].values, {"x": standard}


CASES: dict[str, tuple[str, Any]] = {
    "modechoice": ("cost, time, wait, income", travel),
    "modechoice, no wait": ("cost, time, income", lambda: travel(False)),
    "anes96": ("party, age, education, income", votes),
    "wages": ("schooling, experience, race, South, city", wages),
}


def main() -> None:
    """Judge every study and store what was found."""
    for name, (given, make) in CASES.items():
        model, llm, pairs, columns = make()
        found = leakage(model, llm, pairs=pairs, columns=columns, random_seed=1)
        table = found.drop_vars("trust").drop_dims("trust").to_dataframe().round(4)
        counted = found["double_counted"].isel(group=-1)
        value = {
            "given": given,
            "reading": found.attrs["reading"],
            "groups": table.replace({np.nan: None}).reset_index().to_dict("records"),
            "double_counted": {
                f"{float(t):g}": round(float(counted.sel(trust=t)), 2) for t in counted["trust"]
            },
        }
        store("audit", "leakage_studies", name, value)
        print(name, found.attrs["reading"], table.to_string(), sep="\n")


if __name__ == "__main__":
    main()
