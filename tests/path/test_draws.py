"""Quantities of the draws, and weighted quantiles."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation_priors.path.draws import evaluate, weighted_quantiles


@pytest.fixture
def draws(rng):
    return xr.Dataset(
        {
            "a": ("sample", rng.normal(size=50)),
            "beta": (("sample", "covariate"), rng.random((50, 2))),
        },
        {"covariate": ["age", "income"]},
    )


def test_names_expressions_and_functions(draws):
    assert evaluate(draws, "beta").dims == ("sample", "covariate")
    event = evaluate(draws, "beta > 0.5")
    assert event.dtype == bool and event.dims == ("sample", "covariate")
    assert evaluate(draws, "a + 2 * beta").shape == (50, 2)
    assert evaluate(draws, "(a > 0) & (beta < 0.5)").dtype == bool
    assert evaluate(draws, "not a > 0").equals(~(draws.a > 0))
    last = evaluate(draws, lambda d: d.beta.sel(covariate="age").T - d.a)
    assert last.dims == ("sample",)
    assert evaluate(draws, lambda d: d.beta.transpose()).dims == ("sample", "covariate")


@pytest.mark.parametrize(
    ("quantity", "error", "says"),
    [
        ("gamma > 0", ValueError, "'gamma' in 'gamma > 0' is not a variable of the model"),
        ("bet", ValueError, "Did you mean 'beta'"),
        ("beta >", ValueError, "not an expression"),
        ("", ValueError, "not an expression"),
        ("beta[age] >", ValueError, r"'beta\[age\] >' is not an expression"),
        ("beta >> 0", ValueError, "'beta >> 0' cannot be computed from the draws: combine"),
        ("a > 'x'", ValueError, "cannot be computed"),
        ("a.foo > 0", ValueError, "cannot be computed"),
        ("a(3)", ValueError, "cannot be computed"),
        ("beta if a else 3", ValueError, "cannot be computed"),
        ("lambda: a", ValueError, "cannot be computed"),
        (3, TypeError, "not int"),
        (lambda d: d.a.mean(), ValueError, "keep the dimension 'sample'"),
        (lambda d: 3, ValueError, "keep the dimension 'sample'"),
        ("1 > 0", ValueError, "keep the dimension 'sample'"),
        ("covariate > 0", ValueError, "'covariate' in 'covariate > 0' is not a variable"),
        (lambda d: d.a.isel(sample=slice(3)), ValueError, "each draw"),
    ],
)
def test_what_is_no_quantity(draws, quantity, error, says):
    with pytest.raises(error, match=says):
        evaluate(draws, quantity)


def test_equal_weights_give_plain_quantiles(rng):
    values, q = rng.normal(size=201), np.array([0.05, 0.3, 0.5, 0.9])
    found = weighted_quantiles(values, np.full((1, 201), 1 / 201), q)[0]
    np.testing.assert_allclose(found, np.quantile(values, q, method="hazen"), rtol=1e-12)


def test_a_repeated_draw_is_one_draw_of_more_weight(rng):
    values, q = rng.normal(size=4000), [0.1, 0.5, 0.9]
    counts = rng.integers(1, 5, 4000)
    found = weighted_quantiles(values, (counts / counts.sum())[None], q)[0]
    repeated = np.quantile(np.repeat(values, counts), q, method="hazen")
    np.testing.assert_allclose(found, repeated, atol=5e-3)


def test_draws_without_weight_do_not_matter(rng):
    values = rng.normal(size=100)
    weights = np.where(np.arange(100) < 60, 1 / 60, 0)
    found = weighted_quantiles(values, weights[None], [0.0, 0.02, 0.5, 0.999, 1.0])[0]
    plain = weighted_quantiles(values[:60], np.full((1, 60), 1 / 60), [0.0, 0.02, 0.5, 0.999, 1.0])
    np.testing.assert_allclose(found, plain[0])


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.data())
def test_quantiles_lie_in_order_between_the_extremes(values, data):
    values = np.array(values)
    raw = data.draw(st.lists(st.floats(0.01, 1), min_size=len(values), max_size=len(values)))
    found = weighted_quantiles(values, np.array([raw]) / np.sum(raw), np.linspace(0, 1, 9))[0]
    assert (np.diff(found) >= 0).all()
    assert values.min() <= found.min() and found.max() <= values.max()
