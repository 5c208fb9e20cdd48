import copy
import pickle

import pandas as pd
import pytest
import xarray as xr

from foundation_priors.errors import ColumnError
from foundation_priors.synthetic import SyntheticData


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "profile": [0, 0, 1, 1],
            "vote": ["Clinton", "Dole", "Dole", "Dole"],
            "age": [30, 30, 61, 61],
            "framing": ["plain", "roleplay", "plain", "roleplay"],
            "draw": [0, 1, 0, 1],
            "model": ["qwen3", "qwen3", "gpt", "gpt"],
        },
        index=[7, 7, 8, 9],
    )


@pytest.fixture
def llm(frame):
    return SyntheticData.from_dataframe(
        frame,
        outcome="vote",
        source="model",
        unit="profile",
        levels={"vote": ["Clinton", "Dole"]},
        provenance={"prompts": {"plain": "..."}, "seeds": (1, 2)},
    )


def test_columns_are_sorted_into_outcomes_covariates_and_factors(llm):
    assert llm.outcomes == ("vote",)
    assert llm.covariates == ("age",)
    assert set(llm.factors) == {"framing", "draw", "model", "source"}
    assert llm.unit == "profile"
    assert llm.levels == {"vote": ("Clinton", "Dole")}
    assert llm.sources == ("qwen3", "gpt")
    assert len(llm) == 4


@pytest.mark.parametrize(
    ("key", "instead"),
    [("vote", r"\.column\('vote'\)"), (0, r"\.isel\(rows\)"), (slice(2), r"\.isel\(rows\)")],
)
def test_indexing_says_what_to_use_instead(llm, key, instead):
    with pytest.raises(TypeError, match=rf"cannot be indexed.* use {instead}.*\.dataset"):
        llm[key]


def test_provenance_is_plain_and_complete(llm):
    found = llm.provenance
    assert found["seeds"] == [1, 2] and found["prompts"] == {"plain": "..."}
    assert found["model"] == found["sampling"] == found["dates"] == "not recorded"


def test_source_that_is_no_column_names_all_rows(frame):
    llm = SyntheticData.from_dataframe(frame.drop(columns="model"), outcome="vote", source="gpt")
    assert llm.sources == ("gpt",)


def test_sources_may_be_unnamed(frame):
    llm = SyntheticData.from_dataframe(frame.drop(columns="model"), outcome="vote")
    assert llm.sources == ()
    assert list(llm.groups()) == list(llm.groups("source")) == ["synthetic"]
    assert list(llm.effective_size().index) == ["synthetic", "total"]


def test_groups(llm):
    assert list(llm.groups()) == ["synthetic"]
    assert list(llm.sel(source="gpt").groups()) == ["gpt"]
    groups = llm.groups("source")
    assert {name: rows.tolist() for name, rows in groups.items()} == {
        "qwen3": [0, 1],
        "gpt": [2, 3],
    }
    assert list(llm.groups("profile")) == ["0", "1"]
    with pytest.raises(ColumnError, match="Did you mean 'framing'"):
        llm.groups("framin")


def test_selection(llm):
    assert llm.sel(framing="plain", profile=1).column("vote").tolist() == ["Dole"]
    assert len(llm.sel(profile=[0, 1])) == 4
    assert len(llm.sel(draw=slice(1, None))) == 2
    assert llm.isel(slice(2)).column("draw").tolist() == [0, 1]
    assert len(llm.isel(-1)) == 1
    assert llm.sel(source="gpt").provenance == llm.provenance


@pytest.mark.parametrize(
    ("indexers", "message"),
    [
        ({"framng": "plain"}, "no factor 'framng'. Did you mean 'framing'"),
        ({"framing": "plian"}, "framing='plian'. Did you mean 'plain'"),
        ({"framing": "plain", "draw": 1}, "No answer has all of"),
        ({"framing": slice(1, 2)}, "cannot be compared"),
        ({"draw": slice(0, 2, 2)}, "isel"),
    ],
)
def test_wrong_selections(llm, indexers, message):
    with pytest.raises(ColumnError, match=message):
        llm.sel(**indexers)


def test_empty_selection(llm):
    with pytest.raises(ColumnError, match="zero rows"):
        llm.isel([False] * 4)


def test_what_comes_out_is_a_copy(llm):
    llm.dataset["age"][:] = 0
    llm.dataset.attrs["x"] = 1
    llm.column("age")[:] = 0
    llm.provenance["prompts"]["plain"] = "changed"
    llm.levels.clear()
    assert llm.column("age").tolist() == [30, 30, 61, 61]
    assert llm.provenance["prompts"]["plain"] == "..."
    assert llm.levels


def test_what_goes_in_is_copied(frame):
    data = xr.Dataset(
        {name: ("answer", frame[name].to_numpy(copy=True)) for name in ("vote", "age")}
    )
    llm = SyntheticData(data, outcome="vote")
    data["age"][:] = 0
    assert llm.column("age").tolist() == [30, 30, 61, 61]


def test_frozen(llm):
    with pytest.raises(AttributeError, match="frozen"):
        llm.outcomes = ("age",)
    with pytest.raises(AttributeError, match="frozen"):
        llm.new = 1
    with pytest.raises(AttributeError, match="frozen"):
        del llm._data


def test_copies_and_pickles(llm):
    for twin in (copy.copy(llm), copy.deepcopy(llm), pickle.loads(pickle.dumps(llm))):
        assert twin.identical(llm)


def test_identical_notices_kinds_and_meaning(llm, frame):
    other = SyntheticData.from_dataframe(frame.astype({"age": float}), outcome="vote")
    assert not llm.identical(other) and not llm.identical("llm")


def test_missing_column(llm):
    with pytest.raises(ColumnError, match="no column 'vot'. Did you mean 'vote'"):
        llm.column("vot")


def test_text_says_what_it_is(llm):
    text = repr(llm)
    for part in (
        "synthetic",
        "4 answers",
        "qwen3, gpt",
        "effective rows",
        "repeat",
        "not recorded",
    ):
        assert part in text
    assert "{Clinton, Dole}" in text
    assert max(map(len, text.splitlines())) <= 88


def test_html_is_self_contained_and_escaped(frame):
    llm = SyntheticData.from_dataframe(
        frame, outcome="vote", source="<b>", provenance={"prompts": {"a": "<script>"}}
    )
    page = llm._repr_html_()
    assert "&lt;script&gt;" in page and "<script>" not in page and "<b>" not in page
    assert "synthetic" in page and "effective rows" in page and "http" not in page


def test_other_weights_change_nothing_else(frame, llm):
    one = llm.with_weight(1)
    assert one.weights().tolist() == [1.0] * 4
    assert one.with_weight().identical(llm)
    assert one.provenance == llm.provenance and one.factors == llm.factors
    told = {"outcome": "vote", "source": "model", "unit": "profile", "levels": llm.levels}
    fresh = SyntheticData.from_dataframe(frame, weight=1, provenance=llm.provenance, **told)
    assert fresh.identical(one)


def test_other_weights_may_name_a_column_and_are_checked(llm):
    by_age = llm.with_weight("age")
    assert by_age.weights().tolist() == [30.0, 30.0, 61.0, 61.0]
    assert by_age.covariates == ()
    for bad, said in ((-1, "negative"), ([1, 2], r"shape \(2,\)"), ("agge", "Did you mean 'age'")):
        with pytest.raises(ColumnError, match=said):
            llm.with_weight(bad)
