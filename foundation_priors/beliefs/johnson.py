r"""Densities through stated quantiles: Johnson's system, parametrised by its quantiles.

With z the normal score of a probability and w the quantity on the whole line,
:math:`w = w_0 + \lambda \sinh(\delta (z - z_0))`, anchored at the outer quantile of the shorter
side, meets any three increasing quantiles exactly, is smooth, and has tails at least as heavy as
the normal, which is its limit for :math:`\delta \to 0`. Where w is a logarithm that would leave no
finite mean, so there :math:`w = w_0 + \lambda \sinh(\operatorname{arcsinh}(\delta (z - z_2)) - K)`,
with the middle quantile's score :math:`z_2`, whose tails are normal. Further quantiles are met by
a smooth increasing function of z.

References
----------
.. [1] C. C. Hadlock and J. E. Bickel (2017). Johnson quantile-parameterized distributions.
   Decision Analysis 14(1). doi:10.1287/deca.2016.0343
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foundation_priors.beliefs.density import Density
from foundation_priors.beliefs.operations import operations
from foundation_priors.beliefs.support import Support

__all__ = ["Johnson"]

type Floats = NDArray[np.float64]

STEEP, FLAT, LEAST_SLOPE = 200.0, 1e-9, 0.3
REACH = 9.0


@dataclass(frozen=True, eq=False)
class Johnson(Density):
    r"""One or more densities of Johnson's system on the same support.

    Attributes
    ----------
    support : Support
    place, score, scale, shape, bend : array, shape (component,)
        :math:`w_0`, :math:`z_0` or :math:`z_2`, :math:`\lambda\delta`, :math:`\delta` and K.
    ramps : array, shape (component, 2 + 2 knots)
        Constant, first slope, knots and changes of slope of the function of z; constant 0, slope 1
        and no knots where three quantiles say all.
    width : array, shape (component,)
        Over which a slope changes.
    heavy : bool
        Whether the tails are those of the first form.
    """

    support: Support
    place: Floats
    score: Floats
    scale: Floats
    shape: Floats
    bend: Floats
    ramps: Floats
    width: Floats
    heavy: bool = True

    @classmethod
    def through(cls, probabilities: Floats, values: Floats, support: Support) -> Self:
        """Return the density with these quantiles, at least two; see `Johnson`."""
        from scipy.special import ndtri

        z, w = ndtri(probabilities), support.forward(np.asarray(values, dtype=float))
        if len(z) == 2:
            scale = (w[1] - w[0]) / (z[1] - z[0])
            return cls._single(support, w[0], z[0], scale, 0.0, heavy=_heavy(support))
        middle = 1 + int(np.argmin(np.abs(z[1:-1])))
        three = [0, middle, len(z) - 1]
        found = _skewed(z[three], w[three], _heavy(support))
        plain = cls._single(support, *found, heavy=_heavy(support))
        if len(z) == 3:
            return plain
        ramp, width = _ramp(plain._scores(w[:, None])[:, 0], z)
        return replace(plain, ramps=ramp[None], width=width[None])

    @classmethod
    def near(cls, probabilities: Floats, values: Floats, support: Support) -> Self:
        """Return the density without knots whose quantiles come nearest to these, at least five.

        Its tails are as heavy on either side as the quantiles say.
        """
        from scipy.optimize import least_squares
        from scipy.special import ndtri

        z, w = ndtri(probabilities), support.forward(np.asarray(values, dtype=float))
        spread = (w[-1] - w[0]) / (z[-1] - z[0])

        def unpack(x: Floats) -> Any:
            scale, shape = spread * np.exp(np.clip(x[2], -20, 20)), np.exp(np.clip(x[3], -9, 3))
            return cls._single(support, np.median(w) + spread * x[0], x[1], scale, shape)

        def miss(x: Floats) -> Floats:
            return unpack(x)._scores(w[:, None])[:, 0] - z

        return unpack(least_squares(miss, np.array([0.0, 0.0, 0.0, -1.0])).x)

    @classmethod
    def normal(cls, mean: float, sd: float, support: Support) -> Self:
        """Return the density under which w is normal."""
        return cls._single(support, mean, 0.0, sd, 0.0, heavy=_heavy(support))

    @classmethod
    def _single(
        cls,
        support: Support,
        place: float,
        score: float,
        scale: float,
        shape: float,
        bend: float = 0.0,
        *,
        heavy: bool = True,
    ) -> Self:
        numbers = {"place": place, "score": score, "scale": scale, "shape": shape, "bend": bend}
        one: dict[str, Any] = {name: np.array([float(v)]) for name, v in numbers.items()}
        plain = np.array([[0.0, 1.0]])
        return cls(support=support, ramps=plain, width=np.ones(1), heavy=heavy, **one)

    @classmethod
    def stacked(cls, parts: Sequence[Johnson]) -> Self:
        """Return densities on the same support, with as many knots each, side by side."""
        names = ("place", "score", "scale", "shape", "bend", "ramps", "width")
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in names
        }
        return cls(support=parts[0].support, heavy=parts[0].heavy, **arrays)

    @property
    def knots(self) -> int:
        """The number of knots of each component."""
        return (self.ramps.shape[1] - 2) // 2

    def _skew(self) -> Floats:
        """Return shapes that arcsinh can be divided by, among components without skew too."""
        return np.maximum(self.shape, 1e-5)

    def _scores(self, w: Any) -> Any:
        """Return normal scores before the function of z; w has a last axis of length 1."""
        o, t = operations(w), (w - self.place) / self.scale
        if not self.shape.any():
            return self.score + t
        x = self._skew() * t
        if self.heavy:
            return self.score + o.arcsinh(x) / self._skew()
        lift = np.sinh(self.bend) / self._skew()
        return self.score + t * np.cosh(self.bend) + lift * o.sqrt(1 + x**2)

    def _log_slope(self, w: Any) -> Any:
        """Return the log derivative of `_scores`."""
        if not self.shape.any():
            return -np.log(self.scale)
        o, x = operations(w), self._skew() * (w - self.place) / self.scale
        if self.heavy:
            return -np.log(self.scale) - 0.5 * o.log1p(x**2)
        leaning = np.cosh(self.bend) + np.sinh(self.bend) * x / o.sqrt(1 + x**2)
        return o.log(leaning) - np.log(self.scale)

    def _at_scores(self, u: Floats) -> Floats:
        """Return w at normal scores before the function of z; u has a last axis for components."""
        t = u - self.score
        if self.shape.any():
            inner = self._skew() * t
            inner = inner if self.heavy else np.arcsinh(inner) - self.bend
            t = np.sinh(np.clip(inner, -STEEP, STEEP)) / self._skew()
        return self.place + self.scale * t

    def _ramped(self, u: Any) -> tuple[Any, Any]:
        """Return the function of z and its slope."""
        o, k = operations(u), self.knots
        z = self.ramps[:, 0] + self.ramps[:, 1] * u
        slope = self.ramps[:, 1]
        for j in range(k):
            change, t = self.ramps[:, 2 + k + j], (u - self.ramps[:, 2 + j]) / self.width
            z = z + change * self.width * o.softplus(t)
            slope = slope + change * o.sigmoid(t)
        return z, slope

    def log_components(self, w: Any) -> Any:
        """Return the log density of w of each component, on a new last axis."""
        w = w[..., None]
        o, z, log_slope = operations(w), self._scores(w), self._log_slope(w)
        if self.knots:
            z, slope = self._ramped(z)
            log_slope = log_slope + o.log(slope)
        return log_slope - 0.5 * z**2 - 0.5 * np.log(2 * np.pi)

    def cdf(self, x: Any) -> Floats:
        """Return the probability below ``x``, of a single component; exact."""
        from scipy.special import ndtr

        inside = np.clip(np.asarray(x, dtype=float), self.support.lower, self.support.upper)
        with np.errstate(divide="ignore"):
            z = self._scores(np.asarray(self.support.forward(inside))[..., None])
        z = self._ramped(np.clip(z, -1e3, 1e3))[0] if self.knots else z
        return np.asarray(ndtr(z[..., 0]))

    def edges(self) -> Floats:
        """Return increasing values of w, between neighbours of which the density is smooth."""
        k, reach, fine = self.knots, REACH, float(np.clip(self.shape.max(), 1, 60))
        if k:
            # Where the function of z is flat, its ends lie further out.
            slopes = np.cumsum(np.delete(self.ramps, np.s_[[0, *range(2, 2 + k)]], axis=1), axis=1)
            reach, fine = REACH / min(slopes.min(), 1.0), fine * max(slopes.max(), 1.0)
        count = int(min(4 * reach * fine, 4000)) + 1
        u = np.broadcast_to(np.linspace(-reach, reach, count), (len(self.place), count))
        if k:
            around = self.width[:, None, None] * np.arange(-12, 12.1, 0.5)
            inner = self.ramps[:, 2 : 2 + k, None] + around
            u = np.concatenate([u, inner.reshape(len(u), -1)], axis=1)
        return np.sort(self._at_scores(u.T).ravel())


def _heavy(support: Support) -> bool:
    """Say whether tails heavier than normal leave finite moments."""
    low, high = support.bounded
    return low == high


def _skewed(z: Floats, w: Floats, heavy: bool) -> tuple[float, float, float, float, float]:
    """Return anchor, score, scale, shape and bend through three quantiles."""
    from scipy.optimize import brentq

    near, far = (w[1] - w[0]) / (w[2] - w[0]), (z[1] - z[0]) / (z[2] - z[0])
    # The anchor lies at the end of the side that is too short for a normal density.
    end, ratio, even = (0, near, far) if near <= far else (2, 1 - near, 1 - far)
    short, long = abs(z[1] - z[end]), abs(z[2 - end] - z[1])
    if even - ratio < FLAT:
        return w[0], z[0], (w[2] - w[0]) / (z[2] - z[0]), 0.0, 0.0

    def arguments(shape: float) -> tuple[float, float]:
        if heavy:
            return shape * short, shape * (short + long)
        first = np.arcsinh(shape * short)
        return first, first + np.arcsinh(shape * long)

    def miss(shape: float) -> float:
        first, both = arguments(shape)
        return _log_sinh(first) - _log_sinh(both) - np.log(ratio)

    top = 1.0
    while miss(top) > 0:
        top *= 2
    shape = brentq(miss, 1e-9, top, xtol=1e-14, rtol=1e-14)
    scale = shape * np.exp(np.log(w[2] - w[0]) - _log_sinh(arguments(shape)[1]))
    if heavy:
        return w[end], z[end], scale, shape, 0.0
    return w[end], z[1], scale, shape, float(np.arcsinh(shape * (z[end] - z[1])))


def _log_sinh(x: float) -> float:
    return float(x + np.log(-np.expm1(-2 * x)) - np.log(2))


def _ramp(u: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Return the smooth increasing function that takes every u to its z, and its width.

    Its slope changes at each inner u. Wide changes may need a negative slope somewhere; ever
    narrower ones end at the straight lines between the points.
    """
    secants, knots = np.diff(z) / np.diff(u), u[1:-1]
    one = np.eye(len(secants))
    width = float(np.diff(u).max())
    while True:
        bends = width * np.logaddexp(0, (u[:, None] - knots) / width)
        design = np.column_stack([np.ones(len(u)), np.outer(u, one[0]) + bends @ np.diff(one.T).T])
        constant, *slopes = np.linalg.solve(design, z)
        if (np.array(slopes) > LEAST_SLOPE * secants).all():
            return np.array([constant, slopes[0], *knots, *np.diff(slopes)]), np.array(width)
        width *= 0.8
