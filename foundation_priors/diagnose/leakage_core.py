"""Do answers know outcomes beyond a model? The test in NumPy, for levels and for Normal outcomes.

All of it works on posterior draws of what the model says of the paired units. The statistic is
the score of a bonus for what was said, with its dependence on the parameters taken out; its
reference are outcomes drawn afresh at posterior draws of the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Judgement", "Levels", "Normal", "judge"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int_]

FLOOR = -12.0
"""Log probabilities are cut off here where covariances are taken of them."""
SMALL, LEAST = 1e-12, 0.5
"""Least scale, and least share of the variance of z that is the data's."""
FEW = 0.5
"""Outcomes that the model leaves open, in units, below which no share is estimated."""


@dataclass(frozen=True)
class Judgement:
    """What the test finds for each group of answers; arrays of shape (group,).

    Attributes
    ----------
    excess : array
        The statistic: agreements (or, for Normal outcomes, products of residuals in sds) beyond
        what the model expects.
    share, se : arrays
        The excess over what it would be if every answer copied the outcome, and its standard error.
    z : array
        The excess over its standard deviation without leakage.
    p, single, adjusted : arrays
        Chance of as large an excess without leakage: averaged over the parameters; at a single
        draw of them, ties broken at random, uniform for few units too; and that the largest of all
        groups is as large.
    left : array
        The share of the statistic's variance that the parameters leave.
    """

    excess: Floats
    share: Floats
    se: Floats
    z: Floats
    p: Floats
    single: Floats
    adjusted: Floats
    left: Floats


class Levels:
    """Outcomes in levels.

    Parameters
    ----------
    logp : array, shape (draw, level, unit)
        Log probabilities at posterior draws given all real rows, the pairs among them.
    outcome : array of int, shape (unit,)
    said : array, shape (group, unit, level)
        The share of a unit's answers in a group that name the level; zeros without an answer.
    """

    def __init__(self, logp: Floats, outcome: Ints, said: Floats) -> None:
        self.outcome, self.said, self.draws = outcome, said, len(logp)
        self.there = said.sum(axis=2) > 0
        self.probability = np.exp(logp)
        cut = np.maximum(logp, FLOOR)
        cut = cut - cut.mean(axis=0)
        flat = self.probability.reshape(len(logp), -1)
        expected = flat @ said.swapaxes(1, 2).reshape(len(said), -1).T
        away = expected - expected.mean(axis=0)
        cov = (away.T @ cut.reshape(len(logp), -1)) / len(logp)
        self.weight = said - cov.reshape(len(said), *logp.shape[1:]).swapaxes(1, 2)
        self.own = (self.probability * cut).mean(axis=0).T
        self.units = np.arange(logp.shape[2])

    def _centred(self, weight: Floats, hub: int) -> tuple[Floats, Floats]:
        """Return weights without their mean at a draw, and the sd of the statistic, (group,)."""
        p = self.probability[hub].T
        centred = weight - (weight * p).sum(axis=2, keepdims=True)
        return centred, np.sqrt((centred**2 * p).sum(axis=(1, 2)))

    def observed(self, hub: int) -> tuple[Floats, Floats]:
        """Return each unit's part of the statistic, shape (group, unit), and its sd (group,)."""
        centred, sd = self._centred(self.weight, hub)
        return centred[:, self.units, self.outcome], sd

    def drawn(self, hub: int, size: int, rng: np.random.Generator) -> Floats:
        """Return the statistic of outcomes drawn afresh, shape (group, size)."""
        centred, _ = self._centred(self.weight, hub)
        below = self.probability[hub].cumsum(axis=0)[:-1]
        u = rng.random((size, 1, len(self.units)))
        outcome = (u > below).sum(axis=1)
        return np.stack([w[self.units, outcome].sum(axis=1) for w in centred])

    def copied(self, hub: int) -> Floats:
        """Return what a unit whose answers copy the outcome adds on average, (group, unit)."""
        p = self.probability[hub].T
        return np.where(self.there, (p * (1 - p - self.own)).sum(axis=1), 0.0)

    def left(self, hub: int) -> Floats:
        """Return the share of the variance that the parameters leave, shape (group,)."""
        whole = self._centred(self.said, hub)[1]
        return (self._centred(self.weight, hub)[1] / np.maximum(whole, SMALL)) ** 2


class Normal:
    """Normal outcomes.

    Parameters
    ----------
    mean, sd : arrays, shape (draw, unit)
        At posterior draws given all real rows, the pairs among them.
    outcome : array, shape (unit,)
    said : array, shape (group, unit)
        The mean of a unit's answers in a group, nan without an answer.
    """

    def __init__(self, mean: Floats, sd: Floats, outcome: Floats, said: Floats) -> None:
        self.mean, self.sd, self.outcome, self.draws = mean, sd, outcome, len(mean)
        self.there = np.isfinite(said)
        centre = np.nanmean(said, axis=1, keepdims=True)
        self.said = np.where(self.there, said - centre, 0.0)
        away = mean - mean.mean(axis=0)
        precision = (1 / sd**2).mean(axis=0)
        cov = ((away @ (self.said * precision).T).T @ away) / len(mean)
        self.weight = self.said - cov
        self.own = (away**2).mean(axis=0) * precision

    def observed(self, hub: int) -> tuple[Floats, Floats]:
        """Return each unit's part of the statistic, shape (group, unit), and its sd (group,)."""
        sd = self.sd[hub]
        residual = (self.outcome - self.mean[hub]) / sd
        return self.weight / sd * residual, np.sqrt(((self.weight / sd) ** 2).sum(axis=1))

    def drawn(self, hub: int, size: int, rng: np.random.Generator) -> Floats:
        """Return the statistic of outcomes drawn afresh, shape (group, size)."""
        noise = rng.normal(size=(len(self.outcome), size))
        return (self.weight / self.sd[hub]) @ noise

    def copied(self, hub: int) -> Floats:
        """Return what a unit whose answers copy the outcome adds on average, (group, unit)."""
        return np.where(self.there, np.maximum(1 - self.own, 0.0), 0.0)

    def left(self, hub: int) -> Floats:
        """Return the share of the variance that the parameters leave, shape (group,)."""
        whole = ((self.said / self.sd[hub]) ** 2).sum(axis=1)
        return ((self.weight / self.sd[hub]) ** 2).sum(axis=1) / np.maximum(whole, SMALL)


def judge(
    model: Levels | Normal, rng: np.random.Generator, hubs: int = 100, replicates: int = 200
) -> Judgement:
    r"""Test every group of answers, and all of them at once.

    Parameters
    ----------
    model : Levels or Normal
    rng : numpy.random.Generator
    hubs, replicates : int
        Posterior draws at which outcomes are drawn afresh, and how often at each.

    Returns
    -------
    Judgement
    """
    chosen = rng.choice(model.draws, min(hubs, model.draws), replace=False)
    seen = [model.observed(hub) for hub in chosen]
    parts = np.array([part for part, _ in seen])
    sds = np.maximum([sd for _, sd in seen], SMALL)
    each = parts.sum(axis=2) / sds
    z = each.mean(axis=0) / np.sqrt(np.maximum(1 - each.var(axis=0), LEAST))
    slack = 1e-9 * (1 + np.abs(z))[:, None]
    above, largest, single = np.zeros(len(z)), np.zeros(len(z)), np.zeros(len(z))
    for hub, sd, mine in zip(chosen, sds, each, strict=True):
        fresh = model.drawn(hub, replicates, rng) / sd[:, None]
        if hub == chosen[0]:
            single = _rank(fresh, mine, rng)
        above += (fresh >= z[:, None] - slack).mean(axis=1)
        largest += (fresh.max(axis=0) >= z[:, None] - slack).mean(axis=1)
    share, se = _share(parts, np.array([model.copied(hub) for hub in chosen]))
    floor = 1 / (len(chosen) * replicates + 1)
    return Judgement(
        excess=parts.mean(axis=0).sum(axis=1),
        share=share,
        se=se,
        z=z,
        p=np.maximum(above / len(chosen), floor),
        single=single,
        adjusted=np.maximum(largest / len(chosen), floor),
        left=np.mean([model.left(hub) for hub in chosen], axis=0),
    )


def _rank(fresh: Floats, mine: Floats, rng: np.random.Generator) -> Floats:
    """Return the randomised p-value of a statistic among those drawn afresh, shape (group,)."""
    slack = 1e-9 * (1 + np.abs(mine))[:, None]
    more = (fresh > mine[:, None] + slack).sum(axis=1)
    tied = (np.abs(fresh - mine[:, None]) <= slack).sum(axis=1)
    return (more + rng.random(len(mine)) * (tied + 1)) / (fresh.shape[1] + 1)


def _share(parts: Floats, copies: Floats) -> tuple[Floats, Floats]:
    """Return the share copied and its standard error: over units, and over the parameters."""
    whole = copies.sum(axis=2)
    whole = np.where(whole > FEW, whole, np.nan)
    each = parts.sum(axis=2) / whole
    share = each.mean(axis=0)
    unit, copy = parts.mean(axis=0), copies.mean(axis=0)
    rest = unit - share[:, None] * copy
    within = (rest**2).sum(axis=1) / copy.sum(axis=1) ** 2
    return share, np.sqrt(within + each.var(axis=0))
