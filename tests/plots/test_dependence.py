"""Pictures of dependence and conflict: drawn from results, refused for anything else."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from foundation_priors.plots.conflict import plot_conflict, plot_disagreement
from foundation_priors.plots.dependence import (
    plot_decision,
    plot_sensitivity,
    plot_statements,
    plot_washout,
)


@pytest.fixture(autouse=True)
def closed():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def over(names, trust=(0.0, 0.5, 1.0), **more):
    data = {n: ("trust", np.linspace(0, 1, len(trust))) for n in names}
    return xr.Dataset(data, {"trust": list(trust)}, more)


def test_sensitivity():
    one = over(["wasserstein", "mcse_wasserstein", "cjs", "mcse_cjs"]).expand_dims(quantity=["a"])
    ax = plot_sensitivity(one, "cjs")
    assert ax.get_ylabel().startswith("cumulative") and len(ax.lines) == 1
    with pytest.raises(ValueError, match="measure"):
        plot_sensitivity(one, "kl")
    with pytest.raises(ValueError, match="several weights"):
        plot_sensitivity(one.isel(trust=0))


def test_decision():
    ax = plot_decision(over(["cost", "mcse_cost", "forgone", "mcse_forgone"]))
    assert len(ax.lines) == 2
    with pytest.raises(ValueError, match="several weights"):
        plot_decision(xr.Dataset())


def test_statements():
    columns = {"lowest": [0.1], "highest": [0.9], "at_zero": [0.9], "at_trust": [0.4]}
    index = pd.MultiIndex.from_tuples([("b > 0", "llm")], names=["statement", "source"])
    table = pd.DataFrame({**columns, "verdict": ["tips"]}, index)
    table.attrs["probability"] = 0.8
    assert plot_statements(table).get_yticklabels()[0].get_text() == "b > 0: tips"
    with pytest.raises(ValueError, match="statements"):
        plot_statements(pd.DataFrame())


def test_washout():
    settled = xr.Dataset(
        {"observations": 5.0, "settled": ("rows", [0.0, 1.0]), "holds": ("rows", [0.0, 0.4])},
        {"rows": [0.0, 10.0]},
        {"assurance": 0.8, "statement": "b > 0"},
    )
    assert plot_washout(settled).get_title() == "b > 0"
    share = xr.Dataset({"observations": 5.0, "lower": 4.0, "upper": 6.0}, {"quantity": "b"})
    assert "0.1" in plot_washout(share.assign_attrs(target=0.1)).get_xlabel()
    with pytest.raises(ValueError, match="washout"):
        plot_washout(xr.Dataset())


def test_conflict():
    p = xr.DataArray([[0.2, 0.01], [0.3, 0.5]], dims=("trust", "check"))
    coords = {"trust": [0.0, 1.0], "check": ["mean", "b"], "kind": ("check", ["data", "quantity"])}
    result = xr.Dataset({"p_value": p}, coords)
    assert plot_conflict(result).get_yscale() == "log"
    assert plot_conflict(result.isel(trust=0)).get_xscale() == "log"
    with pytest.raises(ValueError, match="conflict"):
        plot_conflict(xr.Dataset())


def test_disagreement():
    columns = {"difference": [0.5, -1.0], "lower": [0.2, -2.0], "upper": [0.7, -0.5]}
    index = pd.MultiIndex.from_tuples(
        [("all", "centre"), ("all", "spread")], names=["answers", "on"]
    )
    table = pd.DataFrame({**columns, "effect": [1.0, -0.5], "disagrees": [True, True]}, index)
    ax = plot_disagreement(table)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["all: centre", "all: spread"]
    with pytest.raises(ValueError, match="disagreement"):
        plot_disagreement(pd.DataFrame())
