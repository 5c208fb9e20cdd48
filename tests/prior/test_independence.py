"""Rows are independent given the parameters, or the model is refused where rows are replaced."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymc.distributions.transforms import ordered

import foundation_priors as fp
from foundation_priors.path.score import _densities
from foundation_priors.prior.columns import Table
from foundation_priors.prior.density import row_logp
from foundation_priors.prior.model import copy_model
from foundation_priors.prior.rows import real_rows
from foundation_priors.prior.start import evaluate
from foundation_priors.trust.anchored_model import join
from foundation_priors.trust.leave_one_out import row_densities
from tests.prior.common import answers
from tests.prior.test_facts import B, G, N, X, Y, model

WORDS = "rows of 'y' look at each other"


def adstock(d):
    padded = pt.concatenate([pt.zeros(2), d.x])
    return sum(0.5**k * padded[2 - k : 2 - k + d.x.shape[0]] for k in range(3))


def by_scan(d):
    start = pt.zeros((), dtype="float64")
    return pytensor.scan(lambda x, before: x + 0.5 * before, [d.x], [start], return_updates=False)


MIXING = {
    "lag": lambda d: pt.concatenate([d.x[:1], d.x[:-1]]),
    "differences": lambda d: pt.concatenate([[0.0], pt.diff(d.x)]),
    "running sum": lambda d: pt.cumsum(d.x),
    "adstock": adstock,
    "adstock by scan": by_scan,
    "trend": lambda d: pt.arange(d.x.shape[0]) / 10,
    "trend up to one": lambda d: pt.linspace(0, 1, d.x.shape[0]),
    "rank": lambda d: pt.argsort(pt.argsort(d.x)),
    "shares": lambda d: pt.special.softmax(d.x),
    "neighbours": lambda d: pt.exp(-((d.x[:, None] - d.x[None, :]) ** 2)).sum(axis=1),
}


@pytest.mark.parametrize("name", MIXING)
def test_rows_that_look_at_each_other_are_refused(name):
    made = copy_model(model(lambda d: d.b * MIXING[name](d)))
    with pytest.raises(fp.ModelError, match=WORDS):
        row_logp(made, made["y"], real_rows(made, made["y"]).take(np.arange(2)))


LATE = {
    "break": lambda x, b: x + pt.switch(pt.arange(x.shape[0]) < 15, b, -b),
    "break at the end": lambda x, b: x + pt.switch(pt.arange(x.shape[0]) < 29, b, -b),
    "unknown break": lambda x, b: (
        x + b * (pt.arange(x.shape[0]) < pm.Uniform("tau", 8, x.shape[0].eval()))
    ),
    "lag of twelve": lambda x, b: b * pt.set_subtensor(pt.zeros_like(x)[12:], x[:-12]),
    "running count": lambda x, b: b * (pt.cumsum(pt.ones_like(x)) > 10),
    "equal rows": lambda x, b: b * (pt.eq(x[:, None], x).sum(axis=1) > 3),
    "many equal rows": lambda x, b: b * (pt.eq(x[:, None], x).sum(axis=1) > 10),
}


@pytest.mark.parametrize("real", [30, 1000])
@pytest.mark.parametrize("name", LATE)
def test_rows_that_look_at_each_other_far_along_are_refused(name, real):
    rng = np.random.default_rng(2)
    with pm.Model() as made:
        mean = LATE[name](pm.Data("x", rng.normal(size=real)), pm.Normal("b", initval=B))
        pm.Normal("y", mean, 1, observed=rng.normal(size=real))
    made = copy_model(made)
    with pytest.raises(fp.ModelError, match=WORDS):
        row_logp(made, made["y"], real_rows(made, made["y"]).take(np.arange(2)))


def breaking(at: int, real: int) -> pm.Model:
    rng = np.random.default_rng(2)
    with pm.Model() as made:
        x, b = pm.Data("x", rng.normal(size=real)), pm.Normal("b", initval=B)
        shift = pt.switch(pt.arange(x.shape[0]) < at, b, -b)
        pm.Normal("y", x + shift, 1, observed=rng.normal(size=real))
    return copy_model(made)


@pytest.mark.parametrize("real", [2000, 2001, 9000])
def test_rows_are_looked_at_in_their_full_number(real):
    """Also beyond the number of rows at which those are found that look at all others."""
    made = breaking(real - 1, real)
    with pytest.raises(fp.ModelError, match=WORDS):
        row_logp(made, made["y"], real_rows(made, made["y"]).take(np.arange(2)))


def test_more_rows_than_before_are_looked_at_again():
    made = breaking(6000, 30)
    rows = real_rows(made, made["y"])
    few = row_logp(made, made["y"], rows.take(np.arange(2)))
    assert row_logp(made, made["y"], rows.take(np.zeros(25, int))).ndim == few.ndim == 1
    with pytest.raises(fp.ModelError, match=WORDS):
        row_logp(made, made["y"], rows.take(np.zeros(7000, int)))


def test_a_statistic_belongs_outside_of_a_distribution_by_hand():
    def within(b, x, size):
        return pm.Normal.dist(b * (x - x.mean()), 1, size=size)

    def outside(b, x, middle, size):
        return pm.Normal.dist(b * (x - middle), 1, size=size)

    def by_hand(dist, *more) -> pm.Model:
        with pm.Model() as made:
            x, b = pm.Data("x", X), pm.Normal("b", initval=B)
            pm.CustomDist("y", b, x, *(f(x) for f in more), dist=dist, observed=Y)
        return copy_model(made)

    made = by_hand(within)
    with pytest.raises(fp.ModelError, match=WORDS):
        row_logp(made, made["y"], real_rows(made, made["y"]))
    made = by_hand(outside, lambda x: x.mean())
    some = np.array([5, 0, 0, 3])
    found = evaluate(made, row_logp(made, made["y"], real_rows(made, made["y"]).take(some)))
    mean = B * (X - X.mean())[some]
    np.testing.assert_allclose(found, -0.5 * np.log(2 * np.pi) - (Y[some] - mean) ** 2 / 2)


def test_a_density_by_hand_that_mixes_rows_is_refused():
    with pm.Model() as made:
        mu = pm.Normal("b") * pm.Data("x", X)
        pm.CustomDist("y", mu, logp=lambda v, mu: -((v - mu + mu.mean()) ** 2), observed=Y)
    made = copy_model(made)
    with pytest.raises(fp.ModelError, match=WORDS):
        row_logp(made, made["y"], real_rows(made, made["y"]))


def test_a_lag_of_the_outcomes_own_data_needs_no_column_to_be_refused():
    with pm.Model() as made:
        seen = pm.Data("seen", Y)
        pm.Normal("y", pm.Normal("b") * pt.concatenate([[0.0], seen[:-1]]), 1, observed=seen)
    with pytest.raises(fp.ModelError, match=WORDS):
        fp.tilt(made, answers(y=[1.0, 0.0]), 1)


def test_every_door_refuses_them():
    lagged = model(lambda d: d.b * MIXING["lag"](d))
    with pytest.raises(fp.ModelError, match=f"{WORDS}.*fp.Belief.*likelihood="):
        fp.tilt(lagged, answers(x=[2.0, 9.0], y=[1.0, 0.0]), 1)
    with pytest.raises(fp.ModelError, match=WORDS):
        fp.worth(lagged, answers(x=[2.0, 9.0], y=[1.0, 0.0]))
    frame = pd.DataFrame({"x": X, "y": Y, "person": range(N)})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", unit="person", weight=1)
    with pytest.raises(fp.ModelError, match=WORDS):
        join(lagged, llm, list(range(N)), {}, None, None)
    with pytest.raises(fp.ModelError, match=WORDS):
        fp.diagnose.leakage(lagged, llm, pairs=list(range(N)))
    draws = xr.Dataset({"b": ("sample", [0.1])})
    table = Table.from_real(pd.DataFrame({"x": [1.0, 2.0], "y": [0.0, 1.0]}))
    with pytest.raises(fp.ModelError, match=WORDS):
        _densities(lagged, table, {}, draws, llm)
    with pytest.raises(fp.ModelError, match=WORDS):
        row_densities(SimpleNamespace(model=lagged, draws=draws))


def test_beliefs_and_likelihoods_serve_models_with_lags():
    lagged = model(lambda d: d.b * MIXING["lag"](d))
    assert fp.tilt(lagged, fp.Belief("b", quantiles={0.05: 0, 0.5: 1, 0.95: 2}), 0.5)

    def likelihood(free, rows):
        return pm.logp(pm.Normal.dist(free["b"] * rows["x"].values, 1), rows["y"].values)

    assert fp.tilt(lagged, answers(x=[2.0, 9.0], y=[1.0, 0.0]), 0.5, likelihood=likelihood)


# What is no mixing


def censored(d):
    pm.Censored("y", pm.Normal.dist(d.b * d.x, 1), lower=-2, upper=2, observed=Y)


def truncated(d):
    pm.Truncated("y", pm.Normal.dist(d.b * (d.x - d.x.mean()), 1), -9, 9, observed=Y)


def mixture(d):
    parts = [pm.Normal.dist(d.b * (d.x - d.x.mean()), 1), pm.Normal.dist(d.b, 2)]
    pm.Mixture("y", pm.Dirichlet("w", np.ones(2)), parts, observed=Y)


def one_hot(d):
    eta = pt.eye(3)[d.g] @ pm.Normal("a", 0, 1, shape=(3, 3))
    pm.Categorical("y", p=pt.special.softmax(eta, axis=1), observed=np.arange(N) % 3)


def ordered_logit(d):
    cuts = pm.Normal("cuts", 0, 1, shape=2, transform=ordered, initval=[-1.0, 1.0])
    pm.OrderedLogistic("y", d.b * (d.x - d.x.mean()), cuts, observed=np.arange(N) % 3)


def hierarchical(d):
    a = pm.Normal("a", pm.Normal("mu"), pm.HalfNormal("tau"), shape=3)
    pm.Poisson("y", pt.exp(a[d.g] + pt.log(pt.exp(d.x))), observed=np.arange(N))


def spline(d):
    basis = pm.Data("basis", np.vander(X / X.max(), 4))
    pm.Normal("y", basis @ pm.Normal("w", 0, 1, shape=4), pm.HalfNormal("s"), observed=Y)


def hilbert(d):
    gp = pm.gp.HSGP(m=[5], c=2.0, cov_func=pm.gp.cov.ExpQuad(1, ls=1.0))
    phi, root = gp.prior_linearized(X=d.x[:, None])
    pm.Normal("y", phi @ (pm.Normal("w", 0, 1, shape=5) * root), 1, observed=Y)


def tails(d):
    """Covariates in thousands: probabilities are differences in which all digits cancel."""
    cuts = pm.Normal("cuts", 0, 1, shape=2, transform=ordered, initval=[-1.0, 1.0])
    eta = pm.Data("raw", 1e4 * np.vander(X, 3)) @ pm.Normal("w", 0, 1, shape=3)
    pm.OrderedProbit("y", eta, cuts, observed=np.arange(N) % 3)


def several(d):
    pm.MvNormal("y", d.b * d.x[:, None] + np.zeros(2), np.eye(2), observed=np.c_[Y, Y])


@pytest.mark.parametrize(
    "likelihood",
    [
        censored,
        truncated,
        mixture,
        one_hot,
        ordered_logit,
        hierarchical,
        spline,
        hilbert,
        tails,
        several,
    ],
)
def test_models_whose_rows_are_independent_are_served(likelihood):
    """Each real row has the density, put in again, that it has among all."""
    with pm.Model() as made:
        data = SimpleNamespace(x=pm.Data("x", X), g=pm.Data("g", G))
        data.b = pm.Normal("b", initval=B)
        likelihood(data)
    made = copy_model(made)
    whole = evaluate(made, made.logp(vars=[made["y"]], sum=False)[0])
    some = np.array([5, 0, 0, 3])
    found = evaluate(made, row_logp(made, made["y"], real_rows(made, made["y"]).take(some)))
    np.testing.assert_allclose(found, whole[some], rtol=1e-10)


# Any row, any company

PIECES = {
    "x": lambda d: d.x,
    "centred": lambda d: d.x - d.x.mean(),
    "scaled": lambda d: d.x / pt.abs(d.x).max(),
    "group": lambda d: pt.bincount(d.g, weights=d.x, minlength=3)[d.g],
    "share": lambda d: d.x / d.x.shape[0],
    "ones": lambda d: pt.ones(d.z.shape[0]),
    "spread": lambda d: pt.log(d.z.std()),
    "bend": lambda d: pt.tanh(d.x - d.z.mean()) ** 2,
}


@given(
    st.lists(st.sampled_from(sorted(PIECES)), min_size=1, max_size=3),
    st.lists(st.integers(0, N - 1), min_size=1, max_size=12),
)
@settings(max_examples=4, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
def test_a_row_has_one_density_in_any_company(pieces, some):
    made = copy_model(model(lambda d: d.b * d.x + sum(PIECES[p](d) for p in pieces)))
    whole = evaluate(made, made.logp(vars=[made["y"]], sum=False)[0])
    rows = real_rows(made, made["y"]).take(np.array(some))
    np.testing.assert_allclose(
        evaluate(made, row_logp(made, made["y"], rows)), whole[some], rtol=1e-10
    )
