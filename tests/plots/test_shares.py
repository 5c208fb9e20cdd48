"""Shares of information over trust."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import foundation_priors as fp
from foundation_priors import plots
from foundation_priors.conjugate import BetaBinomial
from foundation_priors.plots.shares import roomiest, stack


def test_the_areas_are_the_shares_of_reliance(path):
    pc = plots.plot_shares(path, "beta[1]", trust=[0, 0.3, 1])
    table = fp.reliance(path, 0.3, "beta").loc["beta[1]"]
    drawn = pc.data.sel(quantity="beta[1]", trust=0.3)
    np.testing.assert_allclose(drawn["share"], table["share"])
    np.testing.assert_allclose(drawn["mcse_share"], table["mcse_share"])
    assert drawn["component"].values.tolist() == table.index.tolist()
    np.testing.assert_allclose(pc.data["share"].sum("component"), 1)


def test_components_are_named_on_their_areas_or_in_the_legend(path):
    pc = plots.plot_shares(path, "beta[0]")
    ax = pc.get_viz("plot", quantity="beta[0]")
    named = {t.get_text() for t in ax.texts}
    named |= {t.get_text() for box in pc.get_viz("figure").legends for t in box.get_texts()}
    assert set(pc.data["component"].values) <= named
    assert ax.get_ylim() == pytest.approx((0, 1))


def test_unreliable_weights_are_hatched(flagged):
    pc = plots.plot_shares(flagged, "beta[0]", trust=[0, 0.4, 0.8, 1])
    assert pc.viz["unreliable"]["unreliable"].item().get_x() == pytest.approx(0.6)


def test_closed_forms_are_refused():
    with pytest.raises(TypeError, match="BetaBinomial has not"):
        plots.plot_shares(BetaBinomial(real=(2, 10), synthetic=(7, 10)), "theta")


@given(arrays(float, (4, 6), elements=st.floats(-3, 3)))
def test_areas_are_as_high_as_the_shares_and_never_overlap(share):
    bottom, top = stack(share)
    np.testing.assert_allclose(top - bottom, np.abs(share), atol=1e-12)
    height = top.max(axis=0).clip(0) + bottom.min(axis=0).clip(max=0)
    np.testing.assert_allclose(height, share.sum(axis=0), atol=1e-12)
    for column in range(6):
        order = np.argsort(bottom[:, column] + top[:, column])
        low, high = bottom[order, column], top[order, column]
        assert np.all(low[1:] >= high[:-1] - 1e-9)


def test_labels_go_where_the_room_is():
    place = np.linspace(0, 1, 11)
    x, y, height = roomiest(place, np.zeros(11), place, 0.2)
    assert x == pytest.approx(0.9) and height == pytest.approx(0.8) and y == pytest.approx(0.4)
    x, _, _ = roomiest(place, np.zeros(11), np.ones(11), 0.2, enough=0.5)
    assert x == pytest.approx(0.5)
