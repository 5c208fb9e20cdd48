"""What a path costs beside one plain run of the tilted model.

Run as ``python -m tests.benchmarks.run [part ...]`` with the parts ``models``, ``surface``,
``growth``, ``hierarchies``, ``hopeless``, ``bootstrap``, ``diagnostics`` and ``elicit``. Plain
runs and paths alternate in one process, after a small run of each has filled the compilers' caches;
medians are stored beside this file and shown in ``docs/cost.md``. Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

import foundation_priors as fp
from foundation_priors.path.reuse import KEPT
from tests.benchmarks.bootstrap import main as measure_bootstrap
from tests.benchmarks.cases import Case
from tests.benchmarks.diagnostics import main as measure_diagnostics
from tests.benchmarks.elicit import main as measure_elicitation
from tests.benchmarks.hierarchies import HIERARCHIES
from tests.benchmarks.hopeless import HOPELESS, judge
from tests.benchmarks.models import REAL
from tests.benchmarks.sized import framings, heavy, large, logistic
from tests.benchmarks.tables import KINDS, read, store, write

__all__ = ["Cost", "cost_of_path", "cost_of_sample", "paired", "smallest_acceptance", "strictly"]

ROWS = (100, 1_000, 10_000, 100_000)
PARAMETERS = (5, 20, 50, 100, 200)
SURFACE = 11
SAMPLERS = ("nutpie", "pymc")
ACCEPTANCES = (0.8, 0.9, 0.95, 0.99)
STRICT = {**HIERARCHIES, **REAL, "framings": framings}
"""Models whose paths are held against the faster of two samplers."""


@dataclass(frozen=True)
class Cost:
    """Seconds in all and in the sampler, gradients with warm-up, seconds of all processors."""

    wall: float
    sampling: float
    gradients: int
    cpu: float


def cost_of_path(case: Case, seed: int, use: Callable[[fp.TrustPath], Any], **options: Any) -> Cost:
    """Build a path, compiled anew, and ``use`` it."""
    KEPT.clear()
    began, busy = time.perf_counter(), _busy()
    path = case.path(seed, **options)
    use(path)
    wall, cpu = time.perf_counter() - began, _busy() - busy
    checks = path.diagnostics()
    return Cost(wall, float(checks.seconds.sum()), int(checks.gradients.sum()), cpu)


def cost_of_sample(case: Case, seed: int, draws: int = 1000, **options: Any) -> Cost:
    """Tilt and sample once, at trust 1, with options of `pymc.sample`."""
    began, busy = time.perf_counter(), _busy()
    trace = pm.sample(
        model=case.tilted(1.0),
        chains=4,
        cores=2,
        tune=draws,
        draws=draws,
        discard_tuned_samples=False,
        progressbar=False,
        random_seed=seed,
        **options,
    )
    wall, cpu = time.perf_counter() - began, _busy() - busy
    steps = [trace[g].n_steps.sum() for g in ("sample_stats", "warmup_sample_stats")]
    return Cost(wall, float(trace.posterior.attrs["sampling_time"]), int(sum(steps)), cpu)


def _busy() -> float:
    """Return the seconds that processors have spent on this process and its children."""
    spent = os.times()
    return sum(spent[:4])


def paired(
    case: Case, repeats: int, use: Callable[[fp.TrustPath], Any] = lambda p: p.log_evidence()
) -> dict[str, Any]:
    """Alternate plain runs and paths; return medians and the ratios of each pair's costs."""
    cost_of_sample(case, 0, draws=50)
    cost_of_path(case, 0, use, draws=50, tune=50, max_anchors=5)
    plain, path = [], []
    for seed in range(1, repeats + 1):
        plain.append(cost_of_sample(case, seed))
        path.append(cost_of_path(case, seed, use))
    ratios = {k: _medians(path, k) / _medians(plain, k) for k in KINDS}
    out = {"title": case.title, "repeats": repeats}
    for name, costs in (("plain", plain), ("path", path)):
        out[name] = {k: _round(_medians(costs, k)) for k in asdict(costs[0])}
    out["ratio"] = {k: _round(v) for k, v in ratios.items()}
    # Refitting at every weight: tilting and compiling each time, or compiling once.
    rest = _medians(plain, "wall") - _medians(plain, "sampling")
    out["refits"] = _round(101 * _medians(plain, "wall"))
    out["refits_one_compile"] = _round(rest + 101 * _medians(plain, "sampling"))
    return out


def smallest_acceptance(case: Case) -> tuple[float, int]:
    """Return the smallest acceptance without a divergence, or the largest with their number."""
    for acceptance in ACCEPTANCES:
        trace = pm.sample(
            model=case.tilted(1.0),
            chains=4,
            cores=2,
            nuts_sampler="nutpie",
            target_accept=acceptance,
            progressbar=False,
            random_seed=1,
        )
        divergences = int(trace.sample_stats.diverging.sum())
        if not divergences:
            break
    return acceptance, divergences


def strictly(name: str, case: Case, repeats: int) -> dict[str, Any]:
    """Alternate paths and plain runs of both samplers, all at the acceptance the model needs."""
    known = read("cost").get("hierarchies", {}).get(name, {})
    needed = (known["target_accept"], known["divergences"]) if known else smallest_acceptance(case)
    accept = {"target_accept": needed[0]}
    use = surface if name == "framings" else lambda p: p.log_evidence()
    for sampler in SAMPLERS:
        cost_of_sample(case, 0, draws=50, nuts_sampler=sampler, **accept)
    cost_of_path(case, 0, use, draws=50, tune=50, max_anchors=5, **accept)
    stages: dict[str, list[float]] = {}

    def used(path: fp.TrustPath) -> None:
        use(path)
        stages.update({name: [_round(v) for v in spent] for name, spent in path.facts.cost.items()})

    costs: dict[str, list[Cost]] = {kind: [] for kind in (*SAMPLERS, "path")}
    for seed in range(1, repeats + 1):
        for sampler in SAMPLERS:
            costs[sampler].append(cost_of_sample(case, seed, nuts_sampler=sampler, **accept))
        costs["path"].append(cost_of_path(case, seed, used, **accept))
    kinds = (*KINDS, "cpu")
    medians = {kind: {k: _round(_medians(c, k)) for k in kinds} for kind, c in costs.items()}
    faster = min(SAMPLERS, key=lambda s: medians[s]["wall"])
    return {
        "title": case.title,
        "repeats": repeats,
        "target_accept": needed[0],
        "divergences": needed[1],
        "faster": faster,
        **medians,
        "ratio": {k: _round(medians["path"][k] / medians[faster][k]) for k in kinds},
        "stages": stages,
    }


def surface(path: fp.TrustPath) -> None:
    """Read means, sds and evidence at every point of a grid of three weights."""
    axis = np.linspace(0, 1, SURFACE)
    grid = {s: xr.DataArray(axis, dims=s) for s in path.sources}
    for name in ("intercept", "beta"):
        path.mean(name, grid)
        path.sd(name, grid)
    assert path.log_evidence(grid).size == SURFACE**3


def _medians(costs: list[Cost], key: str) -> float:
    return float(np.median([getattr(c, key) for c in costs]))


def _round(value: float) -> float:
    return float(f"{value:.3g}")


def _measure(part: str, key: str, case: Case, repeats: int, **given: Any) -> None:
    row = paired(case, repeats, **given)
    store("cost", part, key, row)
    print(
        f"{case.title}: plain {row['plain']['wall']} s ({row['plain']['sampling']} sampling), "
        f"path {row['path']['wall']} s ({row['path']['sampling']}), ratios {row['ratio']}",
        flush=True,
    )


def _models(repeats: int, names: list[str]) -> None:
    for name, make in {**REAL, "large": large, "heavy": heavy}.items():
        if not names or name in names:
            _measure("models", name, make(), repeats)


def _surface(repeats: int, names: list[str]) -> None:
    _measure("surface", "framings", framings(), repeats, use=surface)


def _growth(repeats: int, names: list[str]) -> None:
    for answers in ROWS:
        _measure("rows", str(answers), logistic(answers, 5), repeats)
    for parameters in PARAMETERS:
        _measure("parameters", str(parameters), logistic(1_000, parameters), repeats)


def _hierarchies(repeats: int, names: list[str]) -> None:
    for name, make in STRICT.items():
        if not names or name.startswith(tuple(names)):
            row = strictly(name, make(), repeats)
            store("cost", "hierarchies", name, row)
            print({name: row}, flush=True)


def _hopeless(repeats: int, names: list[str]) -> None:
    for name, make in HOPELESS.items():
        hopeless = make()
        row = judge(hopeless, hopeless.case.path(1))
        store("cost", "hopeless", name, row)
        print(row, flush=True)


def _bootstrap(repeats: int, names: list[str]) -> None:
    measure_bootstrap(repeats, names)


def _diagnostics(repeats: int, names: list[str]) -> None:
    measure_diagnostics(names)


def _elicit(repeats: int, names: list[str]) -> None:
    measure_elicitation(repeats, names)


PARTS = {
    "models": _models,
    "surface": _surface,
    "growth": _growth,
    "hierarchies": _hierarchies,
    "hopeless": _hopeless,
    "bootstrap": _bootstrap,
    "diagnostics": _diagnostics,
    "elicit": _elicit,
}


def main() -> None:
    """Measure, store and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--models", nargs="*", default=[], help="which models; all by default")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("pymc").setLevel(logging.ERROR)
    for part in given.part or PARTS:
        PARTS[part](given.repeats, given.models)
    write("cost")


if __name__ == "__main__":
    main()
