"""The numbers of a drift, with intervals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.diagnose.circularity_core import (
    extremes,
    made_by_refinement,
    radius,
    share_towards,
    steps,
)

if TYPE_CHECKING:
    from foundation_priors.diagnose.circularity_rows import Means
    from foundation_priors.elicit.anticipation import Anticipation

__all__ = ["by_revision", "overall", "p_still"]

type Floats = NDArray[np.float64]


def by_revision(means: Means, given: Anticipation | None, prob: float) -> dict[str, Any]:
    """Return the variables over ``revision``."""
    se = np.sqrt(np.diag(means.covariance))
    half = radius(prob, means.freedom) * se if means.freedom else np.full(len(se), np.nan)
    none = np.full(len(se), np.nan)
    towards, away = (
        (none, none)
        if given is None
        else (np.concatenate([[np.nan], part]) for part in steps(means.mean, given.centre))
    )
    columns = {
        "mean": means.mean,
        "sd": means.sd,
        "n": means.count,
        "se": se,
        "lower": means.mean - half,
        "upper": means.mean + half,
        "towards": towards,
        "away": away,
    }
    return {name: ("revision", values) for name, values in columns.items()}


def overall(means: Means, given: Anticipation | None, prob: float) -> dict[str, Any]:
    """Return the numbers of a whole drift."""
    first_sd = means.sd[0] if means.sd[0] > 0 else np.nan
    statistics: dict[str, Any] = {
        "change": lambda m: m[..., -1] - m[..., 0],
        "change_sd": lambda m: (m[..., -1] - m[..., 0]) / first_sd,
        "refined": made_by_refinement,
    }
    interval = (np.nan, np.nan) if given is None else given.interval or (np.nan, np.nan)
    out: dict[str, Any] = {
        "anticipated": np.nan if given is None else given.centre,
        "anticipated_lower": interval[0],
        "anticipated_upper": interval[1],
        "p_still": p_still(means),
    }
    if given is None:
        out |= {f"{n}{end}": np.nan for n in ("share", "net") for end in ("", "_lower", "_upper")}
    else:
        statistics["share"] = partial(share_towards, target=given.centre)
        statistics["net"] = partial(_net, target=given.centre)
    for name, statistic in statistics.items():
        out[name] = float(statistic(means.mean))
        out[f"{name}_lower"], out[f"{name}_upper"] = _range(statistic, means, prob)
    return out


def _net(means: Floats, target: float) -> Floats:
    """Return by how much nearer the last mean is to a target than the first."""
    return np.abs(means[..., 0] - target) - np.abs(means[..., -1] - target)


def _range(statistic: Any, means: Means, prob: float) -> tuple[float, float]:
    if not means.freedom:
        return np.nan, np.nan
    return extremes(statistic, means.mean, means.covariance, radius(prob, means.freedom))


def p_still(means: Means) -> float:
    """Return the p-value of Hotelling's test, or of F, that all means are equal."""
    from scipy.stats import f

    contrast = np.diff(np.eye(len(means.mean)), axis=0)
    moved, q = contrast @ means.mean, len(means.mean) - 1
    spread = contrast @ means.covariance @ contrast.T
    if not means.freedom or np.linalg.matrix_rank(spread) < q:
        return np.nan
    free = means.freedom
    square = float(moved @ np.linalg.solve(spread, moved)) / q
    if means.noise != "units":
        return float(f.sf(square, q, free))
    return float(f.sf(square * (free - q + 1) / free, q, free - q + 1))
