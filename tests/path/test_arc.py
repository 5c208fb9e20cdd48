"""Arc length along a path."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation_priors.path.arc import even_grid, length, power_law


def test_the_length_of_known_curves():
    assert length(lambda t: np.full_like(t, 3.0), 2.0) == pytest.approx(6, rel=1e-6)
    assert length(lambda t: 1 / (0.001 + t), 1.0) == pytest.approx(np.log(1001), rel=1e-3)


@settings(deadline=None)
@given(tau=st.floats(1e-6, 10), scale=st.floats(1e-3, 1e4))
def test_the_law_is_exact_for_a_gaussian_under_a_wide_prior(tau, scale):
    """There sd_t = a / (1 + t/tau), whose square integrates to a^2 tau t / (tau + t)."""
    sd = power_law(scale, scale / (1 + 1 / tau), scale**2 * tau / (tau + 1), 1.0)
    t = np.linspace(0, 1, 7)
    np.testing.assert_allclose(sd(t), scale / (1 + t / tau), rtol=1e-3)


@settings(deadline=None)
@given(start=st.floats(0, 1e6), end=st.floats(0, 1e6), rise=st.floats(-1e6, 1e12) | st.just(np.nan))
def test_the_law_is_finite_and_never_negative(start, end, rise):
    sd = power_law(start, end, rise, 1.0)(np.linspace(0, 1, 11))
    assert np.isfinite(sd).all() and (sd >= 0).all()


@settings(deadline=None)
@given(tau=st.floats(1e-6, 10), size=st.integers(2, 200), reach=st.floats(0.1, 10))
def test_the_grid_is_even_in_arc(tau, size, reach):
    def sd(t):
        return 1 / (tau + t)

    grid = even_grid(sd, reach, size)
    assert grid[0] == 0 and grid[-1] == reach and (np.diff(grid) > 0).all()
    arc = np.diff(np.log(tau + grid))
    np.testing.assert_allclose(arc, arc.mean(), rtol=0.02, atol=1e-6)


def test_a_path_along_which_nothing_changes_gets_an_even_grid():
    grid = even_grid(lambda t: np.zeros_like(t), 1.0, 5)
    assert len(np.unique(grid)) == 5 and grid[0] == 0 and grid[-1] == 1
