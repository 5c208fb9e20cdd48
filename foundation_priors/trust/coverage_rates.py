"""Operating characteristics of many repetitions, with Monte Carlo errors: NumPy in, NumPy out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["decision_rates", "interval_rates"]

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]


def interval_rates(mean: Floats, low: Floats, high: Floats, truth: Floats) -> dict[str, Floats]:
    r"""Return bias, RMSE, coverage, width and RMSE relative to the first rule, with errors.

    Parameters
    ----------
    mean, low, high : array, shape (..., repeat, rule, quantity)
        Posterior means and the ends of intervals.
    truth : array, shape (..., repeat, quantity)

    Returns
    -------
    dict
        Arrays of shape (..., rule, quantity); each ``name`` has its error as ``mcse_name``.

    Notes
    -----
    With R repetitions and errors e the RMSE's own is :math:`sd(e^2)/(2\,RMSE\sqrt R)`, and that of
    a ratio counts that both rules saw the same data. A coverage of 0 or 1 is not known exactly:
    its error is that of (k + 1)/(R + 2).

    Examples
    --------
    >>> import numpy as np
    >>> mean = np.array([[[1.0]], [[-1.0]]])  # two repetitions of one rule and quantity
    >>> found = interval_rates(mean, mean - 2, mean + 2, np.zeros((2, 1)))
    >>> [found[k].item() for k in ("bias", "rmse", "coverage", "width")]
    [0.0, 1.0, 1.0, 4.0]
    """
    target = truth[..., None, :]
    error = mean - target
    square, repeats = error**2, error.shape[-3]
    rmse = np.sqrt(square.mean(-3))
    covered = (low <= target) & (target <= high)
    with np.errstate(invalid="ignore", divide="ignore"):
        pull = square / (2 * rmse[..., None, :, :] ** 2)
        ratio = rmse / rmse[..., :1, :]
        mcse_rmse = rmse * _error_of_mean(pull)
        mcse_ratio = ratio * _error_of_mean(pull - pull[..., :1, :])
    return {
        "bias": error.mean(-3),
        "mcse_bias": _error_of_mean(error),
        "rmse": rmse,
        "mcse_rmse": np.where(rmse > 0, mcse_rmse, 0.0),
        "relative_rmse": ratio,
        "mcse_relative_rmse": mcse_ratio,
        "coverage": covered.mean(-3),
        "mcse_coverage": _error_of_share(covered.sum(-3), np.asarray(repeats)),
        "width": (high - low).mean(-3),
        "mcse_width": _error_of_mean(high - low),
    }


def decision_rates(declared: Bools, truth: Floats) -> dict[str, Floats]:
    """Return how often decisions are made, and how often wrongly, with errors.

    Parameters
    ----------
    declared : array of bool, shape (..., repeat, rule, decision)
    truth : array, shape (..., repeat, decision)
        1 where the event holds, 0 where it does not, nan where nobody knows.

    Returns
    -------
    dict
        ``declared_rate``; ``type_1_error``, its share where the event does not hold;
        ``type_2_error``, the share that is not declared where it does. nan where that never is.
    """
    target = np.broadcast_to(truth[..., None, :], declared.shape)
    parts = {
        "declared_rate": (declared, np.ones_like(declared)),
        "type_1_error": (declared, target == 0),
        "type_2_error": (~declared, target == 1),
    }
    out: dict[str, Floats] = {}
    for name, (hit, among) in parts.items():
        hits, total = (hit & among).sum(-3), among.sum(-3)
        with np.errstate(invalid="ignore", divide="ignore"):
            out[name] = np.where(total > 0, hits / total, np.nan)
        out[f"mcse_{name}"] = _error_of_share(hits, total)
    return out


def _error_of_mean(values: Floats) -> Floats:
    repeats = values.shape[-3]
    if repeats < 2:
        return np.full(values.shape[:-3] + values.shape[-2:], np.nan)
    return np.asarray(values.std(-3, ddof=1) / np.sqrt(repeats))


def _error_of_share(hits: NDArray[np.int_], total: NDArray[np.int_]) -> Floats:
    p = (hits + 1) / (total + 2)
    with np.errstate(divide="ignore"):
        return np.where(total > 0, np.sqrt(p * (1 - p) / np.maximum(total, 1)), np.nan)
