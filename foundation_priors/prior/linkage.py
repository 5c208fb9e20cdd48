"""Reading ``private=``, ``commensurate=`` and ``informs=`` into one linkage for each source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foundation_priors.errors import ModelError, did_you_mean
from foundation_priors.prior.commensurate import Commensurate, as_commensurate, read_commensurate
from foundation_priors.prior.informs import Informs, left_private, read_informs
from foundation_priors.prior.links import Linkage
from foundation_priors.prior.model import full_name

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

__all__ = ["Link", "Private", "linkages"]

type Private = Sequence[str] | Mapping[str, Sequence[str]]
type Link = Mapping[str, Any] | Sequence[str]


def linkages(
    model: pm.Model,
    sources: Sequence[str] | None,
    private: Private,
    commensurate: Link,
    informs: Informs | None,
    targets: Callable[[], Sequence[TensorVariable]],
) -> list[Linkage]:
    """Return for each source what its answers may inform.

    Parameters
    ----------
    model : pymc.Model
    sources : sequence of str or None
        None for a single source without a name.
    private, commensurate, informs
        As in `tilt`.
    targets : callable
        Returns what the answers speak about, for ``informs``.

    Raises
    ------
    ModelError
        For names and elements that the model does not have, or that are tied in two ways.
    """
    names = [None] if sources is None else list(sources)
    own = [_private_of(model, private, source, names) for source in names]
    links = [_links_of(model, commensurate, source, names) for source in names]
    parts: dict[str, np.ndarray] = {}
    if informs is not None:
        informed = read_informs(model, informs)
        _check_apart("informs", informed, [n for some in own for n in some], "private")
        some = {name: mask for name, mask in informed.items() if mask is not None}
        _check_apart("informs (some elements)", some, [n for d in links for n in d], "commensurate")
        parts, found = some, targets()
        rest = [left_private(model, found, informed, d) for d in links]
        own = [(*mine, *(n for n in r if n not in mine)) for mine, r in zip(own, rest, strict=True)]
    for mine, d in zip(own, links, strict=True):
        _check_apart("private", mine, d, "commensurate")
    return [Linkage(mine, d, parts) for mine, d in zip(own, links, strict=True)]


def _check_apart(argument: str, names: Any, others: Any, other: str) -> None:
    for name in names:
        if name in others:
            raise ModelError(
                f"{argument}= and {other}= both name {name!r}, which cannot be both: leave it out "
                "of one."
            )


def _private_of(
    model: pm.Model, private: Private, source: str | None, sources: Sequence[str | None]
) -> tuple[str, ...]:
    if isinstance(private, str):
        raise TypeError(f"private={private!r} must be a list of names: [{private!r}].")
    if isinstance(private, Mapping):
        _check_sources("private", private, sources)
        private = private.get(str(source), ())
        if isinstance(private, str):
            private = [private]
    return tuple(_named(model, name, "private") for name in private)


def _links_of(
    model: pm.Model, commensurate: Link, source: str | None, sources: Sequence[str | None]
) -> dict[str, Commensurate]:
    out = {}
    for given, value in read_commensurate(commensurate).items():
        name = _named(model, given, "commensurate")
        if isinstance(value, Mapping):
            _check_sources(f"commensurate= of {given!r}, which", value, sources)
            if source not in value:
                continue
            value = value[str(source)]
        out[name] = as_commensurate(value, given)
    return out


def _named(model: pm.Model, name: str, argument: str) -> str:
    free = [rv.name for rv in model.free_RVs]
    full = full_name(model, name) if isinstance(name, str) else name
    if full not in free:
        raise ModelError(
            f"{argument}= names {name!r}, which is not a free variable of the model."
            f"{did_you_mean(str(full), free)}"
        )
    return full


def _check_sources(argument: str, given: Mapping[str, Any], sources: Sequence[str | None]) -> None:
    if sources == [None]:
        raise ModelError(
            f"{argument} gives {', '.join(map(repr, given))} each its own, but the answers have "
            "one trust: name the sources' column with by=."
        )
    known = [str(s) for s in sources]
    for name in given:
        if name not in known:
            raise ModelError(f"{argument} names the source {name!r}.{did_you_mean(name, known)}")
