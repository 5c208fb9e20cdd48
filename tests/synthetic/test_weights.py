import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation_priors.errors import ColumnError
from foundation_priors.synthetic import SyntheticData
from foundation_priors.synthetic import weights as core


def classic(scores, groups):
    """One-way analysis-of-variance ICC and 1 + (m - 1) ICC, for equal sizes."""
    frame = pd.DataFrame({"y": scores, "g": groups})
    sizes = frame.groupby("g").size()
    m, count = sizes.iloc[0], len(sizes)
    means = frame.groupby("g")["y"].transform("mean")
    between = ((means - frame["y"].mean()) ** 2).sum() / (count - 1)
    within = ((frame["y"] - means) ** 2).sum() / (len(frame) - count)
    icc = (between - within) / (between + (m - 1) * within)
    return 1 + (m - 1) * icc


def test_equals_the_classic_formula_for_equal_sizes():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(12), 5)
    scores = rng.normal(size=12)[groups] + rng.normal(size=60)
    found = core.design_effect(scores[:, None], groups)
    assert found == pytest.approx(classic(scores, groups), rel=1e-12)


@given(
    scores=st.lists(st.integers(-3, 3), min_size=2, max_size=20),
    times=st.integers(2, 10),
    data=st.data(),
)
def test_copying_multiplies_by_exactly_the_number_of_copies(scores, times, data):
    labels = st.lists(st.integers(0, 4), min_size=len(scores), max_size=len(scores))
    groups = np.unique(data.draw(labels), return_inverse=True)[1]
    column = np.array(scores, dtype=float)[:, None] + 0.1
    once = core.design_effect(column, groups)
    copied = core.design_effect(np.tile(column, (times, 1)), np.tile(groups, times))
    np.testing.assert_allclose(copied, times * once, rtol=1e-9, atol=1e-12)


def test_rows_that_are_each_a_cluster_are_independent():
    assert core.design_effect(np.arange(5.0)[:, None], np.arange(5)) == pytest.approx(1)


def test_one_cluster_cannot_be_told_apart():
    assert np.isnan(core.design_effect(np.arange(5.0)[:, None], np.zeros(5, int)))


def test_equal_outcomes_are_one_voice_a_cluster():
    assert core.design_effect(np.full((6, 1), 0.1), np.array([0, 0, 0, 1, 1, 1])) == 3


def test_huge_outcomes_do_not_overflow():
    column = np.array([[1e300], [1e300], [-1e300], [-1e300]])
    assert core.design_effect(column, np.array([0, 0, 1, 1])) == pytest.approx(2)


@st.composite
def frames(draw):
    rows = draw(st.integers(1, 14))
    column = {
        "age": st.integers(20, 22),
        "score": st.integers(0, 3).map(float),
        "vote": st.sampled_from(["a", "b", "c"]),
        "framing": st.sampled_from(["plain", "roleplay"]),
        "draw": st.integers(0, 3),
    }
    drop = draw(st.sets(st.sampled_from(["age", "framing", "draw"])))
    return pd.DataFrame(
        {
            n: draw(st.lists(s, min_size=rows, max_size=rows))
            for n, s in column.items()
            if n not in drop
        }
    )


@settings(deadline=None, max_examples=60)
@given(frame=frames(), times=st.integers(2, 10), fresh=st.booleans(), ordered=st.booleans())
def test_effective_rows_do_not_change_under_copying(frame, times, fresh, ordered):
    levels = {"vote": pd.CategoricalDtype(["a", "b", "c"], ordered=ordered)}
    copied = pd.concat([frame] * times).sample(frac=1, random_state=1)
    if fresh:
        copied["draw"] = np.arange(len(copied))
    for outcome in ("score", "vote", ["score", "vote"]):
        one, many = (
            SyntheticData.from_dataframe(f, outcome=outcome, levels=levels) for f in (frame, copied)
        )
        assert many.weights().sum() == pytest.approx(one.weights().sum(), rel=1e-9)
        assert one.weights().sum() <= len(frame) * (1 + 1e-12)


def voters(**more):
    frame = pd.DataFrame(
        {
            "profile": np.repeat([0, 1, 2], 4),
            "vote": ["a"] * 4 + ["b"] * 4 + ["a", "a", "b", "b"],
            "framing": ["x", "y"] * 6,
        }
    )
    return SyntheticData.from_dataframe(frame, outcome="vote", unit="profile", **more)


def test_answers_of_few_kinds_are_no_copies():
    frame = pd.DataFrame({"y": [1] * 3 + [0] * 7, "draw": range(10)})
    llm = SyntheticData.from_dataframe(frame, outcome="y", source="gpt")
    assert llm.weights().sum() == 10
    assert "can't be told apart" in repr(llm)
    ten = SyntheticData.from_dataframe(pd.concat([frame] * 10), outcome="y", source="gpt")
    assert ten.weights().sum() == pytest.approx(10)


def test_weights_are_equal_and_the_table_names_the_clustering():
    llm = voters(levels={"vote": ["a", "b"]})
    table = llm.effective_size(by="framing")
    assert set(llm.weights()) == {1 / table.loc["total", "design_effect"]}
    assert list(table.index) == ["x", "y", "total"]
    assert set(table["clustering"]) == {"profile"}
    assert table.loc["total", "rows"] == 12
    assert table.loc["total", "duplicates"] == 8
    assert table.loc[["x", "y"], "effective_rows"].sum() == pytest.approx(
        table.loc["total", "effective_rows"]
    )


def test_unordered_strings_are_indicators_and_two_levels_are_codes():
    assert voters().weights() == pytest.approx(voters(levels={"vote": ["b", "a"]}).weights())


def test_given_weights_are_taken_as_they_are():
    assert voters(weight=1).weights().tolist() == [1.0] * 12
    assert voters(weight=np.arange(12)).weights().tolist() == list(range(12))
    table = voters(weight=0.5).effective_size()
    assert table.loc["total", "clustering"] == "given by the user"
    assert table.loc["total", "effective_rows"] == 6


def test_weight_may_name_a_column_which_is_then_no_covariate():
    frame = pd.DataFrame({"y": [1.0, 2.0], "w": [1, 3]})
    llm = SyntheticData.from_dataframe(frame, outcome="y", weight="w")
    assert llm.weights().tolist() == [1.0, 3.0]
    assert llm.covariates == () and llm.factors == ()


def test_the_display_says_when_clusters_cannot_be_told_apart():
    frame = pd.DataFrame({"y": [1.0, 2.0, 2.5], "source": ["a", "a", "a"]})
    llm = SyntheticData.from_dataframe(frame, outcome="y")
    assert llm.weights().tolist() == [1.0, 1.0, 1.0]
    assert llm.effective_size().loc["a", "clustering"] == "clusters can't be told apart"
    assert "clusters can't be told apart" in repr(llm)


def test_conversations_count_within_their_source():
    frame = pd.DataFrame(
        {"y": [0.0, 0.0, 1.0, 1.0] * 2, "conversation": [0, 0, 1, 1] * 2, "source": ["a"] * 8}
    )
    frame.loc[4:, "source"] = "b"
    llm = SyntheticData.from_dataframe(frame, outcome="y")
    # Four conversations of two equal answers each, not two of four.
    assert llm.weights().sum() == pytest.approx(4)


def test_two_dimensional_outcomes_take_the_worst_column():
    import xarray as xr

    wide = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    data = xr.Dataset({"y": (("answer", "k"), wide), "framing": ("answer", list("aabb"))})
    assert SyntheticData(data, outcome="y").weights().sum() == pytest.approx(2)


def test_unknown_outcome():
    with pytest.raises(ColumnError, match="no outcome. Did you mean 'vote'"):
        voters().weights("vot")
