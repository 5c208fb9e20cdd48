"""How many real observations the answers are worth, from the information of both."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation_priors.errors import ModelError
from foundation_priors.path.believed import worth_of_beliefs
from foundation_priors.path.engine import Engine
from foundation_priors.prior.tilt import Tilted

__all__ = ["check_offsets", "worth_of_sources"]

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
    where either is singular. Of a vector with some informed elements only these count.

    A commensurate copy is integrated out in Gaussian approximation, with its spread where that is
    learned: offsets and spreads, at their conditional maximum, are removed by a Schur complement of
    the information with the prior. At a given spread s, answers with information K about the copy
    inform the original by :math:`(K^{-1} + s^2)^{-1}`. Private copies that stand between the
    answers and an informed parameter are integrated out too, and so are the variables through which
    the real data inform it; other private parameters of the prior alone are at their mean.

    Roots of determinants do not add up, so what several sources that inform the same parameters are
    worth together, from the sum of their informations, is apportioned among them by what each is
    worth alone: the total does not hang on how many labels the answers carry.
    """
    mean = weights @ u
    centred = u - mean
    covariance = (weights[:, None] * centred).T @ centred
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    zero = np.zeros(len(engine.tilted.sources))
    if engine.tilted.spoken is not None:
        every: Any = np.arange(len(mean))
        real = _hessian(engine, mean, zero, 0.0, scale, every)
        real = real - _hessian(engine, mean, zero, 1.0, scale, every)
        return worth_of_beliefs(engine, u, weights, engine.tilted.spoken.heard, real)
    out, parts = [], []
    for s, tie in enumerate(engine.tilted.ties):
        shared = _informed(engine, tie.shared)
        trust = np.eye(len(zero))[s]
        beside = _indices(engine, tie.beside)
        real = _information(engine, mean, (zero, 0.0), (zero, 1.0), scale, shared, beside)
        own = _indices(engine, (*_names(tie.links), *tie.hanging))
        at = _conditional(engine, mean, trust, (*tie.copies, *_names(tie.links)))
        said = _information(engine, at, (zero, 0.0), (trust, 0.0), scale, shared, own)
        inside = covariance[np.ix_(shared, shared)]
        out.append(_ratio(said, real, inside))
        parts.append((said, real, inside))
    alone = np.array(out)
    alike = len({(tie.shared, tie.beside) for tie in engine.tilted.ties}) == 1
    if len(alone) > 1 and alike and alone.sum() > 0:
        _, real, inside = parts[0]
        together = _ratio(np.sum([said for said, *_ in parts], axis=0), real, inside)
        alone *= together / alone.sum() if together > 0 else 1.0
    return engine.tilted.n_real * alone


def check_offsets(tilted: Tilted) -> None:
    """Raise where a commensurate copy is sampled itself, which fails where answers count little.

    Raises
    ------
    ModelError
    """
    for name, names in tilted.links.items():
        if not any(n.endswith("_offset") for n in names):
            raise ModelError(
                f"The link of {name!r} is centred, which suits one trust and no path, since at "
                "trust 0 nothing holds the copy: leave out centred=True."
            )


def _names(links: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(name for names in links.values() for name in names)


def _information(
    engine: Engine,
    u: Floats,
    before: tuple[Floats, float],
    after: tuple[Floats, float],
    scale: Floats,
    shared: Floats,
    others: Floats,
) -> Floats:
    """Return the information that weights of answers and real data add, others integrated out."""
    both = np.concatenate([shared, others])
    parts = [_hessian(engine, u, *weights, scale, both) for weights in (before, after)]
    low, high = (_marginal(-h, len(shared)) for h in parts)
    return high - low


def _marginal(matrix: Floats, shared: int) -> Floats:
    """Return the information about the first coordinates, the others integrated out."""
    across = matrix[:shared, shared:]
    if not across.size:
        return matrix
    return matrix[:shared, :shared] - across @ np.linalg.solve(matrix[shared:, shared:], across.T)


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


def _informed(engine: Engine, names: tuple[str, ...]) -> Floats:
    """Return the coordinates of informed variables, of some only the informed elements."""
    parts = engine.tilted.parts
    cuts = [_indices(engine, (n,))[list(parts[n][0]) if n in parts else slice(None)] for n in names]
    return np.concatenate(cuts) if cuts else np.empty(0, dtype=int)


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


def _conditional(engine: Engine, u: Floats, trust: Floats, own: tuple[str, ...]) -> Floats:
    """Return ``u`` with a source's own parameters where its answers like them best."""
    from scipy.optimize import minimize

    if not own:
        return u
    index = _indices(engine, own)

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
