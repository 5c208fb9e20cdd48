"""Limits on the stored results of ``tests.benchmarks.audit_voices``."""

import pytest

from tests.benchmarks.tables import read

RESULTS = read("audit").get("voices", {})
DESIGNS = ("balanced", "unbalanced")


@pytest.mark.parametrize("design", DESIGNS)
def test_moments_are_unbiased_over_two_hundred_designs(design: str) -> None:
    found = RESULTS[f"anova, {design}"]
    assert found["designs"] >= 200
    assert all(abs(z) <= 3 for z in found["z"].values())


@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_of_the_effective_number_cover(design: str) -> None:
    # Three binomial standard errors of 200 intervals below .9; more is no harm.
    assert RESULTS[f"anova, {design}"]["coverage_of_effective_number_90"] >= 0.835


@pytest.mark.parametrize("design", DESIGNS)
def test_the_sampled_model_is_calibrated(design: str) -> None:
    found = RESULTS[f"calibration, {design}"]
    assert found["fits"] >= 200 and found["largest_r_hat"] < 1.1
    # Eight tests of uniform ranks: the smallest of their p-values is above .05/8.
    assert min(found["p_uniform"].values()) > 0.05 / 8
