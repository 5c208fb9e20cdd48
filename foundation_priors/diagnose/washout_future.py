"""A quantity's share of information once real rows are repeated: reweighted draws, or refits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foundation_priors.diagnose.components import REAL, components, compute
from foundation_priors.diagnose.washout_core import batch_groups, shares_of
from foundation_priors.path.draws import Quantity, evaluate, to_dataset
from foundation_priors.path.fits import R_HAT, Settings, Task, run_tasks
from foundation_priors.path.mixture import _pareto_k, pareto_k_limit

if TYPE_CHECKING:
    from foundation_priors.path import TrustPath

__all__ = ["Future", "Seen", "first_lasting"]

type Floats = NDArray[np.float64]

GROUPS, ESS = 8, 400
"""Parts of a jackknife, and the effective draws from which reweighted ones serve."""
DRAWS, TUNE = 1000, 500
FIRST, DOUBLINGS, HALVINGS = 0.25, 13, 4
"""Where a search begins, in multiples of the present rows, and its steps."""


@dataclass(frozen=True)
class Seen:
    """A share, its standard error, and whether chains agree about where the posterior is."""

    share: float
    error: float
    agree: bool = True


class Sample(NamedTuple):
    """Weighted draws, quantities of them, their gradients, and groups for a jackknife."""

    w: Floats
    h: Floats
    u: Floats
    grads: list[Floats]
    times: list[float]
    said: list[int]
    groups: NDArray[np.intp]
    agree: bool


class Future:
    """Shares of a quantity's information from the answers when each real row counts more.

    Parameters
    ----------
    path : TrustPath
    point : array, shape (source,)
    quantity : str or callable
    said : list of str
        The sources whose share it is.
    seed : int or None
    """

    def __init__(
        self, path: TrustPath, point: Floats, quantity: Quantity, said: list[str], seed: Any
    ) -> None:
        self.path, self.point, self.quantity, self.said = path, point, quantity, said
        self.seeds = np.random.SeedSequence(seed).spawn(1)[0]
        self.weights = dict(zip(path.sources, point, strict=True))
        self.known: dict[tuple[int, float], Seen | None] = {}
        self.fits: dict[float, Any] = {}

    def share(self, column: int, kappa: float) -> Seen | None:
        """Return the share with 1 + kappa times the real rows; None where it cannot be known."""
        key = column, kappa
        if key not in self.known:
            found = self._reweighted(kappa)
            found = self._refitted(kappa) if found is None else found
            self.known[key] = None if found is None else _seen(found, column)
        return self.known[key]

    def _grads(self, parts: Any, kappa: float) -> tuple[list[Floats], list[float], list[int]]:
        weights = self.weights | {REAL: 1 + kappa}
        times = [float(weights.get(name, 1.0)) for name in parts]
        grads = [grad for _, grad in parts.values()]
        return grads, times, [list(parts).index(name) for name in self.said]

    def _reweighted(self, kappa: float) -> Sample | None:
        path, mixture = self.path, self.path.posterior.mixture
        parts = components(path)
        value = parts[REAL][0]
        log = mixture.log_weights(self.point[None])[0]
        finite = np.isfinite(value) & np.isfinite(log)
        log = np.where(finite, log + kappa * np.where(finite, value, 0.0), -np.inf)
        w = np.exp(log - log[finite].max())
        w = w / w.sum()
        if 1 / (w**2 / mixture.worst_share).sum() < ESS:
            return None
        if _pareto_k(log[w > 0], w[w > 0]) > pareto_k_limit(len(w)):
            return None
        h = evaluate(path.draws, self.quantity).values.reshape(len(w), -1)
        groups = batch_groups(mixture.batches, len(w), GROUPS)
        return Sample(w, h, path.posterior.u, *self._grads(parts, kappa), groups, True)

    @property
    def _settings(self) -> Settings:
        """How to sample: as the path was, and tuned for longer."""
        recipe = self.path.recipe
        return replace(Settings() if recipe is None else recipe.plan.settings, tune=TUNE)

    def _refitted(self, kappa: float) -> Sample | None:
        engine = self.path.engine
        if engine is None:
            return None
        if kappa not in self.fits:
            posterior = self.path.posterior
            rng = np.random.default_rng(self.seeds)
            near, far = (
                posterior.u[rng.choice(len(posterior.u), 200, p=p)]
                for p in posterior.mixture.weights(np.stack([self.point, 0 * self.point]))
            )
            seed = int(rng.integers(2**31))
            task = Task(tuple(self.point), 1 + kappa, DRAWS, seed, near, far)
            fit = run_tasks(engine, [task], self._settings, None, lambda: None)[0]
            u = fit.run.u.reshape(fit.draws, -1)
            self.fits[kappa] = fit, u, compute(engine, u)
        fit, u, parts = self.fits[kappa]
        h = evaluate(to_dataset(engine, [fit]), self.quantity).values.reshape(len(u), -1)
        groups = np.arange(len(u)) * GROUPS // len(u)
        w = np.full(len(u), 1 / len(u))
        return Sample(w, h, u, *self._grads(parts, kappa), groups, fit.r_hat <= R_HAT)


def _seen(found: Sample, column: int) -> Seen:
    x = found.h[:, column].astype(float)
    without = np.arange(GROUPS)[:, None] != found.groups
    w = np.concatenate([found.w[None], found.w * without])
    share, *each = shares_of(w, x, found.u, found.grads, found.said, found.times).tolist()
    error = np.sqrt((GROUPS - 1) * np.var(each))
    return Seen(share, float(error), found.agree)


def first_lasting(
    share: Callable[[float], Seen | None], target: float
) -> tuple[float, float, tuple[float, float], str]:
    """Return the smallest multiple of the rows from which on a share stays below a target.

    Returns
    -------
    kappa, error : float
        Infinite where it stays above.
    ends : tuple of float
        Multiples between which it lies for certain.
    reason : str
        Why it is not to be relied on, empty where it is.
    """
    above, below, run = 0.0, np.inf, 0
    for kappa in FIRST * 2.0 ** np.arange(DOUBLINGS):
        seen = share(kappa)
        if seen is None:
            return np.nan, np.nan, (0.0, np.inf), "the path's draws do not reach so many rows"
        if seen.share > target:
            above, below, run = kappa, np.inf, 0
        else:
            below, run = min(below, kappa), run + 1
        if run == 3:
            break
    if not np.isfinite(below):
        return np.inf, 0.0, (np.inf, np.inf), ""
    now = share(0.0)
    if not above and now is not None and now.share <= target:
        return 0.0, 0.0, (0.0, 0.0), ""
    for _ in range(HALVINGS):
        middle = np.sqrt(above * below) if above else below / 2
        seen = share(float(middle))
        if seen is None:
            break
        above, below = (middle, below) if seen.share > target else (above, middle)
    ends = [share(float(k)) for k in (above, below)]
    if ends[0] is None or ends[1] is None:
        return np.nan, np.nan, (above, below), "the path's draws do not reach so many rows"
    high, low = ends[0].share, ends[1].share
    part = (high - target) / (high - low) if high > low else 0.5
    if low > 0:  # for Gaussians one over the share is linear in the rows
        part = (1 / target - 1 / high) / (1 / low - 1 / high) if high > low else 0.5
    kappa = above + float(np.clip(part, 0, 1)) * (below - above)
    slope = max(high - low, 1e-12) / (below - above)
    error = min(max(ends[0].error, ends[1].error) / slope, below - above)
    agree = ends[0].agree and ends[1].agree
    return (
        kappa,
        error,
        (above, below),
        "" if agree else "chains disagree about the posterior there",
    )
