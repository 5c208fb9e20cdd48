"""The real data against what the foundation prior expects of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.diagnose.conflict_core import (
    NAMED,
    best_linear,
    lower_tail,
    region_statistics,
    two_sided,
)
from foundation_priors.diagnose.conflict_model import Outcome, Simulator, outcomes
from foundation_priors.diagnose.conflict_regions import ALL, regions_of
from foundation_priors.diagnose.sensitivity import check_path, few_weights
from foundation_priors.errors import ModelError
from foundation_priors.path.draws import elements
from foundation_priors.path.weighing import Weighing, is_rule

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.path.draws import Quantity

__all__ = ["conflict"]

type Floats = NDArray[np.float64]

DENSITY = "log density"
TOGETHER = "all sources"
FEW_DRAWS = 100
FAILS = (
    "A prior so vague that it expects anything conflicts with nothing, so a large p-value under it "
    "is no praise of the answers; a small one says that prior, answers or model are wrong, not "
    "which of them, except that conflict which is there at trust 0 is not the answers'."
)


def conflict(
    path: TrustPath,
    trust: Any = None,
    *,
    by: str | Sequence[Any] | None = None,
    quantities: Quantity | Sequence[Quantity] | None = None,
    statistics: Mapping[str, Callable[[Floats], Floats]] | None = None,
    draws: int = 500,
    random_seed: int | None = None,
) -> xr.Dataset:
    r"""Hold the real data against what the foundation prior expects of them, over trust.

    Parameters
    ----------
    path : TrustPath
        With its model.
    trust : number, array or rule, optional
        Five of the path's weights by default. With several sources the foundation prior of each
        alone is checked beside that of all.
    by : str or sequence, optional
        Regions of the covariates: the name of a data container of the model, numbers cut at their
        quartiles, or a label for each real row.
    quantities : str, callable or list of them, optional
        By default the variables that the answers inform; arrays are taken apart.
    statistics : dict of callables, optional
        Discrepancies of your own, from outcomes of shape (..., row) to values (...).
    draws : int
        Data sets drawn at each weight, and as many again to learn what data say about a quantity.
    random_seed : int, optional
        Defaults to the path's own seed.

    Returns
    -------
    xarray.Dataset
        Over (outcome, source, trust, region, check); ``outcome``, ``source`` and ``trust`` only
        where there are several. ``p_value``, randomised where ties are, its standard error
        ``mcse``; ``observed``, ``expected`` and ``sd`` of the statistic; ``kind`` of each check,
        "data" or "quantity". The checks are the log predictive density of the rows (small ones
        count), mean, sd, min and max of the outcome, and each quantity (both sides count). Over
        trust, ``reliable``.

    Raises
    ------
    ModelError
        When the path has no model, or the model cannot make data.

    Notes
    -----
    Box's check [1]_: parameters come from the foundation prior at this trust, data from the user's
    model given them, and p is the probability of a statistic as far out as the observed one. The
    check of a quantity h follows [2]_, with the best linear estimate of h from the score of the
    log-likelihood at the foundation prior's mean in place of a minimal sufficient statistic; in
    Gaussian and other canonical models it is one. Under the model p is uniform, whatever the
    statistic. With m checks the smallest p is below .05/m in at most 5% of analyses.

    References
    ----------
    .. [1] G. E. P. Box (1980). Sampling and Bayes' inference in scientific modelling and
       robustness. JRSS A 143(4). doi:10.2307/2982063
    .. [2] M. Evans and H. Moshonov (2006). Checking for prior-data conflict. Bayesian Analysis
       1(4). doi:10.1214/06-BA129

    Examples
    --------
    >>> import foundation_priors as fp
    >>> fp.diagnose.conflict(path, by="age").p_value.to_series()  # doctest: +SKIP
    """
    check_path(path, "conflict()")
    if path.model is None:
        raise ModelError(
            "This path was read without its model: give it, from_netcdf(file, model=model), to "
            "draw data from it."
        )
    if int(draws) != draws or draws < 20:
        raise ValueError(f"draws={draws} must be a whole number of at least 20.")
    seed = path.facts.seed if random_seed is None else random_seed
    rng = np.random.default_rng(seed)
    each = [o for o in outcomes(path.model) if o.n_rows]
    simulator = Simulator(each[0].model, int(rng.integers(2**31)))
    asked = _asked(path, quantities)
    named = {**NAMED, **(statistics or {})}
    found = []
    for outcome in each:
        parts = regions_of(outcome, by)
        alone = [
            _along(path, outcome, simulator, trust, direction, parts, asked, named, int(draws), rng)
            for direction in _directions(path, trust)
        ]
        names = [TOGETHER, *path.sources][: len(alone)]
        one = xr.concat(alone, xr.DataArray(names, dims="source", name="source"))
        found.append(one.isel(source=0, drop=True) if len(alone) == 1 else one)
    index = xr.DataArray([o.name for o in each], dims="outcome", name="outcome")
    out = xr.concat(found, index)
    out = out.isel(outcome=0, drop=True) if len(each) == 1 else out
    out.attrs = {"sources": list(path.sources), "draws": int(draws)}
    return out.assign_attrs(reading=_reading(out), fails_when=FAILS)


def _directions(path: TrustPath, trust: Any) -> list[dict[str, float] | None]:
    """Return along which multiples of a shared weight to go: all sources, and each alone."""
    if len(path.sources) == 1 or is_rule(trust) or isinstance(trust, Mapping):
        return [None]
    return [None, *({name: 1.0} for name in path.sources)]


def _asked(path: TrustPath, quantities: Any) -> dict[str, Floats]:
    """Return quantities of the prior's draws by label, each of shape (draw,)."""
    if quantities is None:
        own = {str(rv.name) for rv in path.model.free_RVs} if path.model else set()
        wanted: list[Any] = [n for n in path.facts.shared if n in own] or sorted(own)
    else:
        single = isinstance(quantities, str) or callable(quantities)
        wanted = [quantities] if single else list(quantities)
    out: dict[str, Floats] = {}
    for quantity in wanted:
        out |= {e.label: e.values.astype(float) for e in elements(path.prior_draws, quantity)}
    return out


def _along(
    path: TrustPath,
    outcome: Outcome,
    simulator: Simulator,
    trust: Any,
    direction: dict[str, float] | None,
    regions: Mapping[str, NDArray[np.bool_]],
    asked: Mapping[str, Floats],
    statistics: Mapping[str, Callable[[Floats], Floats]],
    draws: int,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Return the checks of one outcome along a direction of trust."""
    how = path._weighing(few_weights(path, 5) if trust is None else trust, direction)
    weights = how.prior_weights()[None] if is_rule(trust) else _weights(path, how)
    rows, reliable = [], []
    for w in weights:
        size = float(1 / (w**2 / path.prior.mixture.worst_share).sum())
        reliable.append(size >= FEW_DRAWS)
        rows.append(
            _at_one(path, outcome, simulator, w, size, regions, asked, statistics, draws, rng)
        )
    checks = [DENSITY, *statistics, *asked]
    coords = {
        "region": list(regions),
        "check": checks,
        "kind": ("check", ["quantity" if c in asked else "data" for c in checks]),
    }
    data = {
        name: how.wrap(np.stack([row[name] for row in rows]), ["region", "check"], coords)
        for name in rows[0]
    }
    out = xr.Dataset(data).assign(reliable=how.wrap(np.array(reliable)))
    extra = {"trust": how.label()} if is_rule(trust) else {}
    return out.assign_coords(extra)


def _weights(path: TrustPath, how: Weighing) -> Floats:
    return path.prior.mixture.weights(how.points.array)


def _at_one(
    path: TrustPath,
    outcome: Outcome,
    simulator: Simulator,
    w: Floats,
    size: float,
    regions: Mapping[str, NDArray[np.bool_]],
    asked: Mapping[str, Floats],
    statistics: Mapping[str, Callable[[Floats], Floats]],
    draws: int,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Return the checks under one foundation prior, each of shape (region, check)."""
    chosen = _resampled(w, 2 * draws, rng)
    some = path.prior_draws.isel(sample=chosen)
    made = simulator.draw(some)[outcome.name]
    made = made.reshape(len(made), outcome.n_rows, *outcome.observed.shape[1:]).astype(float)
    learn, test = slice(0, draws), slice(draws, None)
    real = outcome.observed[None]
    data = np.concatenate([real, made[test]])
    # Densities from draws of their own, which no replicate was made with.
    fresh = path.prior_draws.isel(sample=_resampled(w, draws, rng))
    logp = outcome.log_predictive(data, fresh)
    density = [_total(logp, mask) for mask in regions.values()]
    columns = [np.stack(density, axis=-1)[..., None]]
    columns.append(
        region_statistics(data.reshape(*data.shape[:2], -1)[..., 0], regions, statistics)
    )
    if asked:
        h = np.stack([values[chosen] for values in asked.values()], axis=1)
        place = {
            name: w @ path.prior.u[:, slice(*cut)] for name, cut in path.facts.coordinates.items()
        }
        columns.append(_estimates(outcome, place, made[learn], h[learn], data, regions))
    values = np.concatenate(columns, axis=-1)
    lower = lower_tail(values[0], values[1:], rng)
    p = two_sided(lower)
    p[:, 0] = lower[:, 0]
    effective = min(draws, size)
    return {
        "p_value": p,
        "mcse": np.sqrt(p * (2 - p) / effective),
        "observed": values[0],
        "expected": values[1:].mean(axis=0),
        "sd": values[1:].std(axis=0),
    }


def _total(logp: Floats, mask: NDArray[np.bool_]) -> Floats:
    """Return sums over the rows of a region; nan where the rows have one density together."""
    if logp.shape[1] == len(mask):
        return logp[:, mask].sum(axis=1)
    return logp.sum(axis=1) if mask.all() else np.full(len(logp), np.nan)


def _estimates(
    outcome: Outcome,
    place: dict[str, Floats],
    made: Floats,
    h: Floats,
    data: Floats,
    regions: Mapping[str, NDArray[np.bool_]],
) -> Floats:
    """Return what data sets say about quantities, shape (data set, region, quantity)."""
    out = []
    for mask in regions.values():
        learned = outcome.scores(made, place, mask)
        good = np.isfinite(learned).all(axis=1)
        centre, coefficients = best_linear(learned[good], h[good])
        scores = np.nan_to_num(outcome.scores(data, place, mask) - centre)
        out.append(h.mean(axis=0) + scores @ coefficients)
    return np.stack(out, axis=1)


def _resampled(w: Floats, size: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Return draws by systematic resampling, in random order."""
    steps = (np.arange(size) + rng.random()) / size
    chosen = np.searchsorted(np.cumsum(w), steps * (1 - 1e-12))
    return rng.permutation(np.minimum(chosen, len(w) - 1))


def _reading(found: xr.Dataset) -> str:
    p = found.p_value
    p = p.isel({d: 0 for d in ("source",) if d in p.dims})
    numeric = "trust" in p.dims
    last = p.isel(trust=-1) if numeric else p
    words = [_worst(last, found, numeric)]
    if numeric and float(p.trust[0]) == 0 and p.sizes["trust"] > 1:
        words.append(_worst(p.isel(trust=0), found, numeric))
    several = "" if p.sizes["region"] == 1 else f" in {p.sizes['region'] - 1} regions and over all"
    return (
        f"Of {last.size} checks{several}, "
        + "; ".join(words)
        + f". By chance alone the smallest would be below {0.05 / last.size:.2g} in at most 5% of "
        "analyses." + _rough(found)
    )


def _rough(found: xr.Dataset) -> str:
    bad = int((~found.reliable).sum())
    some = f" At {bad} of {found.reliable.size} weights there are too few independent draws of the"
    return f"{some} foundation prior for its p-values." if bad else ""


def _worst(p: xr.DataArray, found: xr.Dataset, numeric: bool) -> str:
    where = np.unravel_index(int(np.nanargmin(p.values)), p.shape)
    cell = p.isel(dict(zip(p.dims, map(int, where), strict=True)))
    trust = found.trust.item() if not numeric else cell.trust.item()
    at = f"at trust {trust:.3g}" if numeric or not isinstance(trust, str) else f"under {trust!r}"
    places = [str(cell[d].item()) for d in ("outcome", "region") if d in cell.coords]
    within = ", ".join(place for place in places if place != ALL)
    region = f" ({within})" if within else ""
    least, limit, made = 2 / (found.attrs["draws"] + 1), 0.05 / p.size, found.attrs["draws"]
    verdict = "conflict" if cell.item() < limit else "no clear conflict"
    if limit < least and cell.item() <= least:
        verdict = f"as far out as {made} data sets can tell, too few to judge {p.size} checks"
    return f"{at} the smallest p is {cell.item():.2g}, of {cell.check.item()}{region}: {verdict}"
