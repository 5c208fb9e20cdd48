"""A family in closed form: base density N(0, 1), each ell a line or a parabola in x."""

from collections.abc import Sequence

import numpy as np
from arviz_stats.base import array_stats

from foundation_priors.path.mixture import Anchor, Mixture


class Family:
    """The densities N(0, 1) exp(L . ell), ell_s(x) = slope_s x - curve_s x^2 / 2 + shift_s."""

    def __init__(
        self, slope: Sequence[float], curve: Sequence[float], shift: Sequence[float] | float = 0.0
    ) -> None:
        self.slope, self.curve = np.array(slope, float), np.array(curve, float)
        self.shift = np.broadcast_to(np.asarray(shift, float), self.slope.shape)

    def ell(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x)[..., None]
        return self.slope * x - self.curve * x**2 / 2 + self.shift

    def precision(self, points: np.ndarray) -> np.ndarray:
        return 1 + points @ self.curve

    def mean(self, points: np.ndarray) -> np.ndarray:
        return points @ self.slope / self.precision(points)

    def sd(self, points: np.ndarray) -> np.ndarray:
        return self.precision(points) ** -0.5

    def log_z(self, points: np.ndarray) -> np.ndarray:
        pull, precision = points @ self.slope, self.precision(points)
        return points @ self.shift + pull**2 / (2 * precision) - np.log(precision) / 2

    def draw(
        self, point: np.ndarray, shape: tuple[int, int], rng: np.random.Generator, rho: float = 0.0
    ) -> np.ndarray:
        """Draw chains of an autoregression of the first order with the right margin."""
        chains, draws = shape
        z = rng.normal(size=(chains, draws))
        for t in range(1, draws) if rho else ():
            z[:, t] = rho * z[:, t - 1] + np.sqrt(1 - rho**2) * z[:, t]
        return self.mean(point) + self.sd(point) * z

    def mixture(
        self,
        points: np.ndarray,
        shape: tuple[int, int] = (4, 250),
        seed: int = 0,
        rho: Sequence[float] | float = 0.0,
    ) -> tuple[Mixture, np.ndarray]:
        """Return the mixture of draws at some points, and the draws of x."""
        rng = np.random.default_rng(seed)
        anchors, xs = [], []
        for point, r in zip(points, np.broadcast_to(rho, len(points)), strict=True):
            x = self.draw(point, shape, rng, r)
            anchors.append(anchor(point, self.ell(x), bool(np.any(rho))))
            xs.append(x.ravel())
        return Mixture(anchors), np.concatenate(xs)


def anchor(point: np.ndarray, ell: np.ndarray, correlated: bool = False) -> Anchor:
    """Make an anchor as the fits do."""
    size = float(ell.shape[0] * ell.shape[1])
    ess = size
    if correlated:
        found = array_stats.ess(ell, method="mean", chain_axis=0, draw_axis=1)
        ess = float(min(np.min(found), size))
    return Anchor(np.asarray(point, float), ell, ess, ess)
