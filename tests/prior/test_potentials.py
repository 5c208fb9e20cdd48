"""Potentials that hold data are warned of, and counted where they are named as evidence."""

import warnings

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest

import foundation_priors as fp
from foundation_priors.prior.potentials import evidence_of, real_observations
from foundation_priors.prior.tilt import build
from tests.prior.common import answers, loglik, points, value

RNG = np.random.default_rng(4)
N, CENSORED = 12, 7
T, X = RNG.gamma(2, 1, CENSORED), RNG.normal(size=CENSORED)
STEPS, COUNTS = np.random.default_rng(5).gamma(3, 1, 14), np.array([10, 3, 7, 25])
SHORT = np.array([1.0, 2.0, 4.0, 0.5])
LONG = RNG.normal(size=15)
ONE, TWO = np.array([0, 0, 1, 2]), np.array([1, 2, 3, 3])


def model_with(term, **free) -> pm.Model:
    """Return a regression with a Potential of its variables."""
    with pm.Model() as model:
        a, b = pm.Normal("a"), pm.Normal("b")
        phi = pm.Normal("phi", shape=4)
        walk = pm.Normal("walk", shape=15)
        pm.Normal("y", a + b * pm.Data("x", RNG.normal(size=N)), 1, observed=RNG.normal(size=N))
        pm.Potential("term", term(a, b, phi, walk))
    return model


HOLD = {
    "censored": lambda a, b, phi, walk: -T * pt.exp(a + b * X),
    "censored, summed": lambda a, b, phi, walk: (-T * pt.exp(a + b * X)).sum(),
    "censored, in pm.Data": lambda a, b, phi, walk: -pm.Data("t", T) * pt.exp(a),
    "a logp": lambda a, b, phi, walk: pm.logp(pm.Normal.dist(a, 1), T).sum(),
    "of a logp of groups": lambda a, b, phi, walk: pm.logp(pm.Normal.dist(phi[[0, 1, 1]], 1),
                                                           T[:3]),
    "weights of rows": lambda a, b, phi, walk: (T * pm.logp(pm.Normal.dist(a, 1), X)).sum(),
    "successes alone": lambda a, b, phi, walk: pt.log(pt.sigmoid(a + b * X)).sum(),
    "a row for each of many": lambda a, b, phi, walk: -((walk - LONG) ** 2),
    "a matrix": lambda a, b, phi, walk: -pt.exp(RNG.normal(size=(6, 4)) @ phi).sum(),
    "matched to data": lambda a, b, phi, walk: -((phi - pm.Data("z", SHORT)) ** 2).sum(),
    "eight schools": lambda a, b, phi, walk: pm.logp(
        pm.Normal.dist(a + pt.exp(b) * phi, SHORT + 1), SHORT).sum(),
    "eight schools by hand": lambda a, b, phi, walk: -((SHORT - phi) ** 2 / STEPS[:4]).sum(),
    "eight schools one by one": lambda a, b, phi, walk: sum(
        pm.logp(pm.Normal.dist(phi[j], 1.0 + j), SHORT[j]) for j in range(4)),
    "counts of a simplex": lambda a, b, phi, walk: (COUNTS * pt.log(pm.Dirichlet("p", COUNTS))
                                                    ).sum(),
    "counts of a softmax": lambda a, b, phi, walk: pt.dot(COUNTS, pt.special.log_softmax(phi)),
    "a multinomial": lambda a, b, phi, walk: pm.logp(
        pm.Multinomial.dist(COUNTS.sum(), pm.math.softmax(phi)), COUNTS),
    "Poisson counts": lambda a, b, phi, walk: pm.logp(pm.Poisson.dist(pt.exp(phi)), COUNTS).sum(),
    "numbers one by one": lambda a, b, phi, walk: sum(
        pm.logp(pm.Normal.dist(a, pt.exp(b)), y) for y in SHORT.tolist()),
    "numbers by hand": lambda a, b, phi, walk: sum(
        -0.5 * ((y - a - b * x) / 2) ** 2 for x, y in zip(STEPS, LONG, strict=False)),
    "numbers, stacked": lambda a, b, phi, walk: pt.stack([-pt.exp(a) * t for t in T]).sum(),
}  # fmt: skip


@pytest.mark.parametrize("case", HOLD)
def test_a_potential_that_holds_data_is_named(case):
    model = model_with(HOLD[case])
    with pytest.warns(UserWarning, match=r"Potential 'term' holds data.*evidence=\['term'\].*\[\]"):
        assert evidence_of(model, None) == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert evidence_of(model, []) == () and evidence_of(model, ["term"]) == ("term",)


ARE_PRIOR = {
    "soft": lambda a, b, phi, walk: -(a**2) - 3.0 * b,
    "neighbours": lambda a, b, phi, walk: -0.5 * pt.sum((phi[ONE] - phi[TWO]) ** 2),
    "neighbours with weights": lambda a, b, phi, walk: -pt.sum(SHORT * (phi[ONE] - phi[TWO]) ** 2),
    "neighbours by data": lambda a, b, phi, walk: -pt.sum(
        (phi[pm.Data("one", ONE)] - phi[pm.Data("two", TWO)]) ** 2),
    "precision": lambda a, b, phi, walk: -phi @ np.diag(SHORT) @ phi,
    "walk": lambda a, b, phi, walk: pm.logp(pm.Normal.dist(0, 0.1), walk[1:] - walk[:-1]).sum(),
    "walk with gaps": lambda a, b, phi, walk: -(pt.diff(walk) ** 2 / np.exp(LONG[1:])).sum(),
    "sum to zero": lambda a, b, phi, walk: pm.logp(pm.Normal.dist(0, 0.01), phi.sum()),
    "sum to zero by a product": lambda a, b, phi, walk: -(pt.dot(np.ones(4), phi) ** 2),
    "means of a few": lambda a, b, phi, walk: pm.logp(
        pm.Normal.dist(SHORT, 1), pm.Flat("flat", shape=4)).sum(),
    "scales of a few": lambda a, b, phi, walk: pm.logp(pm.Normal.dist(0, SHORT), phi).sum(),
    "unequal steps": lambda a, b, phi, walk: pm.logp(
        pm.Normal.dist(walk[:-1], pt.exp(a) * np.sqrt(STEPS)), walk[1:]).sum(),
    "unequal steps, fixed": lambda a, b, phi, walk: pm.logp(
        pm.Normal.dist(0, np.sqrt(STEPS)), pt.diff(walk)).sum(),
    "a drift": lambda a, b, phi, walk: pm.logp(
        pm.Normal.dist(a * STEPS, pt.exp(b) * np.sqrt(STEPS)), walk[1:] - walk[:-1]).sum(),
    "steps by hand": lambda a, b, phi, walk: -0.5 * pt.sum(
        pt.diff(walk) ** 2 / (pt.exp(a) * STEPS)) - 0.5 * pt.sum(pt.log(pt.exp(a) * STEPS)),
    "steps one by one": lambda a, b, phi, walk: sum(
        pm.logp(pm.Normal.dist(walk[i], pt.exp(a) * STEPS[i]), walk[i + 1]) for i in range(14)),
    "a process that returns": lambda a, b, phi, walk: pm.logp(
        pm.Normal.dist(walk[:-1] * pt.exp(-pt.exp(a) * STEPS), 1), walk[1:]).sum(),
    "two opinions": lambda a, b, phi, walk: -((a - 1.0) ** 2) - (a - 2.0) ** 2,
    "a mixture": lambda a, b, phi, walk: pt.log(
        sum(pt.exp(pm.logp(pm.Normal.dist(m, 1.0), a)) for m in (-2.0, 0.0, 2.0))),
    "a shared mean": lambda a, b, phi, walk: pm.logp(pm.Normal.dist(np.zeros(15), 1), walk).sum(),
    "dirichlet": lambda a, b, phi, walk: pt.sum((SHORT - 1) * pt.log(pm.math.softmax(phi))),
    "order": lambda a, b, phi, walk: pt.switch(pt.any(phi[1:] < phi[:-1]), -np.inf, 0.0),
    "a scale": lambda a, b, phi, walk: -pm.Data("scale", 2.0) * b**2,
}  # fmt: skip


@pytest.mark.parametrize("case", ARE_PRIOR)
def test_a_potential_of_the_prior_is_not(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evidence_of(model_with(ARE_PRIOR[case]), None)


def test_tilting_warns():
    model, llm = model_with(HOLD["censored"]), answers(x=[0.1], y=[0.2])
    with pytest.warns(UserWarning, match="'term' holds data"):
        fp.tilt(model, llm, 0.5)


@pytest.mark.parametrize(("case", "rows"), [("numbers one by one", 4), ("eight schools", 4)])
def test_rows_written_out_are_counted(case, rows):
    model = model_with(HOLD[case])
    assert real_observations(model, model.observed_RVs, ["term"]) == N + rows


@pytest.mark.parametrize("case", list(HOLD)[:4] + ["successes alone", "weights of rows"])
def test_rows_of_a_named_potential_are_real_rows(case):
    model = model_with(HOLD[case])
    assert real_observations(model, model.observed_RVs, ["term"]) == N + CENSORED
    assert real_observations(model, model.observed_RVs, []) == N


def test_and_so_they_are_for_answers_and_for_beliefs():
    model = model_with(HOLD["censored"])
    belief = fp.Belief("a", quantiles={0.1: -1, 0.9: 1})
    for said in (answers(x=[0.1], y=[0.2]), belief):
        assert build(model, said, evidence=["term"]).n_real == N + CENSORED


def test_weights_of_the_observed_rows_add_none():
    with pm.Model() as model:
        x = pm.Data("x", RNG.normal(size=N))
        y = pm.Normal("y", pm.Normal("a") * x, 1, observed=RNG.normal(size=N))
        pm.Potential("extra", pm.logp(pm.Normal.dist(model["a"] * x, 1), model.rvs_to_values[y]))
    assert real_observations(model, [y], ["extra"]) == N


def likelihood_in_a_potential() -> pm.Model:
    with pm.Model() as model:
        pm.Potential("rows", pm.logp(pm.Normal.dist(pm.Normal("a", 0, 10), 1), LONG))
    return model


def ten_answers() -> fp.SyntheticData:
    frame = pd.DataFrame({"y": np.linspace(-1, 1, 10)})
    return fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)


def own(free, rows):
    return pm.logp(pm.Normal.dist(free["a"], 1), rows["y"].values)


def test_a_likelihood_in_a_potential_alone():
    model = likelihood_in_a_potential()
    parts = build(model, ten_answers(), evidence=["rows"], likelihood=own)
    assert parts.n_real == 15
    (point,) = points(model, count=1)
    expected = -0.5 * np.log(2 * np.pi) - 0.5 * (np.linspace(-1, 1, 10) - point["a"]) ** 2
    np.testing.assert_allclose(loglik(parts.model, point), expected.sum())
    whole = value(parts.model, parts.model.logp(), point) - value(model, model.logp(), point)
    np.testing.assert_allclose(whole, 0, atol=1e-12)
    with pytest.raises(fp.ModelError, match="in a Potential.*likelihood= callable"):
        build(model, ten_answers(), evidence=["rows"])
    with pytest.warns(UserWarning, match="'rows' holds data"):
        with pytest.raises(fp.ModelError, match="no observed variable.*evidence="):
            build(model, ten_answers(), likelihood=own)


def test_a_path_of_a_likelihood_in_a_potential(tmp_path):
    """Normal with known spread: an answer carries the information of a real row."""
    path = fp.trust_path(likelihood_in_a_potential(), ten_answers(), evidence=["rows"],
                         likelihood=own, random_seed=1, draws=400, chains=2)  # fmt: skip
    assert path.facts.n_real == 15
    assert float(path.effective_observations(1.0)) == pytest.approx(10, rel=1e-4)
    for trust in (0.0, 0.5, 1.0):
        precision = 1 / 100 + 15 + 10 * trust
        assert float(path.sd("a", trust=trust)) == pytest.approx(precision**-0.5, rel=0.1)
        error = 5 * precision**-0.5 / 20
        assert abs(float(path.mean("a", trust=trust)) - LONG.sum() / precision) < error
    tree = path.at(0.5)
    assert "posterior" in tree.children
    held = pd.DataFrame({"y": [0.0, 1.0]})
    for by_row in (
        lambda: path.score(held),
        lambda: fp.trust.loo(path),
        lambda: path.mean("a", trust="loo"),
        lambda: fp.diagnose.conflict(path),
    ):
        with pytest.raises(fp.ModelError, match="in a Potential, .* not a density each, so"):
            by_row()
    audit = fp.audit(path, held_out=held)
    for key in ("conflict", "held_out"):
        assert "in a Potential" in audit[key].not_judged
    assert audit["shares"].judged and audit["washout"].judged
    path.to_netcdf(tmp_path / "path.nc")
    assert fp.TrustPath.from_netcdf(tmp_path / "path.nc").facts.n_real == 15
