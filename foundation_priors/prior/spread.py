"""Answers that fit exactly, with a scale of their own, make the tilt infinite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.errors import ImproperPriorError
from foundation_priors.prior.density import rows_variable
from foundation_priors.prior.index import lookups
from foundation_priors.prior.links import Wiring
from foundation_priors.prior.model import numpy_mode
from foundation_priors.prior.rows import RowArrays, is_discrete, numbered
from foundation_priors.prior.start import evaluate, start_values

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_spread"]

SUBSET = 500
"""Rows to look at: where these do not fit exactly, all rows do not."""


def check_spread(
    model: pm.Model,
    observed: TensorVariable,
    rows: RowArrays,
    mass: np.ndarray,
    wiring: Wiring,
    *,
    alone: bool = False,
) -> None:
    r"""Raise when the answers fit exactly and a scale could shrink to zero.

    Parameters
    ----------
    model : pymc.Model
        The model, with the private copies.
    observed : TensorVariable
        What the answers speak about.
    rows : RowArrays
        Distinct rows.
    mass : numpy.ndarray
        The weight of each, shape (row,).
    wiring : Wiring
        The copies of variables that these answers see.
    alone : bool
        Look at shared scales too: the tilted prior must be proper without the real data, whose
        own spread keeps a posterior proper.

    Raises
    ------
    ImproperPriorError
        Since the tilt would be infinite at zero residual spread.

    Notes
    -----
    Where :math:`r` coefficients fit answers of total weight :math:`W` exactly, integrating them out
    at trust 1 leaves :math:`\sigma^{r - W}` near :math:`\sigma = 0`. With a prior that goes like
    :math:`\sigma^s` there, the integral is infinite if :math:`W - r \ge 1 + s`. The logarithm of a
    commensurate scale is normal around the original's: at a given spread every such integral is
    finite; at a learned one the density of a half normal spread decays exponentially, which is
    :math:`s = 0`.
    """
    swap = {rv: wiring.copies.get(rv, rv) for rv in wiring.swap if _may_vanish(rv, wiring)}
    own = {model[name] for name in wiring.own}
    free = [rv for rv in model.free_RVs if rv in swap or (alone and rv not in wiring.swap)]
    tied = {rv: swap.get(rv, rv) for rv in free if rv not in own}
    positive = {rv: c for rv, c in tied.items() if model.rvs_to_transforms[rv] is not None}
    if not positive or is_discrete(observed) or rows.outcome.ndim > 1:
        return
    used = mass > 0
    rank = _exact_rank(model, observed, rows.take(np.flatnonzero(used)))
    if rank is None:
        return
    for rv, copy in positive.items():
        if not _is_scale(model, observed, rows, rv):
            continue
        if mass.sum() - rank >= 1 + (0.0 if rv.name in wiring.links else _power(model, copy)):
            kind = "private " if rv in wiring.copies else "commensurate "
            which, cure = (kind, "share it with the real rows, or ") if rv in swap else ("", "")
            raise ImproperPriorError(
                f"The answers leave no residual spread, so the tilt is infinite where the {which}"
                f"{rv.name!r} is zero: {cure}collect answers that differ."
            )


def _may_vanish(rv: TensorVariable, wiring: Wiring) -> bool:
    """Say whether a copy can go to zero more slowly than every power: not at a given spread."""
    return rv.name not in wiring.links or rv.name in wiring.learned


def _exact_rank(model: pm.Model, observed: TensorVariable, rows: RowArrays) -> int | None:
    """Return how many coefficients fit the outcome exactly, or None where a line does not."""
    few = rows.take(np.arange(min(SUBSET, len(rows.outcome))))
    design, outcome = _design(model, observed, few), few.outcome
    fit, _, rank, _ = np.linalg.lstsq(design, outcome)
    residual = np.abs(outcome - design @ fit).max()
    return int(rank) if residual <= 1e-9 * max(1.0, float(np.abs(outcome).max())) else None


def _design(model: pm.Model, observed: TensorVariable, rows: RowArrays) -> np.ndarray:
    """Return an intercept, the covariates, and an indicator of each group that data index."""
    groups = {name for found in lookups(model, observed, rows.data) for name in found.names}
    parts = [np.ones((len(rows.outcome), 1))]
    for name, values in rows.data.items():
        columns = values.reshape(len(values), -1)
        if name in groups:
            columns = np.eye(len(rows.outcome))[numbered(columns)][:, : len(np.unique(columns))]
        parts.append(columns)
    return np.hstack(parts)


def _is_scale(
    model: pm.Model, observed: TensorVariable, rows: RowArrays, rv: TensorVariable
) -> bool:
    """Say whether the outcome stops varying where the variable goes to zero."""
    import pymc as pm
    import pytensor.tensor as pt

    start = start_values(model)
    values = {v: start[str(v.name)] * (1e-9 if v is rv else 1) for v in model.free_RVs}
    stand_ins = {
        v: v.type.filter_variable(pt.constant(x, dtype=v.dtype)) for v, x in values.items()
    }
    variable = rows_variable(model, observed, rows, stand_ins)
    try:
        draws = pm.draw(variable, draws=2, mode=numpy_mode(), random_seed=0)
    except NotImplementedError:  # a CustomDist known by its density only
        return True
    # Where a degree of freedom vanishes instead, draws overflow.
    return bool(np.isfinite(draws).all() and np.allclose(draws[0], draws[1], rtol=1e-6, atol=1e-6))


def _power(model: pm.Model, scale: TensorVariable) -> float:
    """Return the power s with which a scale's prior density goes to zero, or to a constant."""
    import pymc as pm

    small = 1e-6 * start_values(model)[str(scale.name)]
    near, nearer = (evaluate(model, pm.logp(scale, v).sum()) for v in (small, small / 2))
    return float(near - nearer) / np.log(2)
