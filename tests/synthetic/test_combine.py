import pandas as pd
import pytest

from foundation_priors.errors import ColumnError
from foundation_priors.synthetic import SyntheticData, concat


def part(columns=None, **more):
    frame = pd.DataFrame({"y": [1, 2], "x": [3, 4]}).assign(**(columns or {}))
    return SyntheticData.from_dataframe(frame, **{"outcome": "y", **more})


def test_sources_are_named_and_rows_are_in_order():
    both = concat([part({"y": [5, 6]}), part()], source=["gpt", "qwen"])
    assert both.sources == ("gpt", "qwen")
    assert both.column("y").tolist() == [5, 6, 1, 2]
    assert both.column("y").dtype.kind == "i"
    assert both.sel(source="qwen").column("y").tolist() == [1, 2]


def test_sources_are_kept():
    assert concat([part(source="a"), part(source="b")]).sources == ("a", "b")


def test_factors_that_a_part_lacks_are_missing():
    both = concat([part({"framing": "f", "draw": [0, 1]}), part()])
    assert both.column("framing").tolist() == ["f", "f", None, None]
    assert both.column("draw").tolist()[:2] == [0, 1] and pd.isna(both.column("draw")[2:]).all()


def test_provenance_is_kept_by_part_where_it_differs():
    a, b = part(provenance={"model": "m1"}), part(provenance={"model": "m2"})
    assert concat([a, a]).provenance == a.provenance
    both = concat([a, b], source=["gpt", "qwen"])
    assert both.provenance["gpt"]["model"] == "m1"
    assert both.provenance["qwen"]["dates"] == "not recorded"


def test_given_weights_are_kept_whatever_they_were_called():
    both = concat([part(weight=0.5), part({"w": [1, 2]}, weight="w")])
    assert both.weights().tolist() == [0.5, 0.5, 1, 2]


def test_clusters_and_levels_are_joined():
    a = part({"who": pd.Categorical(["a", "b"])}, cluster="who")
    b = part({"who": pd.Categorical(["c", "c"]), "place": ["x", "y"]}, cluster=["who", "place"])
    both = concat([a, b])
    assert both.clusters == ("who", "place")
    assert both.levels == {"who": ("a", "b", "c")}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (part({"z": 1}), "Part 1 has covariates"),
        (part(outcome="x"), "Part 1 has outcomes"),
        (part(unit="x"), "Part 1 has covariates|a unit"),
        (part(weight=1), "Part 0 has default weights"),
        (part(source="a"), "Part 0 names no source"),
        (part({"x": ["a", "b"]}), "'x' is int64, object in the parts"),
    ],
)
def test_parts_that_do_not_fit(other, message):
    with pytest.raises(ColumnError, match=message):
        concat([part(), other])


def test_levels_of_columns_must_be_equal():
    a = part({"x": pd.Categorical(["a", "b"])})
    b = part({"x": pd.Categorical(["b", "c"])})
    with pytest.raises(ColumnError, match="Part 1 has levels"):
        concat([a, b])


def test_wrong_arguments():
    with pytest.raises(ColumnError, match="nothing"):
        concat([])
    with pytest.raises(TypeError, match="DataFrame"):
        concat([pd.DataFrame()])
    with pytest.raises(ColumnError, match="list of 1 names"):
        concat([part()], source="gpt")
