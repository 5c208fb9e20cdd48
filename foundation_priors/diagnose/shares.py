r"""Shares of information and pulls, in NumPy.

With :math:`v = Cov(u, h)` the direction in which the unconstrained coordinates u move a quantity
h, component c of the log density has

.. math:: A_c = -Cov(h, v \cdot \nabla_u l_c), \qquad share_c = A_c / \sum_{c'} A_{c'} .

By parts :math:`\sum_c A_c = E[v \cdot \nabla_u h]`. For Gaussians these are the shares of the
precision, for a Beta and its kin those of the pseudo-counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.mixture import Mixture

__all__ = ["Shares", "only", "shares"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """Shares and pulls of the components with Monte Carlo standard errors, shape (component,).

    ``total`` is the sum of which the shares are parts, ``total_error`` its standard error.
    """

    share: Floats
    share_error: Floats
    pull: Floats
    pull_error: Floats
    total: float
    total_error: float


def shares(
    mixture: Mixture,
    point: Floats,
    h: Floats,
    u: Floats,
    grads: Sequence[Floats] | Floats,
    values: Sequence[Floats] | Floats,
) -> Shares:
    r"""Return the shares of information of a scalar quantity at one weight.

    Parameters
    ----------
    mixture : Mixture
    point : array, shape (source,)
    h : array, shape (draw,)
    u : array, shape (draw, coordinate)
    grads : sequence of array, shape (component, draw, coordinate)
        Gradients of each component at its present weight.
    values : sequence of array, shape (component, draw)
        The components themselves.

    Returns
    -------
    Shares

    Notes
    -----
    The errors are those of the delta method, the direction v and the multistate weights counted:
    :math:`A_c` has the influence function of the mean of
    :math:`-(h - E h)(Cov(h, \nabla l_c) \cdot (u - E u) + v \cdot (\nabla l_c - E \nabla l_c))`.
    """
    w = mixture.weights(point[None])[0]
    live = w > 0
    h = np.where(live, h - h[live][0], 0.0)  # exactly 0 for what never varies
    dh = np.where(live, h - w @ h, 0.0)
    grads, values = [only(g, live) for g in grads], np.stack([only(x, live) for x in values])
    mean_u = w @ u
    mean = np.stack([w @ g for g in grads])
    wh = w * dh
    v = wh @ u - wh.sum() * mean_u
    m = np.stack([wh @ g for g in grads]) - wh.sum() * mean
    parts = -(m @ v)
    total = parts.sum()
    along = np.stack([g @ v for g in grads]) - (mean @ v)[:, None]
    q = -dh * (m @ u.T - (m @ mean_u)[:, None] + along)
    relative = np.divide(parts, total, out=np.full(len(parts), np.nan), where=total != 0)
    scores = (q - relative[:, None] * q.sum(axis=0)) / total if total else np.zeros_like(q)
    pull, pull_scores = _pull(w, dh, values)
    stacked = np.vstack([scores, pull_scores, q.sum(axis=0)[None]])
    errors = mixture.estimate(point[None], np.nan_to_num(stacked.T)).mcse_mean[0]
    k = len(parts)
    return Shares(relative, errors[:k], pull, errors[k : 2 * k], float(total), float(errors[-1]))


def only(x: Floats, live: NDArray[np.bool_]) -> Floats:
    """Return what is known of draws with 0 for those without weight, where it may be anything."""
    if live.all():
        return x
    return np.where(live if x.ndim == 1 else live[:, None], x, 0.0)


def _pull(w: Floats, dh: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return Cov(h, l_c) / sd(h), with the scores of its delta method."""
    sd = np.sqrt(w @ dh**2)
    dl = values - (values @ w)[:, None]
    if not sd > 0:
        return np.full(len(values), np.nan), np.zeros_like(values)
    products = dl * dh / sd
    pull = products @ w
    return pull, products - pull[:, None] * dh**2 / (2 * sd**2)
