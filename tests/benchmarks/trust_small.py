"""A logistic regression of two parameters, small enough for sums over a grid of both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pymc as pm
from scipy.special import logsumexp

import foundation_priors as fp
from tests.benchmarks.cases import anes

__all__ = ["Small", "recorded"]

type Array = np.ndarray

PRIOR_SD = 10.0
WIDEST = 4.5
"""Half the width of the grid, in prior sds."""


@dataclass(frozen=True)
class Small:
    """Logit of the vote ``a + b x``, both Normal(0, 10), with answers of weight 1.

    ``real`` and ``said`` are 0 or 1 at the covariates ``x`` and ``said_x``; ``step`` is that of the
    grid.
    """

    x: Array
    real: Array
    said_x: Array
    said: Array
    step: float = 0.1

    def model(self) -> pm.Model:
        """Return the model, the real votes as data that can be exchanged."""
        with pm.Model() as model:
            x = pm.Data("x", self.x, dims="row")
            real = pm.Data("real", self.real, dims="row")
            a, b = pm.Normal("a", 0, PRIOR_SD), pm.Normal("b", 0, PRIOR_SD)
            pm.Bernoulli("vote", logit_p=a + b * x, observed=real, dims="row")
        return model

    def answers(self) -> fp.SyntheticData:
        """Return the answers."""
        frame = pd.DataFrame({"x": self.said_x, "vote": self.said})
        return fp.SyntheticData.from_dataframe(frame, outcome="vote", weight=1)

    @cached_property
    def axis(self) -> Array:
        """The values of either parameter on the grid."""
        size = round(2 * WIDEST * PRIOR_SD / self.step)
        return (np.arange(size) + 0.5 - size / 2) * self.step

    @cached_property
    def prior(self) -> Array:
        """Log prior mass of each cell."""
        line = -(self.axis**2) / (2 * PRIOR_SD**2)
        line -= logsumexp(line)
        return line[:, None] + line

    @cached_property
    def ell(self) -> Array:
        """Log-likelihood of the answers in each cell."""
        return self.log_likelihood(self.said_x, self.said)

    def log_likelihood(self, x: Array, y: Array) -> Array:
        """Return that of any rows, (intercept, slope), by groups of equal covariates."""
        out = np.zeros((len(self.axis),) * 2)
        for value in np.unique(x):
            yes, rows = y[x == value].sum(), (x == value).sum()
            eta = self.axis[:, None] + self.axis * value
            out += yes * eta - rows * np.logaddexp(0, eta)
        return out

    def log_z(self, weights: Array, real: bool) -> Array:
        """Return the log normaliser with the real rows or without, less that at weight 0."""
        base = self.prior + (self.log_likelihood(self.x, self.real) if real else 0.0)
        every = [logsumexp(base + w * self.ell) for w in (0.0, *weights)]
        return np.array(every[1:]) - every[0]


def recorded(rows: int, answers: int | None, *, step: float = 0.1, seed: int = 1) -> Small:
    """Return respondents in no prompt, and some of the recorded answers or all, by party.

    Party identification is as recorded, from 0 to 6.
    """
    frame, said = anes(rows, seed), fp.datasets.load("anes96").synthetic.dataset
    pick = np.arange(said.sizes["answer"])
    if answers is not None:
        pick = np.sort(np.random.default_rng(seed).choice(pick, answers, replace=False))
    return Small(
        frame.PID.to_numpy(float),
        frame.vote.to_numpy(int),
        said.PID.values[pick].astype(float),
        (said.vote.values[pick] == "Dole").astype(int),
        step,
    )
