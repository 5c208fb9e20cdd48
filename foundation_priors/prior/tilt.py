"""From a PyMC model and a language model's answers to the tilted PyMC model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.errors import ColumnError, ModelError, did_you_mean
from foundation_priors.prior.columns import ColumnSpec
from foundation_priors.prior.links import check_private, check_reached, private_copies
from foundation_priors.prior.model import check_model, copy_model, lies_above
from foundation_priors.prior.rows import n_rows
from foundation_priors.prior.speech import (
    Likelihood,
    against_evidence,
    called_terms,
    check_columns,
    hear,
    terms,
)

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

    from foundation_priors.synthetic import SyntheticData

__all__ = ["TRUST", "LOGLIK", "SOURCE", "Likelihood", "Tilted", "build", "check_trust", "tilt"]

TRUST, LOGLIK, SOURCE = "fp_trust", "fp_loglik", "fp_source"


@dataclass(frozen=True)
class Tilted:
    """A tilted model and what its construction learned; see `tilt`.

    ``shared`` are the free variables that the answers inform, ``private`` maps each private
    variable to its copies, ``coincide`` is the share of answers equal to some real row, and
    ``effective_rows`` are the sums of each source's row weights.
    """

    model: pm.Model
    sources: tuple[str, ...]
    single: bool
    shared: tuple[str, ...]
    private: dict[str, tuple[str, ...]]
    evidence: tuple[str, ...]
    n_real: int
    coincide: float
    effective_rows: tuple[float, ...]

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
    trust: float | Sequence[float] | Mapping[str, float], sources: Sequence[str], max_trust: float
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
        trust = [trust[s] for s in sources]
    values = np.asarray(trust, dtype=float)
    if values.shape not in ((), (len(sources),)):
        raise ValueError(
            f"trust= has shape {values.shape}, but there are {len(sources)} sources: give one "
            "number, or one for each source."
        )
    values = np.broadcast_to(values, (len(sources),))
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
    alone: bool = False,
) -> Tilted:
    """Build the tilted model at trust 0, with what its construction learned.

    With ``alone`` the tilted prior must be proper without the real data too.
    """
    _check_arguments(model, synthetic, private, evidence)
    columns = {model.name_for(name): spec for name, spec in (columns or {}).items()}
    private = [model.name_for(name) for name in private]
    evidence = [model.name_for(name) for name in evidence]
    check_model(model)
    check_private(model, private)
    check_columns(model, columns)
    copy = copy_model(model)
    groups, single = synthetic.groups(by), by is None
    swaps = [
        private_copies(copy, private, "synthetic" if single else str(source)) for source in groups
    ]
    if likelihood is None:
        heard = hear(copy, synthetic, columns)
        n_real, coincide = against_evidence(copy, heard)
        outcomes = [speech.outcome for speech in heard]
        named = [outcome for outcome in outcomes if outcome is not None]
        weights = synthetic.weights(named if len(named) == len(outcomes) else None)
        logliks = terms(copy, groups, heard, weights, swaps, alone=alone)
    else:
        n_real, coincide = n_rows(copy, copy.observed_RVs[0]), 0.0
        weights = synthetic.weights()
        logliks = called_terms(copy, groups, synthetic, likelihood, swaps)
    check_reached(logliks, swaps)
    _add_tilt(copy, logliks, None if single else tuple(groups))
    above = set().union(*(lies_above(term, copy) for term in logliks))
    copies = {p: tuple(str(swap[copy[p]].name) for swap in swaps) for p in private}
    own = {name for names in copies.values() for name in names}
    shared = tuple(v.name for v in copy.free_RVs if v in above and v.name not in own)
    return Tilted(
        copy,
        tuple(groups),
        single,
        shared,
        copies,
        tuple(evidence),
        n_real,
        coincide,
        tuple(float(weights[positions].sum()) for positions in groups.values()),
    )


def _add_tilt(
    model: pm.Model, logliks: Sequence[TensorVariable], sources: tuple[str, ...] | None
) -> None:
    """Add the trust, the sources' log-likelihoods and the potential to the model."""
    import pymc as pm
    import pytensor.tensor as pt

    with model:
        if sources is not None:
            model.add_coord(SOURCE, sources)
        dims = None if sources is None else (SOURCE,)
        weight = pm.Data(
            TRUST, np.array(0.0) if sources is None else np.zeros(len(sources)), dims=dims
        )
        total = logliks[0] if sources is None else pt.stack(list(logliks))
        loglik = pm.Deterministic(LOGLIK, total, dims=dims)
        # A row that is impossible at these parameters must not matter at trust 0.
        pm.Potential("fp_tilt", pt.switch(weight > 0, weight * loglik, 0.0).sum())


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
    if TRUST in model.named_vars:
        raise ModelError(
            "The model is tilted already: tilt the model it was made from, with all answers at "
            "once (foundation_priors.concat), and give each source its own trust with by=."
        )
    for argument, value in (("private", private), ("evidence", evidence)):
        if isinstance(value, str):
            raise TypeError(f"{argument}={value!r} must be a list of names: [{value!r}].")
    potentials = [p.name for p in model.potentials]
    for name in evidence:
        if model.name_for(name) not in potentials:
            raise ModelError(
                f"evidence= names {name!r}, which is not a Potential of the model."
                f"{did_you_mean(name, potentials)}"
            )
