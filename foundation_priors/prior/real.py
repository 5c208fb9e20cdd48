"""What is wrong with the real rows of a model: none at all, or some that nothing could make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.errors import ModelError
from foundation_priors.prior.model import check_model, data_value, lies_above
from foundation_priors.prior.start import values_nearby

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["check_evidence"]

POINTS = 21


def check_evidence(model: pm.Model, evidence: Sequence[str] = ()) -> None:
    """Refuse models that cannot be tilted, for what they are or for their real rows.

    ``evidence`` names the Potentials that hold real rows.

    Raises
    ------
    ModelError
        As `check_model`; where an observed variable has no rows, or infinite outcomes, or rows
        that have no density anywhere since data that they depend on are infinite or missing. An
        infinite bound of a censored outcome is none of these.
    ImproperPriorError
        As `check_model`.
    """
    check_model(model, evidence)
    for rv in model.observed_RVs:
        outcome = data_value(model, str(rv.name))
        if not outcome.size:
            raise ModelError(
                f"The observed variable {rv.name!r} has no rows, so there is no evidence to update "
                "the tilted prior: condition it on at least one."
            )
        if (bad := _rows_with(~np.isfinite(outcome))).size:
            raise ModelError(
                f"The outcome {rv.name!r} is infinite in real row(s) {_listed(bad)}, which no "
                "parameters explain: correct these rows, or drop them, before you build the model."
            )
        _check_data(model, rv)


def _check_data(model: pm.Model, observed: TensorVariable) -> None:
    above = lies_above(observed, model)
    names = [str(v.name) for v in model.data_vars if v in above]
    odd = [n for n in names if not np.isfinite(data_value(model, n).astype(float)).all()]
    if not odd:
        return
    (logp,) = model.logp(vars=[observed], sum=False)
    never = np.ones((), dtype=bool)
    for values in values_nearby(model, logp, POINTS):
        never = never & ~np.isfinite(values)
    if never.any():
        raise ModelError(
            f"The data {', '.join(map(repr, odd))} are infinite or missing, and real row(s) "
            f"{_listed(_rows_with(never))} of {observed.name!r} have no density at any parameters: "
            "correct these rows, or drop them, before you build the model."
        )


def _rows_with(mask: np.ndarray) -> np.ndarray:
    rows = np.atleast_1d(mask)
    return np.flatnonzero(rows.reshape(len(rows), -1).any(axis=1))


def _listed(rows: np.ndarray, most: int = 5) -> str:
    return ", ".join(map(str, rows[:most])) + (", ..." if len(rows) > most else "")
