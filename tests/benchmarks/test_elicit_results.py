"""The stored results of asking keep the limits that the project promises."""

import pytest

from tests.benchmarks.elicit import PAGE, tables
from tests.benchmarks.tables import read

RESULTS = read("elicit")


def test_asking_is_nearly_as_fast_as_a_bare_client():
    row = RESULTS["throughput"]["loopback"]
    assert (row["latency"], row["concurrency"]) == (0.05, 100)
    assert row["ratio"] >= 0.85


@pytest.mark.parametrize("kind", ["draws", "profiles"])
def test_memory_hardly_grows_with_calls(kind):
    row = RESULTS["memory"][kind]
    assert row["calls"] == [5_000, 50_000]
    assert row["ratio"] <= 1.5


def test_the_page_shows_the_stored_results():
    for table in tables(RESULTS).values():
        assert table in PAGE.read_text()
