"""The score of held-out rows, against brute force."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import foundation_priors as fp
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
