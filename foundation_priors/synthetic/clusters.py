"""Which answers belong together, and what that leaves of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from foundation_priors.synthetic import weights
from foundation_priors.synthetic.build import FACTORS, ROWS, row_mass

if TYPE_CHECKING:
    import xarray as xr

    from foundation_priors.synthetic.build import Schema

__all__ = [
    "COVARIATES",
    "UNTOLD",
    "Effect",
    "clusterings",
    "effect",
    "repeated_rows",
    "size_table",
]

COVARIATES = "equal covariates"
UNTOLD = "clusters can't be told apart"
INDEPENDENT = "none"
GIVEN = "given by the user"


@dataclasses.dataclass(frozen=True)
class Effect:
    """A design effect and the clustering it comes from."""

    size: float
    clustering: str


def effect(data: xr.Dataset, schema: Schema, outcomes: tuple[str, ...]) -> Effect:
    """Return the largest design effect over clusterings and outcomes.

    Parameters
    ----------
    data : xarray.Dataset
        Dims: answer.
    schema : Schema
        What its variables mean.
    outcomes : tuple of str
        The outcomes that are used.

    Returns
    -------
    Effect
        Rows per effective row, at least 1.

    Notes
    -----
    The unit, or without one equal covariates of at least two profiles, say which rows answer the
    same question; how many answers these are worth is `weights.distinct`. Any other clustering
    (equal covariates beside a unit, conversation, framing, ...) may cut across the questions, and
    leaves `weights.crossing`; where the questions are not known, what the analysis of variance
    leaves, `weights.design_effect`.
    """
    scores = [score for name in outcomes for score in _scores(data, schema, name)]
    found = clusterings(data, schema)
    mass = row_mass(data, schema)
    if schema.probability is not None:
        # Chances vary less than answers drawn from them, so whole answers are compared.
        parts = {*schema.outcomes, schema.probability}
        same = _codes_of(data, [str(n) for n in data.variables if n not in parts])
        first = np.unique(same, return_index=True)[1]
        total = np.bincount(same, mass)
        scores = [_expected(score, same, mass, total) for score in scores]
        found = {name: groups[first] for name, groups in found.items()}
        mass = total
    question = _question(found, schema)
    best = Effect(1.0, INDEPENDENT if _tells(found, schema) else UNTOLD)
    for score in scores:
        for name, groups in found.items():
            if name == question:
                left = weights.distinct(score, groups, mass)
            else:
                left = _crossing(score, groups, mass, found[question] if question else None)
            size = mass.sum() / left
            if size > best.size * (1 + 1e-9):
                best = Effect(float(size), name)
    return best


def _question(found: dict[str, np.ndarray], schema: Schema) -> str | None:
    """Return the clustering that says which rows answer the same question."""
    if schema.unit is not None and schema.unit in found:
        return schema.unit
    return COVARIATES if COVARIATES in found and found[COVARIATES].any() else None


def _tells(found: dict[str, np.ndarray], schema: Schema) -> bool:
    """Say whether anything tells repeated answers from respondents."""
    told = [*schema.clusters, "conversation"]
    return _question(found, schema) is not None or any(
        name in found and found[name].any() for name in told
    )


def _crossing(
    score: np.ndarray, groups: np.ndarray, mass: np.ndarray, question: np.ndarray | None
) -> float:
    """Return the effective rows under a clustering that does not say what was asked."""
    if not groups.any() or not np.bincount(groups, mass).all():
        return np.inf
    if question is not None:
        known = weights.distinct(score, weights.combine_codes([question, groups]), mass)
        return weights.crossing(score, groups, mass, known)
    size = weights.design_effect(score, groups, mass)
    left = mass.sum() / size if size > 0 else np.inf
    return max(float(left), weights.distinct(score, groups, mass))


def _expected(
    scores: np.ndarray, groups: np.ndarray, mass: np.ndarray, total: np.ndarray
) -> np.ndarray:
    sums = [np.bincount(groups, mass * column) for column in scores.T]
    return np.stack(sums, axis=1) / np.where(total > 0, total, 1.0)[:, None]


def clusterings(data: xr.Dataset, schema: Schema) -> dict[str, np.ndarray]:
    """Return the cluster of each row, for each way of grouping the rows.

    Parameters
    ----------
    data : xarray.Dataset
        Dims: answer.
    schema : Schema
        What its variables mean.

    Returns
    -------
    dict of str to numpy.ndarray
        Shape (answer,) each: the unit, the named clusters, each factor but ``draw``, and equal
        covariates. A conversation number counts within its source and model.
    """
    out: dict[str, np.ndarray] = {}
    names = [schema.unit, *schema.clusters, *(n for n in FACTORS if n in data.coords)]
    for name in dict.fromkeys(names):
        if name is None or name == "draw" or name in schema.outcomes:
            continue
        within = [n for n in ("source", "model") if n in data.coords and name == "conversation"]
        out[name] = _codes_of(data, [name, *within])
    covariates = [str(name) for name in data.data_vars if name not in schema.outcomes]
    if covariates:
        out[COVARIATES] = _codes_of(data, covariates)
    return out


def repeated_rows(data: xr.Dataset, schema: Schema) -> np.ndarray:
    """Say which rows repeat an earlier one in outcomes, covariates, unit and source.

    Parameters
    ----------
    data : xarray.Dataset
        Dims: answer.
    schema : Schema
        What its variables mean.

    Returns
    -------
    numpy.ndarray
        Booleans of shape (answer,).
    """
    names = [str(name) for name in data.data_vars]
    names += [n for n in (schema.unit, "source") if n in data.coords and n is not None]
    return weights.repeats(_codes_of(data, names))


def size_table(
    groups: dict[str, np.ndarray],
    weight: np.ndarray,
    mass: np.ndarray,
    repeated: np.ndarray,
    clustering: str,
) -> pd.DataFrame:
    """Count rows, repeated rows and effective rows of each group and of all.

    Parameters
    ----------
    groups : dict of str to numpy.ndarray
        Row positions.
    weight, mass, repeated : numpy.ndarray
        Shape (answer,): the weight of each row, how much of an answer it is, and whether it repeats
        an earlier row.
    clustering : str
        Where the weights come from.

    Returns
    -------
    pandas.DataFrame
        As `SyntheticData.effective_size` describes it.
    """
    rows = {}
    for name, where in {**groups, "total": np.arange(len(weight))}.items():
        effective = float(weight[where].sum())
        rows[name] = {
            "rows": len(where),
            "duplicates": int(repeated[where].sum()),
            "design_effect": float(mass[where].sum()) / effective if effective > 0 else np.inf,
            "clustering": clustering,
            "effective_rows": effective,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _codes_of(data: xr.Dataset, names: list[str]) -> np.ndarray:
    codes: list[np.ndarray] = []
    for name in names:
        values = data[name].values
        if data[name].dims[:1] != (ROWS,):
            continue
        for column in values.reshape(len(values), -1).T:
            codes.append(pd.factorize(column, use_na_sentinel=False)[0])
    return weights.combine_codes(codes) if codes else np.zeros(data.sizes[ROWS], dtype=int)


def _scores(data: xr.Dataset, schema: Schema, name: str) -> list[np.ndarray]:
    values = data[name].values
    if values.dtype.kind in "biuf":
        return [column[:, None] for column in values.reshape(len(values), -1).T.astype(float)]
    levels = schema.levels.get(name) or tuple(dict.fromkeys(values))
    codes = pd.Categorical(values, categories=list(levels)).codes
    if name in schema.ordered or len(levels) <= 2:
        return [codes[:, None].astype(float)]
    return [(codes[:, None] == np.arange(len(levels))).astype(float)]
