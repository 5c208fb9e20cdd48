"""Smoothed weights of many sets at once, against ArviZ, which smooths one after the other."""

import warnings

import numpy as np
import pytest
from scipy.special import logsumexp

from foundation_priors.path.psis import pareto_k, smoothed


def with_arviz(row):
    from arviz_stats.base import array_stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            smooth, k = array_stats.psislw(row.max() - row)
        except ValueError:  # a tail that is too short or all the same
            return row - logsumexp(row), -np.inf
    return smooth, float(k)


def sets(kind, rng):
    if kind == "heavy":
        return 2 * rng.standard_t(2, size=(12, 900))
    if kind == "bounded":
        return np.log(rng.random((12, 500)))
    if kind == "tied":
        return np.round(rng.normal(size=(12, 700)), 1)
    if kind == "wide":
        return 30 * rng.normal(size=(12, 700))
    if kind == "nearly equal":
        return 1e-3 * rng.normal(size=(12, 700))
    if kind == "equal":
        return np.zeros((3, 300))
    if kind == "impossible":
        return np.where(rng.random((12, 700)) < 0.5, -1e300, rng.normal(size=(12, 700)))
    return rng.normal(size=(12, int(kind)))


KINDS = ("heavy", "bounded", "tied", "wide", "nearly equal", "equal", "impossible")


@pytest.mark.parametrize("kind", [*KINDS, "10", "25", "225", "226", "1600"])
def test_all_at_once_are_as_one_after_the_other(kind, rng):
    rows = sets(kind, rng)
    theirs = [with_arviz(row) for row in rows]
    mine, k = smoothed(rows)
    np.testing.assert_allclose(k, [k for _, k in theirs], rtol=1e-9)
    np.testing.assert_array_equal(k, pareto_k(rows))
    # Which of equal weights belong to the tail is anybody's choice.
    ours = np.sort(mine - logsumexp(mine, axis=1, keepdims=True), axis=1)
    expected = np.sort([smooth for smooth, _ in theirs], axis=1)
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)
    if kind in ("heavy", "1600"):
        together = logsumexp(mine + rows, axis=1) - logsumexp(mine, axis=1)
        apart = [logsumexp(s + row) for (s, _), row in zip(theirs, rows, strict=True)]
        np.testing.assert_allclose(together, apart, rtol=1e-9)


def test_small_pieces_are_as_one(monkeypatch, rng):
    rows = rng.normal(size=(30, 400))
    whole = smoothed(rows)
    monkeypatch.setattr("foundation_priors.path.psis.CELLS", 1)
    for a, b in zip(whole, smoothed(rows), strict=True):
        np.testing.assert_array_equal(a, b)
