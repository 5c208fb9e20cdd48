"""Whether the numbers of rows, units and voices that the sections count agree, or why not."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation_priors.display import count
from foundation_priors.report.words import number

if TYPE_CHECKING:
    import xarray as xr

    from foundation_priors.report.inputs import Inputs

__all__ = ["beside_voices", "of_journal", "of_real"]

HARDLY = 1.01
"""Numbers of rows whose ratio is nearer to 1 are the same."""


def of_journal(held: int, versions: Sequence[int]) -> str:
    """Return how the answers of a path and of the versions of a journal go together."""
    if held == sum(versions):
        return ""
    same = [f"version {n}" for n, size in enumerate(versions, 1) if size == held]
    if len(versions) > 1 and len(same) == 1:
        return f"The path's {count(held, 'answer')} are as many as {same[0]} has."
    return (
        f"The path holds {count(held, 'answer')}, so that some of the journal's were left out, "
        "added or put together before; which, the journal does not tell."
    )


def of_real(inputs: Inputs) -> str:
    """Return how the real rows, the model's observations and the units of answers go together."""
    rows, seen = _rows(inputs), inputs.path.facts.n_real
    parts = []
    if rows is not None and rows != seen:
        parts.append(
            f"real= holds {count(rows, 'row')} and the model {count(seen, 'real observation')}: "
            "what is compared with real= speaks of its rows, the rest of the model's."
        )
    units, known = _units(inputs), _known(inputs)
    if units and known is not None and (lacking := len(units - known)):
        parts.append(
            f"Of {count(len(units), 'unit')} with answers, {lacking:,} without a real row in pairs="
            " are left out where both are needed."
        )
    return " ".join(parts)


def beside_voices(inputs: Inputs, voices: xr.Dataset) -> str:
    """Return how the rows that the weights count go together with the voices."""
    at = voices.isel(design=0)
    total: dict[Any, Any] = inputs.rows.effective_size().loc["total"].to_dict()
    rows = float(total["effective_rows"])
    low, high = float(at["lower"]), float(at["upper"])
    beyond = "within the interval of the voices"
    if rows > HARDLY * high or rows * HARDLY < low:
        beyond = (
            f"{'more' if rows > high else 'fewer'} than voices, which are of the average answer"
        )
    return f"At trust 1 the weights count them as {number(rows)} rows, {beyond}."


def _rows(inputs: Inputs) -> int | None:
    """Return the number of rows of ``real``, where it is known."""
    real = inputs.real
    if isinstance(real, pd.DataFrame):
        return len(real)
    names = [n for n in (inputs.pairs, _outcome(inputs)) if isinstance(n, str)]
    return next((len(real[n]) for n in names if real is not None and n in real), None)


def _outcome(inputs: Inputs) -> str | None:
    return inputs.outcome if hasattr(inputs.path.synthetic, "outcomes") else None


def _units(inputs: Inputs) -> set[Hashable]:
    said: Any = inputs.path.synthetic
    unit = getattr(said, "unit", None)
    return set() if unit is None else set(np.asarray(said.column(unit), dtype=object).tolist())


def _known(inputs: Inputs) -> set[Hashable] | None:
    """Return the units of real rows, where ``pairs`` tells them."""
    pairs = inputs.pairs
    if isinstance(pairs, str):
        pairs = inputs.real[pairs] if inputs.real is not None and pairs in inputs.real else None
    if pairs is None or not isinstance(pairs, Iterable):
        return None
    return set(np.asarray(pairs, dtype=object).ravel().tolist())
