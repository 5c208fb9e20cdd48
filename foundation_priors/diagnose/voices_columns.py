"""The answers as numbers, and the factors of their design as codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation_priors.diagnose.voices_core import nested
from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.synthetic.clusters import COVARIATES, clusterings
from foundation_priors.synthetic.weights import combine_codes

if TYPE_CHECKING:
    from foundation_priors.synthetic import SyntheticData

__all__ = ["Asked", "asked", "indicators", "levels_of", "numbers", "profile_codes", "the_outcome"]

type Floats = NDArray[np.float64]
type Codes = NDArray[np.intp]

MOST = 20_000
"""Levels beyond which terms of profile and factor together are left out."""


@dataclass
class Asked:
    """Who answered, how often, about whom.

    ``why`` says of each factor that is not judged the reason.
    """

    y: Floats
    outcome: str
    factors: dict[str, Codes]
    profile: Codes | None
    profile_name: str | None
    why: dict[str, str] = field(default_factory=dict)


def require_answers(llm: object, name: str) -> None:
    """Refuse anything but SyntheticData."""
    from foundation_priors.synthetic import SyntheticData

    if not isinstance(llm, SyntheticData):
        raise TypeError(
            f"{name} takes fp.SyntheticData, and this is a {type(llm).__name__}: wrap a frame with"
            " fp.SyntheticData.from_dataframe."
        )


def the_outcome(llm: SyntheticData, outcome: str | None) -> str:
    """Return the outcome that is meant: the first where none is named."""
    if outcome is None:
        return llm.outcomes[0]
    if outcome not in llm.outcomes:
        raise ColumnError(f"{outcome!r} is no outcome.{did_you_mean(outcome, llm.outcomes)}")
    return outcome


def levels_of(llm: SyntheticData, outcome: str) -> tuple | None:
    """Return the levels of an outcome of words, in order; None for numbers."""
    values = llm.column(outcome)
    if values.dtype.kind in "biuf":
        return None
    return llm.levels.get(outcome) or tuple(dict.fromkeys(values.tolist()))


def numbers(llm: SyntheticData, outcome: str) -> Floats:
    """Return an outcome as numbers: 0 and 1 for two levels, codes for ordered ones.

    Parameters
    ----------
    llm : SyntheticData
    outcome : str

    Returns
    -------
    array
        Shape (answer,).

    Raises
    ------
    ColumnError
        If it has no numbers: several unordered levels, several columns, or missing answers.
    """
    values = llm.column(outcome)
    if llm._schema.probability is not None:
        raise ColumnError(
            f"The answers about {outcome!r} are distributions: draw single answers from them first."
        )
    if values.ndim > 1:
        raise ColumnError(f"The outcome {outcome!r} has several columns: make each an outcome.")
    missing = np.asarray(pd.isna(values))
    if missing.any():
        raise ColumnError(
            f"{missing.sum()} answers about {outcome!r} are missing: leave them out with"
            " llm.isel(rows)."
        )
    levels = levels_of(llm, outcome)
    if levels is None:
        found = values.astype(float)
        if not np.isfinite(found).all():
            raise ColumnError(f"Some answers about {outcome!r} are infinite: leave them out.")
        return found
    if len(levels) > 2 and outcome not in llm.ordered:
        raise ColumnError(
            f"{outcome!r} has {len(levels)} levels without an order, which are no numbers: give"
            " ordered levels, an outcome of two levels, or use fp.diagnose.vendi."
        )
    return pd.Categorical(values, categories=list(levels)).codes.astype(float)


def indicators(llm: SyntheticData, outcome: str) -> tuple[Floats, tuple | None]:
    """Return an outcome as columns that have distances, and its levels where it has no numbers.

    Parameters
    ----------
    llm : SyntheticData
    outcome : str

    Returns
    -------
    array
        Shape (answer, column): one column of numbers, or one indicator per unordered level.
    tuple or None
        The levels behind indicators.
    """
    levels = levels_of(llm, outcome)
    if levels is None or len(levels) <= 2 or outcome in llm.ordered:
        return numbers(llm, outcome)[:, None], None
    codes = pd.Categorical(llm.column(outcome), categories=list(levels)).codes
    if (codes < 0).any():
        raise ColumnError(f"Answers about {outcome!r} are missing: leave them out with llm.isel.")
    return np.eye(len(levels))[codes], levels


def profile_codes(
    llm: SyntheticData, profile: str | bool | None
) -> tuple[str | None, Codes | None]:
    """Return what an answer speaks about: a column, or else the unit, or else the covariates."""
    if profile is False:
        return None, None
    groups = clusterings(llm._data, llm._schema)
    if isinstance(profile, str):
        return profile, pd.factorize(llm.column(profile), use_na_sentinel=False)[0]
    for name in (llm.unit, COVARIATES):
        if name in groups and groups[name].max() > 0:
            return name, groups[name]
    return None, None


def asked(
    llm: SyntheticData,
    outcome: str | None,
    factors: Sequence[str] | None,
    profile: str | bool | None,
    interactions: bool,
) -> Asked:
    """Read the design of the answers.

    Parameters
    ----------
    llm : SyntheticData
    outcome, factors, profile, interactions
        As in `variance_components`.

    Returns
    -------
    Asked
    """
    name = the_outcome(llm, outcome)
    label, who = profile_codes(llm, profile)
    y = numbers(llm, name)
    found = Asked(y, name, {}, None, None)
    if who is not None and int(who.max()) + 1 == len(y):
        found.why[str(label)] = "each was asked about once, so its spread is part of that within"
    elif who is not None:
        found.profile, found.profile_name = who, label
    groups = clusterings(llm._data, llm._schema)
    wanted = list(factors) if factors is not None else [f for f in llm.factors if f != "draw"]
    order = {"source": -2, "model": -1, "conversation": 1}  # finer ones last
    for factor in sorted(wanted, key=lambda f: order.get(f, 0)):
        values = llm.column(factor)
        codes = groups.get(factor, pd.factorize(values, use_na_sentinel=False)[0])
        why = _reason(codes, found)
        if why is None:
            found.factors[factor] = codes
        elif factor != label:
            found.why[factor] = why
    if found.profile is not None:
        found.factors = {str(label): found.profile, **found.factors}
    if interactions and found.profile is not None:
        _interact(found)
    return found


def _reason(codes: Codes, found: Asked) -> str | None:
    """Say why a factor cannot be judged, if it cannot."""
    count = int(codes.max()) + 1
    if count < 2:
        return "it has one level, so how others would differ is unknown, not zero"
    if count == len(codes):
        return "every answer has its own level: it is the spread within"
    for other, theirs in found.factors.items():
        if nested(codes, theirs) and nested(theirs, codes):
            return f"it groups the answers as {other} does"
    if found.profile is not None and nested(found.profile, codes):
        return f"it is the same in all answers about one {found.profile_name}"
    return None


def _interact(found: Asked) -> None:
    """Add what a level of a factor says of one profile in particular."""
    assert found.profile is not None
    for factor, codes in list(found.factors.items())[1:]:
        cells = combine_codes([codes, found.profile])
        count = int(cells.max()) + 1
        same = any(nested(cells, c) and nested(c, cells) for c in found.factors.values())
        if count < len(cells) and count <= MOST and not same:
            found.factors[f"{factor}:{found.profile_name}"] = cells
