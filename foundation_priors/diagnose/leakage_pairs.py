"""What the leakage test needs of a model, its draws and the answers about the same units."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.display import count
from foundation_priors.errors import ColumnError, ModelError, did_you_mean
from foundation_priors.path.evaluate import on_draws
from foundation_priors.prior.columns import ColumnSpec, Table
from foundation_priors.prior.compiling import compile_model
from foundation_priors.prior.model import copy_model, full_name, short
from foundation_priors.prior.real import check_evidence
from foundation_priors.prior.rows import RowArrays, read_rows, real_rows
from foundation_priors.prior.speech import check_columns
from foundation_priors.trust.anchored_errors import (
    level_logp,
    levels_of_support,
    normal_parameters,
)
from foundation_priors.trust.anchored_model import _said, _the_outcome
from foundation_priors.trust.anchored_units import _differ, real_ids

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

    from foundation_priors.path import TrustPath
    from foundation_priors.synthetic import SyntheticData

__all__ = ["Paired", "paired"]

type Floats = NDArray[np.float64]

DRAWS = 1000
FEWEST = 10
ESS = 200
"""Least effective number of draws once rows that the model has not seen are taken in."""


@dataclass(frozen=True)
class Paired:
    """Units with a real outcome and answers.

    Attributes
    ----------
    name : str
        The outcome.
    normal : bool
        Whether the outcome is Normal; else it has levels.
    parameters : tuple of arrays
        Means and sds (draw, unit), or log probabilities (draw, level, unit).
    outcome : array, shape (unit,)
    groups : tuple of str
        Names of the groups, ``"all"`` last where there are several.
    said : array, shape (group, unit, level) or (group, unit)
        Shares of the answers that name a level; means.
    weight : array, shape (group,)
        The weights of the group's answers about these units, summed.
    by : str or None
        The factor of the groups.
    """

    name: str
    normal: bool
    parameters: tuple[Floats, ...]
    outcome: Floats
    groups: tuple[str, ...]
    said: Floats
    weight: Floats
    by: str | None


@dataclass(frozen=True)
class _Answers:
    """Answers about units with a real row: the unit, the outcome and the weight of each."""

    positions: NDArray[np.int_]
    number: NDArray[np.int_]
    said: Floats
    weight: Floats


def paired(
    model: pm.Model | TrustPath,
    synthetic: SyntheticData | None,
    pairs: Any,
    real: pd.DataFrame | xr.Dataset | None,
    columns: Mapping[str, ColumnSpec] | None,
    by: str | None,
    trust: Any,
    rng: np.random.Generator,
    options: Mapping[str, Any],
) -> Paired:
    """Match answers with real rows and evaluate the model at posterior draws; see `leakage`."""
    path, original, llm = _sides(model, synthetic)
    specs = {**(path.columns if path is not None else {}), **(columns or {})}
    specs = {full_name(original, name): spec for name, spec in specs.items()}
    by = _factor(llm, by)
    check_evidence(original)
    check_columns(original, specs)
    copy = copy_model(original)
    observed = _the_outcome(copy, llm, specs)
    said = _said(copy, observed, llm, specs)
    rows, ids, new = _real_rows(copy, observed, said, real, pairs, specs, llm)
    chosen, answers = _match(llm, said, rows, ids)
    mine = rows.take(chosen)
    _check_outcomes(mine.outcome, observed.name)
    draws = _posterior(path, original, trust, rng, options)
    normal, parameters = _evaluate(copy, observed, mine, draws)
    if new:
        parameters = _updated(parameters, normal, mine.outcome, rng)
    groups = _groups(llm, by, answers.positions)
    size = None if normal else parameters[0].shape[1]
    _check_said(answers.said, size, observed.name)
    table = np.stack([_table(answers, keep, len(chosen), size) for keep in groups.values()])
    weight = np.array([answers.weight[keep].sum() for keep in groups.values()])
    outcome = np.asarray(mine.outcome, dtype=float)
    name = str(observed.name)
    return Paired(name, normal, parameters, outcome, tuple(groups), table, weight, by)


def _sides(
    model: Any, synthetic: SyntheticData | None
) -> tuple[TrustPath | None, pm.Model, SyntheticData]:
    """Return the path if there is one, the model and the answers."""
    import pymc as pm

    from foundation_priors.path import TrustPath
    from foundation_priors.synthetic import SyntheticData

    path = model if isinstance(model, TrustPath) else None
    if path is None and not isinstance(model, pm.Model):
        raise TypeError(f"model must be a pymc.Model or a TrustPath, not {type(model).__name__}.")
    llm = synthetic if synthetic is not None or path is None else path.synthetic
    if not isinstance(llm, SyntheticData):
        raise TypeError(
            f"synthetic must be a SyntheticData, not {type(llm).__name__}: leakage is judged on "
            "answers about units."
        )
    if path is None:
        return None, model, llm
    if path.model is None:
        raise ModelError(
            "This path was read without its model: give it, from_netcdf(file, model=model), to "
            "test for leakage."
        )
    return path, path.model, llm


def _factor(llm: SyntheticData, by: str | None) -> str | None:
    if by is not None and by not in llm.factors:
        raise ColumnError(f"by={by!r} is no factor of the answers.{did_you_mean(by, llm.factors)}")
    return by or next((f for f in ("conversation", "framing") if f in llm.factors), None)


def _real_rows(
    model: pm.Model,
    observed: TensorVariable,
    said: RowArrays,
    real: pd.DataFrame | xr.Dataset | None,
    pairs: Any,
    columns: Mapping[str, ColumnSpec],
    llm: SyntheticData,
) -> tuple[RowArrays, list[Hashable], bool]:
    """Return rows, the unit of each, and whether the model has yet to see them."""
    own = real_rows(model, observed, said.data)
    if real is None:
        return own, real_ids(model, pairs, len(own.outcome)), False
    table = Table.from_real(real)
    table = Table(table.dataset, {**llm.levels, **table.levels}, "the real rows")
    spec = columns.get(str(observed.name))
    if short(str(observed.name)) in table.dataset and not callable(spec):
        spec = None
    rows = read_rows(model, observed, table, columns, spec)
    mine, theirs = own.matrix(), rows.matrix()
    new = mine.shape != theirs.shape or not np.allclose(mine, theirs, rtol=1e-6)
    if isinstance(pairs, str) and pairs in table.dataset.variables:
        pairs = table.dataset[pairs].values
    elif isinstance(pairs, str) and new:
        names = [str(v) for v in table.dataset.variables]
        raise ColumnError(f"real= has no column {pairs!r}.{did_you_mean(pairs, names)}")
    return rows, real_ids(model, pairs, len(rows.outcome)), new


def _match(
    llm: SyntheticData, said: RowArrays, real: RowArrays, ids: Sequence[Hashable]
) -> tuple[NDArray[np.int_], _Answers]:
    """Return the real rows of units with answers, and the answers about them."""
    if llm.unit is None:
        raise ColumnError(
            "The answers do not say which unit each speaks about, so they cannot be paired with "
            "real rows: name the column, SyntheticData(..., unit='person')."
        )
    weight = llm.weights()
    units = llm.column(llm.unit)
    place = _places(units, ids)
    row = np.array([place.get(u, -1) for u in units.tolist()])
    positions = np.flatnonzero((row >= 0) & (weight > 0))
    if not len(positions):
        raise ColumnError(
            "No unit has both a real outcome and an answer, so there are no pairs: the answers are "
            f"about units such as {units.tolist()[0]!r}, and pairs= holds such as "
            f"{next((v for v in ids if v is not None), None)!r}."
        )
    number, chosen = pd.factorize(row[positions])
    if len(chosen) < FEWEST:
        raise ColumnError(
            f"pairs= gives {count(len(chosen), 'pair')}, and at least {FEWEST} are needed to "
            "tell knowledge from luck: name more real rows in pairs=."
        )
    _check_covariates(said.take(positions), real, np.asarray(chosen), number)
    outcome = np.asarray(said.outcome, dtype=float)[positions]
    return np.asarray(chosen), _Answers(positions, number, outcome, weight[positions])


def _places(units: np.ndarray, ids: Sequence[Hashable]) -> dict[Hashable, int]:
    wanted, place = set(units.tolist()), dict[Hashable, int]()
    for row, unit in enumerate(ids):
        if unit not in wanted:
            continue
        if unit in place:
            raise ColumnError(
                f"pairs= gives unit {unit!r} to the real rows {place[unit]} and {row}: a unit has "
                "one real outcome, so name it once."
            )
        place[unit] = row
    return place


def _check_covariates(
    said: RowArrays, real: RowArrays, chosen: NDArray[np.int_], number: NDArray[np.int_]
) -> None:
    for name, values in said.data.items():
        bad = _differ(values, real.data[name][chosen[number]])
        if bad.any():
            row = chosen[number][bad][0]
            raise ColumnError(
                f"The pairs do not match: {name!r} of an answer is {values[bad][0]}, and "
                f"{real.data[name][row]} in real row {row}; check the identifiers in pairs=."
            )


def _check_outcomes(outcome: np.ndarray, name: Any) -> None:
    if len(np.unique(outcome)) < 2:
        raise ColumnError(
            f"Every pair has the same real {name!r}, {outcome[0]}, so knowing the outcomes cannot "
            "be told from guessing the most common one: pair units with different outcomes."
        )


def _check_said(said: Floats, size: int | None, name: Any) -> None:
    if size is None:
        return
    bad = (said < 0) | (said >= size) | (said != np.round(said))
    if bad.any():
        raise ColumnError(
            f"An answer is {said[bad][0]:g}, and {name!r} takes the levels 0 to {size - 1}: "
            "correct it, or code the levels as the model does through columns=."
        )


def _posterior(
    path: TrustPath | None,
    model: pm.Model,
    trust: Any,
    rng: np.random.Generator,
    options: Mapping[str, Any],
) -> xr.Dataset:
    """Return equally likely draws of the free variables over ``sample``."""
    if path is None:
        return _sampled(model, rng, options)
    how = path._weighing(trust)
    if len(how.weights()) > 1:
        raise ValueError("leakage() takes one trust, one for each source, or a rule.")
    how.reliable()
    chosen = rng.choice(path.draws.sizes["sample"], DRAWS, p=how.weights()[0])
    return path.draws.isel(sample=chosen)


def _sampled(model: pm.Model, rng: np.random.Generator, options: Mapping[str, Any]) -> xr.Dataset:
    import nutpie

    trace = nutpie.sample(
        compile_model(copy_model(model)),
        draws=DRAWS // 2,
        tune=500,
        chains=4,
        seed=int(rng.integers(2**31)),
        progress_bar=False,
        save_warmup=False,
        **options,
    )
    names = [str(rv.name) for rv in model.free_RVs]
    draws = trace["posterior"].to_dataset()[names]
    flat = draws.stack(sample=("chain", "draw"), create_index=False)
    return flat.transpose("sample", ...).isel(sample=rng.permutation(flat.sizes["sample"])[:DRAWS])


def _evaluate(
    model: pm.Model, observed: TensorVariable, rows: RowArrays, draws: xr.Dataset
) -> tuple[bool, tuple[Floats, ...]]:
    """Return whether the outcome is Normal, and what the model says of the rows at each draw."""
    size, number = len(rows.outcome), draws.sizes["sample"]
    known = normal_parameters(model, observed, rows)
    if known is not None:
        mean, sd = on_draws(model, list(known), draws, size)
        shape = (number, size)
        return True, tuple(np.broadcast_to(_tall(v), shape).astype(float) for v in (mean, sd))
    levels = np.arange(levels_of_support(model, observed, rows))
    graph = level_logp(model, observed, rows, levels)
    return False, (on_draws(model, [graph], draws, size * len(levels))[0],)


def _tall(values: Floats) -> Floats:
    return values[:, None] if values.ndim == 1 else values


def _updated(
    parameters: tuple[Floats, ...], normal: bool, outcome: np.ndarray, rng: np.random.Generator
) -> tuple[Floats, ...]:
    """Take in the outcomes of rows that the model has not seen, by importance resampling."""
    from scipy.stats import norm

    if normal:
        log = norm.logpdf(outcome, *parameters).sum(axis=1)
    else:
        units = np.arange(len(outcome))
        log = parameters[0][:, outcome.astype(int), units].sum(axis=1)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    if 1 / (weight**2).sum() < ESS:
        raise ModelError(
            f"The {len(outcome)} rows of real= move the posterior too far to be taken in "
            f"afterwards ({1 / (weight**2).sum():.0f} effective draws): let the model observe them."
        )
    chosen = rng.choice(len(weight), DRAWS, p=weight)
    return tuple(p[chosen] for p in parameters)


def _groups(
    llm: SyntheticData, by: str | None, positions: NDArray[np.int_]
) -> dict[str, NDArray[np.int_]]:
    """Return, for each group, which of the paired answers belong to it."""
    everything = np.arange(len(positions))
    if by is None:
        return {"all": everything}
    groups = {
        name: np.flatnonzero(np.isin(positions, members))
        for name, members in llm.groups(by).items()
    }
    groups = {name: keep for name, keep in groups.items() if len(keep)}
    return groups if len(groups) == 1 else {**groups, "all": everything}


def _table(answers: _Answers, keep: NDArray[np.int_], units: int, levels: int | None) -> Floats:
    """Return the share of each unit's answers that name each level, or their mean."""
    number, said, weight = answers.number[keep], answers.said[keep], answers.weight[keep]
    whole = np.bincount(number, weight, units)
    with np.errstate(invalid="ignore"):
        if levels is None:
            return np.bincount(number, weight * said, units) / whole
        counts = np.zeros((units, levels))
        np.add.at(counts, (number, said.astype(int)), weight)
        return np.nan_to_num(counts / whole[:, None])
