"""The score of held-out rows, against brute force."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import norm

import foundation_priors as fp
from foundation_priors.path.score import _densities
from foundation_priors.prior.columns import Table
from tests.path import models


def held_out(size=25) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.normal(size=(size, 2)), columns=["age", "income"])
    return table.assign(wage=1 + table.age + rng.normal(size=size))


def test_the_score_is_that_of_brute_force():
    path, rows = models.regression(), held_out()
    trust = np.array([0.0, 0.1, 1.0])
    found = path.score(rows, trust)
    d = path.draws
    mean = d.a.values[:, None] + d.beta.values @ rows[["age", "income"]].to_numpy().T
    density = norm.logpdf(rows.wage.to_numpy(), mean, d.sigma.values[:, None])
    weights = path.posterior.mixture.weights(trust[:, None])
    with np.errstate(divide="ignore"):
        brute = [logsumexp(density + np.log(w)[:, None], axis=0).sum() for w in weights]
    np.testing.assert_allclose(found, brute, rtol=1e-9)
    assert found.attrs["n_rows"] == 25 and found.dims == ("trust",)


def test_thinning_changes_no_more_than_its_error(monkeypatch):
    path, rows = models.regression(), held_out()
    whole = path.score(rows, [0.0, 1.0])
    monkeypatch.setattr("foundation_priors.path.score.CELLS", 25 * 2000)
    thinned = path.score(rows, [0.0, 1.0])
    assert (thinned.mcse > whole.mcse).all() and (whole.mcse > 0).all()
    assert (np.abs(thinned - whole) < 4 * thinned.mcse).all()


def test_a_dataset_and_other_columns_do_as_well():
    path, rows = models.regression(), held_out()
    plain = path.score(rows, 0.3)
    np.testing.assert_allclose(path.score(rows.to_xarray(), 0.3), plain)
    renamed = rows.rename(columns={"age": "years", "wage": "pay"})
    found = path.score(renamed, 0.3, columns={"X": ["years", "income"], "wage": "pay"})
    np.testing.assert_allclose(found, plain)


def test_the_score_along_one_source():
    path = models.normal("framing")
    rows = pd.DataFrame({"y": [0.3, 2.0]})
    found = path.score(rows, [0.0, 1.0], along={"roleplay": 1})
    at = path.score(rows, {"plain": 0.0, "roleplay": 1.0})
    assert found[1].item() == pytest.approx(at.item())


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        (held_out().iloc[:0], ValueError, "no held-out rows"),
        (held_out().drop(columns="age"), fp.ColumnError, "'age'"),
        (held_out().drop(columns="wage"), fp.ColumnError, "'wage'"),
        (held_out().assign(wage=np.nan), fp.ColumnError, "'wage'"),
    ],
)
def test_rows_that_cannot_be_scored(rows, error, says):
    with pytest.raises(error, match=says):
        models.regression().score(rows, 0.1)


def test_answers_are_no_held_out_rows():
    with pytest.raises(TypeError):
        models.normal().score(models.normal_answers(), 0.1)


def test_an_outcome_goes_by_the_name_of_its_data(recwarn):
    rng = np.random.default_rng(2)
    with pm.Model() as model:
        mu = pm.Normal("mu")
        seen = pm.Data("wellbeing", rng.normal(size=8))
        pm.Normal("y", mu, 1, observed=seen)
    frame = pd.DataFrame({"wellbeing": [0.3, 1.0], "person": [1, 2]})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="wellbeing", unit="person")
    tilted = fp.tilt(model, llm, trust=1.0)
    assert not recwarn
    renamed = frame.rename(columns={"wellbeing": "y"})
    other = fp.SyntheticData.from_dataframe(renamed, outcome="y", unit="person")
    named = fp.tilt(model, llm, trust=1.0, columns={"wellbeing": "wellbeing"})
    at = {"mu": np.array(0.4)}
    values = [
        m.potentials[0].sum().eval({m["mu"]: at["mu"]})
        for m in (tilted, named, fp.tilt(model, other, trust=1.0))
    ]
    assert values[0] == values[1] == pytest.approx(values[2])
    assert values[0] == pytest.approx(norm(0.4).logpdf([0.3, 1.0]).sum())
    draws = xr.Dataset({"mu": ("sample", [0.4])})
    density = _densities(model, Table.from_real(frame), {}, draws, llm)
    assert density.sum() == pytest.approx(values[0])
