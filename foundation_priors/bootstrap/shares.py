"""How much of the weight and of the information comes from real rows and from answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from foundation_priors.bootstrap.estimators import Form
from foundation_priors.bootstrap.linear import LinearRegression
from foundation_priors.bootstrap.rows import Rows
from foundation_priors.bootstrap.statistics import OVER, SAMPLE, numbers, value_of

if TYPE_CHECKING:
    from foundation_priors.bootstrap.result import BootstrapPath, Concentration, Quantity

__all__ = ["shares"]

COMPONENTS = ("real", "synthetic")
SHOWN = 5


def shares(
    path: BootstrapPath, quantity: Quantity | None, concentration: Concentration
) -> xr.Dataset:
    """Return both shares; see `BootstrapPath.shares`."""
    grid = path.concentration
    wanted = np.unique(np.linspace(grid[0], grid[-1], SHOWN))
    if concentration is not None:
        wanted = numbers(path, concentration)
    real = path.n_real / (path.n_real + wanted)
    out = xr.Dataset(
        {"weight": ((OVER, "component"), np.stack([real, 1 - real], axis=1))},
        {OVER: wanted, "component": list(COMPONENTS)},
    )
    if quantity is not None:
        parts = [_information(path, quantity, float(a)) for a in wanted]
        out["information"] = xr.concat(parts, OVER)
    return out.isel({OVER: 0}) if concentration is not None and np.ndim(concentration) == 0 else out


def _information(path: BootstrapPath, quantity: Quantity, concentration: float) -> xr.DataArray:
    """Return the shares over (component, ...) at one concentration."""
    if path.rows is None or path.estimator is None:
        raise ValueError(
            "A path read from a file has no estimator, so it knows the shares of the weight alone: "
            "ask the path that bootstrap_path returned."
        )
    found = _moved(path.estimator, path.rows, concentration)
    value = value_of(found.expand_dims({OVER: [concentration]}), quantity).isel(
        {OVER: 0}, drop=True
    )
    if value.dtype == bool:
        raise ValueError(
            f"{quantity!r} is an event, which no single row moves: ask for the quantity in it."
        )
    h = value.values.astype(float)
    mean_weights = np.concatenate([np.ones(path.n_real), concentration * path.rows.base])
    squares = mean_weights.reshape(-1, *(1,) * (h.ndim - 1)) * (h[1:] - h[0]) ** 2
    parts = np.stack([squares[: path.n_real].sum(axis=0), squares[path.n_real :].sum(axis=0)])
    total = parts.sum(axis=0)
    share = np.divide(parts, total, out=np.full_like(parts, np.nan), where=total > 0)
    one = value.isel({SAMPLE: 0}, drop=True)
    coords = {**one.coords, "component": list(COMPONENTS), OVER: concentration}
    return xr.DataArray(share, coords, ("component", *one.dims))


def _moved(estimator: object, rows: Rows, concentration: float) -> xr.Dataset:
    """Return the estimates at the mean weights and with one more of each row, over sample."""
    if isinstance(estimator, LinearRegression):
        return estimator.with_one_more(rows, concentration)
    assert callable(estimator)
    start = np.concatenate([np.ones(rows.n_real), concentration * rows.base])
    first = estimator(rows.frame, start.copy())
    form = Form.of(first)
    out = np.empty((len(start) + 1, form.size))
    out[0] = form.numbers(first)
    for i in range(len(start)):
        weights = start.copy()
        weights[i] += 1
        out[i + 1] = form.numbers(estimator(rows.frame, weights))
    return form.dataset(out, (SAMPLE,))
