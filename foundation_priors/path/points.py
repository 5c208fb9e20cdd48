"""What ``trust=`` means: a number, an array, or weights by source."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import ColumnError, check_number, did_you_mean

__all__ = ["Points", "Trust", "resolve"]

type Floats = NDArray[np.float64]
type Trust = float | Sequence[float] | Floats | xr.DataArray | Mapping[str, Any] | str | None


@dataclass(frozen=True)
class Points:
    """Weights of the sources, shape (point, source), and how results are laid out over them."""

    array: Floats
    shape: tuple[int, ...]
    dims: tuple[str, ...]
    coords: dict[str, Any]

    def wrap(
        self,
        values: Floats,
        dims: Sequence[str] = (),
        coords: Mapping[str, Any] | None = None,
        name: Hashable | None = None,
        **extra: Any,
    ) -> xr.DataArray:
        """Return values of shape (point, ...) as an array over the weights.

        ``extra`` are further coordinates over the weights, of shape (point,).
        """
        own = {k: (self.dims, np.reshape(v, self.shape)) for k, v in extra.items()}
        return xr.DataArray(
            np.reshape(values, (*self.shape, *values.shape[1:])),
            dims=(*self.dims, *dims),
            coords={**self.coords, **own, **(coords or {})},
            name=name,
        )


def resolve(
    trust: Trust,
    sources: Sequence[str],
    grid: Floats,
    max_trust: float,
    along: Mapping[str, float] | None = None,
) -> Points:
    """Turn ``trust=`` into points.

    Parameters
    ----------
    trust
        None for the grid; a number or an array of weights, shared by all sources; or a dict from
        each source to a number or an array. Arrays in a dict vary together; DataArrays with
        dimensions of their own vary freely, which makes a grid.
    sources, grid, max_trust
        Names of the sources, the default weights, the largest weight allowed.
    along : dict, optional
        Multipliers of a shared weight, one for each source (missing ones are 0).

    Returns
    -------
    Points
    """
    check_number(trust, "trust")
    if isinstance(trust, str) or hasattr(trust, "hyperprior_nodes") or hasattr(trust, "weigh"):
        raise ValueError(
            f"trust={trust!r} names a rule for a random trust, over which only mean, sd, mcse, "
            "quantile, probability, expect, at, score and effective_observations average: give a "
            "number, an array, or weights by source."
        )
    if isinstance(trust, Mapping):
        if along is not None:
            raise ValueError(
                "along= multiplies one weight shared by all sources, and trust= gives each its "
                "own: leave out along=."
            )
        points = _by_source(trust, sources)
    else:
        points = _shared(grid if trust is None else trust, sources, along)
    _check(points.array, max_trust)
    return points


def _check(array: Floats, max_trust: float) -> None:
    if not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"trust={array.min():g} is not a weight: give numbers from 0 upwards.")
    if array.max(initial=0) > max_trust * (1 + 1e-12):
        raise ValueError(
            f"trust={array.max():g} lies beyond the path, which ends at {max_trust:g}: build it "
            "with a larger max_trust=."
        )


def _numbers(trust: Any) -> Floats:
    """Return one weight or a vector of them."""
    try:
        values = np.asarray(trust, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"trust={trust!r} is not a weight: give numbers from 0 upwards."
        ) from error
    if values.ndim > 1:
        raise ValueError(
            f"trust= has {values.ndim} dimensions: give one weight, a vector of them, or for each "
            "source DataArrays with dimensions of their own."
        )
    return values


def _shared(trust: Any, sources: Sequence[str], along: Mapping[str, float] | None) -> Points:
    values = _numbers(trust)
    array = values.reshape(-1, 1) * _direction(sources, along)
    dims = ("trust",) if values.ndim else ()
    return Points(array, values.shape, dims, {"trust": (dims, values)})


def _direction(sources: Sequence[str], along: Mapping[str, float] | None) -> Floats:
    if along is None:
        return np.ones(len(sources))
    if not isinstance(along, Mapping):
        raise TypeError(
            f"along= must map sources to multiples of the shared weight, {{{sources[0]!r}: 1}}, "
            f"and is {along!r}."
        )
    for name in along:
        if name not in sources:
            raise ColumnError(f"along= names {name!r}.{did_you_mean(name, sources)}")
    if not any(along.values()):
        raise ValueError(
            f"along={along!r} gives no source any weight: name at least one of "
            f"{', '.join(sources)}."
        )
    return np.array([float(along.get(s, 0.0)) for s in sources])


def _by_source(trust: Mapping[str, Any], sources: Sequence[str]) -> Points:
    for name in [*trust, *sources]:
        if name not in sources or name not in trust:
            raise ColumnError(
                f"trust= must give a weight to each source, {', '.join(sources)}, and it "
                f"{'misses' if name in sources else 'names'} {name!r}."
            )
    arrays = []
    for source in sources:
        value = trust[source]
        if not isinstance(value, xr.DataArray):
            flat = _numbers(value)
            value = xr.DataArray(flat, dims=("trust",) if flat.ndim else ())
        arrays.append(value.drop_vars(value.coords))
    _check_lengths(arrays)
    full = xr.broadcast(*arrays)
    dims, shape = tuple(map(str, full[0].dims)), full[0].shape
    array = np.stack([a.values.ravel().astype(float) for a in full], axis=-1)
    coords = {
        (s if a.dims == (s,) else f"trust_{s}"): (a.dims, a.values)
        for s, a in zip(sources, arrays, strict=True)
    }
    return Points(array.reshape(-1, len(sources)), shape, dims, coords)


def _check_lengths(arrays: Sequence[xr.DataArray]) -> None:
    lengths: dict[Any, int] = {}
    for array in arrays:
        for dim, size in array.sizes.items():
            if lengths.setdefault(dim, size) != size:
                raise ValueError(
                    f"trust= gives {lengths[dim]} and {size} weights over {dim!r}, which vary "
                    "together: give equally many, or DataArrays with dimensions of their own."
                )
