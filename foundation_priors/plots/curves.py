"""What a picture of a path shows, as Datasets over quantity and trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.errors import UnreliableWarning, noted

if TYPE_CHECKING:
    from foundation_priors.path.draws import Quantity

    type Path = Any  # a TrustPath or a ConjugatePath, whose methods name their arguments apart
    type Quantities = Quantity | Sequence[Quantity] | Mapping[str, Quantity] | None

__all__ = [
    "Wanted",
    "drawn_at",
    "drawn_between",
    "facets",
    "options",
    "over_trust",
    "posterior_curves",
    "reliable_at",
    "wanted",
]


@dataclass(frozen=True)
class Wanted:
    """A quantity to show; ``only`` is the label of the one element asked for, if any."""

    name: str | None
    quantity: Quantity
    only: str | None = None


def wanted(path: Path, var_names: Quantities) -> list[Wanted]:
    """Return what to show, one entry for each name, expression or function.

    A name may carry the place of an element, as tables label it: ``"beta[age]"``.
    """
    if var_names is None:
        return [Wanted(name, name) for name in _all(path)]
    if isinstance(var_names, Mapping):
        return [Wanted(name, quantity) for name, quantity in var_names.items()]
    if isinstance(var_names, str) or callable(var_names):
        var_names = [var_names]
    return [_one(path, quantity) for quantity in var_names]


def _all(path: Path) -> list[str]:
    if not hasattr(path, "draws"):
        return list(path.parameters)
    return [str(n) for n in path.draws if n in path.facts.coordinates]


def _one(path: Path, quantity: Quantity) -> Wanted:
    if not isinstance(quantity, str):
        return Wanted(None, quantity)
    if not hasattr(path, "draws"):  # A closed form knows its parameters, and no expressions.
        base, bracket, _ = quantity.partition("[")
        if bracket and quantity.endswith("]") and base in path.parameters:
            return Wanted(base, base, quantity)
    return Wanted(quantity, quantity)


def facets(
    path: Path, array: xr.DataArray, item: Wanted, dim: str = "trust"
) -> dict[str, np.ndarray]:
    """Take a quantity apart: each element's label and values, ``dim`` their first axis."""
    from foundation_priors.path.draws import labels

    array = array.transpose(dim, ...)
    name = item.name or _own_name(array)
    flat = array.values.reshape(array.sizes[dim], -1)
    draws = getattr(path, "draws", None)
    found = dict(zip(labels(array, name, draws), flat.T, strict=True))
    if item.only is None:
        return found
    if item.only not in found:
        from foundation_priors.errors import did_you_mean

        raise ValueError(f"There is no {item.only!r}.{did_you_mean(item.only, found)}")
    return {item.only: found[item.only]}


def _own_name(array: xr.DataArray) -> str:
    """Return the label of what a function took out: its name, and where it was taken from."""
    name = str(array.name or "quantity")
    own = {"trust", "reliable", "mcse", "sample"}
    places = [c.values.item() for k, c in array.coords.items() if c.ndim == 0 and k not in own]
    return f"{name}[{', '.join(map(str, places))}]" if places else name


def over_trust(array: xr.DataArray) -> xr.DataArray:
    """Return an array of results as it is if it runs along one trust, else raise."""
    if "trust" not in array.dims or "trust" not in array.coords:
        raise ValueError(
            "A picture runs along one trust: give trust= as an array of weights, and the ratios "
            "of several sources as along=."
        )
    return array


def drawn_at(path: Path, trust: Any, scale: str) -> Any:
    """Return the weights to draw at: those given, or the path's grid, finer near 0."""
    if trust is not None or scale != "sqrt":
        return path.trust if trust is None else trust
    return _finer(path.trust)


def _finer(trust: np.ndarray) -> np.ndarray:
    """Divide the step from 0, which a square root stretches and would show as a straight line."""
    return np.unique(np.concatenate([trust, trust[1] * np.linspace(0, 1, 7) ** 2]))


def drawn_between(array: xr.DataArray, scale: str) -> xr.DataArray:
    """Return results along trust, on a square-root scale interpolated in the step from 0.

    The interpolation is linear in trust, so that what is known at two weights alone is joined by
    the same line on every scale, which is not straight on that one.
    """
    array = array.transpose("trust").sortby("trust")
    trust = array["trust"].values
    if scale != "sqrt" or len(trust) < 2 or trust[0] != 0:
        return array
    at = _finer(trust)
    extra = {k: array.coords[k] for k in ("mcse", "reliable") if k in array.coords}
    coords = {k: np.interp(at, trust, c.values.astype(float)) for k, c in extra.items()}
    if "reliable" in coords:
        coords["reliable"] = coords["reliable"] == 1
    return xr.DataArray(
        np.interp(at, trust, array.values),
        {"trust": at, **{k: ("trust", v) for k, v in coords.items()}},
        ("trust",),
        array.name,
        array.attrs,
    )


def reliable_at(array: xr.DataArray) -> np.ndarray:
    """Return where the checks hold; a closed form always does."""
    known = array.coords.get("reliable")
    return np.ones(array.sizes["trust"], bool) if known is None else known.values


def options(along: Mapping[str, float] | None) -> dict[str, Any]:
    """Return ``along`` as keyword arguments, none for paths in closed form."""
    return {} if along is None else {"along": along}


def posterior_curves(
    path: Path,
    var_names: Quantities,
    ci_prob: Sequence[float],
    trust: Any,
    along: Mapping[str, float] | None,
) -> xr.Dataset:
    """Return mean and equal-tailed intervals of scalar quantities.

    Returns
    -------
    xarray.Dataset
        ``mean`` and ``reliable`` over (quantity, trust), ``lower`` and ``upper`` over (quantity,
        prob, trust), wide intervals first; coordinate ``effective_observations``.
    """
    probs = np.sort(np.asarray(ci_prob, dtype=float))[::-1]
    tails = np.sort(np.concatenate([(1 - probs) / 2, (1 + probs) / 2]))
    place = [np.searchsorted(tails, (1 + s * probs) / 2) for s in (-1, 1)]
    rows: dict[str, dict[str, np.ndarray]] = {}
    events: list[bool] = []
    weights = None
    for item in wanted(path, var_names):
        mean = over_trust(path.mean(item.quantity, trust, **options(along)))
        weights = mean["trust"].values
        event = _is_event(path, item.quantity)
        bounds = None if event else _bounds(path, item, tails, trust, along)
        for label, value in facets(path, mean, item).items():
            limits = np.full((len(tails), len(value)), np.nan)
            if bounds is not None:
                limits = bounds[label].T
            titled = not event or isinstance(var_names, Mapping)
            rows[_fresh(label if titled else f"P({label})", rows)] = {
                "mean": value,
                "reliable": reliable_at(mean),
                "lower": limits[place[0]],
                "upper": limits[place[1]],
            }
            events.append(event)
    dims = {"mean": ("trust",), "reliable": ("trust",)}
    data = xr.Dataset(
        {
            k: (
                ("quantity", *dims.get(k, ("prob", "trust"))),
                np.stack([row[k] for row in rows.values()]),
            )
            for k in ("mean", "reliable", "lower", "upper")
        },
        {
            "quantity": list(rows),
            "event": ("quantity", events),
            "prob": probs,
            "trust": weights,
        },
    )
    worth = path.effective_observations(weights, **options(along))
    return data.assign_coords(effective_observations=("trust", worth.values)).sortby("trust")


def _bounds(
    path: Path, item: Wanted, tails: np.ndarray, trust: Any, along: Mapping[str, float] | None
) -> dict[str, np.ndarray]:
    """Return quantiles of each element, shape (trust, quantile)."""
    with noted(UnreliableWarning):  # the mean at the same weights has already warned
        array = path.quantile(item.quantity, tails.tolist(), trust, **options(along))
    parts = [facets(path, array.isel(quantile=i, drop=True), item) for i in range(len(tails))]
    return {label: np.stack([p[label] for p in parts], axis=-1) for label in parts[0]}


def _is_event(path: Path, quantity: Quantity) -> bool:
    if not hasattr(path, "draws"):
        return False
    from foundation_priors.path.draws import evaluate

    return bool(evaluate(path.draws.isel(sample=slice(2)), quantity).dtype == bool)


def _fresh(label: str, taken: Mapping[str, Any]) -> str:
    """Return a label that no facet has yet."""
    number, out = 2, label
    while out in taken:
        out, number = f"{label} ({number})", number + 1
    return out
