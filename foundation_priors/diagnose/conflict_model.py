"""Data replicated from a user's own model, their scores and predictive densities, with NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import ModelError
from foundation_priors.path.draws import SAMPLE
from foundation_priors.prior.model import copy_model, data_value, numpy_mode, observed_of

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["Outcome", "Simulator", "outcomes"]

type Floats = NDArray[np.float64]

CELLS = 10_000_000
"""Densities to compute for one predictive check, draws times rows times data sets."""
LEVELS = 20
FEWEST = 30


@dataclass
class Simulator:
    """Data of a model's observed variables at given values of its free ones.

    The graph is evaluated draw by draw, since not every distribution can be drawn from in batches.
    """

    model: pm.Model
    seed: int

    @cached_property
    def _function(self) -> Any:
        from pymc.pytensorf import compile as compile_random
        from pytensor.graph.replace import graph_replace

        model = self.model
        stand_ins = {rv: rv.type(name=rv.name) for rv in model.free_RVs}
        made = graph_replace(list(model.observed_RVs), stand_ins, strict=False)
        return compile_random(
            list(stand_ins.values()),
            made,
            random_seed=self.seed,
            mode=numpy_mode(),
            on_unused_input="ignore",
        )

    def draw(self, draws: xr.Dataset) -> dict[str, Floats]:
        """Return one set of data for each draw, by name, of shape (sample, ...).

        Parameters
        ----------
        draws : xarray.Dataset
            The free variables over ``sample``.

        Raises
        ------
        ModelError
            When the model cannot make data.
        """
        names = [str(rv.name) for rv in self.model.observed_RVs]
        arrays = [draws[rv.name].values.astype(rv.dtype) for rv in self.model.free_RVs]
        try:
            found = [self._function(*values) for values in zip(*arrays, strict=True)]
        except NotImplementedError as error:
            raise ModelError(
                f"PyMC cannot draw data of {', '.join(names)} from this model: write the "
                "distribution with those of PyMC, or give a CustomDist its random=."
            ) from error
        return {
            n: np.stack(values) for n, values in zip(names, zip(*found, strict=True), strict=True)
        }


@dataclass
class Outcome:
    """One observed variable of a model: its data, and functions of other data in their place.

    Parameters
    ----------
    model : pymc.Model
        A copy that nothing else changes.
    name : str
    """

    model: pm.Model
    name: str
    _scores: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def observed(self) -> Floats:
        """The real outcomes, shape (row, ...)."""
        return np.atleast_1d(np.asarray(data_value(self.model, self.name), dtype=float))

    @property
    def n_rows(self) -> int:
        """Number of real rows."""
        return len(self.observed)

    def _graph(self) -> tuple[Any, Any]:
        """Return the outcome's log density by row, and the variable that holds the data."""
        rv = self.model[self.name]
        value = self.model.rvs_to_values[rv]
        logp = self.model.logp(vars=[rv], sum=False)[0]
        return logp, value

    @cached_property
    def _score(self) -> Any:
        import pytensor
        import pytensor.tensor as pt
        from pytensor.graph.replace import graph_replace, vectorize_graph

        logp, value = self._graph()
        mask = pt.vector("mask")
        places = [self.model.rvs_to_values[rv] for rv in self.model.free_RVs]
        data = value.type.clone(shape=(None,) * value.ndim)("data")
        fresh = value.type.clone(shape=tuple(value.type.shape))("row_data")
        weighed = logp * (mask.reshape((-1, *([1] * (logp.ndim - 1)))) if logp.ndim else mask[0])
        total = graph_replace(weighed.sum(), {value: fresh}, strict=False)
        grads = pt.grad(total, places, disconnected_inputs="ignore", return_disconnected="zero")
        listed: list[Any] = list(grads)  # type: ignore[arg-type]
        flat = pt.concatenate([g.reshape((-1,)).astype("float64") for g in listed])
        many = data.type.clone(shape=(None, *fresh.type.shape))("many")
        inputs = [*places, mask, many]
        return pytensor.function(
            inputs,
            vectorize_graph(flat, {fresh: many}),
            mode=numpy_mode(),
            on_unused_input="ignore",
        )

    def scores(self, y: Floats, place: dict[str, Floats], mask: NDArray[np.bool_]) -> Floats:
        """Return gradients of the log-likelihood at a place, shape (data set, coordinate).

        Parameters
        ----------
        y : array, shape (data set, row, ...)
        place : dict of array
            The free variables in unconstrained coordinates, by name.
        mask : array, shape (row,)
            Rows that count.
        """
        model = self.model
        value = model.rvs_to_values[model[self.name]]
        given = []
        for rv in model.free_RVs:
            at = model.rvs_to_values[rv]
            given.append(_shaped(place[rv.name], at).astype(at.dtype))
        made = y.reshape(len(y), *self.observed.shape) if value.ndim else y[:, 0]
        return self._score(*given, mask.astype(float), made.astype(value.dtype))

    @cached_property
    def _density(self) -> Any:
        """Return a compiled log density of rows, of draws and of one set of data."""
        import pymc as pm
        import pytensor
        from pytensor.graph.replace import graph_replace, vectorize_graph

        rv = self.model[self.name]
        value = self.model.rvs_to_values[rv]
        others = {self.model[o.name]: self.model.rvs_to_values[o] for o in self.model.observed_RVs}
        others.pop(rv)
        stand_ins = {v: v.type(name=v.name) for v in self.model.free_RVs}
        fresh = value.type(name="row_data")
        logp = pm.logp(graph_replace(rv, {**others, **stand_ins}, strict=False), fresh)
        many = {
            s: s.type.clone(shape=(None, *s.type.shape))(name=s.name) for s in stand_ins.values()
        }
        out = vectorize_graph(logp, many)
        return pytensor.function(
            [*many.values(), fresh], out, mode=numpy_mode(), on_unused_input="ignore"
        )

    def log_predictive(self, y: Floats, draws: xr.Dataset) -> Floats:
        """Return the log density of each row, averaged over draws, shape (data set, row).

        Parameters
        ----------
        y : array, shape (data set, row, ...)
        draws : xarray.Dataset
            Free variables over ``sample``, thinned where the work would be too much.
        """
        levels = np.unique(y) if y.ndim == 2 and y.shape[1] > 1 else np.empty(0)
        few = 0 < len(levels) <= LEVELS
        sets = len(levels) if few else len(y)
        most = max(FEWEST, int(CELLS / max(sets * self.n_rows, 1)))
        size = draws.sizes[SAMPLE]
        kept = draws.isel(
            {SAMPLE: np.unique(np.linspace(0, size - 1, min(most, size)).astype(int))}
        )
        arrays = [kept[rv.name].values.astype(rv.dtype) for rv in self.model.free_RVs]
        if not few:
            return np.stack([self._averaged(arrays, one) for one in y])
        table = np.stack(
            [self._averaged(arrays, np.full(self.observed.shape, level)) for level in levels]
        )
        return table[np.searchsorted(levels, y), np.arange(y.shape[1])]

    def _averaged(self, arrays: list[Any], y: Floats) -> Floats:
        value = self.model.rvs_to_values[self.model[self.name]]
        made = (y.reshape(self.observed.shape) if value.ndim else y[0]).astype(value.dtype)
        logp = self._density(*arrays, made)
        rows = logp.reshape(len(logp), -1)
        if rows.shape[1] != self.n_rows:
            rows = rows.reshape(len(rows), self.n_rows, -1).sum(axis=2)
        top = rows.max(axis=0)
        top = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            return top + np.log(np.exp(rows - top).mean(axis=0))


def _shaped(flat: Floats, value: Any) -> Floats:
    """Return coordinates in the shape of a value variable, one side of which may be unknown."""
    if value.ndim < 2:
        return flat.reshape((-1,)) if value.ndim else flat.reshape(())
    return flat.reshape([-1 if side is None else side for side in value.type.shape])


def outcomes(model: pm.Model) -> list[Outcome]:
    """Return a model's observed variables."""
    copy = copy_model(model)
    observed = observed_of(copy, "none can be drawn to compare them with")
    return [Outcome(copy, str(rv.name)) for rv in observed]
