"""One compiled model that serves every trust, with the real data and without."""

from __future__ import annotations

import ctypes
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.mixture import LOWEST
from foundation_priors.path.reuse import compiled as reused
from foundation_priors.prior.compiling import compiling, one_at_a_time
from foundation_priors.prior.model import copy_model
from foundation_priors.prior.precompute import precompute
from foundation_priors.prior.tilt import LOGLIK, TRUST, Tilted

if TYPE_CHECKING:
    import pymc as pm

__all__ = [
    "EVIDENCE",
    "PRIOR",
    "REAL",
    "Engine",
    "Expanded",
    "Run",
    "forward_is_exact",
    "weigh_evidence",
]

EVIDENCE, REAL, PRIOR = "fp_evidence", "fp_real_loglik", "fp_log_prior"
TRIAL, SLOW = 32, 2e-5
"""Threads are used where so many calls show that one takes longer than this, in seconds."""

type Floats = NDArray[np.float64]


@one_at_a_time
def weigh_evidence(tilted: Tilted) -> pm.Model:
    """Return the tilted model with its likelihood as a potential of weight ``fp_evidence``.

    With weight 1 it is the posterior, with weight 0 the tilted prior.
    """
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.graph.replace import graph_replace

    model = copy_model(tilted.model)
    values = {rv: model.rvs_to_values[rv] for rv in model.observed_RVs}
    stand_ins = {rv: rv.type(name=rv.name) for rv in model.free_RVs}
    back = {stand_in: rv for rv, stand_in in stand_ins.items()}
    terms = []
    for rv, value in values.items():
        others = {k: v for k, v in values.items() if k is not rv}
        logp = pm.logp(graph_replace(rv, {**others, **stand_ins}, strict=False), value)
        terms.append(graph_replace(logp, back, strict=False).sum())
    for name in tilted.evidence:
        potential = next(p for p in model.potentials if p.name == name)
        model.potentials.remove(potential)
        terms.append(potential.sum())
    for rv, value in values.items():
        model.observed_RVs.remove(rv)
        model.rvs_to_transforms.pop(rv, None)
        model.values_to_rvs.pop(value)
        model.rvs_to_values.pop(rv)
        model.rvs_to_initial_values.pop(rv, None)
    own = [p for p in model.potentials if p.name != "fp_tilt"]
    # A value that shares its name with its variable would not be found again by nutpie.
    plain = {v: rv for rv, v in model.rvs_to_values.items() if v.name == rv.name}
    prior = graph_replace(model.logp(vars=[*model.free_RVs, *own]), plain, strict=False)
    with model:
        weight = pm.Data(EVIDENCE, 1.0)
        pm.Deterministic(PRIOR, prior)
        real = pm.Deterministic(REAL, pt.add(*terms) if len(terms) > 1 else terms[0])
        pm.Potential("fp_real", pt.switch(weight > 0, weight * real, 0.0))
    return copy_model(model, partial(precompute, varying=(TRUST, EVIDENCE)))


def forward_is_exact(model: pm.Model) -> bool:
    """Say whether the primitive prior of an engine's model is what its variables alone say.

    It is not with potentials of the user's, with a transform that is not the default one and may
    cut the prior (ordered cutpoints, for instance), or with a density written by hand, which need
    not be normalised.
    """
    from pymc.distributions.custom import CustomDistRV
    from pymc.distributions.transforms import _default_transform

    if {p.name for p in model.potentials} - {"fp_real", "fp_tilt"}:
        return False
    if any(isinstance(rv.owner.op, CustomDistRV) for rv in model.free_RVs):
        return False
    defaults = [_default_transform(rv.owner.op, rv) for rv in model.free_RVs]
    used = [model.rvs_to_transforms[rv] for rv in model.free_RVs]
    return all(type(a) is type(b) for a, b in zip(defaults, used, strict=True))


@dataclass(frozen=True)
class Run:
    """What one run of the sampler gave.

    ``u`` are unconstrained draws, shape (chain, draw, coordinate); ``values`` the model's
    variables by name, shape (chain, draw, ...); ``ell`` has shape (chain, draw, source), ``real``
    (chain, draw). ``base`` is the log density at trust 0 in unconstrained coordinates, shape
    (chain, draw). ``gradients`` counts gradient evaluations, warm-up included.
    """

    u: Floats
    values: dict[str, Floats]
    ell: Floats
    real: Floats
    base: Floats
    divergences: int
    gradients: int
    seconds: float


@dataclass(frozen=True)
class Expanded:
    """What follows from points: the model's variables by name, ell, and two log densities.

    ``real`` is the real log-likelihood, ``prior`` that of the primitive prior in unconstrained
    coordinates. All begin with the shape of the points.
    """

    values: dict[str, Floats]
    ell: Floats
    real: Floats
    prior: Floats

    def base(self, weight: float) -> Floats:
        """Return the log density at trust 0, with the real data (weight 1) or without (0)."""
        log = self.prior + self.real if weight else self.prior
        return np.nan_to_num(log, nan=LOWEST, neginf=LOWEST)


class Engine:
    """The compiled model; see `weigh_evidence`. It can be pickled, and then compiles itself anew.

    Parameters
    ----------
    tilted : Tilted
        From `foundation_priors.prior.tilt.build`.
    """

    def __init__(self, tilted: Tilted) -> None:
        self.tilted = tilted
        self.model = weigh_evidence(tilted)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is compiled."""
        import cloudpickle

        return {"pickled": cloudpickle.dumps((self.tilted, self.model))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Compile anew when first needed."""
        import cloudpickle

        self.tilted, self.model = cloudpickle.loads(state["pickled"])

    @cached_property
    def compiled(self) -> Any:
        """The nutpie model, compiled once for all models of its form."""
        return reused(self.model)

    @cached_property
    def key(self) -> str:
        """Identify the model across processes."""
        return hashlib.sha256(self.__getstate__()["pickled"]).hexdigest()

    @property
    def dim(self) -> int:
        """Number of unconstrained coordinates."""
        return self.compiled.n_dim

    @cached_property
    def coordinates(self) -> dict[str, slice]:
        """Where each free variable stands among the unconstrained coordinates."""
        names, slices, _ = self.compiled.shape_info
        where = dict(zip(names, slices, strict=True))
        return {rv.name: where[self.model.rvs_to_values[rv].name] for rv in self.model.free_RVs}

    @cached_property
    def variables(self) -> list[str]:
        """Names of the user's variables, free and deterministic, in the model's order."""
        rvs = [*self.model.free_RVs, *self.model.deterministics]
        return [v.name for v in rvs if v.name not in (LOGLIK, REAL, PRIOR)]

    def at(self, trust: Floats, real: float) -> Any:
        """Return the compiled model at these weights."""
        data = {TRUST: self.tilted.vector(trust), EVIDENCE: real}
        return self.compiled.with_data(**data)

    def value_grad(self, u: Floats, trust: Floats, real: float) -> tuple[Floats, Floats]:
        """Return log density and gradient at points of shape (point, coordinate).

        Where the density is zero or not finite, both are nan.
        """
        at = self.at(trust, real)
        call = _callable(at.compiled_logp_func, 4)
        x = np.ascontiguousarray(u, dtype=float)
        values, grads = np.empty(len(x)), np.empty(x.shape)
        addresses = list(_addresses(at.user_data, x, grads, values))
        codes = _for_each(lambda point: call(self.dim, *point), addresses)
        failed = np.array(codes, dtype=int) != 0
        values[failed], grads[failed] = np.nan, np.nan
        return values, grads

    def expand(self, u: Floats) -> Expanded:
        """Return what follows from points, shape (point, coordinate)."""
        compiled = self.compiled
        call = _callable(compiled.compiled_expand_func, 3, sizes=2)
        x = np.ascontiguousarray(u, dtype=float)
        out = np.full((len(x), compiled.n_expanded), np.nan)
        sizes = self.dim, compiled.n_expanded
        addresses = list(_addresses(compiled.user_data, x, out))
        _for_each(lambda point: call(*sizes, *point), addresses)
        where = {name: (cut, shape) for name, cut, shape in zip(*compiled.shape_info, strict=True)}
        return self._split(lambda name: out[:, where[name][0]].reshape(-1, *where[name][1]))

    def _split(self, get: Callable[[str], Floats]) -> Expanded:
        values = {name: get(name) for name in self.variables}
        ell, real, prior = get(LOGLIK), get(REAL), get(PRIOR)
        return Expanded(values, ell.reshape(*real.shape, len(self.tilted.sources)), real, prior)

    def forward(self, draws: int, seed: np.random.SeedSequence) -> Floats | None:
        """Return independent draws from the primitive prior, shape (draw, coordinate).

        None where the prior is not what its random variables alone say: with potentials of its
        own, or with a transform that cuts it (ordered cutpoints, for instance).
        """
        from pymc.initial_point import make_initial_point_fn

        model = self.model
        if not forward_is_exact(model):
            return None
        names = [model.rvs_to_values[rv].name for rv in model.free_RVs]
        out = np.empty((draws, self.dim))
        with compiling():
            point = make_initial_point_fn(
                model=model,
                overrides=dict.fromkeys(model.free_RVs, "prior"),
                default_strategy="prior",
                return_transformed=True,
            )
        for i, number in enumerate(seed.generate_state(draws)):
            values = point(int(number))
            out[i] = np.concatenate([np.ravel(values[n]) for n in names])
        return out

    def sample(
        self,
        trust: Floats,
        real: float,
        start: Callable[[int], Floats],
        *,
        draws: int,
        tune: int,
        chains: int,
        cores: int | None,
        seed: int,
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> Run:
        """Sample at one weight with nutpie; ``start`` maps a chain's seed to where it begins.

        ``options`` are those of `nuts_options`.
        """
        import nutpie

        at = replace(self.at(trust, real), initial_point_func=start)
        began = time.perf_counter()
        raw = nutpie.sample(
            at,
            draws=draws,
            tune=tune,
            chains=chains,
            cores=cores,
            seed=seed,
            progress_bar=False,
            return_raw_trace=True,
            **options,
        )
        seconds = time.perf_counter() - began
        return self._read(raw, draws, real, seconds)

    def _read(self, raw: Any, draws: int, weight: float, seconds: float) -> Run:
        chains, stats = raw.get_arrow_trace()
        names, _, shapes = self.compiled.shape_info
        shape = dict(zip(names, shapes, strict=True))

        def get(name: str) -> Floats:
            parts = [_column(batch, name)[-draws * int(np.prod(shape[name])) :] for batch in chains]
            return np.stack([p.reshape(draws, *shape[name]) for p in parts])

        found = self._split(get)
        free = [self.model.rvs_to_values[rv].name for rv in self.model.free_RVs]
        u = np.concatenate([get(n).reshape(len(chains), draws, -1) for n in free], axis=-1)
        diverging = [np.asarray(s.column("diverging"))[-draws:].sum() for s in stats]
        steps = [np.asarray(s.column("n_steps")).sum() for s in stats]
        counts = int(sum(diverging)), int(sum(steps))
        return Run(u, found.values, found.ell, found.real, found.base(weight), *counts, seconds)


def _column(batch: Any, name: str) -> Floats:
    import pyarrow

    column = pyarrow.array(batch.column(name))
    column = column.flatten() if hasattr(column, "flatten") else column
    return column.to_numpy(zero_copy_only=False).astype(float)


def _callable(function: Any, pointers: int, sizes: int = 1) -> Callable[..., int]:
    """Return a compiled C function that takes sizes and then addresses, as plain integers."""
    kinds = [ctypes.c_uint64] * sizes + [ctypes.c_void_p] * pointers
    return ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(function.address)


def _addresses(user_data: Any, *arrays: Floats) -> Iterator[tuple[int, ...]]:
    """Yield the addresses of each array's rows, and that of the model's data."""
    data = user_data.ctypes.data
    starts = [(a.ctypes.data, a.strides[0]) for a in arrays]
    for i in range(len(arrays[0])):
        yield (*(start + i * step for start, step in starts), data)


def _for_each(call: Callable[[tuple[int, ...]], int], items: list[tuple[int, ...]]) -> list[int]:
    """Call for each item, on all cores if a call takes long; a compiled one holds no lock."""
    began = time.perf_counter()
    codes = [call(item) for item in items[:TRIAL]]
    rest = items[TRIAL:]
    cores = min(os.cpu_count() or 1, 8)
    if cores == 1 or time.perf_counter() - began < SLOW * TRIAL:
        return codes + [call(item) for item in rest]
    parts = [rest[i::cores] for i in range(cores)]
    with ThreadPoolExecutor(cores) as pool:
        found = list(pool.map(lambda part: [call(item) for item in part], parts))
    out = np.empty(len(rest), dtype=int)
    for i, part in enumerate(found):
        out[i::cores] = part
    return codes + out.tolist()
