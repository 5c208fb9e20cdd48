"""Stored numbers of rows against what simulation needs."""

import pytest

from tests.benchmarks.tables import read

FOUND = read("audit").get("washout", {})


@pytest.mark.parametrize("claim", ["mu > 0.3, 0.9", "mu > 0.2, 0.9", "mu > 0.4, 0.8"])
def test_the_rows_are_those_that_simulation_needs(claim):
    assert FOUND[claim]["rows"] == pytest.approx(FOUND[claim]["needed"], rel=0.15)
    assert FOUND[claim]["check"] < 0.02


def test_a_path_built_again_has_the_share_asked_for():
    assert FOUND["refit"]["share"] == pytest.approx(FOUND["refit"]["target"], rel=0.15)
