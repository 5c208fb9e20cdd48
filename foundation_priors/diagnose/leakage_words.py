"""The leakage test in plain words."""

from __future__ import annotations

import numpy as np
import xarray as xr

from foundation_priors.display import count

__all__ = ["chance", "reading"]

ALL = "all"
LEFT = 0.05
"""Below this part that the parameters leave, answers are a function of the covariates."""


def chance(p: float) -> str:
    """Write a p-value.

    Examples
    --------
    >>> chance(0.0312), chance(0.00042), chance(0.00001)
    ('p = .031', 'p = .0004', 'p < .0001')
    """
    if p < 1e-4:
        return "p < .0001"
    return f"p = {p:.{4 if p < 0.001 else 3}f}".replace("= 0.", "= .")


def reading(found: xr.Dataset) -> str:
    """Return what a result of `leakage` means, in two or three sentences."""
    parts = found.sel(group=[g for g in found["group"].values if g != ALL])
    if not parts.sizes["group"]:
        parts = found
    guilty = [g for g in parts["group"].values if bool(parts["knows"].sel(group=g))]
    others = [g for g in parts["group"].values if g not in guilty]
    sentences = []
    if guilty:
        told = "; ".join(_one(found, g) for g in guilty)
        sentences.append(
            f"Some answers know the real {found.attrs['outcome']!r} beyond what the model lets "
            f"the covariates say: {told}."
        )
    if others and (guilty or len(others) <= 3):
        told = "; ".join(_one(found, g) for g in others)
        sentences.append(f"No such knowledge is shown by {told}.")
    elif others:
        sentences.append(_none(found, others))
    if ALL in found["group"].values and found.sizes["group"] > 1:
        sentences.append(f"All together: {_one(found, ALL, named=False)}.")
    sentences.append(_consequence(found, bool(guilty) or bool(found["knows"].any())))
    return " ".join(sentences)


def _one(found: xr.Dataset, group: str, named: bool = True) -> str:
    row = found.sel(group=group)
    start = f"{group} " if named and group != ALL else ""
    if "agreements" in row:
        seen = (
            f"({float(row['agreements']):.3g} of {int(row['pairs'])} agree where "
            f"{float(row['expected_agreements']):z.1f} are expected, "
        )
    else:
        seen = (
            f"(correlation with the real residual {float(row['correlation']):z.2f} over "
            f"{count(int(row['pairs']), 'pair')}, "
        )
    return f"{start}{seen}{chance(float(row['p_adjusted']))}{_left(row)}{_share(row)})"


def _left(row: xr.Dataset) -> str:
    return "; a function of the covariates" if float(row["left"]) < LEFT else ""


def _share(row: xr.Dataset) -> str:
    share = float(row["share_copied"])
    if not np.isfinite(share):
        return "; the model leaves no outcome open, so no share can be told"
    low, high = float(row["share_low"]), float(row["share_high"])
    return f"; share copied {share:z.0%}, {low:z.0%} to {high:z.0%}"


def _none(found: xr.Dataset, others: list[str]) -> str:
    rows = found.sel(group=others)
    smallest = float(rows["p_adjusted"].min())
    high = float(rows["share_high"].max())
    return (
        f"None of {len(others)} groups is shown to know the real {found.attrs['outcome']!r} beyond "
        f"what the model lets the covariates say (smallest {chance(smallest)} over all of them, "
        f"shares copied of up to {high:z.0%} within the 90% intervals)."
    )


def _consequence(found: xr.Dataset, guilty: bool) -> str:
    group = ALL if ALL in found["group"].values else found["group"].values[0]
    counted = found["double_counted"].sel(group=group)
    told = " and ".join(
        f"{float(v):.2g} at trust {float(t):g}"
        for t, v in zip(counted["trust"].values, counted.values, strict=True)
    )
    if not guilty:
        return (
            f"If the estimated share were copies, the real observations counted twice would be "
            f"{told}: too few or too uncertain to accuse anybody."
        )
    return f"Real observations that would be counted twice: {told}."
