"""Tables and texts of a path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from foundation_priors.display import titled, titled_html
from foundation_priors.errors import check_probability
from foundation_priors.path.draws import elements
from foundation_priors.path.facts import LAWS
from foundation_priors.path.points import Trust

if TYPE_CHECKING:
    from foundation_priors.path.ladder import Ladder
    from foundation_priors.path.result import TrustPath

__all__ = ["diagnostics", "html", "summary", "text"]


def diagnostics(path: TrustPath, trust: Trust) -> xr.Dataset:
    """Return the checks; see `TrustPath.diagnostics`."""
    points = path.points(trust)
    checks, prior, error, bad = path._evidence(points.array)
    by_trust = {
        "ess": checks.ess,
        "pareto_k": checks.pareto_k,
        "mcse_mean": checks.errors[0],
        "mcse_sd": checks.errors[1],
        "mcse_log_normalizer": prior.mcse_log_z,
        "mcse_log_evidence": error,
        "effective_observations": points.array @ np.array(path.facts.worth),
        "reliable": ~checks.weights_fail,
        "evidence_reliable": ~bad,
    }
    out = xr.Dataset({name: points.wrap(value) for name, value in by_trust.items()})
    return (
        out.merge(_anchors(path), compat="no_conflicts")
        .assign(_cost(path))
        .assign_attrs(
            pareto_k_limit=checks.pareto_k_limit,
            ess_floor=1000.0,
            coinciding_rows=path.facts.coincide,
        )
    )


def _cost(path: TrustPath) -> dict[str, Any]:
    """Return what each stage of the building took, or nothing where a file does not tell."""
    if not path.facts.cost:
        return {}
    spent = zip(*path.facts.cost.values(), strict=True)
    names = ("stage_seconds", "stage_gradients", "stage_fits")
    columns: dict[str, Any] = {n: ("stage", list(v)) for n, v in zip(names, spent, strict=True)}
    return columns | {"stage": list(path.facts.cost)}


def _anchors(path: TrustPath) -> xr.Dataset:
    parts = []
    for name, ladder in (("posterior", path.posterior), ("prior", path.prior)):
        fits = [*ladder.fits, *ladder.pilots]
        kinds = ["independent" if f.known else "sampled" for f in ladder.fits]
        none = np.full(len(ladder.pilots), np.nan)
        columns = {
            "ladder": [name] * len(fits),
            "kind": kinds + ["pilot"] * len(ladder.pilots),
            "draws": [f.draws for f in fits],
            "r_hat": [f.r_hat for f in fits],
            "ess_bulk": [f.ess_min for f in fits],
            "divergences": [f.run.divergences for f in fits],
            "gradients": [f.run.gradients for f in fits],
            "seconds": [f.run.seconds for f in fits],
            "linked": [*ladder.linked, *(True for _ in ladder.pilots)],
            "leave_one_out": np.concatenate([ladder.leave_one_out, none]),
            "surprise": np.concatenate([np.full(len(ladder.fits), np.nan), ladder.surprise]),
        }
        data: dict[str, Any] = {k: ("anchor", np.asarray(v)) for k, v in columns.items()}
        data["anchor_trust"] = ("anchor", "source"), np.array([f.trust for f in fits])
        parts.append(xr.Dataset(data, {"source": list(path.sources)}))
    return xr.concat(parts, "anchor")


def summary(
    path: TrustPath, var_names: Sequence[str] | None, trust: Trust, ci_prob: float
) -> pd.DataFrame:
    """Return the table; see `TrustPath.summary`."""
    if isinstance(var_names, str):
        var_names = [var_names]
    var_names = () if var_names is None else var_names
    names = list(var_names) if isinstance(var_names, Iterable) else [var_names]
    if not all(isinstance(n, str) or callable(n) for n in names):
        raise TypeError(
            f"var_names={var_names!r:.80} must be a list of names; weights are given as trust=."
        )
    check_probability(ci_prob, "ci_prob")
    names = names or _free(path)
    weights = np.unique(np.linspace(0, path.max_trust, 5)) if trust is None else trust
    points = path.points(weights)
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    reliable = path._reliable(points)
    worth = points.array @ np.array(path.facts.worth)
    frames = []
    for name in names:
        parts = elements(path.draws, name)
        h = np.stack([part.values for part in parts], axis=1).astype(float)
        estimate = path.posterior.mixture.estimate(points.array, h)
        interval = path.quantile(name, tails, weights)
        bounds = interval.values.reshape(len(points.array), 2, -1)
        for column, part in enumerate(parts):
            frames.append(
                pd.DataFrame(
                    {
                        "quantity": part.label,
                        "trust": points.array.mean(axis=1),
                        "effective_observations": worth,
                        "mean": estimate.mean[:, column],
                        "sd": estimate.sd[:, column],
                        f"eti{ci_prob:z.0%}_lb".replace("%", ""): bounds[:, 0, column],
                        f"eti{ci_prob:z.0%}_ub".replace("%", ""): bounds[:, 1, column],
                        "mcse_mean": estimate.mcse_mean[:, column],
                        "reliable": reliable,
                        "answers": path.facts.tie(name, part.place),
                    }
                )
            )
    table = pd.concat(frames, ignore_index=True)
    if not (path.facts.private or path.facts.commensurate):
        table = table.drop(columns="answers")
    return table.set_index(["quantity", "trust"])


def _free(path: TrustPath) -> list[str]:
    return [n for n in path.draws.data_vars if n in path.facts.coordinates]


def _count(ladder: Ladder) -> int:
    return len(ladder.fits) + len(ladder.pilots)


def _count_of(path: TrustPath) -> str:
    size = len(path.synthetic)
    return f"{size} {getattr(path.synthetic, 'noun', 'rows')}"


def _lines(path: TrustPath) -> dict[str, str]:
    facts = path.facts
    checks, _, error, bad = path._evidence(path.points().array)
    failing = int(checks.weights_fail.sum())
    worth = ", ".join(f"{s} {w:.3g}" for s, w in zip(path.sources, facts.worth, strict=True))
    state = "all checks hold" if not failing else f"{failing} weights are unreliable"
    evidence = "reliable" if not bad.any() else f"unreliable at {int(bad.sum())} weights"
    return {
        "trust": f"0 to {path.max_trust:g}, {len(path.trust)} weights: {state}",
        "answers": f"{_count_of(path)}, worth (real observations at trust 1): {worth}",
        "real rows": f"{facts.n_real}; {facts.coincide:z.0%} of the answers equal one of them",
        "informed": ", ".join(facts.informed) or "nothing",
        "private": ", ".join(n for n in facts.private if n not in facts.parts) or "none",
        **_linked(path),
        **_kept(path),
        "anchors": f"{_count(path.posterior)} with the real data, {_count(path.prior)} without",
        "smallest ess": f"{checks.ess.min():z.0f}",
        "log evidence": f"{evidence}, standard error at most {error.max():.2g}",
    }


def _linked(path: TrustPath) -> dict[str, str]:
    """Return the line on commensurate links, if there are any."""
    links = path.facts.commensurate
    if not links:
        return {}
    line = ", ".join(f"{name} ({text})" for name, text in links.items())
    learned = any(text.startswith("learned") for text in links.values())
    return {"commensurate": line + ("; read this path at trust 1" if learned else "")}


def _kept(path: TrustPath) -> dict[str, str]:
    """Return the line on what a path of an earlier version does otherwise than one of today."""
    from foundation_priors.synthetic import SyntheticData
    from foundation_priors.synthetic.display import weights_then

    said = path.synthetic
    kept = [weights_then(said)] if isinstance(said, SyntheticData) else []
    if path.facts.laws < LAWS and len(path.sources) > 1:
        kept.append("'cautious' as it was then, with more trust in all sources together than today")
    line = "; ".join(filter(None, kept))
    return {"of its file": line} if line else {}


def text(path: TrustPath) -> str:
    """Return the plain representation."""
    return titled("TrustPath", _lines(path))


def html(path: TrustPath) -> str:
    """Return the representation of notebooks."""
    return titled_html("TrustPath", _lines(path))
