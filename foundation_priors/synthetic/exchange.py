"""Answers whose profiles have exchanged their covariates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.synthetic.build import FACTORS, reweigh

if TYPE_CHECKING:
    from foundation_priors.synthetic.container import SyntheticData

__all__ = ["exchange"]


def exchange(
    synthetic: SyntheticData,
    rng: np.random.Generator,
    profile: str | Sequence[str] | None = None,
) -> SyntheticData:
    """Permute the answers among profiles as whole blocks, and keep their weights.

    Parameters
    ----------
    synthetic : SyntheticData
    rng : numpy.random.Generator
    profile : str or list of str, optional
        The columns that identify a profile; by default the unit, or else all covariates.

    Returns
    -------
    SyntheticData
        The same answers in the same order: each profile has the covariates of another, drawn at
        random (its own, at times). A covariate that varies within profiles stays where it is.

    Raises
    ------
    ColumnError
        If a named column is missing.
    ValueError
        If no covariate is constant within profiles, or there are fewer than two profiles.
    """
    data = synthetic._data
    names = _profile(synthetic, profile)
    groups = _numbers([data[n].values for n in names]) if names else np.zeros(len(synthetic), int)
    first = np.unique(groups, return_index=True)[1]
    if len(first) < 2:
        raise ValueError(
            "The answers speak about fewer than two profiles, so there is nothing to permute: a "
            "placebo needs answers with covariates."
        )
    moved = [n for n in _candidates(synthetic) if _constant(data[n].values, groups, first)]
    if not moved:
        raise ValueError(
            f"No covariate is the same for all answers about one profile ({', '.join(names)}), so "
            "there is nothing to permute: name the columns that identify a profile with profile=."
        )
    taken = first[rng.permutation(len(first))][groups]
    new = {n: (data[n].dims, data[n].values[taken]) for n in moved}
    weights = np.asarray(synthetic.weights(), dtype=float)
    schema = synthetic._schema
    return type(synthetic)._wrap(*reweigh(data.assign(new), schema, weights))


def _candidates(synthetic: SyntheticData) -> list[str]:
    """Return the columns that say whom an answer speaks about, clusters among them."""
    clusters = [n for n in synthetic.clusters if n not in (*FACTORS, synthetic.unit)]
    return [*synthetic.covariates, *clusters]


def _profile(synthetic: SyntheticData, profile: str | Sequence[str] | None) -> list[str]:
    if profile is None:
        return [synthetic.unit] if synthetic.unit else _candidates(synthetic)
    names = [profile] if isinstance(profile, str) else list(profile)
    known = [str(n) for n in synthetic._data.variables]
    for name in names:
        if name not in known:
            raise ColumnError(f"profile= names {name!r}.{did_you_mean(name, known)}")
    return names


def _numbers(columns: Sequence[NDArray]) -> NDArray[np.int64]:
    numbers = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        for part in column.reshape(len(column), -1).T:
            values, levels = pd.factorize(part, use_na_sentinel=False)
            numbers, _ = pd.factorize(numbers * len(levels) + values)
    return numbers


def _constant(column: NDArray, groups: NDArray[np.int64], first: NDArray[np.int_]) -> bool:
    codes = _numbers([column])
    return bool((codes == codes[first][groups]).all())
