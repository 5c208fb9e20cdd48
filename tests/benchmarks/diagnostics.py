"""What diagnostics cost on a path of 200 coefficients and 5,000 real rows.

Run as ``python -m tests.benchmarks.run diagnostics``. The path is made without a sampler: at each
of 12 weights its draws are those of the Gaussian approximation of the posterior, which 5,000 rows
leave close to the truth, and they are treated as sampled ones are. Times are those of the
processor, so that what else the machine does changes little; memory is the largest of the process.
Each diagnostic has a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

import foundation_priors as fp
from foundation_priors.path.data import sums_of
from foundation_priors.path.engine import Run
from foundation_priors.path.facts import Facts
from foundation_priors.path.fits import Fit
from foundation_priors.path.ladder import Ladder
from foundation_priors.path.trust_path import _grid
from tests.benchmarks.tables import markdown, read, store

__all__ = ["main", "path_of", "table"]

type Floats = NDArray[np.float64]

ROWS, ANSWERS, SIZE, WEIGHT, SD = 5_000, 1_000, 200, 0.5, 0.3
ANCHORS, CHAINS, DRAWS = 12, 4, 500

CALLS: dict[str, tuple[str, Callable[[fp.TrustPath], Any]]] = {
    "shares": ("shares of all 200 coefficients, cautious", fp.reliance),
    "shares_fixed": ("shares of all 200 coefficients, trust .3", lambda p: fp.reliance(p, 0.3)),
    "sensitivity": ("distances of all 200 coefficients", lambda p: fp.diagnose.sensitivity(p)),
    "washout": ("rows that wash one coefficient out", lambda p: fp.diagnose.washout(p, "beta[x0]")),
    "settled": (
        "rows that settle one statement",
        lambda p: fp.diagnose.washout(p, "beta[x0] > 0"),
    ),
    "conflict": ("conflict, all 200 coefficients", lambda p: fp.diagnose.conflict(p)),
    "loo": ("leaving out each of 5,000 rows, 21 weights", lambda p: fp.trust.loo(p)),
    "checks": ("the checks of a path", lambda p: p.diagnostics()),
    "audit": ("audit", lambda p: fp.audit(p, progressbar=False)),
}


def data(size: int, rows: int, answers: int) -> tuple[pm.Model, fp.SyntheticData, dict[str, Any]]:
    """Return a logistic regression of simulated people, and answers about others."""
    rng = np.random.default_rng(0)
    beta, names = 0.1 * rng.normal(size=size), [f"x{i}" for i in range(size)]

    def table(count: int, slope: Floats) -> tuple[Floats, NDArray[np.int_]]:
        x = rng.normal(size=(count, size))
        return x, (rng.random(count) < expit(x @ slope)).astype(int)

    x, y = table(rows, beta)
    said = table(answers, 0.7 * beta + 0.03 * rng.normal(size=size))
    with pm.Model(coords={"covariate": names}) as model:
        b = pm.Normal("beta", 0, SD, dims="covariate")
        pm.Bernoulli("y", logit_p=pm.Data("X", x, dims=("person", "covariate")) @ b, observed=y)
    frame = pd.DataFrame(said[0], columns=names).assign(y=said[1])
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", source="llm", weight=WEIGHT)
    return model, llm, {"real": (1.0, x, y), "llm": (WEIGHT, *said)}


def path_of(
    size: int = SIZE, rows: int = ROWS, answers: int = ANSWERS, draws: int = DRAWS
) -> fp.TrustPath:
    """Return a path of draws from Gaussian approximations."""
    model, llm, parts = data(size, rows, answers)
    rng = np.random.default_rng(1)
    ladders = {real: Ladder(_fits(parts, real, size, draws, rng)) for real in (1.0, 0.0)}
    post, prior = ladders[1.0], ladders[0.0]
    names = model.coords["covariate"]
    sets = [
        xr.Dataset({"beta": (("sample", "covariate"), ladder.u)}, {"covariate": list(names)})
        for ladder in (post, prior)
    ]
    gradients = {"primitive prior|value": _prior(post.u), "primitive prior|grad": -post.u / SD**2}
    for name, part in (("real data", parts["real"]), ("llm", parts["llm"])):
        gradients[f"{name}|value"], gradients[f"{name}|grad"] = _likelihood(part, post.u)
    facts = Facts(
        sources=("llm",),
        single=True,
        n_real=rows,
        worth=(0.8 * WEIGHT * answers,),
        max_trust=1.0,
        private={},
        shared=("beta",),
        coincide=0.0,
        seed=1,
        coordinates={"beta": (0, size)},
        data=sums_of(model),
    )
    grid = _grid(post, 1.0)
    return fp.TrustPath(post, prior, *sets, grid, facts, llm, model, None, gradients=gradients)


def _prior(u: Floats) -> Floats:
    return -0.5 * ((u / SD) ** 2).sum(axis=1)


def _likelihood(part: tuple[float, Floats, Any], u: Floats) -> tuple[Floats, Floats]:
    """Return the log-likelihood of rows and its gradient at points, a few at a time."""
    weight, x, y = part
    values, grads = np.empty(len(u)), np.empty(u.shape)
    for start in range(0, len(u), 500):
        some = slice(start, start + 500)
        eta = u[some] @ x.T
        values[some] = weight * (eta @ y - np.logaddexp(0, eta).sum(axis=1))
        grads[some] = weight * (y - expit(eta)) @ x
    return values, grads


def _fits(
    parts: Mapping[str, Any], real: float, size: int, draws: int, rng: np.random.Generator
) -> list[Fit]:
    fits, shape, mode = [], (CHAINS, draws), np.zeros(size)
    for trust in np.linspace(0, 1, ANCHORS) ** 1.5:
        used = [(real, parts["real"]), (trust, parts["llm"])]
        for _ in range(12):
            slope, curve = -mode / SD**2, np.eye(size) / SD**2
            for times, (weight, x, y) in used:
                p = expit(x @ mode)
                slope = slope + times * weight * (y - p) @ x
                curve = curve + times * weight * (x.T * (p * (1 - p))) @ x
            mode = mode + np.linalg.solve(curve, slope)
        root = np.linalg.cholesky(np.linalg.inv(curve))
        u = mode + rng.normal(size=(CHAINS * draws, size)) @ root.T
        ell, loglik = (_likelihood(parts[n], u)[0] for n in ("llm", "real"))
        base = _prior(u) + real * loglik
        arrays = u.reshape(*shape, size), {}, ell.reshape(*shape, 1), loglik.reshape(shape)
        run = Run(*arrays, base.reshape(shape), 0, 1, 1.0)
        total = CHAINS * draws
        fits.append(Fit(np.array([trust]), real, run, 0.9 * total, 0.6 * total, 1.0))
    return fits


def measure(file: str, name: str) -> None:
    """Print the processor's seconds and the largest memory in GB of one diagnostic."""
    import resource

    warnings.simplefilter("ignore")
    model = data(SIZE, ROWS, ANSWERS)[0]
    path = fp.TrustPath.from_netcdf(file, model=model, max_bytes=10**10)
    began = time.process_time()
    CALLS[name][1](path)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(time.process_time() - began, memory)


def main(names: list[str]) -> None:
    """Measure, and store the results."""
    with TemporaryDirectory() as folder:
        file = f"{folder}/path.nc"
        path_of().to_netcdf(file)
        known = read("cost").get("diagnostics", {})
        for name in names or CALLS:
            code = f"from tests.benchmarks.diagnostics import measure; measure({file!r}, {name!r})"
            run = partial(subprocess.run, capture_output=True, text=True, check=True)
            seconds, memory = map(float, run([sys.executable, "-c", code]).stdout.split())
            row = {**known.get(name, {}), "title": CALLS[name][0]}
            row |= {"seconds": float(f"{seconds:.3g}"), "memory": float(f"{memory:.3g}")}
            store("cost", "diagnostics", name, row)
            print(row, flush=True)


def table(rows: Mapping[str, Any]) -> str:
    """Return the table of ``docs/cost.md``."""
    header = ("diagnostic", "processor, s", "before, s", "largest memory, GB")
    lines = [
        (r["title"], f"{r['seconds']:.3g}", f"{r.get('before', '')}", f"{r.get('memory', '')}")
        for r in rows.values()
    ]
    return markdown(header, lines)
