"""A ladder of references: independent draws from fitted distributions of known normaliser.

Draws that a reference was fitted to look too likely under it, and counting them would bias every
normaliser. So each reference is drawn from twice: one batch trains the next references, together
with the sampler's pilots, and the other, which nothing was fitted to, makes the ladder.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.engine import Engine
from foundation_priors.path.fits import R_HAT, Fit, charge, reference_fit
from foundation_priors.path.ladder import ESS_FLOOR, Densities, Ladder
from foundation_priors.path.ledger import THROWN_AWAY, Ledger
from foundation_priors.path.mixture import pareto_k_limit
from foundation_priors.path.reference import Reference

__all__ = ["EFFICIENT", "MOST", "SOUND", "WORTHWHILE", "Anchored", "Bridge", "Referenced"]

type Floats = NDArray[np.float64]

WORTHWHILE, EFFICIENT, MOST = 0.01, 0.3, 3.0
"""A reference is used when at least so large a share of its draws is effective; where the share
is below the second number there are more draws, up to so many times."""
SOUND = 0.05
"""Where a smaller share of a reference's draws is effective, means and sds need anchors too."""
HALVINGS = 3
"""How often a step between weights may be halved."""
PER_COORDINATE = 8
"""Effective draws for each coordinate that a reference is fitted to."""


class Anchored:
    """A ladder of anchors alone, where no references fit.

    Attributes
    ----------
    fits : list of Fit
        What makes the ladder.
    wanting : list of (array, float)
        Weights at which anchors are to join, and how many times the usual draws they need.
    """

    def __init__(self, ends: list[Fit], points: list[Floats]) -> None:
        self.fits, self.wanting = list(ends), [(point, 1.0) for point in points]

    @property
    def ladder(self) -> Ladder:
        """The ladder of all that joined."""
        return Ladder(self.fits)

    def join(self, anchors: list[Fit]) -> None:
        """Take anchors into the ladder."""
        self.fits.extend(anchors)


class Referenced(Anchored, ABC):
    """A ladder with references.

    Parameters
    ----------
    engine : Engine
    ends : list of Fit
        The fits at the ends: the sampler's, and the forward draws of the primitive prior if there
        are any.
    draws : int
        Draws of each reference.
    most : int
        The most fits of the ladder.
    seeds : iterator of SeedSequence
    ledger : Ledger, optional
        Where it is written what references cost.

    Attributes
    ----------
    share : float
        The effective share of the draws of the last reference that was tried, where it is known.
    """

    def __init__(
        self,
        engine: Engine,
        ends: list[Fit],
        draws: int,
        most: int,
        seeds: Iterator[np.random.SeedSequence],
        ledger: Ledger | None = None,
    ) -> None:
        super().__init__(ends, [])
        self.ledger = ledger or Ledger()
        self.engine, self.draws, self.most, self.seeds = engine, draws, most, seeds
        self.real = ends[0].real
        self.pilots: list[Fit] = []
        self.densities: Densities = {}
        self._ladder: Ladder | None = None
        self.share = 1.0

    @property
    def ladder(self) -> Ladder:
        """The ladder of all that joined."""
        if self._ladder is None or self._ladder.fits != tuple(self.fits):
            self._ladder = Ladder(self.fits, self.pilots, self.densities, self._ladder)
        return self._ladder

    @abstractmethod
    def add(self, point: Floats) -> bool:
        """Add a reference at a weight; False when there is no room, or when it serves little."""

    def _keep(self, fit: Fit) -> None:
        """Let a reference's draws make the ladder."""
        self.ledger.add("references", fit.run)
        self.fits.append(fit)

    def _draw(self, reference: Reference, trust: Floats, draws: int) -> Fit:
        return reference_fit(self.engine, reference, trust, self.real, draws, next(self.seeds))


class Bridge(Referenced):
    """References that are added one by one, each fitted to what is known so far.

    The sampler's fits at the ends are pilots, to which references are fitted, and not in the
    ladder. As many draws of each reference as make the ladder train the next ones.
    """

    def __init__(self, engine: Engine, ends: list[Fit], *rest: Any) -> None:
        super().__init__(engine, ends, *rest)
        self.pilots = [fit for fit in ends if not fit.known]
        self.fits = [fit for fit in ends if fit.known]
        self.train = Ladder([*ends, *self._modes()])

    def _modes(self) -> list[Fit]:
        """Keep a reference for each chain of the pilots whose chains disagree.

        Chains that stay in modes of their own say nothing of the modes' masses; references, whose
        normalisers are known, do.
        """
        found = []
        for fit in (f for f in self.pilots if f.r_hat > R_HAT):
            for u in fit.run.u:
                reference = Reference.fit(u, np.full(len(u), 1 / len(u)))
                if reference is not None:
                    self._keep(self._draw(reference, fit.trust, self.draws))
                    found.append(self._draw(reference, fit.trust, self.draws // 2))
        return found

    def add(self, point: Floats) -> bool:
        """Add a reference near a weight; False when there is no room, or none that fits."""
        if len(self.fits) >= self.most:
            return False
        weights = self.train.mixture.weights(point[None])[0]
        if 1 / (weights**2).sum() < PER_COORDINATE * self.engine.dim:
            return False
        live = weights > 1e-12 / len(weights)
        reference = Reference.fit(self.train.u[live], weights[live] / weights[live].sum())
        if reference is None:
            return False
        batches = [self._draw(reference, point, self.draws)]
        share = self.share = self._efficiency(batches[0], point)
        if share < WORTHWHILE:
            self.ledger.add(THROWN_AWAY, batches[0].run)
            return False
        draws = int(self.draws * np.clip(EFFICIENT / share, 1, MOST))
        if draws > self.draws:
            batches.append(self._draw(reference, point, draws - self.draws))
        spent = [batch.run for batch in batches]
        cost = sum(run.gradients for run in spent), sum(run.seconds for run in spent)
        self._keep(charge(self._draw(reference, point, draws), *cost))
        self.train = Ladder([*self.train.fits, *batches], densities=self.densities, like=self.train)
        return True

    def _efficiency(self, batch: Fit, point: Floats) -> float:
        """Return the effective share of a reference's draws beside those that are kept."""
        like = self.ladder if self.fits else None
        beside = Ladder([*self.fits, batch], densities=self.densities, like=like)
        own = beside.mixture.weights(point[None])[0][-batch.draws :]
        return float(own.sum() ** 2 / (own**2).sum() / batch.draws) if own.any() else 0.0

    def span(self, points: list[Floats]) -> bool:
        """Add references from one weight to the next, down to 0; say whether all are served.

        Where no more can be fitted, the rest is reached from 0 up: where the density changes from
        one phase to another, each side is reached from its own end. A bridge with room for some
        modes only would leave out the others' mass, so it serves none.
        """
        if len(self.fits) > self.most:
            return False
        left = self._walk(points[0], points)
        return not left or not self._walk(self.train.zero, left[::-1])

    def _walk(self, last: Floats, points: list[Floats]) -> list[Floats]:
        """Add references at one weight after the other; return those not reached."""
        for number, point in enumerate(points):
            if not self._reach(last, point, HALVINGS):
                return points[number:]
            last = point
        return []

    def _reach(self, last: Floats, point: Floats, halvings: int) -> bool:
        """Add a reference at a weight, with others on the way where the step is too large."""
        if self.add(point):
            return True
        if not halvings or (last == point).all() or len(self.fits) >= self.most:
            return self.serves(point)
        middle = self.train.between(last, point, 3)[1]
        way = self._reach(last, middle, halvings - 1)
        return way and self._reach(middle, point, halvings - 1)

    def serves(self, point: Floats) -> bool:
        """Say whether a weight is served although no single reference fits it, between modes."""
        if not self.fits:
            return False
        ladder = self.ladder
        found = ladder.mixture.survey(point[None], ladder.zero)
        limit = pareto_k_limit(ladder.mixture.effective.sum())
        return bool(found.ess[0] >= ESS_FLOOR / 4 and found.pareto_k[0] <= limit)
