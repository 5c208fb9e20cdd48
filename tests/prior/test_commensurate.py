"""Copies tied to the original: the link's density, its bounds, and published survival figures."""

import warnings

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy.stats import gamma, halfnorm, norm

import foundation_priors as fp
from foundation_priors.prior.build import build
from foundation_priors.prior.commensurate import Commensurate
from foundation_priors.prior.model import numpy_mode
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
    value,
)

# The link


def test_an_offset_is_the_copys_distance_in_spreads(rows, said):
    tilted = build(line(**rows), answers(**said), commensurate={"b": 0.3}).model
    assert tilted["b_synthetic_offset"] in tilted.free_RVs
    reference = line(**said)
    for point in points(tilted):
        copy = point["b"] + 0.3 * point["b_synthetic_offset"]
        np.testing.assert_allclose(value(tilted, tilted["b_synthetic"], point), copy)
        own = {**point, "b": copy}
        np.testing.assert_allclose(loglik(tilted, point), observed_logp(reference, own))
        log = logp(tilted, point) - logp(line(**rows), point)
        np.testing.assert_allclose(log, norm.logpdf(point["b_synthetic_offset"]))


def test_centred_the_copy_is_the_free_variable(rows, said):
    link = Commensurate(0.3, centred=True)
    tilted = fp.tilt(line(**rows), answers(**said), commensurate={"b": link})
    reference = line(**said)
    for point in points(tilted):
        said_ = observed_logp(reference, {**point, "b": point["b_synthetic"]})
        np.testing.assert_allclose(loglik(tilted, point), said_)
        log = logp(tilted, point) - logp(line(**rows), point) - said_
        np.testing.assert_allclose(log, norm.logpdf(point["b_synthetic"], point["b"], 0.3))


@pytest.mark.parametrize("centred", [False, True])
def test_a_scale_is_tied_in_its_logarithm(rows, said, centred):
    link = Commensurate(0.5, centred=centred)
    tilted = build(line(**rows), answers(**said), commensurate={"sigma": link}).model
    for point in points(tilted):
        log = point["sigma_log__"]
        if centred:
            log = point["sigma_synthetic_unconstrained"]
        else:
            log = log + 0.5 * point["sigma_synthetic_offset"]
        np.testing.assert_allclose(value(tilted, tilted["sigma_synthetic"], point), np.exp(log))
        own = {**point, "sigma_log__": log}
        np.testing.assert_allclose(loglik(tilted, point), observed_logp(line(**said), own))


def shares(y) -> pm.Model:
    with pm.Model(coords={"cut": [0, 1], "way": ["a", "b", "c"]}) as model:
        share = pm.Dirichlet("share", np.ones(3), dims="way")
        low = pm.Normal("low", 0, 1)
        p = pm.Uniform("p", low, low + 2)
        pm.Normal("y", share @ [0.0, 1.0, 2.0] + p, 1, observed=y)
    return model


def test_simplices_and_intervals_are_tied_in_unconstrained_coordinates(rng):
    y = rng.normal(size=N)
    tilted = build(
        shares(y),
        answers(y=rng.normal(size=M)),
        private=["low"],
        commensurate={"share": 0.2, "p": 0.4},
    ).model
    for point in points(tilted):
        simplex = tilted.rvs_to_transforms[tilted["share"]]
        u = point["share_simplex__"] + 0.2 * point["share_synthetic_offset"]
        expected = simplex.backward(u).eval(mode=numpy_mode())
        np.testing.assert_allclose(value(tilted, tilted["share_synthetic"], point), expected)
        u = point["p_interval__"] + 0.4 * point["p_synthetic_offset"]
        inside = point["low_synthetic"] + 2 / (1 + np.exp(-u))
        np.testing.assert_allclose(value(tilted, tilted["p_synthetic"], point), inside)


def vector(x, y) -> pm.Model:
    with pm.Model(coords={"covariate": ["age", "party"]}) as model:
        beta = pm.Normal("beta", 0, 1, dims="covariate")
        x = pm.Data("X", x, dims=("row", "covariate"))
        pm.Normal("y", x @ beta, 1, observed=y, dims="row")
    return model


def test_spreads_of_a_vector_by_element(rng):
    model = vector(rng.normal(size=(N, 2)), rng.normal(size=N))
    llm = answers(X=rng.normal(size=(M, 2)), y=rng.normal(size=M))
    columns = {"X": ["X0", "X1"]}
    parts = build(model, llm, columns=columns, commensurate={"beta": [0.1, 2.0]})
    assert parts.shared == ("beta",) and parts.private == {}
    assert parts.commensurate == {"beta": "spread 0.1 to 2"}
    assert parts.model.named_vars_to_dims["beta_synthetic"] == ("covariate",)
    (point,) = points(parts.model, count=1)
    copy = point["beta"] + [0.1, 2.0] * point["beta_synthetic_offset"]
    np.testing.assert_allclose(value(parts.model, parts.model["beta_synthetic"], point), copy)


@pytest.mark.parametrize(
    ("link", "name", "density", "spread"),
    [
        ("learned", "b_synthetic_spread", halfnorm.logpdf, lambda x: x),
        (pm.HalfNormal.dist(2), "b_synthetic_spread", halfnorm(0, 2).logpdf, lambda x: x),
        (
            Commensurate(precision=pm.Gamma.dist(3, 2)),
            "b_synthetic_precision",
            gamma(3, scale=1 / 2).logpdf,
            lambda x: x**-0.5,
        ),
    ],
)
def test_a_learned_spread(rows, said, link, name, density, spread):
    tilted = build(line(**rows), answers(**said), commensurate={"b": link}).model
    for point in points(tilted):
        drawn = np.exp(point[f"{name}_log__"])
        copy = point["b"] + spread(drawn) * point["b_synthetic_offset"]
        np.testing.assert_allclose(value(tilted, tilted["b_synthetic"], point), copy)
        np.testing.assert_allclose(
            value(tilted, tilted["b_synthetic_spread"], point), spread(drawn)
        )
        log = value(tilted, tilted.logp(vars=[tilted[name]], jacobian=False), point)
        np.testing.assert_allclose(log, density(drawn))


def test_names_alone_learn_each_spread(rows, said):
    parts = build(line(**rows), answers(**said), commensurate=["a", "b"])
    assert parts.commensurate == {"a": "learned spread", "b": "learned spread"}
    assert parts.links["a"] == ("a_synthetic_offset", "a_synthetic_spread")


def test_a_tiny_spread_shares_and_forward_draws_have_the_spread(rows, said):
    tilted = build(line(**rows), answers(**said), commensurate={"b": 1e-9}).model
    (point,) = points(tilted, count=1)
    np.testing.assert_allclose(
        loglik(tilted, point), loglik(build(line(**rows), answers(**said)).model, point)
    )
    tilted = build(line(**rows), answers(**said), commensurate={"b": 0.5}).model
    b, copy = pm.draw(
        [tilted["b"], tilted["b_synthetic"]], draws=2000, random_seed=1, mode=numpy_mode()
    )
    assert abs((copy - b).std() - 0.5) < 4 * 0.5 / np.sqrt(2 * 2000)


def test_each_source_has_a_copy_and_may_have_a_spread_of_its_own(rows, said):
    parts = build(
        line(**rows),
        framed(said),
        by="framing",
        private={"plain": ["sigma"], "role": ["sigma"]},
        commensurate={"b": {"plain": 0.1, "survey": "learned"}},
    )
    assert parts.private == {"sigma": ("sigma_plain", "sigma_role")}
    assert parts.links == {
        "b": ("b_plain_offset", "b_survey_offset", "b_survey_spread"),
    }
    assert [tie.shared for tie in parts.ties] == [("a", "b"), ("a", "b", "sigma"), ("a", "b")]
    (point,) = points(parts.model, count=1)
    own = {
        "plain": {
            "b": point["b"] + 0.1 * point["b_plain_offset"],
            "sigma_log__": point["sigma_plain_log__"],
        },
        "survey": {
            "b": point["b"] + np.exp(point["b_survey_spread_log__"]) * point["b_survey_offset"]
        },
        "role": {"sigma_log__": point["sigma_role_log__"]},
    }
    for number, name in enumerate(parts.sources):
        one = build(line(**rows), framed(said).sel(framing=name)).model
        np.testing.assert_allclose(
            loglik(parts.model, point)[number], loglik(one, point | own[name])
        )


def test_a_likelihood_of_the_users_sees_the_copy(rows, said):
    def likelihood(free, dataset):
        mu = free["a"] + free["b"] * dataset["x"].values
        return pm.logp(pm.Normal.dist(mu, free["sigma"]), dataset["y"].values)

    how = {"commensurate": {"b": 0.3}, "private": ["sigma"]}
    called = build(line(**rows), answers(**said), likelihood=likelihood, **how).model
    own = build(line(**rows), answers(**said), **how).model
    for point in points(own):
        np.testing.assert_allclose(loglik(called, point), loglik(own, point))


# The trust beside it


def test_the_trust_is_one_unless_given(rows, said):
    tilted = fp.tilt(line(**rows), answers(**said), commensurate={"b": 0.3})
    assert tilted["fp_trust"].get_value() == 1
    assert fp.tilt(line(**rows), answers(**said), 0.2, commensurate={"b": 0.3})
    with pytest.raises(TypeError, match="trust= is missing"):
        fp.tilt(line(**rows), answers(**said))


def test_a_learned_spread_and_a_trust_below_one_are_warned_of(rows, said):
    with pytest.warns(UserWarning, match="'b' discount the answers twice"):
        fp.tilt(line(**rows), answers(**said), 0.5, commensurate=["b"])
    fp.tilt(line(**rows), answers(**said), 1, commensurate=["b"])
    fp.tilt(line(**rows), answers(**said), 0, commensurate=["b"])


# Bad input

MODEL, SAID = line(np.arange(9.0), np.arange(9.0) ** 2), answers(x=[1.0, 2], y=[0.3, 0.1])


def refuses(error: type[Exception], words: str, llm=SAID, model=MODEL, **arguments) -> None:
    with pytest.raises(error, match=words) as caught:
        build(model, llm, **arguments)
    message = str(caught.value)
    assert message.rstrip().endswith((".", "?")) and "\n" not in message


@pytest.mark.parametrize(
    ("error", "words", "commensurate"),
    [
        (fp.ModelError, "'sgima', which is not a free.*'sigma'", {"sgima": 1}),
        (fp.ModelError, "of 'b': The spread 0 is not positive", {"b": 0}),
        (fp.ModelError, "of 'b': The spread -2 is not", {"b": [1.0, -2]}),
        (fp.ModelError, "nan is not positive", {"b": np.nan}),
        (fp.ModelError, "'b' has shape .2,., and the parameter .. in", {"b": [1.0, 2.0]}),
        (TypeError, "of 'b': The spread True", {"b": True}),
        (TypeError, "spread='learnt' must be a number, or 'learned'", {"b": "learnt"}),
        (TypeError, "must be a positive number, an array", {"b": object()}),
        (TypeError, r"commensurate='b' must map names", "b"),
        (fp.ModelError, "of 'b': The distribution of the spread reaches below 0",
         {"b": pm.Normal.dist(0, 1)}),
        (fp.ModelError, "discrete", {"b": pm.Poisson.dist(3)}),
        (fp.ImproperPriorError, "improper", {"b": pm.HalfFlat.dist()}),
        (fp.ModelError, "depends on a variable of the model", {"b": MODEL["sigma"]}),
        (fp.ModelError, "have one trust: name the sources' column with by=", {"b": {"gpt": 1}}),
    ],
)  # fmt: skip
def test_links_that_are_refused(error, words, commensurate):
    refuses(error, words, commensurate=commensurate)


def test_other_mistakes_about_links(rows, said):
    refuses(fp.ModelError, "private= and commensurate= both name 'b'",
            private=["b"], commensurate={"b": 1})  # fmt: skip
    refuses(fp.ModelError, "names the source 'pain'.*'plain'", framed(said), line(**rows),
            by="framing", commensurate={"b": {"pain": 1}})  # fmt: skip
    refuses(fp.ModelError, "names the source 'pain'.*'plain'", framed(said), line(**rows),
            by="framing", private={"pain": ["sigma"]})  # fmt: skip
    with pytest.raises(TypeError, match="not both"):
        Commensurate(1, precision=2)
    with pytest.raises(fp.ModelError, match="The precision -1"):
        Commensurate(precision=-1)
    with pytest.raises(fp.ModelError, match="centred, which suits one trust and no path"):
        fp.trust_path(MODEL, SAID, commensurate={"b": Commensurate(1, centred=True)})
    with pytest.raises(fp.ModelError, match="centred"):
        fp.worth(MODEL, SAID, commensurate={"b": Commensurate(1, centred=True)})


def test_a_link_that_the_answers_do_not_reach(rng):
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        pm.Normal("y", pm.Normal("a", mu, 1), 1, observed=rng.normal(size=N))
    refuses(fp.ModelError, "commensurate= names 'mu', which the answers do not reach",
            answers(y=[0.0, 1.0]), model, commensurate={"mu": 1})  # fmt: skip


def test_equal_answers_and_a_scale_with_a_learned_spread():
    llm = answers(x=np.arange(5.0), y=2 + 3 * np.arange(5.0))
    words = "infinite where the commensurate 'sigma' is zero"
    refuses(fp.ImproperPriorError, words, llm, commensurate=["sigma"])
    assert build(MODEL, llm, commensurate={"sigma": 0.5}, alone=True)


# A published analysis

EVENTS, TIME = {"control": 39, "treated": 75, "external": 326}, (1136.2334, 2502.0558, 3575.6642)
PRIOR = 0.001, 0.001


def survival() -> tuple[pm.Model, fp.SyntheticData]:
    """Return two arms of a trial as evidence, and an external control as the answers.

    Events of an exponential time to event, summed over patients, are Poisson given their time.
    """
    with pm.Model() as model:
        treated = pm.Data("treated", [0.0, 1.0], dims="arm")
        time = pm.Data("time", TIME[:2], dims="arm")
        rate = pm.math.exp(pm.Normal("alpha", 0, 100) + pm.Normal("beta", 0, 100) * treated)
        pm.Poisson("events", rate * time, observed=[39, 75], dims="arm")
    frame = pd.DataFrame({"events": [326], "time": [TIME[2]], "treated": [0.0]})
    return model, fp.SyntheticData.from_dataframe(frame, outcome="events", weight=1)


def exact() -> dict[str, tuple[float, float]]:
    """Return means and sds by quadrature over the three log rates, the precision in closed form."""
    shape, rate = PRIOR
    a = np.linspace(-4.6, -2.3, 231)[:, None]
    b = np.linspace(-2.8, -2.0, 201)[None]
    c = np.linspace(-4.3, -2.8, 151)

    def loglik(log_rate, arm):
        events, time = list(EVENTS.values())[arm], TIME[arm]
        return events * log_rate - time * np.exp(log_rate)

    distance = rate + (b - a) ** 2 / 2
    joint = norm.logpdf(a, 0, 100) + loglik(a, 0) + loglik(b, 2) - (shape + 0.5) * np.log(distance)
    arm = np.exp(norm.logpdf(c - a, 0, 100) + loglik(c, 1) - loglik(c, 1).max())
    w = np.exp(joint - joint.max()) * arm.sum(axis=1, keepdims=True)
    w /= w.sum()
    effect = w.sum(axis=1, keepdims=True) * arm / arm.sum(axis=1, keepdims=True)

    def moments(weights, h, square=None):
        mean = float((weights * h).sum())
        return mean, float(
            np.sqrt((weights * (h**2 if square is None else square)).sum() - mean**2)
        )

    expected = (shape + 0.5) / distance
    return {
        "beta": moments(effect, c - a),
        "ratio": moments(effect, np.exp(c - a)),
        "alpha": moments(w, a),
        "alpha_synthetic": moments(w, b),
        "precision": moments(w, expected, expected * (shape + 1.5) / distance),
    }


def test_quadrature_gives_psborrow2s_published_figures():
    """Genentech's psborrow2: hierarchical commensurate exponential survival, its vignette."""
    found = exact()
    np.testing.assert_allclose(found["beta"], (-0.1565, 0.1986), atol=2e-4)
    np.testing.assert_allclose(found["alpha"], (-3.3575, 0.1614), atol=2e-4)
    assert found["alpha_synthetic"][0] == pytest.approx(-2.3999, abs=2e-4)
    assert 1.209 < found["precision"][0] < 1.214
    assert found["ratio"][0] == pytest.approx(0.8722, abs=2e-4)


def test_the_tilted_model_gives_the_same():
    model, llm = survival()
    link = Commensurate(precision=pm.Gamma.dist(*PRIOR), centred=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tilted = fp.tilt(model, llm, commensurate={"alpha": link})
    draws = pm.sample(
        1000, tune=800, cores=1, model=tilted, random_seed=1, progressbar=False,
        compute_convergence_checks=False, target_accept=0.9,
    )["posterior"].to_dataset()  # fmt: skip
    draws["ratio"] = np.exp(draws["beta"])
    draws["precision"] = draws["alpha_synthetic_precision"]
    for name, (mean, sd) in exact().items():
        size = float(az.ess(draws[name].values))
        assert size > 300
        assert abs(float(draws[name].mean()) - mean) < 4 * sd / np.sqrt(size), name
