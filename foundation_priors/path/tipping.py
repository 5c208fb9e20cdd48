"""Where a claim tips: the trusts at which a probability crosses a level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import check_probability
from foundation_priors.path.draws import Quantity, evaluate, like

if TYPE_CHECKING:
    from foundation_priors.path.result import TrustPath

__all__ = ["tipping"]

type Floats = NDArray[np.float64]

STEPS = 4
"""Intervals between two weights of the path's grid that are searched for a crossing."""


def tipping(
    path: TrustPath, event: Quantity, probability: float, along: Mapping[str, float] | None
) -> xr.Dataset:
    """Return all roots; see `TrustPath.tipping`."""
    check_probability(probability, "probability")
    value = evaluate(path.draws, event)
    if value.dtype != bool:
        raise ValueError(f"{event!r} is not an event: write a comparison, such as 'beta > 0'.")
    h = value.values.reshape(len(value), -1).astype(float)
    found = [_roots(path, column[:, None], probability, along) for column in h.T]
    width = max((len(r) for r in found), default=0)
    table = np.full((len(found), width, 3), np.nan)
    for row, roots in zip(table, found, strict=True):
        row[: len(roots)] = np.reshape(roots, (-1, 3))
    shaped = table.reshape(*value.shape[1:], width, 3)
    own = like(value)
    names = ("trust", "mcse", "direction")
    dims = (*own["dims"], "root")
    data = {name: (dims, shaped[..., i]) for i, name in enumerate(names)}
    every = path.posterior.mixture.expect(path.points(None, along).array, h)
    for name, ends in (("lowest", every.min(axis=0)), ("highest", every.max(axis=0))):
        data[name] = tuple(own["dims"]), ends.reshape(value.shape[1:])
    data["reliable"] = dims, _reliable(path, shaped[..., 0], along)
    return xr.Dataset(data, own["coords"], {"event": str(event), "probability": probability})


def _reliable(path: TrustPath, roots: Floats, along: Mapping[str, float] | None) -> NDArray:
    """Say at which roots all checks hold; where there is no root, at no weight of the path."""
    missing = np.isnan(roots)
    out = ~missing
    if out.any():
        out[~missing] = path._reliable(path.points(roots[~missing], along))
    else:
        path._reliable(path.points(None, along))
    return out


def _roots(
    path: TrustPath, h: Floats, level: float, along: Mapping[str, float] | None
) -> list[tuple[float, float, float]]:
    from scipy.optimize import brentq

    def excess(t: float) -> float:
        points = path.points(np.array([t]), along).array
        return float(path.posterior.mixture.expect(points, h)[0, 0]) - level

    grid = path.trust
    inner = [np.linspace(a, b, STEPS, endpoint=False) for a, b in zip(grid, grid[1:], strict=False)]
    fine = np.append(np.concatenate(inner), grid[-1])
    values = path.posterior.mixture.expect(path.points(fine, along).array, h)[:, 0] - level
    signs = np.sign(values)
    places = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    roots = [brentq(excess, fine[i], fine[i + 1], xtol=1e-12) for i in places]
    roots += [float(t) for t in fine[values == 0]]
    return [(t, *_error(path, h, t, along)) for t in sorted(roots)]


def _error(
    path: TrustPath, h: Floats, t: float, along: Mapping[str, float] | None
) -> tuple[float, float]:
    """Return the standard error of a root, by the slope d E[h]/dL = Cov(h, ell), and its sign."""
    mixture = path.posterior.mixture
    points = path.points(np.array([t]), along).array
    direction = path.points(np.array([1.0]), along).array[0]
    line = (mixture.ell @ direction)[:, None]
    first = mixture.expect(points, np.hstack([h, line, h * line]))[0]
    slope = first[2] - first[0] * first[1]
    error = mixture.estimate(points, h).mcse_mean[0, 0]
    return (float(error / abs(slope)) if slope else np.inf), float(np.sign(slope))
