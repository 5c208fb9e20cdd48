"""Pilots of men: every tilted posterior of a regression with a private scale, by quadrature.

Given both residual scales the coefficients are Gaussian, so that a grid over the two is all there
is to integrate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, ndtr

import foundation_priors as fp
from tests.benchmarks.coverage_gauss import Linear, worth

__all__ = ["QUANTITIES", "Wages", "World", "world"]

QUANTITIES = ("educ", "exper", "black", "south", "smsa")
CENTRE = np.array([6.0, 0, 0, 0, 0, 0])
NATS = 22.0
COARSE = np.linspace(-12, 2.5, 291)


@dataclass(frozen=True)
class World:
    """The 2,960 men, ``x`` (man, 6) and ``y``, and sums of squares of the weighted answers."""

    x: np.ndarray
    y: np.ndarray
    xs: np.ndarray
    ys: np.ndarray
    rows: float
    pool: float


@cache
def world(framing: str | None = None) -> World:
    """Read men and answers, all or those to one framing of the prompt."""
    study = fp.datasets.load("wages")
    frame = study.real.to_dataframe()
    frame = frame[~frame.in_prompt]

    def design(table) -> np.ndarray:
        z = [(table[n].to_numpy() - frame[n].mean()) / frame[n].std() for n in QUANTITIES]
        return np.column_stack([np.ones(len(z[0])), *z])

    llm = study.synthetic if framing is None else study.synthetic.sel(framing=framing)
    weights = llm.weights("lwage")
    root = np.sqrt(weights)
    said = design(llm.dataset) * root[:, None], llm.dataset.lwage.to_numpy() * root
    pool = len(weights) / weights.sum()
    return World(design(frame), frame.lwage.to_numpy(), *said, float(weights.sum()), pool)


@dataclass(frozen=True)
class Grid:
    """Components of the posterior at some trusts: log weights (trust, component) and moments.

    ``mean`` and ``sd`` of the coefficients have shape (trust, component, 5), ``sigma`` (trust,
    component).
    """

    log_weight: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    sigma: np.ndarray
    tau: np.ndarray

    def log_z(self) -> np.ndarray:
        return logsumexp(self.log_weight, axis=1)

    def probability(self) -> np.ndarray:
        return np.exp(self.log_weight - self.log_z()[:, None])


def _window(heights: list[np.ndarray], points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return evenly spaced points, (trust, point), where any height is near its top, and steps."""
    live = np.any([h > h.max(-1, keepdims=True) - NATS for h in heights], axis=0)
    low = COARSE[live.argmax(-1)]
    high = COARSE[live.shape[-1] - 1 - live[..., ::-1].argmax(-1)]
    step = (high - low) / (points - 1)
    return low[:, None] + step[:, None] * np.arange(points), step


def _log_scale(log_scale: np.ndarray, count: np.ndarray, squares: float, shrink: float = 1.0):
    """Return the log density of a log scale with a half-normal prior."""
    square = np.exp(2 * log_scale)
    return log_scale - square / 2 - count * log_scale - shrink * squares / (2 * square)


class Wages:
    """One pilot of ``n`` men drawn with replacement."""

    labels = QUANTITIES

    def __init__(
        self,
        n: int,
        rng: np.random.Generator,
        framing: str | None = None,
        *,
        men: np.ndarray | None = None,
        fine: int = 1,
    ) -> None:
        self.world, self.n, self.framing, self.fine = world(framing), n, framing, fine
        self.men = rng.integers(len(self.world.y), size=n) if men is None else men
        self.x, self.y = self.world.x[self.men], self.world.y[self.men]
        self.effective_rows, self.pool = self.world.rows, self.world.pool
        self.rng, self._last = rng, (b"", None)

    def posterior(self, trust: np.ndarray) -> Grid:
        """Return the components at some trusts, those of the last call without work."""
        key = np.asarray(trust, dtype=float).tobytes()
        if self._last[0] != key:
            self._last = (key, self.grid(trust))
        return self._last[1]

    def grid(self, trust: np.ndarray, real: bool = True) -> Grid:
        """Return the components at some trusts, with or without the real rows."""
        w, trust = self.world, np.atleast_1d(np.asarray(trust, dtype=float))
        x, y = (self.x, self.y) if real else (self.x[:0], self.y[:0])
        eye = np.eye(x.shape[1])
        own = np.linalg.solve(x.T @ x / 0.16 + eye, x.T @ y / 0.16 + CENTRE)
        said = np.linalg.solve(w.xs.T @ w.xs / 0.02 + eye, w.xs.T @ w.ys / 0.02 + CENTRE)
        squares = [((w.ys - w.xs @ b) ** 2).sum() for b in (said, own)]
        k, t = trust[:, None] * w.rows, trust[:, None]
        tau, step_tau = _window([_log_scale(COARSE, k, s, t) for s in squares], 32 * self.fine)
        if real:
            ssr = [((y - x @ b) ** 2).sum() for b in (own, said)]
            counts = [np.array([[c]]) for c in (len(y), max(len(y) - 6, 2))]
            sigma, step_sigma = _window(
                [_log_scale(COARSE, c, s) for s in ssr for c in counts], 20 * self.fine
            )
            log_sigma, step = sigma[0], step_sigma[0]
        else:
            log_sigma, step = np.zeros(1), 1.0
        a = np.exp(-2 * log_sigma) * bool(real)
        b = eye + a[:, None, None] * (x.T @ x)
        root = np.linalg.inv(np.linalg.cholesky(b))
        inner = root @ (w.xs.T @ w.xs) @ root.transpose(0, 2, 1)
        values, vectors = np.linalg.eigh(inner)
        basis = root.transpose(0, 2, 1) @ vectors
        c = t * np.exp(-2 * tau)  # (trust, tau)
        spread = 1 / (1 + c[:, None, :, None] * np.maximum(values, 0)[None, :, None, :])
        first = np.einsum("gij,gi->gj", basis, CENTRE + a[:, None] * (x.T @ y))
        second = np.einsum("gij,i->gj", basis, w.xs.T @ w.ys)
        h = first[None, :, None] + c[:, None, :, None] * second[None, :, None]
        mean = np.einsum("gij,tgkj->tgki", basis, spread * h)
        variance = np.einsum("gij,tgkj->tgki", basis**2, spread)
        level = 0.5 * (np.log(spread).sum(-1) - np.linalg.slogdet(b)[1][None, :, None])
        level += 0.5 * (spread * h * h).sum(-1) - 0.5 * CENTRE @ CENTRE
        level -= 0.5 * (a * (y @ y))[None, :, None] + 0.5 * (c * (w.ys @ w.ys))[:, None]
        level += (tau - np.exp(2 * tau) / 2 - k * tau + np.log(step_tau)[:, None])[:, None]
        if real:
            prior = log_sigma - np.exp(2 * log_sigma) / 2 - len(y) * log_sigma
            level += (prior + np.log(step))[None, :, None]
        flat = (len(trust), -1)
        sigma = np.broadcast_to(np.exp(log_sigma)[None, :, None], level.shape)
        scale = np.broadcast_to(np.exp(tau)[:, None], level.shape)
        return Grid(
            level.reshape(flat),
            mean.reshape(*flat, 6),
            variance.reshape(*flat, 6),
            sigma.reshape(flat),
            scale.reshape(flat),
        )

    def log_evidence(self, trust: np.ndarray) -> np.ndarray:
        """Return log evidence, up to a constant."""
        return self.posterior(trust).log_z() - self.grid(trust, real=False).log_z()

    def average(self, trust: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Return mean, 5% and 95% quantile under a law, shape (3, coefficient)."""
        grid = self.posterior(trust)
        mass = (p[:, None] * grid.probability()).ravel()
        kept = mass > 1e-5 * mass.max()
        mass = mass[kept] / mass[kept].sum()
        m, v = (a.reshape(-1, 6)[kept, 1:] for a in (grid.mean, grid.variance))
        mean = mass @ m
        sd = np.sqrt(mass @ ((m - mean) ** 2 + v))
        steps = np.linspace(-5, 5, 101)
        x = mean + sd * steps[:, None]
        below = np.einsum("c,cxq->xq", mass, ndtr((x - m[:, None]) / np.sqrt(v)[:, None]))
        ends = [[np.interp(q, below[:, k], x[:, k]) for k in range(5)] for q in (0.05, 0.95)]
        return np.array([mean, *ends])

    def _few(self, grid: Grid, i: int, least: float = 1e-4):
        p = grid.probability()[i]
        kept = p > least * p.max()
        return p[kept] / p[kept].sum(), kept

    def loo(self, trust: np.ndarray) -> np.ndarray:
        """Return leave-one-out log predictive scores, exact given the scales."""
        grid, out = self.full(trust), []
        for i in range(len(trust)):
            p, mean, covariance, sigma = grid(i)
            r = self.y - mean @ self.x.T
            v = np.einsum("ni,cij,nj->cn", self.x, covariance, self.x, optimize=True)
            free = sigma[:, None] ** 2 - v
            inverse = (
                0.5 * np.log(2 * np.pi) + 2 * np.log(sigma[:, None]) - 0.5 * np.log(free)
            ) + r**2 / (2 * free)
            out.append(-logsumexp(inverse + np.log(p)[:, None], axis=0).sum())
        return np.array(out)

    def held_out(self, trust: np.ndarray) -> np.ndarray:
        """Return log predictive scores of the second half of the pilot given the first."""
        half = Wages(self.n // 2, self.rng, self.framing, men=self.men[: self.n // 2])
        other = self.men[self.n // 2 :]
        x, y, out = self.world.x[other], self.world.y[other], []
        grid = half.full(trust)
        for i in range(len(trust)):
            p, mean, covariance, sigma = grid(i)
            v = np.einsum("ni,cij,nj->cn", x, covariance, x, optimize=True) + sigma[:, None] ** 2
            log_p = -0.5 * np.log(2 * np.pi * v) - (y - mean @ x.T) ** 2 / (2 * v)
            out.append(logsumexp(log_p + np.log(p)[:, None], axis=0).sum())
        return np.array(out)

    def full(self, trust: np.ndarray):
        """Return a function from a trust's number to components with whole covariances."""
        grid, w = self.grid(trust), self.world
        eye, xx, ss = np.eye(6), self.x.T @ self.x, w.xs.T @ w.xs

        def component(i: int):
            p, kept = self._few(grid, i, 1e-3)
            sigma = grid.sigma[i, kept]
            c = trust[i] / grid.tau[i, kept] ** 2
            a = eye + xx / sigma[:, None, None] ** 2 + c[:, None, None] * ss
            return p, grid.mean[i, kept], np.linalg.inv(a), sigma

        return component

    @cached_property
    def linear(self) -> Linear:
        """The pilot as a Gaussian problem, at the posterior mean at trust 0."""
        w, grid = self.world, self.grid(np.zeros(1))
        p = grid.probability()[0]
        mean = p @ grid.mean[0]
        sigma = float(np.exp(p @ np.log(grid.sigma[0])))
        squares = ((w.ys - w.xs @ mean) ** 2).sum()
        best = minimize_scalar(
            lambda u: -_log_scale(u, w.rows, squares), bounds=(-6, 2), method="bounded"
        )
        said = w.xs.T @ w.xs * np.exp(-2 * best.x)
        real = self.x.T @ self.x / sigma**2
        return Linear(
            mean=mean,
            covariance=np.linalg.inv(np.eye(6) + real),
            prior=np.eye(6),
            centre=CENTRE,
            real=real,
            said=said,
            score=w.xs.T @ (w.ys - w.xs @ mean) * np.exp(-2 * best.x),
            slopes=np.eye(6)[1:],
        )

    @cached_property
    def worth(self) -> float:
        """Effective real observations of the answers at trust 1."""
        return self.n * worth(self.linear)


def truth() -> np.ndarray:
    """Return the same model's posterior means on all 2,960."""
    whole = Wages(0, np.random.default_rng(0), men=np.arange(len(world().y)))
    return whole.average(np.zeros(1), np.ones(1))[0]
