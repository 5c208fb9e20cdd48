"""How many more real observations until a statement no longer tips."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.components import REAL, components
from foundation_priors.diagnose.sensitivity import few_weights
from foundation_priors.diagnose.shares import only
from foundation_priors.diagnose.washout_core import (
    MOST,
    Local,
    Place,
    Sums,
    batch_groups,
    last_crossing,
    repeated_score,
    settled,
)
from foundation_priors.errors import check_probability
from foundation_priors.path.mixture import pareto_k_limit

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath

__all__ = ["tipping_washout"]

type Floats = NDArray[np.float64]

FUTURES, POINTS, GROUPS = 2000, 13, 8
QUANTILES = (0.1, 0.5, 0.9)
LEAST = 1e-6
FAILS = (
    "Each posterior is taken to be Gaussian and new rows to be like the present ones; where the "
    "truth lies at the statement's edge no number of rows settles it, and the assurance asked for "
    "may be out of reach."
)


def tipping_washout(
    path: TrustPath,
    statement: tuple[str, Floats],
    probability: float,
    assurance: float,
    truth: Any,
    seed: Any,
) -> xr.Dataset:
    """Return the rows that settle a statement; see `washout`."""
    from scipy.special import ndtri

    for name, value in (("probability", probability), ("assurance", assurance)):
        check_probability(value, f"{name}")
    label, h = statement
    how = path._weighing(truth)
    if how.points.shape:
        raise ValueError("truth= takes one weight, one for each source, or a rule: give a number.")
    points = path.points(few_weights(path, POINTS)).array
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(FUTURES, path.posterior.u.shape[1]))
    steps = (np.arange(FUTURES) + rng.random()) / FUTURES
    weights, w_truth = path.posterior.mixture.weights(points), how.weights()[0]
    group = batch_groups(path.posterior.mixture.batches, len(h), GROUPS)
    sums = _sums(path, weights, h, group)
    order = rng.permutation(FUTURES)

    def study(without: int | None) -> tuple[list[Local], Floats, Floats]:
        """Approximate the path, perhaps without a group of draws, and draw futures from it."""
        keep = np.ones(len(h)) if without is None else (group != without).astype(float)
        w = weights * keep
        w = w / w.sum(axis=1, keepdims=True)
        kept = [[s for k, s in enumerate(row) if k != without] for row in sums]
        places = [Place(reduce(add, row), 0).of(0) for row in kept]
        chance = np.clip(w @ (h > 0), LEAST, 1 - LEAST)
        bare = np.array([repeated_score(p, 0.0, 0.0) for p in places])
        other = w_truth * keep
        chosen = np.searchsorted(np.cumsum(other / other.sum()), steps * (1 - 1e-12))
        return places, ndtri(chance) - bare, path.posterior.u[np.minimum(chosen, len(h) - 1)][order]

    level = float(ndtri(probability))

    def curve(found: tuple[list[Local], Floats, Floats], kappa: float) -> Floats:
        places, excess, futures = found
        return settled(places, excess, futures, noise, kappa, level)

    def settling(found: tuple[list[Local], Floats, Floats]) -> Callable[[float], float]:
        return cache(lambda k: float(np.mean(curve(found, k) != 0)))

    n = path.facts.n_real
    whole = study(None)
    often = settling(whole)
    tips = curve(whole, 0.0)[0] == 0
    low, middle, high, needed = (
        n * last_crossing(often, q) if tips else 0.0 for q in (*QUANTILES, assurance)
    )
    error = _jackknife([settling(study(k)) for k in range(GROUPS)], assurance, needed / n) * n
    known = [m for m in (needed, middle, float(n)) if np.isfinite(m)]
    top = min(2 * max(known), n * MOST)
    grid = np.linspace(0, top, 25)
    states = np.stack([curve(whole, m / n) for m in grid])
    check, check_rows = _check(path, whole, h, weights, needed, n)
    out = xr.Dataset(
        {
            "observations": needed,
            "mcse": error,
            "median": middle,
            "lower": low,
            "upper": high,
            "settled": ("rows", (states != 0).mean(axis=1)),
            "holds": ("rows", (states > 0).mean(axis=1)),
            "check": check,
            "check_rows": check_rows,
        },
        {"rows": grid},
        {"statement": label, "probability": probability, "assurance": assurance, "n_real": n},
    )
    return out.assign_attrs(truth=how.label(), reading=_reading(out), fails_when=FAILS)


def _jackknife(curves: list[Callable[[float], float]], level: float, near: float) -> float:
    """Return the standard error of a crossing that each group of draws but one gives."""
    if not np.isfinite(near) or near == 0:
        return near
    found = np.array([last_crossing(f, level, near) for f in curves])
    return float(np.sqrt((GROUPS - 1) / GROUPS * np.sum((found - found.mean()) ** 2)))


def _sums(path: TrustPath, weights: Floats, h: Floats, group: NDArray[np.intp]) -> list[list[Sums]]:
    """Return, for each weight and each group of the draws, the sums that places follow from."""
    real, u = components(path)[REAL][1], path.posterior.u
    parts = [np.flatnonzero(group == k) for k in range(GROUPS)]
    origins = [(row @ u, np.atleast_1d(row @ only(h, row > 0))) for row in weights]
    found: list[list[Sums]] = [[] for _ in weights]
    for part in parts:
        some = u[part], [real[part]], h[part, None]
        for sums, row, origin in zip(found, weights, origins, strict=True):
            sums.append(Sums.of(row[part], *some, origin))
    return found


def _check(
    path: TrustPath,
    found: tuple[list[Local], Floats, Floats],
    h: Floats,
    weights: Floats,
    needed: float,
    n: int,
) -> tuple[float, float]:
    """Hold the approximation against the path's draws, the real likelihood raised to a power.

    Returns the largest difference of probabilities, and the rows for which the weights allow it.
    """
    from scipy.special import ndtr

    from foundation_priors.path.mixture import _pareto_k

    places, excess, _ = found
    value = components(path)[REAL][0]
    most = needed / n if np.isfinite(needed) and needed > 0 else 1.0
    for kappa in most * np.array([1.0, 0.5, 0.25, 0.1]):
        with np.errstate(divide="ignore"):
            logs = np.log(weights) + kappa * (value - value.max())
        logs = logs - logs.max(axis=1, keepdims=True)
        w = np.exp(logs)
        w = w / w.sum(axis=1, keepdims=True)
        ess = 1 / (w**2 / path.posterior.mixture.worst_share).sum(axis=1)
        if ess.min() < 100:
            continue
        ks = [_pareto_k(a[b > 0], b[b > 0]) for a, b in zip(logs[::3], w[::3], strict=True)]
        if max(ks) > pareto_k_limit(len(h)):
            continue
        formula = ndtr([repeated_score(p, kappa, e) for p, e in zip(places, excess, strict=True)])
        return float(np.abs(w @ (h > 0) - formula).max()), float(kappa * n)
    return np.nan, np.nan


def _reading(out: xr.Dataset) -> str:
    a, m = out.attrs, out.observations.item()
    if m == 0:
        return (
            f"{a['statement']} does not tip on the path as it is, so that no more data are needed "
            "to settle it; little data may still unsettle it."
        )
    if not np.isfinite(m):
        best = float(out.settled[-1])
        return (
            f"No number of rows like the present ones settles {a['statement']} with probability "
            f"{a['assurance']:g}: {out.rows[-1].item():.0f} more would in {best:.0%} of the "
            "futures, since the truth may lie at its edge."
        )
    return (
        f"With {m:.0f} more real observations (error {out.mcse.item():.0f}) beside the "
        f"{a['n_real']}, {a['statement']} no longer tips in {a['assurance']:.0%} of the futures; "
        f"in half of them {out['median'].item():.0f} are enough."
    )
