import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from foundation_priors.errors import ColumnError
from foundation_priors.synthetic import SyntheticData
from foundation_priors.synthetic.columns import tidy


def make(columns=None, **more):
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0], "x": [1, 2, 3], "who": ["a", "b", "c"]})
    return SyntheticData.from_dataframe(frame.assign(**(columns or {})), **{"outcome": "y", **more})


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "i"),
        ([1, 2.5], "f"),
        ([True, False], "b"),
        (["a", None], "O"),
        (np.array(["a", "b"]), "O"),
        (pd.array(["a", None], dtype="string"), "O"),
        (pd.array([1, None], dtype="Int64"), "f"),
        (pd.array([1, 2], dtype="Int8"), "i"),
        (pd.array([True, False], dtype="boolean"), "b"),
        ([decimal.Decimal("1.5"), None], "f"),
        ([datetime.date(2020, 1, 1), None], "M"),
        (pd.to_datetime(["2020-01-01T12:00+02:00"]), "M"),
        ([datetime.timedelta(days=1), None], "m"),
        (np.array([1, 2], dtype=np.float16), "f"),
        ([None, None], "O"),
        (pd.Categorical([2, 1]), "i"),
    ],
)
def test_kinds(values, kind):
    assert tidy("x", values).dtype.kind == kind


def test_zones_become_utc():
    found = tidy("x", pd.to_datetime(["2020-01-01T12:00+02:00"]))
    assert found[0] == np.datetime64("2020-01-01T10:00")


@pytest.mark.parametrize(
    ("columns", "more", "message"),
    [
        ({}, {"outcome": "Y "}, "outcome='Y ' is no column of the answers. Did you mean 'y'"),
        ({}, {"outcome": []}, "No outcome"),
        ({}, {"outcome": ["y", "y"]}, "twice"),
        ({}, {"unit": "whoo"}, "unit='whoo' is no column of the answers. Did you mean 'who'"),
        ({}, {"cluster": ["xx"]}, "cluster='xx' is no column"),
        ({}, {"weight": "ww"}, "weight='ww' is no column"),
        ({}, {"levels": {"z": ["a"]}}, "levels='z' is no column"),
        ({"y": [1, np.nan, np.inf]}, {}, "outcome 'y' is missing or infinite in rows 1, 2"),
        ({"x": [np.nan, 1, 2]}, {}, "covariate 'x' is missing or infinite in row 0"),
        ({"who": ["a", None, "b"]}, {"outcome": "who"}, "outcome 'who' is missing in row 1"),
        ({"who": ["a", None, "b"]}, {"unit": "who"}, "unit 'who' is missing in row 1"),
        ({"who": ["a", None, "b"]}, {"source": "who"}, "source is missing in row 1"),
        ({"who": ["a", 1, "b"]}, {}, "'who' holds values of kind 'mixed-integer'"),
        ({"who": [[1], [2], [3]]}, {}, "'who' holds values of kind 'mixed'"),
        ({"who": [True, None, True]}, {}, "'boolean' with gaps"),
        ({"y": pd.to_datetime(["2020-01-01"] * 3)}, {}, "holds times"),
        ({}, {"levels": {"who": ["a", "B", "c"]}}, "'b' in row 1, which is none.*mean 'B'"),
        ({}, {"levels": {"x": range(2, 4)}}, "holds 1 in row 0, which is none"),
        ({}, {"levels": {"who": ["a", "a"]}}, "distinct"),
        ({}, {"levels": {"who": "abc"}}, "must be a list"),
        ({}, {"weight": -1}, "negative or not finite in rows 0, 1, 2"),
        ({}, {"weight": [1, np.nan, 1]}, "negative or not finite in row 1"),
        ({}, {"weight": [1, 1]}, "shape .2,."),
        ({}, {"weight": 0}, "All weights are zero"),
        ({}, {"weight": "who"}, "must hold numbers"),
        ({"answer": 1}, {}, "named 'answer'"),
    ],
)
def test_bad_input(columns, more, message):
    with pytest.raises(ColumnError, match=message) as error:
        make(columns, **more)
    assert "\n" not in str(error.value)


def test_zero_rows():
    with pytest.raises(ColumnError, match="zero rows"):
        SyntheticData.from_dataframe(pd.DataFrame({"y": []}), outcome="y")
    with pytest.raises(ColumnError, match="zero rows"):
        SyntheticData.from_jsonl([], outcome="y")
    with pytest.raises(ColumnError, match="zero rows"):
        SyntheticData(xr.Dataset({"y": ("answer", [])}), outcome="y")


def test_names_of_columns():
    with pytest.raises(ColumnError, match="two columns named 'y'"):
        SyntheticData.from_dataframe(pd.DataFrame([[1, 2]], columns=["y", "y"]), outcome="y")
    with pytest.raises(ColumnError, match="no string"):
        SyntheticData.from_dataframe(pd.DataFrame([[1, 2]]), outcome="y")


def test_wrong_types():
    with pytest.raises(TypeError, match="from_dataframe"):
        SyntheticData(pd.DataFrame({"y": [1]}), outcome="y")
    with pytest.raises(TypeError, match="DataFrame"):
        SyntheticData.from_dataframe([1], outcome="y")
    with pytest.raises(TypeError, match="provenance"):
        make(provenance="by hand")
    with pytest.raises(TypeError, match="cannot be written down"):
        make(provenance={"f": object()})


def test_categorical_columns_become_strings_with_levels():
    who = pd.Categorical(["c", "a", "a"], categories=["c", "b", "a"], ordered=True)
    llm = make({"who": who})
    assert llm.column("who").tolist() == ["c", "a", "a"]
    assert llm.levels == {"who": ("c", "b", "a")}
    assert llm.ordered == ("who",)


def test_intervals_are_known_by_their_names():
    llm = make({"band": pd.cut([10, 25, 31], [0, 20, 40])})
    assert llm.levels["band"] == ("(0, 20]", "(20, 40]")
    assert llm.column("band").tolist() == ["(0, 20]", "(20, 40]", "(20, 40]"]


def test_given_levels_replace_those_of_a_categorical():
    llm = make({"who": pd.Categorical(["a", "b", "c"])}, levels={"who": ["c", "b", "a"]})
    assert llm.levels == {"who": ("c", "b", "a")}


def test_missing_strings_are_allowed_in_covariates():
    assert make({"who": ["a", None, "b"]}).column("who").tolist() == ["a", None, "b"]


def test_clusters_become_coordinates():
    llm = make(cluster="who")
    assert llm.clusters == ("who",) and "who" in llm.factors and llm.covariates == ("x",)


def test_rows_of_a_dataset_may_have_another_name():
    data = xr.Dataset(
        {"y": (("row", "k"), np.ones((2, 3)))}, {"row": [5, 6], "k": list("abc"), "source": "gpt"}
    )
    llm = SyntheticData(data, outcome="y")
    assert llm.dataset["y"].dims == ("answer", "k")
    assert llm.dataset["k"].values.tolist() == ["a", "b", "c"]
    assert llm.sources == ("gpt",)
    assert llm.column("y").shape == (2, 3)


def test_dataset_with_categorical_variable():
    frame = pd.DataFrame({"y": [1, 2], "who": pd.Categorical(["b", "a"], ["b", "a"])})
    llm = SyntheticData(xr.Dataset.from_dataframe(frame), outcome="y")
    assert llm.levels == {"who": ("b", "a")}


def test_columns_have_one_value_or_one_row_of_numbers_per_answer():
    data = xr.Dataset({"y": ("answer", [1.0, 2.0]), "x": (("k", "answer"), np.ones((3, 2)))})
    assert SyntheticData(data, outcome="y").column("x").shape == (2, 3)
    for wrong in (1.0, ("k", np.ones(3)), (("answer", "k", "j"), np.ones((2, 3, 2)))):
        with pytest.raises(ColumnError, match="one value per answer"):
            SyntheticData(data.assign(z=wrong), outcome="y")


def test_a_column_name_that_no_file_can_hold():
    frame = pd.DataFrame({"income/1000": [1.0, 2.0], "y": [1, 2]})
    with pytest.raises(ColumnError, match="'income/1000' holds '/'.*rename"):
        SyntheticData.from_dataframe(frame, outcome="y")


def test_json_lines(tmp_path):
    text = '{"y": 1, "framing": "a"}\n\n{"y": 2, "framing": "b"}\n'
    path = tmp_path / "answers.jsonl"
    path.write_text(text)
    sources = [
        path,
        str(path),
        text,
        text.splitlines(),
        [{"y": 1, "framing": "a"}, {"y": 2, "framing": "b"}],
    ]
    for lines in sources:
        llm = SyntheticData.from_jsonl(lines, outcome="y")
        assert llm.column("y").tolist() == [1, 2] and llm.column("y").dtype.kind == "i"
        assert llm.factors == ("framing",)


@pytest.mark.parametrize(
    ("lines", "message"),
    [(['{"y": 1}', "nope"], "Line 2 is not JSON"), (["[1]"], "Line 1 is .1., and each")],
)
def test_bad_json_lines(lines, message):
    with pytest.raises(ValueError, match=message):
        SyntheticData.from_jsonl(lines, outcome="y")


def test_a_dataset_that_was_taken_out_goes_back_in():
    llm = make(weight=[0.1, 0.2, 0.3], source="gpt")
    again = SyntheticData(llm.dataset, outcome="y")
    assert again.identical(llm)


def test_a_source_can_be_renamed_whatever_it_was():
    llm = make({"source": pd.Categorical([3, 3, 4])})
    assert llm.sources == ("3", "4")
    assert make({"source": pd.Categorical(["a", "b", "a"])}, source="gpt").sources == ("gpt",)


def test_levels_of_an_outcome_with_two_dims():
    data = xr.Dataset({"y": (("answer", "k"), [[0, 1], [2, 1]])})
    assert SyntheticData(data, outcome="y", levels={"y": [0, 1, 2]}).levels == {"y": (0, 1, 2)}
    with pytest.raises(ColumnError, match="holds 2 in row 1"):
        SyntheticData(data, outcome="y", levels={"y": [0, 1]})
