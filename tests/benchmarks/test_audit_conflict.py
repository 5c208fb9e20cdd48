"""Stored sizes of the conflict check."""

import pytest

from tests.benchmarks.tables import read

FOUND = read("audit").get("conflict", {})


@pytest.mark.parametrize("name", ["families", "coin", "normal"])
def test_the_size_at_5_percent_is_right(name):
    for check, row in FOUND[name].items():
        assert 0.04 < row["size"] < 0.06, check
        assert row["ks_p"] > 1e-3, check
