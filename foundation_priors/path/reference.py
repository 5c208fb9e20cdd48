"""Distributions with a known normaliser, fitted to draws, that bridge a ladder's gaps cheaply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reference"]

type Floats = NDArray[np.float64]

EPS = np.finfo(float).eps


@dataclass(frozen=True, eq=False)
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
        return cls._of(mean, np.sqrt(weights)[:, None] * (u - mean))

    @classmethod
    def _of(cls, mean: Floats, rows: Floats) -> Self | None:
        """Take the mean and the covariance ``rows.T @ rows``, which is never formed.

        Its rounding errors would hide a narrow direction beside a wide one, or make one of none.
        """
        d, least = len(mean), max(rows.shape) * EPS
        widths = np.linalg.norm(rows, axis=0)
        if len(rows) < d or not (np.isfinite(widths) & (widths > least * np.abs(mean))).all():
            return None
        triangle = np.linalg.qr(rows / widths, mode="r")
        if not _regular(np.linalg.svd(triangle, compute_uv=False), least):
            return None
        triangle *= np.sign(np.diag(triangle))[:, None]
        df = 5.0 + 2.0 * d
        return cls(mean, (triangle * widths).T * np.sqrt(1.1 * (df - 2) / df), df)

    def matched(self, u: Floats, scores: Floats) -> Self | None:
        r"""Return the distribution nearest to a density whose scores are known at draws of this.

        Parameters
        ----------
        u, scores : array, shape (draw, coordinate)
            Points, and the gradients of the log density there.

        Returns
        -------
        Reference or None
            None where there are no more finite scores than coordinates, or where scores do not
            vary in some direction.

        Notes
        -----
        Among Gaussian densities the Fisher divergence to the density is least for the scale
        matrix :math:`\Sigma` with :math:`\Sigma\,\mathrm{Cov}(s)\,\Sigma = \mathrm{Cov}(u)` and
        the mean :math:`\bar u + \Sigma \bar s` [1]_. Where the density is Gaussian that is exact,
        whatever the draws. Moments take many more draws, for their errors add up over coordinates
        squared.

        References
        ----------
        .. [1] D. Cai, C. Modi, L. Pillaud-Vivien, C. Margossian, R. Gower, D. Blei and L. Saul
           (2024). Batch and match: black-box variational inference with a score-based
           divergence. ICML. arXiv:2402.14758.
        """
        finite = np.isfinite(scores).all(axis=1)
        if finite.sum() <= len(self.mean):
            return None
        u, scores = u[finite], scores[finite]
        rows = _between(u - u.mean(axis=0), scores - scores.mean(axis=0))
        if rows is None:
            return None
        return self._of(u.mean(axis=0) + rows.T @ (rows @ scores.mean(axis=0)), rows)

    def draw(self, size: int, rng: np.random.Generator) -> Floats:
        """Return independent draws, shape (size, coordinate)."""
        z = rng.standard_normal((size, len(self.mean)))
        chi = rng.chisquare(self.df, (size, 1)) / self.df
        return self.mean + (z / np.sqrt(chi)) @ self.scale.T

    @cached_property
    def _inverse(self) -> Floats:
        from scipy.linalg import solve_triangular

        return solve_triangular(self.scale, np.eye(len(self.mean)), lower=True)

    def log_density(self, u: Floats) -> Floats:
        """Return the log density, shape (draw,)."""
        from scipy.special import gammaln

        d, df = len(self.mean), self.df
        z = (u - self.mean) @ self._inverse.T
        constant = gammaln((df + d) / 2) - gammaln(df / 2) - 0.5 * d * np.log(df * np.pi)
        logdet = np.log(np.diag(self.scale)).sum()
        return constant - logdet - 0.5 * (df + d) * np.log1p(np.einsum("nd,nd->n", z, z) / df)


def _between(u: Floats, scores: Floats) -> Floats | None:
    """Return rows of which S = rows.T @ rows has S @ Cov(scores) @ S = Cov(u), or None."""
    _, widths, axes = np.linalg.svd(u / np.sqrt(len(u)), full_matrices=False)
    root = (axes.T * widths) @ axes
    _, slopes, axes = np.linalg.svd(scores @ root / np.sqrt(len(u)), full_matrices=False)
    if not all(_regular(values, max(u.shape) * EPS) for values in (widths, slopes)):
        return None
    return axes @ root / np.sqrt(slopes)[:, None]


def _regular(values: Floats, least: float) -> bool:
    """Say whether the last of falling singular values is more than the rounding of the first."""
    return bool(values[-1] > least * values[0])
