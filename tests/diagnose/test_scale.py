"""Diagnostics of many draws: pieces are as the whole, and gradients are not copied."""

import tracemalloc
from dataclasses import fields
from functools import cache, reduce
from operator import add

import numpy as np
import pytest

import foundation_priors as fp
from foundation_priors.diagnose.averaged import Averager
from foundation_priors.diagnose.sensitivity_core import cjs, order_of, wasserstein
from foundation_priors.diagnose.shares import shares
from foundation_priors.diagnose.washout_core import Place, Sums, shares_of
from tests.benchmarks.diagnostics import path_of


@cache
def small() -> fp.TrustPath:
    return path_of(size=4, rows=80, answers=50, draws=60)


def test_influences_in_pieces_are_as_the_whole(monkeypatch):
    whole = fp.reliance(small())
    monkeypatch.setattr("foundation_priors.diagnose.averaged.BLOCK", 7)
    pieces = fp.reliance(small())
    numbers = whole.select_dtypes(float).columns
    np.testing.assert_allclose(pieces[numbers], whole[numbers], rtol=1e-9, atol=1e-12)


def test_a_narrow_rule_has_the_shares_of_its_weight():
    """They are computed apart: averaged over a rule, and at one weight."""
    from scipy.stats import uniform

    rule = small().trust_posterior(uniform(0.3, 0.002))
    wide, at = fp.reliance(small(), rule), fp.reliance(small(), 0.301)
    wide = wide.drop(index="not knowing the trust", level="component")
    for name in ("share", "pull", "mcse_share", "mcse_pull"):
        np.testing.assert_allclose(wide[name], at[name], rtol=0.02, atol=1e-3)


def test_gradients_are_not_copied_for_a_quantity():
    path = path_of(size=120, rows=60, answers=40, draws=200)
    names = ("primitive prior", "real data", "llm")
    grads, values = ([path.gradients[f"{n}|{k}"] for n in names] for k in ("grad", "value"))
    points, p = np.linspace(0.1, 0.9, 11)[:, None], np.full(11, 1 / 11)
    average = Averager(path.posterior, path.prior, points, p, grads, values, [None, None, 0])
    at = path.posterior.mixture, points[4], path.posterior.u[:, 0], path.posterior.u
    tracemalloc.start()
    for call in (
        lambda: average.shares(path.posterior.u[:, 0]),
        lambda: shares(*at, grads, values),
    ):
        call()  # fills what is remembered
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        call()
        assert tracemalloc.get_traced_memory()[1] - before < grads[0].nbytes
    tracemalloc.stop()


def test_draws_in_order_have_the_same_distances(rng):
    x = np.round(rng.normal(size=300), 1)
    p, q = rng.dirichlet(np.ones(300), 2)
    for measure in (wasserstein, cjs):
        one, two = measure(x, p, q), measure(x, p, q, order_of(x))
        assert one.value == two.value
        np.testing.assert_array_equal(one.first, two.first)


def test_sets_of_weights_together_are_as_apart(rng):
    u, h = rng.normal(size=(200, 3)), rng.normal(size=200)
    grads = rng.normal(size=(2, 200, 3)) - u
    w = rng.dirichlet(np.ones(200), 3)
    w[1, :50] = 0
    together = shares_of(w, h, u, list(grads), [1], [1.0, 0.4])
    apart = [shares_of(row[None], h, u, [grads[0], 0.4 * grads[1]], [1])[0] for row in w]
    np.testing.assert_allclose(together, apart, rtol=1e-9)


def test_a_component_without_weight_may_be_anything(rng):
    u, h = rng.normal(size=(200, 3)), rng.normal(size=200)
    nothing = np.full((200, 3), np.nan)
    w = np.full((1, 200), 1 / 200)
    assert shares_of(w, h, u, [-u, nothing], [0], [1.0, 0.0])[0] == 1


def test_one_weighting_and_one_share_agree():
    """The formula of the washout and that of the shares, without errors and with them."""
    path, point = small(), np.array([0.4])
    names = ("primitive prior", "real data", "llm")
    times = (1.0, 1.0, 0.4)
    grads = [t * path.gradients[f"{n}|grad"] for n, t in zip(names, times, strict=True)]
    values = [t * path.gradients[f"{n}|value"] for n, t in zip(names, times, strict=True)]
    h, w = path.posterior.u[:, 1] ** 2, path.posterior.mixture.weights(point[None])
    found = shares(path.posterior.mixture, point, h, path.posterior.u, grads, values)
    alone = shares_of(w, h, path.posterior.u, grads, [2])
    assert alone[0] == pytest.approx(found.share[2], rel=1e-9)


def test_sums_of_groups_add_to_those_of_all(rng):
    """Draws without weight may be anything, and the origin that sums are counted from too."""
    u, h = 5 + rng.normal(size=(300, 3)), rng.normal(size=(300, 2))
    h[:, 1] = np.exp(u[:, 1] - 5)
    grads, w = [-u, -2 * u + 0.1 * rng.normal(size=(300, 3))], rng.dirichlet(np.ones(300))
    w[:20], grads[0][:20], h[:20] = 0, np.nan, np.nan
    w /= w.sum()
    origin, parts = (np.zeros(3), np.ones(2)), np.arange(300) % 4
    pieces = [
        Sums.of(w[parts == k], u[parts == k], [g[parts == k] for g in grads], h[parts == k], origin)
        for k in range(4)
    ]
    together = Place(reduce(add, pieces), 1)
    apart = Place(Sums.of(w, u, grads, h), 1)
    live = w > 0
    for quantity in range(2):
        one, other = together.of(quantity), apart.of(quantity)
        for field in fields(one):
            a, b = getattr(one, field.name), getattr(other, field.name)
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)
        assert other.level == pytest.approx(w[live] @ h[live, quantity])
        covariance = np.cov(u[live].T, aweights=w[live], ddof=0)
        np.testing.assert_allclose(other.covariance, covariance, rtol=1e-9)
