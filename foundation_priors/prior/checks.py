"""What must not happen to a tilt: answers as evidence, impossible rows, infinite integrals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.errors import ColumnError, ImproperPriorError, SyntheticAsEvidenceError
from foundation_priors.prior.model import numpy_mode
from foundation_priors.prior.rows import RowArrays

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_not_evidence", "check_spread", "check_support"]

RUN = 20
DISTINCT = 5
"""A shorter or duller run of equal rows can be coincidence: two coins fall alike."""


def check_not_evidence(real: RowArrays, synthetic: RowArrays) -> float:
    """Raise when the observed rows are the answers themselves; return the share that coincide.

    Parameters
    ----------
    real, synthetic : RowArrays
        Outcome and covariates as the model sees them.

    Returns
    -------
    float
        The share of the answers that equal some real row in every column.

    Raises
    ------
    SyntheticAsEvidenceError
        When all rows agree in order, or a run of 20 does, and the run has at least 5 distinct
        rows.
    """
    a, b = real.matrix(), synthetic.matrix()
    if a.shape[1] != b.shape[1]:
        return 0.0
    _, codes = np.unique(np.vstack([a, b]), axis=0, return_inverse=True)
    one, two = codes[: len(a)], codes[len(a) :]
    whole = len(one) == len(two) and bool((one == two).all()) and _rich(one)
    if whole or _common_run(one, two):
        raise SyntheticAsEvidenceError(
            "The model's observed rows are the synthetic answers themselves, so a language model "
            "would be its own evidence: observe real data, and pass the answers to tilt() only."
        )
    return float(np.isin(two, one).mean())


def _rich(run: np.ndarray) -> bool:
    return len(np.unique(run)) >= DISTINCT


def _common_run(one: np.ndarray, two: np.ndarray) -> bool:
    if min(len(one), len(two)) < RUN:
        return False
    windows = np.lib.stride_tricks.sliding_window_view
    mine = {w.tobytes() for w in np.ascontiguousarray(windows(one, RUN))}
    return any(w.tobytes() in mine and _rich(w) for w in np.ascontiguousarray(windows(two, RUN)))


def check_support(model: pm.Model, observed: TensorVariable, logp: TensorVariable) -> None:
    """Raise when a row has no density at any of 20 draws from the prior.

    Raises
    ------
    ColumnError
        Naming the first such rows.
    """
    import pymc as pm

    values = np.atleast_2d(pm.draw(logp, draws=20, random_seed=0, mode=numpy_mode()))
    impossible = ~np.isfinite(values).any(axis=0)
    if impossible.any():
        rows = ", ".join(map(str, np.flatnonzero(impossible)[:5]))
        raise ColumnError(
            f"The outcome lies outside the support of {observed.name!r} in row(s) {rows} of the "
            "synthetic data (or their covariates give it no density): correct these rows, or check "
            "whether the model's codes start at 0."
        )


def check_spread(
    observed: TensorVariable, rows: RowArrays, private: set[str], model: pm.Model
) -> None:
    """Raise when the answers fit a line exactly and a private scale could shrink to zero.

    Raises
    ------
    ImproperPriorError
        Since the tilt would be infinite at zero residual spread.
    """
    scales = [n for n in sorted(private) if model.rvs_to_transforms[model[n]] is not None]
    outcome = rows.outcome
    if not scales or observed.dtype.startswith(("int", "uint", "bool")) or outcome.ndim > 1:
        return
    parts = [v.reshape(len(v), -1) for v in rows.data.values()]
    design = np.column_stack([np.ones(len(outcome)), *parts])
    fitted = design @ np.linalg.lstsq(design, outcome, rcond=None)[0]
    residual = np.abs(outcome - fitted).max()
    if residual <= 1e-9 * max(1.0, float(np.abs(outcome).max())):
        raise ImproperPriorError(
            f"The answers leave no residual spread, so the tilt is infinite where the private "
            f"{scales[0]!r} is zero: share it with the real rows, or collect answers that differ."
        )
