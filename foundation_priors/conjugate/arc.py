"""Weights of trust that lie evenly in Fisher-Rao arc."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["arc_grid"]

Array = NDArray[np.float64]


def arc_grid(sd_at: Callable[[Array], Array], max_trust: float = 1.0, n: int = 101) -> Array:
    r"""Spread weights evenly in the Fisher-Rao arc of a tilted family.

    Parameters
    ----------
    sd_at
        Vectorised function from weights, shape ``(k,)``, to the standard deviation of the
        synthetic log-likelihood under the posterior at each of them, shape ``(k,)``.
    max_trust
        The largest weight.
    n
        How many weights to return, at least 2 (at least 3 if `max_trust` is above 1).

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``, strictly increasing from 0 to `max_trust`. If `max_trust` is above 1, the
        interior weight nearest to 1 in arc is moved to 1 exactly.

    Notes
    -----
    The arc between 0 and L is :math:`\int_0^L \mathrm{sd}_t(\ell)\,dt`, the length that the
    Fisher information of an exponential family assigns to the curve. Under a diffuse prior most
    of it can lie at tiny weights, so it is summed on a geometric mesh.

    References
    ----------
    Rao, C. R. (1945). Information and the accuracy attainable in the estimation of statistical
    parameters. Bulletin of the Calcutta Mathematical Society 37, 81-91.

    Examples
    --------
    A constant standard deviation gives even steps; one that falls off crowds them near 0.

    >>> from foundation_priors.conjugate import arc_grid
    >>> arc_grid(lambda trust: 0 * trust + 2.0, n=5).round(6)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    >>> arc_grid(lambda trust: 1 / (0.01 + trust), n=5).round(3)
    array([0.   , 0.022, 0.091, 0.309, 1.   ])
    """
    if not max_trust > 0 or not np.isfinite(max_trust):
        raise ValueError(f"max_trust is {max_trust}, but it must be a positive number.")
    if n < (3 if max_trust > 1 else 2):
        raise ValueError(f"A grid of {n} weights cannot hold its end points: ask for more.")
    mesh = np.concatenate([[0.0], np.geomspace(1e-18 * max_trust, max_trust, 801)])
    sd = np.asarray(sd_at(mesh), dtype=float)
    arc = np.concatenate([[0.0], np.cumsum(np.diff(mesh) * (sd[1:] + sd[:-1]) / 2)])
    if not np.isfinite(arc[-1]):
        raise ValueError(
            "The synthetic log-likelihood has an infinite variance on the path: "
            "use a narrower primitive prior."
        )
    if arc[-1] <= 0:
        arc = mesh
    grid = np.interp(np.linspace(0, arc[-1], n), arc, mesh)
    grid[0], grid[-1] = 0.0, max_trust
    return _with_one(grid, mesh, arc) if max_trust > 1 else grid


def _with_one(grid: Array, mesh: Array, arc: Array) -> Array:
    position = np.interp(1.0, mesh, arc) / arc[-1] * (len(grid) - 1)
    grid[int(np.clip(np.rint(position), 1, len(grid) - 2))] = 1.0
    return grid
