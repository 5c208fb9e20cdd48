"""Paths of hierarchies against their long references: errors, flags, and false flags."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

import foundation_priors as fp
from tests.benchmarks.accuracy import compare
from tests.benchmarks.cases import Case
from tests.benchmarks.references import TRUSTS, moments_of
from tests.benchmarks.refits import RESULTS
from tests.benchmarks.tables import read, store, write

__all__ = ["LIMIT", "against_reference", "judge", "judge_all"]

LIMIT, LIMIT_EVIDENCE = 0.05, 0.2
"""Largest errors of means and sds, in posterior sds, and of the log evidence."""


def judge(name: str, path: fp.TrustPath) -> dict[str, Any]:
    """Return what a path cost, what it flags, and how far it is from the reference."""
    checks = path.diagnostics()
    kinds = pd.Series(checks.ladder.values + " " + checks.kind.values).value_counts()
    found = {
        "gradients": int(checks.gradients.sum()),
        "anchors": kinds.to_dict(),
        "flagged": int((~checks.reliable).sum()),
        "evidence_flagged": int((~checks.evidence_reliable).sum()),
    }
    if (RESULTS / "hierarchies" / f"{name}.csv").exists():
        found |= against_reference(path, moments_of(name), read("accuracy")["references"][name])
    return found


def against_reference(
    path: fp.TrustPath, moments: pd.DataFrame, row: Mapping[str, Any]
) -> dict[str, Any]:
    """Compare means, sds and log evidence, and say which flags are false or missing.

    A weight is right if no mean and no sd is farther off than `LIMIT`, but for the error of the
    reference, and than so many Monte Carlo errors as the largest of them keeps with a chance of
    99.5%, at least 4.
    """
    # Where the random errors of path and reference are both 0, so is the difference.
    table = compare(path, moments).fillna({"z_mean": 0.0, "z_sd": 0.0})
    table["off_mean"] = (table.path_mean - table["mean"]) / table.sd
    table["off_sd"] = table.path_sd / table.sd - 1
    most = table.groupby("trust")[["off_mean", "off_sd", "z_mean", "z_sd"]].agg(_largest)
    own = table.groupby("trust")[["mcse_mean", "sd"]].apply(lambda t: (t.mcse_mean / t.sd).max())
    off = most[["off_mean", "off_sd"]].max(axis=1)
    z = most[["z_mean", "z_sd"]].max(axis=1)
    bound = max(4.0, norm.isf(0.0025 / (2 * len(table))))
    right = (off <= LIMIT + 2 * own) & (z <= bound)
    ok = table.groupby("trust").ok.first()
    found = {k: _digits(most[k].max()) for k in most}
    found |= {
        "reference_error": _digits(own.max()),
        "right": int(right.sum()),
        "false_flags": int((right & ~ok).sum()),
        "missed": int((~right & ok).sum()),
    }
    if "log_evidence" in row:
        found |= _evidence(path, np.array(row["log_evidence"]), np.array(row["error"]))
    return found


def _evidence(path: fp.TrustPath, truth: np.ndarray, error: np.ndarray) -> dict[str, Any]:
    own = path.log_evidence(np.array(TRUSTS[1:]))
    gap = np.abs(own.values - truth[1:])
    right = gap <= LIMIT_EVIDENCE + 2 * error[1:]
    sure = own.reliable.values
    return {
        "evidence_off": _digits(gap.max()),
        "evidence_z": _digits((gap / np.hypot(own.mcse.values, error[1:])).max()),
        "evidence_reference_error": _digits(error.max()),
        "evidence_false_flags": int((right & ~sure).sum()),
        "evidence_missed": int((~right & sure).sum()),
    }


def judge_all(name: str, case: Case, seeds: Sequence[int], audit: bool, **options: Any) -> None:
    """Build a path for each seed, print the verdicts, and store them."""
    rows = []
    for seed in seeds:
        began = time.perf_counter()
        path = case.path(seed, **options)
        path.log_evidence()
        row = {"seed": seed, "wall": round(time.perf_counter() - began, 1), **judge(name, path)}
        if audit:
            row |= _audit(path)
        print(row, flush=True)
        rows.append(row)
    store("accuracy", "hierarchies", name, {"title": case.title, "seeds": rows})
    write("accuracy")


def _audit(path: fp.TrustPath) -> dict[str, float]:
    began = time.perf_counter()
    fp.audit(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"audit": round(time.perf_counter() - began, 1), "peak_gb": _digits(peak)}


def _largest(values: pd.Series) -> float:
    """Return the largest absolute value, infinite if any is nan."""
    return float(values.abs().fillna(np.inf).max())


def _digits(value: Any, digits: int = 3) -> float:
    return float(f"{float(value):.{digits}g}")
