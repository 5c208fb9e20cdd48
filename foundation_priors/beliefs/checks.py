"""What cannot be a belief, each in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foundation_priors.beliefs.support import Support
from foundation_priors.display import count
from foundation_priors.errors import ColumnError

__all__ = [
    "CrossingError",
    "check_inside",
    "check_moments",
    "check_quantiles",
    "finite",
    "weights_of",
]


class CrossingError(ColumnError):
    """Quantiles do not rise with their probability."""


def finite(values: Any, what: str, least: int) -> np.ndarray:
    """Return values as an array of at least so many finite numbers."""
    try:
        array = np.asarray(values, dtype=float).ravel()
    except (TypeError, ValueError):
        raise ColumnError(f"The {what} must be numbers, not {values!r}.") from None
    if not np.isfinite(array).all():
        raise ColumnError(
            f"The {what} hold values that are missing or infinite: leave these out before you make "
            "the belief."
        )
    if len(array) < least:
        raise ColumnError(f"A belief needs at least {least} {what}, not {len(array)}.")
    return array


def check_quantiles(quantiles: Mapping[float, float], who: str) -> tuple[list[float], list[float]]:
    """Return probabilities and values in order, or raise where they cross."""
    if not isinstance(quantiles, Mapping):
        raise TypeError(
            f"quantiles= of {who} must be a dictionary from probabilities to values, such as "
            "{.05: 1, .5: 2, .95: 4}."
        )
    p = finite(list(quantiles), f"probabilities of {who}", 0)
    if len(p) < 2:
        raise ColumnError(
            f"quantiles= of {who} holds {count(len(p), 'quantile')}, and a belief needs "
            "at least 2: add another, as in {.05: 1, .95: 4}."
        )
    x = finite(list(quantiles.values()), f"quantiles of {who}", 2)
    if (p <= 0).any() or (p >= 1).any():
        wrong = p[(p <= 0) | (p >= 1)][0]
        raise ColumnError(
            f"The probability {wrong:g} of {who} does not lie between 0 and 1: give percentiles as "
            "fractions, and ends of the scale as support=."
        )
    order = np.argsort(p)
    p, x = p[order], x[order]
    crossing = np.flatnonzero(np.diff(x) <= 0)
    if len(crossing):
        i = int(crossing[0])
        raise CrossingError(
            f"The quantiles of {who} cross: {x[i]:g} at {p[i]:g} is not below {x[i + 1]:g} at "
            f"{p[i + 1]:g}; they must rise with the probability."
        )
    return p.tolist(), x.tolist()


def check_moments(mean: float, sd: float, who: str) -> tuple[float, float]:
    """Return a mean and an sd as numbers, or raise."""
    values = finite([mean, sd], f"mean and sd of {who}", 2)
    if not sd > 0:
        raise ColumnError(f"The sd of {who} is {sd:g}, and must be positive.")
    return float(values[0]), float(values[1])


def check_inside(values: np.ndarray, support: Support, who: str, whose: str) -> None:
    """Raise when a value lies outside the support, or at its end."""
    outside = values[~support.contains(values)]
    if len(outside) and outside[0] in (support.lower, support.upper):
        raise ColumnError(
            f"{who} names {outside[0]:g}, which lies outside the support {support} of {whose}, at "
            "its end, beyond which there is nothing: give a value just inside, or leave it out."
        )
    if len(outside):
        raise ColumnError(
            f"{who} names {outside[0]:g}, which lies outside the support {support} of {whose}: "
            "check the units of the answer, or correct support=."
        )


def weights_of(weights: Sequence[float] | None, count: int) -> np.ndarray:
    """Return weights of a pool, which add to 1."""
    if weights is None:
        return np.full(count, 1 / count)
    array = finite(weights, "weights of a pool", 1)
    if len(array) != count or (array < 0).any() or not array.sum() > 0:
        raise ValueError(
            f"weights={list(weights)} must be {count} numbers from 0 upwards, one for each belief, "
            "and not all 0."
        )
    return array / array.sum()
