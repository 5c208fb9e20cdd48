r"""A random-effects model of the answers, everything but the spreads integrated out.

Under :math:`y = m + \sum_k Z_k u_k + e` with a flat mean m the data speak
about the spreads through contrasts of y alone. In a balanced design these fall into strata
whose sums of squares are independent, :math:`SS_s \sim c_s \cdot \sigma^2 \, \chi^2_{df_s}`; in
any other they are jointly normal. Either way the likelihood is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.diagnose.voices_core import TINY, Grams
from foundation_priors.errors import ModelError
from foundation_priors.prior.compiling import compile_model

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["Contrasts", "compiled", "contrasts", "sampled", "spread_model"]

type Floats = NDArray[np.float64]
type Codes = NDArray[np.intp]

WIDEST = 300
"""Contrasts of an unbalanced design beyond which one gradient takes too long."""


@dataclass(frozen=True)
class Contrasts:
    """What the data say about the spreads.

    Parameters
    ----------
    names : list of str
        The components but "within".
    squares, df : array
        Sums of squares of the strata that are independent, shape (stratum,).
    coefficients : array
        How many times each component counts in a stratum's mean square, shape (stratum, name).
    contrasts : array
        Contrasts that no rotation makes independent, shape (contrast,); empty where balanced.
    between : array
        Their covariances for each component of 1, shape (name, contrast, contrast).
    """

    names: list[str]
    squares: Floats
    df: Floats
    coefficients: Floats
    contrasts: Floats
    between: Floats


def contrasts(y: Floats, factors: Mapping[str, Codes]) -> Contrasts:
    """Reduce answers to what they say about the spreads.

    Parameters
    ----------
    y, factors
        As in `anova`.

    Returns
    -------
    Contrasts
    """
    grams = Grams(y, factors)
    names = list(factors)
    counts = np.block([[np.asarray(grams.gram(a, b).todense()) for b in names] for a in names])
    times = np.diag(counts)
    left = counts - np.outer(times, times) / grams.n
    zy = np.concatenate([grams.zy[k] for k in names])
    values, vectors = np.linalg.eigh(left)
    keep = values > TINY * max(values[-1], 1.0)
    root = np.sqrt(values[keep])
    seen = (vectors[:, keep].T @ zy) / root
    effects = root[:, None] * vectors[:, keep].T
    sizes = np.cumsum([grams.sizes[k] for k in factors])[:-1]
    between = np.stack([part @ part.T for part in np.split(effects, sizes, axis=1)])
    rest = max(grams.square - float(seen @ seen), 0.0)
    df = grams.n - 1 - int(keep.sum())
    rotation = _common_axes(between)
    if rotation is None:
        if len(seen) > WIDEST:
            raise ModelError(
                f"The design is unbalanced with {len(seen)} contrasts, more than a sampled model"
                f" of it can take ({WIDEST}): use method='anova' or interactions=False."
            )
        none = np.zeros((1, len(factors)))
        return Contrasts(list(factors), np.array([rest]), np.array([df]), none, seen, between)
    count = np.einsum("ri,krs,si->ik", rotation, between, rotation)
    strata, where = np.unique(np.round(count, 6), axis=0, return_inverse=True)
    squares = np.bincount(where.ravel(), (rotation.T @ seen) ** 2)
    return Contrasts(
        list(factors),
        np.append(squares, rest),
        np.append(np.bincount(where.ravel()), df),
        np.vstack([strata, np.zeros((1, len(factors)))]),
        np.zeros(0),
        np.zeros((len(factors), 0, 0)),
    )


def _common_axes(between: Floats) -> Floats | None:
    """Return axes along which all covariances are diagonal, if there are any."""
    mix = np.random.default_rng(0).uniform(1, 2, len(between))
    _, axes = np.linalg.eigh(np.tensordot(mix, between, 1))
    turned = axes.T @ between @ axes
    off = turned * (1 - np.eye(len(axes)))
    return axes if np.abs(off).max(initial=0) <= 1e-7 * np.abs(turned).max(initial=1) else None


def spread_model(data: Contrasts, scale: float | Floats) -> pm.Model:
    """Return the PyMC model of the components.

    Parameters
    ----------
    data : Contrasts
    scale : float or array
        Each standard deviation is half-normal with this scale, in the outcome's unit, or with its
        own, shape (component,).

    Returns
    -------
    pymc.Model
        ``sd`` over ``component`` ("within" last); the data are ``pm.Data``.
    """
    import pymc as pm
    import pytensor.tensor as pt

    keep = data.df > 0
    with pm.Model(coords={"component": [*data.names, "within"]}) as model:
        sd = pm.HalfNormal("sd", scale, dims="component")
        variance = sd**2
        if keep.any():
            squares = pm.Data("sums_of_squares", data.squares[keep])
            mean = pt.dot(data.coefficients[keep], variance[:-1]) + variance[-1]
            half = data.df[keep] / 2
            pm.Gamma("strata", alpha=half, beta=1 / (2 * mean), observed=squares)
        if len(data.contrasts):
            seen = pm.Data("seen", data.contrasts)
            cov = pt.tensordot(variance[:-1], data.between, axes=1)
            cov = cov + variance[-1] * np.eye(len(data.contrasts))
            pm.MvNormal("contrasts", 0.0, cov=cov, observed=seen)
    return model


def compiled(data: Contrasts, scale: float | Floats) -> Any:
    """Compile the model once; ``with_data`` gives it other answers of the same design."""
    return compile_model(spread_model(data, scale))


def sampled(
    model: Any,
    draws: int,
    chains: int,
    seed: int,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Floats, float]:
    """Draw the components, shape (draw, component), and return the largest r-hat with them."""
    import arviz as az
    import nutpie

    trace = nutpie.sample(
        model,
        draws=draws,
        tune=max(draws // 2, 500),
        chains=chains,
        cores=1,
        seed=seed,
        progress_bar=False,
        save_warmup=False,
        **{"target_accept": 0.95, **options},
    )
    posterior = trace["posterior"].to_dataset()[["sd"]]
    worst = float(az.rhat(posterior)["sd"].max()) if chains > 1 else np.nan
    values = posterior["sd"].transpose("chain", "draw", "component").values
    return values.reshape(-1, values.shape[-1]) ** 2, worst
