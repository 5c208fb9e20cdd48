"""A ladder's draws as a Dataset, and functions of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import StatementError, brief, did_you_mean
from foundation_priors.statements import (
    Chain,
    Name,
    Tree,
    check_numbers,
    compute,
    label_of,
    locate,
    parse,
    put_labels,
    readable,
    walk,
)

if TYPE_CHECKING:
    from foundation_priors.path.engine import Engine
    from foundation_priors.path.fits import Fit

__all__ = [
    "SAMPLE",
    "Element",
    "elements",
    "evaluate",
    "labels",
    "like",
    "margin_of",
    "to_dataset",
    "weighted_quantiles",
]

type Floats = NDArray[np.float64]
type Quantity = str | Callable[[xr.Dataset], xr.DataArray]

SAMPLE = "sample"
REFUSAL = (
    "cannot be computed from the draws: combine the model's variables by arithmetic and "
    "comparisons, such as 'beta > 0', or give a function of the draws"
)


def to_dataset(engine: Engine, fits: Sequence[Fit]) -> xr.Dataset:
    """Return all draws of some fits, the model's variables over ``sample`` and their own dims."""
    model = engine.model
    arrays: dict[str, tuple[tuple[str, ...], Floats]] = {}
    for name in engine.variables:
        parts = [f.run.values[name] for f in fits]
        flat = np.concatenate([p.reshape(-1, *p.shape[2:]) for p in parts])
        given = model.named_vars_to_dims.get(name) or ()
        dims = [d or f"{name}_dim_{i}" for i, d in enumerate(given)]
        dims += [f"{name}_dim_{i}" for i in range(len(dims), flat.ndim - 1)]
        arrays[name] = (SAMPLE, *dims), flat
    used = {d for dims, _ in arrays.values() for d in dims}
    coords = {k: list(v) for k, v in model.coords.items() if v is not None and k in used}
    return xr.Dataset(arrays, coords)


def evaluate(draws: xr.Dataset, quantity: Quantity) -> xr.DataArray:
    """Return a quantity of every draw, ``sample`` its first dimension.

    Parameters
    ----------
    draws : xarray.Dataset
    quantity : str or callable
        A variable's name, an expression (`foundation_priors.statements`), ``"beta > 0.5"``, in
        which ``beta[label]`` is one element, or a function from the dataset of draws to a
        DataArray.
    """
    if isinstance(quantity, str):
        value = draws[quantity] if quantity in draws else _computed(draws, quantity)
    elif callable(quantity):
        value = quantity(draws)
    else:
        raise TypeError(
            f"A quantity is a name, an expression or a function of the draws, not "
            f"{type(quantity).__name__}."
        )
    if not isinstance(value, xr.DataArray) or value.sizes.get(SAMPLE) != draws.sizes[SAMPLE]:
        raise ValueError(
            f"{brief(quantity)} does not give a value for each draw: keep the dimension {SAMPLE!r}."
        )
    check_numbers(value, brief(quantity) if isinstance(quantity, str) else "A quantity")
    return value.transpose(SAMPLE, ...)


def _computed(draws: xr.Dataset, text: str, tree: Tree | None = None) -> object:
    def lookup(name: Name) -> xr.DataArray:
        if name.name not in draws.data_vars:
            raise StatementError(
                f"{brief(name.name)} in {brief(text)} is not a variable of the model."
                f"{did_you_mean(name.name, draws.data_vars)}"
            )
        value = draws[name.name]
        if name.place is None:
            return value
        flat = value.transpose(SAMPLE, ...)
        place = locate(name.name, name.place, _axes(flat))
        return flat.isel(dict(zip(flat.dims[1:], place, strict=True)), drop=True).rename(None)

    return compute(tree or parse(text, REFUSAL), lookup, text=brief(text))


def margin_of(draws: xr.Dataset, statement: str) -> xr.DataArray | None:
    """Return by how much a statement holds at every draw, above 0 where it does.

    None unless it is one comparison, by ``<``, ``<=``, ``>`` or ``>=``, of two numbers.
    """
    if statement in draws:
        return None
    match parse(statement, REFUSAL):
        case Chain((sign,), (left, right)) if sign in ("<", "<=", ">", ">="):
            sides = (right, left) if sign.startswith("<") else (left, right)
            value = _computed(draws, statement, Chain(("-",), sides))
            return value.transpose(SAMPLE, ...) if isinstance(value, xr.DataArray) else None
    return None


def _axes(value: xr.DataArray) -> list[list[Any]]:
    """Return the coordinates along each dimension but the first, or positions."""
    sizes = value.sizes
    return [list(value[d].values if d in value.coords else range(sizes[d])) for d in value.dims[1:]]


@dataclass(frozen=True, eq=False)
class Element:
    """A scalar of every draw: its label, its values and its coordinates, joined by commas."""

    label: str
    values: NDArray[Any]
    place: str


def elements(draws: xr.Dataset, quantity: Quantity, name: str | None = None) -> list[Element]:
    """Take a quantity of every draw apart into scalars.

    Parameters
    ----------
    draws : xarray.Dataset
    quantity : str or callable
        As in `evaluate`.
    name : str, optional
        What to call it; by default the text itself, or the name of what a function returns.
    """
    value = evaluate(draws, quantity)
    if name is None:
        name = quantity if isinstance(quantity, str) else str(value.name or "quantity")
    flat = value.values.reshape(len(value), -1)
    inside = (", ".join(map(str, place)) for place in itertools.product(*_axes(value)))
    found = zip(labels(value, name, draws), flat.T, inside, strict=True)
    return [Element(*parts) for parts in found]


def labels(value: xr.DataArray, name: str, draws: xr.Dataset | None = None) -> list[str]:
    """Return ``name[coordinate, ...]`` for each element of a quantity over its first dimension.

    With ``draws`` a name that is a statement about their variables is written for each element,
    ``beta[age] > 0``. Labels that are equal as text are told apart by their position.
    """
    if value.ndim == 1:
        return [name if draws is not None and name not in draws else readable(name)]
    put = _putting(value, name, draws)
    found = [put(place) for place in itertools.product(*_axes(value))]
    seen = Counter(found)
    return [
        label if seen[label] == 1 else f"{label} (position {at})"
        for label, at in zip(found, _positions(value), strict=True)
    ]


def _positions(value: xr.DataArray) -> Iterator[str]:
    for place in np.ndindex(value.shape[1:]):
        yield ", ".join(map(str, place))


def _putting(
    value: xr.DataArray, name: str, draws: xr.Dataset | None
) -> Callable[[Sequence[object]], str]:
    """Return a function from an element's coordinates to its label."""
    tree = None if draws is None else _about(name, draws)
    if draws is None or tree is None:
        return lambda place: label_of(name, place)
    put, variables, dims = put_labels(name, tree), draws, value.dims[1:]

    def label(place: Sequence[object]) -> str:
        at = dict(zip(dims, place, strict=True))
        return put(lambda part: [at[d] for d in variables[part.name].dims if d in at])

    return label


def _about(name: str, draws: xr.Dataset) -> Tree | None:
    """Return what a text says about variables; None where it says nothing, or names one."""
    if name in draws:
        return None
    try:
        tree = parse(name)
    except StatementError:
        return None
    names = [part.name for part in walk(tree) if isinstance(part, Name)]
    return tree if names and all(n in draws.data_vars for n in names) else None


def weighted_quantiles(values: Floats, weights: Floats, q: Sequence[float] | Floats) -> Floats:
    """Return quantiles of draws under several sets of weights.

    Parameters
    ----------
    values : array, shape (draw,)
    weights : array, shape (point, draw)
        Normalised.
    q : array, shape (quantile,)

    Returns
    -------
    array, shape (point, quantile)
        From the linear interpolation of the cumulated weights' midpoints.
    """
    order = np.argsort(values, kind="stable")
    ranked, rising = weights[:, order], values[order]
    middle = np.cumsum(ranked, axis=1) - ranked / 2
    live = ranked > 0
    return np.array([np.interp(q, m[k], rising[k]) for m, k in zip(middle, live, strict=True)])


def like(template: xr.DataArray) -> dict[str, Any]:
    """Return the dims and coords of a quantity without those over draws."""
    dims = [str(d) for d in template.dims[1:]]
    coords = {k: v for k, v in template.coords.items() if SAMPLE not in v.dims}
    return {"dims": dims, "coords": coords}
