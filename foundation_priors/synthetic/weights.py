"""How many independent answers repeated answers are worth: the NumPy core."""

from collections.abc import Sequence

import numpy as np

__all__ = ["combine_codes", "design_effect", "repeats", "times_copied"]


def combine_codes(codes: Sequence[np.ndarray]) -> np.ndarray:
    """Give a number to each distinct combination of several columns of codes.

    Parameters
    ----------
    codes : sequence of numpy.ndarray
        Each of shape (answer,), whole numbers.

    Returns
    -------
    numpy.ndarray
        Shape (answer,): equal numbers where all columns are equal, from 0 without gaps.

    Examples
    --------
    >>> combine_codes([np.array([0, 0, 1]), np.array([5, 5, 5])])
    array([0, 0, 1])
    """
    combined = np.unique(codes[0], return_inverse=True)[1].astype(np.int64)
    for column in codes[1:]:
        inverse = np.unique(column, return_inverse=True)[1]
        # Renumbered at each step, so that the product stays below the square of the rows.
        combined = np.unique(combined * (inverse.max() + 1) + inverse, return_inverse=True)[1]
    return combined


def repeats(groups: np.ndarray) -> np.ndarray:
    """Say which rows repeat an earlier row.

    Parameters
    ----------
    groups : numpy.ndarray
        Shape (answer,): equal numbers for equal rows.

    Returns
    -------
    numpy.ndarray
        Booleans of shape (answer,).

    Examples
    --------
    >>> repeats(np.array([0, 1, 0, 0]))
    array([False, False,  True,  True])
    """
    first = np.unique(groups, return_index=True)[1]
    out = np.ones(len(groups), dtype=bool)
    out[first] = False
    return out


def times_copied(groups: np.ndarray) -> int:
    """Return how often a smaller set of rows, copied whole, gives these rows.

    Parameters
    ----------
    groups : numpy.ndarray
        Shape (answer,): equal numbers for equal rows.

    Returns
    -------
    int
        At least 1: the greatest common divisor of how often each distinct row occurs.

    Notes
    -----
    The smallest count would grow with copying in the same way, but rows of a few kinds, such as
    plain yes and no answers, repeat without having been copied.

    Examples
    --------
    >>> times_copied(np.array([0, 0, 0, 1, 1])), times_copied(np.array([0, 1, 1, 0, 1, 1]))
    (1, 2)
    """
    return int(np.gcd.reduce(np.unique(groups, return_counts=True)[1]))


def design_effect(scores: np.ndarray, groups: np.ndarray, mass: np.ndarray | None = None) -> float:
    r"""Return the one-way analysis-of-variance design effect of a clustering.

    Parameters
    ----------
    scores : numpy.ndarray
        Shape (answer, column): the raw outcome as numbers, or one indicator for each level of an
        unordered one. Sums of squares are added over columns.
    groups : numpy.ndarray
        Shape (answer,): the cluster of each row, from 0 without gaps.
    mass : numpy.ndarray, optional
        Shape (answer,): how many equal rows each one stands for. Default: 1.

    Returns
    -------
    float
        Rows per effective row; NaN with fewer than two clusters, which cannot be told apart.

    Notes
    -----
    With :math:`N` rows in :math:`G` clusters of sizes :math:`n_g`,

    .. math:: m_0 = \frac{N - \sum_g n_g^2 / N}{G - 1}, \qquad
              \mathrm{deff} = \frac{m_0 \, MSB}{MSB + SSW / G}.

    For clusters of one size :math:`m` this is the classic :math:`1 + (m - 1) ICC` with the one-way
    analysis-of-variance intraclass correlation, since :math:`SSW / G = (m - 1) MSW` there. Unlike
    that, it is multiplied by exactly :math:`k` when every row is copied :math:`k` times, whatever
    the sizes: :math:`m_0`, MSB and SSW are each multiplied by :math:`k`. So :math:`N /
    \mathrm{deff}`, the effective rows, does not change under copying. It is 1 where every row is a
    cluster of its own, and :math:`m_0` where all outcomes are equal, one repeated voice.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley. The analysis-of-variance estimator with :math:`m_0`:
    Donner, A. (1986), doi:10.2307/1403259.

    Examples
    --------
    Two profiles, each asked twice, who answer the same both times, are two answers, not four:

    >>> scores = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> design_effect(scores, np.array([0, 0, 1, 1]))
    2.0
    """
    mass = np.ones(len(groups)) if mass is None else mass
    sizes = np.bincount(groups, mass)
    rows, count = sizes.sum(), len(sizes)
    if count < 2 or not sizes.all():
        return float("nan")
    deviations = _standardised(np.asarray(scores, dtype=float))
    sums = [np.bincount(groups, mass * column) for column in deviations.T]
    means = np.stack(sums, axis=1) / sizes[:, None]
    between = float((sizes @ (means - mass @ deviations / rows) ** 2).sum()) / (count - 1)
    within = float((mass @ (deviations - means[groups]) ** 2).sum())
    typical = (rows - (sizes**2).sum() / rows) / (count - 1)
    total = between + within / count
    return float(typical if total == 0 else typical * between / total)


def _standardised(scores: np.ndarray) -> np.ndarray:
    # From the first row, so that equal outcomes give exact zeros; scaled against overflow.
    deviations = scores - scores[0]
    return deviations / (np.abs(deviations).max() or 1.0)
