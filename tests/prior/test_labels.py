"""Coordinates that are intervals, tuples or of several kinds, which samplers and files refuse."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import foundation_priors as fp
from foundation_priors.prior.columns import Table, plain_labels
from foundation_priors.prior.model import copy_model
from foundation_priors.prior.tilt import build
from tests.prior.common import loglik, observed_logp, points

AGES = pd.cut([20.0, 40.0, 60.0], [18, 30, 50, 90])
"""Three brackets, as pandas makes them."""
TEXTS = ["(18, 30]", "(30, 50]", "(50, 90]"]


def brackets(codes, y) -> pm.Model:
    coords = {"age": AGES.categories, "cell": [("a", 1), ("b", 2)], "mixed": ["a", 2]}
    with pm.Model(coords=coords) as model:
        level = pm.Normal("level", dims="age")
        other = pm.Normal("other", 0, 0.1, dims=("cell", "mixed"))
        mu = level[pm.Data("bracket", codes)] + other.sum()
        pm.Normal("y", mu, 1, observed=y)
    return model


def bracket_answers() -> fp.SyntheticData:
    frame = pd.DataFrame(
        {"bracket": pd.cut([25, 45, 80, 81], [18, 30, 50, 90]), "y": np.arange(4.0)}
    )
    return fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)


@pytest.mark.parametrize(
    ("labels", "plain"),
    [
        (AGES.categories, TEXTS),
        ([("a", 1), ("b", 2)], ["('a', 1)", "('b', 2)"]),
        (["a", 2, None], ["a", "2", "None"]),
        ([1, "1"], ["1", "'1'"]),
        (pd.Categorical(["lo", "hi"]), ["lo", "hi"]),
        (pd.period_range("2020", periods=2, freq="Y"), ["2020", "2021"]),
        (np.array([1, 2], dtype=np.int32), [1, 2]),
        ([1, 2.5], [1, 2.5]),
        ([True, False], [True, False]),
        (list(pd.to_datetime(["2020", "2021"])), list(pd.to_datetime(["2020", "2021"]))),
    ],
    ids=str,
)
def test_labels(labels, plain):
    found = plain_labels(labels)
    assert list(found) == plain and [type(v) for v in found] == [type(v) for v in plain]


def test_answers_in_intervals_find_their_place(rng):
    real = brackets([0, 1, 2, 1], rng.normal(size=4))
    reference = brackets([0, 1, 2, 2], np.arange(4.0))
    mine = build(real, bracket_answers()).model
    assert real.coords["age"] == tuple(AGES.categories)
    assert mine.coords["age"] == tuple(TEXTS) and mine.coords["mixed"] == ("a", "2")
    for point in points(reference):
        np.testing.assert_allclose(loglik(mine, point), observed_logp(reference, point))
    columns = {"bracket": fp.codes("bracket", levels=list(AGES.categories))}
    again = build(real, bracket_answers(), columns=columns).model
    (point,) = points(reference, count=1)
    np.testing.assert_allclose(loglik(again, point), loglik(mine, point))
    parts = build(real, bracket_answers(), informs={"level": [AGES.categories[1]]}).parts
    assert parts == {"level": ((1,), (TEXTS[1],))}


def test_tuples_and_bare_intervals_in_answers():
    frame = pd.DataFrame({"cell": [("a", 1), ("b", 2)], "age": AGES.categories[:2], "y": [0, 1]})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y")
    assert llm.column("cell").tolist() == ["('a', 1)", "('b', 2)"]
    assert llm.column("age").tolist() == TEXTS[:2]
    table = Table.from_real(frame.assign(cut=pd.Categorical(frame["age"])))
    assert table.levels == {"cut": tuple(TEXTS[:2])}
    assert [table.column(n, "x").tolist() for n in ("age", "cut")] == [TEXTS[:2]] * 2


def test_draws_at_one_trust_have_such_labels(tmp_path):
    real = brackets([0, 1, 2, 1], [0.0, 1.0, 0.5, 1.5])
    how = {"draws": 20, "tune": 20, "chains": 2, "cores": 1, "progressbar": False}
    tree = fp.sample(real, bracket_answers(), trust=0.5, random_seed=1, **how)
    for group in ("posterior", "prior", "primitive_prior", "log_prior"):
        assert tree[group]["age"].values.tolist() == TEXTS
        assert tree[group]["level"].dims == ("chain", "draw", "age")
    tree.to_netcdf(tmp_path / "draws.nc")


def test_a_path_with_such_labels(tmp_path):
    real = brackets([0, 1, 2, 1], [0.0, 1.0, 0.5, 1.5])
    path = fp.trust_path(real, bracket_answers(), random_seed=1, draws=300, chains=2)
    assert path.mean("level", trust=0.5)["age"].values.tolist() == TEXTS
    assert float(path.mean("level", trust=0.5).sel(age="(30, 50]")) == pytest.approx(
        float(path.mean("level", trust=0.5)[1])
    )
    path.to_netcdf(tmp_path / "path.nc")
    for model in (real, copy_model(real)):
        again = fp.TrustPath.from_netcdf(tmp_path / "path.nc", model=model)
        assert again.mean("level", trust=0.5)["age"].values.tolist() == TEXTS
