r"""A path averaged over a rule of trust.

With :math:`p_i` the posterior of the trust at its nodes, a draw weighs :math:`W_n = \sum_i p_i
w_n(L_i)`, from which every result follows; variances are those of the law of total variance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.flags import warn
from foundation_priors.path.mixture import Estimate, Mixture
from foundation_priors.path.points import Points
from foundation_priors.path.weighing import Weighing

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.trust.posterior import TrustPosterior

__all__ = ["Averaged", "blend", "weighing"]

type Floats = NDArray[np.float64]

CELLS = 4_000_000
FEW = 201
"""Nodes that Monte Carlo errors are worked out with."""


def _chunks(mixture: Mixture, count: int) -> list[slice]:
    step = max(1, CELLS // len(mixture.ell))
    return [slice(i, i + step) for i in range(0, count, step)]


def blend(mixture: Mixture, points: Floats, coefficients: Floats) -> Floats:
    """Return sums over points of coefficients, (row, point), times normalised weights."""
    total = np.zeros((len(coefficients), len(mixture.ell)))
    for some in _chunks(mixture, len(points)):
        total += coefficients[:, some] @ mixture.weights(points[some])
    return total


def weighing(path: TrustPath, trust: Any) -> Weighing:
    """Return how a rule, by name or as an object, weighs the draws of a path."""
    from foundation_priors.trust.fit import trust_posterior
    from foundation_priors.trust.hyperprior import NAMES
    from foundation_priors.trust.posterior import TrustPosterior
    from foundation_priors.trust.rules import named

    if isinstance(trust, TrustPosterior):
        if trust.path is not path:
            raise ValueError("trust= is the posterior of another path's trust: make it from this.")
        return Averaged(trust)
    known = path.__dict__.setdefault("_rules", {})
    if trust not in known:
        if isinstance(trust, str) and trust in NAMES:
            known[trust] = trust_posterior(path, trust, quiet=True)
        else:
            known[trust] = (named(trust) if isinstance(trust, str) else trust).weigh(path)
    found = known[trust]
    if isinstance(found, TrustPosterior):
        return Averaged(found)
    return Weighing(path, path.points(found))


class Averaged(Weighing):
    """The posterior under a random trust, as a single point."""

    def __init__(self, rule: TrustPosterior) -> None:
        name, mean = rule.hyperprior, rule.nodes.probability @ rule.nodes.points
        super().__init__(rule.path, Points(mean[None], (), (), {"trust": name}))
        self.rule = rule

    def weights(self) -> Floats:
        """Return normalised weights of the draws, shape (1, draw)."""
        return self.rule.draw_weights[None]

    def expect(self, h: Floats) -> Floats:
        """Return the means of ``h`` alone, shape (1, quantity)."""
        w = self.rule.draw_weights
        return (w @ np.where(w[:, None] > 0, h, 0.0))[None]

    def estimate(self, h: Floats) -> Estimate:
        r"""Return means and sds of ``h``, the error of both ladders' normalisers counted.

        Notes
        -----
        The mean is :math:`\sum_i a_i N_i / \sum_i a_i D_i` with :math:`N_i, D_i` sums over the
        posterior's draws and :math:`a_i \propto 1/Z_{prior}(L_i)`, so that the posterior's draws
        enter through W alone and those of the prior through
        :math:`-\sum_i p_i (E_i h - E h) \log Z_{prior}(L_i)`. The errors come from at most 201 of
        the nodes; those of nodes drawn at random count too.
        """
        mean, sd, error, error_sd = self.mixture.moments(self.weights(), h)
        live = self.rule.draw_weights > 0
        z = np.where(live[:, None], h - mean, 0.0)
        points, p = self.rule.nodes.thinned(FEW)
        each = self.mixture.expect(points, z)
        second = p[:, None] * (self.mixture.expect(points, z**2) - sd**2)
        prior = self.path.prior.mixture
        rows = blend(prior, points, np.hstack([p[:, None] * each, second]).T)
        more = prior.error_of(prior.spread(rows))
        k = h.shape[1]
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = np.where(sd[0] > 0, more[k:] / (2 * sd[0]), 0.0)
        nodes = np.sqrt(p @ each**2 / self.rule.nodes.size)
        return Estimate(
            mean,
            sd,
            np.sqrt(error**2 + more[:k] ** 2 + nodes**2),
            np.sqrt(error_sd**2 + spread**2 + nodes**2 / 2),
        )

    def reliable(self) -> NDArray[np.bool_]:
        """Return whether all weights in the rule's support are reliable, and warn if not."""
        checked, bad = self.rule.checked
        points = Points(checked, (len(checked),), ("trust",), {})
        warn(points, bad, f"checks under the rule {self.rule.hyperprior!r}")
        return np.array([not bad.any()])

    def prior_weights(self) -> Floats:
        """Return weights of the tilted prior's draws, averaged over the hyperprior."""
        nodes = self.rule.hyperprior_nodes
        return blend(self.path.prior.mixture, nodes.points, nodes.probability[None])[0]

    def trust_of(self, chosen: NDArray[np.int_], rng: np.random.Generator) -> Floats:
        """Draw the trust of chosen draws given them, shape (draw, source)."""
        nodes, mixture = self.rule.nodes, self.mixture
        level = np.log(nodes.probability + 1e-300) - mixture.log_z(nodes.points)
        out = np.empty((len(chosen), nodes.points.shape[1]))
        step = max(1, CELLS // len(nodes.points))
        for start in range(0, len(chosen), step):
            some = slice(start, start + step)
            log_p = mixture.ell[chosen[some]] @ nodes.points.T + level
            p = np.cumsum(np.exp(log_p - log_p.max(axis=1, keepdims=True)), axis=1)
            u = rng.random((len(p), 1)) * p[:, -1:]
            out[some] = nodes.points[(p < u).sum(axis=1)]
        return out

    def pareto_k(self) -> float:
        """Return the largest k-hat among the rule's weights."""
        return float(self.path.posterior.check(self.rule.checked[0]).pareto_k.max())

    def label(self) -> str:
        """Return the name of the rule."""
        return self.rule.hyperprior
