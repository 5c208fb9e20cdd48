"""What a drift means, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from foundation_priors.elicit.anticipation import Anticipation

__all__ = ["FAILS_WHEN", "reading", "unjudged"]

FAILS_WHEN = (
    "It cannot tell a user who steers towards a wish from one who corrects a prompt towards the "
    "truth that they expected, and with one conversation for each revision its interval does not "
    "know how another conversation would have answered."
)
LEVEL = 0.05


def unjudged(found: xr.Dataset, given: Anticipation | None, first: str | None) -> str:
    """Return one sentence for each thing that could not be judged."""
    out = []
    if given is None:
        out.append(
            "The direction of the movement is not judged: nobody wrote down an anticipation."
        )
    elif np.isnan(found["written_before"]):
        why = (
            "the anticipation has no date"
            if given.when is None
            else "the answers have no date"
            if first is None
            else "both are of the same day"
        )
        out.append(f"Whether it was written down before asking cannot be told: {why}.")
    if np.isnan(found["change_lower"]):
        out.append("The noise is not judged: each revision has one answer.")
    return " ".join(out)


def reading(found: xr.Dataset, given: Anticipation | None) -> str:
    """Return one to three sentences with the numbers in them."""
    mean = found["mean"].values
    moved = (
        f"Over {_times(len(mean) - 1)} the mean answer went from {mean[0]:.3g} to {mean[-1]:.3g}"
    )
    if np.isfinite(found["change_sd"]):
        moved += f", by {abs(float(found['change_sd'])):.2g} sds of the first answers"
    moved += ", without an observation"
    if given is None:
        return f"{moved}; {_size(found)}where it was meant to go nobody wrote down."
    if float(found["p_still"]) > LEVEL:
        return (
            f"{moved}, but no further than noise does (p = {float(found['p_still']):.2g}), so that "
            "nothing can be said of its direction."
        )
    if np.isnan(found["share"]):
        return f"{moved}; nothing has moved."
    return f"{moved}. {_direction(found)} {_meaning(found)}"


def _times(count: int) -> str:
    return "one revision" if count == 1 else f"{count} revisions"


def _size(found: xr.Dataset) -> str:
    p = float(found["p_still"])
    return f"p = {p:.2g} of no movement; " if np.isfinite(p) else ""


def _direction(found: xr.Dataset) -> str:
    share, low, high = (float(found[f"share{end}"]) for end in ("", "_lower", "_upper"))
    level = f"{100 * found.attrs['prob']:.3g}%"
    known = f" ({level} interval {low:z.2f} to {high:z.2f})" if np.isfinite(low) else ""
    return (
        f"Of all its movement a share of {share:z.2f}{known} was towards the anticipated "
        f"{float(found['anticipated']):.3g}."
    )


def _meaning(found: xr.Dataset) -> str:
    low, high = float(found["share_lower"]), float(found["share_upper"])
    if low > 0.5:
        refined = float(found["refined"])
        return (
            f"Refinement made {refined:z.2f} of the last answer, and it repeats what the user "
            "expected: take the first prompt's answers, or all of them, at a trust that real data "
            "have earned."
        )
    if high < 0.5:
        return "The revisions led away from what the user expected."
    return "That does not tell aim from aimless movement, which has a share near one half."
