"""Size of the conflict check: analyses whose parameters and data come from the prior.

    python -m tests.benchmarks.audit_conflict

Each of 2,000 or 4,000 analyses has its own data and its own replicates. In the first families
both are drawn with NumPy; in the paths the foundation prior at trust .3 and the data come from the
package's own layer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foundation_priors.diagnose.conflict import _estimates, _resampled, _total
from foundation_priors.diagnose.conflict_core import NAMED, lower_tail, two_sided
from foundation_priors.diagnose.conflict_model import Simulator, outcomes
from foundation_priors.diagnose.conflict_regions import ALL
from tests.benchmarks.tables import store
from tests.path import models

type Floats = NDArray[np.float64]

SIMULATIONS, REPLICATES, TRUST = 2000, 199, 0.3
PATH_SIMULATIONS, PATH_REPLICATES = 4000, 49


def families(seed: int) -> dict[str, Floats]:
    """Return two-sided p-values of a normal mean, a binomial count and a Poisson maximum."""
    rng = np.random.default_rng(seed)
    shape = (1 + REPLICATES, SIMULATIONS)
    mean = rng.normal(0, 1, shape) + rng.normal(0, 0.3, shape)
    count = rng.binomial(10, rng.beta(2, 2, shape)).astype(float)
    largest = rng.poisson(rng.gamma(2, 1, shape)[..., None], (*shape, 5)).max(axis=-1)
    named = {"normal mean": mean, "binomial count": count, "Poisson maximum": largest}
    return {k: two_sided(lower_tail(v[0], v[1:], rng)) for k, v in named.items()}


def path_checks(name: str, seed: int) -> dict[str, Floats]:
    """Return p-values of every check on data of one small path's foundation prior."""
    path = getattr(models, name)()
    rng = np.random.default_rng(seed)
    outcome = outcomes(path.model)[0]
    simulator = Simulator(outcome.model, seed)
    w = path.prior.mixture.weights(np.array([[TRUST]]))[0]
    regions = {ALL: np.ones(outcome.n_rows, bool)}
    place = {k: w @ path.prior.u[:, slice(*cut)] for k, cut in path.facts.coordinates.items()}

    def draw(size: int) -> tuple[Floats, NDArray[np.int_]]:
        chosen = _resampled(w, size, rng)
        made = simulator.draw(path.prior_draws.isel(sample=chosen))[outcome.name]
        return made.reshape(size, outcome.n_rows).astype(float), chosen

    asked = {
        f"{n}[{i}]" if path.prior_draws[n].ndim > 1 else n: column
        for n in path.facts.shared
        for i, column in enumerate(path.prior_draws[n].values.reshape(len(w), -1).T)
    }
    learned, chosen = draw(500)
    h = np.stack([v[chosen] for v in asked.values()], axis=1)
    data, _ = draw(PATH_SIMULATIONS * (1 + PATH_REPLICATES))
    fresh = path.prior_draws.isel(sample=_resampled(w, 100, rng))
    found = {"log density": _total(outcome.log_predictive(data, fresh), regions[ALL])}
    found |= {k: f(data) for k, f in NAMED.items()}
    estimates = _estimates(outcome, place, learned, h, data, regions)[:, 0]
    found |= dict(zip(asked, estimates.T, strict=True))
    out = {}
    for check, values in found.items():
        table = values.reshape(1 + PATH_REPLICATES, PATH_SIMULATIONS)
        lower = lower_tail(table[0], table[1:], rng)
        out[check] = lower if check == "log density" else two_sided(lower)
    return out


def main() -> None:
    """Run everything and store the sizes."""
    from scipy.stats import kstest

    for name in ("families", "coin", "normal", "regression"):
        checks = families(1) if name == "families" else path_checks(name, 2)
        table = {
            check: {"size": float(np.mean(p < 0.05)), "ks_p": float(kstest(p, "uniform").pvalue)}
            for check, p in checks.items()
        }
        print(name, table, flush=True)
        store("audit", "conflict", name, table)


if __name__ == "__main__":
    main()
