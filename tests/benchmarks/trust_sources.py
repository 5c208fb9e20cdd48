"""Three sources of answers, of which one agrees with the truth, one is off and one far off.

In each simulated world a linear regression with known residual sd has real rows, and each source as
many answers with coefficients of its own. The weights' joint posterior is that of a path, sampled
as any other; the law is Gaussian, so the exact one is a sum over a grid of all three weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm

import foundation_priors as fp
from foundation_priors.path.trust_path import climb
from foundation_priors.prior.tilt import build
from foundation_priors.trust.fit import trust_posterior
from foundation_priors.trust.placebo import _with_rows

__all__ = ["OFF", "World", "compare", "in_order", "worlds"]

type Array = np.ndarray

OFF = {"right": 0.0, "off": 0.6, "far off": 1.75}
"""Distance of each source's coefficients from the true ones, in residual sds."""
MIDDLE = (0.2, 0.3, 0.4, 0.5, 0.6)
"""Distances of the source in the middle at which the exact posterior is looked at."""
ROWS, ANSWERS = 400, 150
TRUE = np.array([0.5, 1.0, -0.5])
PRIOR_SD = 2.5
CELLS = 50
"""Of the grid along each weight, evenly in its cube root."""
NAMES = ["one", "x1", "x2"]
ANCHORS = 24
REFITTED = 2
"""In how many worlds a source left out is compared with a path that never saw it."""


@dataclass(frozen=True)
class World:
    """Real rows ``x`` and ``y``, and those of each source."""

    x: Array
    y: Array
    said: dict[str, tuple[Array, Array]]

    def model(self) -> pm.Model:
        """Return the regression of the real rows."""
        with pm.Model(coords={"term": NAMES}) as model:
            x = pm.Data("x", self.x, dims=("row", "term"))
            real = pm.Data("real", self.y, dims="row")
            beta = pm.Normal("beta", 0, PRIOR_SD, dims="term")
            pm.Normal("y", x @ beta, 1.0, observed=real, dims="row")
        return model

    def answers(self, without: str | None = None) -> fp.SyntheticData:
        """Return the answers with weight 1."""
        frames = [
            pd.DataFrame(x, columns=NAMES).assign(y=y, source=name)
            for name, (x, y) in self.said.items()
            if name != without
        ]
        frame = pd.concat(frames, ignore_index=True)
        return fp.SyntheticData.from_dataframe(frame, outcome="y", source="source", weight=1)

    def log_evidence(self, weights: Array) -> Array:
        """Return it at weights of shape (point, source), up to a constant, in closed form."""
        moments = [(x.T @ x, x.T @ y) for x, y in self.said.values()]
        precision = np.eye(3) / PRIOR_SD**2 + np.einsum(
            "ps,sij->pij", weights, [m[0] for m in moments]
        )
        linear = weights @ np.array([m[1] for m in moments])
        after = precision + self.x.T @ self.x, linear + self.x.T @ self.y
        return _log_z(*after) - _log_z(precision, linear)

    def exact(self, caps: Array | None = None) -> Array:
        """Return the weights' means where they are uniform, or with caps where "cautious" holds."""
        u = (np.arange(CELLS) + 0.5) / CELLS
        cube = np.stack(np.meshgrid(u, u, u, indexing="ij"), -1).reshape(-1, 3)
        if caps is None:
            weights = cube**3
            log_p = self.log_evidence(weights) + 2 * np.log(cube).sum(axis=1)
        else:
            weights = caps * _shared_out(cube, 1 / caps)
            log_p = self.log_evidence(weights)
        p = np.exp(log_p - log_p.max())
        return p @ weights / p.sum()


def _shared_out(cube: Array, room: Array) -> Array:
    """Return uniform totals with uniform shares, where a full source leaves the rest to others."""
    first = 1 - np.sqrt(1 - cube[:, 1])
    shares = np.stack([first, (1 - first) * cube[:, 2], (1 - first) * (1 - cube[:, 2])], axis=1)
    total = min(1.0, room.sum()) * cube[:, :1]
    out = total * shares
    for _ in room:
        out = np.minimum(out, room)
        open_ = np.where(out < room, shares, 0)
        out += (total - out.sum(axis=1, keepdims=True)) * open_ / open_.sum(axis=1, keepdims=True)
    return np.minimum(out, room)


def _log_z(precision: Array, linear: Array) -> Array:
    solved = np.linalg.solve(precision, linear[..., None])[..., 0]
    return (linear * solved).sum(axis=1) / 2 - np.linalg.slogdet(precision)[1] / 2


def worlds(count: int, middle: float = OFF["off"], seed: int = 1) -> Iterator[World]:
    """Yield simulated worlds; each source is off in a direction of its own."""
    for stream in np.random.SeedSequence(seed).spawn(count):
        rng = np.random.default_rng(stream)
        x, y = _rows(rng, ROWS, TRUE)
        said = {}
        for name, distance in {**OFF, "off": middle}.items():
            direction = rng.normal(size=3)
            coefficients = TRUE + distance * direction / np.linalg.norm(direction)
            said[name] = _rows(rng, ANSWERS, coefficients)
        yield World(x, y, said)


def _rows(rng: np.random.Generator, count: int, coefficients: Array) -> tuple[Array, Array]:
    x = np.column_stack([np.ones(count), rng.normal(size=(count, 2))])
    return x, x @ coefficients + rng.normal(size=count)


class Paths:
    """Makes the paths of worlds, all from the model that is compiled for the first."""

    def __init__(self) -> None:
        self.first: fp.TrustPath | None = None

    def make(self, world: World, seed: int, without: str | None = None) -> fp.TrustPath:
        """Return the path of a world, or of all its sources but one."""
        model, answers = world.model(), world.answers(without)
        if self.first is None:
            options = {"by": "source", "columns": {"x": NAMES}}
            self.first = fp.trust_path(
                model,
                answers,
                max_anchors=ANCHORS,
                random_seed=seed,
                progressbar=False,
                **options,
            )
            return self.first
        recipe, compiled = self.first.recipe, self.first.engine
        assert recipe is not None and compiled is not None
        engine = _with_rows(compiled, build(model, answers, alone=True, **recipe.options))
        assert "compiled" in engine.__dict__
        engine.__dict__["compiled"] = engine.compiled.with_data(x=world.x, real=world.y)
        return climb(recipe, engine, answers, seed, False)


def compare(count: int = 100) -> dict[str, Any]:
    """Return how often the weights are in the right order, and how exact their means are."""
    means: dict[str, list[tuple[Array, Array, Array]]] = {"uniform": [], "cautious": []}
    flagged, refits = 0, []
    whole, parts = Paths(), Paths()
    for number, world in enumerate(worlds(count)):
        path = whole.make(world, number)
        order = [path.sources.index(name) for name in OFF]
        caps = path.facts.n_real / np.array(path.facts.worth)[order]
        for prior, limit in (("uniform", None), ("cautious", caps)):
            found = path.trust_posterior(prior)
            mean, error = found.mean.values[order], found.mcse["mean"].values[order]
            means[prior].append((mean, world.exact(limit), error))
            flagged += bool(found.checked[1].any())
        if number < REFITTED:
            refits.append(_left_out(world, path, parts))
        last = [np.round(m[-1][0], 3).tolist() for m in means.values()]
        print(
            f"  world {number}: {last}, {len(path.posterior.fits)} + {len(path.prior.fits)} fits",
            flush=True,
        )
    return {
        "title": f"regression of {ROWS} rows, {ANSWERS} answers of each source",
        "worlds": count,
        "flagged": flagged,
        "by_conflict": {f"{middle:g}": in_order(count, middle) for middle in MIDDLE},
        "rules": {prior: _verdict(*np.swapaxes(found, 0, 1)) for prior, found in means.items()},
        "left_out": dict(
            zip(("mean", "sd", "z"), (_digits(v) for v in np.max(refits, axis=0)), strict=True)
        ),
    }


def in_order(count: int, middle: float) -> int:
    """Return in how many worlds the exact posterior under uniform weights orders the sources."""
    means = np.array([world.exact() for world in worlds(count, middle)])
    return int((np.diff(means) < 0).all(axis=1).sum())


def _verdict(mean: Array, exact: Array, error: Array) -> dict[str, Any]:
    """Summarise means of the weights, their exact values and errors, each (world, source)."""
    z = (mean - exact) / error
    return {
        "right": int((np.diff(mean) < 0).all(axis=1).sum()),
        "right_exactly": int((np.diff(exact) < 0).all(axis=1).sum()),
        "mean": dict(zip(OFF, map(_digits, mean.mean(axis=0)), strict=True)),
        "gap": _digits(np.abs(mean - exact).max()),
        "z": _digits(np.abs(z).max()),
        "z_rms": _digits(np.sqrt(np.mean(z**2))),
    }


def _digits(value: float) -> float:
    return float(f"{value:.3g}")


def _left_out(world: World, path: fp.TrustPath, parts: Paths) -> tuple[float, float, float]:
    """Compare what is left without each source with a path of the others alone.

    Returns the largest differences of the coefficients' means, in sds and in Monte Carlo errors
    (the third), and of their sds, as a share.
    """
    kept = fp.trust.leave_one_source_out(path, "beta", "uniform")
    mean, sd, z = [], [], []
    for name in path.sources:
        own = kept.sel(left_out=name)
        refit = parts.make(world, 1000, without=name)
        other, spread = refit.mean("beta", "uniform"), refit.sd("beta", "uniform")
        rule = trust_posterior(path, "uniform", without=(name,))
        error = np.hypot(path.mcse("beta", rule), refit.mcse("beta", "uniform")).values
        gap = np.abs(own["mean"].values - other.values)
        mean.append((gap / spread.values).max())
        sd.append(np.abs(own["sd"].values / spread.values - 1).max())
        z.append((gap / error).max())
    return max(mean), max(sd), max(z)
