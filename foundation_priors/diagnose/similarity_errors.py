"""Whether sources err together, which no number of them averages out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.vendi_core import score
from foundation_priors.diagnose.verdicts_truth import anchored
from foundation_priors.diagnose.voices_columns import require_answers
from foundation_priors.errors import ModelError, check_probability

if TYPE_CHECKING:
    from foundation_priors.diagnose.verdicts_truth import Truth
    from foundation_priors.synthetic import SyntheticData

__all__ = ["common_difficulty", "effective_sources", "error_correlation", "pooled_error"]

type Floats = NDArray[np.float64]

RESAMPLES = 500
FAILS_WHEN = (
    "Items that are hard for everybody make errors correlate without any copying; the split needs"
    " four sources or more and takes difficulty to be one thing, and few items leave the"
    " correlation uncertain (its interval says how much)."
)


def effective_sources(n: float, rho: float) -> float:
    r"""Count the independent sources that n sources with correlated errors are worth.

    Parameters
    ----------
    n : float
        Sources.
    rho : float
        Mean correlation of their errors, above -1/(n-1).

    Returns
    -------
    float
        :math:`n / (1 + (n - 1) \rho)`, also :math:`VS_\infty` of the equicorrelated kernel.

    Examples
    --------
    >>> round(effective_sources(71, 0.419), 2)
    2.34
    """
    if not (n >= 1 and -1 <= rho <= 1):
        raise ValueError(f"n={n} must be at least 1 and rho={rho} a correlation.")
    below = 1 + (n - 1) * rho
    return float(n / below) if below > 0 else float("inf")


def pooled_error(errors: Floats) -> dict[str, float]:
    r"""Decompose the squared error of the mean of sources.

    Parameters
    ----------
    errors : array
        Shape (source, item).

    Returns
    -------
    dict of str to float
        ``pooled``, ``mean`` and ``ambiguity`` with pooled = mean - ambiguity; ``bias2``,
        ``variance`` and ``covariance`` with pooled = bias2 + variance/K + (1 - 1/K) covariance.

    Notes
    -----
    Both hold exactly in the data (moments with divisor n): the first is that of Krogh and Vedelsby
    (1995), with :math:`ambiguity` the mean squared distance of a source from the mean of all.

    References
    ----------
    Krogh, A. and Vedelsby, J. (1995). Neural network ensembles, cross validation, and active
    learning. NIPS 7. Ueda, N. and Nakano, R. (1996), doi:10.1109/ICNN.1996.548872.

    Examples
    --------
    >>> found = pooled_error(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> found["pooled"], found["mean"], found["ambiguity"]
    (0.25, 0.5, 0.25)
    """
    k = len(errors)
    together = errors.mean(axis=0)
    cov = np.atleast_2d(np.cov(errors, ddof=0))
    off = (cov.sum() - np.trace(cov)) / (k * (k - 1)) if k > 1 else 0.0
    return {
        "pooled": float((together**2).mean()),
        "mean": float((errors**2).mean()),
        "ambiguity": float(((errors - together) ** 2).mean()),
        "bias2": float(together.mean() ** 2),
        "variance": float(np.trace(cov) / k),
        "covariance": float(off),
    }


def common_difficulty(correlation: Floats, steps: int = 500) -> Floats | None:
    r"""Split off what one difficulty of the items explains of correlations.

    Parameters
    ----------
    correlation : array
        Shape (source, source).
    steps : int

    Returns
    -------
    array or None
        :math:`\lambda \lambda'`, the nearest such matrix off the diagonal (a one-factor model by
        least squares); None for fewer than four sources, where any correlations fit.
    """
    k = len(correlation)
    if k < 4:
        return None
    off = correlation - np.diag(np.diag(correlation))
    loading = np.sqrt(np.clip(np.abs(off).mean(axis=1), 0.05, 1.0))
    for _ in range(steps):
        before = loading.copy()
        for i in range(k):
            rest = np.delete(loading, i)
            below = rest @ rest
            own = np.delete(off[i], i) @ rest / below if below > 0 else 0.0
            loading[i] = np.clip(own, -1, 1)
        if np.abs(loading - before).max() < 1e-10:
            break
    return np.outer(loading, loading)


def error_correlation(
    llm: SyntheticData | Floats,
    truth: Truth | None = None,
    *,
    by: str = "source",
    outcome: str | None = None,
    item: str | None = None,
    prob: float = 0.9,
    random_seed: int | None = 0,
) -> xr.Dataset:
    r"""Correlate the errors of sources over items, against held-out truth.

    Parameters
    ----------
    llm : SyntheticData or array
        Answers; or errors, shape (source, item).
    truth : mapping, Series or DataArray
        The real value by item. Not used with errors.
    by : str
        The factor whose levels are the sources.
    outcome, item : str, optional
        Default: the first outcome, the unit.
    prob : float
        Of the interval, by resampling items.
    random_seed : int, optional

    Returns
    -------
    xarray.Dataset
        ``correlation``, ``difficulty`` and ``rest`` over (source, source_), the middle one what a
        common difficulty of the items explains; ``bias``, ``mse`` over ``source``; scalars ``rho``
        (mean correlation), ``effective`` with ``lower`` and ``upper``, ``vendi_1`` of the
        correlations as a kernel, and the parts of `pooled_error`.

    Raises
    ------
    ModelError
        If fewer than two sources answered three equal items, or a source never errs differently.

    Notes
    -----
    A source's error on an item is the mean of its answers less the truth (two levels count as 0 and
    1), or the share of wrong answers among unordered levels. :math:`n_{eff} = n / (1 + (n-1)\rho)`.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> shared = rng.normal(size=400)
    >>> found = error_correlation(shared + rng.normal(size=(6, 400)))
    >>> round(float(found["rho"]), 1), round(float(found["effective"]), 1)
    (0.5, 1.8)
    """
    check_probability(prob, "prob")
    errors, names = _errors(llm, truth, by, outcome, item)
    if len(errors) < 2 or errors.shape[1] < 3:
        raise ModelError(
            f"{len(errors)} levels of {by!r} answered {errors.shape[1]} items in common: at least"
            " two and three are needed."
        )
    # Rounding leaves tiny spreads in errors that are equal.
    same = errors.std(axis=1) <= 1e-12 * (1 + np.abs(errors).max())
    if same.any():
        raise ModelError(
            f"{names[int(np.argmax(same))]!r} errs by the same on every item, which has no"
            " correlation: leave it out."
        )
    correlation = np.asarray(np.corrcoef(errors))
    rho = _mean_off(correlation)
    edges = _interval(errors, prob, np.random.default_rng(random_seed))
    common = common_difficulty(correlation)
    unknown = np.full_like(correlation, np.nan)
    rest = unknown if common is None else correlation - common
    over = ("source", "source_")
    kernel = np.clip(correlation, -1, 1)
    result = xr.Dataset(
        {
            "correlation": (over, correlation),
            "difficulty": (over, unknown if common is None else _hollow(common)),
            "rest": (over, _hollow(rest)),
            "bias": ("source", errors.mean(axis=1)),
            "mse": ("source", (errors**2).mean(axis=1)),
            "rho": rho,
            "effective": effective_sources(len(errors), rho),
            "lower": edges[0],
            "upper": edges[1],
            "vendi_1": float(score(kernel, np.ones(len(kernel)), [1.0])[0]),
            **{
                f"{k}_error" if k in ("pooled", "mean") else k: v
                for k, v in pooled_error(errors).items()
            },
        },
        {"source": names, "source_": names},
        {"by": by, "items": errors.shape[1], "prob": prob},
    )
    result.attrs |= {"reading": _reading(result), "fails_when": FAILS_WHEN}
    return result


def _errors(
    llm: SyntheticData | Floats,
    truth: Truth | None,
    by: str,
    outcome: str | None,
    item: str | None,
) -> tuple[Floats, list[str]]:
    if isinstance(llm, np.ndarray):
        if llm.ndim != 2 or not np.isfinite(llm).all():
            raise ValueError(f"Errors of shape {llm.shape} must be finite, (source, item).")
        return llm.astype(float), [str(i) for i in range(len(llm))]
    require_answers(llm, "error_correlation")
    if truth is None:
        raise ValueError("Errors need truth=: the real value by item.")
    held = anchored(llm, truth, outcome, item)
    source = np.full(len(llm), "", dtype=object)
    for name, where in llm.groups(by).items():
        source[where] = name
    table = pd.DataFrame({"source": source[held.rows], "item": held.item, "error": held.errors()})
    wide = table.pivot_table(index="source", columns="item", values="error", sort=False)
    wide = wide.dropna(axis=1)
    return wide.to_numpy(), [str(name) for name in wide.index]


def _mean_off(matrix: Floats) -> float:
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())


def _hollow(matrix: Floats) -> Floats:
    out = matrix.copy()
    np.fill_diagonal(out, np.nan)
    return out


def _interval(errors: Floats, prob: float, rng: np.random.Generator) -> Floats:
    """Resample items; a resample in which a source never varies is left out."""
    found = []
    for _ in range(RESAMPLES):
        drawn = errors[:, rng.integers(errors.shape[1], size=errors.shape[1])]
        if (drawn.std(axis=1) > 1e-12).all():
            found.append(effective_sources(len(errors), _mean_off(np.asarray(np.corrcoef(drawn)))))
    if len(found) < RESAMPLES / 2:
        return np.array([np.nan, np.nan])
    return np.quantile(found, [(1 - prob) / 2, (1 + prob) / 2])


def _reading(result: xr.Dataset) -> str:
    n, attrs = result.sizes["source"], result.attrs
    text = (
        f"Over {attrs['items']} items the errors of {n} levels of {attrs['by']!r} correlate by"
        f" {float(result['rho']):z.2f}, so they are worth {float(result['effective']):z.1f}"
        f" independent ones ({attrs['prob']:z.0%} interval {float(result['lower']):z.1f} to"
        f" {float(result['upper']):z.1f}); pooling them takes the mean squared error from"
        f" {float(result['mean_error']):.3g} to {float(result['pooled_error']):.3g}."
    )
    rest = result["rest"].values
    if np.isfinite(rest).any():
        pairs = np.triu_indices(len(rest), 1)  # those below are equal only up to rounding
        i, j = (int(k[np.nanargmax(rest[pairs])]) for k in pairs)
        names = result["source"].values
        text += (
            " A common difficulty of the items makes for a correlation of"
            f" {float(result['difficulty'].mean()):z.2f}; {names[i]} and {names[j]} are alike"
            f" beyond that by {rest[i, j]:z.2f}."
        )
    return text
