"""Leaving things out without fitting again: a real row, or a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import ModelError
from foundation_priors.path.psis import smoothed

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.path.draws import Quantity

__all__ = ["leave_one_source_out", "loo"]

type Floats = NDArray[np.float64]

WEIGHTS = 21
LIGHT = 60.0
"""Nats below the heaviest draw: what weighs less is left out."""
BLOCK = 200_000
"""Weights to smooth at once, draws times rows."""
CELLS = 8_000_000
"""Most densities, draws times rows, to compute; beyond it draws are thinned evenly."""


def loo(path: TrustPath, trust: Sequence[float] | None = None) -> xr.Dataset:
    r"""Return the leave-one-out predictive score of the real rows, over trust.

    Parameters
    ----------
    path : TrustPath
        With its model.
    trust : sequence of float, optional
        Weights, shared by all sources; by default 21 of the path's own.

    Returns
    -------
    xarray.Dataset
        Over ``trust``: ``elpd``, its standard error over rows ``se``, ``difference`` from the best
        weight with ``se_difference``, and ``pareto_k``, the largest k-hat of a row.

    Raises
    ------
    ModelError
        When the path was read without its model, or its likelihood has no rows.

    Notes
    -----
    :math:`elpd = \sum_i \log p(y_i \mid y_{-i}, L)`, with the weights
    :math:`w_n(L) / p(y_i \mid \theta_n)` of each row Pareto-smoothed [1]_. Rows that stand in a
    Potential, such as censored ones, have no density each: they stay, and no score is that of one.

    References
    ----------
    .. [1] A. Vehtari, A. Gelman and J. Gabry (2017). Practical Bayesian model evaluation using
       leave-one-out cross-validation and WAIC. Statistics and Computing 27. arXiv:1507.04544
    """
    if trust is None:
        trust = path.trust[np.linspace(0, len(path.trust) - 1, WEIGHTS).round().astype(int)]
    points = path.points(np.atleast_1d(np.asarray(trust, dtype=float)))
    density, every = row_densities(path)
    logs = path.posterior.mixture.log_weights(points.array)[:, ::every]
    density = np.ascontiguousarray(density.T)
    found = [_loo_at(row, density) for row in logs]
    rows, ks = np.array([f[0] for f in found]), np.array([f[1] for f in found])
    best = rows[np.argmax(rows.sum(axis=1))]
    n = rows.shape[1]
    away = rows - best
    data = {
        "elpd": rows.sum(axis=1),
        "se": np.sqrt(n * rows.var(axis=1)),
        "difference": away.sum(axis=1),
        "se_difference": np.sqrt(n * away.var(axis=1)),
        "pareto_k": ks.max(axis=1),
    }
    coords = {"trust": np.asarray(points.coords["trust"][1], dtype=float)}
    return xr.Dataset({k: ("trust", v) for k, v in data.items()}, coords, {"n_rows": n})


def row_densities(path: TrustPath) -> tuple[Floats, int]:
    """Return the log density of each real row at every so many draws, (draw, row)."""
    from foundation_priors.path.evaluate import on_draws
    from foundation_priors.prior.density import row_logp
    from foundation_priors.prior.model import copy_model, observed_of
    from foundation_priors.prior.rows import real_rows

    if path.model is None:
        raise ModelError(
            "This path was read without its model: give it, from_netcdf(file, model=model), to "
            "leave rows out."
        )
    copy = copy_model(path.model)
    observed = observed_of(copy, "none can be left out")
    rows = [real_rows(copy, rv) for rv in observed]
    terms = [row_logp(copy, rv, r) for rv, r in zip(observed, rows, strict=True)]
    size = sum(len(r.outcome) for r in rows)
    every = max(1, int(np.ceil(path.draws.sizes["sample"] * size / CELLS)))
    draws = path.draws.isel(sample=slice(None, None, every))
    return np.hstack(on_draws(copy, terms, draws, size)), every


def _loo_at(log_weights: Floats, density: Floats) -> tuple[Floats, Floats]:
    """Return each row's log predictive density without it, and k-hat; density is (row, draw)."""
    from scipy.special import logsumexp

    live = log_weights > log_weights.max() - LIGHT
    log_weights, found = log_weights[live], []
    step = max(1, BLOCK // len(log_weights))
    for start in range(0, len(density), step):
        some = density[start : start + step, live]
        smooth, k = smoothed(log_weights - some)
        found.append((logsumexp(smooth + some, axis=1) - logsumexp(smooth, axis=1), k))
    elpd, ks = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return elpd, ks


def leave_one_source_out(
    path: TrustPath, quantity: Quantity, trust: Any = "cautious"
) -> xr.Dataset:
    """Return a quantity without each of the sources in turn, from the same draws.

    Parameters
    ----------
    path : TrustPath
        Of several sources, built with ``by=``.
    quantity : str or callable
    trust : number, dict, or hyperprior
        A weight for each source, or what `TrustPath.trust_posterior` takes, in which case the
        others' weights are learned anew.

    Returns
    -------
    xarray.Dataset
        Over ``left_out``, "nothing" first and then each source, and the quantity's own dimensions:
        ``mean`` and ``sd``, with ``mcse_mean`` for a scalar quantity.

    Raises
    ------
    ValueError
        When the path has one source, without which nothing but trust 0 is left.
    """
    if len(path.sources) < 2:
        raise ValueError(
            f"The path has one weight, of {path.sources[0]!r}: build it with by= to leave a source "
            "out, or look at trust 0."
        )
    out = []
    for name in (None, *path.sources):
        law = _without(path, trust, name)
        found = {"mean": path.mean(quantity, law), "sd": path.sd(quantity, law)}
        if "mcse" in found["mean"].coords:
            found["mcse_mean"] = found["mean"].mcse
        out.append(
            xr.Dataset({k: v.drop_vars(set(v.coords) - set(v.dims)) for k, v in found.items()})
        )
    labels = xr.DataArray(["nothing", *path.sources], dims="left_out", name="left_out")
    return xr.concat(out, labels)


def _without(path: TrustPath, trust: Any, name: str | None) -> Any:
    from foundation_priors.trust.fit import trust_posterior
    from foundation_priors.trust.hyperprior import NAMES

    if isinstance(trust, str) and trust not in NAMES:
        raise ValueError(f"trust={trust!r} must be a weight, weights by source, or a hyperprior.")
    if isinstance(trust, int | float) or _weights(trust):
        points = path.points(trust).array[0]
        values = dict(zip(path.sources, points.tolist(), strict=True))
        return values | ({name: 0.0} if name else {})
    without = () if name is None else (name,)
    if not isinstance(trust, str):
        return trust_posterior(path, trust, without=without)
    known = path.__dict__.setdefault("_rules", {})
    key = trust if name is None else (trust, name)
    if key not in known:
        known[key] = trust_posterior(path, trust, without=without, quiet=True)
    return known[key]


def _weights(trust: Any) -> bool:
    return isinstance(trust, dict) and all(isinstance(v, int | float) for v in trust.values())
