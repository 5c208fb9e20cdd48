"""What each source said, as a log-likelihood of the model's own variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ColumnError, ModelError, did_you_mean, warn
from foundation_priors.prior.checks import (
    check_levels,
    check_not_evidence,
    check_ranges,
    check_support,
)
from foundation_priors.prior.columns import ColumnSpec, Table
from foundation_priors.prior.density import check_rows, row_logp
from foundation_priors.prior.links import Wiring
from foundation_priors.prior.model import full_name, imputed, outcome_names, short, spoken_of
from foundation_priors.prior.rows import (
    RowArrays,
    numbered,
    read_rows,
    real_rows,
)
from foundation_priors.prior.spread import check_spread

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from pytensor.tensor.variable import TensorVariable

    from foundation_priors.synthetic import SyntheticData

__all__ = [
    "Likelihood",
    "Speech",
    "against_evidence",
    "called_terms",
    "check_columns",
    "hear",
    "terms",
    "with_outcome",
]

type Likelihood = Callable[[Mapping[str, TensorVariable], xr.Dataset], TensorVariable]
type Swap = Mapping[TensorVariable, TensorVariable]


@dataclass(frozen=True)
class Speech:
    """What the answers say about one observed variable: its column, and the rows as it wants them.

    ``outcome`` is the outcome whose design effect applies, or None for the largest of all.
    """

    observed: TensorVariable
    outcome: str | None
    rows: RowArrays


def hear(
    model: pm.Model, synthetic: SyntheticData, columns: Mapping[str, ColumnSpec]
) -> list[Speech]:
    """Read the answers as the observed variables they speak about want them, and check them."""
    table = Table.from_synthetic(synthetic)
    heard = []
    for observed in spoken_of(model, synthetic.outcomes, columns):
        given = [columns[name] for name in outcome_names(model, observed) if name in columns]
        spec = given[0] if given else _column_of(model, observed, synthetic)
        try:
            rows = read_rows(model, observed, table, columns, spec)
        except ColumnError:
            # No column helps a model into which no rows can be put.
            check_rows(model, observed, real_rows(model, observed))
            raise
        check_rows(model, observed, rows)
        check_levels(model, observed, rows, table, spec)
        heard.append(Speech(observed, _outcome(observed, spec, synthetic), rows))
    return heard


def check_columns(model: pm.Model, columns: Mapping[str, ColumnSpec]) -> None:
    """Raise unless every name is one of the model's data or observed variables."""
    known = [*(v.name for v in [*model.data_vars, *model.observed_RVs]), *imputed(model)]
    for name in columns:
        if name not in known:
            raise ColumnError(
                f"columns= names {name!r}, which is neither data nor an observed variable of the "
                f"model.{did_you_mean(name, known)}"
            )


def _column_of(model: pm.Model, observed: TensorVariable, synthetic: SyntheticData) -> str | None:
    """Return the outcome that an observed variable is about, or None where it has its name."""
    name, *held = outcome_names(model, observed)
    if short(name) in synthetic.outcomes:
        return None
    if held and short(held[0]) in synthetic.outcomes:
        return short(held[0])
    if len(synthetic.outcomes) > 1:
        return None
    outcome = synthetic.outcomes[0]
    warn(
        f"The answers' outcome {outcome!r} is taken for {name!r}, which the model observes under "
        f"another name: if that is meant, say so with columns={{{name!r}: {outcome!r}}}.",
        UserWarning,
    )
    return outcome


def with_outcome(
    model: pm.Model, synthetic: SyntheticData, columns: Mapping[str, ColumnSpec] | None
) -> dict[str, ColumnSpec]:
    """Return ``columns=`` that name the outcome too, where there is one, so that nothing warns."""
    out = dict(columns or {})
    if len(model.observed_RVs) == len(synthetic.outcomes) == 1:
        names = outcome_names(model, model.observed_RVs[0])
        known = [full_name(model, name) for name in out]
        if not any(full_name(model, name) in known for name in names):
            out[names[0]] = synthetic.outcomes[0]
    return out


def _outcome(observed: TensorVariable, spec: Any, synthetic: SyntheticData) -> str | None:
    name = getattr(spec, "column", spec) if spec is not None else short(str(observed.name))
    return name if isinstance(name, str) and name in synthetic.outcomes else None


def terms(
    model: pm.Model,
    groups: Mapping[str, np.ndarray],
    heard: list[Speech],
    weights: np.ndarray,
    wirings: Sequence[Wiring],
    *,
    alone: bool = False,
) -> list[TensorVariable]:
    """Return the weighted log-likelihood of each source; equal rows are computed once.

    Without copies of parameters all sources share one graph and differ in their weights only.
    """
    everyone = np.concatenate(list(groups.values()))
    apart = any(wiring.swap for wiring in wirings)
    totals: list[Any] = [0.0] * len(groups)
    for speech in heard:
        shared = None if apart else _Rows.of(model, speech, everyone, {}, "")
        for number, (positions, wiring) in enumerate(zip(groups.values(), wirings, strict=True)):
            tag = f"_{number}" if len(groups) > 1 else ""
            rows = shared or _Rows.of(model, speech, positions, wiring.swap, tag)
            mass = rows.mass(positions, weights)
            check_spread(model, speech.observed, rows.rows, mass, wiring, alone=alone)
            totals[number] += _weighted(mass, rows.logp, f"{speech.observed.name}{tag}")
    return totals


@dataclass(frozen=True)
class _Rows:
    """Distinct rows and their log-likelihood; ``number`` maps positions of answers to them."""

    rows: RowArrays
    logp: TensorVariable
    number: dict[int, int]

    @classmethod
    def of(
        cls, model: pm.Model, speech: Speech, positions: np.ndarray, swap: Swap, tag: str
    ) -> _Rows:
        numbers = numbered(speech.rows.take(positions).matrix())
        _, first = np.unique(numbers, return_index=True)
        rows = speech.rows.take(positions[first])
        logp = row_logp(model, speech.observed, rows, swap, tag)
        check_support(model, str(speech.observed.name), logp, positions[first])
        return cls(rows, logp, dict(zip(positions.tolist(), numbers.tolist(), strict=True)))

    def mass(self, positions: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the summed weight of these answers on each distinct row."""
        numbers = [self.number[p] for p in positions.tolist()]
        return np.bincount(numbers, weights[positions], minlength=len(self.rows.outcome))


def _weighted(weights: np.ndarray, logp: TensorVariable, name: str) -> TensorVariable:
    import pytensor

    return (pytensor.shared(weights, f"fp_weight_{name}") * logp).sum()


def called_terms(
    model: pm.Model,
    groups: Mapping[str, np.ndarray],
    synthetic: SyntheticData,
    likelihood: Likelihood,
    wirings: Sequence[Wiring],
) -> list[TensorVariable]:
    """Return the weighted log-likelihood of each source from the user's own function."""
    import pytensor.tensor as pt

    weights, dataset = synthetic.weights(), synthetic.dataset
    totals: list[TensorVariable] = []
    for (source, positions), wiring in zip(groups.items(), wirings, strict=True):
        free = {rv.name: wiring.swap.get(rv, rv) for rv in model.free_RVs}
        logp = pt.as_tensor(likelihood(free, dataset.isel(answer=positions)))
        if logp.ndim != 1:
            raise ModelError(
                f"likelihood= must return one log-likelihood a row, a vector, but for {source!r} "
                f"it returned {logp.ndim} dimensions: do not sum over the rows."
            )
        check_support(model, "likelihood=", logp, positions)
        totals.append(_weighted(weights[positions], logp, f"likelihood_{len(totals)}"))
    return totals


def against_evidence(model: pm.Model, heard: list[Speech]) -> float:
    """Return the share of answers that equal a real row."""
    coincide = 0.0
    for speech in heard:
        real = real_rows(model, speech.observed, speech.rows.data)
        coincide = max(coincide, check_not_evidence(real, speech.rows))
        check_ranges(real, speech.rows, str(speech.observed.name))
    return coincide
