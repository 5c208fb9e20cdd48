"""The coin of Misra (2025), arXiv:2512.01107, a worked example whose every number is exact."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import beta as beta_function

from foundation_priors.conjugate import BetaBinomial


@pytest.fixture(scope="module")
def coin():
    return BetaBinomial(real=(4, 5), synthetic=(5, 10))


def test_published_means(coin):
    means = coin.mean("theta", trust=[0, 0.2, 0.5, 1])
    np.testing.assert_allclose(means, [0.714, 0.667, 0.625, 0.588], atol=5e-4)


def test_mean_path(coin):
    trust = coin.trust
    np.testing.assert_allclose(coin.mean(), (5 + 5 * trust) / (7 + 10 * trust), rtol=1e-14)
    assert coin.mean().dims == ("trust",)
    np.testing.assert_array_equal(coin.mean()["trust"], trust)


def test_slope_of_the_mean(coin):
    trust, step = np.linspace(0.01, 0.99, 15), 1e-5
    slope = (coin.mean(trust=trust + step).values - coin.mean(trust=trust - step).values) / (
        2 * step
    )
    np.testing.assert_allclose(slope, -15 / (7 + 10 * trust) ** 2, rtol=1e-8)


def test_slope_is_the_covariance_with_the_synthetic_log_likelihood(coin):
    nodes, weights = np.polynomial.legendre.leggauss(400)
    theta = (nodes + 1) / 2
    ell = 5 * np.log(theta) + 5 * np.log1p(-theta)
    density = weights * coin.at(0.4)["theta"].pdf(theta) / 2
    covariance = density @ (theta * ell) - (density @ theta) * (density @ ell)
    assert covariance == pytest.approx(-15 / (7 + 4) ** 2, rel=1e-8)


def test_evidence(coin):
    trust = np.linspace(0, 1, 11)
    exact = beta_function(5 + 5 * trust, 2 + 5 * trust) / beta_function(
        1 + 5 * trust, 1 + 5 * trust
    )
    np.testing.assert_allclose(coin.evidence(trust=trust), exact, rtol=1e-12)
    assert coin.evidence(trust=0).item() == pytest.approx(1 / 30, rel=1e-13)
    assert coin.evidence(trust=1).item() == pytest.approx(0.034615, abs=5e-7)
    assert coin.log_evidence(trust=0).item() == 0
    relative = np.log(coin.evidence(trust=1) / coin.evidence(trust=0)).item()
    assert coin.log_evidence(trust=1).item() == pytest.approx(relative, rel=1e-12)


def test_evidence_without_end(coin):
    far = BetaBinomial(real=(4, 5), synthetic=(5, 10), max_trust=1e7)
    assert far.evidence(trust=1e7).item() == pytest.approx(1 / 32, rel=1e-6)


def test_the_evidence_is_greatest_at_an_exact_trust(coin):
    best = minimize_scalar(
        lambda trust: -coin.evidence(trust=trust).item(), bounds=(0, 1), method="bounded"
    )
    assert best.x == pytest.approx(0.285, abs=5e-4)
    assert -best.fun == pytest.approx(0.035809, abs=5e-7)
    peak, step = (3 * np.sqrt(5) - 1) / 20, 1e-4
    slope = coin.log_evidence(trust=peak + step) - coin.log_evidence(trust=peak - step)
    # The central difference of a smooth peak is of the order of the cubed step.
    assert abs(slope.item()) < 1e-9


def test_the_prior_is_normalised(coin):
    trust = np.array([0.0, 0.3, 1.0])
    np.testing.assert_allclose(
        np.exp(coin.log_normalizer(trust=trust)),
        beta_function(1 + 5 * trust, 1 + 5 * trust),
        rtol=1e-13,
    )


def test_synthetic_share_of_all_observations(coin):
    trust = np.array([0, 0.2, 0.5, 1])
    synthetic = coin.effective_observations(trust=trust)
    np.testing.assert_allclose(synthetic / (5 + synthetic), 10 * trust / (5 + 10 * trust))


def test_distribution_at_one_trust(coin):
    assert coin.at(1)["theta"].args == (10, 7)
    assert coin.sd(trust=1).item() == pytest.approx(stats.beta(10, 7).std(), rel=1e-12)
    quantiles = coin.quantile("theta", [0.05, 0.5, 0.95], trust=1)
    np.testing.assert_allclose(quantiles, stats.beta(10, 7).ppf([0.05, 0.5, 0.95]), rtol=1e-12)
    assert coin.quantile("theta", 0.5).dims == ("trust",)
    assert coin.quantile("theta", [0.5]).dims == ("trust", "quantile")


def test_probability_and_tipping(coin):
    assert coin.probability("theta > 0.5", trust=0).item() == pytest.approx(
        stats.beta(5, 2).sf(0.5), rel=1e-12
    )
    roots = coin.tipping("theta > 0.5", probability=0.8)
    assert roots.sizes == {"root": 1}
    assert roots["direction"].item() == -1 and roots["mcse"].item() == 0
    at_root = coin.probability("theta > 0.5", trust=roots["trust"].item())
    assert at_root.item() == pytest.approx(0.8, abs=1e-12)
    mirrored = coin.tipping("theta < 0.5", probability=0.2)
    np.testing.assert_allclose(mirrored["trust"], roots["trust"], rtol=1e-10)
    assert mirrored["direction"].item() == 1
    assert coin.tipping("theta > 0.5", probability=0.99).sizes == {"root": 0}


def test_tipping_finds_every_root():
    # A few answers pull the rate towards .52, and many of them make even that a sure majority.
    path = BetaBinomial(real=(9, 10), synthetic=(520, 1000))
    roots = path.tipping("theta > 0.5", probability=0.9)
    assert roots["direction"].values.tolist() == [-1, 1]
    at_roots = path.probability("theta > 0.5", trust=roots["trust"].values)
    np.testing.assert_allclose(at_roots, 0.9, atol=1e-10)


def test_one_weight_per_source_and_their_labels():
    path = BetaBinomial(real=(4, 5), synthetic={"a": (5, 10), "b": (9, 10)})
    mean = path.mean("theta", trust={"a": 0.5, "b": [0, 0.5, 1]})
    np.testing.assert_allclose(mean, (7.5 + 9 * np.array([0, 0.5, 1])) / (12 + 10 * mean.trust_b))
    assert mean.dims == ("trust",) and mean.trust_a.values.tolist() == [0.5] * 3
    same = path.mean(trust={"a": 0.3, "b": 0.3}).item()
    assert same == pytest.approx(path.mean(trust=0.3).item(), rel=1e-14)
    assert path.effective_observations(trust={"a": 0.5, "b": 0.1}).item() == pytest.approx(6)


def test_sample_is_reproducible_and_exact(coin):
    draws = coin.sample(0.5, draws=20_000, random_seed=3)
    again = coin.sample(0.5, draws=20_000, random_seed=3)
    np.testing.assert_array_equal(draws["theta"], again["theta"])
    assert stats.kstest(draws["theta"].values, coin.at(0.5)["theta"].cdf).pvalue > 1e-3
