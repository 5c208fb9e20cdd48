"""What a bootstrap over all concentrations costs beside plain bootstraps at one of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import foundation_priors as fp
from foundation_priors.bootstrap import bootstrap_path, linear_regression
from foundation_priors.bootstrap.rows import Rows, combine
from tests.benchmarks.tables import markdown, store

__all__ = ["main", "table"]

DRAWS = 2000
ESTIMATOR = linear_regression("lwage", ["educ", "exper", "black", "south", "smsa"])


def loop(rows: Rows, seed: int) -> np.ndarray:
    """Draw weights and solve the normal equations, one draw after the other."""
    rng, (x, y) = np.random.default_rng(seed), ESTIMATOR.arrays(rows.frame)
    out = np.empty((DRAWS, x.shape[1]))
    for d in range(DRAWS):
        weighted = x * _weights(rng, rows, 1)[0][:, None]
        out[d] = np.linalg.solve(weighted.T @ x, weighted.T @ y)
    return out


def at_once(rows: Rows, seed: int) -> np.ndarray:
    """Do the same with the moments of all draws from one product of matrices."""
    rng, (x, y) = np.random.default_rng(seed), ESTIMATOR.arrays(rows.frame)
    q = x.shape[1]
    products = np.hstack([(x[:, :, None] * x[:, None]).reshape(len(x), -1), x * y[:, None]])
    blocks = [_weights(rng, rows, 200) @ products for _ in range(DRAWS // 200)]
    moments = np.concatenate(blocks)
    return np.linalg.solve(moments[:, : q * q].reshape(-1, q, q), moments[:, q * q :, None])


def _weights(rng: np.random.Generator, rows: Rows, draws: int) -> np.ndarray:
    real = rng.standard_exponential((draws, rows.n_real))
    answers = rng.standard_gamma(rows.mass * rows.base, (draws, rows.n_synthetic))
    return np.hstack([real, answers])


def _seconds(run: Callable[[int], Any], seed: int) -> float:
    began = time.perf_counter()
    run(seed)
    return time.perf_counter() - began


def measure(title: str, real: Any, llm: fp.SyntheticData, repeats: int) -> dict[str, Any]:
    """Alternate the three and return medians of the seconds and of the ratios."""
    rows = combine(real, llm)
    runs: dict[str, Callable[[int], Any]] = {
        "loop": lambda seed: loop(rows, seed),
        "at_once": lambda seed: at_once(rows, seed),
        "path": lambda seed: bootstrap_path(
            ESTIMATOR, real, llm, draws=DRAWS, random_seed=seed, progressbar=False
        ),
    }
    for run in runs.values():
        run(0)
    found = {name: [] for name in runs}
    for seed in range(1, repeats + 1):
        for name, run in runs.items():
            found[name].append(_seconds(run, seed))
    out: dict[str, Any] = {"title": title, "repeats": repeats, "mass": round(rows.mass, 1)}
    out |= {name: _round(np.median(times)) for name, times in found.items()}
    for name in ("loop", "at_once"):
        pairs = np.array(found["path"]) / np.array(found[name])
        out[f"ratio_{name}"] = _round(np.median(pairs))
    return out


def _round(value: float) -> float:
    return float(f"{value:.3g}")


def _cases() -> dict[str, tuple[str, fp.SyntheticData]]:
    llm = fp.datasets.load("wages").synthetic
    return {
        "effective": ("log wage, 300 answers, 54 effective", llm),
        "rows": ("the same, each answer a row", llm.with_weight(1)),
    }


def main(repeats: int, names: list[str]) -> None:
    """Measure, print and store."""
    real = fp.datasets.load("wages").real
    for key, (title, llm) in _cases().items():
        if names and key not in names:
            continue
        row = measure(title, real, llm, repeats)
        store("cost", "bootstrap", key, row)
        print(row, flush=True)


def table(rows: dict[str, Any]) -> str:
    """Return the table of ``docs/cost.md``."""
    header = (
        "regression of 3,010 men",
        "loop at one concentration, s",
        "at once, s",
        "all 101, s",
        "ratio to loop",
        "to at once",
    )
    keys = ("title", "loop", "at_once", "path", "ratio_loop", "ratio_at_once")
    return markdown(header, [tuple(r[k] for k in keys) for r in rows.values()])
