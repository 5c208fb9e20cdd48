"""What `trust=` may be, turned into one weight per source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from foundation_priors.errors import check_number, floats

Array = NDArray[np.float64]
Trust = ArrayLike | Mapping[str, ArrayLike] | None

DEFAULT_SOURCE = "synthetic"


@dataclass(frozen=True)
class Weights:
    """Weights of the sources at which a path is read, and how to label the answer.

    Attributes
    ----------
    values
        Shape ``(trust, source)``.
    coords
        Coordinates for the answer, without those of the parameter.
    scalar
        Whether a single weight was asked for, so that the answer has no dim ``trust``.
    """

    values: Array
    coords: dict[str, Any]
    scalar: bool

    def label(
        self, values: ArrayLike, name: str, dims: Sequence[str] = (), **coords: Any
    ) -> xr.DataArray:
        """Wrap values of shape ``(trust, *dims)`` as a DataArray."""
        values = np.asarray(values)
        if self.scalar:
            return xr.DataArray(values[0], dims=dims, coords={**self.coords, **coords}, name=name)
        return xr.DataArray(
            values, dims=["trust", *dims], coords={**self.coords, **coords}, name=name
        )


def resolve(trust: Trust, sources: Sequence[str], max_trust: float) -> Weights:
    """Read a number, an array or ``{source: number or array}`` as weights.

    A number or an array is the same weight for every source.
    """
    check_number(trust, "trust")
    if isinstance(trust, str) or hasattr(trust, "weigh") or hasattr(trust, "hyperprior_nodes"):
        raise ValueError(
            f"trust={trust!r:.80} is a rule, and a closed form is read at weights: give a number "
            "or an array, or take average() over a random trust."
        )
    if isinstance(trust, Mapping):
        columns = _by_source(trust, sources)
        coords = {f"trust_{name}": column for name, column in zip(sources, columns, strict=True)}
    else:
        equal = floats(trust, "trust")
        columns, coords = [equal] * len(sources), {"trust": equal}
    if columns[0].ndim > 1:
        raise ValueError("trust has more than one dimension: give a number or a flat array.")
    values = np.stack([np.atleast_1d(column) for column in columns], axis=-1)
    if not values.size:
        raise ValueError("trust is empty: give at least one weight.")
    _check(values, max_trust)
    scalar = columns[0].ndim == 0
    labels = {k: v if scalar else ("trust", v) for k, v in coords.items()}
    return Weights(values, labels, scalar)


def _by_source(trust: Mapping[str, ArrayLike], sources: Sequence[str]) -> list[Array]:
    if set(trust) != set(sources):
        raise ValueError(
            f"trust names the sources {sorted(trust)}, but the family has {sorted(sources)}: "
            "give one weight for each."
        )
    return list(np.broadcast_arrays(*[floats(trust[name], "trust") for name in sources]))


def _check(values: Array, max_trust: float) -> None:
    if not np.all(np.isfinite(values)) or np.any(values < 0):
        raise ValueError("trust must be finite and not negative: 0 ignores the answers.")
    if np.any(values > max_trust):
        raise ValueError(
            f"trust {values.max():g} lies above max_trust={max_trust:g}: build the family with a "
            "larger max_trust= if over-trust is meant."
        )


def by_source(
    rows: int, weight: ArrayLike | None, source: ArrayLike | None
) -> Iterator[tuple[str, NDArray[np.intp], Array]]:
    """Yield the name, the row numbers and the row weights of each source.

    Sources come in order of first appearance; without labels all rows are one source.
    """
    if rows == 0:
        raise ValueError("There are no synthetic rows: give at least one answer.")
    weights = np.broadcast_to(np.asarray(1.0 if weight is None else weight, dtype=float), (rows,))
    if not np.all(np.isfinite(weights)) or np.any(weights < 0):
        raise ValueError("weight must be finite and not negative: give one number per row.")
    if source is None:
        yield DEFAULT_SOURCE, np.arange(rows), weights
        return
    labels = np.asarray(source).astype(str)
    if labels.shape != (rows,):
        raise ValueError(
            f"source has shape {labels.shape}, but there are {rows} synthetic rows: "
            "give one label per row."
        )
    for name in dict.fromkeys(labels.tolist()):
        index = np.flatnonzero(labels == name)
        yield name, index, weights[index]
