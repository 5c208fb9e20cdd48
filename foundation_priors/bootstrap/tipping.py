"""Where a claim tips: the concentrations at which a probability crosses a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.bootstrap.statistics import OVER, SAMPLE, require_event, value_of
from foundation_priors.errors import check_probability

if TYPE_CHECKING:
    from foundation_priors.bootstrap.result import BootstrapPath, Quantity

__all__ = ["crossings", "tipping"]

type Floats = NDArray[np.float64]
type Root = tuple[float, float, float]


def tipping(path: BootstrapPath, event: Quantity, probability: float) -> xr.Dataset:
    """Return all roots; see `BootstrapPath.tipping`."""
    check_probability(probability, "probability")
    require_event(path, event)
    value = value_of(path.draws, event)
    curves = value.mean(SAMPLE)
    flat = curves.values.reshape(len(curves), -1)
    draws = path.draws.sizes[SAMPLE]
    found = [crossings(path.concentration, c, probability, draws) for c in flat.T]
    table = np.full((len(found), max(map(len, found), default=0), 3), np.nan)
    for row, roots in zip(table, found, strict=True):
        row[: len(roots)] = np.reshape(roots, (-1, 3))
    shape, dims = curves.shape[1:], curves.dims[1:]
    shaped = table.reshape(*shape, table.shape[1], 3)
    data = {
        name: ((*dims, "root"), shaped[..., i])
        for i, name in enumerate((OVER, "mcse", "direction"))
    }
    data["trust"] = (*dims, "root"), shaped[..., 0] / path.mass
    data["lowest"] = dims, flat.min(axis=0).reshape(shape)
    data["highest"] = dims, flat.max(axis=0).reshape(shape)
    own = {k: c for k, c in curves.coords.items() if OVER not in c.dims}
    return xr.Dataset(data, own, {"event": str(event), "probability": probability})


def crossings(grid: Floats, curve: Floats, level: float, draws: int) -> list[Root]:
    """Return where a curve of frequencies crosses a level, the standard error and the direction.

    Parameters
    ----------
    grid, curve : numpy.ndarray, shape (concentration,)
    level : float
    draws : int
        Behind each frequency.

    Examples
    --------
    >>> grid = np.linspace(0, 10, 11)
    >>> crossings(grid, grid / 10, 0.25, 7500)
    [(2.5, 0.05, 1.0)]
    """
    noise = np.sqrt(level * (1 - level) / draws)
    excess = curve - level
    sides = np.where(np.abs(excess) > noise, np.sign(excess), 0)
    clear = np.flatnonzero(sides)
    roots: list[Root] = []
    for left, right in zip(clear, clear[1:], strict=False):
        if sides[left] != sides[right]:
            near = slice(max(left - 1, 0), right + 2)
            roots.append(_root(grid, excess, near, (int(left), int(right)), noise))
    return roots


def _root(grid: Floats, excess: Floats, near: slice, ends: tuple[int, int], noise: float) -> Root:
    left, right = ends
    direction = np.sign(excess[right])
    slope, height = np.polyfit(grid[near] - grid[left], excess[near], 1)
    if slope * direction <= 0 or not 0 <= -height / slope <= grid[right] - grid[left]:
        # Bent so much within a few points that only the chord says where.
        slope = (excess[right] - excess[left]) / (grid[right] - grid[left])
        height = excess[left]
    place = float(grid[left] - height / slope)
    return round(place, 12), float(round(noise / abs(slope), 12)), float(direction)
