"""One small path for every picture, and a copy of it in which some weights are flagged."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import foundation_priors as fp


@pytest.fixture(scope="session")
def line() -> tuple[pm.Model, fp.SyntheticData, pd.DataFrame]:
    """Return a straight line through 15 real points, 30 answers, and 20 held-out points."""
    rng = np.random.default_rng(4)
    with pm.Model(coords={"row": np.arange(15)}) as model:
        x = pm.Data("x", rng.normal(size=15), dims="row")
        beta = pm.Normal("beta", 0, 2, shape=2)
        y = 0.5 + x.get_value() + rng.normal(size=15)
        pm.Normal("y", beta[0] + beta[1] * x, 1.0, observed=y, dims="row")
    frame = pd.DataFrame({"x": rng.normal(size=30)})
    frame["y"] = 0.2 + 1.5 * frame["x"] + 0.3 * rng.normal(size=30)
    held = pd.DataFrame({"x": rng.normal(size=20)})
    held["y"] = 0.5 + held["x"] + rng.normal(size=20)
    return model, fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1), held


@pytest.fixture(scope="session")
def path(line) -> fp.TrustPath:
    model, answers, _ = line
    return fp.trust_path(model, answers, random_seed=2, progressbar=False)


@pytest.fixture(scope="session")
def score(path, line) -> xr.DataArray:
    return path.score(line[2])


class Flagged:
    """A path whose checks fail beyond some trust."""

    def __init__(self, path: fp.TrustPath, beyond: float) -> None:
        self._path, self._beyond = path, beyond

    def __getattr__(self, name: str):
        found = getattr(self._path, name)
        if name not in ("mean", "quantile", "log_evidence"):
            return found
        return lambda *args, **kwargs: self._mark(found(*args, **kwargs))

    def _mark(self, array: xr.DataArray) -> xr.DataArray:
        return array.assign_coords(reliable=array["trust"] <= self._beyond)


@pytest.fixture
def flagged(path) -> Flagged:
    return Flagged(path, 0.5)


@pytest.fixture(autouse=True)
def closed():
    """Close the figures of every test."""
    import matplotlib.pyplot as plt

    yield
    plt.close("all")
