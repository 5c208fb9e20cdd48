"""The demonstration's data and model: a pilot of 40 voters and what a language model said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.synthetic import SyntheticData

__all__ = ["COVARIATES", "PRIOR_SD", "Pilot", "prepare"]

type Floats = NDArray[np.float64]

COVARIATES = {"party": "PID", "age": "age", "education": "educ", "income": "income"}
"""The model's names of the covariates, and the columns that hold them."""

RESPONDENTS = 40
PRIOR_SD = 2.5


@dataclass(frozen=True)
class Pilot:
    """Everything that the analysis starts from.

    Attributes
    ----------
    real, held_out : xarray.Dataset
        The pilot's respondents, and all others who are in no prompt.
    answers : SyntheticData
        With weight 1, so that trust 1 takes every answer for data.
    design_weight : float
        The trust at which the answers weigh as many rows as their design effect leaves.
    model : pymc.Model
        Conditioned on the pilot alone.
    standardise : callable
        From rows to the design matrix, shape (row, covariate).
    """

    real: xr.Dataset
    held_out: xr.Dataset
    answers: SyntheticData
    design_weight: float
    model: pm.Model
    standardise: Callable[[xr.Dataset], Floats]

    @property
    def everybody(self) -> int:
        """How many real respondents are in no prompt."""
        return self.real.sizes["respondent"] + self.held_out.sizes["respondent"]


def prepare(seed: int) -> Pilot:
    """Draw the pilot and build the model.

    Parameters
    ----------
    seed : int
        Which respondents are in the pilot.

    Returns
    -------
    Pilot

    Examples
    --------
    >>> from foundation_priors.cli.pilot import prepare
    >>> pilot = prepare(seed=1)
    >>> pilot.real.sizes["respondent"], pilot.held_out.sizes["respondent"], len(pilot.answers)
    (40, 844, 540)
    """
    from foundation_priors import datasets

    study = datasets.load("anes96")
    unasked = np.flatnonzero(~study.real["in_prompt"].values)
    chosen = np.random.default_rng(seed).choice(unasked, RESPONDENTS, replace=False)
    real = study.real.isel(respondent=np.sort(chosen))
    standardise = standardiser(study.real)
    return Pilot(
        real=real,
        held_out=study.real.isel(respondent=np.setdiff1d(unasked, chosen)),
        answers=study.synthetic.with_weight(1),
        design_weight=float(study.synthetic.weights("vote").mean()),
        model=build_model(standardise(real), real["vote"].values),
        standardise=standardise,
    )


def standardiser(population: xr.Dataset) -> Callable[[xr.Dataset], Floats]:
    """Return a function that standardises covariates by a population's mean and sd.

    Parameters
    ----------
    population : xarray.Dataset
        Its columns give the means and standard deviations.

    Returns
    -------
    callable
        From a Dataset with the same columns to an array, shape (row, covariate).
    """
    columns = [population[column].values for column in COVARIATES.values()]
    means, sds = [float(c.mean()) for c in columns], [float(c.std(ddof=1)) for c in columns]

    def standardise(rows: xr.Dataset) -> Floats:
        values = np.column_stack([rows[column].values for column in COVARIATES.values()])
        return (values - means) / sds

    return standardise


def build_model(x: Floats, vote: NDArray[np.int_]) -> pm.Model:
    """Return the logistic regression of the vote.

    Parameters
    ----------
    x : numpy.ndarray, shape (respondent, covariate)
        Standardised.
    vote : numpy.ndarray, shape (respondent,)
        0 for Clinton, 1 for Dole.

    Returns
    -------
    pymc.Model
        Free variables: ``intercept`` and ``beta``, over ``covariate``.
    """
    import pymc as pm

    with pm.Model(coords={"covariate": list(COVARIATES)}) as model:
        data = pm.Data("x", x, dims=("respondent", "covariate"))
        intercept = pm.Normal("intercept", 0, PRIOR_SD)
        beta = pm.Normal("beta", 0, PRIOR_SD, dims="covariate")
        logit = intercept + data @ beta
        pm.Bernoulli("vote", logit_p=logit, observed=vote, dims="respondent")
    return model
