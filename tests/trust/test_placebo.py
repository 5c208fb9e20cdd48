"""Answers permuted among profiles, and what they say."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import foundation_priors as fp
from foundation_priors.errors import ColumnError, PlaceboWarning
from foundation_priors.path.engine import EVIDENCE, Engine
from foundation_priors.path.trust_path import climb
from foundation_priors.prior.model import numpy_mode
from foundation_priors.prior.tilt import TRUST, build
from foundation_priors.synthetic.exchange import exchange
from tests.path import models
from tests.report import audits


def answers(**options) -> fp.SyntheticData:
    rng = np.random.default_rng(5)
    x = np.repeat(rng.normal(size=12), 3)
    frame = pd.DataFrame(
        {"x": x, "framing": ["a", "b", "c"] * 12, "person": np.repeat(range(12), 3)}
    )
    frame["y"] = (rng.random(36) < 1 / (1 + np.exp(-2 * x))).astype(int)
    return fp.SyntheticData.from_dataframe(frame, outcome="y", source="llm", **options)


@pytest.mark.parametrize("options", [{}, {"unit": "person"}, {"cluster": ["x", "framing"]}])
def test_blocks_stay_together_with_their_weights(options):
    before = answers(**options)
    after = exchange(before, np.random.default_rng(0))
    a, b = before.dataset, after.dataset
    np.testing.assert_array_equal(a.y, b.y)
    np.testing.assert_array_equal(a.framing, b.framing)
    np.testing.assert_allclose(before.weights(), after.weights())
    moved = dict(zip(a.x.values, b.x.values, strict=True))
    assert [moved[x] for x in a.x.values] == b.x.values.tolist()
    assert sorted(moved) == sorted(moved.values()) and not np.array_equal(a.x, b.x)


def test_columns_may_name_the_profile():
    after = exchange(answers(), np.random.default_rng(0), "person")
    assert not np.array_equal(after.dataset.x, answers().dataset.x)
    with pytest.raises(ColumnError, match="Did you mean 'person'"):
        exchange(answers(), np.random.default_rng(0), "persom")
    with pytest.raises(ValueError, match="No covariate is the same"):
        exchange(answers(), np.random.default_rng(0), "framing")


def model(sd: float) -> pm.Model:
    rng = np.random.default_rng(2)
    x = rng.normal(size=40)
    with pm.Model() as out:
        data, scale = pm.Data("x", x, dims="row"), pm.Data("scale", sd)
        a, b = pm.Normal("a", 0, scale), pm.Normal("b", 0, scale)
        y = (rng.random(40) < 1 / (1 + np.exp(-2 * x))).astype(int)
        pm.Bernoulli("y", logit_p=a + b * data, observed=y, dims="row")
    return out


@pytest.fixture(scope="module")
def path() -> fp.TrustPath:
    return fp.trust_path(model(1.0), answers(), random_seed=1, progressbar=False)


def test_the_compiled_model_serves_again(path, monkeypatch):
    """The placebo's densities are those of a path built from its answers."""
    before = path.trust_posterior()
    assert before.placebo is None and "not run" in repr(before)
    monkeypatch.setattr("nutpie.compile_pymc_model", None)
    found = fp.trust.placebo(path, permutations=2, random_seed=3, progressbar=False)
    monkeypatch.undo()
    assert "lose evidence" in repr(found) and not found.favours_trust
    assert found.in_words() in repr(path.trust_posterior())
    for other in found.paths:
        fresh = Engine(build(path.model, other.synthetic, alone=True))
        u = path.posterior.u[:5]
        mine = other.engine.value_grad(u, np.ones(1), 1.0)
        with fresh.model:
            pm.set_data({TRUST: 1.0, EVIDENCE: 1.0})
        value = fresh.model.compile_logp(mode=numpy_mode())
        slope = fresh.model.compile_dlogp(mode=numpy_mode())
        points = [{"a": a, "b": b} for a, b in u]
        np.testing.assert_allclose(mine[0], [value(point) for point in points])
        np.testing.assert_allclose(mine[1], [slope(point) for point in points])
    table = found.summary()
    assert table.answers.values.tolist() == ["as they are", "permuted 1", "permuted 2"]
    gain = table.log_evidence.sel(answers="as they are").item()
    assert gain == found.real.log_marginal_evidence > found.log_evidence.max()
    assert len(path.trust_posterior().plot().lines) == 4
    again = fp.trust.placebo(path, permutations=1, random_seed=3, progressbar=False)
    np.testing.assert_array_equal(found.log_evidence[:1], again.log_evidence)


def test_a_poor_prior_is_told(path):
    """With N(0, 100) coefficients even permuted answers gain evidence."""
    recipe = replace(path.recipe, model=model(100.0))
    engine = Engine(build(recipe.model, path.synthetic, alone=True, **recipe.options))
    engine.__dict__["compiled"] = path.engine.compiled.with_data(scale=100.0)
    poor = climb(recipe, engine, path.synthetic, 1, False)
    assert poor.draws.b.std() > 1.5 * path.draws.b.std()
    with pytest.warns(PlaceboWarning, match="how poor the primitive prior is"):
        found = fp.trust.placebo(poor, permutations=1, progressbar=False)
    assert found.favours_trust and "gain evidence too" in found.in_words()


def fake(gains: list[float], fails: list[bool], error: float = 0.01) -> fp.trust.Placebo:
    """Return a placebo of permutations with these log evidences."""
    rules = [
        SimpleNamespace(
            log_marginal_evidence=gain,
            mcse={"log_marginal_evidence": error},
            checked=(np.zeros((2, 1)), np.array([False, bad])),
            hyperprior="cautious",
        )
        for gain, bad in zip(gains, fails, strict=True)
    ]
    return fp.trust.Placebo(tuple([None] * len(rules)), tuple(rules), rules[0])


@pytest.mark.parametrize(
    ("gains", "fails", "says", "favours"),
    [
        ([-1.66], [True], "because its path fails the checks", False),
        ([1.66, 2.0], [True, True], "the paths of all 2 permutations fail the checks", False),
        ([-1.0, -1.1, 9.0], [False, False, True], "lose evidence; 1 of 3 permutations", False),
        ([-1.0, 0.9, 0.4], [False] * 3, "neither clearly gain nor clearly lose", False),
        ([0.01], [False], "neither clearly gain nor clearly lose", False),
        ([1.0, 1.2, 1.1], [False] * 3, "permuted answers gain evidence too", True),
        ([-1.0, -1.2, -1.1], [False] * 3, "permuted answers lose evidence", False),
    ],
)
def test_the_sentence_says_what_was_checked(gains, fails, says, favours):
    found = fake(gains, fails)
    assert says in found.in_words() and found.favours_trust == favours
    assert found.reliable.tolist() == [not bad for bad in fails]
    if all(fails):
        assert "lose evidence" not in repr(found) and "gain evidence" not in repr(found)


def test_the_audit_repeats_the_mark():
    path = replace(models.coin())
    path.__dict__["_placebo"] = fake([-1.66], [True])
    section = audits.one("trust", path, trust=0.5)
    assert "not to be relied on, because its path fails the checks" in section.reading
    assert "under the 'cautious' rule" in section.reading
    assert "lose evidence" not in section.reading


def test_what_cannot_be_permuted():
    with pytest.raises(ValueError, match="fewer than two profiles"):
        fp.trust.placebo(models.coin(), progressbar=False)
    with pytest.raises(ValueError, match="at least 1"):
        fp.trust.placebo(models.coin(), permutations=0)
