"""The user's model with the answers of units joined through an error model learned from pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import ColumnError, ModelError, did_you_mean
from foundation_priors.prior.columns import ColumnSpec, Table
from foundation_priors.prior.density import check_rows
from foundation_priors.prior.index import lookups
from foundation_priors.prior.model import copy_model, full_name, short, spoken_of
from foundation_priors.prior.real import check_evidence
from foundation_priors.prior.rows import (
    RowArrays,
    is_one_row,
    read_rows,
    real_rows,
)
from foundation_priors.prior.speech import check_columns
from foundation_priors.trust.anchored_errors import (
    Answers,
    confusion,
    level_logp,
    levels_of_support,
    linear,
    normal_parameters,
)
from foundation_priors.trust.anchored_units import Units, gather, majorities, means, real_ids

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

    from foundation_priors.synthetic import SyntheticData

__all__ = ["ANSWERS", "ELL", "OWN", "Anchoring", "ErrorKind", "join"]

type Floats = NDArray[np.float64]
type ErrorKind = Literal["linear", "confusion"]

ANSWERS, ELL = "fp_answers", "fp_loglik"
"""The switch that lets the unpaired answers in (1) or leaves them out (0), and what they say."""
OWN = "fp_error"
"""How the names of the error model's variables begin."""


@dataclass(frozen=True)
class Anchoring:
    """A model with answers joined, and what was found out on the way.

    Attributes
    ----------
    model : pymc.Model
    outcome : str
        The observed variable.
    error : str
        ``"linear"`` or ``"confusion"``.
    given : tuple of str
        The covariates on which the error may depend.
    n_real, n_pairs, n_units, n_answers : int
        Real rows, units with both, units with answers only, and answers about the latter.
    """

    model: pm.Model
    outcome: str
    error: ErrorKind
    given: tuple[str, ...]
    n_real: int
    n_pairs: int
    n_units: int
    n_answers: int


def join(
    model: pm.Model,
    synthetic: SyntheticData,
    pairs: Any,
    columns: Mapping[str, ColumnSpec],
    given: Sequence[str] | None,
    error: ErrorKind | None,
) -> Anchoring:
    """Return a copy of the model with the answers joined; see `anchored`."""
    _check_arguments(model, synthetic, given, error)
    columns = {full_name(model, name): spec for name, spec in columns.items()}
    check_evidence(model)
    check_columns(model, columns)
    copy = copy_model(model)
    observed = _the_outcome(copy, synthetic, columns)
    said = _said(copy, observed, synthetic, columns)
    real = real_rows(copy, observed, said.data)
    units = gather(synthetic, said, real, real_ids(copy, pairs, len(real.outcome)))
    own = [str(v.name) for v in model.data_vars]  # A copied model has its data in another order.
    names = _given(sorted(said.data, key=lambda n: own.index(n) if n in own else len(own)), given)
    design, labels = _design(copy, observed, units, real, names)
    normal = normal_parameters(copy, observed, units.rows(~units.paired))
    kind: ErrorKind = error or ("linear" if normal is not None else "confusion")
    if normal is not None and kind == "confusion":
        raise ModelError(
            f"error='confusion' needs an outcome in levels, and {observed.name!r} is Normal: use "
            "error='linear'."
        )
    coords: dict[str, Any] = {"fp_given": labels} if labels else {}
    unknown: Any = normal
    if unknown is None:
        size = levels_of_support(copy, observed, units.rows(~units.paired))
        _check_levels(units, real, size, str(observed.name))
        unknown = level_logp(copy, observed, units.rows(~units.paired), np.arange(size))
    if kind == "linear":
        summary: np.ndarray = means(units.said, units.number, units.weight)
    else:
        summary = majorities(units.said, units.number, units.weight, size)
        coords |= _level_coords(synthetic, str(observed.name), columns, size, summary)
    _add(copy, kind, _answers(units, real, summary, design), unknown, coords)
    n_pairs = int(units.paired.sum())
    about = int((~units.paired[units.number]).sum())
    return Anchoring(
        copy,
        str(observed.name),
        kind,
        tuple(names),
        len(real.outcome),
        n_pairs,
        len(units.ids) - n_pairs,
        about,
    )


def _check_arguments(model: Any, synthetic: Any, given: Any, error: Any) -> None:
    import pymc as pm

    from foundation_priors.synthetic import SyntheticData

    if not isinstance(model, pm.Model):
        raise TypeError(f"model must be a pymc.Model, not {type(model).__name__}.")
    if not isinstance(synthetic, SyntheticData):
        raise TypeError(
            f"synthetic must be a SyntheticData, not {type(synthetic).__name__}: wrap the answers "
            "with SyntheticData.from_dataframe(...)."
        )
    if isinstance(given, str):
        raise TypeError(f"given={given!r} must be a list of names: [{given!r}].")
    if error not in (None, "linear", "confusion"):
        raise ValueError(f"error={error!r} is no error model: 'linear' or 'confusion'.")
    taken = [name for name in model.named_vars if short(str(name)).startswith("fp_")]
    if taken:
        raise ModelError(
            f"The model has a variable {taken[0]!r} already: anchor the model that it was made "
            "from, since answers can be joined once only."
        )


def _the_outcome(
    model: pm.Model, synthetic: SyntheticData, columns: Mapping[str, ColumnSpec]
) -> TensorVariable:
    found = spoken_of(model, synthetic.outcomes, columns)
    if len(found) > 1:
        raise ModelError(
            f"The answers speak about {', '.join(str(rv.name) for rv in found)}, and the error is "
            "learned for one outcome: leave the others out of the answers or of columns=."
        )
    if is_one_row(found[0]) or found[0].ndim != 1:
        raise ModelError(
            f"The outcome {found[0].name!r} is not one value for each real unit, so answers cannot "
            "be paired with it: observe one row a unit."
        )
    return found[0]


def _said(
    model: pm.Model,
    observed: TensorVariable,
    synthetic: SyntheticData,
    columns: Mapping[str, ColumnSpec],
) -> RowArrays:
    spec = columns.get(str(observed.name))
    if spec is None and short(str(observed.name)) not in synthetic.outcomes:
        spec = synthetic.outcomes[0] if len(synthetic.outcomes) == 1 else None
    rows = read_rows(model, observed, Table.from_synthetic(synthetic), columns, spec)
    check_rows(model, observed, rows)
    return rows


def _given(known: Sequence[str], given: Sequence[str] | None) -> list[str]:
    if given is None:
        return list(known)
    for name in given:
        if name not in known:
            raise ColumnError(
                f"given= names {name!r}, which is no covariate of the model's rows."
                f"{did_you_mean(name, known)}"
            )
    return list(given)


def _design(
    model: pm.Model, observed: TensorVariable, units: Units, real: RowArrays, names: Sequence[str]
) -> tuple[Floats, list[str]]:
    """Return the covariates of the error, standardised by the real rows, shape (unit, column)."""
    codes = {n for found in lookups(model, observed, real.data) for n in found.names}
    parts: list[Floats] = [np.empty((len(units.ids), 0))]
    labels: list[str] = []
    for name in names:
        values, all_real = (np.asarray(d[name], dtype=float) for d in (units.data, real.data))
        if name in codes and values.ndim == 1:
            levels = np.unique(values)
            parts.append((values[:, None] == levels).astype(float))
            labels += [f"{name}[{int(level)}]" for level in levels]
            continue
        wide, known = values.reshape(len(values), -1), all_real.reshape(len(all_real), -1)
        live = np.ptp(known, axis=0) > 0
        parts.append(((wide - known.mean(axis=0)) / np.where(live, known.std(axis=0), 1))[:, live])
        several = [name] if values.ndim == 1 else [f"{name}[{i}]" for i in range(wide.shape[1])]
        labels += [label for label, keep in zip(several, live, strict=True) if keep]
    return np.hstack(parts), labels


def _check_levels(units: Units, real: RowArrays, size: int, name: str) -> None:
    inside = (units.said >= 0) & (units.said < size) & (units.said == np.round(units.said))
    if not inside.all():
        row = int(np.flatnonzero(~inside)[0])
        raise ColumnError(
            f"An answer about unit {units.ids[units.number[row]]!r} is {units.said[row]:g}, and "
            f"{name!r} takes the levels 0 to {size - 1}: correct it, or code the levels as the "
            "model does through columns= and codes(...)."
        )


def _level_coords(
    synthetic: SyntheticData,
    name: str,
    columns: Mapping[str, ColumnSpec],
    size: int,
    summary: np.ndarray,
) -> dict[str, list[str]]:
    spec = columns.get(name, short(name))
    levels = getattr(spec, "levels", None)
    levels = levels or synthetic.levels.get(str(getattr(spec, "column", spec)), ())
    truth = [str(v) for v in (levels if len(levels) == size else range(size))]
    return {"fp_truth": truth, "fp_answer": [*truth, *(["tie"] if (summary == size).any() else [])]}


def _answers(units: Units, real: RowArrays, summary: np.ndarray, design: Floats) -> Answers:
    both, only = units.paired, ~units.paired
    outcome = np.asarray(real.outcome, dtype=float)
    return Answers(
        (summary[both], summary[only]),
        outcome[units.real[both]],
        (design[both], design[only]),
        float(outcome.mean()),
        float(outcome.std() or 1.0),
    )


def _add(
    model: pm.Model, kind: ErrorKind, answers: Answers, unknown: Any, coords: Mapping[str, Any]
) -> None:
    import pymc as pm
    import pytensor.tensor as pt

    with model:
        model.add_coords(dict(coords))
        pairs, others = (linear if kind == "linear" else confusion)(answers, unknown)
        pm.Potential("fp_pairs", pairs.sum())
        switch = pm.Data(ANSWERS, np.array(1.0))
        ell = pm.Deterministic(ELL, others.sum())
        pm.Potential("fp_only", pt.switch(switch > 0, switch * ell, 0.0))
