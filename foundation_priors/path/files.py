"""Paths in NetCDF files: everything but the model itself."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.beliefs import Beliefs
from foundation_priors.beliefs.container import MARK
from foundation_priors.errors import ModelError
from foundation_priors.netcdf import Kind, Stored, need, numbers, parse, save
from foundation_priors.path.data import check_data
from foundation_priors.path.draws import SAMPLE
from foundation_priors.path.engine import Run
from foundation_priors.path.facts import Facts, facts_of
from foundation_priors.path.fits import Fit
from foundation_priors.path.ladder import Ladder
from foundation_priors.path.mixture import LOWEST
from foundation_priors.path.reference import Reference
from foundation_priors.prior.columns import plain_labels
from foundation_priors.prior.model import copy_model

if TYPE_CHECKING:
    import pymc as pm

    from foundation_priors.path.result import TrustPath

__all__ = ["read", "write"]

FORMAT, VERSION = "foundation_priors.TrustPath", 2
SIDES = ("posterior", "prior")
DTYPE = "fp_dtype"
FARTHEST = 1e150
"""No posterior lies and no density of rows rises beyond this; its square does not overflow."""


def _with_laws(groups: Stored) -> Stored:
    """Turn version 1, which did not name its laws and let ell be NaN, into version 2."""
    facts = parse(groups[""].attrs["facts"], "its facts")
    need(isinstance(facts, dict), "its facts are no table")
    out = {"": groups[""].assign_attrs(facts=json.dumps({**facts, "laws": 1}))}
    for path, data in groups.items():
        if path.endswith(("/anchors", "/pilots")) and "ell" in data:
            out[path] = data.assign(ell=(data["ell"].dims, _finite(data["ell"].values)))
    return {**groups, **out}


def _finite(ell: np.ndarray) -> np.ndarray:
    """Return log likelihoods as the mixture takes them where rows are impossible."""
    return np.maximum(np.nan_to_num(ell, nan=LOWEST, posinf=np.inf, neginf=LOWEST), LOWEST)


KIND = Kind("TrustPath", "path.to_netcdf(...)", {1: _with_laws})


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
    if isinstance(said, Beliefs):
        groups["synthetic"] = said.encode()
    else:
        groups["synthetic"] = encode(said._data, said._schema, said._effects)
    facts = json.dumps({**asdict(path.facts), "seed": _seed(path.facts.seed)})
    attrs = {"format": FORMAT, "version": VERSION, "facts": facts}
    groups[""] = xr.Dataset({"trust": ("weight", path.trust)}, attrs=attrs)
    save(groups, file)


def read[T: TrustPath](
    cls: type[T], file: str | os.PathLike[str], model: pm.Model | None, max_bytes: int
) -> T:
    """Read a path; see `TrustPath.from_netcdf`."""
    with KIND.reading(file, max_bytes) as groups:
        if groups[""].attrs.get("format") != FORMAT:
            raise KIND.foreign(file, groups)
        groups = KIND.upgraded(file, groups[""].attrs.get("version"), VERSION, groups)
        facts = facts_of(parse(groups[""].attrs["facts"], "its facts"))
        path = _path(cls, file, groups, facts)
    if model is None:
        return path
    _check_same(model, path.draws, facts)
    check_data(model, facts.data)
    return replace(path, model=copy_model(model))


def _path[T: TrustPath](
    cls: type[T], file: str | os.PathLike[str], groups: Stored, facts: Facts
) -> T:
    from foundation_priors.synthetic import SyntheticData
    from foundation_priors.synthetic.files import decode

    ladders = {side: _ladder(groups, side, facts) for side in SIDES}
    draws = {side: _restored(groups[f"{side}/draws"]) for side in SIDES}
    for side in SIDES:
        _check_draws(draws[side], len(ladders[side].u), facts)
    for name in facts.coordinates:
        found = draws["posterior"][name].values
        need(np.isfinite(found).all(), f"draws of {name!r} are not finite")
    trust = numbers(groups[""], "trust", ("weight",), 0.0, facts.max_trust * (1 + 1e-9))
    rising = len(trust) > 1 and (np.diff(trust) > 0).all()
    need(rising, "its weights of trust do not rise")
    said = groups["synthetic"]
    answers: Any = (
        Beliefs.decode(said)
        if MARK in said.attrs
        else SyntheticData._wrap(*decode(said, file), keep=True)
    )
    _check_sources(answers, facts)
    gradients = None
    if "gradients" in groups:
        gradients = _gradients_of(groups["gradients"], ladders["posterior"], facts)
    return cls(
        ladders["posterior"],
        ladders["prior"],
        draws["posterior"],
        draws["prior"],
        trust,
        facts,
        answers,
        None,
        gradients=gradients,
    )


def _check_draws(draws: xr.Dataset, size: int, facts: Facts) -> None:
    """Raise unless all are draws, and those of free variables numbers."""
    need(draws.sizes.get(SAMPLE) == size, f"it does not hold {size} draws of each variable")
    for name, array in draws.data_vars.items():
        need(array.dims[0] == SAMPLE, f"{name!r} does not run over draws")
        need(array.dtype.kind in "biufmM", f"{name!r} holds no numbers")
    for name in facts.coordinates:
        need(name in draws, f"draws of {name!r} are missing")
        need(not np.isnan(draws[name].values).any(), f"draws of {name!r} are not numbers")


def _check_sources(answers: Any, facts: Facts) -> None:
    if facts.single:
        need(len(facts.sources) == 1, "it has one trust and several sources")
    if isinstance(answers, Beliefs) and not facts.single:
        found = set(answers.groups("source"))
        need(set(facts.sources) <= found, "it has sources without beliefs")


def _check_same(model: pm.Model, draws: xr.Dataset, facts: Facts) -> None:
    """Raise unless the model has the path's free variables, dimensions and coordinates."""
    added = [*facts.private.values(), *facts.links.values()]
    copies = {c for names in added for c in names}
    wanted = set(facts.coordinates) - copies
    names = {rv.name for rv in model.free_RVs}
    if names != wanted:
        raise ModelError(
            f"The model has the free variables {', '.join(sorted(names))}, but the path was built "
            f"with {', '.join(sorted(wanted))}: give the model of the path."
        )
    for name in sorted(wanted):
        for dim in model.named_vars_to_dims.get(name) or ():
            labels = model.coords.get(dim)
            mine = None if labels is None else plain_labels(labels, apart=False)
            theirs = draws[dim].values.tolist() if dim in draws.coords else None
            if mine is not None and list(map(str, mine)) != list(map(str, theirs or ())):
                raise ModelError(
                    f"The coordinates of {dim!r} are {list(mine)} in the model and {theirs} in the "
                    "path: give the model of the path."
                )


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
        "ell": (("sample", "source"), _finite(np.concatenate([_flat(f.run.ell) for f in fits]))),
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


def _ladder(groups: Stored, side: str, facts: Facts) -> Ladder:
    fits = _fits(groups[f"{side}/anchors"], side, facts)
    pilots = groups.get(f"{side}/pilots")
    return Ladder(fits, [] if pilots is None else _fits(pilots, side, facts))


def _fits(data: xr.Dataset, side: str, facts: Facts) -> list[Fit]:
    """Return the fits that `_anchors` put end to end."""
    size = max((stop for _, stop in facts.coordinates.values()), default=0)
    each = ("anchor",)
    counts = {n: numbers(data, n, each, 1, kinds="iu") for n in ("chains", "draws")}
    edges = np.cumsum(counts["chains"] * counts["draws"])
    need(len(edges), "it has no anchors")
    total = int(edges[-1])
    # Draws from a prior may lie at the end of what numbers can tell.
    ends = FARTHEST if side == "posterior" else np.inf
    flat = {
        "u": numbers(data, "u", ("sample", "coordinate"), -ends, ends),
        "ell": numbers(data, "ell", ("sample", "source"), LOWEST, FARTHEST),
        "real": numbers(data, "real", ("sample",), -np.inf, np.inf, unknown=True),
        "base": numbers(data, "base", ("sample",)),
    }
    trust = numbers(data, "trust", ("anchor", "source"), 0.0, facts.max_trust * (1 + 1e-9))
    shapes = [flat["u"].shape, flat["ell"].shape[1:], trust.shape[1:]]
    sources = (len(facts.sources),)
    need(
        shapes == [(total, size), sources, sources], "its draws are of other shapes than its facts"
    )
    most = np.where(counts["chains"] * counts["draws"] > 0, edges - np.r_[0, edges[:-1]], 0)
    quality = {n: numbers(data, n, each, 0.0) for n in ("ess", "ess_min", "seconds")}
    for name in ("ess", "ess_min"):
        good = (quality[name] > 0) & (quality[name] <= most * (1 + 1e-9))
        need(good.all(), f"{name!r} is not between 0 and the number of draws")
    r_hat = numbers(data, "r_hat", each, 0.0, np.inf)
    spent = {n: numbers(data, n, each, 0, kinds="iu") for n in ("divergences", "gradients")}
    known = numbers(data, "known", each, 0, 1, kinds="iu")
    references = _references_of(data, size)
    fits: list[Fit] = []
    for k, stop in enumerate(edges):
        shape = int(counts["chains"][k]), int(counts["draws"][k])
        cut = slice(int(stop) - shape[0] * shape[1], int(stop))
        arrays = {n: v[cut].reshape(*shape, *v.shape[1:]) for n, v in flat.items()}
        run = Run(
            arrays["u"],
            {},
            arrays["ell"],
            arrays["real"],
            arrays["base"],
            int(spent["divergences"][k]),
            int(spent["gradients"][k]),
            float(quality["seconds"][k]),
        )
        checks = float(quality["ess"][k]), float(quality["ess_min"][k]), float(r_hat[k])
        kind = float(side == "posterior")
        fits.append(Fit(trust[k], kind, run, *checks, bool(known[k]), references[k]))
    return fits


def _references_of(data: xr.Dataset, size: int) -> list[Reference | None]:
    """Undo `_references`."""
    df = numbers(data, "reference_df", ("anchor",), 0.0)
    mean = numbers(data, "reference_mean", ("anchor", "coordinate"))
    scale = numbers(data, "reference_scale", ("anchor", "coordinate", "other"))
    need(scale.shape[1:] == (size, size) == (mean.shape[1],) * 2, "its references are no square")
    sound = (np.diagonal(scale, axis1=1, axis2=2) > 0).all(axis=1) & (np.triu(scale, 1) == 0).all(
        axis=(1, 2)
    )
    need(sound[df > 0].all(), "its references have no spread")
    return [
        Reference(mean[k], scale[k], float(df[k])) if df[k] > 0 else None for k in range(len(df))
    ]


def _gradients(parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> xr.Dataset:
    out: dict[str, Any] = {}
    for name, (value, grad) in parts.items():
        out[f"{name}|value"] = ("sample", value)
        out[f"{name}|grad"] = (("sample", "coordinate"), grad)
    return xr.Dataset(out)


def _gradients_of(data: xr.Dataset, ladder: Ladder, facts: Facts) -> dict[str, np.ndarray]:
    """Undo `_gradients`."""
    from foundation_priors.diagnose.components import PRIOR, REAL

    out = {}
    stems = dict.fromkeys(str(key).rpartition("|")[0] for key in data.variables)
    need({PRIOR, REAL, *facts.sources} <= set(stems), "gradients of a component are missing")
    for stem in stems:
        for what, dims in (("value", ("sample",)), ("grad", ("sample", "coordinate"))):
            name = f"{stem}|{what}"
            out[name] = numbers(data, name, dims, -np.inf, np.inf, unknown=True)
            shape = ladder.u.shape if what == "grad" else ladder.u.shape[:1]
            need(out[name].shape == shape, "its gradients do not fit its draws")
    return out
