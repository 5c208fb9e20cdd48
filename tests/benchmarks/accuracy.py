"""Every mean and sd of the path against long refits, and log normalisers against exact ones.

Run as ``python -m tests.benchmarks.accuracy [model ...]``; ``--stored`` compares with the refits
of the last run instead of making them anew. The results are stored beside this file and shown in
``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd

import foundation_priors as fp
from tests.benchmarks.exact import EXACT, Exact
from tests.benchmarks.models import REAL
from tests.benchmarks.refits import RESULTS, WEIGHTS, labelled, refit, stored
from tests.benchmarks.tables import store, write

__all__ = ["against_exact", "against_refits", "compare"]

SEED = 1


def compare(path: fp.TrustPath, refits: pd.DataFrame) -> pd.DataFrame:
    """Return the path's moments beside those of refits, with both errors and their ratio z."""
    names = list(dict.fromkeys(q.split("[")[0] for q in refits.quantity))
    frames = []
    for trust, rows in refits.groupby("trust"):
        own = {
            "path_mean": [path.mean(n, float(trust)) for n in names],
            "path_sd": [path.sd(n, float(trust)) for n in names],
            "path_mcse_mean": [path.mcse(n, float(trust)) for n in names],
            "path_mcse_sd": [path.mcse(n, float(trust), kind="sd") for n in names],
        }
        columns = {
            k: pd.concat([_series(n, a) for n, a in zip(names, v, strict=True)])
            for k, v in own.items()
        }
        reliable = bool(own["path_mean"][0].reliable)
        frames.append(rows.set_index("quantity").join(pd.DataFrame(columns)).assign(ok=reliable))
    table = pd.concat(frames).reset_index()
    for kind in ("mean", "sd"):
        error = np.hypot(table[f"path_mcse_{kind}"], table[f"mcse_{kind}"])
        table[f"error_{kind}"] = error / table.sd
        table[f"z_{kind}"] = (table[f"path_{kind}"] - table[kind]) / error
    return table


def _series(name: str, values: Any) -> pd.Series:
    return labelled(
        values.drop_vars(["reliable", "mcse", "trust"], errors="ignore").to_dataset(name=name)
    )


def against_refits(name: str, use_stored: bool) -> dict[str, Any]:
    """Build a path and compare it with refits."""
    case = REAL[name]()
    print(f"{name}: {case.title}", flush=True)
    refits = stored(name) if use_stored else refit(name, case)
    if not use_stored:
        folder = RESULTS / "refits"
        folder.mkdir(parents=True, exist_ok=True)
        refits.to_csv(folder / f"{name}.csv", index=False, float_format="%.7g")
    began = time.perf_counter()
    path = case.path(SEED)
    print(f"  path {time.perf_counter() - began:.0f} s", flush=True)
    table = compare(path, refits)
    row = {"title": case.title, "parameters": int(refits.quantity.nunique()), **_verdict(table)}
    row |= _checks(path)
    print("  " + ", ".join(f"{k} {v}" for k, v in row.items() if k != "title"), flush=True)
    return row


def _verdict(table: pd.DataFrame) -> dict[str, Any]:
    kept = table[table.ok]
    z = np.concatenate([kept.z_mean, kept.z_sd])
    far = table.iloc[int(np.argmax(np.maximum(table.z_mean.abs(), table.z_sd.abs())))]
    return {
        "weights": int(table.trust.nunique()),
        "unreliable": int(table.loc[~table.ok].trust.nunique()),
        "comparisons": len(z),
        "z_mean": _most(kept.z_mean),
        "z_sd": _most(kept.z_sd),
        "z_rms": _digits(np.sqrt(np.mean(z**2))),
        "error_mean": _most(kept.error_mean),
        "error_sd": _most(kept.error_sd),
        "farthest": f"{far.quantity} at {far.trust:g}",
        "refit_r_hat": _digits(table.r_hat.max(), 4),
        "refit_ess": int(table.ess.min()),
    }


def _checks(path: fp.TrustPath) -> dict[str, Any]:
    checks = path.diagnostics()
    return {
        "flagged": int((~checks.reliable).sum()),
        "evidence_flagged": int((~checks.evidence_reliable).sum()),
        "evidence_error": _digits(checks.mcse_log_evidence.max()),
    }


def against_exact(name: str) -> dict[str, Any]:
    """Compare log normalisers and log evidence with a closed form or a quadrature."""
    exact: Exact = EXACT[name]()
    path = exact.case.path(SEED)
    weights = np.array(WEIGHTS[1:])
    row: dict[str, Any] = {"title": exact.case.title, "by": exact.by, "weights": len(weights)}
    for what, truth in (("normalizer", exact.log_normalizer), ("evidence", exact.log_evidence)):
        value = getattr(path, f"log_{what}")(weights)
        gap = value.values - truth(weights)
        row[what] = {
            "difference": _digits(np.abs(gap).max()),
            "z": _digits(np.abs(gap / value.mcse.values).max()),
            "error": _digits(value.mcse.max()),
            "unreliable": int((~value.reliable).sum()),
        }
    print(f"{name}: {row}", flush=True)
    return row


def _most(values: pd.Series) -> float:
    """Return the largest absolute value, nan if any is nan."""
    return _digits(np.abs(values.to_numpy()).max())


def _digits(value: Any, digits: int = 3) -> float:
    return float(f"{float(value):.{digits}g}")


def main() -> None:
    """Compare, store and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="*", help="all by default")
    parser.add_argument("--stored", action="store_true", help="use the refits of the last run")
    given = parser.parse_args()
    chosen = given.model or [*REAL, *EXACT]
    warnings.simplefilter("ignore", fp.UnreliableWarning)
    for name in chosen:
        if name in REAL:
            store("accuracy", "refits", name, against_refits(name, given.stored))
        else:
            store("accuracy", "exact", name, against_exact(name))
    write("accuracy")


if __name__ == "__main__":
    main()
