"""From a path and a hyperprior to the posterior of the trust."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.path.facts import LAWS
from foundation_priors.path.flags import warn
from foundation_priors.path.points import Points
from foundation_priors.trust.before import on_simplex
from foundation_priors.trust.hyperprior import NAMES, Hyperprior
from foundation_priors.trust.hyperprior import hyperprior as read
from foundation_priors.trust.nodes import Nodes, atoms, place
from foundation_priors.trust.posterior import TrustPosterior
from foundation_priors.trust.several import Joint, independent, integrate, within

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath

__all__ = ["caps", "of_atoms", "trust_posterior"]

type Floats = NDArray[np.float64]

OUTSIDE = 1e-3
"""Largest mass of a hyperprior that may lie outside the path."""


def caps(path: TrustPath) -> Floats:
    """Return the weight at which each source alone is worth as much as the real data, (source,).

    It is infinite for a source that is worth nothing, nan where the worth is not known.
    """
    worth = np.array(path.facts.worth)
    with np.errstate(divide="ignore"):
        return np.where(worth >= 0, path.facts.n_real / np.abs(worth), np.nan)


def trust_posterior(
    path: TrustPath,
    prior: Any = "cautious",
    *,
    without: Sequence[str] = (),
    quiet: bool = False,
) -> TrustPosterior:
    """Return the posterior of a random trust; see `TrustPath.trust_posterior`.

    ``without`` names sources whose trust is held at 0; ``quiet`` leaves the warning about
    unreliable weights to who uses it.
    """
    from foundation_priors.trust.rules import Rule, Shape, named

    if isinstance(prior, TrustPosterior):
        raise TypeError("prior= is the posterior of a trust: give the hyperprior it came from.")
    if isinstance(prior, str) and prior not in NAMES:
        prior = named(prior)
    if isinstance(prior, Rule) and not isinstance(prior, Shape):
        found = prior.weigh(path)
        if not isinstance(found, TrustPosterior):
            raise ValueError(
                f"The rule {prior.name!r} gives one weight, {_short(found)}, and has no posterior: "
                f"use trust={_short(found)} in the methods of the path."
            )
    else:
        active = np.array([s not in without for s in path.sources])
        found = _posterior(path, prior, active)
    if not quiet:
        checked, bad = found.checked
        points = Points(checked, (len(checked),), ("trust",), {})
        warn(points, bad, f"checks under the hyperprior {found.hyperprior!r}")
    return found


def of_atoms(path: TrustPath, points: Floats, prior: Floats, name: str) -> TrustPosterior:
    """Return the posterior of a trust that is one of a few weights, shape (node, source)."""
    with np.errstate(divide="ignore"):
        log_prior = np.log(prior)
    evidence = path._evidence_of(points)
    return TrustPosterior(
        path,
        name,
        atoms(points, log_prior + evidence),
        atoms(points, log_prior),
        evidence,
        log_prior,
    )


def _posterior(path: TrustPath, prior: Any, active: NDArray[np.bool_]) -> TrustPosterior:
    cap, count = caps(path)[active], int(active.sum())

    def full(points: Floats) -> Floats:
        out = np.zeros((len(points), len(active)))
        out[:, active] = points
        return out

    def evidence(points: Floats) -> Floats:
        return path._evidence_of(full(points))

    if count == 1:
        return _one(path, prior, float(cap[0]), full, evidence, np.flatnonzero(active)[0])
    joint = _several(path, prior, cap, active)
    before = joint.nodes or integrate(joint, count, None)[0]
    after, known = integrate(joint, count, evidence)
    return TrustPosterior(
        path, joint.name, _padded(after, full), _padded(before, full), known, np.zeros(len(known))
    )


def _padded(nodes: Nodes, full: Callable[[Floats], Floats]) -> Nodes:
    from dataclasses import replace

    return replace(nodes, points=full(nodes.points))


def _one(
    path: TrustPath,
    prior: Any,
    cap: float,
    full: Callable[[Floats], Floats],
    evidence: Callable[[Floats], Floats],
    source: int,
) -> TrustPosterior:
    from foundation_priors.trust.rules import Shape

    if isinstance(prior, Mapping):
        _check_names(prior, path.sources)
        prior = prior[path.sources[source]]
    if isinstance(prior, Shape):
        prior = prior.of_one(min(1.0, path.max_trust, cap))
    law = read(prior, path.max_trust, cap)
    before = place(law.log_density, law.low, law.high, f"prior={law.name}")
    _check_inside(law, before, path.max_trust)
    after = place(lambda x: law.log_density(x) + evidence(x[:, None]), law.low, law.high)
    return TrustPosterior(
        path,
        law.name,
        _padded(after, full),
        _padded(before, full),
        evidence(after.points),
        law.log_density(after.trust),
    )


def _check_inside(law: Hyperprior, before: Nodes, end: float) -> None:
    if law.proper and abs(np.expm1(before.log_integral)) > OUTSIDE:
        raise ValueError(
            f"prior={law.name} puts {-np.expm1(before.log_integral):.2g} of its mass outside the "
            f"path, 0 to {end:g}: truncate it, or build the path with a larger max_trust=."
        )


def _check_names(prior: Mapping[str, Any], sources: Sequence[str]) -> None:
    for name in [*prior, *sources]:
        if name not in sources:
            raise ColumnError(f"prior= names {name!r}.{did_you_mean(name, sources)}")
        if name not in prior:
            raise ColumnError(
                f"prior= must give a hyperprior to each source, {', '.join(sources)}, and misses "
                f"{name!r}."
            )


def _several(path: TrustPath, prior: Any, cap: Floats, active: NDArray[np.bool_]) -> Joint:
    from foundation_priors.trust.rules import Shape

    sources = [s for s, on in zip(path.sources, active, strict=True) if on]
    if isinstance(prior, Shape):
        if not active.all() and not prior.exchangeable:
            raise ValueError(
                f"The hyperprior {prior.name} is of all {len(active)} weights together, so no "
                "source can be left out: use independent or exchangeable weights."
            )
        return prior.of_several(cap, min(1.0, path.max_trust))
    if isinstance(prior, str) and prior == "cautious":
        if not (cap > 0).all() or not np.isfinite(cap).all():
            raise ValueError(
                f"The weights at which {', '.join(sources)} are worth as much as the real data are "
                f"{np.array2string(cap, precision=3)}, so there is no cautious rule: give another "
                "prior=, such as 'uniform'."
            )
        make = within if path.facts.laws == LAWS else on_simplex
        return make(cap, min(1.0, path.max_trust))
    each = prior if isinstance(prior, Mapping) else dict.fromkeys(path.sources, prior)
    _check_names(each, path.sources)
    laws = [read(each[s], path.max_trust, float(c)) for s, c in zip(sources, cap, strict=True)]
    for law in laws:
        before = place(law.log_density, law.low, law.high, f"prior={law.name}")
        _check_inside(law, before, path.max_trust)
    return independent(laws)


def _short(weight: float | Mapping[str, float]) -> str:
    if isinstance(weight, Mapping):
        return "{" + ", ".join(f"{k!r}: {v:.4g}" for k, v in weight.items()) + "}"
    return f"{weight:.4g}"
