"""How many real observations beliefs about quantities are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.path.evaluate import on_draws

if TYPE_CHECKING:
    from foundation_priors.path.engine import Engine
    from foundation_priors.prior.beliefs import Heard

__all__ = ["worth_of_beliefs"]

type Floats = NDArray[np.float64]

DRAWS = 2000
UNKNOWN = 1e-8
"""Of a quantity's precision, so little real data are none: differences leave as much."""


def worth_of_beliefs(
    engine: Engine, u: Floats, weights: Floats, heard: Sequence[Sequence[Heard]], real: Floats
) -> Floats:
    r"""Return the effective real observations of each source of beliefs at trust 1.

    Parameters
    ----------
    engine : Engine
    u, weights : array
        Draws from the posterior at trust 0 with their normalised weights.
    heard : sequence of sequence of Heard
        The beliefs of each source.
    real : array, shape (coordinate, coordinate)
        Information of the real data at the posterior mean.

    Notes
    -----
    The density of a belief need not be log-concave where the posterior lies, so that its Hessian
    there says nothing. Its information is what it adds to the precision of the quantity,
    :math:`1/sd_f^2 - 1/sd_0^2`, with standard deviations from the central 90% of f and of the prior
    (3.29 of them, as for a normal), or 0 where f is wider; that of the real data about the d
    quantities is :math:`W^T I_r W` with :math:`W = Cov(u, q) Var(q)^{-1}`. The worth is
    :math:`n_{real} (\det I_s / \det I_r)^{1/d}`, exactly that of rows for Gaussians.
    """
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(u), DRAWS, p=weights / weights.sum())
    model, draws = engine.tilted.model, engine.expand(u[chosen]).values
    free = xr.Dataset(
        {
            rv.name: (("sample", *(f"{rv.name}_{i}" for i in range(rv.ndim))), draws[rv.name])
            for rv in model.free_RVs
        }
    )
    out = []
    for some in heard:
        values = np.column_stack(on_draws(model, [h.prior.value for h in some], free))
        spread = values.std(axis=0)
        away = (values - values.mean(axis=0)) / spread  # quantities have units of their own
        across = (u[chosen] - u[chosen].mean(axis=0)).T @ away
        way = across @ np.linalg.inv(away.T @ away)
        said = np.prod([max(h.precision, 0.0) for h in some] * spread**2)
        known = np.linalg.eigvalsh(way.T @ real @ way)
        ratio = said / np.prod(known) if known[0] > UNKNOWN else np.nan
        out.append(ratio ** (1 / len(some)))
    return engine.tilted.n_real * np.array(out)
