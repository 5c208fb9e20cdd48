r"""Draws at several weights, combined into one sample that serves every weight.

The densities differ only by a factor :math:`\exp(L \cdot \ell)`, so a draw enters through its
log-likelihoods :math:`\ell_n` alone (multistate reweighting). NumPy in, NumPy out.

References
----------
.. [1] M. R. Shirts and J. D. Chodera (2008). Statistically optimal analysis of samples from
   multiple equilibrium states. J. Chem. Phys. 129. doi:10.1063/1.2978177
.. [2] A. Kong et al. (2003). A theory of statistical models for Monte Carlo integration. JRSS B
   65(3). doi:10.1111/1467-9868.00404
.. [3] C. J. Geyer (1994). Estimating normalizing constants and reweighting mixtures. Technical
   Report 568, University of Minnesota.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.psis import pareto_k

__all__ = ["Anchor", "Estimate", "Mixture", "Survey", "pareto_k_limit"]

type Floats = NDArray[np.float64]

LOWEST = -1e300
"""Stands for a log-likelihood of minus infinity: times a weight of 0 it is still 0."""
LEAST_START = -1e10
"""Where draws of no other anchor reach, a normaliser to start from that loses no digits."""
LOOSE = 0.01
"""Overlap, in draws, below which nothing is known about a difference of two f."""
CHUNK = 4_000_000
FAINT = 1e-10
"""Anchors whose draws have together at most so much of the weight, or to which a draw belongs with
at most so much probability, are passed over where the errors of moments are computed."""
EFFECTIVE_DRAWS = 20
"""In a batch, so that batches are nearly independent and yet many enough to tell the error."""


@dataclass(frozen=True)
class Anchor:
    """Draws at one weight.

    ``trust`` has shape (source,), ``ell`` (chain, draw, source); ``ess`` is the effective number
    of the draws of ``ell``, at most chains times draws, and ``ess_min`` that of the model's worst
    quantity. ``known`` says that the density they come from is normalised.
    """

    trust: Floats
    ell: Floats
    ess: float
    ess_min: float
    known: bool = False


@dataclass(frozen=True)
class Estimate:
    """A mean and a standard deviation at each point, with their Monte Carlo standard errors.

    All have shape (point, quantity).
    """

    mean: Floats
    sd: Floats
    mcse_mean: Floats
    mcse_sd: Floats


@dataclass(frozen=True)
class Survey:
    """What is known of the weights at each point, each of shape (point,)."""

    log_z: Floats
    ess: Floats
    pareto_k: Floats
    mcse_log_z: Floats


def pareto_k_limit(size: float) -> float:
    r"""Return the largest :math:`\hat k` at which weights can be relied on.

    Notes
    -----
    :math:`\min(1 - 1/\log_{10} S, 0.7)` for S draws (Vehtari et al. 2024, JMLR 25(72)).

    Examples
    --------
    >>> pareto_k_limit(100), pareto_k_limit(10_000)
    (0.5, 0.7)
    """
    return float(min(1 - 1 / np.log10(max(size, 10.0)), 0.7))


class Mixture:
    r"""All anchors' draws as one sample of their mixture.

    With :math:`c_j` the effective share of anchor j's draws and :math:`N'_j` their effective
    number, a draw has at weights L

    .. math:: w_n(L) \propto c_{j(n)} \exp(L \cdot \ell_n) / \sum_j N'_j \exp(f_j + L_j\cdot\ell_n),

    where the :math:`f_j` solve :math:`\sum_n w_n(L_j) = 1` (a convex problem); it is 0 for an
    anchor whose normaliser is known.

    Parameters
    ----------
    anchors : list of Anchor
    ratios : dict, optional
        For anchors that are no tilt of the base density: the log of their density over the base
        density at all draws, shape (draw,), by the anchor's number.
    guess : dict, optional
        About what f is, by the anchor's number: where the solver starts.
    """

    def __init__(
        self,
        anchors: list[Anchor],
        ratios: Mapping[int, Floats] | None = None,
        guess: Mapping[int, float] | None = None,
    ) -> None:
        self.anchors = anchors
        self.ratios = dict(ratios or {})
        self.known = np.array([a.known for a in anchors])
        self.points = np.array([a.trust for a in anchors])
        sizes = [a.ell.shape[0] * a.ell.shape[1] for a in anchors]
        self.origin = np.repeat(np.arange(len(anchors)), sizes)
        flat = [a.ell.reshape(-1, a.ell.shape[-1]) for a in anchors]
        self.ell = np.clip(np.nan_to_num(np.concatenate(flat), nan=LOWEST), LOWEST, -LOWEST)
        self.effective = np.array([min(a.ess, n) for a, n in zip(anchors, sizes, strict=True)])
        self.share = (self.effective / np.array(sizes))[self.origin]
        worst = np.array([min(a.ess_min, n) for a, n in zip(anchors, sizes, strict=True)])
        self.worst_share = (worst / np.array(sizes))[self.origin]
        self.batches, self.batch_origin = _batches(anchors)
        self.f = self._solve(guess or {})

    @cached_property
    def log_denominator(self) -> Floats:
        """Log density of the mixture up to the base density, shape (draw,)."""
        return _logsumexp(self._log_terms(self.f))

    @cached_property
    def membership(self) -> Floats:
        """Probability that a draw came from each anchor, shape (draw, anchor)."""
        return _softmax(self._log_terms(self.f))

    @cached_property
    def _scores(self) -> Floats:
        """Batch sums of the estimating function of f, times the inverse of its Jacobian."""
        origin = np.equal.outer(self.origin, np.arange(len(self.points)))
        residual = self.share[:, None] * (self.membership - origin)
        sums = self._centre(np.add.reduceat(residual, self.batches, axis=0))
        values, vectors = self._spectrum
        scale = np.divide(1.0, values, out=np.zeros_like(values), where=values > LOOSE)
        out = np.zeros_like(sums)
        out[:, self._free] = sums[:, self._free] @ (vectors * scale) @ vectors.T
        return out

    @cached_property
    def _spectrum(self) -> tuple[Floats, Floats]:
        """Eigenvalues and eigenvectors of the Jacobian of the estimating function of f."""
        p = self.membership[:, self._free]
        return np.linalg.eigh(_jacobian(self.share, p))

    def _undetermined(self, change: Floats) -> NDArray[np.bool_]:
        """Say where a change of membership, (point, anchor), leaps a gap without any overlap."""
        values, vectors = self._spectrum
        loose = change[:, self._free] @ vectors[:, values <= LOOSE]
        return np.linalg.norm(loose, axis=1) > 1e-3

    def log_weights(self, points: Floats) -> Floats:
        """Return log w before normalising, shape (point, draw)."""
        return points @ self.ell.T - self.log_denominator + np.log(self.share)

    def weights(self, points: Floats) -> Floats:
        """Return normalised weights, shape (point, draw)."""
        return _softmax(self.log_weights(points))

    def log_z(self, points: Floats) -> Floats:
        """Return the log normaliser, up to one constant for all points, shape (point,)."""
        return np.concatenate([_logsumexp(self.log_weights(p)) for p in self._chunks(points)])

    def survey(self, points: Floats, base: Floats) -> Survey:
        """Return log z less that at ``base``, and the weights' diagnostics, in one pass."""
        zero, p_zero = self._batch_weights(self.weights(base[None]))
        origin = _logsumexp(self.log_weights(base[None]))
        parts = []
        for chunk in self._chunks(points):
            rows = self.log_weights(chunk)
            top = rows.max(axis=1, keepdims=True)
            w = np.exp(rows - top)
            total = w.sum(axis=1, keepdims=True)
            w /= total
            ess = 1 / ((w * w) @ (1 / self.worst_share))
            k = np.array([_pareto_k(a, b) for a, b in zip(rows, w, strict=True)])
            error = self._log_z_error(w, zero, p_zero)
            parts.append(((top + np.log(total))[:, 0] - origin, ess, k, error))
        return Survey(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def log_z_error(self, points: Floats, base: Floats) -> Floats:
        """Return the Monte Carlo standard error of log z less that at ``base``, shape (point,).

        It is infinite where no chain of overlapping anchors joins the two.
        """
        zero, p_zero = self._batch_weights(self.weights(base[None]))
        chunks = self._chunks(points)
        return np.concatenate([self._log_z_error(self.weights(c), zero, p_zero) for c in chunks])

    def _log_z_error(self, w: Floats, zero: Floats, p_zero: Floats) -> Floats:
        sums, p = self._batch_weights(w)
        error = self._error(sums - zero + self._scores @ (p - p_zero).T)
        return np.where(self._undetermined(p - p_zero), np.inf, error)

    def ess(self, points: Floats) -> Floats:
        """Return the effective sample size, shape (point,).

        The autocorrelation of each anchor's worst quantity is counted.
        """
        out = [
            1 / (self.weights(p) ** 2 / self.worst_share).sum(axis=1) for p in self._chunks(points)
        ]
        return np.concatenate(out)

    def pareto_k(self, points: Floats) -> Floats:
        """Return the Pareto k-hat of the weights, -inf where they are bounded, shape (point,)."""
        rows = [r for p in self._chunks(points) for r in self.log_weights(p)]
        return np.array([_pareto_k(r, _softmax(r[None])[0]) for r in rows])

    def fisher(self, points: Floats) -> Floats:
        """Return the covariance of ell at each point, shape (point, source, source)."""
        out = []
        for point in points:
            w = self.weights(point[None])[0]
            live = w > 0
            centred = self.ell[live] - w[live] @ self.ell[live]
            out.append((w[live, None] * centred).T @ centred)
        return np.array(out)

    def expect(self, points: Floats, h: Floats) -> Floats:
        """Return the mean of ``h``, shape (draw, quantity), at each point."""
        chunks = (self.weights(p) for p in self._chunks(points))
        return np.concatenate([w @ _weighty(w, h) for w in chunks])

    def estimate(self, points: Floats, h: Floats) -> Estimate:
        """Return means and sds of ``h``, shape (draw, quantity), with Monte Carlo errors.

        The errors come from batch means of the influence function, that of the estimated f
        included.
        """
        chunks = self._chunks(points, h.shape[1])
        parts = [self.moments(self.weights(p), h) for p in chunks]
        return Estimate(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def spread(self, w: Floats) -> Floats:
        """Return batch influences, (batch, row), of totals with weights ``w``, (row, draw)."""
        sums, p = self._batch_weights(w)
        return sums + self._scores @ p.T

    def error_of(self, influence: Floats) -> Floats:
        """Return the standard errors of totals whose batch influences are given, (batch, row)."""
        return self._error(influence)

    def moments(self, w: Floats, h: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the fields of `Estimate` under normalised weights ``w``, shape (row, draw)."""
        h = _weighty(w, h)
        centre = h.mean(axis=0)
        z = h - centre
        total, sums, shared = self._totals(w, np.hstack([z, z**2]))
        mean, second = np.split(total, 2, axis=1)
        sd = np.sqrt(np.maximum(second - mean**2, 0))
        influence = sums + np.einsum("bk,gqk->bgq", self._scores, shared, optimize=True)
        one, two = np.split(influence, 2, axis=2)
        error = self._error(one)
        with np.errstate(invalid="ignore", divide="ignore"):
            error_sd = np.where(sd > 0, self._error(two - 2 * mean * one) / (2 * sd), 0.0)
        return mean + centre, sd, error, error_sd

    def _totals(self, w: Floats, h: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the mean of h, (row, quantity), and its sums over batches and over members.

        Those are of w(h - mean), of shape (batch, row, quantity), and of that times membership, of
        shape (row, quantity, anchor).
        """
        spans = list(pairwise([*self.batches, len(self.ell)]))
        sums = np.stack([w[:, a:b] @ h[a:b] for a, b in spans])
        mean = sums.sum(axis=0)
        mass, belong = self._batch_weights(w)
        shared = np.zeros((*mean.shape, len(self.points)))
        for a, b in pairwise([*np.flatnonzero(np.diff(self.origin, prepend=-1)), len(self.ell)]):
            near = np.flatnonzero((self.membership[a:b] > FAINT).any(axis=0))
            members = self.membership[a:b, near]
            for row in np.flatnonzero(w[:, a:b].sum(axis=1) > FAINT):
                shared[row][:, near] += h[a:b].T @ (w[row, a:b, None] * members)
        return mean, sums - mass[..., None] * mean, shared - mean[..., None] * belong[:, None]

    def _batch_weights(self, w: Floats) -> tuple[Floats, Floats]:
        return np.add.reduceat(w, self.batches, axis=1).T, w @ self.membership

    def _error(self, sums: Floats) -> Floats:
        """Return the standard error of a total whose batch sums have shape (batch, ...)."""
        centred = self._centre(sums)
        total = np.zeros(sums.shape[1:])
        for anchor in range(len(self.points)):
            own = centred[self.batch_origin == anchor]
            total += (own**2).sum(axis=0) * len(own) / (len(own) - 1)
        return np.sqrt(total)

    def _centre(self, sums: Floats) -> Floats:
        out = np.array(sums, dtype=float)
        for anchor in range(len(self.points)):
            out[self.batch_origin == anchor] -= out[self.batch_origin == anchor].mean(axis=0)
        return out

    def _chunks(self, points: Floats, width: int = 1) -> Iterator[Floats]:
        room = CHUNK + (len(self.ell) * width if width > 1 else 0)
        step = max(1, room // (len(self.ell) + len(self.batches) * width))
        for start in range(0, len(points), step):
            yield points[start : start + step]

    @cached_property
    def _tilts(self) -> Floats:
        """Log density of each anchor over the base density, up to f, shape (draw, anchor)."""
        tilts = self.ell @ self.points.T
        for anchor, ratio in self.ratios.items():
            tilts[:, anchor] = ratio
        return tilts + np.log(self.effective)

    def _log_terms(self, f: Floats) -> Floats:
        return self._tilts + f

    @cached_property
    def _free(self) -> NDArray[np.int_]:
        """Anchors whose f is to be found: those not known, but for one when none is known."""
        free = np.flatnonzero(~self.known)
        return free if self.known.any() else free[1:]

    def _solve(self, guess: Mapping[int, float]) -> Floats:
        f, free = self._start(guess), self._free
        if not len(free):
            return f

        def full(x: Floats) -> Floats:
            out = f.copy()
            out[free] = x
            return out

        return full(
            _newton(
                f[free],
                lambda x: self._objective(full(x), free),
                1e-9 * self.effective.sum(),
            )
        )

    def _start(self, guess: Mapping[int, float]) -> Floats:
        """Return f to start from: where there is no guess, by the draws of the anchors before."""
        f = np.zeros(len(self.points))
        order = np.argsort(self.points.sum(axis=1), kind="stable")
        done = np.flatnonzero(self.known).tolist() if self.known.any() else [int(order[0])]
        if not self.known.any() and done[0] in guess:
            guess = {k: value - guess[done[0]] for k, value in guess.items()}
        for anchor, value in guess.items():
            if anchor not in done:
                f[anchor] = value
                done.append(anchor)
        for this in order.tolist():
            if this in done:
                continue
            rows = np.isin(self.origin, done)
            known = _logsumexp(self._tilts[np.ix_(rows, done)] + f[done])
            tilt = self._tilts[rows, this] - np.log(self.effective[this])
            log_z = _logsumexp((tilt - known + np.log(self.share[rows]))[None])[0]
            f[this] = -max(log_z, LEAST_START)
            done.append(this)
        return f

    def _objective(self, f: Floats, free: NDArray[np.int_]) -> tuple[float, Floats, Floats]:
        """Return the convex function that f minimises, its gradient and its second derivatives."""
        terms = self._log_terms(f)
        top = terms.max(axis=1)
        terms -= top[:, None]
        relative = np.exp(terms, out=terms)
        total = relative.sum(axis=1)
        value = self.share @ (top + np.log(total)) - self.effective[free] @ f[free]
        p = relative[:, free] / total[:, None]
        gradient = self.share @ p - self.effective[free]
        return float(value), gradient, _jacobian(self.share, p)


def _jacobian(share: Floats, p: Floats) -> Floats:
    """Return the derivatives of the anchors' totals by f, for shares and memberships of draws."""
    weighted = share[:, None] * p
    return np.diag(weighted.sum(axis=0)) - weighted.T @ p


def _batches(anchors: list[Anchor]) -> tuple[NDArray, NDArray]:
    """Return where batches start, and their anchors: 20 to 100 of about 20 effective draws."""
    starts, origins, offset = [], [], 0
    for number, anchor in enumerate(anchors):
        chains, draws = anchor.ell.shape[:2]
        wanted = int(np.clip(anchor.ess_min / EFFECTIVE_DRAWS, 20, 100))
        pieces = min(max(wanted // chains, 2), draws)
        for chain in range(chains):
            edges = np.linspace(0, draws, pieces + 1).astype(int)[:-1]
            starts.append(offset + chain * draws + edges)
            origins.append(np.full(pieces, number))
        offset += chains * draws
    return np.concatenate(starts), np.concatenate(origins)


def _newton(
    start: Floats, function: Callable[[Floats], tuple[float, Floats, Floats]], tolerance: float
) -> Floats:
    """Minimise a convex function: Newton's steps while they descend, a trust region otherwise."""
    from scipy.optimize import minimize

    x = start
    value, gradient, curvature = function(x)
    for _ in range(50):
        if np.abs(gradient).max() <= tolerance:
            return x
        step = np.linalg.lstsq(curvature, gradient, rcond=1e-12)[0]
        after, slope, bend = function(x - step)
        if not after <= value:
            break
        x, value, gradient, curvature = x - step, after, slope, bend
    return minimize(
        lambda x: function(x)[:2],
        x,
        jac=True,
        hess=lambda x: function(x)[2],
        method="trust-exact",
        options={"gtol": tolerance, "maxiter": 500},
    ).x


def _weighty(w: Floats, h: Floats) -> Floats:
    """Return h with 0 for draws without weight, where it may be anything."""
    return np.where((w > 0).any(axis=0)[:, None], h, 0.0)


def _logsumexp(rows: Floats) -> Floats:
    top = rows.max(axis=1)
    return top + np.log(np.exp(rows - top[:, None]).sum(axis=1))


def _softmax(rows: Floats) -> Floats:
    out = np.exp(rows - rows.max(axis=1, keepdims=True))
    return out / out.sum(axis=1, keepdims=True)


def _pareto_k(log_weights: Floats, weights: Floats) -> float:
    """Return k-hat, or -inf for bounded weights: no larger than 5 times their mean."""
    if weights.max() * len(weights) <= 5:
        return -np.inf
    return float(pareto_k(log_weights[None])[0])
