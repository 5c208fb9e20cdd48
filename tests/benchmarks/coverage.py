"""Whether intervals under each rule of trust cover on real data: the study of `docs/coverage.md`.

Run as ``python -m tests.benchmarks.coverage [study ...]``. Pilots are drawn with replacement from
the people whom no prompt describes, and the truth is the same model's estimate on all of them.
Posteriors are computed by importance sampling (votes) and quadrature (wages), and compared with
`foundation_priors.trust_path` on a few pilots (``--check``). Results are stored beside this file.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np
import xarray as xr

from foundation_priors.trust.coverage import coverage
from tests.benchmarks import coverage_votes, coverage_wages
from tests.benchmarks.coverage_check import check
from tests.benchmarks.coverage_rules import RULES, law_of
from tests.benchmarks.coverage_tables import FEW, MAIN, write
from tests.benchmarks.tables import store

__all__ = ["STUDIES", "Study"]

SIZES = (20, 50, 200)
REPEATS = 300
SEED = 1996
TRUST = "trust"
"""A quantity beside the others, whose truth is called 0 so that its bias is the mean trust."""


@dataclass(frozen=True)
class Study:
    """Which pilots, and which answers: all of them, or one framing's."""

    module: Any
    pilot: type
    framing: str | None = None


STUDIES = {
    "votes": Study(coverage_votes, coverage_votes.Votes),
    "wages": Study(coverage_wages, coverage_wages.Wages),
    "wages, plain": Study(coverage_wages, coverage_wages.Wages, "plain"),
    "wages, roleplay": Study(coverage_wages, coverage_wages.Wages, "roleplay"),
    "wages, forecast": Study(coverage_wages, coverage_wages.Wages, "forecast"),
}


def draw(name: str, truth: Mapping[str, float], rng: np.random.Generator, n: int) -> Any:
    """Draw a pilot."""
    study = STUDIES[name]
    return study.pilot(n, rng, study.framing)


def analyse(rules: tuple[str, ...], pilot: Any) -> dict[str, dict[str, Any]]:
    """Return every quantity's interval under every rule."""
    out: dict[str, dict[str, Any]] = {}
    for rule in rules:
        trust, p = law_of(rule, pilot)
        intervals = pilot.average(trust, p).T
        mean = float(trust @ p)
        out[rule] = dict(zip(pilot.labels, intervals, strict=True)) | {TRUST: (mean, mean, mean)}
    return out


def measure(name: str, repeats: int, rules: tuple[str, ...], processes: int) -> xr.Dataset:
    """Run one study."""
    study = STUDIES[name]
    truth = dict(zip(study.module.QUANTITIES, study.module.truth(), strict=True)) | {TRUST: 0.0}
    with ProcessPoolExecutor(processes, mp_context=get_context("forkserver")) as pool:
        return coverage(
            partial(analyse, rules),
            partial(draw, name),
            truth,
            n=SIZES,
            repeats=repeats,
            random_seed=SEED,
            executor=pool,
        )


def summarise(found: xr.Dataset, n: int) -> dict[str, Any]:
    """Return one row a rule: averages over quantities with Monte Carlo errors."""
    d = found.sel(n=n)
    trust = d.bias.sel(quantity=TRUST)
    d = d.drop_sel(quantity=TRUST)
    inside = ((d.low <= d.truth) & (d.truth <= d.high)).transpose("repeat", "rule", "quantity")
    share = inside.mean("quantity").values
    square = ((d["mean"] - d.truth) ** 2).transpose("repeat", "rule", "quantity").values
    pull = square / (2 * square.mean(0))
    ratio = d.relative_rmse.values
    moves = (ratio * (pull - pull[:, :1])).mean(2)
    worst = ratio.argmax(1)
    rows: dict[str, Any] = {}
    for i, rule in enumerate(d.rule.values):
        own = d.isel(rule=i)
        rows[str(rule)] = {
            "coverage": _digits(share[:, i].mean()),
            "coverage_error": _error(share[:, i]),
            "below_ignore": _digits((share[:, 0] - share[:, i]).mean()),
            "below_ignore_error": _error(share[:, 0] - share[:, i]),
            "each_coverage": [_digits(c) for c in own.coverage.values],
            "ratio": _digits(ratio[i].mean()),
            "ratio_error": _error(moves[:, i]),
            "each_ratio": [_digits(r) for r in ratio[i]],
            "worst_ratio": _digits(ratio[i].max()),
            "worst_ratio_error": _digits(own.mcse_relative_rmse.values[worst[i]]),
            "worst_ratio_of": str(d.quantity.values[worst[i]]),
            "width": _digits((own.width / d.width.isel(rule=0)).mean()),
            "bias": [_digits(b) for b in own.bias.values],
            "trust": _digits(trust.values[i]),
        }
    return rows


def _error(values: np.ndarray) -> float:
    return _digits(values.std(ddof=1) / np.sqrt(len(values)))


def _digits(value: Any) -> float:
    return round(float(value), 4)


def main() -> None:
    """Run, store and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", nargs="*", help=f"of {', '.join(STUDIES)}; all by default")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--check", action="store_true", help="compare with the path alone")
    parser.add_argument("--dry", action="store_true", help="store nothing")
    given = parser.parse_args()
    # One thread a process, which the processes inherit.
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    if given.check:
        for key, row in check().items():
            store("coverage", "check", key, row)
    else:
        for name in given.study or STUDIES:
            began = time.perf_counter()
            rules = tuple(RULES) if name in MAIN else FEW
            found = measure(name, given.repeats, rules, given.processes)
            rows = {str(n): summarise(found, n) for n in SIZES}
            for n, table in rows.items():
                for rule, row in table.items():
                    print(
                        f"{name} {n:>4s} {rule:28s} coverage {row['coverage']:.3f} "
                        f"({row['coverage_error']:.3f}) ratio {row['ratio']:.3f} "
                        f"({row['ratio_error']:.3f}) worst {row['worst_ratio']:.2f} "
                        f"({row['worst_ratio_of']}) trust {row['trust']:.2f} {row['each_coverage']}"
                    )
            seconds = round(time.perf_counter() - began)
            print(f"{name}: {seconds} s", flush=True)
            if not given.dry:
                about = {"repeats": given.repeats, "truth": _truth(found), "sizes": rows}
                store("coverage", "studies", name, about)
    if not given.dry:
        write()


def _truth(found: xr.Dataset) -> dict[str, float]:
    truth = found.truth.isel(n=0, repeat=0).drop_sel(quantity=TRUST)
    return {str(q): _digits(truth.sel(quantity=q)) for q in truth["quantity"].values}


if __name__ == "__main__":
    main()
