"""Effective sample sizes of the foundation prior of a path, in rows of the user's real data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import softmax

from foundation_priors.errors import ModelError, UnreliableWarning, warn
from foundation_priors.path.draws import SAMPLE, elements, to_dataset
from foundation_priors.trust.ess_rows import RowInformation, curvature

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath
    from foundation_priors.path.draws import Quantity
    from foundation_priors.path.engine import Engine

__all__ = ["path_ess"]

type Floats = NDArray[np.float64]

HEAVY, LOOSE = 0.05, 0.2
"""Largest share of one draw in a mean of ratios, and largest relative error of it."""
UNINFORMED = 1e-9
CERTAIN = 4.0
"""Standard errors by which a covariance must differ from 0 to count."""
CHAIN = ("elir", "information", "moment", "morita")
RAGGED = "a few draws at which rows say much, or little, make up its mean"


@dataclass(frozen=True)
class _Law:
    """The weights of the sources, (node, source), over which the prior is mixed."""

    nodes: Floats
    log_level: Floats
    weights: Floats
    effective: float

    def grad(self, engine: Engine, at: Floats) -> Floats:
        """Return the gradient of the log prior, shape (point, coordinate)."""
        zero = np.zeros(self.nodes.shape[1])
        value, grad = engine.value_grad(at, zero, 0.0)
        ell, slopes = [], []
        for one in np.eye(len(zero)):
            more, slope = engine.value_grad(at, one, 0.0)
            ell.append(more - value)
            slopes.append(slope - grad)
        heights = np.stack(ell, axis=-1) @ self.nodes.T + self.log_level
        trust = softmax(heights, axis=1) @ self.nodes
        return grad + np.einsum("ps,spd->pd", trust, np.stack(slopes))


@dataclass(frozen=True)
class _Task:
    """What every method needs at one weight or rule.

    ``which`` are positions in ``rows`` of draws that weigh equally, ``index`` among all draws.
    """

    path: TrustPath
    law: _Law
    rows: RowInformation
    which: NDArray[np.int_]
    index: NDArray[np.int_]
    h: Floats
    quantities: Sequence[Quantity]
    vague: float

    @property
    def u(self) -> Floats:
        """Return the draws' unconstrained coordinates."""
        return self.rows.u[self.which]

    def engine_grad(self, at: Floats) -> Floats:
        """Return the gradient of the log prior."""
        return self.law.grad(self.rows.engine, at)

    def error(self, scores: Floats) -> Floats:
        """Return the standard error of means of scores, (quantity, draw)."""
        variance = scores.var(axis=1)
        return np.sqrt(variance * (1 / self.law.effective + 1 / len(self.which)))


def path_ess(
    path: TrustPath,
    quantity: Quantity | Sequence[Quantity] | None,
    trust: Any,
    method: str,
    vague: float,
    draws: int,
    random_seed: Any,
) -> xr.Dataset:
    """Return effective sample sizes over trust and quantity; see `prior_ess`."""
    if path.engine is None or path.model is None:
        raise ModelError(
            "This path was read from a file without its compiled model: build it again with "
            "trust_path()."
        )
    if draws < 100:
        raise ValueError(f"draws={draws} is too few: give at least 100.")
    wanted = [rv.name for rv in path.model.free_RVs] if quantity is None else quantity
    wanted = [wanted] if isinstance(wanted, str) or callable(wanted) else list(wanted)
    names, h = _values(path.prior_draws, wanted)
    how = path._weighing("cautious" if trust is None else trust)
    laws = _laws(path, how)
    seed = path.facts.seed if random_seed is None else random_seed
    rng = np.random.default_rng(seed)
    chosen = [_resampled(law.weights, draws, rng) for law in laws]
    union = np.unique(np.concatenate(chosen))
    drawn = path.prior_draws.isel({SAMPLE: union})
    rows = RowInformation(path, path.prior.u[union], drawn, int(rng.integers(2**31)))
    found = []
    for law, index in zip(laws, chosen, strict=True):
        which = np.searchsorted(union, index)
        task = _Task(path, law, rows, which, index, h, wanted, vague)
        found.append(_defined(task, method, names))
    columns = (np.array(column) for column in zip(*found, strict=True))
    named = zip(("ess", "mcse", "method"), columns, strict=True)
    out = {k: how.wrap(v, ["quantity"], {"quantity": names}, k) for k, v in named}
    seen = "expected" if rows.expected else "observed"
    return xr.Dataset(out, attrs={"asked": method, "n_real": rows.n, "information": seen})


def _values(draws: xr.Dataset, quantities: Sequence[Quantity]) -> tuple[list[str], Floats]:
    """Return names and values of scalar quantities, (draw, quantity)."""
    names, columns = [], []
    for quantity in quantities:
        for part in elements(draws, quantity):
            if part.values.dtype == bool:
                raise ValueError(f"{quantity!r} is an event: ask about the quantity it compares.")
            names.append(part.label)
            columns.append(part.values.astype(float))
    if not columns:
        raise ValueError("quantity= names nothing: give at least one.")
    return names, np.stack(columns, axis=1)


def _laws(path: TrustPath, how: Any) -> list[_Law]:
    mixture = path.prior.mixture
    if hasattr(how, "rule"):
        nodes = how.rule.hyperprior_nodes
        level = np.log(nodes.probability + 1e-300) - path.prior.log_z(nodes.points)
        w = how.prior_weights()
        return [_Law(nodes.points, level, w, 1 / float(np.sum(w**2 / mixture.worst_share)))]
    array = how.points.array
    effective = mixture.ess(array)
    return [
        _Law(point[None], np.zeros(1), mixture.weights(point[None])[0], float(e))
        for point, e in zip(array, effective, strict=True)
    ]


def _resampled(w: Floats, draws: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Return positions of draws that weigh equally, by systematic resampling."""
    levels = (np.arange(draws) + rng.random()) / draws
    cumulated = np.cumsum(w)
    return np.minimum(np.searchsorted(cumulated / cumulated[-1], levels), len(w) - 1)


def _defined(task: _Task, method: str, names: list[str]) -> tuple[Floats, Floats, list[str]]:
    """Return values, errors and methods by quantity, with another method where one fails."""
    directions = _directions(task)
    size = len(names)
    value, error, used = np.full(size, np.nan), np.full(size, np.nan), ["none"] * size
    told = ""
    for name in [method, *[m for m in CHAIN if m != method]]:
        left = [k for k in range(size) if used[k] == "none"]
        if not left:
            break
        found, errors, reason = _METHODS[name](task, directions)
        for k in left:
            if not reason[k]:
                value[k], error[k], used[k] = found[k], errors[k], name
        if name == method:
            told = "; ".join([f"{names[k]}: {reason[k]}" for k in left if reason[k]][:5])
    if told:
        instead = sorted({u if u != "none" else "nothing" for u in used if u != method})
        warn(
            f"The effective sample size by {method!r} is not defined for every quantity ({told}): "
            f"{', '.join(instead)} took its place, see the variable 'method'.",
            UnreliableWarning,
        )
    return value, error, used


def _directions(task: _Task) -> Floats:
    """Return Cov(u, h) under the prior, (quantity, coordinate), 0 where noise may have made it.

    Otherwise the noise of coordinates of which little is known would swamp a quantity of which
    much is known.
    """
    w, u = task.law.weights, task.path.prior.u
    h = np.where((w > 0)[:, None], task.h, 0.0)
    h, u = h - w @ h, u - w @ u
    v = (w[:, None] * h).T @ u
    second = (w[:, None] * h**2).T @ u**2
    noise = np.sqrt(np.maximum(second - v**2, 0) / task.law.effective)
    return np.where(np.abs(v) > CERTAIN * noise, v, 0.0)


def _scale(task: _Task) -> Floats:
    w, u = task.law.weights, task.path.prior.u
    sd = np.sqrt(w @ (u - w @ u) ** 2)
    return np.where(sd > 0, sd, 1.0)


def _both(task: _Task, v: Floats) -> tuple[Floats, Floats]:
    """Return the prior's and a row's information along directions, each (quantity, draw)."""
    scale = _scale(task)
    prior = curvature(task.engine_grad, task.u, v, scale)
    row = task.rows.along(v, scale, task.which)
    return np.einsum("kpd,kd->kp", prior, v), np.einsum("kpd,kd->kp", row, v)


def _elir(task: _Task, v: Floats) -> tuple[Floats, Floats, list[str]]:
    prior, row = _both(task, v)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = prior / row
        value, error = ratio.mean(axis=1), task.error(ratio)
        largest = _largest(ratio)
    reason = []
    for k in range(len(v)):
        if not (row[k].mean() > 0 and np.isfinite(value[k])):
            reason.append("rows say nothing about it at some draws")
        elif not value[k] > 0:
            reason.append(f"it is {value[k]:.3g}")
        elif largest[k] > HEAVY or error[k] > LOOSE * value[k]:
            reason.append(RAGGED)
        else:
            reason.append("")
    return value, error, reason


def _information(task: _Task, v: Floats) -> tuple[Floats, Floats, list[str]]:
    prior, row = _both(task, v)
    top, bottom = prior.mean(axis=1), row.mean(axis=1)
    good = (top > 0) & (bottom > 0)
    value = np.divide(top, bottom, out=np.full(len(v), np.nan), where=good)
    scores = (prior - value[:, None] * row) / np.where(good, bottom, np.nan)[:, None]
    error = task.error(scores)
    heavy = np.maximum(_largest(prior), _largest(row)) > HEAVY
    reason = []
    for k in range(len(v)):
        if not good[k]:
            reason.append("the information of rows, or of the prior, is not above 0")
        else:
            reason.append(RAGGED if heavy[k] or error[k] > LOOSE * value[k] else "")
    return value, error, reason


def _largest(terms: Floats) -> Floats:
    """Return the largest share of a draw in a mean over draws."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(terms).max(axis=1) / np.abs(terms).sum(axis=1)


def _moment(task: _Task, v: Floats) -> tuple[Floats, Floats, list[str]]:
    """Return the expected variance of an estimate from one row, over the prior's variance."""
    scale, size = _scale(task), task.rows.u.shape[1]
    full = np.moveaxis(task.rows.along(np.eye(size), scale, task.which), 0, 1)
    gradient = _gradients(task, scale)
    scaled = full * scale[:, None] * scale
    told = np.abs(scaled).mean(axis=0).diagonal() > UNINFORMED
    silent = np.abs(gradient * scale)[..., ~told].max(axis=(1, 2), initial=0.0) > 1e-6
    inner = np.linalg.pinv(scaled[:, told][:, :, told], rcond=UNINFORMED, hermitian=True)
    part = (gradient * scale)[..., told]
    one = np.einsum("kpi,pij,kpj->kp", part, inner, part)
    w = task.law.weights
    centre = w @ np.where(w[:, None] > 0, task.h, 0.0)
    away = (task.h[task.index] - centre).T ** 2
    variance = away.mean(axis=1)
    value = one.mean(axis=1) / variance
    error = task.error((one - value[:, None] * away) / variance[:, None])
    reason = []
    for k in range(len(v)):
        if silent[k]:
            reason.append(
                "it depends on what rows say nothing about, so no number of them fixes it"
            )
        elif not value[k] > 0 or error[k] > LOOSE * value[k] or _largest(one)[k] > HEAVY:
            reason.append(RAGGED)
        else:
            reason.append("")
    return value, error, reason


def _gradients(task: _Task, scale: Floats) -> Floats:
    """Return the gradients of the quantities at the draws, (quantity, draw, coordinate)."""
    u = task.u
    out = np.empty((task.h.shape[1], *u.shape))
    for j, step in enumerate(1e-4 * scale):
        move = np.zeros(u.shape[1])
        move[j] = step
        up, down = (_values(_dataset(task, u + s * move), task.quantities)[1] for s in (1, -1))
        out[..., j] = (up - down).T / (2 * step)
    return out


def _dataset(task: _Task, u: Floats) -> xr.Dataset:
    """Return the model's variables at points."""
    values = {k: x[None] for k, x in task.rows.engine.expand(u).values.items()}
    fit: Any = SimpleNamespace(run=SimpleNamespace(values=values))
    return to_dataset(task.rows.engine, [fit])


def _morita(task: _Task, v: Floats) -> tuple[Floats, Floats, list[str]]:
    """Compare curvatures at the prior's mean, less those of a prior flattened to a normal."""
    w, u, scale = task.law.weights, task.path.prior.u, _scale(task)
    mean = w @ u
    copies = np.repeat(mean[None], 50, axis=0)
    rows = RowInformation(task.path, copies, _dataset(task, copies), 0)
    one = np.einsum("kpd,kd->k", rows.along(v, scale, slice(None)), v) / len(copies)
    prior = np.einsum("kpd,kd->k", curvature(task.engine_grad, mean[None], v, scale), v)
    centred = (u - mean) / scale
    covariance = (w[:, None] * centred).T @ centred
    flat = np.einsum("kd,kd->k", v / scale, np.linalg.lstsq(covariance, (v / scale).T)[0].T)
    good = (one > 0) & (prior > flat / task.vague)
    value = np.divide(prior - flat / task.vague, one, out=np.full(len(v), np.nan), where=good)
    text = "the curvature of the prior, or of a row, at the prior's mean is not above 0"
    return value, np.full(len(v), np.nan), ["" if g else text for g in good]


_METHODS = {"elir": _elir, "information": _information, "moment": _moment, "morita": _morita}
