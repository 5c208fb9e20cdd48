"""The tilted model: exact at every trust, for every shape of model, the user's left as it was."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr
from pymc.distributions.transforms import ordered

import foundation_priors as fp
from foundation_priors.prior.tilt import build
from tests.prior.common import (
    M,
    N,
    answers,
    framed,
    line,
    loglik,
    logp,
    observed_logp,
    points,
)


def agrees(tilted: pm.Model, reference: pm.Model, *names: str) -> None:
    """The answers' log-likelihood is what the reference, written for their rows, observes."""
    for point in points(tilted):
        expected = observed_logp(reference, point, *names)
        assert np.isfinite(expected)
        np.testing.assert_allclose(loglik(tilted, point), expected, rtol=1e-8)


# Weights


@pytest.mark.parametrize("trust", [0.0, 0.13, 1.0])
def test_log_density_is_the_base_plus_trust_times_the_answers(rows, said, trust):
    base = line(**rows)
    tilted = fp.tilt(base, answers(**said), trust)
    for point in points(base, count=5):
        expected = logp(base, point) + trust * loglik(tilted, point)
        np.testing.assert_allclose(logp(tilted, point), expected, rtol=1e-12)


def test_trust_one_with_weight_one_is_the_model_of_all_rows(rows, said):
    tilted = fp.tilt(line(**rows), answers(**said), 1)
    pooled = line(*(np.append(rows[k], said[k]) for k in "xy"))
    for point in points(pooled):
        np.testing.assert_allclose(logp(tilted, point), logp(pooled, point), rtol=1e-12)


def test_weights_of_rows_multiply_their_log_likelihoods(rows, said, rng):
    weight = rng.uniform(0, 2, M)
    tilted = build(line(**rows), answers(weight=weight, **said)).model
    single = [line(said["x"][[i]], said["y"][[i]]) for i in range(M)]
    for point in points(tilted):
        expected = sum(w * observed_logp(m, point) for w, m in zip(weight, single, strict=True))
        np.testing.assert_allclose(loglik(tilted, point), expected)


def test_repeated_rows_are_computed_once_and_count_each_time(rows, said):
    thrice = {k: np.tile(v, 3) for k, v in said.items()}
    once = build(line(**rows), answers(**said)).model
    tilted = build(line(**rows), answers(**thrice)).model
    for point in points(once):
        np.testing.assert_allclose(loglik(tilted, point), 3 * loglik(once, point))


def test_trust_can_be_set_afterwards(rows, said):
    tilted = fp.tilt(line(**rows), answers(**said), 0.1)
    (point,) = points(tilted, count=1)
    before, ell = logp(tilted, point), loglik(tilted, point)
    pm.set_data({"fp_trust": 0.5}, model=tilted)
    np.testing.assert_allclose(logp(tilted, point), before + 0.4 * ell)


def test_each_source_has_its_own_trust(rows, said):
    llm = framed(said)
    weights = {"plain": 0.1, "survey": 0.2, "role": 0.3}
    tilted = fp.tilt(line(**rows), llm, weights, by="framing")
    assert tilted.named_vars_to_dims["fp_trust"] == ("fp_source",)
    names = list(tilted.coords["fp_source"])
    assert dict(zip(names, tilted["fp_trust"].get_value(), strict=True)) == weights
    for name, number in zip(names, range(3), strict=True):
        own = build(line(**rows), llm.sel(framing=name)).model
        for point in points(own):
            np.testing.assert_allclose(loglik(tilted, point)[number], loglik(own, point))
    pm.set_data({"fp_trust": [0.0, 1.0, 0.0]}, model=tilted)
    (point,) = points(tilted, count=1)
    expected = logp(line(**rows), point) + loglik(tilted, point)[1]
    np.testing.assert_allclose(logp(tilted, point), expected)


def test_impossible_rows_do_not_matter_at_trust_zero(said):
    """Beyond theta = 10 an answer has no density, and 0 times minus infinity is no number."""
    with pm.Model() as model:
        theta = pm.HalfNormal("theta", 10)
        pm.Uniform("y", 0, theta, observed=[0.1, 0.2])
    tilted = fp.tilt(model, answers(y=[3.0, 4.0]), 0)
    point = {"theta_log__": np.log(1.0)}
    np.testing.assert_allclose(logp(tilted, point), logp(model, point))


def test_pymc_samples_it():
    """Beta(1, 1), 4 heads of 5, and 5 of 10 answers at trust .2: the posterior is Beta(6, 3)."""
    with pm.Model() as coin:
        theta = pm.Beta("theta", 1, 1)
        pm.Bernoulli("toss", theta, observed=[1, 1, 1, 1, 0])
    llm = answers(outcome="toss", toss=[1, 0] * 5)
    draws = pm.sample(
        model=fp.tilt(coin, llm, 0.2), draws=1000, tune=500, chains=2, random_seed=1,
        progressbar=False, compute_convergence_checks=False, nuts_sampler="nutpie", cores=1,
    )["posterior"]["theta"]  # fmt: skip
    sd = np.sqrt(6 * 3 / (9**2 * 10))
    assert abs(float(draws.mean()) - 6 / 9) < 4 * sd / np.sqrt(400)  # 400: a low effective size


# Shapes of models


def coin(n=5, heads=4) -> pm.Model:
    with pm.Model() as model:
        pm.Binomial("y", n=pm.Data("n", n), p=pm.Beta("p", 2, 3), observed=heads)
    return model


def test_one_count_of_heads_with_trials_as_data():
    tilted = build(coin(), answers(y=[3, 7, 0], n=[4, 9, 2])).model
    for point in points(tilted):
        parts = [observed_logp(coin(n, y), point) for y, n in [(3, 4), (7, 9), (0, 2)]]
        np.testing.assert_allclose(loglik(tilted, point), sum(parts))


def test_scalar_data_without_a_column_stay_as_they_are():
    tilted = build(coin(), answers(y=[3, 1])).model
    for point in points(tilted):
        parts = [observed_logp(coin(5, y), point) for y in (3, 1)]
        np.testing.assert_allclose(loglik(tilted, point), sum(parts))


def test_one_vector_of_counts():
    def model(y):
        with pm.Model() as model:
            pm.Multinomial("y", n=pm.Data("n", 6), p=pm.Dirichlet("p", np.ones(3)), observed=y)
        return model

    said = np.array([[1, 2, 3], [0, 4, 2]])
    tilted = build(model([2, 2, 2]), answers(y=said)).model
    for point in points(tilted):
        parts = [observed_logp(model(y), point) for y in said]
        np.testing.assert_allclose(loglik(tilted, point), sum(parts))


@pytest.mark.parametrize("family", ["ZeroInflatedPoisson", "Censored", "StudentT"])
def test_one_scalar_observation_of_other_families(family):
    def model(y):
        with pm.Model() as model:
            mu = pm.Normal("a", 0, 1) + pm.Data("x", 0.5)
            if family == "ZeroInflatedPoisson":
                pm.ZeroInflatedPoisson("y", psi=0.6, mu=pm.math.exp(mu), observed=y)
            elif family == "Censored":
                pm.Censored("y", pm.Normal.dist(mu, 1.0), lower=None, upper=2.0, observed=y)
            else:
                pm.StudentT("y", nu=4, mu=mu, sigma=1.0, observed=y)
        return model

    tilted = build(model(1), answers(y=[2, 0, 1])).model
    for point in points(tilted):
        parts = [observed_logp(model(y), point) for y in (2, 0, 1)]
        np.testing.assert_allclose(loglik(tilted, point), sum(parts))


def test_binomial_rows_with_trials_as_data(rng):
    def model(x, n, y):
        with pm.Model() as model:
            p = pm.math.invlogit(pm.Normal("b", 0, 1) * pm.Data("x", x))
            pm.Binomial("y", n=pm.Data("n", n), p=p, observed=y)
        return model

    def some(size):
        n = rng.integers(3, 9, size)
        return {"x": rng.normal(size=size), "n": n, "y": rng.binomial(n, 0.4)}

    said = some(M)
    agrees(build(model(**some(N)), answers(**said)).model, model(**said))


@pytest.mark.parametrize("dims", [None, ("obs", "k")])
def test_matrix_of_covariates(rng, dims):
    def model(x, y):
        coords = {"k": ["age", "party"]} if dims else {}
        with pm.Model(coords=coords) as model:
            eta = pm.Data("X", x, dims=dims) @ pm.Normal("b", 0, 1, shape=2)
            pm.Bernoulli("y", logit_p=eta, observed=y, dims=dims and dims[0])
        return model

    x, y = rng.normal(size=(N, 2)), rng.integers(0, 2, N)
    xs, ys = rng.normal(size=(M, 2)), rng.integers(0, 2, M)
    llm = answers(age=xs[:, 0], party=xs[:, 1], y=ys)
    columns = None if dims else {"X": ["age", "party"]}
    agrees(build(model(x, y), llm, columns=columns).model, model(xs, ys))


def test_transposed_matrix_of_covariates(rng):
    def model(x, y):
        with pm.Model() as model:
            eta = pm.Normal("b", 0, 1, shape=2) @ pm.Data("X", x, dims=("k", "obs"))
            pm.Normal("y", eta, 1, observed=y, dims="obs")
        return model

    xs, ys = rng.normal(size=(M, 2)), rng.normal(size=M)
    real = model(rng.normal(size=(2, N)), rng.normal(size=N))
    agrees(build(real, answers(X=xs, y=ys), columns={"X": ["X0", "X1"]}).model, model(xs.T, ys))


SCHOOLS = ["a", "b", "c"]


def hierarchical(g, h, x, y) -> pm.Model:
    with pm.Model(coords={"school": SCHOOLS, "year": [1, 2], "who": range(len(y))}) as model:
        g = pm.Data("g", g, dims="who")
        h = pm.Data("h", h, dims="who")
        size = pm.Data("size", [1.0, 2.0, 0.5], dims="school")
        tau = pm.HalfNormal("tau", 1)
        alpha = pm.Normal("alpha", size * pm.Normal("mu"), tau, dims="school")
        beta = pm.Normal("beta", 0, 1, dims=("school", "year"))
        theta = pm.Normal("theta", 0, 1, shape=(2, 3))
        by_row = theta[:, g]
        eta = alpha[g] + beta[g, h] * pm.Data("x", x, dims="who") + by_row[0] - by_row[1] * size[g]
        pm.Normal("y", eta, 1, observed=y, dims="who")
    return model


def grouped(rng, n):
    g, h = rng.integers(0, 3, n), rng.integers(0, 2, n)
    return {"g": g, "h": h, "x": rng.normal(size=n), "y": rng.normal(size=n)}


def test_group_numbers_index_dimensions(rng):
    real, said = grouped(rng, N), grouped(rng, M)
    agrees(build(hierarchical(**real), answers(**said)).model, hierarchical(**said))


def test_group_data_as_long_as_the_rows_stay(rng):
    """Three rows and three schools: only what runs along the rows is replaced."""
    real, said = grouped(rng, 3), grouped(rng, M)
    agrees(build(hierarchical(**real), answers(**said)).model, hierarchical(**said))


def test_group_data_without_dimensions_as_long_as_the_rows_stay(rng):
    def model(g, y):
        with pm.Model() as model:
            size = pm.Data("size", [1.0, 2.0, 0.5])
            pm.Normal("y", pm.Normal("a") * size[pm.Data("g", g)], 1, observed=y)
        return model

    said = {"g": [0, 2, 1, 1], "y": rng.normal(size=4)}
    agrees(build(model([0, 1, 2], rng.normal(size=3)), answers(**said)).model, model(**said))


def test_group_names_are_numbered_by_the_coordinates_of_the_dimension(rng):
    real, said = grouped(rng, N), grouped(rng, M)
    named = said | {"g": np.array(SCHOOLS, dtype=object)[said["g"]]}
    agrees(build(hierarchical(**real), answers(**named)).model, hierarchical(**said))


def test_ordered_likelihood_with_initial_cutpoints(rng):
    start = [-1.0, 0.5, 2.0]

    def model(x, y):
        with pm.Model() as model:
            cuts = pm.Normal("cuts", 0, 3, shape=3, transform=ordered, initval=start)
            pm.OrderedLogistic("y", pm.Normal("b") * pm.Data("x", x), cuts, observed=y)
        return model

    x, y, xs, ys = (
        rng.normal(size=N),
        rng.integers(0, 4, N),
        rng.normal(size=M),
        rng.integers(0, 4, M),
    )
    tilted = fp.tilt(model(x, y), answers(x=xs, y=ys), 1)
    agrees(tilted, model(xs, ys))
    (kept,) = [v for rv, v in tilted.rvs_to_initial_values.items() if rv.name == "cuts"]
    np.testing.assert_array_equal(kept, start)


def test_private_cutpoints_are_ordered_and_start_where_the_users_do(rng):
    with pm.Model() as model:
        cuts = pm.Normal("cuts", 0, 3, shape=2, transform=ordered, initval=[0.0, 1.0])
        pm.OrderedLogistic("y", pm.Normal("b"), cuts, observed=[0, 1, 2, 2, 1])
    tilted = build(model, answers(y=[0, 1, 1, 2]), private=["cuts"]).model
    assert np.isfinite(logp(tilted, points(tilted, count=1)[0]))
    one, two = (tilted.rvs_to_transforms[tilted[n]] for n in ("cuts", "cuts_synthetic"))
    assert type(one) is type(two)
    np.testing.assert_array_equal(tilted.rvs_to_initial_values[tilted["cuts_synthetic"]], [0, 1])


def test_deterministics_between_and_data_by_dimension(rows, said):
    def model(x, y):
        with pm.Model(coords={"who": range(len(y))}) as model:
            mu = pm.Deterministic("mu", pm.Normal("a") * pm.Data("x", x, dims="who"), dims="who")
            pm.Normal("y", mu, 1, observed=y, dims="who")
        return model

    tilted = build(model(**rows), answers(**said)).model
    agrees(tilted, model(**said))
    assert [d.name for d in tilted.deterministics] == ["mu", "fp_loglik"]


def test_columns_by_function_and_by_levels(rows, rng):
    llm = answers(
        age=[20, 40, 60], party=np.array(["Dem", "Rep", "Dem"], object), y=rng.normal(size=3)
    )
    columns = {"x": lambda d: (d["age"] - 40) / 20}
    agrees(build(line(**rows), llm, columns=columns).model, line([-1, 0, 1], llm.column("y")))
    columns = {"x": fp.codes("party", levels=["Rep", "Dem"])}
    agrees(build(line(**rows), llm, columns=columns).model, line([1, 0, 1], llm.column("y")))


# Several observed variables


def two_outcomes(x, vote, wage) -> pm.Model:
    with pm.Model() as model:
        eta = pm.Normal("b") * pm.Data("x", x, dims="who")
        pm.Bernoulli("vote", logit_p=eta, observed=vote, dims="who")
        pm.Normal("wage", eta, 1, observed=wage, dims="who")
    return model


def outcomes(rng, n):
    return {"x": rng.normal(size=n), "vote": rng.integers(0, 2, n), "wage": rng.normal(size=n)}


def test_answers_speak_about_one_of_two_outcomes(rng):
    real, said = outcomes(rng, N), outcomes(rng, M)
    spoken = {"x": said["x"], "answer_given": said["vote"]}
    with pytest.raises(fp.ModelError, match="vote, wage.*columns="):
        build(two_outcomes(**real), answers(outcome="answer_given", **spoken))
    tilted = build(
        two_outcomes(**real), answers(outcome="answer_given", **spoken),
        columns={"vote": "answer_given"},
    ).model  # fmt: skip
    agrees(tilted, two_outcomes(**said), "vote")
    spoken = {"x": said["x"], "vote": said["vote"]}
    agrees(build(two_outcomes(**real), answers(outcome="vote", **spoken)).model,
           two_outcomes(**said), "vote")  # fmt: skip


def test_answers_speak_about_two_outcomes_at_once(rng):
    real, said = outcomes(rng, N), outcomes(rng, M)
    both = answers(outcome=["vote", "wage"], **said)
    agrees(build(two_outcomes(**real), both).model, two_outcomes(**said))
    renamed = {"x": said["x"], "vote": said["vote"], "pay": said["wage"]}
    llm = answers(outcome=["vote", "pay"], **renamed)
    tilted = build(two_outcomes(**real), llm, columns={"wage": "pay"}).model
    agrees(tilted, two_outcomes(**said))


def test_an_outcome_on_which_another_depends_is_a_covariate(rng):
    """In a mediation model the answers' own mediator goes into their outcome."""

    def model(x, m, y):
        with pm.Model() as model:
            x = pm.Data("x", x, dims="who")
            m = pm.Normal("m", pm.Normal("a") * x, 1, observed=m, dims="who")
            pm.Normal("y", pm.Normal("b") * m + pm.Normal("c") * x, 1, observed=y, dims="who")
        return model

    real, said = (dict(zip("xmy", rng.normal(size=(3, n)), strict=True)) for n in (N, N))
    both = build(model(**real), answers(outcome=["m", "y"], **said)).model
    agrees(both, model(**said))
    agrees(build(model(**real), answers(outcome="y", **said)).model, model(**said), "y")


# Potentials and likelihoods of one's own


def test_potentials_belong_to_the_prior_unless_they_are_evidence(rows, said):
    model = line(**rows)
    with model:
        pm.Potential("soft", -(model["a"] ** 2))
    parts = build(model, answers(**said), evidence=["soft"])
    assert parts.evidence == ("soft",)
    for point in points(model):
        np.testing.assert_allclose(logp(parts.model, point), logp(model, point))


def test_likelihood_of_ones_own(rows, said):
    with pm.Model() as model:
        a, b, sigma = pm.Normal("a", 0, 2), pm.Normal("b", 0, 1), pm.HalfNormal("sigma", 1)
        pm.Normal("y", a + b * rows["x"], sigma, observed=rows["y"])

    def likelihood(free, rows: xr.Dataset):
        mu = free["a"] + free["b"] * rows["x"].values
        return pm.logp(pm.Normal.dist(mu, free["sigma"]), rows["y"].values)

    agrees(build(model, answers(**said), likelihood=likelihood).model, line(**said))
    parts = build(model, framed(said), likelihood=likelihood, private=["sigma"], by="framing")
    own = build(line(**rows), framed(said), private=["sigma"], by="framing").model
    assert parts.private == {"sigma": ("sigma_plain", "sigma_survey", "sigma_role")}
    for point in points(own):
        np.testing.assert_allclose(loglik(parts.model, point), loglik(own, point))


# The user's model


def test_the_users_model_is_unchanged(rng):
    with pm.Model(coords={"k": ["p", "q"]}) as model:
        b = pm.Normal("b", 0, 1, dims="k", initval=[0.5, 1.0])
        s = pm.HalfNormal("s", 1, initval=2.0)
        x = pm.Data("x", rng.normal(size=(N, 2)), dims=("who", "k"))
        pm.Normal("y", x @ b, s, observed=rng.normal(size=N), dims="who")
    (point,) = points(model, count=1)
    before = logp(model, point), set(model.named_vars), model.initial_point()
    data = model["x"].get_value()
    llm = answers(p=rng.normal(size=M), q=rng.normal(size=M), y=rng.normal(size=M))
    tilted = fp.tilt(model, llm, 0.5, private=["s"])
    pm.set_data({"x": np.zeros((N, 2))}, model=tilted)
    assert before[1] == set(model.named_vars)
    np.testing.assert_array_equal(logp(model, point), before[0])
    np.testing.assert_array_equal(model["x"].get_value(), data)
    for name, start in model.initial_point().items():
        np.testing.assert_array_equal(start, before[2][name])
        np.testing.assert_array_equal(tilted.initial_point()[name], start)
    assert tilted.initial_point()["s_synthetic_log__"] == pytest.approx(np.log(2.0))


def test_sizes_and_named_models(rows, said):
    with pm.Model(name="study") as model:
        mu = pm.Normal("a") * pm.Data("x", rows["x"])
        pm.Normal("y", mu, 1, observed=rows["y"], shape=(N,))
    tilted = fp.tilt(model, answers(**said), 0.5)
    with pm.Model() as reference:
        pm.Normal("y", pm.Normal("study::a") * said["x"], 1, observed=said["y"])
    agrees(tilted, reference)
    assert pt.as_tensor(tilted["fp_trust"]).ndim == 0
