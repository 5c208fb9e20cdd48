"""A ladder's draws as a Dataset, and functions of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import did_you_mean

if TYPE_CHECKING:
    from foundation_priors.path.engine import Engine
    from foundation_priors.path.fits import Fit

__all__ = ["SAMPLE", "evaluate", "to_dataset", "weighted_quantiles"]

type Floats = NDArray[np.float64]
type Quantity = str | Callable[[xr.Dataset], xr.DataArray]

SAMPLE = "sample"


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
        A variable's name, an expression in the grammar of `xarray.Dataset.eval`
        (``"beta > 0.5"``), in which ``beta[label]`` is one element, or a function from the dataset
        of draws to a DataArray.
    """
    if isinstance(quantity, str):
        value = draws[quantity] if quantity in draws else _expression(draws, quantity)
    elif callable(quantity):
        value = quantity(draws)
    else:
        raise TypeError(
            f"A quantity is a name, an expression or a function of the draws, not "
            f"{type(quantity).__name__}."
        )
    if not isinstance(value, xr.DataArray) or value.sizes.get(SAMPLE) != draws.sizes[SAMPLE]:
        raise ValueError(
            f"{quantity!r} does not give a value for each draw: keep the dimension {SAMPLE!r}."
        )
    return value.transpose(SAMPLE, ...)


def _elements(draws: xr.Dataset, text: str) -> tuple[xr.Dataset, str]:
    """Put names in place of elements such as ``beta[age]``, and add them to the draws."""
    found: dict[str, xr.DataArray] = {}

    def element(match: re.Match[str]) -> str:
        name, wanted = match[1], match[2].replace("'", "").replace('"', "")
        if name not in draws or draws[name].ndim < 2:
            return match[0]
        flat = draws[name].transpose(SAMPLE, ...)
        places = labels(flat, name)
        label = f"{name}[{', '.join(part.strip() for part in wanted.split(','))}]"
        if label not in places:
            raise ValueError(f"There is no {label}.{did_you_mean(label, places)}")
        column = flat.values.reshape(len(flat), -1)[:, places.index(label)]
        found[f"fp_element_{len(found)}"] = xr.DataArray(column, dims=SAMPLE)
        return f"fp_element_{len(found) - 1}"

    replaced = re.sub(r"(\w+)\[([^\]]*)\]", element, text)
    return draws.assign(found), replaced


def labels(value: xr.DataArray, name: str) -> list[str]:
    """Return ``name[coordinate, ...]`` for each element of a quantity over draws."""
    if value.ndim == 1:
        return [name]
    axes = [value[d].values if d in value.coords else range(value.sizes[d]) for d in value.dims[1:]]
    return [f"{name}[{', '.join(map(str, place))}]" for place in itertools.product(*axes)]


def _expression(draws: xr.Dataset, text: str) -> object:
    import ast

    known, plain = _elements(draws, text)
    try:
        names = {n.id for n in ast.walk(ast.parse(plain, mode="eval")) if isinstance(n, ast.Name)}
    except SyntaxError as error:
        raise ValueError(
            f"{text!r} is not an expression of the model's variables, such as 'beta > 0'."
        ) from error
    for name in names:
        if name not in known.variables:
            raise ValueError(
                f"{name!r} in {text!r} is not a variable of the model."
                f"{did_you_mean(name, draws.data_vars)}"
            )
    try:
        return known.eval(plain)
    except Exception as error:  # Whatever xarray, NumPy or Python has against it.
        raise ValueError(
            f"{text!r} cannot be computed from the draws: combine the model's variables by "
            "arithmetic and comparisons, such as 'beta > 0', or give a function of the draws."
        ) from error


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
