"""The stored results of the accuracy benchmark keep the limits that the documentation states."""

import pytest
from scipy.stats import norm

from tests.benchmarks.exact import EXACT
from tests.benchmarks.models import REAL
from tests.benchmarks.tables import DOCS, accuracy_tables, cost_tables, read

ACCURACY = read("accuracy")
HOPELESS = read("cost")["hopeless"]
LIMITS = {"error_mean": 0.035, "error_sd": 0.04, "evidence": 0.4}


@pytest.mark.parametrize("name", REAL)
def test_means_and_sds_agree_with_refits(name):
    row = ACCURACY["refits"][name]
    assert row["weights"] == 9 and row["unreliable"] == 0
    assert row["refit_r_hat"] < 1.01
    assert max(row["z_mean"], row["z_sd"]) <= 4
    assert row["error_mean"] <= 0.035
    assert row["error_sd"] <= 0.04


@pytest.mark.parametrize("name", REAL)
def test_monte_carlo_errors_are_honest(name):
    # Were they right, the root mean square of z would be 1; with the few independent comparisons
    # of a small model, since weights share draws, its own standard deviation is about .2.
    assert 0.7 < ACCURACY["refits"][name]["z_rms"] < 1.3


@pytest.mark.parametrize("what", ["normalizer", "evidence"])
@pytest.mark.parametrize("name", EXACT)
def test_normalisers_agree_with_exact_ones(name, what):
    row = ACCURACY["exact"][name][what]
    assert row["difference"] <= 0.15
    assert row["z"] <= 4


@pytest.mark.parametrize("name", HOPELESS)
def test_hopeless_cases_are_never_wrong_in_silence(name):
    right = HOPELESS[name]["unflagged"]
    for kind, limit in LIMITS.items():
        assert right[kind] is None or right[kind] <= limit


@pytest.mark.parametrize("name", HOPELESS)
def test_where_they_are_not_flagged_errors_are_honest(name):
    right = HOPELESS[name]["unflagged"]
    if right["z"] is None:
        return
    if right["comparisons"] < 1000:
        assert right["z"] <= 4
        return
    # The largest of thousands, with a chance of 1% that one of them goes beyond.
    assert right["z"] <= norm.isf(0.005 / right["comparisons"])
    assert 0.7 < right["z_rms"] < 1.3


@pytest.mark.parametrize("name", ["conflict", "signs"])
def test_what_cannot_be_sampled_is_flagged(name):
    assert HOPELESS[name]["flagged"] > 0
    assert HOPELESS[name]["evidence_flagged"] > 0


@pytest.mark.parametrize("page, tables", [("accuracy", accuracy_tables), ("cost", cost_tables)])
def test_pages_show_the_stored_results(page, tables):
    text = (DOCS / f"{page}.md").read_text()
    for table in tables(read(page)).values():
        assert table in text
