"""Checks that the families share; each failure is one sentence."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foundation_priors.conjugate.weights import DEFAULT_SOURCE
from foundation_priors.errors import ImproperPriorError

Array = NDArray[np.float64]


def positive(**values: ArrayLike) -> None:
    """Refuse numbers that must be finite and above 0."""
    for name, value in values.items():
        if not _all_positive(value):
            raise ValueError(f"{name} is {np.asarray(value)}: give finite values above 0.")


def proper(**values: ArrayLike) -> None:
    """Refuse prior parameters that make the primitive prior improper."""
    for name, value in values.items():
        if not _all_positive(value):
            raise ImproperPriorError(
                f"The primitive prior is improper with {name} = {np.asarray(value)}: give finite "
                "values above 0."
            )


def _all_positive(value: ArrayLike) -> bool:
    return bool(np.all(np.isfinite(value)) and np.all(np.asarray(value) > 0))


def finite(**values: ArrayLike) -> None:
    """Refuse missing and infinite numbers."""
    for name, value in values.items():
        if not np.all(np.isfinite(np.asarray(value, dtype=float))):
            raise ValueError(f"{name} has missing or infinite values: drop or repair those rows.")


def at_least(bound: float, **values: ArrayLike) -> None:
    """Refuse numbers below a bound."""
    finite(**values)
    for name, value in values.items():
        if np.any(np.asarray(value) < bound):
            raise ValueError(f"{name} has values below {bound:g}: correct them.")


def whole(**values: ArrayLike) -> None:
    """Refuse outcomes that are not counts."""
    at_least(0, **values)
    for name, value in values.items():
        if np.any(np.asarray(value) != np.floor(value)):
            raise ValueError(f"{name} has values that are not whole numbers: give counts.")


def same_length(**values: ArrayLike) -> None:
    """Refuse columns of unequal length."""
    shapes = {name: np.shape(value)[:1] for name, value in values.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"The columns differ in their number of rows: {shapes}.")


def flat(name: str, values: ArrayLike) -> Array:
    """Return a column of finite numbers as a flat array."""
    column = np.asarray(values, dtype=float)
    if column.ndim != 1:
        raise ValueError(f"{name} has {column.ndim} dimensions: give one value per row.")
    finite(**{name: column})
    return column


def named_sources(synthetic: Any, kind: Any) -> Mapping[str, Any]:
    """Return ``{source: statistics}`` from one set of statistics or a mapping of them."""
    if isinstance(synthetic, Mapping):
        if not synthetic:
            raise ValueError("synthetic names no source: give at least one.")
        return {str(name): as_rows(kind, rows) for name, rows in synthetic.items()}
    return {DEFAULT_SOURCE: as_rows(kind, synthetic)}


def blocks(real: Any, sources: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Pair each set of statistics with its name, the real ones first."""
    return [("real data", real), *sources.items()]


def as_rows(kind: Any, rows: Any) -> Any:
    """Return statistics as the family's own named tuple."""
    if isinstance(rows, kind):
        return rows
    if not isinstance(rows, Iterable):
        raise ValueError(f"{rows!r} is no set of statistics: give a tuple {kind._fields}.")
    return kind(*rows)
