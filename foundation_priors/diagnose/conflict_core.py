r"""Tail probabilities of real data under what was expected of them, in NumPy.

A statistic T of data drawn from the prior predictive distribution has rank probability

.. math:: p = \frac{\#\{T_k < T\} + U (1 + \#\{T_k = T\})}{K + 1}

among K replicates, with U uniform, which is exactly uniform when parameters and data come from the
prior, for discrete statistics too [1]_ [2]_.

References
----------
.. [1] G. E. P. Box (1980). Sampling and Bayes' inference in scientific modelling and robustness.
   JRSS A 143(4). doi:10.2307/2982063
.. [2] M. Evans and H. Moshonov (2006). Checking for prior-data conflict. Bayesian Analysis 1(4).
   doi:10.1214/06-BA129
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["NAMED", "best_linear", "lower_tail", "region_statistics", "two_sided"]

type Floats = NDArray[np.float64]
type Statistic = Callable[[Floats], Floats]

RIDGE = 1e-6

NAMED: Mapping[str, Statistic] = {
    "mean": lambda y: y.mean(axis=-1),
    "sd": lambda y: y.std(axis=-1),
    "min": lambda y: y.min(axis=-1),
    "max": lambda y: y.max(axis=-1),
}
"""Statistics of outcomes of shape (..., row)."""


def lower_tail(observed: Floats, replicated: Floats, rng: np.random.Generator) -> Floats:
    """Return the randomised probability of a statistic as small as the observed one.

    Parameters
    ----------
    observed : array, shape (...)
    replicated : array, shape (replicate, ...)
        Of data drawn from the prior predictive distribution; nan counts as the smallest value.
    rng : numpy.random.Generator

    Returns
    -------
    array, shape (...)

    Examples
    --------
    >>> import numpy as np
    >>> found = lower_tail(np.array(0.5), np.arange(999.0), np.random.default_rng(1))
    >>> bool(0.001 <= found <= 0.002)
    True
    """
    if not len(replicated):
        raise ValueError("There are no replicates to compare with: draw at least one.")
    seen, made = (np.nan_to_num(np.asarray(a, float), nan=-np.inf) for a in (observed, replicated))
    below = (made < seen).sum(axis=0)
    ties = 1 + (made == seen).sum(axis=0)
    return (below + rng.random(np.shape(seen)) * ties) / (len(made) + 1)


def two_sided(lower: Floats) -> Floats:
    """Return the probability of a statistic as far out on either side.

    Examples
    --------
    >>> float(two_sided(np.array(0.98)).round(2))
    0.04
    """
    return 2 * np.minimum(lower, 1 - lower)


def best_linear(scores: Floats, quantities: Floats) -> tuple[Floats, Floats]:
    r"""Return the best linear estimate of quantities from a score, as centre and coefficients.

    Parameters
    ----------
    scores : array, shape (replicate, coordinate)
        Gradients of the log-likelihood of replicated data at one fixed place.
    quantities : array, shape (replicate, quantity)
        Those that the data were drawn with.

    Returns
    -------
    centre : array, shape (coordinate,)
    coefficients : array, shape (coordinate, quantity)
        The estimate is ``(score - centre) @ coefficients``, up to a constant.

    Notes
    -----
    :math:`Cov(S, S)^{-1} Cov(S, h)`: the Bayes linear estimator. In an exponential family in its
    canonical parameter S is sufficient, and in a Gaussian model the estimate is the posterior mean.
    """
    centre = scores.mean(axis=0)
    away = scores - centre
    scale = away.std(axis=0)
    scale = np.where(np.ptp(scores, axis=0) > 0, scale, 1.0)
    z = away / scale
    gram = z.T @ z / len(z) + RIDGE * np.eye(z.shape[1])
    across = z.T @ (quantities - quantities.mean(axis=0)) / len(z)
    return centre, np.linalg.solve(gram, across) / scale[:, None]


def region_statistics(
    y: Floats, regions: Mapping[str, NDArray[np.bool_]], statistics: Mapping[str, Statistic]
) -> Floats:
    """Return statistics of data by region, shape (..., region, statistic).

    Parameters
    ----------
    y : array, shape (..., row)
    regions : dict of array
        Which rows lie in each, shape (row,).
    statistics : dict of callables
        From outcomes (..., row) to values (...).
    """
    rows = [[f(y[..., mask]) for f in statistics.values()] for mask in regions.values()]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
