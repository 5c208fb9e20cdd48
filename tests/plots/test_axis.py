"""The axis of trust."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation_priors.plots.axis import readable_ticks, tick_label, trust_axis

GRID = np.linspace(0, 1, 30) ** 4


@pytest.mark.parametrize("scale", ["sqrt", "arc", "linear"])
def test_positions_go_there_and_back_also_beyond_the_ends(scale):
    axis = trust_axis(GRID, scale, GRID)
    x = np.linspace(-0.1, 1.2, 40)
    np.testing.assert_allclose(axis.inverse(axis.forward(x)), x, atol=1e-12)
    assert np.all(np.diff(axis.forward(x)) > 0)
    np.testing.assert_allclose(axis.fraction(np.array([0.0, 1.0])), [0, 1])


def test_the_arc_gives_each_step_of_the_grid_the_same_room():
    axis = trust_axis(GRID, "arc", GRID)
    np.testing.assert_allclose(np.diff(axis.fraction(GRID)), 1 / 29)


def test_limits_add_the_same_room_on_both_sides():
    axis = trust_axis(GRID, "sqrt")
    low, high = axis.limits(0.05)
    np.testing.assert_allclose(axis.fraction(np.array([low, high])), [-0.05, 1.05])


def test_an_unknown_scale_is_named():
    with pytest.raises(ValueError, match="'root' is not a scale.*'sqrt'"):
        trust_axis(GRID, "root")


@given(
    high=st.floats(1e-3, 50),
    per_trust=st.floats(0.1, 1e5),
    gap=st.floats(0.05, 0.3),
    scale=st.sampled_from(["sqrt", "linear"]),
)
def test_ticks_keep_their_distance_and_stay_on_the_axis(high, per_trust, gap, scale):
    axis = trust_axis(np.array([0.0, high]), scale)
    ticks = readable_ticks(axis, gap, per_trust)
    places = axis.fraction(ticks / per_trust)
    assert len(ticks) >= 2
    assert np.all(np.diff(places) >= gap - 1e-9)
    assert places.min() >= -1e-9 and places.max() <= 1 + 1e-9


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.02, "0.02"), (1, "1"), (20000, "20,000"), (1e-5, "0.00001")]
)
def test_labels_are_short(value, text):
    assert tick_label(value) == text
