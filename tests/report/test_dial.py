"""What the dial moves, against closed forms and against the path itself."""

import numpy as np
import pytest
from scipy.stats import beta, norm

from foundation_priors.report.dial_core import densities, ends
from tests.path import models
from tests.report import audits


def curves(audit, label):
    data = audit.dial
    quantity = next(q for q in data["quantities"] if q["label"] == label)
    low, high = quantity["grid"]
    density = np.array(quantity["density"])
    return np.array(data["weights"]), np.linspace(low, high, density.shape[1]), density, quantity


def test_densities_are_those_of_the_coin() -> None:
    """Beta(5 + 5 L, 2 + 5 L); the kernel widens it by little."""
    trust, x, density, _ = curves(audits.coin(), "theta")
    for weight, found in zip(trust, density, strict=True):
        exact = beta(5 + 5 * weight, 2 + 5 * weight).pdf(x)
        assert np.abs(found - exact).max() < 0.08 * exact.max()
        assert np.trapezoid(found, x) == pytest.approx(1, abs=0.02)


def test_means_intervals_and_probabilities_are_those_of_the_path() -> None:
    path, data = models.coin(), audits.coin().dial
    trust, _, _, quantity = curves(audits.coin(), "theta")
    assert trust[0] == 0 and trust[-1] == 1 and len(trust) == 41
    np.testing.assert_allclose(quantity["mean"], path.mean("theta", trust=trust), rtol=1e-4)
    bounds = path.quantile("theta", [0.05, 0.95], trust=trust).values.T
    np.testing.assert_allclose([quantity["lower"], quantity["upper"]], bounds, rtol=1e-4)
    said = data["statements"][0]
    assert said["label"] == "fair or more"
    exact = path.probability("theta > 0.5", trust=trust)
    np.testing.assert_allclose(said["probability"], exact, atol=1e-5)
    np.testing.assert_allclose(data["log_evidence"], path.log_evidence(trust), atol=1e-4)
    np.testing.assert_allclose(data["worth"], path.effective_observations(trust), rtol=1e-4)


def test_between_the_weights_a_straight_line_is_close() -> None:
    path, data = models.coin(), audits.coin().dial
    trust = np.array(data["weights"])
    middle = (trust[1:] + trust[:-1]) / 2
    drawn = np.interp(middle, trust, data["statements"][0]["probability"])
    np.testing.assert_allclose(drawn, path.probability("theta > 0.5", trust=middle), atol=2e-3)


def test_marks_are_weights_that_mean_something() -> None:
    audit = audits.coin()
    marks = {m["label"]: m["trust"] for m in audit.dial["marks"]}
    assert marks["ignore the answers"] == 0 and marks["take them for data"] == 1
    rule = models.coin().trust_posterior("cautious")
    assert marks["cautious, on average"] == pytest.approx(rule.mean)
    assert audit.dial["start"] == pytest.approx(rule.mean)
    assert marks["worth the real data"] == pytest.approx(5 / models.coin().facts.worth[0])
    numbered = {m["label"]: m["trust"] for m in audits.normal().dial["marks"]}
    assert numbered["the audit's trust"] == 0.5


def test_weights_given_by_hand_show_what_clustering_leaves() -> None:
    inputs = audits.evil().inputs
    left = inputs.path.synthetic.with_weight(None).weights().sum() / 10
    marks = {m["label"]: m["trust"] for m in audits.evil().dial["marks"]}
    assert marks["what clustering leaves"] == pytest.approx(left)
    assert "given by hand" in audits.evil()["asked"].reading


def test_a_density_under_weights_is_that_of_the_weighted_draws(rng) -> None:
    """Normal(0, 1) draws with weights exp(x) are Normal(1, 1)."""
    x = rng.normal(size=40_000)
    w = np.stack([np.ones_like(x), np.exp(x)])
    w /= w.sum(axis=1, keepdims=True)
    found = densities(x, w, -3.0, 4.0, 71)
    grid = np.linspace(-3, 4, 71)
    for mean, row in enumerate(found):
        np.testing.assert_allclose(row, norm(mean).pdf(grid), atol=0.025)


def test_mass_beyond_a_boundary_is_reflected(rng) -> None:
    x = rng.random(50_000)
    w = np.full((1, x.size), 1 / x.size)
    low, high = ends(x, np.array([[0.001, 0.999]]))
    assert 0 <= low < 0.001 and 0.999 < high <= 1
    assert np.abs(densities(x, w, low, high, 51) - 1).max() < 0.1


def test_a_constant_has_no_density() -> None:
    x = np.full(10, 2.0)
    low, high = ends(x, np.array([[2.0, 2.0]]))
    assert low == high == 2.0
    assert not densities(x, np.full((3, 10), 0.1), low, high, 5).any()
