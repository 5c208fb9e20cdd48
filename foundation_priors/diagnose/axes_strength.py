"""Strengths from pairwise judgements: the Bradley-Terry model."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["bradley_terry"]

type Floats = NDArray[np.float64]

SPREAD = 3.0


def bradley_terry(judgements: pd.DataFrame, spread: float = SPREAD) -> pd.DataFrame:
    r"""Estimate strengths from who was preferred to whom.

    Parameters
    ----------
    judgements : pandas.DataFrame
        Columns ``winner`` and ``loser``, one row a comparison; optionally ``weight`` (a tie is two
        rows of weight one half).
    spread : float
        Standard deviation of the normal prior of each strength, in log odds. It keeps whoever
        always wins finite and hardly moves the others.

    Returns
    -------
    pandas.DataFrame
        For each name ``strength`` (log odds, mean 0), its standard ``error``, and ``comparisons``.

    Raises
    ------
    ValueError
        If a column is missing, somebody is compared with himself, or there are no comparisons.

    Notes
    -----
    :math:`P(i\ beats\ j) = 1 / (1 + e^{s_j - s_i})`, at the maximum of the log-likelihood less
    :math:`\sum s_i^2 / 2\,spread^2`, by Newton's method; the errors are from the inverse of minus
    the Hessian there, of strengths less their mean.

    References
    ----------
    Bradley, R. A. and Terry, M. E. (1952), doi:10.2307/2334029.

    Examples
    --------
    >>> table = pd.DataFrame({"winner": ["a", "a", "a", "b"], "loser": ["b", "b", "b", "a"]})
    >>> found = bradley_terry(table, spread=1e3)["strength"]
    >>> round(float(np.exp(found["a"] - found["b"])), 3)
    3.0
    """
    missing = {"winner", "loser"} - set(judgements.columns)
    if missing:
        raise ValueError(f"judgements= lacks the column {sorted(missing)[0]!r}.")
    if not len(judgements):
        raise ValueError("judgements= has no rows: give at least one comparison.")
    if not spread > 0:
        raise ValueError(f"spread={spread} must be positive.")
    if judgements[["winner", "loser"]].isna().to_numpy().any():
        raise ValueError("judgements= has a row without a winner or a loser: leave it out.")
    if (judgements["winner"] == judgements["loser"]).any():
        raise ValueError("judgements= compares somebody with himself: leave these rows out.")
    names = sorted({*judgements["winner"], *judgements["loser"]}, key=str)
    at = {name: i for i, name in enumerate(names)}
    won = judgements["winner"].map(at).to_numpy()
    lost = judgements["loser"].map(at).to_numpy()
    weight = np.ones(len(won))
    if "weight" in judgements:
        weight = judgements["weight"].to_numpy(dtype=float)
        if not (np.isfinite(weight) & (weight >= 0)).all():
            raise ValueError("judgements= has a negative or infinite weight.")
    strength, hessian = _fit(won, lost, weight, len(names), spread)
    centre = np.eye(len(names)) - 1 / len(names)
    cov = centre @ np.linalg.inv(hessian) @ centre
    times = np.bincount(won, weight, len(names)) + np.bincount(lost, weight, len(names))
    return pd.DataFrame(
        {
            "strength": strength - strength.mean(),
            "error": np.sqrt(np.diag(cov)),
            "comparisons": times,
        },
        index=pd.Index(names),
    )


def _fit(
    won: NDArray[np.intp], lost: NDArray[np.intp], weight: Floats, n: int, spread: float
) -> tuple[Floats, Floats]:
    strength = np.zeros(n)
    for _ in range(100):
        chance = expit(strength[won] - strength[lost])
        push = weight * (1 - chance)
        gradient = np.bincount(won, push, n) - np.bincount(lost, push, n) - strength / spread**2
        pair = np.zeros((n, n))
        np.add.at(pair, (won, lost), weight * chance * (1 - chance))
        pair = pair + pair.T
        hessian = np.diag(pair.sum(axis=1) + spread**-2) - pair
        step = np.linalg.solve(hessian, gradient)
        # Log-concave; a step of more than 2 in log odds can overshoot.
        strength = strength + step / max(1.0, np.abs(step).max() / 2)
        if np.abs(step).max() < 1e-12:
            break
    return strength, hessian
