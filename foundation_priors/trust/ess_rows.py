"""The expected information of a real row, at any values of the parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from foundation_priors.errors import ModelError
from foundation_priors.prior.model import copy_model, numpy_mode

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath

__all__ = ["RowInformation", "curvature"]

type Floats = NDArray[np.float64]

OUTCOMES = 200
"""Simulated outcomes at a draw, so that their noise hardly shows in a ratio."""
CALLS, CELLS = 10_000, 2_000_000
STEP = 1e-3


def curvature(grad: Callable[[Floats], Floats], u: Floats, v: Floats, scale: Floats) -> Floats:
    """Return minus the derivative of a gradient along directions, shape (direction, draw, coord).

    Parameters
    ----------
    grad : callable
        From points, shape (point, coordinate), to gradients there.
    u : array, shape (draw, coordinate)
    v : array, shape (direction, coordinate)
    scale : array, shape (coordinate,)
        How far the coordinates spread; steps are a thousandth of it.
    """
    size = np.abs(v / scale).max(axis=1)
    step = STEP / np.where(size > 0, size, 1.0)
    out = np.empty((len(v), *u.shape))
    for k, (h, one) in enumerate(zip(step, v, strict=True)):
        both = grad(np.concatenate([u + h * one, u - h * one]))
        out[k] = (both[len(u) :] - both[: len(u)]) / (2 * h)
    return out


class RowInformation:
    """The expected information of an average real row about a path's unconstrained coordinates.

    Parameters
    ----------
    path : TrustPath
    u : array, shape (draw, coordinate)
        Where it is asked for.
    draws : xarray.Dataset
        The model's variables there, over ``sample``.
    seed : int
        Of the outcomes, which are simulated from the model at every draw. ``expected`` tells
        whether they could be; if not, the real outcomes stand in for them.
    """

    def __init__(self, path: TrustPath, u: Floats, draws: xr.Dataset, seed: Any) -> None:
        if path.engine is None:
            raise ModelError(
                "This path was read from a file without its compiled model: build it again with "
                "trust_path()."
            )
        self.engine, self.u, self.n = path.engine, u, path.facts.n_real
        self.repeats = int(np.clip(np.ceil(OUTCOMES / max(self.n, 1)), 1, CALLS // len(u) + 1))
        self.expected = True
        try:
            self._prepare(path, draws, seed)
        except (NotImplementedError, TypeError, AttributeError, ValueError, KeyError):
            self.expected, self.repeats = False, 1

    def along(self, v: Floats, scale: Floats, which: NDArray[np.int_] | slice) -> Floats:
        """Return the information at some draws times directions, (direction, draw, coordinate)."""
        u = self.u[which]
        total = np.zeros((len(v), *u.shape))
        for repeat in range(self.repeats):
            total += curvature(partial(self._grad, which, repeat), u, v, scale)
        return total / (self.n * self.repeats)

    def _grad(self, which: NDArray[np.int_] | slice, repeat: int, at: Floats) -> Floats:
        """Return gradients of the log-likelihood of outcomes, those of a draw at its points."""
        if not self.expected:
            zero = np.zeros(len(self.engine.tilted.sources))
            with_real = self.engine.value_grad(at, zero, 1.0)[1]
            return with_real - self.engine.value_grad(at, zero, 0.0)[1]
        y = [np.concatenate([a[which], a[which]]) for a in self.outcomes[repeat]]
        step = max(1, CELLS // max(self.n, 1))
        parts = [
            self.function(at[i : i + step], *(a[i : i + step] for a in y))
            for i in range(0, len(at), step)
        ]
        return np.concatenate(parts)

    def _prepare(self, path: TrustPath, draws: xr.Dataset, seed: Any) -> None:
        """Compile the gradient for given outcomes with NumPy, and simulate them."""
        import pytensor
        import pytensor.tensor as pt
        from pytensor.graph.replace import graph_replace, vectorize_graph

        model = copy_model(path.model)
        observed = model.observed_RVs
        evidence = [p for p in model.potentials if p.name in self.engine.tilted.evidence]
        if evidence:
            raise NotImplementedError("a potential has no outcomes to simulate")
        self.outcomes = _simulate(model, draws, self.repeats, seed)
        logp = pt.sum([t.sum() for t in model.logp(vars=observed, sum=False)])
        x, swap = pt.dvector("u"), {}
        for rv in model.free_RVs:
            value, cut = model.rvs_to_values[rv], self.engine.coordinates[rv.name]
            shape = self.engine.compiled.shapes[value.name]
            swap[value] = value.type.filter_variable(x[cut].reshape(shape).astype(value.dtype))
        y = [rv.type(name=f"fp_y_{i}") for i, rv in enumerate(observed)]
        for rv, outcome in zip(observed, y, strict=True):
            value = model.rvs_to_values[rv]
            swap[value] = value.type.filter_variable(outcome.astype(value.dtype))
        grad: Any = pt.grad(graph_replace(logp, swap, strict=False), x)
        many = pt.dmatrix("us")
        sets = [pt.tensor(dtype=o.dtype, shape=(None, *o.type.shape)) for o in y]
        batched = vectorize_graph(grad, {x: many, **dict(zip(y, sets, strict=True))})
        mode = numpy_mode()
        self.function = pytensor.function([many, *sets], batched, mode=mode)
        self.function(self.u[:1], *(a[:1] for a in self.outcomes[0]))


def _simulate(model: Any, draws: xr.Dataset, repeats: int, seed: Any) -> list[list[Floats]]:
    """Return outcomes at every draw, for each repeat and observed variable (draw, row, ...)."""
    from pymc.pytensorf import compile as compile_random

    function = compile_random(
        list(model.free_RVs),
        list(model.observed_RVs),
        random_seed=seed,
        mode=numpy_mode(),
        on_unused_input="ignore",
    )
    arrays = [draws[rv.name].values.astype(rv.dtype) for rv in model.free_RVs]
    found = []
    for _ in range(repeats):
        every = [function(*one) for one in zip(*arrays, strict=True)]
        found.append([np.stack(column) for column in zip(*every, strict=True)])
    return found
