"""How many real observations the answers are worth, from the information of both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foundation_priors.path.engine import Engine

__all__ = ["worth_of_sources"]

type Floats = NDArray[np.float64]

SINGULAR = 1e-8


def worth_of_sources(engine: Engine, u: Floats, weights: Floats) -> Floats:
    r"""Return the effective real observations of each source at trust 1, shape (source,).

    Parameters
    ----------
    engine : Engine
    u, weights : array
        Draws from the posterior at trust 0 with their normalised weights.

    Notes
    -----
    :math:`n_{real} (\det I_s / \det I_r)^{1/d}` with the information :math:`I = -\nabla^2` of the
    answers' and of the real log-likelihood about the d parameters that both inform, in
    unconstrained coordinates at the posterior mean at trust 0, private parameters at their
    conditional maximum; :math:`n_{real}\, tr(V I_s) / tr(V I_r)` with the posterior covariance V
    where either is singular.
    """
    mean = weights @ u
    centred = u - mean
    covariance = (weights[:, None] * centred).T @ centred
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    shared = _indices(engine, engine.tilted.shared)
    zero = np.zeros(len(engine.tilted.sources))
    base = _hessian(engine, mean, zero, 0.0, scale, shared)
    real = base - _hessian(engine, mean, zero, 1.0, scale, shared)
    out = []
    for s in range(len(zero)):
        trust = np.eye(len(zero))[s]
        at = _conditional(engine, mean, trust, s)
        before = _hessian(engine, at, zero, 0.0, scale, shared)
        said = before - _hessian(engine, at, trust, 0.0, scale, shared)
        out.append(_ratio(said, real, covariance[np.ix_(shared, shared)]))
    return engine.tilted.n_real * np.array(out)


def _ratio(said: Floats, real: Floats, covariance: Floats) -> float:
    d = np.sqrt(np.diag(covariance))
    scaled = [d[:, None] * m * d for m in (said, real)]
    if all(_regular(m) for m in scaled):
        (_, top), (_, bottom) = (np.linalg.slogdet(m) for m in scaled)
        return float(np.exp((top - bottom) / len(d)))
    top, bottom = (float(np.sum(covariance * m)) for m in (said, real))
    return max(top, 0.0) / bottom if bottom > 0 else np.nan


def _regular(matrix: Floats) -> bool:
    if not np.isfinite(matrix).all():
        return False
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    return bool(values[0] > SINGULAR * values[-1] > 0)


def _indices(engine: Engine, names: tuple[str, ...]) -> Floats:
    where = engine.coordinates
    parts = [np.arange(where[n].start, where[n].stop) for n in names]
    return np.concatenate(parts) if parts else np.empty(0, dtype=int)


def _hessian(
    engine: Engine, u: Floats, trust: Floats, real: float, scale: Floats, index: Floats
) -> Floats:
    """Return the Hessian of the log density among some coordinates, by central differences."""
    step = 1e-3 * scale[index]
    moves = np.zeros((len(index), len(u)))
    moves[np.arange(len(index)), index] = step
    both = np.concatenate([u + moves, u - moves])
    _, grad = engine.value_grad(both, trust, real)
    up, down = grad[: len(index), index], grad[len(index) :, index]
    return (up - down) / (2 * step[:, None])


def _conditional(engine: Engine, u: Floats, trust: Floats, source: int) -> Floats:
    """Return ``u`` with the private parameters of a source where its answers like them best."""
    from scipy.optimize import minimize

    copies = [names[source] for names in engine.tilted.private.values()]
    if not copies:
        return u
    index = _indices(engine, tuple(copies))

    def loss(x: Floats) -> tuple[float, Floats]:
        at = u.copy()
        at[index] = x
        value, grad = engine.value_grad(at[None], trust, 0.0)
        if not np.isfinite(value[0]):
            return 1e12, np.zeros(len(index))
        return -value[0], -grad[0, index]

    found = minimize(loss, u[index], jac=True, method="BFGS")
    at = u.copy()
    at[index] = found.x
    return at
