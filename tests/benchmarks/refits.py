"""What long runs at single weights say, sampled without the engine of the path."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from tests.benchmarks.cases import Case

__all__ = ["CHAINS", "DRAWS", "RESULTS", "WEIGHTS", "labelled", "moments", "refit", "stored"]

RESULTS = Path(__file__).parent / "results"
WEIGHTS = (0.0, 0.001, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0)
CHAINS, DRAWS = 4, 10_000


def refit(name: str, case: Case, weights: tuple[float, ...] = WEIGHTS) -> pd.DataFrame:
    """Sample the tilted model at each weight, one row a weight and free quantity."""
    import nutpie

    model = case.tilted(0.0)
    free = [v.name for v in model.free_RVs]
    compiled = nutpie.compile_pymc_model(model)
    frames = []
    for seed, weight in enumerate(weights, start=1000):
        began = time.perf_counter()
        trace = nutpie.sample(
            compiled.with_data(fp_trust=np.asarray(weight)),
            draws=DRAWS,
            tune=1000,
            chains=CHAINS,
            cores=2,
            seed=seed,
            progress_bar=False,
        )
        table = moments(trace["posterior"].to_dataset()[free])
        frames.append(table.assign(model=name, trust=weight))
        print(f"  refit at {weight:<6g} {time.perf_counter() - began:5.0f} s", flush=True)
    return pd.concat(frames, ignore_index=True)


def moments(draws: xr.Dataset) -> pd.DataFrame:
    """Return means and sds of all elements with their errors and checks, one row each."""
    import arviz as az

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns: dict[str, Any] = {
            "mean": draws.mean(("chain", "draw")),
            "sd": draws.std(("chain", "draw"), ddof=1),
            "mcse_mean": az.mcse(draws, method="mean"),
            "mcse_sd": az.mcse(draws, method="sd"),
            "ess": az.ess(draws, method="bulk"),
            "r_hat": az.rhat(draws),
        }
    return pd.DataFrame({k: labelled(v) for k, v in columns.items()}).reset_index(names="quantity")


def labelled(values: xr.Dataset) -> pd.Series:
    """Return a value for each element of each variable, named by its position."""
    out = {}
    for name, array in values.data_vars.items():
        flat = np.ravel(array.values)
        out |= {f"{name}[{i}]" if array.ndim else str(name): v for i, v in enumerate(flat)}
    return pd.Series(out, dtype=float)


def stored(name: str) -> pd.DataFrame:
    """Read the refits of a model."""
    return pd.read_csv(RESULTS / "refits" / f"{name}.csv")
