r"""Vendi scores, in NumPy: the effective number of different answers.

.. math:: VS_q = \exp H_q(\lambda), \qquad \lambda = \mathrm{eig}(K / n),

with the Renyi entropy of order q and a positive semidefinite kernel K with unit diagonal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["bound", "cosine", "gaussian", "hill", "score", "tfidf"]

type Floats = NDArray[np.float64]

WORD = re.compile(r"\w+")
TINY = 1e-12


def hill(shares: Floats, q: float) -> float:
    """Return the Hill number of order q: the exponential of the Renyi entropy.

    Parameters
    ----------
    shares : array
        Shape (part,), adding up to 1.
    q : float
        At least 0; infinity counts the largest share alone.

    Returns
    -------
    float

    Examples
    --------
    >>> round(hill(np.array([0.5, 0.5]), 1), 6), round(hill(np.array([0.8, 0.2]), np.inf), 6)
    (2.0, 1.25)
    """
    p = shares[shares > TINY]
    p = p / p.sum()
    if q == 1:
        return float(np.exp(-(p * np.log(p)).sum()))
    if np.isinf(q):
        return float(1 / p.max())
    return float((p**q).sum() ** (1 / (1 - q)))


def score(kernel: Floats, weights: Floats, q: Sequence[float]) -> Floats:
    """Return Vendi scores of values that occur with given weights.

    Parameters
    ----------
    kernel : array
        Of the distinct values, shape (value, value), with unit diagonal.
    weights : array
        How often each occurs, shape (value,).
    q : sequence of float

    Returns
    -------
    array
        Shape (q,).

    Notes
    -----
    Repeated values repeat rows of K, whose eigenvalues other than 0 are those of
    :math:`D^{1/2} K D^{1/2}` over distinct values with D their shares.
    """
    root = np.sqrt(weights / weights.sum())
    values = np.linalg.eigvalsh(root[:, None] * kernel * root)
    return np.array([hill(np.maximum(values, 0.0), order) for order in q])


def bound(kernel: Floats, weights: Floats) -> float:
    r"""Return :math:`n^2 / (1'K1)`, which :math:`VS_\infty` never exceeds."""
    p = weights / weights.sum()
    return float(1 / (p @ kernel @ p))


def gaussian(values: Floats, scale: float) -> Floats:
    """Return exp(-d^2 / 2) with distances d in units of a scale."""
    return np.exp(-0.5 * ((values[:, None] - values[None]) / scale) ** 2)


def cosine(features: Floats) -> Floats:
    """Return cosines of rows; a row of zeros is like itself alone."""
    norms = np.linalg.norm(features, axis=1)
    unit = features / np.where(norms > 0, norms, 1.0)[:, None]
    kernel = unit @ unit.T
    np.fill_diagonal(kernel, 1.0)
    return kernel


def tfidf(texts: Sequence[str]) -> Floats:
    r"""Return a weight for each word in each text, rows of length 1.

    Parameters
    ----------
    texts : sequence of str

    Returns
    -------
    array
        Shape (text, word).

    Notes
    -----
    The count of a word in the text times :math:`\log((1 + n)/(1 + n_w)) + 1`, with :math:`n_w` the
    texts that hold it.

    Examples
    --------
    >>> tfidf(["yes", "yes", "no"]).round(2)
    array([[0., 1.], [0., 1.], [1., 0.]])
    """
    counts = [Counter(WORD.findall(text.lower())) for text in texts]
    words = {w: i for i, w in enumerate(sorted(set().union(*counts)))}
    table = np.zeros((len(texts), max(len(words), 1)))
    for row, count in zip(table, counts, strict=True):
        for word, times in count.items():
            row[words[word]] = times
    held = (table > 0).sum(axis=0)
    table *= np.log((1 + len(texts)) / (1 + held)) + 1
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    return table / np.where(norms > 0, norms, 1.0)
