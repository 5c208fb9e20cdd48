"""Evaluating models without compiling them, and tables of answers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import xarray as xr
from pytensor.compile.mode import Mode
from pytensor.tensor.variable import TensorVariable

import foundation_priors as fp
from foundation_priors.prior.start import start_values

N, M = 20, 9
"""Real rows and answers."""

type Point = dict[str, np.ndarray]


def points(model: pm.Model, seed: int = 0, count: int = 2) -> list[Point]:
    """Draw values of the transformed variables, near where the sampler would start."""
    rng = np.random.default_rng(seed)
    start = start_values(model, transformed=True)
    return [{k: v + 0.3 * rng.normal(size=v.shape) for k, v in start.items()} for _ in range(count)]


def value(model: pm.Model, graph: TensorVariable, point: Mapping[str, np.ndarray]) -> np.ndarray:
    """Evaluate a graph of the model's variables at a point of the transformed ones, op by op."""
    (graph,) = model.replace_rvs_by_values([graph])
    inputs = [model.rvs_to_values[rv] for rv in model.free_RVs]
    mode = Mode(linker="py", optimizer=None)
    function = pytensor.function(inputs, graph, mode=mode, on_unused_input="ignore")
    return function(*(point[v.name] for v in inputs))


def loglik(tilted: pm.Model, point: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what the tilted model says of the answers."""
    return value(tilted, tilted["fp_loglik"], point)


def observed_logp(model: pm.Model, point: Mapping[str, np.ndarray], *names: str) -> np.ndarray:
    """Return the log-likelihood of a model's observed variables."""
    wanted = [model[n] for n in names] or model.observed_RVs
    return value(model, model.logp(vars=wanted, jacobian=False), point)


def logp(model: pm.Model, point: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the log density in unconstrained coordinates."""
    return value(model, model.logp(), point)


def answers(
    weight: float | None = 1, outcome: str | list[str] = "y", **columns
) -> fp.SyntheticData:
    """Make answers from arrays of shape (answer,); weight 1 takes them for data.

    An outcome may have shape (answer, k); a matrix ``X`` of covariates becomes X0, X1, ...
    """
    data = {}
    for name, array in columns.items():
        array = np.asarray(array)
        if array.ndim == 2 and name not in outcome:
            data |= {f"{name}{i}": ("answer", column) for i, column in enumerate(array.T)}
            continue
        data[name] = ("answer" if array.ndim == 1 else ("answer", f"{name}_axis"), array)
    return fp.SyntheticData(xr.Dataset(data), outcome=outcome, weight=weight)


def line(x, y, dims=None) -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("a", 0, 2) + pm.Normal("b", 0, 1) * pm.Data("x", x, dims=dims)
        pm.Normal("y", mu, pm.HalfNormal("sigma", 1), observed=y, dims=dims)
    return model


def framed(said) -> fp.SyntheticData:
    frame = pd.DataFrame(said).assign(framing=["plain", "survey", "role"] * (M // 3))
    return fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)
