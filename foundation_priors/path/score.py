"""The log predictive score of held-out rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from foundation_priors.errors import ModelError
from foundation_priors.path.evaluate import on_draws
from foundation_priors.path.points import Trust
from foundation_priors.prior.columns import ColumnSpec, Table
from foundation_priors.prior.density import row_logp
from foundation_priors.prior.model import copy_model, observed_of, outcome_names, short, spoken_of
from foundation_priors.prior.rows import read_rows

if TYPE_CHECKING:
    import pandas as pd
    import pymc as pm

    from foundation_priors.beliefs import Beliefs
    from foundation_priors.path.result import TrustPath
    from foundation_priors.synthetic import SyntheticData

__all__ = ["score"]

CELLS = 8_000_000
"""Most densities, draws times rows, to compute; beyond it draws are thinned evenly."""


def score(
    path: TrustPath,
    held_out: pd.DataFrame | xr.Dataset,
    trust: Trust,
    columns: Mapping[str, ColumnSpec] | None,
    along: Mapping[str, float] | None,
) -> xr.DataArray:
    """Return the score over trust; see `TrustPath.score`."""
    how = path._weighing(trust, along)
    if path.model is None:
        raise ModelError(
            "This path was read without its model: give it, from_netcdf(file, model=model), to "
            "score other rows."
        )
    columns = {**path.columns, **(columns or {})}
    if missing := [name for name in path.facts.columns if name not in columns]:
        raise ModelError(
            f"This path was built with columns= for {', '.join(missing)}, which a file cannot "
            "hold: give score() the same columns=."
        )
    table = Table.from_real(held_out)
    rows = next(iter(table.dataset.sizes.values()), 0)
    if not rows:
        raise ValueError("There are no held-out rows to score: give at least one.")
    every = max(1, int(np.ceil(path.draws.sizes["sample"] * rows / CELLS)))
    draws = path.draws.isel(sample=slice(None, None, every))
    density = _densities(path.model, table, columns, draws, path.synthetic)
    weights = how.weights()[:, ::every]
    weights = weights / weights.sum(axis=1, keepdims=True)
    values, error = _log_score(density, weights)
    out = how.wrap(values, name="log_score", reliable=how.reliable(), mcse=error)
    return out.assign_attrs(n_rows=rows)


def _log_score(density: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the score and its Monte Carlo standard error for each row of weights.

    The error is that of the delta method: a draw moves the score by its weight times the sum over
    rows of its density relative to the predictive one.
    """
    top = density.max(axis=0)
    relative = np.exp(density - top)
    predictive = weights @ relative
    with np.errstate(divide="ignore", invalid="ignore"):
        values = (top + np.log(predictive)).sum(axis=1)
        moves = relative @ (1 / predictive).T - density.shape[1]
        error = np.sqrt((weights**2 * moves.T**2).sum(axis=1))
    return values, error


def _densities(
    model: pm.Model,
    table: Table,
    columns: dict[str, ColumnSpec],
    draws: xr.Dataset,
    synthetic: SyntheticData | Beliefs,
) -> np.ndarray:
    """Return the log density of every row at every draw, shape (draw, row)."""
    copy = copy_model(model)
    observed_of(copy, "other rows cannot be scored")
    names = [str(v) for v in table.dataset.variables]
    known = Table(table.dataset, {**synthetic.levels, **table.levels}, table.title)
    total = np.zeros((draws.sizes["sample"], next(iter(table.dataset.sizes.values()))))
    only = getattr(synthetic, "outcomes", ())
    only = only if len(only) == 1 else ()
    for observed in spoken_of(copy, names, columns):
        known_as = outcome_names(copy, observed)
        found = [short(name) for name in known_as if short(name) in names]
        given = [columns[name] for name in known_as if name in columns]
        outcome = next(iter([*found[:1], *given, *(n for n in only[:1] if n in names)]), None)
        arrays = read_rows(copy, observed, known, columns, outcome)
        logp = row_logp(copy, observed, arrays)
        total += on_draws(copy, [logp], draws, len(arrays.outcome))[0]
    return total
