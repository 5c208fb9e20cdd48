"""Whether permuted answers gain evidence under a wide prior, and lose it under a better one.

Pilots of real respondents whom no prompt describes, the 540 recorded answers with their default
weights, and a logistic regression of the vote on party, age, education and income.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

import foundation_priors as fp
from foundation_priors.cli.pilot import COVARIATES, standardiser
from foundation_priors.path.trust_path import climb

__all__ = ["PRIORS", "placebos"]

type Array = np.ndarray

RESPONDENTS = 50
PRIORS = {"wide": 10.0, "narrow": 1.0}
"""Standard deviations of the intercept's and the coefficients' normal priors."""


def _model(x: Array, vote: Array, sd: float) -> pm.Model:
    with pm.Model(coords={"covariate": list(COVARIATES)}) as model:
        data = pm.Data("x", x, dims=("respondent", "covariate"))
        real = pm.Data("real", vote, dims="respondent")
        intercept = pm.Normal("intercept", 0, sd)
        beta = pm.Normal("beta", 0, sd, dims="covariate")
        logit = intercept + data @ beta
        pm.Bernoulli("vote", logit_p=logit, observed=real, dims="respondent")
    return model


def _pilots(count: int) -> Iterator[xr.Dataset]:
    real = fp.datasets.load("anes96").real
    unasked = np.flatnonzero(~real["in_prompt"].values)
    for seed in range(count):
        chosen = np.random.default_rng(seed).choice(unasked, RESPONDENTS, replace=False)
        yield real.isel(respondent=np.sort(chosen))


def placebos(count: int = 20) -> dict[str, dict[str, Any]]:
    """Return what the placebos of some pilots say, under each prior."""
    return {name: _under(sd, count) for name, sd in PRIORS.items()}


def _under(sd: float, count: int) -> dict[str, Any]:
    """Run the pilots on one compiled model, whose real rows are exchanged."""
    study = fp.datasets.load("anes96")
    standardise, first = standardiser(study.real), None
    permuted, said, warned, flagged = [], [], [], 0
    for seed, pilot in enumerate(_pilots(count)):
        x, vote = standardise(pilot), pilot["vote"].values
        if first is None:
            first = fp.trust_path(
                _model(x, vote, sd),
                study.synthetic,
                columns={"x": standardise},
                random_seed=seed,
                progressbar=False,
            )
            path = first
        else:
            path = _with_pilot(first, x, vote, seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", fp.PlaceboWarning)
            found = fp.trust.placebo(path, progressbar=False)
        warned.append(any(issubclass(w.category, fp.PlaceboWarning) for w in caught))
        permuted.append([float(f"{v:.3g}") for v in found.log_evidence])
        said.append(float(f"{found.real.log_marginal_evidence:.3g}"))
        flagged += any(bool(p.checked[1].any()) for p in (found.real, *found.posteriors))
        print(f"  sd {sd:g}, pilot {seed}: {permuted[-1]}, as they are {said[-1]}", flush=True)
    return {
        "title": f"Normal(0, {sd:g})",
        "pilots": count,
        "gained": int((np.mean(permuted, axis=1) > 0).sum()),
        "warned": sum(warned),
        "flagged": flagged,
        "permuted": permuted,
        "as_they_are": said,
    }


def _with_pilot(first: fp.TrustPath, x: Array, vote: Array, seed: int) -> fp.TrustPath:
    """Return the path of another pilot, from the model and the compiled engine of the first."""
    assert first.recipe is not None and first.engine is not None
    engine = first.engine
    for model in (first.recipe.model, engine.tilted.model, engine.model):
        with model:
            pm.set_data({"x": x, "real": vote})
    engine.__dict__["compiled"] = engine.compiled.with_data(x=x, real=vote)
    return climb(first.recipe, engine, first.synthetic, seed, False)
