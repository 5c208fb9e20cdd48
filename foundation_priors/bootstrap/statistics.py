"""Moments, probabilities and quantiles of independent draws at each concentration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

if TYPE_CHECKING:
    from foundation_priors.bootstrap.result import BootstrapPath, Concentration, Quantity

__all__ = ["SAMPLE", "at", "moment", "quantile", "require_event", "value_of"]

type Floats = NDArray[np.float64]

SAMPLE, OVER = "sample", "concentration"


def value_of(draws: xr.Dataset, quantity: Quantity) -> xr.DataArray:
    """Return a quantity of every draw over (concentration, sample, ...)."""
    # Expressions are the same everywhere; nothing of the path engine is loaded with them.
    from foundation_priors.path.draws import evaluate

    flat = draws.drop_vars(OVER).stack({"fp_flat": (OVER, SAMPLE)}, create_index=False)
    flat = flat.rename(fp_flat=SAMPLE)
    found = evaluate(flat, quantity)
    shape = draws.sizes[OVER], draws.sizes[SAMPLE]
    return xr.DataArray(
        found.values.reshape(*shape, *found.shape[1:]),
        {OVER: draws[OVER].values}
        | {k: c for k, c in found.coords.items() if SAMPLE not in c.dims},
        (OVER, SAMPLE, *found.dims[1:]),
        name=quantity if isinstance(quantity, str) else found.name,
    )


def require_event(path: BootstrapPath, event: Quantity) -> None:
    """Raise unless a quantity is true or false."""
    few = path.draws.isel({OVER: slice(1), SAMPLE: slice(2)})
    if value_of(few, event).dtype != bool:
        raise ValueError(f"{event!r} is not an event: write a comparison, such as 'beta > 0.5'.")


def moment(
    path: BootstrapPath, quantity: Quantity, concentration: Concentration, kind: str
) -> xr.DataArray:
    """Return a mean or a standard deviation; see `BootstrapPath.mean`."""
    value = value_of(path.draws, quantity)
    h = value.values.astype(float)
    count = h.shape[1]
    mean = h.mean(axis=1)
    deviations = h - mean[:, None]
    variance = np.mean(deviations**2, axis=1) * count / (count - 1)
    out, error = mean, np.sqrt(variance / count)
    if kind == "sd":
        out = np.sqrt(variance)
        fourth = np.mean(deviations**4, axis=1)
        spread = np.sqrt(np.maximum(fourth - variance**2, 0) / count)
        error = np.divide(spread, 2 * out, out=np.zeros_like(out), where=out > 0)
    result = value.isel({SAMPLE: 0}, drop=True).copy(data=out)
    result = result.assign_coords(mcse=(result.dims, error))
    return at(path, result, concentration)


def quantile(
    path: BootstrapPath,
    quantity: Quantity,
    q: float | Sequence[float],
    concentration: Concentration,
) -> xr.DataArray:
    """Return quantiles; see `BootstrapPath.quantile`."""
    levels = np.atleast_1d(np.asarray(q, dtype=float))
    if levels.ndim > 1 or not ((levels >= 0) & (levels <= 1)).all():
        raise ValueError(f"q={q} must lie between 0 and 1.")
    value = value_of(path.draws, quantity)
    found = np.quantile(value.values.astype(float), levels, axis=1)
    one = value.isel({SAMPLE: 0}, drop=True)
    result = (
        one.astype(float).expand_dims(quantile=levels, axis=1).copy(data=np.moveaxis(found, 0, 1))
    )
    result = at(path, result, concentration)
    return result.isel(quantile=0, drop=True) if np.ndim(q) == 0 else result


def at(path: BootstrapPath, result: xr.DataArray, concentration: Concentration) -> xr.DataArray:
    """Return a result at given concentrations, interpolated linearly between those of the path."""
    if concentration is None:
        return result
    wanted = numbers(path, concentration)
    moved = _interpolated(result.values, path.concentration, wanted)
    extra: dict[str, Any] = {}
    if "mcse" in result.coords:
        extra["mcse"] = (
            result.dims,
            _interpolated(result["mcse"].values, path.concentration, wanted),
        )
    coords = {k: c for k, c in result.coords.items() if OVER not in c.dims}
    out = xr.DataArray(moved, {**coords, OVER: wanted, **extra}, result.dims, result.name)
    return out.isel({OVER: 0}) if np.ndim(concentration) == 0 else out


def numbers(path: BootstrapPath, concentration: Concentration) -> Floats:
    """Return concentrations as a vector, all of them on the path."""
    try:
        wanted = np.atleast_1d(np.asarray(concentration, dtype=float))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"concentration={concentration!r} is no number: give real observations."
        ) from error
    low, high = path.concentration[[0, -1]]
    slack = 1e-9 * max(high, 1.0)
    if wanted.ndim > 1 or not ((wanted >= low - slack) & (wanted <= high + slack)).all():
        raise ValueError(
            f"concentration={concentration} must lie on the path, from {low:g} to {high:g}: build "
            "it with a larger max_concentration=."
        )
    return np.clip(wanted, low, high)


def _interpolated(values: Floats, grid: Floats, wanted: Floats) -> Floats:
    if len(grid) == 1:
        return np.repeat(values, len(wanted), axis=0)
    right = np.clip(np.searchsorted(grid, wanted), 1, len(grid) - 1)
    part = (wanted - grid[right - 1]) / (grid[right] - grid[right - 1])
    part = part.reshape(-1, *(1,) * (values.ndim - 1))
    return values[right - 1] * (1 - part) + values[right] * part
