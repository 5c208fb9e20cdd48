r"""Variance components of answers in crossed and nested designs, in NumPy.

For every factor k the sum of squares :math:`y' A_k y` is what its levels explain beyond all other
terms but those nested in it. Its expectation is linear in the components, so equating the two gives
estimates that are unbiased in any design, and the classic ones in a balanced one (Henderson's third
method).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Anova", "Grams", "anova", "nested", "pivots", "repeats"]

type Floats = NDArray[np.float64]
type Codes = NDArray[np.intp]

TINY = 1e-9
"""An eigenvalue of a matrix of counts below this share of the largest is 0."""


class Grams:
    """Inner products of the levels' indicators and the outcome.

    Parameters
    ----------
    y : array
        Shape (answer,).
    terms : mapping of str to array
        The level of each answer, from 0 without gaps, shape (answer,).

    Notes
    -----
    Everything is computed from matrices of the size of the number of levels, not of answers.
    """

    def __init__(self, y: Floats, terms: Mapping[str, Codes]) -> None:
        self.n = len(y)
        self.y = y - y.mean()
        # Exact zeros for equal answers, whatever the mean rounds to.
        self.y = np.zeros(self.n) if np.ptp(y) == 0 else self.y
        codes = {"": np.zeros(self.n, np.intp), **terms}
        sizes = [int(c.max()) + 1 for c in codes.values()]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self.where = {
            name: np.arange(a, b) for name, a, b in zip(codes, starts[:-1], starts[1:], strict=True)
        }
        z = sparse.hstack(
            [sparse.csr_array((np.ones(self.n), (np.arange(self.n), c))) for c in codes.values()]
        ).tocsr()
        self.gram = np.asarray((z.T @ z).todense(), dtype=float)
        self.zy = z.T @ self.y
        self.square = float(self.y @ self.y)

    def columns(self, names: list[str]) -> Codes:
        """Return the positions of the levels of terms, those of the mean first."""
        return np.concatenate([self.where[name] for name in ["", *names]])

    def fit(self, names: list[str]) -> tuple[float, int, Floats, Codes]:
        """Return what terms explain, their rank, the inverse of their Gram matrix, and where."""
        at = self.columns(names)
        values, vectors = np.linalg.eigh(self.gram[np.ix_(at, at)])
        keep = values > TINY * values[-1]
        root = vectors[:, keep] / np.sqrt(values[keep])
        explained = float(((self.zy[at] @ root) ** 2).sum())
        return explained, int(keep.sum()), root @ root.T, at

    def trace(self, inverse: Floats, at: Codes, name: str) -> float:
        """Return tr(P Z Z'), P the projection on fitted terms and Z the indicators of a term."""
        across = self.gram[np.ix_(at, self.where[name])]
        return float(np.einsum("ij,ik,jk->", inverse, across, across, optimize=True))


@dataclass(frozen=True)
class Anova:
    """The table of an analysis of variance.

    Parameters
    ----------
    names : list of str
        The terms whose component can be told apart, "within" last.
    squares, df : array
        Sums of squares and degrees of freedom, shape (term,).
    expected : array
        Expected mean squares are ``expected @ components``, shape (term, term).
    aliased : list of str
        The terms that cannot be told apart from others.
    """

    names: list[str]
    squares: Floats
    df: Floats
    expected: Floats
    aliased: list[str]

    @property
    def components(self) -> Floats:
        """Unbiased estimates, shape (term,); they can be negative."""
        return np.linalg.solve(self.expected, self.squares / self.df)


def nested(inner: Codes, outer: Codes) -> bool:
    """Say whether each level of one factor belongs to one level of another."""
    pairs = pd.unique(inner.astype(np.int64) * (int(outer.max()) + 1) + outer)
    return len(pairs) == int(inner.max()) + 1


def anova(y: Floats, factors: Mapping[str, Codes]) -> Anova:
    """Decompose the variance of answers.

    Parameters
    ----------
    y : array
        Shape (answer,).
    factors : mapping of str to array
        The level of each answer, from 0 without gaps.

    Returns
    -------
    Anova
    """
    grams = Grams(y, factors)
    inside = {k: [j for j in factors if nested(factors[j], factors[k])] for k in factors}
    squares, df, rows, kept, aliased = [], [], [], [], []
    for name in factors:
        others = [j for j in factors if j not in inside[name]]
        less, rank, inverse, at = grams.fit(others)
        more, full, wide, wide_at = grams.fit([*others, name])
        if full == rank:
            aliased.append(name)
            continue
        kept.append(name)
        squares.append(more - less)
        df.append(full - rank)
        rows.append(
            {
                j: grams.trace(wide, wide_at, j) - grams.trace(inverse, at, j)
                for j in {*inside[name], name}
            }
        )
    explained, rank, _, _ = grams.fit(list(factors))
    squares.append(max(grams.square - explained, 0.0))
    df.append(grams.n - rank)
    expected = np.zeros((len(kept) + 1, len(kept) + 1))
    for i, row in enumerate(rows):
        expected[i, :-1] = [row.get(j, 0.0) / df[i] for j in kept]
    expected[:, -1] = 1.0
    floor = TINY * grams.square
    found = np.where(np.asarray(squares) > floor, squares, 0.0)
    return Anova([*kept, "within"], found, np.asarray(df, float), expected, aliased)


def pivots(table: Anova, rng: np.random.Generator, size: int) -> Floats:
    r"""Draw components from their generalised pivotal quantities, shape (size, term).

    Each mean square is its expectation times :math:`\chi^2_{df} / df`; draws below 0 are put to 0.
    """
    chi = rng.chisquare(table.df, size=(size, len(table.df)))
    return np.maximum(np.linalg.solve(table.expected, (table.squares / chi).T).T, 0.0)


def repeats(codes: Codes | None, n: int) -> float:
    r"""Return the number of equally large groups that a grouping is worth in a mean.

    :math:`1 / \sum_l (n_l / N)^2`: the number of levels, where all are equally frequent.
    """
    if codes is None:
        return float(n)
    return float(n**2 / (np.bincount(codes).astype(float) ** 2).sum())
