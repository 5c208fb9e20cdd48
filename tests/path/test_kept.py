"""A path keeps what it was made from: data that are set on the user's model change nothing."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
import xarray as xr

import foundation_priors as fp
from foundation_priors.diagnose.conflict_model import outcomes
from foundation_priors.path.data import check_data, sums_of
from foundation_priors.path.groups import likelihood_groups
from foundation_priors.path.score import _densities
from foundation_priors.prior.columns import Table
from foundation_priors.prior.model import copy_model
from foundation_priors.prior.rows import real_rows
from foundation_priors.trust.leave_one_out import row_densities
from tests.path import models
from tests.prior.common import answers, loglik, logp, points

X, Y = np.array([40.0, 50.0, 60.0]), np.array([-1.0, 0.0, 1.0])
DRAWS = xr.Dataset({"b": ("sample", [0.1, 0.3])})
HELD_OUT = pd.DataFrame({"x": [20.0, 55.0], "y": [-3.0, 0.5]})


def regression() -> pm.Model:
    with pm.Model(coords={"obs": range(3)}) as model:
        x = pm.Data("x", X, dims="obs")
        y = pm.Data("seen", Y, dims="obs")
        pm.Normal("y", pm.Normal("b") * (x - x.mean()), 1, observed=y, dims="obs")
    return model


CHANGES = {
    "values": ({"x": [0.0, 0.0, 9.0], "seen": [5.0, 5.0, 5.0]}, range(3)),
    "more rows": ({"x": np.arange(5.0), "seen": np.ones(5)}, range(5)),
}


def results(model: pm.Model) -> list[np.ndarray]:
    """Return what score, leaving out, conflict and the likelihood groups look at."""
    chained = DRAWS.rename(sample="draw").expand_dims(chain=[0])
    groups = likelihood_groups(model, chained, np.zeros((1, 2, 1)), ("llm",))
    rows = real_rows(model, model["y"])
    return [
        _densities(model, Table.from_real(HELD_OUT), {}, DRAWS, SimpleNamespace(levels={})),
        row_densities(SimpleNamespace(model=model, draws=DRAWS))[0],
        outcomes(model)[0].observed,
        groups["log_likelihood"]["y"].values,
        groups["observed_data"]["y"].values,
        rows.matrix(),
    ]


@pytest.mark.parametrize("change", CHANGES)
def test_a_path_keeps_its_model_and_its_arguments(change, monkeypatch):
    module = import_module("foundation_priors.path.trust_path")
    monkeypatch.setattr(module, "climb", lambda recipe, *_: recipe)
    model, columns = regression(), {"x": "x"}
    llm = answers(x=[45.0, 52.0], y=[0.2, 0.1])
    recipe = fp.trust_path(model, llm, columns=columns)
    before = results(recipe.model)
    data, rows = CHANGES[change]
    pm.set_data(data, coords={"obs": rows}, model=model)
    columns["x"] = "another"
    for found, expected in zip(results(recipe.model), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert recipe.options["columns"] == {"x": "x"}


@pytest.mark.parametrize("change", CHANGES)
def test_a_tilted_model_keeps_its_data(change):
    model = regression()
    tilted = fp.tilt(model, answers(x=[45.0, 52.0], y=[0.2, 0.1]), 0.3)
    (point,) = points(tilted, count=1)
    before = loglik(tilted, point), logp(tilted, point)
    data, rows = CHANGES[change]
    pm.set_data(data, coords={"obs": rows}, model=model)
    assert (loglik(tilted, point), logp(tilted, point)) == before


def test_a_path_that_was_read_keeps_the_model_it_was_given(tmp_path):
    def model(data):
        with pm.Model() as made:
            pm.Normal("y", pm.Normal("mu", 0.5, 2), 1.5, observed=pm.Data("data", data))
        return made

    models.normal().to_netcdf(tmp_path / "path.nc")
    given = model(models.normal_data()[0])
    path = fp.TrustPath.from_netcdf(tmp_path / "path.nc", model=given)
    before = fp.trust.loo(path, [0.1]).elpd.item()
    pm.set_data({"data": np.zeros(20)}, model=given)
    assert fp.trust.loo(path, [0.1]).elpd.item() == before
    with pytest.raises(fp.ModelError, match="'y' does not hold.*20 values for 12"):
        fp.TrustPath.from_netcdf(tmp_path / "path.nc", model=given)


def test_data_are_told_apart_by_their_values_and_their_order():
    model = regression()
    stored = sums_of(model)
    check_data(model, stored)
    check_data(model, {})
    pm.set_data({"x": X * (1 + 1e-13)}, model=model)
    check_data(model, stored)
    for other in (X[::-1], X + np.array([0, 0, 1e-3])):
        pm.set_data({"x": other}, model=model)
        with pytest.raises(fp.ModelError, match="'x' does not hold the data"):
            check_data(model, stored)


def test_arrays_and_shared_variables_of_a_model_are_copied():
    array, shared = np.array([5.0, 6.0, 7.0]), pytensor.shared(np.arange(3.0))
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("b") * array + shared, 1, observed=Y)
    copy = copy_model(model)
    (point,) = points(copy, count=1)
    before = logp(copy, point)
    assert logp(model, point) == before
    array[0] = 99.0
    shared.set_value(np.full(3, 9.0))
    assert logp(copy, point) == before != logp(model, point)


def test_a_copy_can_be_given_data_of_its_own():
    copy = copy_model(regression())
    pm.set_data({"x": np.ones(4), "seen": np.ones(4)}, coords={"obs": range(4)}, model=copy)
    assert pm.draw(copy.dim_lengths["obs"]) == 4


def test_answers_keep_their_rows():
    frame = HELD_OUT.copy()
    dataset = xr.Dataset({k: ("answer", np.array(v)) for k, v in frame.items()})
    weight = np.ones(2)
    from_frame = fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)
    from_dataset = fp.SyntheticData(dataset, outcome="y", weight=weight)
    frame.loc[0, "y"] = 99.0
    dataset["y"].values[0] = 99.0
    weight[:] = 0
    for llm in (from_frame, from_dataset):
        llm.dataset["y"].values[0] = 99.0
        assert llm.dataset["y"].values.tolist() == [-3.0, 0.5]
        assert llm.weights().tolist() == [1.0, 1.0]
