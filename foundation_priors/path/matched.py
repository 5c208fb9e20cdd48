"""A ladder in many dimensions: references matched by gradients, and anchors where none fits.

References are fitted to gradients at draws of their own, not to the sampler's draws, of which many
dimensions would need too many. So the sampler's draws count as anchors here, beside references of
known normaliser; where a reference alone will not do it joins an anchor at the same weight to them.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.bridge import EFFICIENT, MOST, SOUND, WORTHWHILE, Referenced
from foundation_priors.path.engine import Engine
from foundation_priors.path.fits import R_HAT, Fit, charge
from foundation_priors.path.ledger import THROWN_AWAY
from foundation_priors.path.reference import Reference

__all__ = ["MANY", "MatchedBridge"]

type Floats = NDArray[np.float64]

MANY = 40
"""From so many coordinates on, references are matched by gradients. Fitted to 8 effective draws a
coordinate, as they are in fewer, a Gaussian is d / 32 nats from the right one."""
ROUNDS, PER_COORDINATE = 3, 4
"""How often a reference is matched anew, each time with so many gradients a coordinate: once less
where it begins with the reference of a neighbouring weight."""
ENOUGH = 0.85
"""Effective share of anchors' draws that neighbours 2 apart need for the weights between."""
LONGER = 4.0
"""The most draws of an anchor between, times the usual."""
TRIED = 500
"""Draws that tell how large a share of a reference's draws is effective."""


class MatchedBridge(Referenced):
    """References matched by gradients, and which weights they leave to the sampler."""

    @staticmethod
    def serves(engine: Engine, ends: list[Fit]) -> bool:
        """Say whether there are many coordinates and, as far as is known, one mode."""
        return engine.dim >= MANY and all(fit.r_hat <= R_HAT for fit in ends)

    def span(self, points: list[Floats]) -> None:
        """Add references at all weights while there is room, each from the one before."""
        for point in points:
            if len(self.fits) >= self.most:
                return
            far = [float(np.abs(fit.trust - point).sum()) for fit in self.fits]
            sampled = [fit for fit in self.fits if not fit.known]
            served = self._add(point, self.fits[int(np.argmin(far))])
            if not served and not any((fit.trust == point).all() for fit in sampled):
                self.wanting.append((point, self._effort(sampled)))

    def add(self, point: Floats) -> bool:
        """Add a reference at a weight; False when there is no room, or when it has few draws."""
        return len(self.fits) < self.most and self._add(point, self.ladder.near(point))

    def _add(self, point: Floats, near: Fit) -> bool:
        reference, share, cost = self._match(point, near)
        if reference is not None:
            size = np.clip(EFFICIENT / share, 1, MOST) if share >= WORTHWHILE else 1
            fit = self._draw(reference, point, int(self.draws * size))
            self._keep(charge(fit, *cost))
        else:
            self.ledger.count(THROWN_AWAY, *cost)
        return share >= (SOUND if self.real else WORTHWHILE)

    @staticmethod
    def _effort(sampled: list[Fit]) -> float:
        """Return how many times the usual draws an anchor needs to be worth independent ones."""
        share = min(fit.ess_min / fit.draws for fit in sampled)
        return float(np.clip(ENOUGH / share, 1, LONGER))

    def _match(self, point: Floats, near: Fit) -> tuple[Reference | None, float, tuple[int, float]]:
        """Return a reference, the effective share of its draws, and gradients and seconds spent."""
        began, spent, share = time.perf_counter(), 0, 0.0
        reference = near.reference
        if reference is None:
            u = near.run.u.reshape(near.draws, -1)
            reference = Reference.fit(u, np.full(near.draws, 1 / near.draws))
        rng = np.random.default_rng(next(self.seeds))
        for left in reversed(range(ROUNDS + (near.reference is None))):
            if reference is None:
                break
            u = reference.draw(PER_COORDINATE * self.engine.dim if left else TRIED, rng)
            log, scores = self.engine.value_grad(u, point, self.real)
            spent += len(u)
            if left:
                reference = reference.matched(u, scores)
            else:
                share = _share(log - reference.log_density(u))
        return reference, share, (spent, time.perf_counter() - began)


def _share(log_weights: Floats) -> float:
    """Return the effective share of weighted draws, of which those not defined weigh nothing."""
    log = np.where(np.isfinite(log_weights), log_weights, -np.inf)
    if not np.isfinite(log).any():
        return 0.0
    w = np.exp(log - log.max())
    return float(w.sum() ** 2 / (w**2).sum() / len(w))
