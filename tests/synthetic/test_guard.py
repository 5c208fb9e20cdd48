import subprocess
import sys

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr

from foundation_priors.errors import SyntheticAsEvidenceError
from foundation_priors.synthetic import SyntheticData


@pytest.fixture(scope="module")
def llm():
    return SyntheticData.from_dataframe(pd.DataFrame({"y": [0.0, 1.0]}), outcome="y")


def observed(llm):
    with pm.Model():
        pm.Normal("y", 0, 1, observed=llm)


def observed_in_a_list(llm):
    with pm.Model():
        pm.Normal("y", 0, 1, observed=[llm, llm])


def data(llm):
    with pm.Model():
        pm.Data("y", llm)


def set_data(llm):
    with pm.Model():
        pm.Data("y", np.zeros(2))
        pm.set_data({"y": llm})


def observe(llm):
    with pm.Model() as model:
        pm.Normal("y", 0, 1, shape=2)
    pm.observe(model, {"y": llm})


def potential(llm):
    with pm.Model():
        pm.Potential("p", llm)


ROADS = {
    "observed": observed,
    "observed in a list": observed_in_a_list,
    "pm.Data": data,
    "pm.set_data": set_data,
    "pm.observe": observe,
    "pm.logp": lambda llm: pm.logp(pm.Normal.dist(), llm),
    "pm.Potential": potential,
    "as_tensor": pt.as_tensor_variable,
    "np.asarray": np.asarray,
    "np.array": np.array,
    "np.mean": np.mean,
    "numpy arithmetic": lambda llm: np.ones(2) + llm,
    "list": list,
    "DataFrame": pd.DataFrame,
    "DataFrame column": lambda llm: pd.DataFrame({"y": llm}),
    "assigned column": lambda llm: pd.DataFrame({"x": [1, 2]}).assign(y=llm),
    "Series": pd.Series,
    "Index": pd.Index,
    "DataArray": xr.DataArray,
    "Dataset": lambda llm: xr.Dataset({"y": llm}),
}


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS.keys())
def test_it_refuses_to_be_evidence(llm, road):
    with pytest.raises(SyntheticAsEvidenceError, match=r"tilt\(model, synthetic"):
        road(llm)


@pytest.mark.parametrize(
    "road",
    [
        lambda llm: pd.concat([llm, llm]),
        lambda llm: pt.vector("x") + llm,
        lambda llm: xr.Dataset({"y": ("x", llm)}),
    ],
    ids=["pd.concat", "PyTensor's +", "a Dataset's column"],
)
def test_roads_whose_libraries_refuse_in_their_own_words(llm, road):
    with pytest.raises(TypeError):
        road(llm)


def test_the_error_names_the_ways_to_use_answers(llm):
    with pytest.raises(SyntheticAsEvidenceError) as caught:
        np.asarray(llm)
    said = str(caught.value)
    for way in ("trust_path(model, synthetic)", "tilt(model, synthetic, trust=...)", ".dataset"):
        assert way in said
    assert said.replace("...", "").count(". ") == 0 and said.endswith(".")


def test_the_way_out_is_open(llm):
    assert np.asarray(llm.dataset["y"]).tolist() == [0.0, 1.0]


def test_pytensor_is_armed_only_when_there_is_something_to_guard():
    code = (
        "import sys, foundation_priors.synthetic as s; assert 'pytensor' not in sys.modules;"
        "import xarray as xr; s.SyntheticData(xr.Dataset({'y': ('answer', [1])}), outcome='y');"
        "from pytensor.tensor import _as_tensor_variable as f; "
        "assert f.dispatch(s.SyntheticData).__name__ == 'refuse'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
