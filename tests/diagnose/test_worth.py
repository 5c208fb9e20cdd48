"""Answers counted in real observations."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import foundation_priors as fp
from tests.path import models


def means(real_sd: float, said_sd: float) -> tuple[pm.Model, fp.SyntheticData]:
    """Return 60 people and 20 answers about a mean, with spreads exactly as given."""
    z, w = (np.linspace(-1, 1, n) for n in (60, 20))
    z, w = z / z.std(), w / w.std()
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        sigma = pm.HalfNormal("sigma", 1)
        pm.Normal("y", mu, sigma, observed=1 + real_sd * z)
    frame = pd.DataFrame({"y": 1 + said_sd * w})
    return model, fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)


def test_answers_that_scatter_less_are_worth_more():
    """The information about a mean is 1/sd^2 a row: (.4/.05)^2 = 64 real ones each, less what
    the uncertainty of both spreads takes."""
    model, answers = means(0.4, 0.05)
    table = fp.worth(model, answers, private=["sigma"], random_seed=1)
    row = table.loc["synthetic"]
    assert row.rows == 20 and row.effective_rows == pytest.approx(20)
    assert row.real_observations == pytest.approx(row.each * 20)
    assert row.each == pytest.approx(64, rel=0.15)


def test_in_the_simple_case_the_worth_is_the_sum_of_weights(monkeypatch):
    np.testing.assert_allclose(models.normal().effective_observations(1.0), 14, rtol=1e-6)
    assert models.coin().effective_observations(1.0).item() == pytest.approx(10, rel=0.02)
    compiled = models.normal("framing").engine.compiled  # of the same model
    monkeypatch.setattr("foundation_priors.path.engine.reused", lambda _: compiled)
    table = fp.worth(models.normal_model(), models.normal_answers(), by="framing", random_seed=1)
    assert table.index.tolist() == ["plain", "roleplay"]
    np.testing.assert_allclose(table.real_observations, [9, 5], rtol=1e-6)
    np.testing.assert_allclose(table.effective_rows, [9, 5])
    np.testing.assert_allclose(table.each, 1, rtol=1e-6)


def test_the_worth_of_all_does_not_hang_on_labels():
    """Of three coefficients, where roots of determinants do not add up."""
    rng = np.random.default_rng(8)
    real, said = rng.normal(size=(40, 2)), rng.normal(size=(30, 2))
    with pm.Model() as model:
        x = pm.Data("x", real)
        beta = pm.Normal("beta", 0, 3, shape=2)
        pm.Normal("y", pm.Normal("a", 0, 3) + x @ beta, 1, observed=rng.normal(size=40))
    frame = pd.DataFrame(said, columns=["u", "v"]).assign(y=rng.normal(size=30))
    frame["label"] = rng.choice(["p", "q", "r"], 30)
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", cluster="label", weight=1)
    found = fp.worth(model, llm, by="label", columns={"x": ["u", "v"]}, random_seed=1)
    total, known = (np.column_stack([np.ones(len(z)), z]) for z in (said, real))
    ratio = np.linalg.det(total.T @ total) / np.linalg.det(known.T @ known)
    assert found["real_observations"].sum() == pytest.approx(40 * ratio ** (1 / 3), rel=1e-4)
