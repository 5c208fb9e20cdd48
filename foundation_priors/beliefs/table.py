"""A density as Johnson's times the exponential of a spline: of a function, or of draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from foundation_priors.beliefs.density import Density
from foundation_priors.beliefs.johnson import Johnson
from foundation_priors.beliefs.operations import operations
from foundation_priors.beliefs.support import Support

__all__ = ["Table"]

type Floats = NDArray[np.float64]

KNOTS, REACH = 512, 9.0
BINS, STEEPEST = 150, 0.75
PENALTIES = np.geomspace(1e-2, 1e4, 13)


@dataclass(frozen=True, eq=False)
class Table(Density):
    """A base density times the exponential of a cubic spline in its normal score.

    Beyond its knots the spline goes on as a straight line, so that the tails stay those of a normal
    density of the score and the support stays whole.

    Attributes
    ----------
    base : Johnson
        With a single component.
    start, step : float
        The first knot and the distance to the next.
    coefs : array, shape (4, interval)
        Of the powers 3 to 0 of the distance to the knot before.
    constant : float
        Subtracted, so that the density is normalised.
    errors : array, shape (knot,)
        Standard errors of the log density at the knots; 0 where it is not estimated.
    """

    base: Johnson
    start: float
    step: float
    coefs: Floats
    constant: float = 0.0
    errors: Floats = field(default_factory=lambda: np.zeros(2))

    @property
    def support(self) -> Support:  # type: ignore[override]
        """Where the quantity can lie."""
        return self.base.support

    @classmethod
    def of(cls, logpdf: Callable[[Floats], Floats], base: Johnson) -> Self:
        """Interpolate a log density, up to a constant, of the quantity itself."""
        from scipy.interpolate import CubicSpline

        z = np.linspace(-REACH, REACH, KNOTS)
        w = base._at_scores(z[:, None])[:, 0]
        x = np.asarray(base.support.backward(w))
        inside = _precise(x, base.support)
        with np.errstate(all="ignore"):
            value = np.asarray(logpdf(x), dtype=float) - base.support.log_slope(x)
        extra = value - base.log_line(w)
        core = np.isfinite(extra) & inside
        if not core[np.abs(z) < 1].all():
            raise ValueError(
                f"The log density is not finite everywhere on its support {base.support}: say with "
                "support= where the quantity can lie."
            )
        first, last = _run(core)
        kept = slice(first, last + 1)
        spline = CubicSpline(z[kept], extra[kept])
        return cls(base, float(z[first]), float(z[1] - z[0]), spline.c)._normalised()

    @classmethod
    def from_draws(cls, draws: Floats, support: Support) -> Self:
        r"""Estimate a density from draws.

        Notes
        -----
        Poisson regression of binned counts on a penalised cubic spline [1]_, [2]_: the log density
        is that of Johnson's density through three quantiles plus the spline, whose penalty
        minimises Akaike's criterion.

        References
        ----------
        .. [1] B. Efron and R. Tibshirani (1996). Using specially designed exponential families for
           density estimation. Annals of Statistics 24(6). doi:10.1214/aos/1032181161
        .. [2] P. H. C. Eilers and B. D. Marx (1996). Flexible smoothing with B-splines and
           penalties. Statistical Science 11(2). doi:10.1214/ss/1038425655
        """
        w = np.asarray(support.forward(draws))
        # Few draws say little about tails.
        outer = min(0.02, 0.2 - 0.15 * np.clip(np.log10(len(w)) - 1.5, 0, 1.2))
        levels = np.array([outer, 0.25, 0.5, 0.75, 1 - outer])
        base = Johnson.near(levels, np.quantile(draws, levels), support)
        z = base._scores(w[:, None])[:, 0]
        low, high = np.clip([z.min(), z.max()], -REACH, REACH)
        spline, errors, low, high = _fit(z[(z >= low) & (z <= high)], low, high)
        grid = np.linspace(low, high, 101)
        from scipy.interpolate import CubicSpline

        made = cls(base, low, float(grid[1] - grid[0]), CubicSpline(grid, spline(grid)).c)
        return replace(made, errors=errors(grid))._normalised()

    def _normalised(self) -> Self:
        return replace(self, constant=self.constant + float(np.log(self.total)))

    @property
    def end(self) -> float:
        """The last knot."""
        return self.start + self.step * self.coefs.shape[1]

    def log_components(self, w: Any) -> Any:
        """Return the log density of w, on a new last axis of length 1."""
        o, z = operations(w), self.base._scores(w[..., None])
        inner = o.clip(z, self.start, self.end)
        number = o.clip(o.floor((inner - self.start) / self.step), 0, self.coefs.shape[1] - 1)
        d = inner - (self.start + self.step * number)
        index = o.integer(number)
        a, b, c, e = (o.take(row, index) for row in self.coefs)
        value = ((a * d + b) * d + c) * d + e
        left, right = self._end_slopes()
        value = value + left * o.minimum(z - self.start, 0) + right * o.maximum(z - self.end, 0)
        return self.base.log_components(w) + value - self.constant

    def _end_slopes(self) -> tuple[float, float]:
        a, b, c, _ = self.coefs[:, -1]
        right = float((3 * a * self.step + 2 * b) * self.step + c)
        # A steeper line would outweigh the normal density of the score, which must fall.
        return max(float(self.coefs[2, 0]), STEEPEST * self.start), min(right, STEEPEST * self.end)

    def edges(self) -> Floats:
        """Return increasing values of w, between neighbours of which the density is smooth."""
        # A straight line of slope s in the tail moves the normal score's mode by s.
        left, right = self._end_slopes()
        reach = np.arange(min(-REACH, left - REACH), max(REACH, right + REACH) + 0.1, 0.1)
        return self.base._at_scores(reach[:, None])[:, 0]

    def error(self, x: Any) -> Floats:
        """Return standard errors of the log density; infinite where there were no draws."""
        z = self.base._scores(np.asarray(self.support.forward(np.asarray(x)))[..., None])[..., 0]
        knots = np.linspace(self.start, self.end, len(self.errors))
        found = np.interp(z, knots, self.errors)
        beyond = (z < self.start) | (z > self.end)
        return np.where(beyond & bool(self.errors.any()), np.inf, found)


def _precise(x: Floats, support: Support) -> NDArray[np.bool_]:
    """Say where the distances to the ends of the support are not lost in rounding."""
    inside = support.contains(x)
    for end in (support.lower, support.upper):
        if np.isfinite(end):
            inside &= np.abs(x - end) > 1e-9 * abs(end)
    return inside


def _run(good: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first and last index of the run of true values about the middle."""
    middle = len(good) // 2
    bad = np.flatnonzero(~good)
    first = int(bad[bad < middle].max(initial=-1)) + 1
    last = int(bad[bad > middle].min(initial=len(good))) - 1
    return first, last


def _fit(z: Floats, low: float, high: float) -> tuple[Any, Any, float, float]:
    """Return a spline of z that a standard normal log density lacks, with standard errors."""
    from scipy.interpolate import BSpline
    from scipy.stats import norm

    count = len(z)
    pieces = int(np.clip(round(2 * count**0.2), 4, 24))
    bins = int(np.clip(count // 4, 12, BINS))
    walls = np.linspace(low, high, bins + 1)
    counts = np.histogram(z, walls)[0].astype(float)
    middles = (walls[1:] + walls[:-1]) / 2
    offset = np.log(count * np.maximum(np.diff(norm.cdf(walls)), 1e-300))
    step = (high - low) / pieces
    knots = low + step * np.arange(-3, pieces + 4)
    design = BSpline.design_matrix(middles, knots, 3).toarray()
    rough = np.diff(np.eye(design.shape[1]), n=2, axis=0)
    penalty = rough.T @ rough
    fits = [_poisson(design, counts, offset, p * penalty) for p in PENALTIES]
    _, c, covariance = min(fits, key=lambda fit: fit[0])

    def errors(at: Floats) -> Floats:
        inside = np.clip(at, knots[3], np.nextafter(knots[-4], low))
        rows = BSpline.design_matrix(inside, knots, 3).toarray()
        return np.sqrt(np.einsum("ij,jk,ik->i", rows, covariance, rows))

    return BSpline(knots, c, 3), errors, float(low), float(high)


def _poisson(
    design: Floats, counts: Floats, offset: Floats, penalty: Floats
) -> tuple[float, Floats, Floats]:
    """Return Akaike's criterion, coefficients and their covariance of a penalised regression."""
    ridge = penalty + 1e-8 * np.eye(design.shape[1])
    c = np.full(design.shape[1], 0.0)
    for _ in range(50):
        mean = np.exp(np.clip(offset + design @ c, -300, 50))
        work = design @ c + (counts - mean) / np.maximum(mean, 1e-10)
        hessian = design.T @ (mean[:, None] * design)
        new = np.linalg.solve(hessian + ridge, design.T @ (mean * work))
        step = np.clip(new - c, -2, 2)
        c = c + step
        if np.abs(step).max() < 1e-8:
            break
    mean = np.exp(np.clip(offset + design @ c, -300, 50))
    hessian = design.T @ (mean[:, None] * design)
    covariance = np.linalg.inv(hessian + ridge)
    likely = np.where(counts > 0, counts * np.log(np.maximum(counts, 1e-300) / mean), 0.0)
    deviance = 2 * (likely - counts + mean).sum()
    return float(deviance + 2 * np.trace(covariance @ hessian)), c, covariance
