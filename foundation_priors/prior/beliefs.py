"""The tilt of beliefs: what was said about quantities, over their primitive prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.beliefs import Belief, Beliefs, Density
from foundation_priors.errors import ModelError, UnreliableWarning, warn
from foundation_priors.prior.model import numpy_mode
from foundation_priors.prior.potentials import real_observations
from foundation_priors.prior.primitive import Primitive, combination, combined, primitive
from foundation_priors.prior.quantity import places, quantity_of
from foundation_priors.prior.tilted import Tie, Tilted

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["Heard", "Spoken", "build_beliefs", "check_path", "check_sum"]

SAME = 1 - 1e-9
WIDTH = 3.2897072539
"""The central 90% of a normal distribution, in standard deviations."""
DOUBTFUL = 0.2


@dataclass(frozen=True, eq=False)
class Heard:
    """A belief with its density on the quantity's support, and the quantity's prior."""

    belief: Belief
    density: Density
    prior: Primitive

    @property
    def precision(self) -> float:
        """What the belief adds to the precision of the quantity; negative where it is wider."""
        low, high = self.density.quantile([0.05, 0.95])
        return 1 / float((high - low) / WIDTH) ** 2 - 1 / (self.prior.spread / WIDTH) ** 2

    @property
    def said(self) -> Any:
        """The log density of the belief at the quantity."""
        return self.density.logpdf(self.prior.value)


@dataclass(frozen=True, eq=False)
class Spoken:
    r"""What beliefs say of a model's copy.

    Attributes
    ----------
    beliefs : Beliefs
        With notes on the prior densities.
    terms : list of TensorVariable
        For each source :math:`\log f(q) - \log \pi_0(q)`, for several quantities with their joint
        prior density.
    heard : list of list of Heard
        For each source.
    same : list of frozenset
        Positions of the sources that speak about one quantity.
    """

    beliefs: Beliefs
    terms: list[Any]
    heard: list[list[Heard]]
    same: list[frozenset[int]]


def believe(model: pm.Model, beliefs: Beliefs, by: str | None, evidence: Sequence[str]) -> Spoken:
    """Return what beliefs say of a model.

    Parameters
    ----------
    model : pymc.Model
        The copy that is to be tilted.
    beliefs : Beliefs
    by : {None, "source"}
    evidence : sequence of str

    Raises
    ------
    ModelError
        When the model does not have a quantity, its prior is not known, or several quantities of
        one source depend on each other in a way that is not known.
    ColumnError
        When a belief names values that the quantity cannot take.
    """
    heard = [_hear(model, b, evidence) for b in beliefs.beliefs]
    mine = [[heard[p] for p in positions] for positions in beliefs.groups(by).values()]
    terms = []
    for some in mine:
        said = sum((h.said for h in some[1:]), some[0].said)
        terms.append(said - _joint(model, some))
    notes = [h.prior.note(h.belief.label, h.density) for h in heard]
    told = replace(beliefs, notes=tuple(dict.fromkeys(notes)))
    return Spoken(told, terms, mine, _across(model, mine))


def build_beliefs(
    copy: pm.Model, beliefs: Beliefs, by: str | None, evidence: Sequence[str], options: Any
) -> Tilted:
    """Return the tilted model of beliefs, to which `foundation_priors.prior.build` hands over.

    ``options`` are the arguments that concern rows, which beliefs do not have.
    """
    for name, value in options.items():
        if value:
            raise ModelError(
                f"{name}= concerns rows of answers, and a belief has none: leave it out."
            )
    spoken = believe(copy, beliefs, by, evidence)
    groups = beliefs.groups(by)
    ties = []
    for some in spoken.heard:
        names = {name for h in some for name, _ in h.prior.touched}
        ties.append(Tie(tuple(v.name for v in copy.free_RVs if v.name in names), (), {}))
    return Tilted(
        copy,
        tuple(groups),
        by is None,
        tuple(v.name for v in copy.free_RVs if any(v.name in tie.shared for tie in ties)),
        {},
        tuple(evidence),
        real_observations(copy, copy.observed_RVs, evidence),
        0.0,
        tuple(float(len(positions)) for positions in groups.values()),
        tuple(ties),
        _parts(copy, spoken),
        {},
        spoken,
    )


def _parts(model: pm.Model, spoken: Spoken) -> dict[str, Any]:
    """Return the informed elements of variables of which some are not informed."""
    touched = {t for some in spoken.heard for h in some for t in h.prior.touched}
    parts = {}
    for name in sorted({name for name, _ in touched}):
        informed = sorted(i for n, i in touched if n == name)
        shape = tuple(int(n) for n in model[name].shape.eval(mode=numpy_mode()))
        if len(informed) < int(np.prod(shape, dtype=int)):
            inside = [", ".join(map(str, place)) for place in places(model, name, shape)]
            parts[name] = tuple(informed), tuple(inside[i] for i in informed)
    return parts


def check_path(tilted: Tilted, max_trust: float) -> None:
    """Raise where a path to this weight of every source would count a quantity's prior negatively.

    Above 1, the user has said so.
    """
    if tilted.spoken is not None and max_trust <= 1:
        check_sum(np.full(len(tilted.sources), max_trust), tilted.spoken.same, 1.0)


def check_sum(weights: np.ndarray, same: Sequence[frozenset[int]], max_trust: float) -> None:
    """Raise when weights on one quantity add to more than the largest trust."""
    for pair in same:
        total = float(weights[sorted(pair)].sum())
        if total > max(max_trust, 1.0) + 1e-12:
            raise ValueError(
                f"The weights of beliefs about one quantity add to {total:g}, more than "
                f"{max(max_trust, 1.0):g}, which counts its prior less than nothing: lower them, "
                "pool the beliefs first (Belief.pool), or allow it with max_trust=."
            )


def _hear(model: pm.Model, belief: Belief, evidence: Sequence[str]) -> Heard:
    value = quantity_of(model, belief.quantity)
    prior = primitive(model, value, belief.label, belief.support, evidence)
    support = prior.support
    if belief.support is not None and not belief.support.covers(support):
        raise ModelError(
            f"The belief about {belief.label!r} is confined to {belief.support}, but its prior "
            f"allows {support}, of which any trust however small would rule out a part: leave "
            "support= out, or bound the prior."
        )
    density = belief.on(support)
    _check_known(belief, density, prior)
    return Heard(belief, density, prior)


def _check_known(belief: Belief, density: Density, prior: Primitive) -> None:
    if prior.table is None:
        return
    error = prior.table.error(density.quantile([0.05, 0.5, 0.95])).max()
    if not error <= DOUBTFUL:
        warn(
            f"The belief about {belief.label!r} lies where its prior density, estimated from "
            f"draws, is uncertain (standard error of the log {error:.2g}): widen the prior, or "
            "write the model so that the quantity is a free variable.",
            UnreliableWarning,
        )


def _joint(model: pm.Model, heard: Sequence[Heard]) -> Any:
    """Return the joint log prior density of the quantities of one source."""
    _check_distinct(model, heard)
    total: Any = 0.0
    for block in _blocks(heard):
        total += block[0].prior.logp if len(block) == 1 else _joint_normal(model, block)
    return total


def _check_distinct(model: pm.Model, heard: Sequence[Heard]) -> None:
    for a, b in combinations(heard, 2):
        if _is_same(model, a, b):
            other = b.belief.label
            both = "" if a.belief.label == other else f" and {other!r}, which determine each other"
            raise ModelError(
                f"Two beliefs under one trust speak about {a.belief.label!r}{both}: pool them "
                "first with Belief.pool([...]), or give each source a trust of its own with "
                "by='source'."
            )


def _blocks(heard: Sequence[Heard]) -> list[list[Heard]]:
    """Return groups of quantities, independent of each other under the prior."""
    pairs = combinations(range(len(heard)), 2)
    linked = {
        frozenset((i, j)) for i, j in pairs if heard[i].prior.touched & heard[j].prior.touched
    }
    joined = _merged(linked)
    alone = [frozenset((i,)) for i in range(len(heard)) if not any(i in j for j in joined)]
    return [[heard[i] for i in sorted(block)] for block in [*joined, *alone]]


def _joint_normal(model: pm.Model, heard: Sequence[Heard]) -> Any:
    """Return the joint log density of functions of combinations of normals."""
    import pytensor.tensor as pt

    lines = [h.prior.line for h in heard if h.prior.line is not None]
    moments = combined(model, lines) if len(lines) == len(heard) else None
    if moments is None:
        a, b = heard[:2]
        raise ModelError(
            f"The quantities {a.belief.label!r} and {b.belief.label!r} depend on each other under "
            "the prior, and their joint density is known only for combinations of normal "
            "variables: speak about one of them, or about independent parameters."
        )
    mean, covariance = moments
    sd = np.sqrt(np.diag(covariance))
    if np.linalg.eigvalsh(covariance / np.outer(sd, sd))[0] < 1e-9:
        raise ModelError(
            "Some quantity is determined by the other ones that the beliefs speak about, so they "
            "have no joint prior density: leave one out."
        )
    eta = pt.stack([combination(model, line) for line in lines]) - mean
    logdet = np.linalg.slogdet(2 * np.pi * covariance)[1]
    joint = -0.5 * (eta @ (np.linalg.inv(covariance) @ eta) + logdet)
    # The marginal densities hold the slopes of the functions.
    own = -0.5 * (eta**2 / sd**2 + np.log(2 * np.pi * sd**2))
    slopes = sum((h.prior.logp for h in heard[1:]), heard[0].prior.logp) - own.sum()
    return joint + slopes


def _across(model: pm.Model, sources: Sequence[Sequence[Heard]]) -> list[frozenset[int]]:
    """Return the sources that speak about one quantity; others must be independent.

    Raises
    ------
    ModelError
        When quantities of different sources depend on each other but are not the same.
    """
    same: set[frozenset[int]] = set()
    for (i, first), (j, second) in combinations(enumerate(sources), 2):
        for a in first:
            for b in second:
                if not a.prior.touched & b.prior.touched:
                    continue
                if not _is_same(model, a, b):
                    raise ModelError(
                        f"The quantities {a.belief.label!r} and {b.belief.label!r} depend on each "
                        "other under the prior, so two sources with a trust of their own have no "
                        "prior that each would replace: use one trust, or independent quantities."
                    )
                same.add(frozenset((i, j)))
    return _merged(same)


def _is_same(model: pm.Model, a: Heard, b: Heard) -> bool:
    if a.belief.quantity == b.belief.quantity:
        return True
    if len(a.prior.touched) == 1 and a.prior.touched == b.prior.touched:
        return True
    if a.prior.line is None or b.prior.line is None:
        return False
    moments = combined(model, [a.prior.line, b.prior.line])
    if moments is None:
        return False
    _, covariance = moments
    return bool(covariance[0, 1] ** 2 > SAME**2 * covariance[0, 0] * covariance[1, 1])


def _merged(pairs: set[frozenset[int]]) -> list[frozenset[int]]:
    merged: list[frozenset[int]] = []
    for pair in pairs:
        near = [m for m in merged if m & pair]
        merged = [m for m in merged if not m & pair] + [pair.union(*near)]
    return merged
