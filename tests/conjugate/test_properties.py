"""What must hold for any rows: pooling, splitting, copying, and digits at extreme sizes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation_priors.conjugate import (
    BetaBinomial,
    DirichletMultinomial,
    GammaPoisson,
    NormalMean,
    NormalMeanVariance,
    NormalRegression,
)

sizes = st.integers(2, 12)
seeds = st.integers(0, 2**32 - 1)
trusts = st.floats(0, 1)

FAMILIES = ["coin", "rate", "shares", "mean", "mean and variance", "regression"]


def build(family, rng, index, real_index=None, **kwargs):
    """A path on rows picked by index from twelve random ones, so that rows can repeat."""
    real = np.arange(6) if real_index is None else real_index
    if family == "coin":
        y, said = rng.integers(0, 2, 6), rng.integers(0, 2, 12)
        return BetaBinomial.from_data(y[real], said[index], a=0.7, b=2, **kwargs)
    if family == "rate":
        y, said, time = rng.poisson(3, 6), rng.poisson(3, 12), rng.uniform(0.1, 2, 12)
        return GammaPoisson.from_data(
            y[real], said[index], a=2, b=1, exposure_synthetic=time[index], **kwargs
        )
    if family == "shares":
        y, said = rng.integers(0, 3, 6), rng.integers(0, 3, 12)
        return DirichletMultinomial.from_data(y[real], said[index], categories=range(3), **kwargs)
    y, said = rng.normal(3, 2, 6), rng.normal(0, 1, 12)
    if family == "mean":
        return NormalMean.from_data(
            y[real], said[index], prior_mean=0, prior_sd=3, sigma=2, **kwargs
        )
    if family == "mean and variance":
        return NormalMeanVariance.from_data(
            y[real], said[index], prior_mean=0, prior_rows=0.3, a=2, b=2, **kwargs
        )
    X, asked = rng.normal(size=(6, 3)), rng.normal(size=(12, 3))
    return NormalRegression.from_data(
        X[real], y[real], asked[index], said[index], prior_cov=4, a=2, b=2, **kwargs
    )


def assert_same(left, right, trust):
    for name in left.parameters:
        for read in ("mean", "sd"):
            one = getattr(left, read)(name, trust=trust)
            two = getattr(right, read)(name, trust=trust)
            np.testing.assert_allclose(one, two, rtol=1e-8, atol=1e-10)
    for read in ("log_evidence", "log_normalizer", "effective_observations"):
        one, two = getattr(left, read)(trust=trust), getattr(right, read)(trust=trust)
        np.testing.assert_allclose(one, two, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds, size=sizes, trust=trusts, copies=st.integers(2, 7))
@settings(max_examples=25, deadline=None)
def test_copies_that_share_a_weight_change_nothing(family, seed, size, trust, copies):
    index = np.arange(size)
    once = build(family, np.random.default_rng(seed), index)
    copied = build(family, np.random.default_rng(seed), np.repeat(index, copies), weight=1 / copies)
    assert_same(once, copied, trust)


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds, cut=st.integers(1, 11), trust=trusts)
@settings(max_examples=25, deadline=None)
def test_sources_at_equal_trust_are_one_source(family, seed, cut, trust):
    index = np.arange(12)
    source = np.where(index < cut, "first", "second")
    whole = build(family, np.random.default_rng(seed), index)
    parted = build(family, np.random.default_rng(seed), index, source=source)
    assert parted.sources == ("first", "second")
    for name in whole.parameters:
        np.testing.assert_allclose(
            whole.mean(name, trust=trust), parted.mean(name, trust=trust), rtol=1e-8, atol=1e-10
        )
    np.testing.assert_allclose(
        whole.log_evidence(trust=trust), parted.log_evidence(trust=trust), rtol=1e-8, atol=1e-9
    )
    np.testing.assert_allclose(whole.trust, parted.trust, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=seeds, trust=trusts)
@settings(max_examples=25, deadline=None)
def test_weights_multiply_the_trust(family, seed, trust):
    index = np.arange(12)
    light = build(family, np.random.default_rng(seed), index, weight=0.25, max_trust=4)
    whole = build(family, np.random.default_rng(seed), index)
    for name in whole.parameters:
        np.testing.assert_allclose(
            whole.mean(name, trust=trust), light.mean(name, trust=4 * trust), rtol=1e-8, atol=1e-10
        )


def test_full_trust_takes_the_answers_for_data():
    rng = np.random.default_rng(5)
    real, said = rng.integers(0, 2, 6), rng.integers(0, 2, 12)
    pooled = BetaBinomial.from_data(np.concatenate([real, said]), said)
    assert BetaBinomial.from_data(real, said).mean(trust=1).item() == pooled.mean(trust=0).item()


def test_effective_observations_are_the_summed_weights_of_exchangeable_rows():
    for family in FAMILIES[:4]:
        path = build(family, np.random.default_rng(1), np.arange(12), weight=0.5)
        expected = 3.0
        if family == "rate":
            # An answer counts by its exposure relative to a real one's.
            rng = np.random.default_rng(1)
            rng.poisson(3, 6), rng.poisson(3, 12)
            expected = 0.25 * rng.uniform(0.1, 2, 12).sum()
        assert path.effective_observations(trust=0.5).item() == pytest.approx(expected)


def test_effective_observations_with_an_unknown_scale():
    real = (40, 0.0, 40.0)
    like = NormalMeanVariance(
        prior_mean=0, prior_rows=0.01, a=2, b=2, real=real, synthetic=(40, 0.0, 40.0)
    )
    assert like.effective_observations(trust=1).item() == pytest.approx(40, rel=1e-12)
    off = NormalMeanVariance(
        prior_mean=0, prior_rows=0.01, a=2, b=2, real=real, synthetic=(40, 3.0, 0.0)
    )
    # Rows all on one point far from the mean have an indefinite Hessian: the trace rule answers.
    assert off.effective_observations(trust=1).item() > 0


def test_a_million_rows_at_a_hundredfold_trust():
    path = BetaBinomial(real=(30_000, 100_000), synthetic=(610_000.5, 1e6), max_trust=100)
    a, b = 1 + 100 * 610_000.5, 1 + 100 * 389_999.5
    # A ratio of Beta functions whose shapes differ by whole numbers is a product.
    terms = [np.log(a + np.arange(30_000)), np.log(b + np.arange(70_000))]
    exact = math.fsum(np.concatenate([*terms, -np.log(a + b + np.arange(100_000))]))
    evidence = path.log_evidence(trust=100) - path.log_evidence(trust=0)
    at_zero = math.fsum(
        np.concatenate(
            [
                np.log(1 + np.arange(30_000)),
                np.log(1 + np.arange(70_000)),
                -np.log(2 + np.arange(100_000)),
            ]
        )
    )
    assert evidence.item() == pytest.approx(exact - at_zero, abs=1e-5)
    total = a + b + 100_000
    assert path.mean(trust=100).item() == pytest.approx((a + 30_000) / total, rel=1e-14)
    assert np.all(np.diff(path.trust) > 0) and 1.0 in path.trust


def test_outcomes_far_from_zero_keep_their_digits():
    rng = np.random.default_rng(2)
    y, said = rng.normal(size=200_000), rng.normal(size=100)
    kwargs = {"prior_rows": 1.0, "a": 2.0, "b": 1.0}
    near = NormalMeanVariance.from_data(y, said, prior_mean=0.0, **kwargs)
    far = NormalMeanVariance.from_data(y + 1e6, said + 1e6, prior_mean=1e6, **kwargs)
    np.testing.assert_allclose(far.mean("sigma"), near.mean("sigma"), rtol=1e-9)
    np.testing.assert_allclose(far.sd("sigma"), near.sd("sigma"), rtol=1e-8)
    np.testing.assert_allclose(far.mean("mu") - 1e6, near.mean("mu"), atol=1e-8)


@pytest.mark.parametrize("shape", [1.2, 50.4, 50.6, 1e3, 1e8])
def test_spread_of_sigma_at_any_shape(shape):
    path = NormalMeanVariance(prior_mean=0, prior_rows=1, a=shape, b=shape, synthetic=(1, 0.0, 0.0))
    mean, sd = path.mean("sigma", trust=0).item(), path.sd("sigma", trust=0).item()
    assert mean**2 + sd**2 == pytest.approx(shape / (shape - 1), rel=1e-12)
    # The series of the standard deviation in 1/shape.
    if shape > 100:
        assert sd == pytest.approx(
            (1 + 15 / (16 * shape)) / (2 * np.sqrt(shape)), rel=3 / shape**2 + 1e-12
        )
    law = path.at(0)["sigma"]
    assert law.mean() == pytest.approx(mean, rel=1e-6)
