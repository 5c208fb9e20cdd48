r"""Hyperpriors of several weights, and nodes of integrals over them; NumPy in, NumPy out.

A joint hyperprior is a map from the unit cube to the weights with a density on the cube. Its
integrals are sums over scrambled Sobol points [1]_, drawn in rounds from a mixture that is
fitted to the integrand on the logit scale of the cube, all rounds weighted together [2]_.

References
----------
.. [1] A. B. Owen (1998). Scrambling Sobol' and Niederreiter-Xing points. J. Complexity 14(4).
   doi:10.1006/jcom.1998.0487
.. [2] J.-M. Cornuet, J.-M. Marin, A. Mira and C. P. Robert (2012). Adaptive multiple importance
   sampling. Scand. J. Statistics 39(4). doi:10.1111/j.1467-9469.2011.00756.x
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, gammaln, log_expit, logsumexp

from foundation_priors.trust.hyperprior import Hyperprior
from foundation_priors.trust.nodes import NEGLIGIBLE, Nodes, place

__all__ = ["Joint", "exchangeable", "independent", "integrate", "of_density", "within"]

type Floats = NDArray[np.float64]

ROUND, ROUNDS = 1024, 4
WIDEST = 30.0
"""Half the range of the logit scale that the first round covers: weights down to 1e-13."""
FREEDOM = 5.0
SPLITS = 10
"""How many splits among the sources the nodes of the cautious hyperprior have for each total."""


@dataclass(frozen=True)
class Joint:
    """A hyperprior of several weights.

    ``weights`` maps points of the unit cube, shape (node, source), to the weights, and
    ``log_density`` gives the log density of these points on the cube, shape (node,). ``nodes`` are
    those of the hyperprior itself, where it has better ones than `integrate` finds.
    """

    name: str
    weights: Callable[[Floats], Floats]
    log_density: Callable[[Floats], Floats]
    nodes: Nodes | None = None


def within(caps: Floats, top: float) -> Joint:
    r"""Return the law whose total is that of a single source, whatever the number of sources.

    Parameters
    ----------
    caps : numpy.ndarray
        Shape (source,): the weight at which each source alone is worth as much as the real data.
    top : float
        The largest weight of a source.

    Notes
    -----
    The total :math:`t = \sum_s L_s / cap_s`, as a share of the real observations, is uniform from 0
    to :math:`\min(1, \sum_s top / cap_s)`. Its shares are uniform on the simplex, by breaking a
    stick in the proportions Beta(1, S - 1), ..., Beta(1, 1); what a share would take beyond ``top``
    falls to the other sources in proportion to theirs.
    """
    room = top / caps
    most = min(1.0, float(room.sum()))
    powers = 1 / np.arange(len(caps) - 1, 0, -1)

    def split(total: Floats, v: Floats) -> Floats:
        left = (1 - v) ** powers
        before = np.cumprod(np.hstack([np.ones((len(v), 1)), left]), axis=1)
        shares = before * np.hstack([1 - left, np.ones((len(v), 1))])
        return np.minimum(caps * _fill(total, shares, room), top)

    law = place(lambda t: np.full(len(t), -np.log(most)), 0.0, most)
    u = stats.qmc.Sobol(len(caps) - 1, rng=np.random.default_rng(0)).random_base2(12)
    u = u[: SPLITS * len(law.trust)]
    points = split(np.repeat(law.trust, SPLITS), u)
    nodes = replace(law, points=points, probability=np.repeat(law.probability, SPLITS) / SPLITS)
    return Joint(
        "cautious",
        lambda v: split(most * v[:, 0], v[:, 1:]),
        lambda v: np.zeros(len(v)),
        replace(nodes, t=None, slope=None),
    )


def _fill(total: Floats, shares: Floats, room: Floats) -> Floats:
    """Share out totals, shape (node,), among sources that hold at most ``room``, (source,)."""
    with np.errstate(divide="ignore"):
        full = room / shares
    order = np.argsort(full, axis=1)
    held, rest = room[order], np.take_along_axis(shares, order, axis=1)
    level = np.full(len(total), np.inf)
    for filled in range(len(room)):
        # The first so many sources are full, and the rest shares what they leave.
        weight = rest[:, filled:].sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (total - held[:, :filled].sum(axis=1)) / weight
        fits = found <= np.take_along_axis(full, order[:, filled : filled + 1], axis=1)[:, 0]
        level = np.where(np.isinf(level) & fits, found, level)
    with np.errstate(invalid="ignore"):
        return np.where(shares > 0, np.minimum(level[:, None] * shares, room), 0.0)


def independent(laws: Sequence[Hyperprior]) -> Joint:
    """Return the law of independent weights."""
    low, high = (np.array([getattr(law, end) for law in laws]) for end in ("low", "high"))

    def weights(v: Floats) -> Floats:
        return low + (high - low) * v

    def log_density(v: Floats) -> Floats:
        columns = weights(v).T
        each = [law.log_density(x) for law, x in zip(laws, columns, strict=True)]
        return np.sum(each, axis=0) + np.log(high - low).sum()

    names = [law.name for law in laws]
    alike = len(set(names)) == 1
    name = f"{names[0]}, independent" if alike else " x ".join(names)
    return Joint(name, weights, log_density)


def exchangeable(
    sources: int, top: float, mean: tuple[float, float], concentration: tuple[float, float]
) -> Joint:
    r"""Return the law of weights that are alike in an unknown degree.

    Notes
    -----
    :math:`L_s / top \sim Beta(\mu k, (1 - \mu) k)` with ``top`` the largest weight, independent
    given :math:`\mu \sim Beta(mean)` and :math:`k \sim Gamma(concentration)` (shape and rate),
    which are integrated out at the midpoints of equally likely intervals.
    """
    levels = (np.arange(40) + 0.5) / 40
    mu = stats.beta(*mean).ppf(levels)
    k = stats.gamma(concentration[0], scale=1 / concentration[1]).ppf(levels[::2])
    a = np.clip((mu[:, None] * k).ravel(), 1e-8, None)
    b = np.clip(((1 - mu[:, None]) * k).ravel(), 1e-8, None)
    constant = sources * (gammaln(a + b) - gammaln(a) - gammaln(b)) - np.log(a.size)

    def log_density(v: Floats) -> Floats:
        one, other = np.log(v).sum(axis=1), np.log1p(-v).sum(axis=1)
        return logsumexp(np.outer(one, a - 1) + np.outer(other, b - 1) + constant, axis=1)

    return Joint("exchangeable", lambda v: top * v, log_density)


def of_density(density: Callable[[Floats], Floats], top: Floats, name: str) -> Joint:
    """Return a law from the log density of the weights, shape (node, source) to (node,)."""

    def log_density(v: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            out = np.asarray(density(top * v), dtype=float)
        if out.shape != (len(v),):
            raise ValueError(
                f"prior={name} gives densities of shape {out.shape} for weights of shape {v.shape}:"
                f" return one density a row, shape ({len(v)},)."
            )
        if np.isnan(out).any():
            raise ValueError(f"prior={name} has no density at some weights: it must be 0 or more.")
        return out + np.log(top).sum()

    return Joint(name, lambda v: top * v, log_density)


def integrate(
    joint: Joint, sources: int, log_evidence: Callable[[Floats], Floats] | None
) -> tuple[Nodes, Floats]:
    """Return nodes for the hyperprior, or with ``log_evidence`` for the posterior.

    The second value is the log evidence at the nodes.
    """

    def height(t: Floats) -> tuple[Floats, Floats, Floats]:
        v = np.clip(expit(t), 1e-300, 1 - 1e-16)
        points = joint.weights(v)
        values = joint.log_density(v) + (log_expit(t) + log_expit(-t)).sum(axis=1)
        known = np.zeros(len(t))
        live = values > -np.inf
        if log_evidence is not None and live.any():
            known[live] = log_evidence(points[live])
        return points, values + known, known

    proposals: list[_Proposal] = []
    ts = np.empty((0, sources))
    parts: list[tuple[Floats, Floats, Floats]] = []
    log_w = np.empty(0)
    for number in range(ROUNDS):
        proposals.append(_proposal(number, sources, ts, log_w, height))
        t = proposals[-1].draw(ROUND, number)
        ts = np.vstack([ts, t])
        parts.append(height(t))
        values = np.concatenate([part[1] for part in parts])
        log_q = logsumexp([p.log_density(ts) for p in proposals], axis=0) + np.log(ROUND)
        log_w = values - log_q
        if not np.isfinite(log_w.max()):
            raise ValueError(f"prior={joint.name} is 0 at every weight of the path.")
    top = log_w.max()
    kept = log_w > top - NEGLIGIBLE
    mass = np.exp(log_w[kept] - top)
    p = mass / mass.sum()
    points, known = (np.concatenate([part[i] for part in parts])[kept] for i in (0, 2))
    integral = float(top + np.log(mass.sum()))
    return Nodes(points, p, integral, size=float(1 / (p**2).sum())), known


def _proposal(
    number: int,
    sources: int,
    ts: Floats,
    log_w: Floats,
    height: Callable[[Floats], tuple[Floats, Floats, Floats]],
) -> _Proposal:
    """Return what to draw a round from: widely, then about the mode, then from a fit."""
    if number == 0:
        return _Start(sources)
    if number == 1:
        return _Fitted(*_laplace(lambda t: height(t)[1], ts[np.argmax(log_w)]))
    w = np.exp(log_w - log_w.max())
    w /= w.sum()
    centre = w @ ts
    away = ts - centre
    return _Fitted(centre, 1.5 * (w[:, None] * away).T @ away + 0.02 * np.eye(sources))


def _laplace(log_height: Callable[[Floats], Floats], start: Floats) -> tuple[Floats, Floats]:
    """Return the mode and an inflated covariance there, on the logit scale."""
    from scipy.optimize import minimize

    def loss(t: Floats) -> float:
        value = float(log_height(t[None])[0])
        return -value if np.isfinite(value) else 1e10

    d = len(start)
    mode = minimize(loss, start, method="Nelder-Mead", options={"maxfev": 60 * d}).x
    step = 0.1
    moves = step * np.eye(d)
    pairs = [(i, j) for i in range(d) for j in range(i, d)]
    corners = [
        mode + a * moves[i] + b * moves[j] for i, j in pairs for a in (1, -1) for b in (1, -1)
    ]
    values = log_height(np.array(corners)).reshape(-1, 4)
    hessian = np.zeros((d, d))
    with np.errstate(invalid="ignore"):  # corners may lie where the density is 0
        bends = (values[:, 1] + values[:, 2] - values[:, 0] - values[:, 3]) / (4 * step**2)
    for (i, j), bend in zip(pairs, bends, strict=True):
        hessian[i, j] = hessian[j, i] = bend
    scales, axes = np.linalg.eigh(np.nan_to_num(hessian, nan=1.0, posinf=1.0, neginf=1.0))
    return mode, (axes * (2 / np.clip(scales, 0.05, None))) @ axes.T


class _Start:
    """Half of the points uniform on the cube, half on the logit scale downwards."""

    def __init__(self, sources: int) -> None:
        self.sources = sources

    def draw(self, size: int, seed: int) -> Floats:
        u = stats.qmc.Sobol(self.sources + 1, rng=np.random.default_rng(seed)).random(size)
        u = np.clip(u, 1e-12, 1 - 1e-12)
        on_cube = np.log(u) - np.log1p(-u)
        spread = WIDEST * (2 * u - 1)
        return np.where(u[:, -1:] < 0.5, on_cube, spread)[:, : self.sources]

    def log_density(self, t: Floats) -> Floats:
        flat = np.where(
            (np.abs(t) <= WIDEST).all(axis=1), -self.sources * np.log(2 * WIDEST), -np.inf
        )
        return np.logaddexp((log_expit(t) + log_expit(-t)).sum(axis=1), flat) - np.log(2)


class _Fitted:
    """A Student t on the logit scale."""

    def __init__(self, centre: Floats, covariance: Floats) -> None:
        self.centre, self.root = centre, np.linalg.cholesky(covariance)

    def draw(self, size: int, seed: int) -> Floats:
        d = len(self.centre)
        u = stats.qmc.Sobol(d + 1, rng=np.random.default_rng(100 + seed)).random(size)
        u = np.clip(u, 1e-12, 1 - 1e-12)
        scale = np.sqrt(FREEDOM / stats.chi2(FREEDOM).ppf(u[:, -1:]))
        return self.centre + scale * stats.norm.ppf(u[:, :d]) @ self.root.T

    def log_density(self, t: Floats) -> Floats:
        z = np.linalg.solve(self.root, (t - self.centre).T)
        d, v = len(self.centre), FREEDOM
        constant = gammaln((v + d) / 2) - gammaln(v / 2) - d / 2 * np.log(v * np.pi)
        log_det = np.log(np.diag(self.root)).sum()
        return constant - log_det - (v + d) / 2 * np.log1p((z**2).sum(axis=0) / v)


type _Proposal = _Start | _Fitted
