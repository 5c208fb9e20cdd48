"""Covariates that are matrices: one row of numbers for each answer."""

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import foundation_priors as fp
from foundation_priors.prior.tilt import build
from tests.prior.common import loglik, observed_logp, points

NAMES = ["age", "party"]


def regression(X, y, names=NAMES) -> pm.Model:
    with pm.Model(coords={"predictor": names}) as model:
        eta = pm.Data("X", X, dims=("who", "predictor")) @ pm.Normal("b", dims="predictor")
        pm.Normal("y", eta, 1, observed=y, dims="who")
    return model


def rows(rng, n=6, names=None, **columns) -> fp.SyntheticData:
    coords = {"predictor": names} if names else {}
    data = {"X": (("answer", "predictor"), rng.normal(size=(n, 2))),
            "y": ("answer", rng.normal(size=n)), **columns}  # fmt: skip
    return fp.SyntheticData(xr.Dataset(data, coords), outcome="y", weight=1)


def test_columns_are_matched_by_their_names(rng):
    real = regression(rng.normal(size=(9, 2)), rng.normal(size=9))
    llm = rows(rng, names=NAMES[::-1])
    mine = build(real, llm).model
    reference = regression(llm.column("X")[:, ::-1], llm.column("y"))
    for point in points(reference):
        np.testing.assert_allclose(loglik(mine, point), observed_logp(reference, point))
    with pytest.raises(fp.ColumnError, match=r"matrix 'X' are \['age', 'sex'\].*name them alike"):
        build(real, rows(rng, names=["age", "sex"]))


def test_a_matrix_survives_files_selection_and_concatenation(rng, tmp_path):
    who = ("answer", ["a", "b"] * 3)
    llm = rows(rng, names=NAMES, framing=who)
    assert llm.covariates == ("X",)
    llm.to_netcdf(tmp_path / "said.nc")
    assert fp.SyntheticData.from_netcdf(tmp_path / "said.nc").identical(llm)
    both = fp.concat([llm.sel(framing="a"), llm.sel(framing="b")])
    np.testing.assert_array_equal(both.column("X"), llm.column("X")[[0, 2, 4, 1, 3, 5]])
    repr(llm), llm._repr_html_(), llm.effective_size("framing")
    other = fp.SyntheticData(llm.dataset.isel(predictor=[0]), outcome="y", weight=1)
    with pytest.raises(fp.ColumnError, match=r"'predictor' differs|another width"):
        fp.concat([llm, other])


def test_equal_rows_of_a_matrix_are_one_profile():
    X = np.repeat(np.arange(10.0).reshape(5, 2), 4, axis=0)
    y = np.repeat(np.arange(5.0), 4)
    data = xr.Dataset({"X": (("answer", "k"), X), "y": ("answer", y)})
    assert fp.SyntheticData(data, outcome="y").weights().sum() == pytest.approx(5)


@pytest.mark.parametrize("wrong", ["three", "words", "role"])
def test_what_is_no_matrix(rng, wrong):
    if wrong == "three":
        bad = {"Z": (("answer", "a", "b"), np.zeros((6, 2, 2)))}
    elif wrong == "words":
        bad = {"Z": (("answer", "a"), np.full((6, 2), "yes"))}
    else:
        bad = {"framing": (("answer", "a"), np.zeros((6, 2)))}
    with pytest.raises(fp.ColumnError, match="dims"):
        rows(rng, **bad)


def test_held_out_matrices_are_read_by_rows(rng):
    """The first dim of a held-out Dataset may be that of the columns."""
    from foundation_priors.prior.columns import Table, Target, resolve

    data = xr.Dataset({"X": (("who", "k"), np.ones((6, 2)))}, {"k": NAMES})
    spec = lambda table: table["X"].values.sum(axis=1)  # noqa: E731
    assert resolve(Table.from_real(data), Target("x", False), spec).shape == (6,)
