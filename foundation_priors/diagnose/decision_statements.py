"""What holds at every trust, and what tips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from foundation_priors.diagnose.sensitivity import check_path
from foundation_priors.path.draws import elements

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.path.draws import Quantity

__all__ = ["statements"]

FAILS = (
    "A statement that holds at every trust may still rest on the model, on the primitive prior or "
    "on answers that all lean the same way; and with several sources only equal weights and each "
    "source alone are looked at, not every mixture of them."
)
TOGETHER = "all sources"


def statements(
    path: TrustPath,
    events: Quantity | Sequence[Quantity],
    *,
    probability: float = 0.95,
    trust: Any = "cautious",
) -> pd.DataFrame:
    """Say of each statement whether it holds at every trust or tips, where, and by which source.

    Parameters
    ----------
    path : TrustPath
    events : str, callable or list of them
        ``"beta > 0"``; arrays of events are taken apart.
    probability : float
        A statement holds where its probability is at least this.
    trust : number, dict or rule
        The chosen one.

    Returns
    -------
    pandas.DataFrame
        Index (statement, source): the path along equal weights of all sources and, with several,
        along each alone. Columns: ``at_zero`` and ``at_trust``, the probability at trust 0 and at
        the chosen one (each with ``mcse_...``); ``lowest`` and ``highest`` on the path;
        ``verdict``, "holds everywhere", "holds nowhere" or "tips"; ``tips_at``, the smallest trust
        at which it does, ``mcse_tips_at``, ``tips`` (how often), and ``direction``, +1 where the
        statement begins to hold there; ``reliable``, whether the path's checks hold where it tips.

    Examples
    --------
    >>> import foundation_priors as fp
    >>> fp.diagnose.statements(path, ["beta > 0", "beta > 0.5"])  # doctest: +SKIP
    """
    check_path(path, "statements()")
    if isinstance(events, str) or callable(events):
        events = [events]
    if not len(events):
        raise ValueError("There are no statements: give at least one, such as 'beta > 0'.")
    how = path._weighing(trust)
    if how.points.shape:
        raise ValueError(
            "statements() takes one weight, one for each source, or a rule: give a number."
        )
    how.reliable()
    rows = []
    for event in events:
        for part in elements(path.draws, event):
            if part.values.dtype != bool:
                raise ValueError(
                    f"{event!r} is not an event: write a comparison, such as 'beta > 0'."
                )
            happens = xr.DataArray(part.values, dims="sample")
            rows += _rows(path, how, part.label, happens, probability)
    table = pd.DataFrame(rows).set_index(["statement", "source"])
    table.attrs = {"probability": probability, "trust": how.label()}
    table.attrs["reading"] = _reading(table, probability)
    table.attrs["fails_when"] = FAILS
    return table


def _rows(
    path: TrustPath, how: Any, label: str, event: xr.DataArray, level: float
) -> list[dict[str, Any]]:
    h = event.values[:, None].astype(float)
    present = how.estimate(h)
    zero = path.posterior.mixture.estimate(path.posterior.zero[None], h)
    both = {
        "at_zero": float(zero.mean[0, 0]),
        "mcse_at_zero": float(zero.mcse_mean[0, 0]),
        "at_trust": float(present.mean[0, 0]),
        "mcse_at_trust": float(present.mcse_mean[0, 0]),
    }
    several = len(path.sources) > 1
    out = []
    for source in (TOGETHER, *path.sources) if several else path.sources:
        along = {source: 1.0} if several and source != TOGETHER else None
        roots = path.tipping(lambda _: event, level, along=along)
        first = roots.isel(root=0) if roots.sizes["root"] else None
        lowest, highest = float(roots.lowest), float(roots.highest)
        out.append(
            {
                "statement": label,
                "source": source,
                **both,
                "lowest": lowest,
                "highest": highest,
                "verdict": _verdict(first is not None, lowest >= level),
                "tips_at": np.nan if first is None else float(first.trust),
                "mcse_tips_at": np.nan if first is None else float(first.mcse),
                "direction": 0 if first is None else int(first.direction),
                "tips": int(roots.sizes["root"]),
                "reliable": True if first is None else bool(first.reliable),
            }
        )
    return out


def _verdict(tips: bool, holds: bool) -> str:
    if tips:
        return "tips"
    return "holds everywhere" if holds else "holds nowhere"


def _reading(table: pd.DataFrame, level: float) -> str:
    first = table.groupby("statement", sort=False).head(1).reset_index()
    words = []
    for verdict in ("holds everywhere", "holds nowhere"):
        names = first.statement[first.verdict == verdict]
        if len(names):
            where = "every" if verdict == "holds everywhere" else "no"
            verb = "holds" if len(names) == 1 else "hold"
            words.append(f"{', '.join(names)} {verb} at {where} trust (probability {level:g}).")
    tipping: list[Any] = first[first.verdict == "tips"].to_dict("records")
    for row in tipping:
        begins = "begins" if row["direction"] > 0 else "ceases"
        alone = table.loc[row["statement"]]
        alone = alone[(alone.verdict == "tips") & (alone.index != TOGETHER)]
        by = f"; alone, {', '.join(alone.index)} tips it too" if row["source"] == TOGETHER else ""
        by = by if len(alone) else "; no source tips it alone" if row["source"] == TOGETHER else ""
        words.append(
            f"{row['statement']} {begins} to hold at trust {row['tips_at']:.2g} (error "
            f"{row['mcse_tips_at']:.1g}); its probability is {row['at_zero']:z.3f} without the "
            f"answers and {row['at_trust']:z.3f} at the chosen trust{by}."
        )
    return " ".join(words)
