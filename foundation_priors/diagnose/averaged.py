r"""Shares of information under a random trust, in NumPy.

With :math:`V_L` the variance and :math:`s_c(L)` the shares at a weight, and p the posterior of the
trust, component c has :math:`E[V_L s_c(L)] / V`, and not knowing the trust
:math:`Var(E_L h) / V`: these add to 1, since :math:`V = E[V_L] + Var(E_L h)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foundation_priors.diagnose.shares import Shares
from foundation_priors.path.ladder import Ladder
from foundation_priors.trust.average import blend

__all__ = ["Averager"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Each:
    """Figures at every node, and the influence of each draw on them.

    Shapes: ``mean``, ``variance``, ``total`` (node,); ``share``, ``pull`` (node, component);
    ``centred`` (node, draw); the influences (node, component, draw).
    """

    mean: Floats
    variance: Floats
    total: Floats
    share: Floats
    pull: Floats
    centred: Floats
    share_influence: Floats
    pull_influence: Floats
    total_influence: Floats


class Averager:
    """Shares of information under one distribution of weights, for any number of quantities.

    Parameters
    ----------
    posterior, prior : Ladder
    points, probability : array
        The distribution's nodes, shape (node, source) and (node,).
    grads, values : array
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
        grads: Floats,
        values: Floats,
        sources: list[int | None],
    ) -> None:
        self.posterior, self.prior = posterior, prior
        self.points, self.p = points, probability
        self.w = posterior.mixture.weights(points)
        live = self.w.max(axis=0) > 0
        self.u = posterior.u - np.mean(posterior.u, axis=0)
        self.grads = np.where(live[:, None], grads, 0.0)
        self.values = np.where(live, values, 0.0)
        one = np.ones(len(points))
        self.scale = np.stack([one if s is None else points[:, s] for s in sources], axis=1)
        self.mean_u = self.w @ self.u
        self.mean_g = self._means(self.grads)

    def _means(self, x: Floats) -> Floats:
        """Return means at every node of arrays over (component, draw, coordinate)."""
        return np.stack([self.w @ part for part in x], axis=1)

    def shares(self, h: Floats) -> tuple[Shares, float, float]:
        """Return the shares of a scalar quantity, shape (draw,), and that of the trust's spread.

        The second and third values are the share of not knowing the trust, and its error.
        """
        each, p, mixture = self._each(h), self.p, self.posterior.mixture
        away = each.mean - p @ each.mean
        variance = p @ (each.variance + away**2)
        parts = np.column_stack([each.variance[:, None] * each.share, away**2])
        share = p @ parts / variance
        square = each.centred**2 - each.variance[:, None]
        whole = square + 2 * away[:, None] * each.centred
        inner = each.variance[:, None, None] * each.share_influence
        inner = inner + each.share[:, :, None] * square[:, None]
        own = np.concatenate([inner, (2 * away[:, None] * each.centred)[:, None]], axis=1)
        own = (own - share[:, None] * whole[:, None]) / variance
        mass = np.einsum("i,in,icn->cn", p, self.w, np.concatenate([own, each.pull_influence], 1))
        rows = np.concatenate(
            [
                (parts - share * (each.variance + away**2)[:, None]) / variance,
                each.pull - p @ each.pull,
            ],
            axis=1,
        )
        errors = self._errors(mass, p * rows.T)
        k = parts.shape[1]
        least = int(np.argmin(np.abs(each.total)))
        spread = mixture.spread((self.w[least] * each.total_influence[least])[None])
        found = Shares(
            share[:-1],
            errors[: k - 1],
            p @ each.pull,
            errors[k:],
            float(each.total[least]),
            float(mixture.error_of(spread)[0]),
        )
        return found, float(share[-1]), float(errors[k - 1])

    def _each(self, h: Floats) -> _Each:
        w, scale = self.w, self.scale
        live = w.max(axis=0) > 0
        h = np.where(live, h - np.mean(h[live]), 0.0)
        mean = w @ h
        dh = h - mean[:, None]
        variance = np.einsum("in,in->i", w, dh**2)
        v = w @ (h[:, None] * self.u) - mean[:, None] * self.mean_u
        m = self._means(h[:, None] * self.grads) - mean[:, None, None] * self.mean_g
        m = m * scale[..., None]
        parts = -np.einsum("icd,id->ic", m, v)
        total = parts.sum(axis=1)
        along = np.stack([g @ v.T for g in self.grads], axis=0).transpose(2, 0, 1)
        along = along - np.einsum("icd,id->ic", self.mean_g, v)[..., None]
        across = np.einsum("icd,nd->icn", m, self.u)
        across = across - np.einsum("icd,id->ic", m, self.mean_u)[..., None]
        q = -dh[:, None] * (across + scale[..., None] * along)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = parts / total[:, None]
            influence = (q - share[..., None] * q.sum(axis=1, keepdims=True)) / total[:, None, None]
        pull, pull_influence = self._pull(dh, variance)
        return _Each(mean, variance, total, share, pull, dh, influence, pull_influence, q.sum(1))

    def _pull(self, dh: Floats, variance: Floats) -> tuple[Floats, Floats]:
        level = self.scale[..., None] * self.values
        dl = level - np.einsum("icn,in->ic", level, self.w)[..., None]
        with np.errstate(divide="ignore", invalid="ignore"):
            products = dl * (dh / np.sqrt(variance)[:, None])[:, None]
            pull = np.einsum("icn,in->ic", products, self.w)
            bend = (dh**2 / (2 * variance[:, None]))[:, None]
        return pull, products - pull[..., None] * bend

    def _errors(self, mass: Floats, rows: Floats) -> Floats:
        """Return standard errors: through the draws, and through both ladders' normalisers."""
        above, below = self.posterior.mixture, self.prior.mixture
        through = above.spread(np.nan_to_num(mass) + blend(above, self.points, rows))
        other = below.spread(blend(below, self.points, rows))
        return np.hypot(above.error_of(through), below.error_of(other))
