"""Densities of beliefs against closed forms, with NumPy alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from foundation_priors.beliefs import Johnson, Pooled, Support, Table
from foundation_priors.beliefs.support import LINE

SUPPORTS = [LINE, Support(0, np.inf), Support(-np.inf, 7), Support(-1, 7)]
gap = st.floats(0.1, 10)


@settings(max_examples=40, deadline=None)
@given(gap, gap, st.floats(0.02, 0.25), st.floats(0.75, 0.98))
def test_three_quantiles_are_met_exactly_whatever_their_skew(
    left: float, right: float, low: float, high: float
) -> None:
    p, x = np.array([low, 0.5, high]), np.array([-left, 0.0, right])
    density = Johnson.through(p, x, LINE)
    assert density.cdf(x) == pytest.approx(p, abs=1e-9)
    assert density.total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("support", SUPPORTS, ids=str)
@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_quantiles_are_met_on_every_support(support: Support, count: int) -> None:
    p = np.linspace(0.05, 0.95, count)
    x = np.linspace(0.2, 2, count) ** 2 + 0.3 * np.sin(np.arange(count))
    x = np.sort(np.clip(x, 0.1, 6.9)) + 1e-2 * np.arange(count)
    density = Johnson.through(p, x, support)
    assert density.cdf(x) == pytest.approx(p, abs=1e-9)
    assert density.quantile(p) == pytest.approx(x, rel=1e-9)
    assert density.total == pytest.approx(1, abs=1e-6)
    inside = [v for v in (-50.0, -0.9, 1e-6, 6.9, 1e4) if support.contains(v)]
    assert np.isfinite(density.logpdf(np.array(inside))).all()


def test_two_quantiles_and_symmetric_ones_give_the_normal() -> None:
    x = np.linspace(-30, 30, 7)
    wide = stats.norm(1, 2)
    for p in ([0.1, 0.9], [0.05, 0.5, 0.95]):
        made = Johnson.through(np.array(p), wide.ppf(p), LINE)
        assert made.logpdf(x) == pytest.approx(wide.logpdf(x), rel=1e-9)


def test_skewed_positive_quantities_have_a_mean() -> None:
    x = np.array([0.01, 0.5, 0.6])
    for values in (x, np.array([0.01, 0.02, 1.0])):
        density = Johnson.through(np.array([0.05, 0.5, 0.95]), values, Support(0, np.inf))
        assert np.isfinite(density.mean) and np.isfinite(density.sd)


def test_the_linear_pool_is_the_mixture() -> None:
    parts = [(1.0, 0.3), (2.0, 1.0), (-1.0, 0.1)]
    weights = np.array([0.5, 0.3, 0.2])
    pool = Pooled.of([Johnson.normal(m, s, LINE) for m, s in parts], weights, "linear")
    x = np.linspace(-4, 6, 101)
    mixture = sum(w * stats.norm(m, s).pdf(x) for w, (m, s) in zip(weights, parts, strict=True))
    assert np.exp(pool.logpdf(x)) == pytest.approx(mixture, abs=1e-12)
    assert pool.mean == pytest.approx(weights @ [m for m, _ in parts], abs=1e-9)


def test_the_logarithmic_pool_of_normals_adds_weighted_precisions() -> None:
    parts, weights = [(1.0, 0.3), (2.0, 1.0), (-1.0, 0.5)], np.array([0.5, 0.3, 0.2])
    pool = Pooled.of([Johnson.normal(m, s, LINE) for m, s in parts], weights, "logarithmic")
    precision = sum(w / s**2 for w, (_, s) in zip(weights, parts, strict=True))
    mean = sum(w * m / s**2 for w, (m, s) in zip(weights, parts, strict=True)) / precision
    x = np.linspace(-4, 6, 11)
    exact = stats.norm(mean, precision**-0.5).logpdf(x)
    assert pool.logpdf(x) == pytest.approx(exact, rel=1e-9)


def test_a_pool_of_different_families_is_normalised() -> None:
    beta = stats.beta(2, 5)
    levels = np.array([0.02, 0.25, 0.5, 0.75, 0.98])
    unit = Support(0, 1)
    table = Table.of(beta.logpdf, Johnson.near(levels, beta.ppf(levels), unit))
    skewed = Johnson.through(np.array([0.05, 0.5, 0.95]), np.array([0.3, 0.35, 0.9]), unit)
    for method in ("linear", "logarithmic"):
        pool = Pooled.of([table, skewed, table], np.array([0.2, 0.5, 0.3]), method)
        assert pool.total == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize(
    ("distribution", "support"),
    [
        (stats.norm(3, 2), LINE),
        (stats.t(3), LINE),
        (stats.cauchy(3), LINE),
        (stats.gamma(2, scale=3), Support(0, np.inf)),
        (stats.beta(19, 133), Support(0, 1)),
        (stats.uniform(), Support(0, 1)),
    ],
    ids=lambda v: getattr(getattr(v, "dist", v), "name", str(v)),
)
def test_tables_hold_a_density_and_estimate_it(distribution: stats.rv_continuous, support) -> None:
    levels = np.array([0.02, 0.25, 0.5, 0.75, 0.98])
    base = Johnson.near(levels, distribution.ppf(levels), support)
    x = distribution.ppf([1e-4, 0.01, 0.3, 0.7, 0.99, 1 - 1e-4])
    table = Table.of(distribution.logpdf, base)
    assert table.logpdf(x) == pytest.approx(distribution.logpdf(x), abs=1e-5)
    drawn = Table.from_draws(distribution.rvs(50_000, random_state=1), support)
    inner = x[1:-1]
    miss = np.abs(drawn.logpdf(inner) - distribution.logpdf(inner))
    assert (miss < 4 * drawn.error(inner) + 0.03).all()
    assert drawn.total == pytest.approx(1, abs=1e-6)


def test_beyond_the_draws_the_error_is_infinite() -> None:
    table = Table.from_draws(stats.norm.rvs(size=1000, random_state=1), LINE)
    assert np.isinf(table.error([-30.0, 30.0])).all()
    assert np.isfinite(table.logpdf(np.array([-30.0, 30.0]))).all()
