r"""What a verdict knows and what following it gains, in NumPy.

With weights w and utilities u, the gain of weighting over taking every answer is

.. math:: E[wu]/E[w] - E[u] = Cov(w, u) / E[w],

Price's equation, and it costs answers: :math:`(\sum w)^2 / \sum w^2` of them are left (Kish).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["concordance", "gap", "information", "kish"]

type Floats = NDArray[np.float64]

BINS = 5


def gap(weight: Floats, utility: Floats) -> float:
    """Return Cov(w, u) / E[w], moments with divisor n."""
    mean = weight.mean()
    return float(((weight - mean) * (utility - utility.mean())).mean() / mean)


def kish(weight: Floats) -> float:
    """Return the number of equally weighted answers that weighted ones are worth."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def concordance(verdict: Floats, utility: Floats) -> float:
    """Return the chance that the better of two answers has the higher verdict, ties counting half.

    For right and wrong answers it is the area under the receiver operating characteristic.
    """
    values = np.unique(utility)
    if len(values) < 2:
        return float("nan")
    if len(values) == 2:
        good = utility == values[1]
        ranks = stats.rankdata(verdict)
        n, m = int(good.sum()), int((~good).sum())
        return float((ranks[good].sum() - n * (n + 1) / 2) / (n * m))
    order = np.argsort(utility, kind="stable")
    u, v = utility[order], verdict[order]
    agree = pairs = 0.0
    for value in values[1:]:
        at = u == value
        below = np.sort(v[u < value])
        left = np.searchsorted(below, v[at], "left")
        right = np.searchsorted(below, v[at], "right")
        agree += float((left + right).sum()) / 2
        pairs += len(below) * int(at.sum())
    return agree / pairs


def information(verdict: Floats, utility: Floats) -> float:
    """Return the mutual information in bits, both in at most five groups, less its bias.

    The bias of the plug-in estimate is that of Miller and Madow; the result is at least 0.
    """
    a, b = _binned(verdict), _binned(utility)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    n = table.sum()
    p = table / n
    expected = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    cells = p > 0
    plain = float((p[cells] * np.log(p[cells] / expected[cells])).sum())
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    return max(plain - df / (2 * n), 0.0) / float(np.log(2))


def _binned(values: Floats) -> NDArray[np.intp]:
    distinct, codes = np.unique(values, return_inverse=True)
    if len(distinct) <= BINS:
        return codes
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
    found = np.searchsorted(edges, values, "right")
    return np.unique(found, return_inverse=True)[1]
