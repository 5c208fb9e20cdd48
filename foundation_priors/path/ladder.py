"""A ladder: the fits at several weights, with the real data or without, as one sample."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.arc import even_grid, power_law
from foundation_priors.path.fits import APART, R_HAT, Fit
from foundation_priors.path.mixture import Mixture, pareto_k_limit
from foundation_priors.path.reference import Reference

__all__ = ["ESS_FLOOR", "LOG_Z_LIMIT", "Checks", "Ladder"]

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]
type Densities = MutableMapping[tuple[Reference, Fit], Floats]

ESS_FLOOR = 1000.0
LOG_Z_LIMIT = 0.1
MEAN_LIMIT, SD_LIMIT = 0.033, 0.038
"""Largest Monte Carlo errors of coordinates' means and sds, in posterior sds. With the error of
those sds themselves they keep the promised .035 and 4%."""
OVERLAP = 0.03
"""Least overlap of linked anchors (Klimovich, Shirts and Mobley 2015,
doi 10.1007/s10822-015-9840-9)."""
COVERED = 0.3
"""Share of an anchor's mass in common with linked ones that links it, however few its draws."""
FOREIGN = 0.002
"""Largest weight that draws of doubtful anchors may have where nothing is compared."""
ALIKE = 3.0
"""How many of its errors a ladder may lie from one that has doubtful anchors besides."""
REMEMBERED = 4
"""How many sets of weights a ladder remembers the checks of, since every result asks for them."""
EXTREME = -1e100
SURPRISE = 5.0
"""Largest disagreement in standard errors: of an anchor's normaliser with that which the others
give it, and of a pilot's mean of ell with the ladder's."""


@dataclass(frozen=True)
class Checks:
    """The log normaliser and the checks at some weights, each of shape (point,).

    When they are first asked for, ``precision`` measures the largest Monte Carlo errors of means
    and of sds among the unconstrained coordinates, in units of their sds, and ``reliance`` tells
    where means and where normalisers rest on no doubtful anchor.
    """

    log_z: Floats
    ess: Floats
    pareto_k: Floats
    pareto_k_limit: float
    mcse_log_z: Floats
    precision: Callable[[], tuple[Floats, Floats]]
    reliance: Callable[[], tuple[Bools, Bools]]

    @cached_property
    def errors(self) -> tuple[Floats, Floats]:
        """Largest Monte Carlo errors of a coordinate's mean and of its sd."""
        return self.precision()

    @cached_property
    def relied(self) -> tuple[Bools, Bools]:
        """Where means, and where normalisers, rest on no doubtful anchor."""
        return self.reliance()

    @property
    def imprecise(self) -> Floats:
        """Largest Monte Carlo error of a coordinate's mean or sd, over its limit."""
        return np.maximum(self.errors[0] / MEAN_LIMIT, self.errors[1] / SD_LIMIT)

    @property
    def weights_fail(self) -> Bools:
        """Where means and quantiles cannot be relied on."""
        bad = (self.ess < ESS_FLOOR) | (self.pareto_k > self.pareto_k_limit)
        return bad | ~(self.imprecise <= 1) | ~self.relied[0]

    @property
    def log_z_fails(self) -> Bools:
        """Where the log normaliser cannot be relied on."""
        bad = (self.pareto_k > self.pareto_k_limit) | ~self.relied[1]
        return bad | ~(self.mcse_log_z <= LOG_Z_LIMIT)


class Ladder:
    """Fits at several weights, all with the real data (``real=1``) or all without.

    Parameters
    ----------
    fits : sequence of Fit
        They make the sample.
    pilots : sequence of Fit
        They do not, since references were fitted to them; they are held against it.
    densities : dict, optional
        Log densities of references at fits' draws that are known already; those computed are added.
    like : Ladder, optional
        A ladder of nearly the same fits: its normalisers are where the solver starts.
    """

    def __init__(
        self,
        fits: Sequence[Fit],
        pilots: Sequence[Fit] = (),
        densities: Densities | None = None,
        like: Ladder | None = None,
    ) -> None:
        self.fits, self.pilots = tuple(fits), tuple(pilots)
        self._checked: dict[tuple[bytes, bool], Checks] = {}
        self.u = np.concatenate([f.run.u.reshape(f.draws, -1) for f in fits])
        ratios = _ratios(self.fits, {} if densities is None else densities)
        known = {} if like is None else like.normalisers
        guess = {k: known[fit] for k, fit in enumerate(self.fits) if fit in known}
        self.mixture = Mixture([fit.anchor() for fit in fits], ratios, guess)

    @property
    def normalisers(self) -> dict[Fit, float]:
        """Each fit's f, up to one constant."""
        return dict(zip(self.fits, self.mixture.f.tolist(), strict=True))

    @property
    def zero(self) -> Floats:
        """The weight at which every ladder begins."""
        return np.zeros(self.mixture.points.shape[1])

    def joined(self, fits: Sequence[Fit]) -> Ladder:
        """Return the ladder with more fits, or itself where there are none."""
        if not fits:
            return self
        return Ladder([*self.fits, *fits], self.pilots, self.densities, self)

    @property
    def densities(self) -> Densities:
        """Log densities of the references over the base density, for another ladder to use."""
        edges = np.cumsum([0, *(fit.draws for fit in self.fits)])
        rows = [slice(a, b) for a, b in pairwise(edges)]
        return {
            (reference, fit): ratio[cut]
            for k, ratio in self.mixture.ratios.items()
            if (reference := self.fits[k].reference) is not None
            for fit, cut in zip(self.fits, rows, strict=True)
        }

    @cached_property
    def torn(self) -> Bools:
        """Which anchors stand where chains are in modes of their own.

        Where those of some anchors are, an anchor among them whose chains agree may have found one
        mode of several. Independent draws from a known density never are.
        """
        apart = np.array([fit.r_hat > APART for fit in self.fits])
        if not apart.any():
            return apart
        points = self.mixture.points
        among = (points >= points[apart].min(axis=0)).all(axis=1)
        among &= (points <= points[apart].max(axis=0)).all(axis=1)
        return among & ~self.mixture.known

    @cached_property
    def overlap(self) -> Floats:
        """Share of each anchor's mass that it has in common with each other, (anchor, anchor)."""
        m = self.mixture
        shared = (m.share[:, None] * m.membership).T @ m.membership
        return shared / m.effective[:, None]

    @cached_property
    def linked(self) -> Bools:
        """Which anchors are joined to that at 0 by a chain of overlapping ones."""
        return self._linked(np.zeros(len(self.fits), bool))

    def _linked(self, lost: Bools) -> Bools:
        """Say which anchors are joined to that at 0 by a chain of overlapping ones not lost."""
        near = np.sqrt(self.overlap * self.overlap.T) >= OVERLAP
        near |= (self.mixture.points[:, None] == self.mixture.points[None]).all(axis=-1)
        m = self.mixture
        reached = (m.points == 0).all(axis=1) & ~lost
        reached = reached | (m.known & (reached & m.known).any())
        for _ in self.fits:
            more = near[:, reached].any(axis=1)
            more |= self.overlap[:, reached].sum(axis=1) >= COVERED
            reached = reached | (more & ~lost)
        return reached

    def log_z(self, points: Floats) -> Floats:
        """Return the log normaliser less that at 0, shape (point,)."""
        return self.mixture.log_z(points) - self.mixture.log_z(self.zero[None])

    def check(self, points: Floats, *, leave_out: bool = True) -> Checks:
        """Check the mixture at some weights; with ``leave_out``, each anchor by the others too."""
        key = points.tobytes(), leave_out
        if key not in self._checked:
            if len(self._checked) >= REMEMBERED:
                self._checked.pop(next(iter(self._checked)))
            self._checked[key] = self._check(points, leave_out)
        return self._checked[key]

    def _check(self, points: Floats, leave_out: bool) -> Checks:
        m = self.mixture
        found = m.survey(points, self.zero)
        return Checks(
            found.log_z,
            found.ess,
            found.pareto_k,
            pareto_k_limit(m.effective.sum()),
            found.mcse_log_z,
            partial(self.precision, points),
            partial(self.reliance, points, leave_out),
        )

    def reliance(self, points: Floats, leave_out: bool = True) -> tuple[Bools, Bools]:
        """Say at which points means, and where normalisers, rest on no doubtful anchor.

        Nothing can be weighed where chains are in modes of their own, where an anchor's normaliser
        is not what the others make it and, for normalisers, beyond a gap. An anchor that is only
        slow, or often diverges, does no harm where it has hardly any weight, or where the ladder
        without it serves as well and gives the same.
        """
        rest, slow = self.steady, ~np.array([fit.agrees for fit in self.fits])
        lost = self.torn.copy()
        if leave_out and rest:
            lost[~slow] |= rest.leave_one_out > SURPRISE
        means = self._light(points, lost) & ~self._by(points, self.torn)
        means &= ~(self.surprise > SURPRISE).any()
        log_z = means & self._light(points, ~self._linked(lost) & ~slow)
        doubtful = ~self._light(points, slow)
        for found, same in ((means, self._same_moments), (log_z, self._same_log_z)):
            ask = found & doubtful
            if ask.any():
                found[ask] = rest is not None and same(rest, points[ask])
        return means, log_z

    @cached_property
    def steady(self) -> Ladder | None:
        """The ladder without anchors that are slow or often diverge, if any is left."""
        kept = [fit for fit in self.fits if fit.agrees]
        if len(kept) == len(self.fits):
            return self
        return Ladder(kept, densities=self.densities, like=self) if kept else None

    def _light(self, points: Floats, anchors: Bools) -> Bools:
        """Say at which points draws of these anchors have hardly any weight."""
        if not anchors.any():
            return np.ones(len(points), bool)
        drawn = anchors[self.mixture.origin][:, None].astype(float)
        return self.mixture.expect(points, drawn)[:, 0] <= FOREIGN

    def _by(self, points: Floats, anchors: Bools) -> Bools:
        """Say which points lie nearer to one of these anchors than to any other."""
        if not anchors.any() or anchors.all():
            return np.full(len(points), anchors.any())
        apart = np.linalg.norm(points[:, None] - self.mixture.points, axis=-1)
        return apart[:, anchors].min(axis=1) < apart[:, ~anchors].min(axis=1)

    def _same_moments(self, rest: Ladder, points: Floats) -> Bools:
        same = ~rest.check(points, leave_out=False).weights_fail
        if not same.any() or not self.fits[0].real:
            return same
        mine, its = (ladder.mixture.estimate(points, ladder.u) for ladder in (self, rest))
        same &= (np.abs(mine.mean - its.mean) <= ALIKE * its.mcse_mean).all(axis=1)
        return same & (np.abs(mine.sd - its.sd) <= ALIKE * its.mcse_sd).all(axis=1)

    def _same_log_z(self, rest: Ladder, points: Floats) -> Bools:
        found = rest.check(points, leave_out=False)
        move = np.abs(self.log_z(points) - found.log_z)
        return ~found.log_z_fails & (move <= ALIKE * found.mcse_log_z + 1e-9)

    def precision(self, points: Floats) -> tuple[Floats, Floats]:
        """Return the errors of the least precise coordinate's mean and sd, each (point,).

        They are 0 for the tilted prior, of which only the normaliser is used.
        """
        if not self.fits[0].real:
            return np.zeros(len(points)), np.zeros(len(points))
        found = self.mixture.estimate(points, self.u)
        sd = np.where(found.sd > 0, found.sd, np.inf)
        errors = (np.nan_to_num(e / sd, nan=np.inf) for e in (found.mcse_mean, found.mcse_sd))
        mean, spread = (e.max(axis=1) for e in errors)
        return mean, spread

    @cached_property
    def surprise(self) -> Floats:
        """Return how far each pilot's mean of ell lies from the sample's, in errors, (pilot,).

        Not defined (nan) where the pilot's own chains disagree, or where that mean is infinite.
        """
        out = np.full(len(self.pilots), np.nan)
        for k, pilot in enumerate(self.pilots):
            if pilot.r_hat > R_HAT:
                continue
            live = self.mixture.weights(pilot.trust[None])[0] > 0
            mine = np.where(live[:, None], self.mixture.ell, 0.0)
            ell = pilot.run.ell.reshape(pilot.draws, -1)
            if min(mine.min(), ell.min()) <= EXTREME:
                continue
            found = self.mixture.estimate(pilot.trust[None], mine)
            error = np.hypot(found.mcse_mean[0], ell.std(axis=0) / np.sqrt(pilot.ess))
            out[k] = (np.abs(ell.mean(axis=0) - found.mean[0]) / error).max()
        return out

    @cached_property
    def leave_one_out(self) -> Floats:
        """Return how far each anchor's log normaliser moves without its own draws, in errors.

        Not defined (nan) at 0 and where the others do not reach.
        """
        out, known = np.full(len(self.fits), np.nan), self.densities
        for k, fit in enumerate(self.fits):
            others = [f for f in self.fits if (f.trust != fit.trust).any()]
            if fit.known or not fit.trust.any() or len(others) < 2:
                continue
            rest = Ladder(others, densities=known, like=self).mixture
            point, zero = fit.trust[None], self.zero
            error = np.hypot(rest.log_z_error(point, zero), self.mixture.log_z_error(point, zero))
            if error[0] < 1:
                without = rest.log_z(point) - rest.log_z(zero[None])
                out[k] = abs(without - self.log_z(point))[0] / error[0]
        return out

    def near(self, trust: Floats) -> Fit:
        """Return the fit whose draws weigh most at ``trust``."""
        m = self.mixture
        w = m.weights(trust[None])[0]
        return self.fits[int(np.argmax(np.bincount(m.origin, w, len(self.fits))))]

    def resample(self, trust: Floats, size: int, rng: np.random.Generator) -> Floats:
        """Return draws as they are at ``trust``, or any where none is possible there.

        They have shape (size, coordinate).
        """
        w = np.nan_to_num(self.mixture.weights(trust[None])[0])
        return self.u[rng.choice(len(self.u), size, p=w / w.sum() if w.any() else None)]

    def between(self, start: Floats, end: Floats, size: int) -> Floats:
        """Return ``size`` weights from ``start`` to ``end``, about evenly spaced in arc."""
        step = end - start
        line = self.mixture.ell @ step
        stats = []
        for point in (start, end):
            w = self.mixture.weights(point[None])[0]
            stats.append(_robust(line, w))
        (mean_a, sd_a), (mean_b, sd_b) = stats
        if sd_a >= sd_b:
            t = even_grid(power_law(sd_a, sd_b, mean_b - mean_a, 1.0), 1.0, size)
        else:
            t = 1 - even_grid(power_law(sd_b, sd_a, mean_b - mean_a, 1.0), 1.0, size)[::-1]
        return start + t[:, None] * step

    def sd_along(self, direction: Floats, t: Floats) -> Floats:
        """Return the sd of ell along a direction, at distances t from 0."""
        fisher = self.mixture.fisher(t[:, None] * direction)
        return np.sqrt(np.maximum(np.einsum("s,gst,t->g", direction, fisher, direction), 0))

    def weakest_gaps(self, size: int) -> list[tuple[Floats, Floats]]:
        """Return the ends of the least certain links in the tree that joins all anchors."""
        from scipy.sparse.csgraph import minimum_spanning_tree

        points = np.unique(self.mixture.points, axis=0)
        errors = np.array([self.mixture.log_z_error(points, p) for p in points])
        apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
        cap = np.where(np.isfinite(errors), errors, 1e6 * (1 + apart))
        tree = minimum_spanning_tree(np.maximum(cap, 1e-9)).tocoo()
        order = np.argsort(-tree.data, kind="stable")[:size]
        return [(points[tree.row[i]], points[tree.col[i]]) for i in order]


def _ratios(fits: Sequence[Fit], densities: Densities) -> dict[int, Floats]:
    """Return log reference less log primitive prior at all draws, for each reference."""
    references = {k: fit.reference for k, fit in enumerate(fits) if fit.reference is not None}
    for reference in references.values():
        for fit in fits:
            if (reference, fit) not in densities:
                u = fit.run.u.reshape(fit.draws, -1)
                densities[reference, fit] = reference.log_density(u) - fit.run.base.ravel()
    return {
        k: np.concatenate([densities[reference, fit] for fit in fits])
        for k, reference in references.items()
    }


def _robust(line: Floats, weights: Floats) -> tuple[float, float]:
    """Return mean and sd of draws without the most extreme 1%, which may be minus infinity."""
    order = np.argsort(line)
    mass = np.cumsum(weights[order])
    kept = order[mass >= 0.01 * mass[-1]]
    w = weights[kept] / weights[kept].sum()
    mean = float(w @ line[kept])
    return mean, float(np.sqrt(w @ (line[kept] - mean) ** 2))
