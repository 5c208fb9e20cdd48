"""From a PyMC model and a language model's answers to the tilted PyMC model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ColumnError, ModelError, did_you_mean
from foundation_priors.prior.checks import check_not_evidence, check_spread, check_support
from foundation_priors.prior.columns import ColumnSpec, Table
from foundation_priors.prior.links import check_private, private_copies
from foundation_priors.prior.model import check_model, copy_model, lies_above, spoken_of
from foundation_priors.prior.rows import (
    RowArrays,
    check_rows_replaceable,
    observed_value,
    read_rows,
    row_data,
    row_logp,
)

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from pytensor.tensor.variable import TensorVariable

    from foundation_priors.synthetic import SyntheticData

__all__ = ["TRUST", "LOGLIK", "SOURCE", "Likelihood", "Tilted", "build", "check_trust", "tilt"]

TRUST, LOGLIK, SOURCE = "fp_trust", "fp_loglik", "fp_source"

type Likelihood = Callable[[Mapping[str, TensorVariable], xr.Dataset], TensorVariable]


@dataclass(frozen=True)
class Tilted:
    """A tilted model and what its construction learned; see `tilt`.

    ``shared`` are the free variables that the answers inform, ``private`` maps each private
    variable to its copies, ``coincide`` is the share of answers equal to some real row.
    """

    model: pm.Model
    sources: tuple[str, ...]
    single: bool
    shared: tuple[str, ...]
    private: dict[str, tuple[str, ...]]
    evidence: tuple[str, ...]
    n_real: int
    coincide: float

    def vector(self, trust: float | Sequence[float] | np.ndarray) -> np.ndarray:
        """Return weights, one a source, in the shape of the model's trust."""
        values = np.broadcast_to(np.asarray(trust, dtype=float), (len(self.sources),))
        return values[0] if self.single else np.array(values)


def tilt(
    model: pm.Model,
    synthetic: SyntheticData,
    trust: float | Mapping[str, float],
    *,
    columns: Mapping[str, ColumnSpec] | None = None,
    private: Sequence[str] = (),
    by: str | None = None,
    likelihood: Likelihood | None = None,
    evidence: Sequence[str] = (),
    max_trust: float = 1.0,
) -> pm.Model:
    r"""Tilt the prior of a PyMC model towards what a language model said.

    Parameters
    ----------
    model : pymc.Model
        Any model with observed variables whose covariates are `pymc.Data`. It is not changed.
    synthetic : SyntheticData
        The answers. They enter the prior only.
    trust : float or dict
        The weight :math:`L \ge 0` of the answers, or one for each source, ``{source: weight}``.
        0 ignores them, 1 takes their (weighted) rows for data.
    columns : dict, optional
        From names of the model's data containers and observed variables to columns of the
        answers: a column's name; a list of names for a matrix; a function from the dataset to an
        array (to standardise by the *real* data's mean, say); or `codes`. By default equal names.
    private : sequence of str
        Free variables of which the answers get a copy of their own with the same prior, such as
        a residual scale: a language model scatters less than people do.
    by : str, optional
        A design factor ("framing", "source"): each of its levels becomes a source with a trust of
        its own, and a private copy of its own.
    likelihood : callable, optional
        For models whose covariates cannot be replaced: maps the free variables, by name, and the
        answers' dataset to one log-likelihood value a row.
    evidence : sequence of str
        Potentials of the model that stand for real data; all others belong to the prior.
    max_trust : float
        The largest weight to accept; above 1 the answers count for more than data.

    Returns
    -------
    pymc.Model
        An ordinary model, with the trust as the data container ``fp_trust`` and the summed
        synthetic log-likelihood of each source as the deterministic ``fp_loglik``.

    Raises
    ------
    ColumnError
        When a column does not fit the model.
    ModelError
        When the model cannot be tilted.
    ImproperPriorError
        When the primitive prior or the tilt has an infinite integral.
    SyntheticAsEvidenceError
        When the model's observed rows are the answers.

    Notes
    -----
    The tilted prior is [1]_

    .. math:: \pi(\theta \mid L) \propto \pi_0(\theta) \exp\Bigl(\sum_s L_s \sum_{i \in s}
        w_i \log p(y_i \mid x_i, \theta)\Bigr),

    with row weights :math:`w_i` from `SyntheticData.weights`; for one source this is a power prior
    [2]_.

    References
    ----------
    .. [1] S. Misra (2025). Foundation Priors. arXiv:2512.01107.
    .. [2] J. G. Ibrahim and M.-H. Chen (2000). Power prior distributions for regression models.
       Statistical Science 15(1). doi:10.1214/ss/1009212673

    Examples
    --------
    >>> import foundation_priors as fp
    >>> import pandas as pd, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 1, 1)
    ...     toss = pm.Bernoulli("toss", theta, observed=[1, 1, 1, 1, 0])
    >>> answers = pd.DataFrame({"toss": [1, 0] * 5})
    >>> llm = fp.SyntheticData.from_dataframe(answers, outcome="toss", weight=1)
    >>> tilted = fp.tilt(coin, llm, trust=0.2)
    >>> float(tilted["fp_trust"].get_value())
    0.2
    """
    parts = build(
        model,
        synthetic,
        columns=columns,
        private=private,
        by=by,
        likelihood=likelihood,
        evidence=evidence,
    )
    weights = check_trust(trust, parts.sources, max_trust)
    parts.model[TRUST].set_value(np.asarray(parts.vector(weights)))
    return parts.model


def check_trust(
    trust: float | Mapping[str, float], sources: Sequence[str], max_trust: float
) -> np.ndarray:
    """Return one weight a source, or raise for names and numbers that cannot be weights."""
    if isinstance(trust, str):
        raise TypeError(
            f"trust={trust!r} names a rule, but a tilted model has a fixed trust: give a number, "
            "or one for each source."
        )
    if isinstance(trust, Mapping):
        for name in [*trust, *sources]:
            if name not in sources or name not in trust:
                raise ColumnError(
                    f"trust= must give a weight to each source, {', '.join(sources)}, and it "
                    f"{'misses' if name in sources else 'names'} {name!r}; by= says what they are."
                )
        trust = np.array([trust[s] for s in sources])  # type: ignore[assignment]
    values = np.broadcast_to(np.asarray(trust, dtype=float), (len(sources),))
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError(f"trust={values.min()} is not a weight: give a number from 0 upwards.")
    if values.max() > max_trust:
        raise ValueError(
            f"trust={values.max():g} exceeds {max_trust:g}, which would count the answers for more "
            "than data: lower it, or allow it with max_trust=."
        )
    return np.array(values)


def build(
    model: pm.Model,
    synthetic: SyntheticData,
    *,
    columns: Mapping[str, ColumnSpec] | None = None,
    private: Sequence[str] = (),
    by: str | None = None,
    likelihood: Likelihood | None = None,
    evidence: Sequence[str] = (),
) -> Tilted:
    """Build the tilted model at trust 0, with what its construction learned."""
    import pymc as pm

    _check_arguments(model, synthetic, private, evidence)
    check_model(model)
    check_private(model, private)
    copy = copy_model(model)
    groups = synthetic.groups(by)
    sources, single = tuple(groups), by is None
    copies, real, coincide = _sources(copy, synthetic, groups, columns, private, likelihood, by)
    logliks, private_names = copies
    with copy:
        if not single:
            copy.add_coord(SOURCE, sources)
        dims = None if single else (SOURCE,)
        zero = np.array(0.0) if single else np.zeros(len(sources))
        weight = pm.Data(TRUST, zero, dims=dims)
        loglik = pm.Deterministic(LOGLIK, logliks[0] if single else _stack(logliks), dims=dims)
        pm.Potential("fp_tilt", (weight * loglik).sum())
    above = set().union(*(lies_above(term, copy) for term in logliks))
    private_flat = {c for names in private_names.values() for c in names}
    shared = tuple(v.name for v in copy.free_RVs if v in above and v.name not in private_flat)
    return Tilted(copy, sources, single, shared, private_names, tuple(evidence), real, coincide)


def _stack(terms: list[TensorVariable]) -> TensorVariable:
    import pytensor.tensor as pt

    return pt.stack(terms)


def _check_arguments(
    model: pm.Model, synthetic: SyntheticData, private: Sequence[str], evidence: Sequence[str]
) -> None:
    import pymc as pm

    from foundation_priors.synthetic import SyntheticData

    if not isinstance(model, pm.Model):
        raise TypeError(f"model must be a pymc.Model, not {type(model).__name__}.")
    if not isinstance(synthetic, SyntheticData):
        raise TypeError(
            f"synthetic must be a SyntheticData, not {type(synthetic).__name__}: wrap the answers "
            "with SyntheticData.from_dataframe(...)."
        )
    for argument, value in (("private", private), ("evidence", evidence)):
        if isinstance(value, str):
            raise TypeError(f"{argument}={value!r} must be a list of names: [{value!r}].")
    potentials = [p.name for p in model.potentials]
    for name in evidence:
        if name not in potentials:
            raise ModelError(
                f"evidence= names {name!r}, which is not a Potential of the model."
                f"{did_you_mean(name, potentials)}"
            )


def _sources(
    model: pm.Model,
    synthetic: SyntheticData,
    groups: Mapping[str, np.ndarray],
    columns: Mapping[str, ColumnSpec] | None,
    private: Sequence[str],
    likelihood: Likelihood | None,
    by: str | None,
) -> tuple[tuple[list[TensorVariable], dict[str, tuple[str, ...]]], int, float]:
    """Return each source's log-likelihood with its private copies, n_real and coincidences."""
    swaps = []
    for source in groups:
        suffix = "synthetic" if by is None else source
        if not private and swaps:
            swaps.append(swaps[0])
        else:
            swaps.append(private_copies(model, private, suffix))
    names = {p: tuple(s[model[p]].name for s in swaps) for p in private}
    if likelihood is not None:
        terms = _called(model, synthetic, groups, likelihood, swaps)
        value = observed_value(model, model.observed_RVs[0])
        return (terms, names), int(value.shape[0]) if value.ndim else 1, 0.0
    speech = _speech(model, synthetic, dict(columns or {}))
    named = [_column_of(o, c, synthetic) for o, c, _ in speech]
    weights = synthetic.weights(None if None in named else named)
    terms = _terms(model, groups, speech, weights, swaps, bool(private))
    for observed, _, rows in speech:
        check_spread(observed, rows, set(private), model)
    n_real, coincide = _against_evidence(model, speech)
    return (terms, names), n_real, coincide


type _Speech = list[tuple[TensorVariable, Any, RowArrays]]


def _speech(model: pm.Model, synthetic: SyntheticData, columns: dict[str, ColumnSpec]) -> _Speech:
    """Return each observed variable spoken about, its column and the rows as it wants them."""
    known = [v.name for v in [*model.data_vars, *model.observed_RVs]]
    for name in columns:
        if name not in known:
            raise ColumnError(
                f"columns= names {name!r}, which is neither data nor an observed variable of the "
                f"model.{did_you_mean(name, known)}"
            )
    table = Table.from_synthetic(synthetic)
    speech = []
    for observed in spoken_of(model, synthetic.outcomes, columns):
        outcome = columns.get(observed.name, _only_outcome(observed.name, synthetic))
        rows = read_rows(model, observed, table, columns, outcome)
        check_rows_replaceable(model, observed, rows)
        speech.append((observed, outcome, rows))
    return speech


def _only_outcome(name: str, synthetic: SyntheticData) -> str | None:
    if name in synthetic.outcomes or len(synthetic.outcomes) > 1:
        return None
    return synthetic.outcomes[0]


def _column_of(observed: TensorVariable, spec: Any, synthetic: SyntheticData) -> str | None:
    """Return the outcome whose design effect applies, or None for the largest of all."""
    name = getattr(spec, "column", spec) if spec is not None else observed.name
    return name if isinstance(name, str) and name in synthetic.outcomes else None


def _terms(
    model: pm.Model,
    groups: Mapping[str, np.ndarray],
    speech: _Speech,
    weights: np.ndarray,
    swaps: list[dict[TensorVariable, TensorVariable]],
    private: bool,
) -> list[TensorVariable]:
    """Return the weighted log-likelihood of each source; equal rows are computed once."""
    totals: list[TensorVariable] = [0.0] * len(groups)  # type: ignore[list-item]
    for observed, _, rows in speech:
        parts = [(s, positions) for s, positions in enumerate(groups.values())]
        if not private:
            parts = [(-1, np.arange(len(weights)))]
        for source, positions in parts:
            few, inverse = _distinct(rows.take(positions))
            matrix = np.zeros((len(groups), len(few.outcome)))
            owner = np.empty(len(weights), dtype=int)
            for number, members in enumerate(groups.values()):
                owner[members] = number
            np.add.at(matrix, (owner[positions], inverse), weights[positions])
            tag = f"_{source}" if private and len(groups) > 1 else ""
            logp = row_logp(model, observed, few, swaps[max(source, 0)], tag)
            check_support(model, observed, logp)
            chosen = range(len(groups)) if source < 0 else [source]
            for s in chosen:
                totals[s] = totals[s] + _weighted(matrix[s], logp, f"{observed.name}_{s}")
    return totals


def _weighted(weights: np.ndarray, logp: TensorVariable, name: str) -> TensorVariable:
    import pytensor

    return (pytensor.shared(weights, f"fp_weight_{name}") * logp).sum()


def _distinct(rows: RowArrays) -> tuple[RowArrays, np.ndarray]:
    _, first, inverse = np.unique(rows.matrix(), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rows.take(first[order]), rank[inverse.ravel()]


def _called(
    model: pm.Model,
    synthetic: SyntheticData,
    groups: Mapping[str, np.ndarray],
    likelihood: Likelihood,
    swaps: list[dict[TensorVariable, TensorVariable]],
) -> list[TensorVariable]:
    import pytensor.tensor as pt

    weights, dataset, terms = synthetic.weights(), synthetic.dataset, []
    for (source, positions), swap in zip(groups.items(), swaps, strict=True):
        free = {rv.name: swap.get(rv, rv) for rv in model.free_RVs}
        logp = pt.as_tensor(likelihood(free, dataset.isel(answer=positions)))
        if logp.ndim != 1:
            raise ModelError(
                f"likelihood= must return one log-likelihood a row, a vector, but for {source!r} "
                f"it returned {logp.ndim} dimensions: do not sum over the rows."
            )
        check_support(model, model.observed_RVs[0], logp)
        terms.append(_weighted(weights[positions], logp, f"likelihood_{len(terms)}"))
    return terms


def _against_evidence(model: pm.Model, speech: _Speech) -> tuple[int, float]:
    n_real, coincide = 0, 0.0
    for observed, _, rows in speech:
        value = observed_value(model, observed)
        value = value if value.ndim else value[None]
        axes = row_data(model, observed)
        data = {}
        for name in rows.data:
            array = np.asarray(model[name].get_value())
            data[name] = np.moveaxis(array, axes[name], 0) if array.ndim else array[None]
        coincide = max(coincide, check_not_evidence(RowArrays(value, data), rows))
        n_real = max(n_real, len(value))
    return n_real, coincide
