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

__all__ = ["Anova", "Fit", "Grams", "anova", "nested", "pivots", "repeats"]

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
        # Exact zeros for equal answers, whatever the mean rounds to.
        self.y = np.zeros(self.n) if np.ptp(y) == 0 else y - y.mean()
        self.codes = {"": np.zeros(self.n, np.intp), **terms}
        self.sizes = {k: int(c.max()) + 1 for k, c in self.codes.items()}
        self.z = {
            k: sparse.csr_array((np.ones(self.n), (np.arange(self.n), c)))
            for k, c in self.codes.items()
        }
        self.zy = {k: z.T @ self.y for k, z in self.z.items()}
        self.square = float(self.y @ self.y)

    def gram(self, one: str, other: str) -> sparse.csr_array:
        """Return how many answers have each pair of levels of two terms."""
        return (self.z[one].T @ self.z[other]).tocsr()

    def fit(self, names: list[str]) -> Fit:
        """Fit the mean and terms."""
        return Fit(self, names)


class Fit:
    """The projection of answers on the mean and some terms.

    Parameters
    ----------
    grams : Grams
    names : list of str

    Attributes
    ----------
    explained : float
        The sum of squares of the projection.
    rank : int

    Notes
    -----
    The indicators of the largest term are orthogonal, so it is eliminated without a matrix, and
    what it contains is left out; only the levels of the others make a dense matrix.
    """

    def __init__(self, grams: Grams, names: list[str]) -> None:
        self.grams = grams
        self.most = max(["", *names], key=lambda k: grams.sizes[k])
        finest = grams.codes[self.most]
        self.rest = [k for k in names if not nested(finest, grams.codes[k])]
        self.share = 1 / np.bincount(finest)
        self.sizes = [grams.sizes[k] for k in self.rest]
        zy = grams.zy[self.most]
        self.explained = float((self.share * zy**2).sum())
        self.rank = len(self.share)
        self.root = np.zeros((sum(self.sizes), 0))
        if not self.rest:
            return
        left = np.hstack([self._left(k) for k in self.rest])
        values, vectors = np.linalg.eigh((left + left.T) / 2)
        keep = values > TINY * max(values[-1], 1.0)
        self.root = vectors[:, keep] / np.sqrt(values[keep])
        own = np.concatenate(
            [grams.zy[k] - grams.gram(k, self.most) @ (self.share * zy) for k in self.rest]
        )
        self.explained += float(((own @ self.root) ** 2).sum())
        self.rank += int(keep.sum())

    def _left(self, name: str) -> Floats:
        """Return inner products with the other terms once the largest is projected out."""
        g, across = self.grams, self.grams.gram(self.most, name)
        scaled = sparse.diags_array(self.share) @ across
        parts = [g.gram(k, name) - g.gram(k, self.most) @ scaled for k in self.rest]
        return np.vstack([np.asarray(part.todense()) for part in parts])

    def trace(self, name: str) -> float:
        """Return tr(P Z Z'), P the projection and Z the indicators of a term."""
        across = self.grams.gram(self.most, name)
        through = float((self.share[:, None] * across.power(2)).sum())
        if not self.root.shape[1]:
            return through
        return through + float(((self.root.T @ self._left(name)) ** 2).sum())


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
        less, more = grams.fit(others), grams.fit([*others, name])
        if more.rank == less.rank:
            aliased.append(name)
            continue
        kept.append(name)
        squares.append(more.explained - less.explained)
        df.append(more.rank - less.rank)
        rows.append({j: more.trace(j) - less.trace(j) for j in {*inside[name], name}})
    whole = grams.fit(list(factors))
    squares.append(max(grams.square - whole.explained, 0.0))
    df.append(grams.n - whole.rank)
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
