"""What a multiverse of prompts says, in plain words."""

from __future__ import annotations

import xarray as xr

__all__ = ["FAILS_WHEN", "reading"]

FAILS_WHEN = (
    "Prompts that nobody tried are not in the picture, and variants of one model that share an "
    "error agree on it."
)


def reading(found: xr.Dataset) -> str:
    """Return two or three sentences with the numbers in them."""
    table = found.sel(data="with real data") if "data" in found.dims else found
    alone = table.isel(variant=(table["kind"] == "alone").values)
    low, high = int(alone["mean"].values.argmin()), int(alone["mean"].values.argmax())
    names, means = alone["variant"].values, alone["mean"].values
    where = "" if "trust" not in found.attrs else f" at trust {found.attrs['trust']}"
    text = (
        f"{found.attrs['quantity']}{where} runs from {means[low]:.3g} ({names[low]}) to "
        f"{means[high]:.3g} ({names[high]}) over {len(names)} variants"
    )
    width = float((alone["upper"] - alone["lower"]).max())
    if width > 0:
        text += f", {(means[high] - means[low]) / width:.2g} times their widest interval"
    rough = ""
    if "reliable" in table and (bad := int((~table["reliable"]).sum())):
        rough = f" Of {bad} of {table.sizes['variant']} variants a check of the path fails."
    return f"{text}. {_sides(alone, found.attrs['reference'])}{_left_out(table)}{rough}"


def _sides(alone: xr.Dataset, reference: float) -> str:
    above = int((alone["lower"] > reference).sum())
    below = int((alone["upper"] < reference).sum())
    count = alone.sizes["variant"]
    for some, side in ((above, "above"), (below, "below")):
        if some == count:
            return f"All {count} intervals lie {side} {reference:.3g}."
    held = count - above - below
    return f"Of the intervals {above} lie above {reference:.3g}, {below} below, and {held} hold it."


def _left_out(table: xr.Dataset) -> str:
    kinds = table["kind"].values
    if "without" not in kinds:
        return ""
    every = table.isel(variant=list(kinds).index("all"))
    rest = table.isel(variant=kinds == "without")
    moves = abs(rest["mean"] - every["mean"]) / every["sd"]
    most = int(moves.values.argmax())
    return (
        f" Leaving out {rest['source'].values[most]} moves the result of all by "
        f"{float(moves[most]):.2g} sds, no other one by more."
    )
