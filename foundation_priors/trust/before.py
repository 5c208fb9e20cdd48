"""The law of trust of earlier versions, for paths that were made with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foundation_priors.trust.several import Joint

__all__ = ["on_simplex"]

type Floats = NDArray[np.float64]


def on_simplex(caps: Floats, top: float) -> Joint:
    r"""Return the uniform law where the sum of weights over caps is at most 1, each below ``top``.

    It was ``"cautious"`` in version 0.1, and gave the total of S sources the law Beta(S, 1).

    Notes
    -----
    The region is :math:`\sum_s L_s / cap_s \le 1`. Breaking a stick in the proportions Beta(1, S),
    Beta(1, S - 1), ..., Beta(1, 1) makes the uniform law on the solid simplex.
    """
    powers = 1 / np.arange(len(caps), 0, -1)

    def weights(v: Floats) -> Floats:
        left = (1 - v) ** powers
        before = np.cumprod(np.hstack([np.ones((len(v), 1)), left[:, :-1]]), axis=1)
        return caps * before * (1 - left)

    def log_density(v: Floats) -> Floats:
        return np.where((weights(v) <= top).all(axis=1), 0.0, -np.inf)

    return Joint("cautious", weights, log_density)
