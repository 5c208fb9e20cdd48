"""Long references for hierarchies: moments at five weights, log evidence by a dense ladder.

Run as ``python -m tests.benchmarks.references MODEL ...``. A model is compiled once; nutpie samples
it at each weight from starts of its own, so that nothing but the density is shared with a path.
Rungs lie so close that a fifth of one's draws is effective at the next. Neighbours give each
other's normaliser by Bennett's ratio [1]_, for each chain by itself: the chains are repetitions
of the whole ladder, and their scatter is the error of the log evidence.

References
----------
.. [1] C. H. Bennett (1976). Efficient estimation of free energy differences from Monte Carlo data.
   J. Comput. Phys. 22. doi:10.1016/0021-9991(76)90078-4
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq
from scipy.special import expit, logsumexp

from foundation_priors.path.engine import EVIDENCE, Engine
from foundation_priors.prior.tilt import LOGLIK, TRUST, build
from tests.benchmarks.cases import Case
from tests.benchmarks.hierarchies import COMPARED, HIERARCHIES
from tests.benchmarks.refits import RESULTS, moments
from tests.benchmarks.tables import store

__all__ = ["TRUSTS", "bennett", "moments_of", "reference"]

type Array = np.ndarray

TRUSTS = (0.0, 0.1, 0.3, 0.6, 1.0)
CHAINS, LONG, SHORT, SHORTER = 8, 2500, 3000, 1000
R_HAT, ESS, BATCHES = 1.005, 4000, 4
"""What a long run is to reach, of at most so many batches."""
EFFECTIVE = 0.2
DEAR = ("groups60", "groups200", "hsgp30", "irt", "logistic200", "radon85", "rows100k")
"""Models of so many rows or parameters that a rung has fewer draws."""
ACCEPT = {"horseshoe": 0.99, **dict.fromkeys(DEAR, 0.9)}
"""Of the runs that give moments, .95 by default; rungs between them take .9."""


@dataclass(frozen=True)
class Rung:
    """Draws of ell at one weight, shape (chain, draw), with what else a run tells."""

    trust: float
    ell: Array
    r_hat: float
    ess: float
    divergences: int
    moments: pd.DataFrame | None = None


def reference(name: str, case: Case) -> None:
    """Sample both ladders and store moments and log evidence."""
    began = time.perf_counter()
    engine, accept = _engine(case), ACCEPT.get(name, 0.95)
    short = SHORTER if name in DEAR else SHORT
    posterior = _ladder(engine, 1.0, short, accept, COMPARED.get(name, _free(engine)))
    table = pd.concat([r.moments.assign(trust=r.trust) for r in posterior if r.moments is not None])
    folder = RESULTS / "hierarchies"
    folder.mkdir(parents=True, exist_ok=True)
    _few_digits(table).to_csv(folder / f"{name}.csv", index=False)
    row = {"title": case.title, "target_accept": accept, "rungs": len(posterior)}
    row |= _worst([r for r in posterior if r.moments is not None])
    store("accuracy", "references", name, row | {"seconds": round(time.perf_counter() - began)})
    prior = _ladder(engine, 0.0, short, accept, [])
    gain = _log_z(posterior) - _log_z(prior)
    row |= {
        "rungs_prior": len(prior),
        "log_evidence": gain.mean(axis=0).round(4).tolist(),
        "error": (gain.std(axis=0, ddof=1) / np.sqrt(CHAINS)).round(4).tolist(),
        "r_hat_ell": round(max(r.r_hat for r in (*posterior, *prior)), 4),
        "seconds": round(time.perf_counter() - began),
    }
    store("accuracy", "references", name, row)
    print(row, flush=True)


def moments_of(name: str) -> pd.DataFrame:
    """Read the stored moments of a model, one row a weight and quantity."""
    return pd.read_csv(RESULTS / "hierarchies" / f"{name}.csv")


def bennett(step: float, here: Array, there: Array) -> float:
    """Return log Z(L + step) - log Z(L) from draws of ell at both weights."""
    both, odds = step * np.concatenate([here, there]), np.log(len(there) / len(here))
    # The answer makes as many draws come from there, in expectation, as do.
    edges = both.min() - 50, both.max() + 50
    return float(brentq(lambda c: expit(both - c + odds).sum() - len(there), *edges))


def _engine(case: Case) -> Engine:
    known = {k: v for k, v in case.options.items() if k in ("columns", "private")}
    return Engine(build(case.model, case.synthetic, alone=True, **known))


def _free(engine: Engine) -> list[str]:
    return [v.name for v in engine.model.free_RVs]


def _ladder(
    engine: Engine, real: float, short: int, accept: float, compared: Sequence[str]
) -> list[Rung]:
    """Sample from trust 0 to 1, long runs at `TRUSTS` where there are quantities to compare."""
    run = partial(_rung, engine, real, short)
    rungs = [run(0.0, accept, compared)]
    for end in TRUSTS[1:]:
        while (here := rungs[-1]).trust < end:
            trust = _next(here, end)
            last = trust == end
            names = compared if last else []
            rungs.append(run(trust, accept if last else 0.9, names))
    return rungs


def _next(rung: Rung, end: float) -> float:
    """Return the farthest weight where enough of a rung's draws are effective."""
    ell = rung.ell.ravel()

    def ess(trust: float) -> float:
        log = (trust - rung.trust) * ell
        return np.exp(2 * logsumexp(log) - logsumexp(2 * log)) / len(ell)

    if ess(end) >= EFFECTIVE:
        return end
    low, high = rung.trust, end
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if ess(middle) >= EFFECTIVE else (low, middle)
    return low


def _rung(
    engine: Engine, real: float, short: int, trust: float, accept: float, compared: Sequence[str]
) -> Rung:
    """Sample at one weight; where moments are wanted, on and on until they can be relied on."""
    began = time.perf_counter()
    batches, diverged = [], 0
    while True:
        lengths = {"draws": LONG, "tune": 800} if compared else {"draws": short, "tune": 300}
        seed = 1 + int(real) + 10 * len(batches) + 1000 * int(1e6 * trust)
        trace = _sample(engine, trust, real, target_accept=accept, seed=seed, **lengths)
        names = [LOGLIK, *compared]
        batches.append(trace["posterior"].to_dataset()[names].drop_vars("draw"))
        diverged += int(trace["sample_stats"]["diverging"].sum())
        draws = xr.concat(batches, "draw")
        table = moments(draws[list(compared) or [LOGLIK]])
        good = table.r_hat.max() < R_HAT and table.ess.min() > ESS
        if good or not compared or len(batches) == BATCHES:
            break
    ell = draws[LOGLIK].transpose("chain", "draw", ...).values.reshape(CHAINS, -1)
    out = Rung(trust, ell, table.r_hat.max(), table.ess.min(), diverged, table)
    print(
        f"  {'posterior' if real else 'prior'} {trust:<8.3g} {time.perf_counter() - began:5.0f} s,",
        f"r-hat {out.r_hat:.4f}, ess {out.ess:.0f}, {diverged} divergences, {ell.size} draws",
        flush=True,
    )
    return out if compared else replace(out, moments=None)


def _sample(engine: Engine, trust: float, real: float, **options: Any) -> Any:
    import nutpie

    at = engine.compiled.with_data(**{TRUST: engine.tilted.vector([trust]), EVIDENCE: real})
    shared = {"chains": CHAINS, "cores": 1, "save_warmup": False, "progress_bar": False}
    return nutpie.sample(at, **shared, **options)


def _log_z(rungs: Sequence[Rung]) -> Array:
    """Return the log normaliser at `TRUSTS`, less that at 0, shape (chain, trust)."""
    steps = [
        [bennett(b.trust - a.trust, a.ell[c], b.ell[c]) for a, b in pairwise(rungs)]
        for c in range(CHAINS)
    ]
    total = np.cumsum(np.pad(steps, ((0, 0), (1, 0))), axis=1)
    return total[:, [i for i, r in enumerate(rungs) if r.trust in TRUSTS]]


def _worst(rungs: Sequence[Rung]) -> dict[str, Any]:
    return {
        "r_hat": round(max(r.r_hat for r in rungs), 4),
        "ess": int(min(r.ess for r in rungs)),
        "divergences": [r.divergences for r in rungs],
    }


def _few_digits(table: pd.DataFrame) -> pd.DataFrame:
    digits = {"mean": 6, "sd": 4, "mcse_mean": 2, "mcse_sd": 2}
    short = {k: table[k].map(lambda v, d=d: float(f"{v:.{d}g}")) for k, d in digits.items()}
    return table[["trust", "quantity"]].assign(**short)


def main() -> None:
    """Make and store references."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="+", help=f"of {', '.join(HIERARCHIES)}")
    warnings.simplefilter("ignore")
    logging.getLogger("pymc").setLevel(logging.ERROR)
    for name in parser.parse_args().model:
        case = HIERARCHIES[name]()
        print(f"{name}: {case.title}", flush=True)
        reference(name, case)


if __name__ == "__main__":
    main()
