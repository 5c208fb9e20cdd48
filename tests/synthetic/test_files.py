import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation_priors.synthetic import SyntheticData, concat


@pytest.fixture
def llm():
    frame = pd.DataFrame(
        {
            "y": np.array([1, 2, 3], dtype=np.int16),
            "z": [0.1, 1e300, -0.0],
            "yes": [True, False, True],
            "party": pd.Categorical(["b", None, "a"], ["c", "b", "a"], ordered=True),
            "note": ["", None, "<missing>"],
            "persona": ["ü \u2603", None, "line\nbreak"],
            "draw": pd.array([1, None, 3], dtype="Int64"),
            "asked": np.array(["2026-01-02T03:04:05.123456", "NaT", "1500-01-01"], dtype="M8[us]"),
            "took": pd.to_timedelta(["1s", None, "2D"]),
            "big": np.array([0, 1, 2**64 - 1], dtype=np.uint64),
        }
    )
    return SyntheticData.from_dataframe(
        frame,
        outcome=["y", "yes"],
        source="gpt",
        cluster="big",
        weight=[0.1, 0.2, 0.3],
        levels={"y": [3, 2, 1]},
        provenance={"prompts": {"a": ["x" * 200_000, {"deep": None}]}, "temperature": 0.1, "n": 3},
    )


def test_nothing_is_lost(llm, tmp_path):
    path = tmp_path / "llm.nc"
    llm.to_netcdf(path)
    back = SyntheticData.from_netcdf(str(path))
    assert back.identical(llm)
    assert repr(back) == repr(llm)
    assert back.ordered == ("party",) and back.levels["y"] == (3, 2, 1)
    assert back.column("note").tolist() == ["", None, "<missing>"]
    assert back.column("yes").dtype == bool and back.column("y").dtype == np.int16
    assert np.signbit(back.column("z")[2])


def test_an_existing_file_is_replaced(llm, tmp_path):
    path = tmp_path / "llm.nc"
    concat([llm, llm]).to_netcdf(path)
    llm.to_netcdf(path)
    assert len(SyntheticData.from_netcdf(path)) == 3


def test_second_dims_and_attributes_survive(tmp_path):
    data = xr.Dataset(
        {"y": (("answer", "k"), np.arange(6).reshape(2, 3), {"units": "percent"})},
        {"k": ["a", "b", "c"]},
        {"title": "counts", "years": np.array([1996])},
    )
    llm = SyntheticData(data, outcome="y")
    llm.to_netcdf(tmp_path / "wide.nc")
    back = SyntheticData.from_netcdf(tmp_path / "wide.nc")
    assert back.identical(llm)
    assert back.dataset["y"].attrs == {"units": "percent"}
    assert back.dataset["k"].values.tolist() == ["a", "b", "c"]
    assert back.dataset.attrs == {"title": "counts", "years": [1996]}


def test_other_programs_see_levels_and_units(llm, tmp_path):
    llm.to_netcdf(tmp_path / "llm.nc")
    with xr.open_dataset(tmp_path / "llm.nc", engine="h5netcdf") as plain:
        assert plain["party"].attrs["levels"] == '["c", "b", "a"]'
        assert plain["party"].attrs["missing_string"] in plain["party"].values


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    words=st.lists(st.none() | text, min_size=1, max_size=5),
    provenance=st.dictionaries(text, st.recursive(text | st.integers(), st.lists), max_size=3),
)
def test_any_text_survives(tmp_path, words, provenance):
    frame = pd.DataFrame({"y": range(len(words)), "word": pd.Series(words, dtype=object)})
    llm = SyntheticData.from_dataframe(frame, outcome="y", provenance=provenance)
    llm.to_netcdf(tmp_path / "any.nc")
    assert SyntheticData.from_netcdf(tmp_path / "any.nc").identical(llm)


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.95])
def test_truncated_file(llm, tmp_path, kept):
    path = tmp_path / "llm.nc"
    llm.to_netcdf(path)
    blob = path.read_bytes()
    path.write_bytes(blob[: int(kept * len(blob)) if kept < 1 else kept])
    with pytest.raises((OSError, ValueError), match="cut short") as error:
        SyntheticData.from_netcdf(path)
    assert "\n" not in str(error.value)


def test_foreign_files(tmp_path):
    with pytest.raises(OSError, match="no file"):
        SyntheticData.from_netcdf(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("hello " * 1000)
    with pytest.raises(OSError, match="no NetCDF file"):
        SyntheticData.from_netcdf(tmp_path / "text.nc")
    xr.Dataset({"a": ("x", [1, 2])}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="holds no SyntheticData"):
        SyntheticData.from_netcdf(tmp_path / "other.nc")


def test_later_format(llm, tmp_path):
    llm.to_netcdf(tmp_path / "llm.nc")
    with xr.open_dataset(tmp_path / "llm.nc", engine="h5netcdf", decode_cf=False) as opened:
        plain = opened.load()
    (mark,) = plain.attrs
    plain.attrs[mark] = plain.attrs[mark].replace('"format": 1', '"format": 99')
    plain.to_netcdf(tmp_path / "later.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="later version"):
        SyntheticData.from_netcdf(tmp_path / "later.nc")
