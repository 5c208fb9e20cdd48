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


def test_in_the_simple_case_the_worth_is_the_sum_of_weights():
    np.testing.assert_allclose(models.normal().effective_observations(1.0), 14, rtol=1e-6)
    assert models.coin().effective_observations(1.0).item() == pytest.approx(10, rel=0.02)
    table = fp.worth(models.normal_model(), models.normal_answers(), by="framing", random_seed=1)
    assert table.index.tolist() == ["plain", "roleplay"]
    np.testing.assert_allclose(table.real_observations, [9, 5], rtol=1e-6)
    np.testing.assert_allclose(table.effective_rows, [9, 5])
    np.testing.assert_allclose(table.each, 1, rtol=1e-6)
