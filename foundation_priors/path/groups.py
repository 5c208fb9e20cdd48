"""Draws at one trust as a DataTree that ArviZ knows how to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.path.draws import SAMPLE
from foundation_priors.path.points import Trust
from foundation_priors.prior.compiling import one_at_a_time
from foundation_priors.prior.model import copy_model, numpy_mode

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.path.ladder import Ladder
    from foundation_priors.path.result import TrustPath

__all__ = ["likelihood_groups", "tree"]

type Floats = NDArray[np.float64]

OF_MODEL = ("log_likelihood", "log_prior", "observed_data")
"""Groups that only the model can give."""


def tree(path: TrustPath, trust: Trust, random_seed: Any) -> xr.DataTree:
    """Return the groups; see `TrustPath.at`."""
    how = path._weighing(trust)
    if how.points.shape:
        raise ValueError("at() takes one weight, one for each source, or a rule: give a number.")
    reliable = how.reliable()
    rng = np.random.default_rng(path.facts.seed if random_seed is None else random_seed)
    weights = how.weights()[0]
    ess = float(1 / (weights**2 / path.posterior.mixture.worst_share).sum())
    chosen = _resample(path.posterior, weights, rng)
    draws = path.draws.isel(sample=chosen)
    tilted = path.prior_draws.isel(sample=_resample(path.prior, how.prior_weights(), rng))
    at_zero = path.prior.mixture.weights(path.prior.zero[None])[0]
    primitive = path.prior_draws.isel(sample=_resample(path.prior, at_zero, rng))
    each = how.trust_of(chosen, rng)
    attrs = {
        "trust": how.label(),
        "sources": list(path.sources),
        "ess": ess,
        "pareto_k": how.pareto_k(),
        "reliable": int(reliable[0]),
    }
    said = each * path.posterior.mixture.ell[chosen]
    groups = {
        "posterior": _chained(draws),
        "prior": _chained(tilted),
        "primitive_prior": _chained(primitive),
        "sample_stats": _stats(path, chosen, each),
        "synthetic_data": path.synthetic.dataset,
    }
    if path.model is not None:
        model = path.engine.tilted.model if path.engine else path.model
        groups |= likelihood_groups(model, groups["posterior"], said[None], path.sources)
    else:
        attrs["missing_groups"] = list(OF_MODEL)
    out = xr.DataTree.from_dict(groups)
    out.attrs.update(attrs)
    out["posterior"].attrs.update(attrs)
    return out


@one_at_a_time
def likelihood_groups(
    model: pm.Model, posterior: xr.Dataset, said: Floats, sources: tuple[str, ...]
) -> dict[str, xr.Dataset]:
    """Return the groups ``log_likelihood``, ``log_prior`` and ``observed_data``.

    Parameters
    ----------
    model : pymc.Model
        The tilted model, or the user's.
    posterior : xarray.Dataset
        Draws over (chain, draw).
    said : array, shape (chain, draw, source)
        The sources' weighted log-likelihoods, which join the log priors under their names.
    sources : tuple of str
    """
    from pymc.stats import compute_log_likelihood, compute_log_prior

    copy = copy_model(model)
    for rv in copy.free_RVs:
        copy.set_initval(rv, None)
    groups = xr.DataTree.from_dict({"posterior": posterior})
    how = {"model": copy, "progressbar": False, "compile_kwargs": {"mode": numpy_mode()}}
    compute_log_likelihood(groups, **how)
    compute_log_prior(groups, **how)
    log_prior = groups["log_prior"].to_dataset()
    for number, source in enumerate(sources):
        log_prior[source] = ("chain", "draw"), said[..., number]
    observed = {}
    for rv in copy.observed_RVs:
        value = np.asarray(copy.rvs_to_values[rv].eval(mode=numpy_mode()))
        given = copy.named_vars_to_dims.get(rv.name) or (None,) * value.ndim
        dims = [d or f"{rv.name}_dim_{i}" for i, d in enumerate(given)]
        observed[rv.name] = (dims, value)
    return {
        "log_likelihood": groups["log_likelihood"].to_dataset(),
        "log_prior": log_prior,
        "observed_data": xr.Dataset(observed),
    }


def _resample(ladder: Ladder, weights: Floats, rng: np.random.Generator) -> NDArray[np.int_]:
    """Return draws by systematic resampling, as many as are effective, in random order."""
    size = max(int(1 / (weights**2 / ladder.mixture.worst_share).sum()), 1)
    steps = (np.arange(size) + rng.random()) / size
    chosen = np.searchsorted(np.cumsum(weights), steps * (1 - 1e-12))
    return rng.permutation(np.minimum(chosen, len(weights) - 1))


def _chained(draws: xr.Dataset) -> xr.Dataset:
    """Return draws over (chain, draw), with a single chain."""
    size = draws.sizes[SAMPLE]
    out = draws.rename({SAMPLE: "draw"}).assign_coords(draw=np.arange(size))
    return out.expand_dims(chain=[0])


def _stats(path: TrustPath, chosen: NDArray[np.int_], trust: Floats) -> xr.Dataset:
    mixture = path.posterior.mixture
    anchors = mixture.points[mixture.origin[chosen]]
    data = {
        "anchor_trust": (("chain", "draw", "source"), anchors[None]),
        "trust": (("chain", "draw", "source"), np.broadcast_to(trust, anchors.shape)[None]),
        "loglik_synthetic": (("chain", "draw", "source"), mixture.ell[chosen][None]),
    }
    return xr.Dataset(data, {"source": list(path.sources), "chain": [0]})
