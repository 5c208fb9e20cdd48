"""Columns outside the model that give the outcome away."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import foundation_priors as fp
from foundation_priors.diagnose.covariate_leak import covariate_leak
from foundation_priors.diagnose.covariate_leak_core import (
    accuracy,
    features,
    follow,
    gained,
    predicted,
)
from foundation_priors.errors import ColumnError
from foundation_priors.plots.leakage import plot_covariate_leak


def test_waiting_times_give_the_mode_away_and_the_answers_follow_them():
    study = fp.datasets.load("modechoice")
    found = covariate_leak(
        study.synthetic,
        study.real,
        pairs="traveller",
        outside=["ttme"],
        given=["invc", "invt", "hinc", "psize"],
        random_seed=1,
    )
    score = found["accuracy"]
    assert score.sel(columns="outside") > 0.95 and score.sel(columns="given") < 0.75
    assert (found["p_value"] < 0.01).all()
    follows = found["follows"].sel(group=["forecast-1", "plain-1"])
    assert (follows > 1.5 * found["follows"].sel(group="roleplay-1")).all()
    assert "give the outcome away" in found.attrs["reading"] and found.attrs["fails_when"]
    assert len(plot_covariate_leak(found).get_yticks()) == 4


@pytest.mark.parametrize(
    ("name", "outcome", "outside", "given"),
    [
        ("anes96", "vote", ["popul", "TVnews"], ["PID", "age", "educ", "income"]),
        ("wages", "lwage", ["nearc4"], ["educ", "exper", "black", "south", "smsa"]),
    ],
)
def test_the_other_studies_are_not_accused(name, outcome, outside, given):
    study = fp.datasets.load(name)
    found = covariate_leak(
        study.synthetic,
        study.real,
        pairs="profile",
        outside=outside,
        given=given,
        outcome=outcome,
        random_seed=1,
    )
    score = found["accuracy"]
    assert abs(float(score.sel(columns="both") - score.sel(columns="given"))) < 0.02
    assert "not shown to tell more" in found.attrs["reading"]


def test_cross_validated_predictions_by_closed_form(rng):
    """Without features a level's probability is its share in the other folds."""
    y, folds = rng.integers(0, 3, 60), np.arange(60) % 5
    fit = predicted(np.empty((60, 0)), y, 3, folds)
    for fold in range(5):
        share = np.bincount(y[folds != fold], minlength=3) / 48
        np.testing.assert_allclose(fit[folds == fold], np.tile(share, (12, 1)), atol=1e-3)
    z = y + rng.normal(size=60)
    plain = predicted(np.empty((60, 0)), z, None, folds)
    assert plain[0] == pytest.approx(z[folds != 0].mean())


def test_a_gain_is_judged_by_its_own_error(rng):
    """Of n rows a more are right and b fewer: gain (a - b) / n, variance as of McNemar's test."""
    y = np.zeros(50, dtype=int)
    less = np.eye(2)[(np.arange(50) < 6).astype(int)]
    more = np.eye(2)[((np.arange(50) >= 4) & (np.arange(50) < 7)).astype(int)]
    gain, error = gained(more, less, y)
    assert gain == pytest.approx(3 / 50)
    assert error == pytest.approx(np.sqrt((5 - 9 / 50) / 49 / 50))
    numbers = rng.normal(size=50)
    gain, _ = gained(numbers + 0.1, np.zeros(50), numbers)
    assert gain == pytest.approx(accuracy(numbers + 0.1, numbers) - accuracy(np.zeros(50), numbers))


def test_columns_of_noise_do_not_give_the_outcome_away(rng):
    """Few rows: noise adds more than 2% by luck in many of them, and is called a leak in few."""
    gains, called = [], 0
    for _ in range(40):
        said, frame = world(rng, 30)
        frame["noise"] = rng.normal(size=len(frame))
        found = covariate_leak(said, frame, pairs="id", outside="noise", given=["x"], folds=5)
        gains.append(found.attrs["gain"])
        called += "not shown to tell more" not in found.attrs["reading"]
    assert np.mean(np.array(gains) > 0.02) > 0.1
    assert called <= 4


def test_features_of_constant_text_and_repeated_columns():
    assert features({"same": np.ones(10)}).shape == (10, 0)
    text = features({"place": np.array(["a", "b"] * 5, dtype=object)})
    assert text.shape == (10, 2)
    np.testing.assert_allclose(text.std(axis=0), 1)


def test_following_is_uniform_without_a_hint(rng):
    p = [
        follow(rng.normal(size=30), rng.normal(size=30), rng.integers(0, 3, 30), rng, size=99)[2]
        for _ in range(300)
    ]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 300))


def world(rng, n=60):
    x, z = rng.normal(size=(2, n))
    y = (rng.random(n) < expit(x + 3 * z)).astype(int)
    frame = pd.DataFrame({"x": x, "z": z, "y": y, "id": np.arange(n)})
    said = fp.SyntheticData.from_dataframe(
        pd.DataFrame({"y": (z > 0).astype(int), "id": frame["id"]}), outcome="y", unit="id"
    )
    return said, frame


def test_several_columns_are_judged_one_by_one(rng):
    said, frame = world(rng)
    frame["noise"] = rng.normal(size=len(frame))
    found = covariate_leak(said, frame, pairs="id", outside=["z", "noise"], given=["x"])
    score = found["accuracy"]
    assert score.sel(columns="z") > score.sel(columns="noise") + 0.15
    assert found["p_value"].item() < 0.01


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"outside": []}, "names no column"),
        ({"outside": ["w"]}, "no column 'w'"),
        ({"outcome": "w"}, "none of the answers"),
        ({"pairs": np.arange(100, 160)}, "no pairs"),
        ({"pairs": [1, 2]}, "shape"),
        ({"pairs": "w"}, "no column 'w'"),
    ],
)
def test_bad_input(rng, how, message):
    said, frame = world(rng)
    given = {"pairs": "id", "outside": ["z"]} | how
    with pytest.raises(ColumnError, match=message):
        covariate_leak(said, frame, **given)


def test_too_few_rows_one_class_missing_values_and_other_kinds(rng):
    said, frame = world(rng)
    with pytest.raises(ColumnError, match="needs 20 rows"):
        covariate_leak(said, frame[:10], pairs="id", outside=["z"])
    with pytest.raises(ColumnError, match="2 outcomes"):
        covariate_leak(said, frame.assign(y=1), pairs="id", outside=["z"])
    with pytest.raises(ColumnError, match="missing values"):
        covariate_leak(said, frame.assign(z=np.nan), pairs="id", outside=["z"])
    with pytest.raises(TypeError, match="DataFrame or a Dataset"):
        covariate_leak(said, frame.to_numpy(), pairs="id", outside=["z"])
    with pytest.raises(TypeError, match="SyntheticData"):
        covariate_leak(frame, frame, pairs="id", outside=["z"])
    with pytest.raises(ValueError, match="folds"):
        covariate_leak(said, frame, pairs="id", outside=["z"], folds=1)
