"""Regions of the covariates: which real rows lie in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.prior.model import data_value
from foundation_priors.prior.rows import row_data

if TYPE_CHECKING:
    from foundation_priors.diagnose.conflict_model import Outcome

__all__ = ["ALL", "cut", "regions_of"]

ALL = "all rows"
MOST, QUARTERS = 12, 4


def regions_of(outcome: Outcome, by: str | Sequence[Any] | None) -> dict[str, NDArray[np.bool_]]:
    """Return the rows of each region by name, all of them first.

    Raises
    ------
    ColumnError
        When ``by`` is neither the name of a data container along the rows nor a label for each row.
    """
    everything = {ALL: np.ones(outcome.n_rows, dtype=bool)}
    if by is None:
        return everything
    name, values = (by, _column(outcome, by)) if isinstance(by, str) else ("", np.asarray(by))
    if values.shape != (outcome.n_rows,):
        raise ColumnError(
            f"by= has shape {values.shape}, and {outcome.name!r} has {outcome.n_rows} real rows: "
            "give one label for each row, or the name of a data container with one column."
        )
    return everything | cut(values, name)


def _column(outcome: Outcome, name: str) -> NDArray[Any]:
    model = outcome.model
    along = [str(n) for n in row_data(model, model[outcome.name]) if n in model.named_vars]
    if name not in along:
        raise ColumnError(
            f"by={name!r} is not a data container along the rows of {outcome.name!r}: give one "
            f"label for each row.{did_you_mean(name, along)}"
        )
    return np.asarray(data_value(model, name))


def cut(values: NDArray[Any], name: str = "") -> dict[str, NDArray[np.bool_]]:
    """Return the rows of each value, or of each quarter where there are many numbers.

    Examples
    --------
    >>> import numpy as np
    >>> list(cut(np.arange(100), "age"))
    ['age 0 to 24', 'age 25 to 49', 'age 50 to 74', 'age 75 to 99']
    """
    lead = f"{name} " if name else ""
    levels = np.unique(values)
    if len(levels) <= MOST or values.dtype.kind not in "iuf":
        if len(levels) > 4 * MOST:
            raise ColumnError(f"by= has {len(levels)} different labels: join them into fewer.")
        return {f"{lead}{level}": values == level for level in levels}
    edges = np.quantile(values, np.linspace(0, 1, QUARTERS + 1))
    number = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, QUARTERS - 1)
    parts = [number == k for k in range(QUARTERS)]
    return {f"{lead}{values[m].min():.4g} to {values[m].max():.4g}": m for m in parts if m.any()}
