"""Distributions with a known normaliser, fitted to draws, that bridge a ladder's gaps cheaply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reference"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """A multivariate Student t in the unconstrained coordinates.

    Attributes
    ----------
    mean : array, shape (coordinate,)
    scale : array, shape (coordinate, coordinate)
        Lower Cholesky factor of the scale matrix.
    df : float
    """

    mean: Floats
    scale: Floats
    df: float

    @classmethod
    def fit(cls, u: Floats, weights: Floats) -> Self | None:
        """Fit to weighted draws, shape (draw, coordinate); None where they are degenerate.

        The covariance is a little inflated, so that the tails are covered; the degrees of freedom
        grow with the dimension, since in many dimensions heavy tails cost too much.
        """
        mean = weights @ u
        centred = u - mean
        covariance = (weights[:, None] * centred).T @ centred
        df = 5.0 + 2.0 * len(mean)
        try:
            scale = np.linalg.cholesky(1.1 * covariance * (df - 2) / df)
        except np.linalg.LinAlgError:
            return None
        return cls(mean, scale, df) if np.isfinite(scale).all() else None

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        """Return independent draws, shape (size, coordinate)."""
        z = rng.standard_normal((size, len(self.mean)))
        chi = rng.chisquare(self.df, (size, 1)) / self.df
        return self.mean + (z / np.sqrt(chi)) @ self.scale.T

    def log_density(self, u: Floats) -> Floats:
        """Return the log density, shape (draw,)."""
        from scipy.linalg import solve_triangular
        from scipy.special import gammaln

        d, df = len(self.mean), self.df
        inverse = solve_triangular(self.scale, np.eye(d), lower=True)
        z = (u - self.mean) @ inverse.T
        constant = gammaln((df + d) / 2) - gammaln(df / 2) - 0.5 * d * np.log(df * np.pi)
        logdet = np.log(np.diag(self.scale)).sum()
        return constant - logdet - 0.5 * (df + d) * np.log1p(np.einsum("nd,nd->n", z, z) / df)
