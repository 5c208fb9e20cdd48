"""Whether a seed decides a path's draws, whatever the compilers' caches hold.

Run as ``python -m tests.benchmarks.reproducible``. Fresh processes build one path: with an empty
cache, with the cache that this left, and with an executor whose worker begins with an empty cache
of its own. What they drew is stored in ``results/cost.json``; nothing here is asserted.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import foundation_priors as fp
from tests.benchmarks.tables import store
from tests.path import models

__all__ = ["CACHES"]

CACHES = ("cold", "warm", "worker")


def use_cache(folder: str) -> dict[str, str]:
    """Return the environment of a process whose compilers keep their caches in a folder."""
    return {"PYTENSOR_FLAGS": f"base_compiledir={folder}", "NUMBA_CACHE_DIR": folder}


def build(worker: str | None) -> dict[str, Any]:
    """Build the path, by a worker that caches in a folder if one is given; return what it drew."""
    answers = fp.SyntheticData.from_dataframe(models.regression_data()[1], outcome="wage", weight=1)
    options = {"private": ["sigma"], "random_seed": 1, "progressbar": False}
    if worker is None:
        path = fp.trust_path(models.regression_model(), answers, **options)
    else:
        os.environ |= use_cache(worker)  # what the worker inherits
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            path = fp.trust_path(models.regression_model(), answers, executor=pool, **options)
    drawn = [np.ascontiguousarray(ladder.u) for ladder in (path.posterior, path.prior)]
    return {
        "digest": hashlib.sha256(b"".join(u.tobytes() for u in drawn)).hexdigest()[:16],
        "draws": sum(len(u) for u in drawn),
        "mean of beta[age] at trust 0.5": path.mean("beta", 0.5).sel(covariate="age").item(),
    }


def main() -> None:
    """Run the processes one after the other, and store what each drew."""
    with tempfile.TemporaryDirectory() as folder:
        for name in CACHES:
            place = Path(folder, "one")
            given = [str(Path(folder, "other"))] if name == "worker" else []
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.reproducible", "build", *given],
                env=os.environ | use_cache(str(place)),
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            row = json.loads(done.stdout.splitlines()[-1])
            row["seconds"] = round(time.perf_counter() - began)
            store("cost", "reproducible", name, row)
            print(name, row, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["build"]:
        print(json.dumps(build(sys.argv[2] if sys.argv[2:] else None)))
    else:
        main()
