"""Movement towards a target, by hand and in simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foundation_priors.diagnose.circularity_core import (
    extremes,
    made_by_refinement,
    radius,
    share_towards,
    steps,
)

drifts = arrays(float, st.integers(2, 8), elements=st.floats(-50, 50).map(lambda v: round(v, 3)))


@pytest.mark.parametrize(
    ("means", "target", "share"),
    [
        ([8, 3], 3, 1.0),
        ([8, 5, 6, 2], 3, 0.75),
        ([8, 2], 3, 5 / 6),
        ([2, 8], 3, 1 / 6),
        ([3, 8], 3, 0.0),
        ([1, 5, 1], 3, 0.5),
        ([4, 4], 3, np.nan),
    ],
)
def test_hand_made_drifts(means, target, share):
    np.testing.assert_allclose(share_towards(np.array(means, float), target), share)


@given(drifts, st.floats(-60, 60))
def test_the_parts_of_a_step_add_to_its_length(means, target):
    towards, away = steps(means, target)
    assert (towards >= 0).all() and (away >= 0).all()
    np.testing.assert_allclose(towards + away, np.abs(np.diff(means)), atol=1e-9)
    net = abs(means[0] - target) - abs(means[-1] - target)
    np.testing.assert_allclose((towards - away).sum(), net, atol=1e-9)


@given(drifts, st.floats(-60, 60), st.floats(0.1, 10), st.floats(-20, 20))
def test_the_share_does_not_depend_on_unit_and_zero(means, target, scale, shift):
    one = share_towards(means, target)
    other = share_towards(scale * means + shift, scale * target + shift)
    if np.abs(np.diff(means)).sum() > 1e-3:
        np.testing.assert_allclose(other, one, atol=1e-6)


def test_what_refinement_made():
    means = np.array([[8, 4.0], [0, 4], [4, 4], [0, 0]])
    np.testing.assert_allclose(made_by_refinement(means), [1 / 3, 1, 0, np.nan])


def test_extremes_of_a_linear_functional_are_its_standard_errors():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 5))
    covariance, slope, means = root @ root.T, rng.normal(size=5), rng.normal(size=5)
    low, high = extremes(lambda m: m @ slope, means, covariance, 1.7)
    half = 1.7 * np.sqrt(slope @ covariance @ slope)
    np.testing.assert_allclose([low, high], means @ slope + half * np.array([-1, 1]), rtol=1e-3)


def test_extremes_find_a_maximum_inside():
    low, high = extremes(lambda m: -((m - 0.2) ** 2).sum(axis=-1), np.zeros(3), np.eye(3), 2.0)
    assert high == pytest.approx(0, abs=1e-3)
    assert low == pytest.approx(-((2 + 0.2 * np.sqrt(3)) ** 2), rel=1e-2)


def test_without_noise_the_interval_is_the_estimate():
    means = np.array([8, 5, 6, 2.0])
    assert extremes(lambda m: share_towards(m, 3.0), means, np.zeros((4, 4)), 2) == (0.75, 0.75)


def test_a_statistic_that_is_nowhere_defined():
    low, high = extremes(lambda m: m[..., 0] * np.nan, np.zeros(2), np.eye(2), 1.0)
    assert np.isnan([low, high]).all()


def test_radius_is_students():
    assert radius(0.9, 10) == pytest.approx(1.8125, abs=1e-4)


def test_coverage_of_the_share():
    """150 simulated drifts, nominal 90%: above .82, three standard errors of .024 below."""
    rng = np.random.default_rng(3)
    true, sd, n, hits = np.array([8, 6, 7, 5, 4.5]), 1.5, 20, 0
    share = share_towards(true, 3.0)
    for _ in range(150):
        answers = true[:, None] + sd * rng.normal(size=(len(true), n))
        spread = np.eye(len(true)) * answers.var(axis=1, ddof=1).mean() / n
        reach = radius(0.9, len(true) * (n - 1))
        low, high = extremes(lambda m: share_towards(m, 3.0), answers.mean(axis=1), spread, reach)
        hits += low <= share <= high
    assert hits / 150 > 0.82
