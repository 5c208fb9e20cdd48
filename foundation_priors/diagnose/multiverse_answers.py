"""The mean answer under every variant of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.diagnose.circularity_core import radius
from foundation_priors.diagnose.circularity_rows import means_of, said_in
from foundation_priors.errors import ColumnError, did_you_mean

if TYPE_CHECKING:
    from foundation_priors.synthetic import SyntheticData

__all__ = ["of_answers"]

REPEATS = ("draw", "conversation")


def of_answers(
    llm: SyntheticData, outcome: Any, by: str | Sequence[str] | None, event: Any, prob: float
) -> xr.Dataset:
    """Return mean answers with intervals over the combinations of factors; see `multiverse`."""
    if outcome is not None and not isinstance(outcome, str):
        raise TypeError("Of answers, quantity= is the name of an outcome.")
    if outcome not in llm.outcomes and not (outcome is None and len(llm.outcomes) == 1):
        what = "There are several outcomes" if outcome is None else f"{outcome!r} names no outcome"
        raise ColumnError(
            f"{what}: name one with quantity=.{did_you_mean(outcome or '', llm.outcomes)}"
        )
    factors = _factors(llm, by)
    labels = [", ".join(map(str, row)) for row in zip(*map(llm.column, factors), strict=True)]
    said = said_in(llm, outcome, factors[0], event)
    rows = said.rows.assign(revision=np.array(labels, dtype=object)[said.rows.index])
    means = means_of(rows)
    if len(means.revisions) < 2:
        raise ValueError(
            f"The answers have one level of {', '.join(factors)}: there is nothing to compare."
        )
    se = np.sqrt(np.diag(means.covariance))
    half = radius(prob, means.freedom) * se if means.freedom else np.full(len(se), np.nan)
    columns = {
        "mean": means.mean,
        "sd": se,
        "lower": means.mean - half,
        "upper": means.mean + half,
        "n": means.count,
    }
    coords: dict[str, Any] = {"variant": means.revisions}
    coords["kind"] = "variant", ["alone"] * len(se)
    coords["source"] = "variant", means.revisions
    attrs = {"quantity": f"mean of {said.outcome}", "noise": means.noise}
    return xr.Dataset({k: ("variant", v) for k, v in columns.items()}, coords, attrs)


def _factors(llm: SyntheticData, by: str | Sequence[str] | None) -> list[str]:
    if by is not None:
        named = [by] if isinstance(by, str) else list(by)
        for name in named:
            if name not in llm.factors:
                raise ColumnError(f"There is no factor {name!r}.{did_you_mean(name, llm.factors)}")
    else:
        named = [n for n in llm.factors if n not in REPEATS]
        named = [n for n in named if len(set(llm.column(n).tolist())) > 1]
    if not named:
        raise ValueError(
            "The answers have no factor with two levels, so there is one variant of the prompt: "
            "there is nothing to compare."
        )
    return named
