"""Private copies: the same prior, drawn on their own, one for each source."""

import numpy as np
import pymc as pm

import foundation_priors as fp
from foundation_priors.prior.model import numpy_mode
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
    value,
)


def test_private_copies_have_the_same_prior_and_the_same_transform(rows, said):
    tilted = fp.tilt(line(**rows), answers(**said), 1, private=["sigma"])
    with pm.Model() as byhand:
        a, b = pm.Normal("a", 0, 2), pm.Normal("b", 0, 1)
        for name, part in {"sigma": rows, "sigma_synthetic": said}.items():
            sigma = pm.HalfNormal(name, 1)
            pm.Normal(f"y_{name}", a + b * part["x"], sigma, observed=part["y"])
    for point in points(byhand):
        np.testing.assert_allclose(logp(tilted, point), logp(byhand, point))


def private_vectors(g, y) -> pm.Model:
    with pm.Model(coords={"group": ["a", "b"]}) as model:
        tau = pm.HalfNormal("tau", 2)
        sigma = pm.HalfNormal("sigma", tau, dims="group")
        g = pm.Data("g", g)
        pm.Normal("y", pm.Normal("mu"), sigma[g], observed=y)
    return model


def test_private_vectors_keep_dims_and_hang_on_private_hyperparameters(rng):
    real = private_vectors(rng.integers(0, 2, N), rng.normal(size=N))
    said = {"g": rng.integers(0, 2, M), "y": rng.normal(size=M)}
    tilted = build(real, answers(**said), private=["sigma", "tau"]).model
    assert tilted.named_vars_to_dims["sigma_synthetic"] == ("group",)
    reference = private_vectors(**said)
    for point in points(tilted):
        own = {k: point[k.replace("_log", "_synthetic_log")] for k in ("tau_log__", "sigma_log__")}
        np.testing.assert_allclose(loglik(tilted, point), observed_logp(reference, point | own))
        prior = value(tilted, tilted.logp(vars=[tilted["sigma_synthetic"]]), point)
        expected = value(reference, reference.logp(vars=[reference["sigma"]]), point | own)
        np.testing.assert_allclose(prior, expected)


def test_a_shared_variable_between_two_private_ones_is_not_copied(rng):
    with pm.Model() as model:
        top = pm.Normal("top", 0, 1)
        shared = pm.Normal("shared", top, 1)
        low = pm.Normal("low", shared + top, 1)
        pm.Normal("y", low, 1, observed=rng.normal(size=N))
    tilted = build(model, answers(y=rng.normal(size=M)), private=["top", "low"]).model
    (point,) = points(tilted, count=1)
    prior = value(tilted, tilted.logp(vars=[tilted["low_synthetic"]]), point)
    mean = point["shared"] + point["top_synthetic"]
    expected = -0.5 * (point["low_synthetic"] - mean) ** 2 - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(prior, expected)


def test_forward_draws_of_private_copies_are_independent(rows, said):
    tilted = fp.tilt(line(**rows), answers(**said), 1, private=["sigma"])
    both = [tilted["sigma"], tilted["sigma_synthetic"]]
    a, b = pm.draw(both, draws=2000, random_seed=1, mode=numpy_mode())
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(2000)
    assert abs(a.mean() - b.mean()) < 4 * np.sqrt(2 * (1 - 2 / np.pi) / 2000)


def test_each_source_has_its_own_private_copy(rows, said):
    parts = build(line(**rows), framed(said), private=["sigma"], by="framing")
    assert parts.private == {"sigma": ("sigma_plain", "sigma_survey", "sigma_role")}
    assert parts.shared == ("a", "b")
    for number, name in enumerate(parts.sources):
        own = build(line(**rows), framed(said).sel(framing=name), private=["sigma"]).model
        for point in points(parts.model):
            mine = point | {"sigma_synthetic_log__": point[f"sigma_{name}_log__"]}
            np.testing.assert_allclose(loglik(parts.model, point)[number], loglik(own, mine))


def test_what_was_learned_on_the_way(rows, said):
    parts = build(line(**rows), answers(**said), private=["sigma"])
    assert (parts.n_real, parts.coincide, parts.single) == (N, 0.0, True)
    assert parts.shared == ("a", "b") and parts.private == {"sigma": ("sigma_synthetic",)}
