"""The stored results about a random trust keep the limits that the documentation states."""

import pytest
from scipy import stats

from tests.benchmarks.tables import read
from tests.benchmarks.trust_calibration import NAMES
from tests.benchmarks.trust_normaliser import CASES
from tests.benchmarks.trust_tables import PAGE, tables

RESULTS = read("trust")
CALIBRATION = RESULTS["calibration"]["logistic"]


@pytest.mark.parametrize("name", NAMES)
def test_ranks_are_uniform_with_the_exact_normaliser(name):
    found = CALIBRATION["exact"][name]
    assert CALIBRATION["simulations"] >= 500
    assert CALIBRATION["flagged"] <= 0.02 * CALIBRATION["simulations"]
    assert sum(found["counts"]) == CALIBRATION["simulations"]
    assert stats.chisquare(found["counts"]).pvalue == pytest.approx(found["p"], rel=0.01)
    assert found["p"] > 0.01


def test_ranks_are_not_uniform_with_an_interpolated_normaliser():
    found = CALIBRATION["interpolated"]["trust"]
    assert sum(found["counts"]) == CALIBRATION["simulations"]
    assert found["p"] < 0.01


@pytest.mark.parametrize("what", ["normalizer", "evidence"])
@pytest.mark.parametrize("name", CASES)
def test_normalisers_agree_with_quadrature(name, what):
    row = RESULTS["normaliser"][name]
    assert row["weights"] > 100
    assert row[what]["difference"] <= 0.15 and row[what]["z"] <= 4
    assert row[what]["unreliable"] == 0


def test_permuted_answers_gain_evidence_under_a_wide_prior_alone():
    wide, narrow = (RESULTS["placebo"][name] for name in ("wide", "narrow"))
    assert wide["pilots"] == narrow["pilots"] == 20
    assert wide["gained"] == wide["warned"] >= 16
    assert narrow["gained"] == narrow["warned"] <= 4


@pytest.mark.parametrize("rule", ["uniform", "cautious"])
def test_three_sources_are_put_in_order(rule):
    found = RESULTS["sources"]["regression"]
    assert found["worlds"] == 100
    assert found["rules"][rule]["right"] >= 95
    # Errors are stated too large, since Sobol nodes are counted as if they were random.
    assert 0.3 < found["rules"][rule]["z_rms"] < 1.3 and found["rules"][rule]["z"] < 4


def test_leaving_a_source_out_agrees_with_refits():
    found = RESULTS["sources"]["regression"]["left_out"]
    assert found["z"] < 4 and found["mean"] < 0.1 and found["sd"] < 0.1


def test_the_page_shows_the_stored_results():
    text = PAGE.read_text()
    for table in tables(RESULTS).values():
        assert table in text
