"""Pilots of voters: every tilted posterior of a logistic regression by importance sampling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import expit, gammaln, log_expit, logsumexp

import foundation_priors as fp
from tests.benchmarks.cases import anes
from tests.benchmarks.coverage_gauss import Linear, worth

__all__ = ["QUANTITIES", "Votes", "World", "world"]

QUANTITIES = ("party", "Dole's share", "college or not", "aged 60 or under 40")
ANCHORS = np.array([0.0, 0.003, 0.012, 0.035, 0.08, 0.16, 0.3, 0.5, 0.75, 1.0])
DRAWS, FREEDOM = 500, 7


@dataclass(frozen=True)
class World:
    """The 884 respondents and the answers.

    ``x`` (person, 5) with an intercept, ``y`` (person,), ``xs`` (row, 5), ``ys`` (row,) and ``ws``
    (row,) of distinct answers and their weights, ``contrast`` (quantity, person) the averages
    over people of which quantities after the first are made.
    """

    x: np.ndarray
    y: np.ndarray
    xs: np.ndarray
    ys: np.ndarray
    ws: np.ndarray
    contrast: np.ndarray
    pool: float

    def ell(self, theta: np.ndarray) -> np.ndarray:
        """Return the answers' weighted log-likelihood, shape (draw,)."""
        return log_expit((theta @ self.xs.T) * self.ys) @ self.ws

    def quantities(self, theta: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Return (draw, quantity) from coefficients and everybody's probabilities."""
        return np.column_stack([theta[:, 1], p @ self.contrast.T])


def design(table, frame) -> np.ndarray:
    """Return an intercept, party - 3, and age, education and income standardised."""
    names = ["age", "educ", "income"]
    z = [(table[n].to_numpy() - frame[n].mean()) / frame[n].std() for n in names]
    return np.column_stack([np.ones(len(z[0])), table["PID"].to_numpy() - 3.0, *z])


@cache
def world(framing: str | None = None) -> World:
    """Read respondents and answers, all or those to one framing of the prompt."""
    frame = anes()
    llm = fp.datasets.load("anes96").synthetic
    llm = llm if framing is None else llm.sel(framing=framing)
    rows = np.column_stack(
        [design(llm.dataset, frame), np.where(llm.dataset.vote == "Dole", 1.0, -1.0)]
    )
    weights = llm.weights("vote")
    distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
    ws = np.bincount(inverse.ravel(), weights)
    college, age = frame.educ.to_numpy() >= 5, frame.age.to_numpy()
    everybody = np.ones(len(frame), bool)
    contrast = [_mean(everybody), _mean(college) - _mean(~college)]
    contrast.append(_mean(age >= 60) - _mean(age < 40))
    y = np.where(frame.vote.to_numpy() == 1, 1.0, -1.0)
    pool = len(rows) / weights.sum()
    xs, ys = distinct[:, :-1], distinct[:, -1]
    return World(design(frame, frame), y, xs, ys, ws, np.array(contrast), pool)


def _mean(members: np.ndarray) -> np.ndarray:
    return members / members.sum()


class Sample:
    """Draws that serve every weight: a mixture of t proposals around the modes at anchors."""

    def __init__(self, w: World, counts: np.ndarray, rng: np.random.Generator, size: int) -> None:
        self.world, self.used = w, np.flatnonzero(counts)
        self.counts = counts[self.used]
        anchors = np.append(ANCHORS, w.pool ** np.array([1 / 3, 2 / 3, 1]))
        modes, roots = _modes(w, self.used, self.counts, anchors)
        theta = []
        for mode, root in zip(modes, roots, strict=True):
            z = rng.standard_normal((size, len(mode)))
            stretch = np.sqrt(FREEDOM / rng.chisquare(FREEDOM, size))[:, None]
            theta.append(mode + (z * stretch) @ root.T)
        self.theta = np.concatenate(theta)
        proposal = logsumexp(
            [_log_t(self.theta, m, r) for m, r in zip(modes, roots, strict=True)], 0
        )
        self.rows = log_expit((self.theta @ w.x[self.used].T) * w.y[self.used])
        self.ell = w.ell(self.theta)
        log_prior = -0.5 * (self.theta**2).sum(1) - 0.5 * len(modes[0]) * np.log(2 * np.pi)
        # Of a mixture with equal shares, whose log density lacks log(anchors).
        self.base = log_prior + self.rows @ self.counts - proposal + np.log(len(anchors))

    @cached_property
    def eta(self) -> np.ndarray:
        """Everybody's log odds, shape (draw, person)."""
        return self.theta @ self.world.x.T

    def log_weights(self, trust: np.ndarray) -> np.ndarray:
        """Return unnormalised log weights of the draws, shape (trust, draw)."""
        return self.base + np.atleast_1d(trust)[:, None] * self.ell

    def weights(self, trust: np.ndarray) -> np.ndarray:
        """Return normalised weights, shape (trust, draw)."""
        log_w = self.log_weights(trust)
        return np.exp(log_w - logsumexp(log_w, axis=1, keepdims=True))

    def log_z(self, trust: np.ndarray) -> np.ndarray:
        """Return log normalisers, shape (trust,)."""
        return logsumexp(self.log_weights(trust), axis=1) - np.log(len(self.theta))


def _modes(w: World, used: np.ndarray, counts: np.ndarray, trusts: np.ndarray):
    """Return modes and square roots of covariances at each trust, by Newton steps."""
    x, sign = np.vstack([w.x[used], w.xs]), np.append(w.y[used], w.ys)
    theta, modes, roots = np.zeros(w.x.shape[1]), [], []
    for trust in trusts:
        mass = np.append(counts, trust * w.ws)

        def height(t, mass=mass):
            return mass @ log_expit(sign * (x @ t)) - 0.5 * t @ t

        for _ in range(50):
            p = expit(-sign * (x @ theta))
            gradient = x.T @ (mass * sign * p) - theta
            hessian = (x.T * (mass * p * (1 - p))) @ x + np.eye(len(theta))
            step, scale = np.linalg.solve(hessian, gradient), 1.0
            while height(theta + scale * step) < height(theta) - 1e-9 and scale > 1e-4:
                scale /= 2
            theta = theta + scale * step
            if np.abs(step).max() < 1e-8:
                break
        modes.append(theta)
        roots.append(np.linalg.cholesky(np.linalg.inv(hessian)))
    return modes, roots


def _log_t(theta: np.ndarray, mode: np.ndarray, root: np.ndarray) -> np.ndarray:
    d = len(mode)
    z = np.linalg.solve(root, (theta - mode).T)
    level = gammaln((FREEDOM + d) / 2) - gammaln(FREEDOM / 2) - d / 2 * np.log(FREEDOM * np.pi)
    return (
        level - np.log(np.diag(root)).sum() - (FREEDOM + d) / 2 * np.log1p((z**2).sum(0) / FREEDOM)
    )


@cache
def log_z_prior(framing: str | None) -> CubicSpline:
    """Return the log normaliser of the tilted prior as a function of the root of the trust."""
    w = world(framing)
    none = np.zeros(len(w.y))
    none[0] = 1e-12
    sample = Sample(w, none, np.random.default_rng(0), 6000)
    root = np.linspace(0, np.sqrt(w.pool), 301)
    return CubicSpline(root, sample.log_z(root**2) - sample.log_z(np.zeros(1)))


class Votes:
    """One pilot of ``n`` respondents drawn with replacement."""

    labels = QUANTITIES

    def __init__(self, n: int, rng: np.random.Generator, framing: str | None = None) -> None:
        self.world, self.n, self.framing = world(framing), n, framing
        self.people = rng.integers(len(self.world.y), size=n)
        self.counts = np.bincount(self.people, minlength=len(self.world.y)).astype(float)
        self.rng = rng
        self.sample = Sample(self.world, self.counts, rng, DRAWS)
        self.effective_rows = float(self.world.ws.sum())
        self.pool = self.world.pool

    @cached_property
    def draws(self) -> np.ndarray:
        """Quantities of every draw, shape (draw, quantity)."""
        return self.world.quantities(self.sample.theta, expit(self.sample.eta))

    def log_evidence(self, trust: np.ndarray) -> np.ndarray:
        """Return log evidence, up to a constant."""
        return self.sample.log_z(trust) - log_z_prior(self.framing)(np.sqrt(trust))

    def average(self, trust: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Return mean, 5% and 95% quantile under a law, shape (3, quantity)."""
        weights = p @ self.sample.weights(trust)
        mean = weights @ self.draws
        order = np.argsort(self.draws, axis=0)
        out = [mean]
        for q in (0.05, 0.95):
            out.append([_quantile(self.draws[o, k], weights[o], q) for k, o in enumerate(order.T)])
        return np.array(out)

    def loo(self, trust: np.ndarray) -> np.ndarray:
        """Return PSIS leave-one-out log predictive scores."""
        from arviz_stats.base import array_stats

        scores = []
        for weights in self.sample.weights(trust):
            chosen = _systematic(weights, 600, self.rng)
            log_lik = self.sample.rows[chosen]
            log_w, _ = array_stats.psislw(log_lik.T, axis=-1)
            scores.append(self.sample.counts @ logsumexp(log_w + log_lik.T, axis=1))
        return np.array(scores)

    def held_out(self, trust: np.ndarray) -> np.ndarray:
        """Return log predictive scores of the second half of the pilot given the first."""
        first, second = self.people[: self.n // 2], self.people[self.n // 2 :]
        counts = np.bincount(first, minlength=len(self.world.y)).astype(float)
        half = Sample(self.world, counts, self.rng, DRAWS)
        p = expit(half.eta[:, second] * self.world.y[second])
        return np.log(half.weights(trust) @ p).sum(1)

    @cached_property
    def linear(self) -> Linear:
        """The pilot as a Gaussian problem, at the posterior mean at trust 0."""
        w, weights = self.world, self.sample.weights(np.zeros(1))[0]
        mean = weights @ self.sample.theta
        away = self.sample.theta - mean
        used, counts = self.sample.used, self.sample.counts
        p, ps = expit(w.x[used] @ mean), expit(w.xs @ mean)
        everybody = expit(w.x @ mean)
        slope = (w.contrast * (everybody * (1 - everybody))) @ w.x
        score = w.xs.T @ (w.ws * w.ys * expit(-w.ys * (w.xs @ mean)))
        return Linear(
            mean=mean,
            covariance=(away.T * weights) @ away,
            prior=np.eye(len(mean)),
            centre=np.zeros(len(mean)),
            real=(w.x[used].T * (counts * p * (1 - p))) @ w.x[used],
            said=(w.xs.T * (w.ws * ps * (1 - ps))) @ w.xs,
            score=score,
            slopes=np.vstack([np.eye(len(mean))[1], slope]),
        )

    @cached_property
    def worth(self) -> float:
        """Effective real observations of the answers at trust 1."""
        return self.n * worth(self.linear)


def _quantile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    """Return a quantile of sorted draws, linear between the middles of their weights."""
    return float(np.interp(q, np.cumsum(weights) - weights / 2, values))


def _systematic(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    at = (np.arange(size) + rng.random()) / size
    return np.minimum(np.searchsorted(np.cumsum(weights), at), len(weights) - 1)


def truth() -> np.ndarray:
    """Return the same model's posterior means on all 884."""
    w = world()
    sample = Sample(w, np.ones(len(w.y)), np.random.default_rng(1), 4000)
    draws = w.quantities(sample.theta, expit(sample.eta))
    return sample.weights(np.zeros(1))[0] @ draws
