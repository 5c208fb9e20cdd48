"""The stored coverage of the share's interval, nominal 90%."""

import numpy as np
import pytest

from tests.benchmarks.audit_circularity import DRIFTS, PAGE, REPEATS, table
from tests.benchmarks.tables import read

STORED = read("audit")["circularity"]


def test_every_drift_is_stored():
    assert set(STORED) == set(DRIFTS)


@pytest.mark.parametrize("name", DRIFTS)
def test_it_covers(name):
    """Two in a hundred less than nominal, where steps are as small as the noise, and chance."""
    slack = 0.02 if "small" in name else 0.0
    assert STORED[name]["coverage"] > 0.9 - slack - 3 * np.sqrt(0.09 / REPEATS)


@pytest.mark.parametrize("name", DRIFTS)
def test_the_bootstrap_is_no_better(name):
    assert STORED[name]["coverage_bootstrap"] < STORED[name]["coverage"] + 0.02


def test_the_page_shows_the_stored_results():
    assert table() in PAGE.read_text()
