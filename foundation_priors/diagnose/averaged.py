r"""Shares of information under a random trust, in NumPy.

With :math:`V_L` the variance and :math:`s_c(L)` the shares at a weight, and p the posterior of the
trust, component c has :math:`E[V_L s_c(L)] / V`, and not knowing the trust
:math:`Var(E_L h) / V`: these add to 1, since :math:`V = E[V_L] + Var(E_L h)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foundation_priors.diagnose.shares import Shares, only
from foundation_priors.path.ladder import Ladder
from foundation_priors.trust.average import blend

__all__ = ["Averager"]

type Floats = NDArray[np.float64]


BLOCK = 1_000
"""Draws whose influence is worked out at once: more do not stay in a processor's cache."""


@dataclass(frozen=True)
class _Each:
    """Figures at every node.

    Shapes: ``mean``, ``variance``, ``total`` (node,); ``share``, ``pull`` (node, component); ``v``,
    the covariance of the coordinates with the quantity, (node, coordinate); ``m``, that of the
    gradients at their weight, (node, component, coordinate).
    """

    mean: Floats
    variance: Floats
    total: Floats
    share: Floats
    pull: Floats
    v: Floats
    m: Floats


class Averager:
    """Shares of information under one distribution of weights, for any number of quantities.

    Parameters
    ----------
    posterior, prior : Ladder
    points, probability : array
        The distribution's nodes, shape (node, source) and (node,).
    grads, values : sequence of array
        Of each component at weight 1, shapes (component, draw, coordinate), (component, draw).
    sources : list of int or None
        The source that a component is, or None.
    """

    def __init__(
        self,
        posterior: Ladder,
        prior: Ladder,
        points: Floats,
        probability: Floats,
        grads: Sequence[Floats],
        values: Sequence[Floats],
        sources: list[int | None],
    ) -> None:
        self.posterior, self.prior = posterior, prior
        self.points, self.p = points, probability
        self.w = posterior.mixture.weights(points)
        self.live = self.w.max(axis=0) > 0
        self.u, self.centre = posterior.u, np.mean(posterior.u, axis=0)
        self.grads = [only(g, self.live) for g in grads]
        self.values = np.stack([only(x, self.live) for x in values])
        one = np.ones(len(points))
        self.scale = np.stack([one if s is None else points[:, s] for s in sources], axis=1)
        self.mean_u, self.mean_g = self._means(self.w)

    def _means(self, w: Floats) -> tuple[Floats, Floats]:
        """Return weighted sums of coordinates, less their centre, and of the gradients."""
        u = w @ self.u - w.sum(axis=1)[:, None] * self.centre
        return u, np.stack([w @ g for g in self.grads], axis=1)

    def shares(self, h: Floats) -> tuple[Shares, float, float]:
        """Return the shares of a scalar quantity, shape (draw,), and that of the trust's spread.

        The second and third values are the share of not knowing the trust, and its error.
        """
        h = np.where(self.live, h - np.mean(h[self.live]), 0.0)
        each, p = self._each(h), self.p
        away = each.mean - p @ each.mean
        variance = p @ (each.variance + away**2)
        parts = np.column_stack([each.variance[:, None] * each.share, away**2])
        share = p @ parts / variance
        rows = np.concatenate(
            [
                (parts - share * (each.variance + away**2)[:, None]) / variance,
                each.pull - p @ each.pull,
            ],
            axis=1,
        )
        least = int(np.argmin(np.abs(each.total)))
        mass, total = self._influence(h, each, away, share, variance, least)
        errors, mixture = self._errors(mass, p * rows.T), self.posterior.mixture
        k = parts.shape[1]
        found = Shares(
            share[:-1],
            errors[: k - 1],
            p @ each.pull,
            errors[k:],
            float(each.total[least]),
            float(mixture.error_of(mixture.spread(total[None]))[0]),
        )
        return found, float(share[-1]), float(errors[k - 1])

    def _each(self, h: Floats) -> _Each:
        wh, scale = self.w * h, self.scale
        mean = wh.sum(axis=1)
        variance = np.stack([w @ (h - m) ** 2 for w, m in zip(self.w, mean, strict=True)])
        v, m = self._means(wh)
        v = v - mean[:, None] * self.mean_u
        m = (m - mean[:, None, None] * self.mean_g) * scale[..., None]
        parts = -(m @ v[..., None])[..., 0]
        total = parts.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = parts / total[:, None]
            pull = wh @ self.values.T - mean[:, None] * (self.w @ self.values.T)
            pull = scale * pull / np.sqrt(variance)[:, None]
        return _Each(mean, variance, total, share, pull, v, m)

    def _influence(
        self,
        h: Floats,
        each: _Each,
        away: Floats,
        share: Floats,
        variance: Floats,
        least: int,
    ) -> tuple[Floats, Floats]:
        """Return the weighted influence of each draw on shares and pulls, (figure, draw).

        The second is that on the total at the node where it is least, (draw,).
        """
        nodes, k, d = each.m.shape
        mass, total = np.empty((2 * k + 1, len(h))), np.empty(len(h))
        flat = each.m.reshape(-1, d)
        offset = flat @ self.centre
        at_u = (each.m @ self.mean_u[..., None])[..., 0]
        at_g = (self.mean_g @ each.v[..., None])[..., 0]
        at_value = self.w @ self.values.T
        weight, one = self.p[:, None] * self.w, 1 / each.variance
        scale, own = self.scale[..., None], each.variance[:, None, None]
        for start in range(0, len(h), BLOCK):
            some = slice(start, start + BLOCK)
            dh = h[some] - each.mean[:, None]
            across = (flat @ self.u[some].T - offset[:, None]).reshape(nodes, k, -1)
            along = np.stack([each.v @ g[some].T for g in self.grads], axis=1)
            q = (across - at_u[..., None]) + scale * (along - at_g[..., None])
            q *= -dh[:, None]
            whole = q.sum(axis=1)
            square = dh**2 - each.variance[:, None]
            bend = square + 2 * away[:, None] * dh
            level = scale * (self.values[:, some] - at_value[..., None])
            w = weight[:, some]
            with np.errstate(divide="ignore", invalid="ignore"):
                q -= each.share[..., None] * whole[:, None]
                q *= own / each.total[:, None, None]
                q += each.share[..., None] * square[:, None]
                q -= share[:-1, None] * bend[:, None]
                level *= (dh * np.sqrt(one)[:, None])[:, None]
                level -= each.pull[..., None] * (dh**2 * (one / 2)[:, None])[:, None]
            mass[:k, some] = (w[:, None] * q).sum(axis=0) / variance
            last = 2 * away[:, None] * dh - share[-1] * bend
            mass[k, some] = (w * last).sum(axis=0) / variance
            mass[k + 1 :, some] = (w[:, None] * level).sum(axis=0)
            total[some] = self.w[least, some] * whole[least]
        return mass, total

    def _errors(self, mass: Floats, rows: Floats) -> Floats:
        """Return standard errors: through the draws, and through both ladders' normalisers."""
        above, below = self.posterior.mixture, self.prior.mixture
        through = above.spread(np.nan_to_num(mass) + blend(above, self.points, rows))
        other = below.spread(blend(below, self.points, rows))
        return np.hypot(above.error_of(through), below.error_of(other))
