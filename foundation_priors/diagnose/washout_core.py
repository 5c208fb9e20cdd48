r"""How much real data drowns the answers, in NumPy.

In Gaussian approximation component c of the log density has a quadratic with curvature
:math:`H_c = -Cov(u, u)^{-1} Cov(u, \nabla l_c)`, and m more rows like n present ones add
:math:`\kappa = m/n` times that of the real data. A quantity with slope a then has the direction
:math:`v = (H + \kappa H_r)^{-1} a`, and the answers the share :math:`v'H_s v / a'v`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foundation_priors.diagnose.shares import only

__all__ = [
    "Local",
    "Place",
    "Sums",
    "batch_groups",
    "informed",
    "kappa_of_share",
    "last_crossing",
    "repeated_score",
    "settled",
    "shares_of",
]

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]

MOST = 1e4
"""Multiples of the present data beyond which no answer is looked for."""
SILENT, CERTAIN = 1e-8, 12.0
"""Gradients that are rounding, and how far beyond chance an explained variance must be."""


@dataclass(frozen=True)
class Local:
    """A Gaussian approximation of one posterior and what it is made of.

    ``mean`` and ``slope`` have shape (coordinate,); ``covariance`` and its inverse ``precision``,
    the real data's curvature ``real`` and its ``root`` (coordinate, coordinate); ``curves``
    (component, coordinate, coordinate); ``pull`` is the real data's gradient at the mean. ``level``
    is the quantity's mean, ``rest`` the part of its variance that is not linear in the coordinates.
    """

    mean: Floats
    covariance: Floats
    precision: Floats
    slope: Floats
    level: float
    rest: float
    curves: Floats
    real: Floats
    root: Floats
    pull: Floats


@dataclass(frozen=True)
class Sums:
    """Weighted sums over draws, from which a `Place` follows; those of two sets of draws add.

    Coordinates u and quantities h are counted from ``centre`` and ``level``. Shapes: ``u``
    (coordinate,); ``uu`` (coordinate, coordinate); ``g``, the gradients, and ``largest``, their
    largest absolute value, (component, coordinate); ``ug`` (component, coordinate, coordinate);
    ``h`` and ``hh`` (quantity,); ``uh`` (coordinate, quantity).
    """

    centre: Floats
    level: Floats
    mass: float
    squares: float
    u: Floats
    uu: Floats
    g: Floats
    ug: Floats
    largest: Floats
    h: Floats
    hh: Floats
    uh: Floats

    @classmethod
    def of(
        cls,
        w: Floats,
        u: Floats,
        grads: Sequence[Floats],
        h: Floats,
        origin: tuple[Floats, Floats] | None = None,
    ) -> Self:
        """Return the sums.

        Parameters
        ----------
        w : array, shape (draw,)
        u : array, shape (draw, coordinate)
        grads : sequence of array, shape (component, draw, coordinate)
            At their present weights.
        h : array, shape (draw, quantity)
        origin : pair of array, optional
            ``centre`` and ``level``; by default the means.
        """
        live = w > 0
        w, u, h, *parts = (x if live.all() else x[live] for x in (w, u, h, *grads))
        centre, level = (w @ u / w.sum(), w @ h / w.sum()) if origin is None else origin
        h = h - level
        wu = w[:, None] * (u - centre)
        return cls(
            centre,
            level,
            float(w.sum()),
            float(w @ w),
            wu.sum(axis=0),
            wu.T @ (u - centre),
            np.stack([w @ g for g in parts]),
            np.stack([wu.T @ g for g in parts]),
            np.stack([_largest(g) for g in parts]),
            w @ h,
            w @ h**2,
            wu.T @ h,
        )

    def __add__(self, other: Self) -> Self:
        """Return the sums over both sets of draws, counted from the same origin."""
        added = {
            name: getattr(self, name) + getattr(other, name)
            for name in ("mass", "squares", "u", "uu", "g", "ug", "h", "hh", "uh")
        }
        return replace(self, largest=np.maximum(self.largest, other.largest), **added)


class Place:
    """The posterior under weights of the draws, and `Local` approximations of its quantities.

    Parameters
    ----------
    sums : Sums
    real : int
        Which component the real data are.
    """

    def __init__(self, sums: Sums, real: int) -> None:
        self.sums, mass = sums, sums.mass
        self.away = sums.u / mass
        self.mean = sums.centre + self.away
        self.covariance = sums.uu / mass - np.outer(self.away, self.away)
        self.solve = np.linalg.pinv(self.covariance, rcond=1e-10, hermitian=True)
        slopes = sums.g / mass
        curves = -(self.solve @ (sums.ug / mass - self.away[:, None] * slopes[:, None]))
        curves = (curves + curves.transpose(0, 2, 1)) / 2
        told = informed(sums.largest, np.sqrt(np.maximum(np.diag(self.covariance), 0.0)))
        self.curves = curves * (told[:, :, None] & told[:, None, :])
        self.told, self.pull = told[real], slopes[real]
        self.real, self.root = _positive(self.curves[real], self.told)

    def of(self, quantity: int) -> Local:
        """Return the approximation for one of the quantities."""
        sums, mass = self.sums, self.sums.mass
        level = float(sums.h[quantity] / mass)
        variance = max(float(sums.hh[quantity] / mass) - level**2, 0.0)
        across = sums.uh[:, quantity] / mass - self.away * level
        slope = _slope(self, across, variance, mass**2 / sums.squares)
        rest = max(variance - float(slope @ self.covariance @ slope), 0.0)
        return Local(
            self.mean,
            self.covariance,
            self.solve,
            slope,
            float(sums.level[quantity]) + level,
            rest,
            self.curves,
            self.real,
            self.root,
            self.pull,
        )


def informed(largest: Floats, sd: Floats) -> NDArray[np.bool_]:
    """Say which coordinates each component says anything about, (component, coordinate).

    ``largest`` is the largest absolute value of each component's gradient among the draws. Of a
    private copy the real data say nothing, and their gradient is zero at every draw. What draws
    make of it is noise, and ten thousand times the noise is not.
    """
    size = largest * sd
    return size > SILENT * size.max(axis=1, keepdims=True, initial=0.0)


def _largest(x: Floats) -> Floats:
    """Return the largest absolute value of each column, without a copy of all."""
    return np.maximum(x.max(axis=0, initial=0.0), -x.min(axis=0, initial=0.0))


def _slope(place: Place, across: Floats, variance: float, size: float) -> Floats:
    """Return the slopes of a quantity, 0 along what the real data are silent about if noise.

    They count when the silent coordinates explain more of the quantity than as many coordinates
    of pure noise would.
    """
    told, full = place.told, place.solve @ across
    if told.all() or not told.any():
        return full
    some = np.ix_(told, told)
    alone = np.zeros_like(full)
    inner = np.linalg.pinv(place.covariance[some], rcond=1e-10, hermitian=True)
    alone[told] = inner @ across[told]
    rest = max(float(variance - alone @ across), 0.0)
    gain = float((full - alone) @ across)
    chance = rest * (~told).sum() / size
    return full if gain > CERTAIN * chance + 1e-9 * variance else alone


def _positive(matrix: Floats, told: Bools) -> tuple[Floats, Floats]:
    """Return the nearest matrix without negative curvature, and its root, along some axes."""
    some, out = np.ix_(told, told), (np.zeros_like(matrix), np.zeros_like(matrix))
    values, vectors = np.linalg.eigh(matrix[some])
    values = np.maximum(values, 0)
    out[0][some] = (vectors * values) @ vectors.T
    out[1][some] = (vectors * np.sqrt(values)) @ vectors.T
    return out


def kappa_of_share(here: Local, said: list[int], target: float) -> float:
    """Return by how much the real data must grow for the answers' share to fall to a target.

    0 where it lies below already and stays there, infinite where it stays above, since the real
    data say nothing of that direction.
    """
    source = here.curves[said].sum(axis=0)

    def excess(kappa: float) -> float:
        v = _direction(here, kappa)
        return float(v @ source @ v / (here.slope @ v)) - target

    return last_crossing(lambda k: -excess(k), 0.0, most=MOST**2)


def shares_of(
    w: Floats,
    h: Floats,
    u: Floats,
    grads: Sequence[Floats] | Floats,
    said: list[int],
    times: Sequence[float] | None = None,
) -> Floats:
    """Return the share of some components under sets of weights, (set, draw), as `shares` does.

    ``times`` are weights of the components; one of weight 0 may be anything.
    """
    live = (w > 0).any(axis=0)
    w = w / w.sum(axis=1, keepdims=True)
    h = only(h, live)
    wh = w * (h - (w @ h)[:, None])
    both, mass = np.concatenate([w, wh]), wh.sum(axis=1)[:, None]

    def covary(x: Floats) -> Floats:
        mean, product = np.split(both @ only(x, live), 2)
        return product - mass * mean

    v = covary(u)
    weights = [1.0] * len(grads) if times is None else times
    parts = np.zeros((len(grads), len(w)))
    for number, (grad, weight) in enumerate(zip(grads, weights, strict=True)):
        if weight:
            parts[number] = -weight * (covary(grad) * v).sum(axis=1)
    return parts[said].sum(axis=0) / parts.sum(axis=0)


def batch_groups(batches: NDArray[np.intp], draws: int, groups: int) -> NDArray[np.intp]:
    """Return the group of each draw; each group takes every so many batches."""
    number = np.zeros(draws, dtype=int)
    number[batches] = 1
    return (np.cumsum(number) - 1) % groups


def settled(
    places: list[Local],
    excess: Floats,
    futures: Floats,
    noise: Floats,
    kappa: float,
    level: float,
) -> Floats:
    r"""Say for each future data set whether a statement's truth is the same at every trust.

    Parameters
    ----------
    places : list of Local
        Of the quantity that is positive where the statement holds, at weights along the path.
    excess : array, shape (place,)
        By how much the present probability's normal score exceeds that of the approximation.
    futures, noise : array, shape (future, coordinate)
        True coordinates, and standard normal noise.
    kappa : float
        Multiple of the present rows that are new.
    level : float
        Normal score of the probability from which on the statement holds.

    Returns
    -------
    array of int, shape (future,)
        1 where it holds everywhere, -1 where nowhere, 0 where it tips.

    Notes
    -----
    New rows with estimate :math:`\hat u \sim N(u^*, (\kappa R)^{-1})` turn the mean m and the
    precision P at a weight into :math:`(P + \kappa R)^{-1}(Pm + \kappa R \hat u)` and
    :math:`P + \kappa R`. What a probability differs from the approximation's decays with the sd.
    """
    scores = []
    for here, more in zip(places, excess, strict=True):
        v = _direction(here, kappa)
        said = kappa * (futures - here.mean) @ (here.real @ v)
        said = said + np.sqrt(kappa) * noise @ (here.root @ v)
        scores.append(_score(here, v, said, float(more)))
    holds = np.stack(scores) >= level
    return holds.all(axis=0).astype(int) - (~holds).all(axis=0).astype(int)


def _direction(here: Local, kappa: float) -> Floats:
    return np.linalg.solve(here.precision + kappa * here.real, here.slope)


def _score(here: Local, v: Floats, move: Floats, excess: float) -> Floats:
    """Return the normal score of the statement once new rows move the quantity, (future,)."""
    before = float(here.slope @ here.covariance @ here.slope)
    linear = float(here.slope @ v)
    ratio = linear / before if before > 0 else 1.0
    return (here.level + move) / np.sqrt(linear + here.rest * ratio) + excess * np.sqrt(ratio)


def repeated_score(here: Local, kappa: float, excess: float) -> float:
    """Return the normal score were the new rows to repeat the present ones."""
    v = _direction(here, kappa)
    return float(_score(here, v, np.atleast_1d(kappa * here.pull @ v), excess)[0])


def last_crossing(
    f: Callable[[float], float], level: float, near: float | None = None, most: float = MOST
) -> float:
    """Return the smallest kappa from which on f stays at or above a level.

    With ``near`` it is looked for within a factor of 4 of that.

    Examples
    --------
    >>> round(last_crossing(lambda k: k, 2.0), 6)
    2.0
    """
    from scipy.optimize import brentq

    grid = np.concatenate([[0.0], np.geomspace(1e-3, most, 50)])
    if near:
        grid = near * np.geomspace(0.25, 4, 5)
    low = np.array([f(k) < level for k in grid])
    if not low.any():
        return 0.0
    last = int(np.flatnonzero(low)[-1])
    if last == len(grid) - 1:
        return np.inf
    return float(brentq(lambda k: f(k) - level + 1e-12, grid[last], grid[last + 1], rtol=1e-3))
