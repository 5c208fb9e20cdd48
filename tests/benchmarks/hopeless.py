"""Cases that a path should not be able to serve: what it flags, and whether the rest is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
from scipy import stats

import foundation_priors as fp
from tests.benchmarks.cases import Case

__all__ = ["HOPELESS", "Hopeless", "by_quadrature", "judge"]

type Array = np.ndarray
type Moments = Callable[[Array], tuple[Array, Array]]


@dataclass(frozen=True)
class Hopeless:
    """A case, the variable to look at, and its exact means and sds at weights.

    ``exact`` maps weights to arrays of shape (weight, quantity); ``evidence`` to the log evidence
    less that at 0.
    """

    case: Case
    quantity: str
    exact: Moments
    evidence: Callable[[Array], Array]


def judge(hopeless: Hopeless, path: fp.TrustPath) -> dict[str, Any]:
    """Count flagged weights, and measure how far off flagged and other weights are."""
    at = path.trust
    mean, sd = hopeless.exact(at)
    shape = mean.shape
    own = path.mean(hopeless.quantity)
    ok = own.reliable.values
    gap = (own.values.reshape(shape) - mean) / sd
    spread = path.sd(hopeless.quantity).values.reshape(shape) / sd - 1
    errors = {k: path.mcse(hopeless.quantity, kind=k).values.reshape(shape) for k in ("mean", "sd")}
    both = np.stack([gap * sd / errors["mean"], spread * sd / errors["sd"]])
    z = np.abs(both).max(axis=0)
    evidence = path.log_evidence()
    off = np.abs(evidence.values - hopeless.evidence(at))
    sure = evidence.reliable.values
    return {
        "title": hopeless.case.title,
        "flagged": int((~ok).sum()),
        "evidence_flagged": int((~sure).sum()),
        "unflagged": {
            "mean": _most(np.abs(gap), ok),
            "sd": _most(np.abs(spread), ok),
            "z": _most(z, ok),
            "z_rms": _root_mean_square(both, ok),
            "comparisons": int(both[:, ok].size),
            "error_mean": _most(errors["mean"] / sd, ok),
            "error_sd": _most(errors["sd"] / sd, ok),
            "evidence": _most(off, sure),
        },
        "flagged_off": {"mean": _most(np.abs(gap), ~ok), "evidence": _most(off, ~sure)},
    }


def _most(values: Array, where: Array) -> float | None:
    return float(f"{np.nanmax(values[where]):.3g}") if where.any() else None


def _root_mean_square(values: Array, where: Array) -> float | None:
    return float(f"{np.sqrt(np.mean(values[:, where] ** 2)):.3g}") if where.any() else None


def conflict(anchors: int = 4) -> Hopeless:
    """Fifty means that real data and answers put 20 posterior sds apart, and few anchors."""
    count, rows, rng = 50, 20, np.random.default_rng(0)
    real = rng.normal(0, 1, (count, rows))
    said = rng.normal(20 / np.sqrt(rows + 1), 1, (count, rows))
    of = np.repeat(np.arange(count), rows)
    with pm.Model(coords={"group": range(count)}) as model:
        group = pm.Data("of", of, dims="row")
        mu = pm.Normal("mu", 0, 1, dims="group")
        pm.Normal("y", mu[group], 1, observed=real.ravel(), dims="row")
    frame = pd.DataFrame({"y": said.ravel(), "of": of})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", source="simulated", weight=1)
    known = fp.conjugate.NormalRegression.from_data(
        np.eye(count)[of], real.ravel(), np.eye(count)[of], said.ravel(),
        prior_mean=np.zeros(count), prior_cov=1.0, sigma=1.0,
    )  # fmt: skip
    title = f"50 means, 20 sds of conflict each, {anchors} anchors"
    return Hopeless(
        Case(title, model, llm, {"max_anchors": anchors}),
        "mu",
        lambda t: (known.mean("beta", t).values, known.sd("beta", t).values),
        lambda t: np.asarray(known.log_evidence(t)),
    )


def torn() -> Hopeless:
    """A location under heavy tails: the answers lie 20 scales from the real rows."""
    real, said = np.linspace(-10.5, -9.5, 5), np.linspace(9.5, 10.5, 5)
    with pm.Model() as model:
        theta = pm.Normal("theta", 0, 10)
        pm.StudentT("y", nu=2, mu=theta, sigma=1, observed=real)
    grid = np.linspace(-40, 40, 40_001)
    logp = [stats.t.logpdf(y[:, None] - grid, 2).sum(axis=0) for y in (real, said)]
    prior = stats.norm.logpdf(grid, 0, 10)
    title = "location with heavy tails, two modes"
    return by_quadrature(title, model, {"y": said}, grid, prior, [(logp[0], logp[1])])


def folded(count: int = 1, rows: int = 40) -> Hopeless:
    """Parameters of which the answers know the size but not the sign."""
    rng = np.random.default_rng(0)
    real = rng.normal(0.4, 3, (count, 20))
    said = rng.normal(4, 1, (count, rows))
    with pm.Model(coords={"parameter": range(count)}) as model:
        theta = pm.Normal("theta", 0, 2, dims="parameter")
        square = pm.Data("square", np.zeros(real.size), dims="row")
        of = pm.Data("of", np.repeat(np.arange(count), 20), dims="row")
        mu = square * theta[of] ** 2 + (1 - square) * theta[of]
        pm.Normal("y", mu, 1 + 2 * (1 - square), observed=real.ravel(), dims="row")
    grid = np.linspace(-12, 12, 20_001)
    terms = [
        (
            stats.norm.logpdf(a[:, None], grid, 3).sum(axis=0),
            stats.norm.logpdf(b[:, None], grid**2, 1).sum(axis=0),
        )
        for a, b in zip(real, said, strict=True)
    ]
    columns = {"y": said.ravel(), "square": np.ones(said.size)}
    columns["of"] = np.repeat(np.arange(count), rows)
    title = f"{count} parameters, sizes known, signs not" if count > 1 else "size known, sign not"
    return by_quadrature(title, model, columns, grid, stats.norm.logpdf(grid, 0, 2), terms)


def by_quadrature(
    title: str,
    model: pm.Model,
    columns: Mapping[str, Array],
    grid: Array,
    prior: Array,
    terms: Sequence[tuple[Array, Array]],
) -> Hopeless:
    """Return a case of independent parameters ``theta``, with their moments by quadrature.

    ``columns`` are those of the answers, of which ``y`` is the outcome. ``terms`` are
    the real and the synthetic log-likelihood of each over the grid.
    """
    frame = pd.DataFrame(dict(columns))
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", source="simulated", weight=1)

    def exact(weights: Array) -> tuple[Array, Array]:
        p = [[_normal(prior + real + t * said) for real, said in terms] for t in weights]
        mean, second = np.array(p) @ grid, np.array(p) @ grid**2
        return mean, np.sqrt(second - mean**2)

    def evidence(weights: Array) -> Array:
        return sum(_evidence(prior, real, said, weights) for real, said in terms)

    return Hopeless(Case(title, model, llm), "theta", exact, evidence)


def _evidence(prior: Array, real: Array, said: Array, weights: Array) -> Array:
    gain = [_log_sum(prior + real + t * said) - _log_sum(prior + t * said) for t in weights]
    return np.array(gain) - _log_sum(prior + real) + _log_sum(prior)


def _log_sum(logp: Array) -> float:
    top = logp.max()
    return float(top + np.log(np.exp(logp - top).sum()))


def _normal(logp: Array) -> Array:
    return np.exp(logp - _log_sum(logp))


HOPELESS: dict[str, Callable[[], Hopeless]] = {
    "conflict": conflict,
    "torn": torn,
    "folded": folded,
    "signs": partial(folded, 8),
}
