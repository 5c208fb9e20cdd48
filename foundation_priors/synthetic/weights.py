"""How many independent answers repeated answers are worth: the NumPy core."""

from collections.abc import Sequence

import numpy as np

__all__ = ["combine_codes", "crossing", "design_effect", "distinct", "log_number", "repeats"]

ORDER = 1.25
"""Of the entropy that counts groups: in that of order 1 a single answer can weigh log n / n."""
SLOPE = 2.6
"""The largest under which one changed answer moves the effective rows by at most about 5/n."""


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


def log_number(share: np.ndarray) -> float:
    r"""Return the log of the effective number of groups, from how large they are.

    Parameters
    ----------
    share : numpy.ndarray
        Shape (group,): the share of the answers in each group, summing to 1.

    Returns
    -------
    float
        The Rényi entropy of order 1.25, :math:`-4 \log \sum_g p_g^{1.25}`: log G for G groups of
        one size, less for unequal ones. A group with a single answer adds at most :math:`5 / n`.

    References
    ----------
    Hill, M. O. (1973). Diversity and evenness. Ecology 54(2). doi:10.2307/1934352

    Examples
    --------
    >>> float(np.exp(log_number(np.full(4, 0.25))).round(12))
    4.0
    """
    return float(np.log((share**ORDER).sum()) / (1 - ORDER))


def distinct(scores: np.ndarray, groups: np.ndarray, mass: np.ndarray) -> float:
    r"""Return how many distinct answers there are where groups hold repeats of one question.

    Parameters
    ----------
    scores : numpy.ndarray
        Shape (answer, column): as in `design_effect`.
    groups : numpy.ndarray
        Shape (answer,): which question each row answers, from 0 without gaps.
    mass : numpy.ndarray
        Shape (answer,): how many equal rows each one stands for.

    Returns
    -------
    float
        Effective answers: from G, the effective number of groups (`log_number`), where each
        question was always answered alike, to 2G.

    Notes
    -----
    Variety is measured by thresholds and not by squares, so that no single answer, however
    extreme, decides. Of the answers :math:`t` to other questions, each splits those to a question
    g into shares below, equal and above, :math:`q_g(t)`, and :math:`V_g` is the mean of
    :math:`1 - \sum q_g(t)^2` times the share of other questions. Then

    .. math:: \log W = \log G + \min\Bigl\{\bigl(1 - \tfrac1G\bigr) \sum_g p_g
              \min(2.6\, V_g, \log 2),\;
              \log\bigl(1 + \tfrac{G - 1}{G} \tfrac{V}{T - V}\bigr)\Bigr\}

    with V and T the same within questions and in all, over all thresholds. For yes and no the last
    term is the one-way analysis of variance, as in `design_effect`. All are functions of shares,
    so copying every row changes nothing, and W is at most the rows of the smallest set of which
    the rows are copies. A changed answer moves W by at most about :math:`5/n` of it, an added one
    by up to :math:`7.3/n` where one question has a large part of 1,000 answers and many others have
    one each. That is for questions that are known: where a conversation, a cluster or a framing
    alone tells repeats, and where a second profile appears, there is no such bound, since no rule
    has one that knows two voices from n (the page on the mathematics).
    """
    log_groups, size, within, others, total = _variety(scores, groups, mass)
    inside, lone = float(size @ within), 1 - np.exp(-log_groups)
    if inside < 1e-12:
        return float(np.exp(log_groups))
    bounded = lone * float(size @ np.minimum(SLOPE * others, np.log(2)))
    if (between := total - inside) > 1e-12:
        bounded = min(bounded, np.log1p(lone * inside / between))
    return float(np.exp(log_groups + bounded))


def crossing(scores: np.ndarray, groups: np.ndarray, mass: np.ndarray, known: float) -> float:
    r"""Return how many answers a factor that may cut across the questions leaves.

    Parameters
    ----------
    scores, groups, mass : numpy.ndarray
        As in `distinct`, with the levels of the factor as groups.
    known : float
        How many distinct answers there are (`distinct`) where each level of the factor makes of
        each question one of its own.

    Returns
    -------
    float
        Effective answers; infinite where the factor explains no more than chance does.

    Notes
    -----
    The analysis of variance of `design_effect` on ranks from 0 to 1, where chance,
    :math:`(G - 1 + \sqrt{2 (G - 1)}) / known` of the sum of squares within levels (its mean and a
    standard deviation), is taken off that between them, and 0.01 a row is added within, so that
    answers that hardly differ do not decide. At least what `distinct` gives to the levels.
    """
    share = mass / mass.sum()
    size = np.bincount(groups, share)
    ranks = np.stack([_ranks(column, share) for column in scores.T], axis=1)
    means = np.stack([np.bincount(groups, share * r) for r in ranks.T], axis=1) / size[:, None]
    between = float((size @ (means - share @ ranks) ** 2).sum())
    within = float((share @ (ranks - means[groups]) ** 2).sum())
    free = len(size) - 1
    between -= (free + np.sqrt(2 * free)) / known * within
    if between <= 1e-12:
        return np.inf
    left = free / (1 - float(size @ size)) * (1 + (within + 0.01) * free / (len(size) * between))
    return max(left, distinct(scores, groups, mass))


def _ranks(column: np.ndarray, share: np.ndarray) -> np.ndarray:
    code = np.unique(column, return_inverse=True)[1]
    mass = np.bincount(code, share)
    return (np.cumsum(mass) - mass / 2)[code]


def _variety(
    scores: np.ndarray, groups: np.ndarray, mass: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, float]:
    """Return log G, the shares of the groups, V with all and with other thresholds, and T."""
    kept = mass > 0
    groups = np.unique(groups[kept], return_inverse=True)[1]
    share = mass[kept] / mass.sum()
    parts = [_splits(column, groups, share) for column in scores[kept].T]
    # The indicators of a hard answer change two at a time.
    count = 1 if len(parts) == 1 else 2
    within, others = (np.sum([p[i] for p in parts], axis=0) / count for i in (0, 1))
    size = np.bincount(groups, share)
    return log_number(size), size, within, others, sum(p[2] for p in parts) / count


def _splits(
    column: np.ndarray, groups: np.ndarray, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return V of each group, over all thresholds and over those of other groups, and T."""
    values, code = np.unique(column, return_inverse=True)
    mass = np.bincount(code, share)
    upto = np.cumsum(mass)
    below = upto - mass
    cells, cell = np.unique(groups * len(values) + code, return_inverse=True)
    group, value = cells // len(values), cells % len(values)
    held = np.bincount(cell, share)
    size = np.bincount(groups, share)
    start = np.cumsum(size) - size
    high = np.clip((np.cumsum(held) - start[group]) / size[group], 0, 1)
    low = np.clip(high - held / size[group], 0, 1)
    at = 1 - low**2 - (high - low) ** 2 - (1 - high) ** 2
    # Between two values of a group lie only thresholds of others, which split it in two.
    gap = np.zeros(len(cells))
    follows = group[1:] == group[:-1]
    gap[:-1][follows] = (below[value[1:]] - upto[value[:-1]])[follows]
    within = np.bincount(group, at * mass[value] + 2 * high * (1 - high) * np.maximum(gap, 0))
    total = float(mass @ (1 - below**2 - mass**2 - (1 - upto) ** 2))
    return within, np.maximum(within - np.bincount(group, at * held), 0), total


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
