"""Answers that are distributions: one row for each level, weighted by its chance."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foundation_priors as fp
from foundation_priors.errors import ColumnError

LEVELS = {"vote": ["Clinton", "Dole"]}


def frame(chances, framings=1):
    """Two rows for each person and framing: the chance of Clinton and that of Dole."""
    rows = [
        (person, 20 + person, f"f{framing}", vote, p if vote == "Dole" else 1 - p)
        for framing in range(framings)
        for person, p in enumerate(chances)
        for vote in LEVELS["vote"]
    ]
    return pd.DataFrame(rows, columns=["person", "age", "framing", "vote", "chance"])


def said(chances, framings=1, **options):
    return fp.SyntheticData.from_dataframe(
        frame(chances, framings), outcome="vote", unit="person", probability="chance",
        levels=LEVELS, **options,
    )  # fmt: skip


def test_each_answer_counts_once():
    llm = said([0.2, 0.7, 0.9])
    np.testing.assert_allclose(llm.weights(), [0.8, 0.2, 0.3, 0.7, 0.1, 0.9])
    assert llm.effective_size().loc["total", "effective_rows"] == pytest.approx(3)
    assert llm.effective_size().loc["total", "design_effect"] == pytest.approx(1)
    assert llm.covariates == ("age",)


def test_the_same_chances_under_three_framings_are_one_voice():
    llm = said([0.2, 0.7, 0.9], framings=3)
    assert llm.effective_size().loc["total", "effective_rows"] == pytest.approx(3)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.integers(2, 5))
def test_copying_changes_nothing(chances, times):
    llm = said(chances, framings=2)
    copies = fp.concat([llm] * times)
    assert copies.weights().sum() == pytest.approx(llm.weights().sum())


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_one_answer_moves_the_summed_weight_by_at_most_five_in_n(seed):
    rng = np.random.default_rng(seed)
    chances = rng.beta(0.5, 0.5, 60)
    frames = [frame(chances, 1)] + [frame(chances, 1) for _ in range(3)]
    for f in frames[1:]:
        f["person"] %= 25
        f["age"] = 20 + f["person"]
    frames = frames[rng.integers(4)]
    frames["framing"] = "f0"
    before = total(frames)
    changed = frames.copy()
    i = 2 * rng.integers(60)
    p = rng.choice([0.0, 1.0, rng.random()])
    changed.loc[[i, i + 1], "chance"] = [1 - p, p]
    for other in (changed, frames.drop(index=[i, i + 1])):
        assert abs(total(other) / before - 1) <= 5 / 60


def total(rows):
    rows = rows.assign(call=np.arange(len(rows)) // 2)
    return fp.SyntheticData.from_dataframe(
        rows, outcome="vote", unit="person", cluster="call", probability="chance", levels=LEVELS
    ).weights().sum()  # fmt: skip


def test_given_weights_are_those_of_answers():
    llm = said([0.2, 0.7], weight=0.5)
    np.testing.assert_allclose(llm.weights(), [0.4, 0.1, 0.15, 0.35])
    assert llm.with_weight(1).weights().sum() == pytest.approx(2)


def test_the_tilt_averages_the_log_likelihood():
    with pm.Model() as model:
        theta = pm.Beta("theta", 1, 1)
        pm.Bernoulli("vote", theta, observed=np.array([0, 1, 1]))
    tilted = fp.tilt(model, said([0.2, 0.7, 0.7]), trust=1.0)
    loglik = tilted.compile_fn(tilted.replace_rvs_by_values([tilted["fp_loglik"]])[0])
    at = 0.3
    found = loglik({"theta_logodds__": np.log(at / (1 - at))})
    dole = 0.2 + 0.7 + 0.7
    effective = said([0.2, 0.7, 0.7]).weights().sum() / 3
    truth = effective * (dole * np.log(at) + (3 - dole) * np.log(1 - at))
    assert float(found) == pytest.approx(truth)


def test_nothing_is_lost_in_a_file(tmp_path):
    llm = said([0.2, 0.7], framings=2)
    llm.to_netcdf(tmp_path / "llm.nc")
    again = fp.SyntheticData.from_netcdf(tmp_path / "llm.nc")
    assert again.identical(llm)
    np.testing.assert_array_equal(again.sel(framing="f0").weights(), said([0.2, 0.7]).weights())


@pytest.mark.parametrize(
    "change, message",
    [
        ({"probability": "chances"}, "Did you mean 'chance'"),
        ({"probability": "framing"}, "from 0 to 1"),
        ({"outcome": ["vote", "age"]}, "one outcome"),
    ],
)
def test_bad_input(change, message):
    options = {"outcome": "vote", "probability": "chance", "levels": LEVELS, **change}
    with pytest.raises(ColumnError, match=message):
        fp.SyntheticData.from_dataframe(frame([0.2]), **options)


def test_impossible_chances():
    with pytest.raises(ColumnError, match="from 0 to 1"):
        said([1.2])


def test_parts_must_agree():
    plain = fp.SyntheticData.from_dataframe(
        frame([0.2]).drop(columns="chance"), outcome="vote", unit="person", levels=LEVELS
    )
    with pytest.raises(ColumnError, match="probability"):
        fp.concat([said([0.2]), plain], source=["a", "b"])


def test_one_answer_of_chances_alone():
    alone = pd.DataFrame({"vote": ["Clinton", "Dole"], "chance": [0.3, 0.7]})
    options = {"outcome": "vote", "probability": "chance", "levels": LEVELS}
    llm = fp.SyntheticData.from_dataframe(alone, **options)
    np.testing.assert_allclose(llm.weights(), [0.3, 0.7])
    with pytest.raises(ColumnError, match="0 in every row"):
        fp.SyntheticData.from_dataframe(alone.assign(chance=0.0), **options)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"levels": ["no", "yes"]}, r"must be a dict \{column: levels\}"),
        ({"unit": ["person"]}, "name of one column"),
        ({"probability": ["chance"]}, "name of one column"),
    ],
)
def test_arguments_of_the_wrong_kind(change, message):
    options = {"outcome": "vote", "probability": "chance", "levels": LEVELS, **change}
    with pytest.raises(TypeError, match=message):
        fp.SyntheticData.from_dataframe(frame([0.2]), **options)
