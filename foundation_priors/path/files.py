"""Paths in NetCDF files: everything but the model itself."""

from __future__ import annotations

import io
import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.beliefs import Beliefs
from foundation_priors.beliefs.container import MARK
from foundation_priors.errors import ModelError
from foundation_priors.path.engine import Run
from foundation_priors.path.fits import Fit
from foundation_priors.path.ladder import Ladder
from foundation_priors.path.reference import Reference
from foundation_priors.prior.columns import plain_labels
from foundation_priors.prior.model import copy_model

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.path.result import TrustPath

__all__ = ["read", "write"]

FORMAT, VERSION = "foundation_priors.TrustPath", 1
SIDES = ("posterior", "prior")
DTYPE = "fp_dtype"


def write(path: TrustPath, file: str | os.PathLike[str]) -> None:
    """Write a path; see `TrustPath.to_netcdf`."""
    from foundation_priors.diagnose.components import components
    from foundation_priors.synthetic.files import encode

    groups: dict[str, xr.Dataset] = {}
    for side, draws in (("posterior", path.draws), ("prior", path.prior_draws)):
        groups[f"{side}/draws"] = _plain(draws)
        ladder = getattr(path, side)
        groups[f"{side}/anchors"] = _anchors(ladder.fits)
        if ladder.pilots:
            groups[f"{side}/pilots"] = _anchors(ladder.pilots)
    if path.engine is not None or path.gradients is not None:
        groups["gradients"] = _gradients(components(path))
    said = path.synthetic
    stored = said.encode() if isinstance(said, Beliefs) else encode(said._data, said._schema)
    groups["synthetic"] = stored
    facts = json.dumps({**asdict(path.facts), "seed": _seed(path.facts.seed)})
    root = xr.Dataset(
        {"trust": ("weight", path.trust)},
        attrs={"format": FORMAT, "version": VERSION, "facts": facts},
    )
    tree = xr.DataTree.from_dict({"/": root, **groups})
    unfilled = {
        node.path: {name: {"_FillValue": None} for name in node.dataset.variables}
        for node in tree.subtree
    }
    tree.to_netcdf(file, engine="h5netcdf", encoding=unfilled)


def read[T: TrustPath](cls: type[T], file: str | os.PathLike[str], model: pm.Model | None) -> T:
    """Read a path; see `TrustPath.from_netcdf`."""
    from foundation_priors.path.result import Facts
    from foundation_priors.synthetic import SyntheticData
    from foundation_priors.synthetic.files import decode

    tree = _open(file)
    facts = json.loads(tree.attrs["facts"])
    for name in ("sources", "shared", "worth", "columns"):
        facts[name] = tuple(facts[name])
    for name in ("private", "coordinates", "links", "parts"):
        # Files of paths without links may lack the last two.
        facts[name] = {k: tuple(v) for k, v in facts.get(name, {}).items()}
    ladders = {side: _ladder(tree.children[side], side) for side in SIDES}
    draws = _restored(tree["posterior/draws"].to_dataset())
    if model is not None:
        _check_same(model, draws, facts)
    said = tree["synthetic"].to_dataset()
    gradients = None
    if "gradients" in tree.children:
        gradients = {str(k): v.values for k, v in tree["gradients"].to_dataset().items()}
    return cls(
        ladders["posterior"],
        ladders["prior"],
        draws,
        _restored(tree["prior/draws"].to_dataset()),
        tree.dataset["trust"].values,
        Facts(**facts),
        Beliefs.decode(said) if MARK in said.attrs else SyntheticData._wrap(*decode(said)),
        None if model is None else copy_model(model),
        gradients=gradients,
    )


def _check_same(model: pm.Model, draws: xr.Dataset, facts: dict[str, Any]) -> None:
    """Raise unless the model has the path's free variables, dimensions and coordinates."""
    added = [*facts["private"].values(), *facts["links"].values()]
    copies = {c for names in added for c in names}
    wanted = set(facts["coordinates"]) - copies
    names = {rv.name for rv in model.free_RVs}
    if names != wanted:
        raise ModelError(
            f"The model has the free variables {', '.join(sorted(names))}, but the path was built "
            f"with {', '.join(sorted(wanted))}: give the model of the path."
        )
    for name in sorted(wanted):
        for dim in model.named_vars_to_dims.get(name) or ():
            labels = model.coords.get(dim)
            mine = None if labels is None else plain_labels(labels)
            theirs = draws[dim].values.tolist() if dim in draws.coords else None
            if mine is not None and list(map(str, mine)) != list(map(str, theirs or ())):
                raise ModelError(
                    f"The coordinates of {dim!r} are {list(mine)} in the model and {theirs} in the "
                    "path: give the model of the path."
                )


def _open(file: str | os.PathLike[str]) -> xr.DataTree:
    where = os.fspath(file)
    if not os.path.exists(where):
        raise FileNotFoundError(f"There is no file {where!r}: write it with path.to_netcdf(...).")
    try:
        # From memory: HDF5 keeps an opened file of several groups locked.
        with open(where, "rb") as stored:
            content = io.BytesIO(stored.read())
        tree = xr.open_datatree(content, engine="h5netcdf", decode_cf=False).load()
    except Exception as error:
        raise OSError(
            f"{where!r} is not a readable NetCDF file, or only a part of one: write it again with "
            "path.to_netcdf(...)."
        ) from error
    if tree.attrs.get("format") != FORMAT:
        raise ValueError(
            f"{where!r} does not hold a TrustPath: read files that path.to_netcdf(...) wrote."
        )
    if tree.attrs.get("version") != VERSION:
        raise ValueError(
            f"{where!r} has version {tree.attrs.get('version')} of the format, and this package "
            f"reads version {VERSION}: upgrade the package."
        )
    return tree


def _seed(seed: Any) -> Any:
    return seed if isinstance(seed, int | None) else None


def _plain(draws: xr.Dataset) -> xr.Dataset:
    """Return the draws in types that NetCDF knows, the others named in ``fp_dtype``."""
    out = draws.copy()
    for name, variable in draws.variables.items():
        if variable.dtype.kind in "bmM":
            numbers = variable.values.astype("int8" if variable.dtype.kind == "b" else "int64")
            out = _with(
                out, name, xr.Variable(variable.dims, numbers, {DTYPE: str(variable.dtype)})
            )
        elif variable.dtype == object:
            out = _with(out, name, xr.Variable(variable.dims, variable.values.astype(str)))
    return out


def _restored(stored: xr.Dataset) -> xr.Dataset:
    """Undo `_plain`, and return text as plain strings."""
    out = stored.copy()
    for name, variable in stored.variables.items():
        dtype = str if variable.dtype == object else variable.attrs.get(DTYPE)
        if dtype is not None:
            out = _with(out, name, xr.Variable(variable.dims, variable.values.astype(dtype)))
    return out


def _with(data: xr.Dataset, name: Any, variable: xr.Variable) -> xr.Dataset:
    """Return the dataset with a variable replaced, a coordinate if it was one."""
    new = {name: variable}
    return data.assign_coords(new) if name in data.coords else data.assign(new)


def _anchors(fits: tuple[Fit, ...]) -> xr.Dataset:
    """Return fits end to end."""
    flat: dict[str, Any] = {
        "u": (("sample", "coordinate"), np.concatenate([_flat(f.run.u) for f in fits])),
        "ell": (("sample", "source"), np.concatenate([_flat(f.run.ell) for f in fits])),
        "real": (("sample",), np.concatenate([f.run.real.ravel() for f in fits])),
        "base": (("sample",), np.concatenate([f.run.base.ravel() for f in fits])),
        "trust": (("anchor", "source"), np.array([f.trust for f in fits])),
    }
    numbers = {
        "chains": [f.run.u.shape[0] for f in fits],
        "draws": [f.run.u.shape[1] for f in fits],
        "ess": [f.ess for f in fits],
        "ess_min": [f.ess_min for f in fits],
        "r_hat": [f.r_hat for f in fits],
        "divergences": [f.run.divergences for f in fits],
        "gradients": [f.run.gradients for f in fits],
        "seconds": [f.run.seconds for f in fits],
        "known": [int(f.known) for f in fits],
    }
    out = xr.Dataset(flat | {k: ("anchor", v) for k, v in numbers.items()})
    return out.assign(_references(fits))


def _references(fits: tuple[Fit, ...]) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Return the references by anchor; where there is none, the degrees of freedom are 0."""
    size = fits[0].run.u.shape[-1]
    empty = Reference(np.zeros(size), np.zeros((size, size)), 0.0)
    all_ = [f.reference or empty for f in fits]
    return {
        "reference_df": (("anchor",), np.array([r.df for r in all_])),
        "reference_mean": (("anchor", "coordinate"), np.array([r.mean for r in all_])),
        "reference_scale": (("anchor", "coordinate", "other"), np.array([r.scale for r in all_])),
    }


def _flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, array.shape[-1])


def _ladder(tree: xr.DataTree, side: str) -> Ladder:
    fits = _fits(tree.children["anchors"].to_dataset(), side)
    pilots = _fits(tree.children["pilots"].to_dataset(), side) if "pilots" in tree.children else []
    return Ladder(fits, pilots)


def _fits(data: xr.Dataset, side: str) -> list[Fit]:
    fits: list[Fit] = []
    start = 0
    for k in range(data.sizes["anchor"]):
        row = data.isel(anchor=k)
        shape = int(row.chains), int(row.draws)
        cut = slice(start, start := start + shape[0] * shape[1])
        names = ("u", "ell", "real", "base")
        arrays = {n: data[n].values[cut].reshape(*shape, *data[n].shape[1:]) for n in names}
        run = Run(
            arrays["u"],
            {},
            arrays["ell"],
            arrays["real"],
            arrays["base"],
            int(row.divergences),
            int(row.gradients),
            float(row.seconds),
        )
        quality = float(row.ess), float(row.ess_min), float(row.r_hat), bool(row.known)
        reference = None
        if row.reference_df > 0:
            mean, scale = row.reference_mean.values, row.reference_scale.values
            reference = Reference(mean, scale, float(row.reference_df))
        fits.append(Fit(row.trust.values, float(side == "posterior"), run, *quality, reference))
    return fits


def _gradients(parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> xr.Dataset:
    out: dict[str, Any] = {}
    for name, (value, grad) in parts.items():
        out[f"{name}|value"] = ("sample", value)
        out[f"{name}|grad"] = (("sample", "coordinate"), grad)
    return xr.Dataset(out)
