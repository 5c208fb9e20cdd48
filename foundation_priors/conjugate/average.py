"""Integrals over a random trust with the exact normaliser."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit

__all__ = ["trust_nodes"]

Array = NDArray[np.float64]

# exp(-45) is 3e-20: what lies below does not change a double.
_NEGLIGIBLE = 45.0


def trust_nodes(
    log_evidence: Callable[[Array], Array],
    prior: str | tuple[float, float] = "uniform",
    max_trust: float = 1.0,
    nodes: int = 1025,
) -> tuple[Array, Array]:
    r"""Quadrature nodes and weights of the posterior of a random trust.

    Parameters
    ----------
    log_evidence
        Vectorised function from weights, shape ``(k,)``, to log evidence, up to a constant.
    prior
        ``"uniform"``, or the two shapes of a Beta distribution of ``trust / max_trust``.
    max_trust
        The largest weight.
    nodes
        How many nodes to return.

    Returns
    -------
    trust, probability
        Shape ``(nodes,)`` each; the probabilities add to 1.

    Notes
    -----
    The posterior of the trust is proportional to ``prior(L) * m(real | L)``. With
    :math:`L = L_{max} / (1 + e^{-t})` the integrand decays exponentially on both sides whatever
    mass piles up at 0 or at the maximum, and the trapezoid rule in t converges exponentially.

    References
    ----------
    Duan, Y., Ye, K. and Smith, E. P. (2006). Evaluating water quality using power priors to
    incorporate historical information. Environmetrics 17, 95-106. doi:10.1002/env.752
    Carvalho, L. M. and Ibrahim, J. G. (2021). On the normalized power prior. Statistics in
    Medicine 40, 5251-5275. doi:10.1002/sim.9124

    Examples
    --------
    >>> import numpy as np
    >>> from foundation_priors.conjugate.average import trust_nodes
    >>> trust, probability = trust_nodes(lambda trust: -1e6 * trust)
    >>> print(f"{np.sum(trust * probability):.6e}")
    1.000000e-06
    """
    c, d = _shapes(prior)

    def log_density(t: Array) -> Array:
        return c * log_expit(t) + d * log_expit(-t) + log_evidence(max_trust * np.exp(log_expit(t)))

    coarse = np.arange(-_reach(c), _reach(d), 0.25)
    height = log_density(coarse)
    kept = coarse[height > height.max() - _NEGLIGIBLE]
    t = np.linspace(kept[0] - 0.25, kept[-1] + 0.25, nodes)
    height = log_density(t)
    probability = np.exp(height - height.max())
    return max_trust * np.exp(log_expit(t)), probability / probability.sum()


def _shapes(prior: str | tuple[float, float]) -> tuple[float, float]:
    if isinstance(prior, str):
        if prior != "uniform":
            raise ValueError(f"prior is {prior!r}: give 'uniform' or the two shapes of a Beta.")
        return 1.0, 1.0
    c, d = (float(shape) for shape in prior)
    if not (c > 0 and d > 0 and np.isfinite(c + d)):
        raise ValueError(f"The Beta({c:g}, {d:g}) of the trust is improper: use shapes above 0.")
    return c, d


def _reach(shape: float) -> float:
    return min(_NEGLIGIBLE / min(shape, 1.0) + 45.0, 690.0)
