"""Whether sources answer alike beyond what any two answers have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from foundation_priors.diagnose.similarity_core import cells, compare, seen_by
from foundation_priors.diagnose.vendi_core import tfidf
from foundation_priors.diagnose.voices_columns import (
    indicators,
    profile_codes,
    require_answers,
    the_outcome,
)
from foundation_priors.errors import ModelError, check_probability

if TYPE_CHECKING:
    from foundation_priors.synthetic import SyntheticData

__all__ = ["similarity"]

type Floats = NDArray[np.float64]

FEWEST = 3
NEAR = 0.1
"""Where another surely lacks less than this share of a level's own likeness, it is no voice."""
FAILS_WHEN = (
    "Sources that answer the items rightly agree because the items differ, so agreement is not yet"
    " copying: error_correlation against truth tells these apart; and a source without repeated"
    " answers cannot be compared with itself."
)


def similarity(
    llm: SyntheticData,
    by: str = "model",
    *,
    outcome: str | None = None,
    item: str | None = None,
    text: bool = False,
    embeddings: np.ndarray | None = None,
    prob: float = 0.9,
    shuffles: int = 500,
    random_seed: int | None = 0,
) -> xr.Dataset:
    r"""Compare the answers of sources to equal items, against a floor of shuffled pairs.

    Parameters
    ----------
    llm : SyntheticData
    by : str
        The factor whose levels are compared.
    outcome : str, optional
        Default: the first.
    item : str, optional
        The column that says what was asked. Default: the unit, or else equal covariates.
    text : bool
        Whether the outcome is text, compared by its words.
    embeddings : array, optional
        Shape (answer, dimension), compared in place of the outcome, their mean taken off first.
    prob : float
        Of the intervals.
    shuffles : int
        Random pairings of items.
    random_seed : int, optional

    Returns
    -------
    xarray.Dataset
        Over (source, source_): ``similarity`` of answers to the same item, ``floor``, that of
        answers to different items, ``centred`` with ``lower`` and ``upper``, ``p`` (chance of as
        much similarity when items are shuffled) and ``items``. A source with itself: its different
        answers to one item. Attributes: ``across`` and ``own``, the means of ``centred`` between
        sources and within them, and ``gap``, by how much sources agree more with themselves than
        with each other on the ``compared`` items, with ``gap_error`` and ``own_error``.

    Raises
    ------
    ColumnError
        If there is no such column.
    ModelError
        If there are fewer than two sources or items, or all answers are equal.

    Notes
    -----
    Disagreement D of two answers is half the squared distance of their vectors: 0 or 1 for levels,
    :math:`(y - y')^2 / 2s^2` for numbers, 1 minus the cosine for texts and embeddings. Similarity
    is 1 - D, and

    .. math:: centred = 1 - D_{same\ item} / D_{different\ items},

    1 for equal answers, 0 for answers as alike as those to different items: Krippendorff's alpha
    for two coders who have each their own distribution. The interval is from the spread over items.

    References
    ----------
    Krippendorff, K. (2004). Content Analysis. Sage. Gower, J. C. and Warrens, M. J. (2017),
    doi:10.1002/9781118445112.stat07990.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> found = similarity(fp.datasets.load("anes96").synthetic, by="framing")
    >>> round(found.attrs["across"], 2), round(found.attrs["own"], 2)
    (0.89, 0.92)
    """
    require_answers(llm, "similarity")
    check_probability(prob, "prob")
    if shuffles < 1:
        raise ValueError(f"shuffles={shuffles} must be at least 1.")
    groups = llm.groups(by)
    label, items = profile_codes(llm, item)
    if len(groups) < 2:
        raise ModelError(f"There is one {by} only, so nothing to compare: name another by=.")
    if items is None or items.max() < 2:
        raise ModelError("Fewer than three items were asked about: name another item=.")
    source = np.zeros(len(llm), np.intp)
    for i, where in enumerate(groups.values()):
        source[where] = i
    data = cells(_features(llm, outcome, text, embeddings), source, items)
    rng = np.random.default_rng(random_seed)
    names = list(groups)
    found = np.full((6, len(names), len(names)), np.nan)
    alike = np.full((len(names), len(names), data.count.shape[1]), np.nan)
    z = float(stats.norm.ppf((1 + prob) / 2))
    for i in range(len(names)):
        for j in range(i, len(names)):
            matched, floor, shuffled = compare(data, i, j, rng, shuffles)
            if len(matched) >= FEWEST and floor > 0:
                alike[i, j, seen_by(data, i, j)] = 1 - matched / floor
            found[:, i, j] = found[:, j, i] = _summary(matched, floor, shuffled, z)
    across = found[2][np.triu_indices(len(names), 1)]
    if np.isnan(across).all():
        raise ModelError(f"No two levels of {by!r} answered three or more equal items differently.")
    own = np.diag(found[2])
    over = ("source", "source_")
    parts = ("similarity", "floor", "centred", "error", "p", "items")
    result = xr.Dataset(
        {k: (over, v) for k, v in zip(parts, found, strict=True)},
        {"source": names, "source_": names},
        {"by": by, "item": label, "across": float(np.nanmean(across))},
    )
    result.attrs["own"] = float(np.nanmean(own)) if np.isfinite(own).any() else float("nan")
    result.attrs |= _apart(alike)
    result["lower"] = result["centred"] - z * result["error"]
    result["upper"] = np.minimum(result["centred"] + z * result["error"], 1.0)
    result = result.drop_vars("error")
    result.attrs |= {"reading": _reading(result, prob), "fails_when": FAILS_WHEN}
    return result


def _features(
    llm: SyntheticData, outcome: str | None, text: bool, embeddings: np.ndarray | None
) -> Floats:
    """Return vectors in which disagreement is half the squared distance."""
    name = the_outcome(llm, outcome)
    if embeddings is not None:
        found = np.asarray(embeddings, dtype=float)
        if found.ndim != 2 or len(found) != len(llm) or not np.isfinite(found).all():
            raise ValueError(
                f"embeddings of shape {found.shape} must be finite, with a row for each of the"
                f" {len(llm)} answers."
            )
        found = found - found.mean(axis=0)  # what all share says nothing of who is alike
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        return found / np.where(norms > 0, norms, 1.0)
    if text:
        values = llm.column(name)
        if np.asarray(pd.isna(values)).any() or not all(isinstance(v, str) for v in values):
            raise ValueError(f"text=True, and some answers about {name!r} are no texts.")
        return tfidf(list(values))
    values, levels = indicators(llm, name)
    if levels is not None:
        return values
    spread = float(values.std())
    if np.ptp(values) == 0:
        raise ModelError(f"All answers about {name!r} are equal: there is nothing to compare.")
    distinct = np.unique(values)
    # Two values are levels whatever they are called: they match or they do not.
    return values / (np.ptp(distinct) / np.sqrt(2) if len(distinct) == 2 else spread)


def _summary(matched: Floats, floor: float, shuffled: Floats, z: float) -> Floats:
    items = len(matched)
    if items < FEWEST or not floor > 0:
        return np.array([np.nan] * 5 + [items])
    d = float(matched.mean())
    error = float(matched.std(ddof=1) / np.sqrt(items) / floor)
    p = (1 + int((shuffled <= d + 1e-12).sum())) / (1 + len(shuffled))
    return np.array([1 - d, 1 - floor, 1 - d / floor, error, p, items])


def _reading(result: xr.Dataset, prob: float) -> str:
    attrs = result.attrs
    text = (
        f"Between two levels of {attrs['by']!r}, answers about the same {attrs['item']} are alike"
        f" by {attrs['across']:z.2f}: 0 is as alike as answers about different ones, 1 is equal."
    )
    if not np.isfinite(attrs["gap_error"]):
        return text
    gap, error = attrs["gap"], attrs["gap_error"]
    z = float(stats.t.ppf((1 + prob) / 2, attrs["compared"] - 1))
    text += f" One level agrees with itself by {attrs['own']:z.2f}"
    by = f"{gap:z.2f}, error {error:.2g}"
    if gap + z * error < NEAR * attrs["own"] and attrs["own"] > z * attrs["own_error"]:
        return f"{text}: another is hardly another voice (the difference is {by})."
    if gap > z * error:
        return f"{text}, more than with another (the difference is {by})."
    return f"{text}, and whether another is another voice cannot be told (the difference is {by})."


def _apart(alike: Floats) -> dict[str, float | int]:
    """Return how much more a level agrees with itself than with another, on the same items.

    ``alike`` has shape (level, level, item). Errors are from the spread over items.
    """
    pairs = np.arange(len(alike)), np.triu_indices(len(alike), 1)
    own, across = (
        np.ma.masked_invalid(alike[at]).mean(axis=0).filled(np.nan)
        for at in ((pairs[0], pairs[0]), pairs[1])
    )
    both = np.isfinite(own - across)
    error = {"own_error": own[both], "gap_error": (own - across)[both]}
    few = both.sum() < FEWEST
    found = {k: np.nan if few else v.std(ddof=1) / np.sqrt(len(v)) for k, v in error.items()}
    found["gap"] = np.nan if few else (own - across)[both].mean()
    return {**{k: float(v) for k, v in found.items()}, "compared": int(both.sum())}
