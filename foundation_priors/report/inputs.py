"""What an audit was given, checked, and what follows from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import ModelError, brief
from foundation_priors.path.draws import SAMPLE, elements, evaluate, margin_of

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.path.draws import Quantity
    from foundation_priors.path.weighing import Weighing
    from foundation_priors.synthetic import SyntheticData

__all__ = ["Column", "Inputs", "Statement", "gather"]

type Floats = NDArray[np.float64]
type Named = Quantity | Sequence[Quantity] | Mapping[str, Quantity] | None

LEVEL = 0.95
MOST = 8
"""Quantities that are taken where none are asked for."""


@dataclass(frozen=True, eq=False)
class Column:
    """A scalar quantity: its label, its value at every draw, and how to compute it from others.

    It is a function of the draws, as the methods of a path and the diagnostics take them; ``tie``
    is how the answers see it.
    """

    label: str
    draws: NDArray[Any]
    of: Callable[[xr.Dataset], NDArray[Any]]
    tie: str = ""

    def __call__(self, draws: xr.Dataset) -> xr.DataArray:
        """Return its value at some draws."""
        return xr.DataArray(self.of(draws), dims=SAMPLE, name=self.label)


@dataclass(frozen=True, eq=False)
class Statement(Column):
    """An event whose probability is asked for; ``margin`` is by how much it holds, if known."""

    margin: Callable[[xr.Dataset], NDArray[Any]] | None = None


@dataclass(frozen=True, eq=False)
class Inputs:
    """What an audit was given.

    ``quantities`` and ``statements`` are those that were asked for, taken apart, or stand-ins
    (``given`` holds the names of the arguments that were given).
    """

    path: TrustPath
    journal: Any
    real: Any
    pairs: Any
    trust: Any
    anticipation: Any
    held_out: Any
    outside: Any
    decision: Any
    random_seed: int | None
    quantities: tuple[Column, ...]
    statements: tuple[Statement, ...]
    left_out: tuple[str, ...]
    given: frozenset[str]

    @property
    def rows(self) -> SyntheticData:
        """The answers, where they are rows.

        Raises
        ------
        ModelError
        """
        from foundation_priors.synthetic import SyntheticData

        if not isinstance(self.path.synthetic, SyntheticData):
            raise ModelError(
                "This path holds beliefs about quantities, and this asks for answers in rows: "
                "audit a path of the answers behind them."
            )
        return self.path.synthetic

    @property
    def outcome(self) -> str:
        """The outcome of the answers that the model observes, or else the first."""
        model, outcomes = self.path.model, self.rows.outcomes
        seen = set() if model is None else {str(rv.name) for rv in model.observed_RVs}
        return next((name for name in outcomes if name in seen), outcomes[0])

    @cached_property
    def truth(self) -> pd.Series | None:
        """Real outcomes by unit, where ``real`` and ``pairs`` tell both."""
        real, outcome = self.real, self.outcome
        if real is None or not isinstance(self.pairs, str):
            return None
        if outcome not in real or self.pairs not in real:
            return None
        return pd.Series(np.asarray(real[outcome]), np.asarray(real[self.pairs]), name=outcome)

    @cached_property
    def reliance(self) -> pd.DataFrame:
        """Shares of information at the audit's trust."""
        from foundation_priors.diagnose.reliance import reliance

        return reliance(self.path, self.trust, list(self.quantities))

    def need(self, name: str, what: str) -> Any:
        """Return an argument, or raise that it was not given.

        Raises
        ------
        ValueError
        """
        value = getattr(self, name)
        if value is None:
            raise ValueError(f"{what}: give {name}=.")
        return value

    @cached_property
    def weighing(self) -> Weighing:
        """How the draws are weighed at the audit's trust."""
        how = self.path._weighing(self.trust)
        if how.points.shape:
            raise ValueError("An audit takes one weight, one for each source, or a rule.")
        return how

    @cached_property
    def point(self) -> Floats:
        """The weights of the sources, on average under a rule, shape (source,)."""
        return self.weighing.points.array[0]

    @cached_property
    def trust_in_words(self) -> str:
        """The trust as a reader should be told it."""
        weights = " and ".join(
            f"{w:.3g}" if self.path.facts.single else f"{w:.3g} ({s})"
            for s, w in zip(self.path.sources, self.point, strict=True)
        )
        if hasattr(self.weighing, "rule"):
            return f"the {self.weighing.label()} rule (trust {weights} on average)"
        named = self.trust if isinstance(self.trust, str) else getattr(self.trust, "name", None)
        return f"the rule {named!r} (trust {weights})" if named else f"trust {weights}"


def gather(path: Any, *, statements: Named, quantities: Named, **others: Any) -> Inputs:
    """Check the arguments of an audit.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or a quantity cannot be computed.
    """
    from foundation_priors.path import TrustPath

    if not isinstance(path, TrustPath):
        raise TypeError(
            f"An audit is of a path of trust, and this is a {type(path).__name__}: give what "
            "trust_path() or TrustPath.from_netcdf() returned."
        )
    for name in ("real", "held_out"):
        others[name] = _table(others[name], name)
    _file(others["journal"])
    columns, left_out = _columns(path, quantities)
    events = _events(path, statements, columns)
    known = {"statements": statements, "quantities": quantities, **others}
    given = {name for name, value in known.items() if value is not None}
    return Inputs(
        path,
        quantities=tuple(columns),
        statements=tuple(events),
        left_out=tuple(left_out),
        given=frozenset(given),
        **others,
    )


def _table(value: Any, name: str) -> Any:
    if value is None or isinstance(value, pd.DataFrame | xr.Dataset):
        return value
    raise TypeError(
        f"{name}= is a {type(value).__name__}: give real rows as a pandas DataFrame or an xarray "
        "Dataset."
    )


def _file(journal: Any) -> None:
    if journal is None:
        return
    if not isinstance(journal, str | os.PathLike):
        raise TypeError(
            f"journal= is a {type(journal).__name__}: give the file that Elicitation.run wrote."
        )
    if not os.path.isfile(journal):
        raise FileNotFoundError(f"There is no journal {os.fspath(journal)!r}.")


def _named(given: Named, what: str) -> dict[str, Quantity]:
    """Return what was asked for by name; what has no name of its own gets a number."""
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {str(k): v for k, v in given.items()}
    if isinstance(given, str) or callable(given):
        given = [given]
    if not isinstance(given, Sequence):
        raise TypeError(
            f"{what}= is a {type(given).__name__}: give an expression, a function of the draws, a "
            "list of them, or a dict by name."
        )
    return {q if isinstance(q, str) else _title(q, n): q for n, q in enumerate(given, 1)}


def _title(function: Any, number: int) -> str:
    if isinstance(function, Column):
        return function.label
    name = getattr(function, "__name__", "<lambda>")
    return f"quantity {number}" if name == "<lambda>" else name


def _scalars(path: TrustPath, named: Mapping[str, Quantity]) -> list[Column]:
    out = []
    for name, quantity in named.items():
        of = partial(evaluate, quantity=quantity)
        for i, part in enumerate(elements(path.draws, quantity, name)):
            tie = path.facts.tie(name, part.place)
            out.append(Column(part.label, part.values, _taking(of, i), tie))
    return out


def _taking(of: Callable[[xr.Dataset], Any], place: int) -> Callable[[xr.Dataset], NDArray[Any]]:
    """Return a function that takes one element of a quantity out of draws."""

    def taken(draws: xr.Dataset) -> NDArray[Any]:
        value = np.asarray(of(draws))
        return value.reshape(len(value), -1)[:, place]

    return taken


def _columns(path: TrustPath, quantities: Named) -> tuple[list[Column], list[str]]:
    named = _named(quantities, "quantities")
    if quantities is not None and not named:
        raise ValueError("quantities= is empty: name at least one, or leave it out.")
    if named:
        every = _scalars(path, named)
        for column in every:
            if column.draws.dtype == bool:
                raise ValueError(
                    f"{column.label!r} is an event: give it as a statement, statements=."
                )
        return every, []
    free = {n: n for n in map(str, path.draws) if n in path.facts.coordinates}
    every = [c for c in _scalars(path, free) if c.tie != "own"]
    return every[:MOST], [c.label for c in every[MOST:]]


def _events(path: TrustPath, statements: Named, columns: list[Column]) -> list[Statement]:
    if statements is None:
        return _signs(path, columns)
    out = []
    for name, event in _named(statements, "statements").items():
        by = partial(margin_of, statement=event) if isinstance(event, str) else None
        known = by is not None and by(path.draws) is not None
        for i, c in enumerate(_scalars(path, {name: event})):
            if c.draws.dtype != bool:
                raise ValueError(
                    f"{brief(c.label)} is not a statement: write a comparison, such as 'beta > 0'."
                )
            margin = _taking(by, i) if by is not None and known else None
            out.append(Statement(c.label, c.draws, c.of, margin=margin))
    return out


def _signs(path: TrustPath, columns: list[Column]) -> list[Statement]:
    """Return that each quantity lies on the side of 0 on which its mean without answers does."""
    w = path.posterior.mixture.weights(np.zeros((1, len(path.sources))))[0]
    live = w > 0
    out = []
    for column in columns:
        above = bool(w[live] @ column.draws[live] > 0)
        event = column.draws > 0 if above else column.draws < 0
        if not event.all():
            label = f"{column.label} {'>' if above else '<'} 0"
            away = _away(column, above)
            out.append(Statement(label, event, _positive(away), margin=away))
    return out


def _positive(of: Callable[[xr.Dataset], NDArray[Any]]) -> Callable[[xr.Dataset], NDArray[Any]]:
    return lambda draws: of(draws) > 0


def _away(column: Column, above: bool) -> Callable[[xr.Dataset], NDArray[Any]]:
    return lambda draws: column.of(draws) if above else -column.of(draws)
