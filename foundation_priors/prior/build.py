"""Building a tilted model: the copies that the answers see, what they say, and the tilt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.beliefs import Beliefs
from foundation_priors.errors import ModelError
from foundation_priors.prior.beliefs import build_beliefs
from foundation_priors.prior.columns import ColumnSpec
from foundation_priors.prior.compiling import one_at_a_time
from foundation_priors.prior.informs import Informs, element_labels
from foundation_priors.prior.linkage import Link, Private, linkages
from foundation_priors.prior.links import Linkage, Wiring, check_reached, wire
from foundation_priors.prior.model import copy_model, full_name, lies_above, spoken_of
from foundation_priors.prior.potentials import evidence_of, real_observations
from foundation_priors.prior.real import check_evidence
from foundation_priors.prior.speech import (
    Likelihood,
    against_evidence,
    called_terms,
    check_columns,
    hear,
    terms,
)
from foundation_priors.prior.tilted import LOGLIK, SOURCE, TRUST, Tie, Tilted

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

    from foundation_priors.synthetic import SyntheticData

__all__ = ["build"]


@one_at_a_time
def build(
    model: pm.Model,
    synthetic: Any,
    *,
    columns: Mapping[str, ColumnSpec] | None = None,
    private: Private = (),
    commensurate: Link = (),
    informs: Informs | None = None,
    by: str | None = None,
    likelihood: Likelihood | None = None,
    evidence: Sequence[str] | None = None,
    alone: bool = False,
) -> Tilted:
    """Build the tilted model at trust 0, with what its construction learned.

    With ``alone`` the tilted prior must be proper without the real data too.
    """
    if columns is not None and not isinstance(columns, Mapping):
        raise TypeError(
            f"columns={columns!r:.80} must be a dict {{name in the model: column of the answers}}."
        )
    if likelihood is not None and not callable(likelihood):
        raise TypeError(
            f"likelihood={likelihood!r:.80} must be a function of the free variables and the "
            "answers' dataset."
        )
    beliefs = Beliefs.of(synthetic)
    _check_arguments(model, synthetic if beliefs is None else beliefs)
    evidence = evidence_of(model, evidence)
    columns = {full_name(model, name): spec for name, spec in (columns or {}).items()}
    check_evidence(model, evidence)
    if beliefs is not None:
        options = {
            "columns": columns,
            "private": private,
            "commensurate": commensurate,
            "informs": informs,
            "likelihood": likelihood,
        }
        tilted = build_beliefs(copy_model(model), beliefs, by, evidence, options)
        terms_of = tilted.spoken.terms if tilted.spoken else []
        _add_tilt(tilted.model, terms_of, None if tilted.single else tilted.sources)
        return tilted
    check_columns(model, columns)
    copy = copy_model(model)
    groups, single = synthetic.groups(by), by is None

    def targets() -> Sequence[TensorVariable]:
        return _targets(copy, synthetic, columns, likelihood)

    names = None if single else [str(source) for source in groups]
    linked = linkages(copy, names, private, commensurate, informs, targets)
    suffixes = names or ["synthetic"]
    wirings = [wire(copy, tie, suffix) for tie, suffix in zip(linked, suffixes, strict=True)]
    if likelihood is None:
        heard = hear(copy, synthetic, columns)
        coincide = against_evidence(copy, heard)
        outcomes = [speech.outcome for speech in heard]
        named = [outcome for outcome in outcomes if outcome is not None]
        weights = synthetic.weights(named if len(named) == len(outcomes) else None)
        logliks = terms(copy, groups, heard, weights, wirings, alone=alone)
    else:
        coincide = 0.0
        weights = synthetic.weights()
        logliks = called_terms(copy, groups, synthetic, likelihood, wirings)
    about = [speech.observed for speech in heard] if likelihood is None else copy.observed_RVs[:1]
    check_reached(logliks, wirings)
    _add_tilt(copy, logliks, None if single else tuple(groups))
    ties = tuple(_tie(copy, term, wirings, i) for i, term in enumerate(logliks))
    return Tilted(
        copy,
        tuple(groups),
        single,
        tuple(v.name for v in copy.free_RVs if any(v.name in tie.shared for tie in ties)),
        _copies(wirings),
        tuple(evidence),
        real_observations(copy, about, evidence),
        coincide,
        tuple(float(weights[positions].sum()) for positions in groups.values()),
        ties,
        _parts(copy, linked[0]),
        {n: link.describe() for some in linked for n, link in some.commensurate.items()},
    )


def _targets(
    model: pm.Model,
    synthetic: SyntheticData,
    columns: Mapping[str, ColumnSpec],
    likelihood: Likelihood | None,
) -> Sequence[TensorVariable]:
    """Return what the answers speak about."""
    import pytensor.tensor as pt

    if likelihood is None:
        return spoken_of(model, synthetic.outcomes, columns)
    free = {rv.name: rv for rv in model.free_RVs}
    return [pt.as_tensor(likelihood(free, synthetic.dataset))]


def _tie(model: pm.Model, term: TensorVariable, wirings: Sequence[Wiring], number: int) -> Tie:
    """Return what a source informs, links and private copies passed through."""
    wiring = wirings[number]
    owned = {name for some in wirings for name in some.own}
    direct = _free_above(model, term) | set(wiring.links)
    behind = {str(c.name): _free_above(model, c) for c in wiring.copies.values()}
    indirect = set().union(*behind.values()) - owned - direct
    own = [name for name in behind if name in direct]
    real = {str(rv.name): _free_above(model, rv) for rv in model.free_RVs if rv.name not in owned}
    return Tie(
        tuple(v.name for v in model.free_RVs if v.name in (direct - owned) | indirect),
        tuple(own),
        wiring.links,
        _hanging(behind, indirect),
        _hanging({n: a for n, a in real.items() if n not in direct | indirect}, indirect),
    )


def _free_above(model: pm.Model, variable: TensorVariable) -> set[str]:
    above = lies_above(variable, model) - {variable}
    return {str(rv.name) for rv in model.free_RVs if rv in above}


def _hanging(above: Mapping[str, set[str]], names: set[str]) -> tuple[str, ...]:
    """Return those whose prior depends on some names, or on one whose prior does."""
    found: set[str] = set()
    while new := {n for n, a in above.items() if a & (names | found)} - found:
        found |= new
    return tuple(n for n in above if n in found)


def _copies(wirings: Sequence[Wiring]) -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys(str(rv.name) for wiring in wirings for rv in wiring.copies)
    pairs = [(str(rv.name), str(c.name)) for wiring in wirings for rv, c in wiring.copies.items()]
    return {name: tuple(copy for own, copy in pairs if own == name) for name in names}


def _parts(model: pm.Model, linkage: Linkage) -> dict[str, tuple[tuple[int, ...], tuple[str, ...]]]:
    return {
        name: (tuple(np.flatnonzero(mask).tolist()), element_labels(model, name, mask))
        for name, mask in linkage.parts.items()
    }


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


def _check_arguments(model: pm.Model, synthetic: object) -> None:
    import pymc as pm

    from foundation_priors.synthetic import SyntheticData

    if not isinstance(model, pm.Model):
        raise TypeError(f"model must be a pymc.Model, not {type(model).__name__}.")
    if not isinstance(synthetic, SyntheticData | Beliefs):
        raise TypeError(
            f"synthetic must be a SyntheticData or Belief, not {type(synthetic).__name__}: wrap "
            "the answers with SyntheticData.from_dataframe(...)."
        )
    if TRUST in model.named_vars:
        raise ModelError(
            "The model is tilted already: tilt the model it was made from, with all answers at "
            "once (foundation_priors.concat), and give each source its own trust with by=."
        )
