"""Paths in files."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import foundation_priors as fp
from tests.path import models
from tests.path.test_score import held_out

PATHS = {"coin": models.coin, "framing": lambda: models.normal("framing")}
PATHS["regression"] = models.regression


@pytest.fixture(params=list(PATHS))
def pair(request, tmp_path):
    path = PATHS[request.param]()
    path.to_netcdf(tmp_path / "path.nc")
    return path, fp.TrustPath.from_netcdf(tmp_path / "path.nc")


def test_everything_but_the_model_comes_back(pair):
    path, back = pair
    assert back.facts == path.facts and back.model is None
    xr.testing.assert_equal(back.draws, path.draws)
    xr.testing.assert_equal(back.prior_draws, path.prior_draws)
    np.testing.assert_array_equal(back.trust, path.trust)
    name = next(iter(path.facts.coordinates))
    assert back.mean(name).identical(path.mean(name))
    for read in ("log_evidence", "log_normalizer", "effective_observations"):
        xr.testing.assert_allclose(getattr(back, read)(), getattr(path, read)(), rtol=1e-12)
    xr.testing.assert_allclose(back.diagnostics(), path.diagnostics())
    assert repr(back) == repr(path)
    assert back.synthetic.dataset.identical(path.synthetic.dataset)
    assert back.synthetic.provenance == path.synthetic.provenance


def test_reliance_comes_back(pair):
    path, back = pair
    trust = 0.3
    a, b = fp.reliance(path, trust=trust), fp.reliance(back, trust=trust)
    pd.testing.assert_frame_equal(a, b, rtol=1e-8)


def test_a_path_can_be_written_again(pair, tmp_path):
    path, back = pair
    back.to_netcdf(tmp_path / "again.nc")
    again = fp.TrustPath.from_netcdf(tmp_path / "again.nc")
    assert repr(again) == repr(path)
    assert set(again.gradients) == set(back.gradients)


def test_what_needs_the_model_asks_for_it(tmp_path):
    path = models.regression()
    path.to_netcdf(str(tmp_path / "path.nc"))
    back = fp.TrustPath.from_netcdf(tmp_path / "path.nc")
    with pytest.raises(fp.ModelError, match="read without its model"):
        back.score(held_out())
    bare, missing = back.at(0.2), ["log_likelihood", "log_prior", "observed_data"]
    assert not set(missing) & set(bare.children)
    assert bare.attrs["missing_groups"] == bare["posterior"].attrs["missing_groups"] == missing
    whole = fp.TrustPath.from_netcdf(tmp_path / "path.nc", model=models.regression_model())
    np.testing.assert_allclose(whole.score(held_out(), 0.2), path.score(held_out(), 0.2))
    tree = whole.at(0.2)
    assert tree["posterior"].equals(path.at(0.2)["posterior"])
    assert tree["log_likelihood"].equals(path.at(0.2)["log_likelihood"])
    assert set(missing) < set(tree.children) and "missing_groups" not in tree.attrs


def test_files_that_hold_no_path(tmp_path):
    path, file = models.coin(), tmp_path / "path.nc"
    path.to_netcdf(file)
    part = tmp_path / "part.nc"
    part.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    with pytest.raises(OSError, match="not a readable NetCDF file, or only a part"):
        fp.TrustPath.from_netcdf(part)
    (tmp_path / "text.nc").write_text("no file of this kind")
    with pytest.raises(OSError, match="not a readable NetCDF file"):
        fp.TrustPath.from_netcdf(tmp_path / "text.nc")
    xr.Dataset({"x": ("t", [1.0])}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="does not hold a TrustPath"):
        fp.TrustPath.from_netcdf(tmp_path / "other.nc")
    path.synthetic.to_netcdf(tmp_path / "answers.nc")
    with pytest.raises(ValueError, match="does not hold a TrustPath"):
        fp.TrustPath.from_netcdf(tmp_path / "answers.nc")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        fp.TrustPath.from_netcdf(tmp_path / "none.nc")


def test_a_newer_format_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("foundation_priors.path.files.VERSION", 99)
    models.coin().to_netcdf(tmp_path / "new.nc")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="version 99"):
        fp.TrustPath.from_netcdf(tmp_path / "new.nc")


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["2020-01-01", "2021-06-30"], dtype="datetime64[us]"),
        np.array([3, 5], dtype="timedelta64[s]"),
        [True, False],
        np.array(["a", "\u00fc b"], dtype=object),
        [1.5, 2.5],
    ],
)
def test_coordinates_and_events_of_every_type_come_back(tmp_path, labels):
    path = models.coin()
    event = np.random.default_rng(0).random((path.draws.sizes["sample"], 2)) > 0.3
    more = xr.DataArray(event, dims=("sample", "k"), coords={"k": labels})
    whole = replace(path, draws=path.draws.assign(event=more))
    whole.to_netcdf(tmp_path / "path.nc")
    back = fp.TrustPath.from_netcdf(tmp_path / "path.nc")
    xr.testing.assert_equal(back.draws, whole.draws)
    assert back.draws.event.dtype == bool
    assert back.probability("event", 0.1).equals(whole.probability("event", 0.1))


def test_a_path_can_be_written_over_the_file_it_came_from(tmp_path):
    file = tmp_path / "path.nc"
    models.coin().to_netcdf(file)
    fp.TrustPath.from_netcdf(file).to_netcdf(file)
    assert repr(fp.TrustPath.from_netcdf(file)) == repr(models.coin())
