"""Predictions of other real rows, and the checks of the path itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation_priors.display import count
from foundation_priors.errors import ModelError
from foundation_priors.report.section import Section
from foundation_priors.report.words import number, several

if TYPE_CHECKING:
    from foundation_priors.report.inputs import Inputs

__all__ = ["computation", "held_out"]

type Floats = NDArray[np.float64]

NOTABLE = 2.0
"""Monte Carlo errors beyond which a difference of scores is called one."""


def held_out(inputs: Inputs) -> Section:
    """Return how well each trust predicts real rows that the model has not seen."""
    rows = inputs.need("held_out", "No real rows were held out, so predictions were not scored")
    path = inputs.path
    if path.model is None:
        raise ModelError(
            "This path was read without its model, which scoring other rows needs: "
            "from_netcdf(file, model=model)."
        )
    score = path.score(rows)
    size = score.attrs["n_rows"]
    values, trust = score.values, score["trust"].values
    best, errors = int(np.argmax(values)), score["mcse"].values
    now = float(path.score(rows, trust=inputs.trust))
    ends = [(0, "without the answers"), (len(values) - 1, f"at trust {trust[-1]:g}")]
    reading = (
        f"{count(size, 'held-out row')} are predicted best at trust {number(trust[best])}"
        f"{_better(values, errors, best, [e for e in ends if e[0] != best])}."
    )
    here = f"At {inputs.trust_in_words} they are predicted {_than(now - values[0])} without them."
    chosen = np.unique([0, *np.linspace(0, len(trust) - 1, 9).round().astype(int), best])
    table = pd.DataFrame(
        {
            "trust": trust[chosen],
            "log score": values[chosen],
            "nats a row": values[chosen] / size,
            "error": errors[chosen],
        }
    )

    def draw() -> Any:
        from foundation_priors.plots import plot_evidence_and_score

        return plot_evidence_and_score(path, score)

    fails = (
        "The rows were chosen by whoever held them out: if they are not drawn as the rows are to "
        "which the conclusion speaks, the best trust for them is not the best for it."
    )
    return Section(
        "held_out", "", several([reading, here]), {"Log predictive score": table}, {}, draw, fails
    )


def _better(values: Floats, errors: Floats, best: int, ends: list[tuple[int, str]]) -> str:
    """Return by how much the best score is better than others, as far as that is known."""
    parts = []
    for end, where in ends:
        nats, error = values[best] - values[end], np.hypot(errors[best], errors[end])
        parts.append(
            f"{number(nats)} nats better than {where}"
            if nats > NOTABLE * error
            else f"no better than {where} beyond the Monte Carlo error"
        )
    return ": " * bool(parts) + " and ".join(parts)


def _than(nats: float) -> str:
    if abs(nats) < 0.05:
        return "as well as"
    return f"{number(abs(nats))} nats {'better' if nats > 0 else 'worse'} than"


def _tail(worst: float, limit: float) -> str:
    if worst == -np.inf:
        return "and no draw outweighs the others, so that no k-hat was needed"
    return f"the largest k-hat {number(worst, 2)} (limit {limit:.2g})"


def computation(inputs: Inputs) -> Section:
    """Return whether the numbers can be relied on as numbers."""
    path = inputs.path
    found = path.diagnostics()
    weak = int((~found["reliable"]).sum())
    shaky = int((~found["evidence_reliable"]).sum())
    sampled = found["kind"].values == "sampled"
    r_hat = found["r_hat"].values[sampled]
    worst = float(np.nanmax(r_hat)) if np.isfinite(r_hat).any() else np.nan
    divergences = int(np.nansum(found["divergences"].values))
    size = len(path.trust)
    parts = [
        f"All {size} weights of the path pass its checks."
        if not weak
        else f"{weak} of {size} weights fail the path's checks, and numbers there are shaky.",
        f"The log evidence is unreliable at {count(shaky, 'weight')}." if shaky else "",
        f"The smallest effective sample size is {number(float(found['ess'].min()))}, "
        f"{_tail(float(found['pareto_k'].max()), found.attrs['pareto_k_limit'])}.",
        f"The largest R-hat of {count(int(sampled.sum()), 'sampled anchor')} is "
        f"{number(worst, 4)}, with {count(divergences, 'divergent transition')}."
        if sampled.any()
        else "No anchor had to be sampled by NUTS.",
    ]
    names = ["ess", "pareto_k", "mcse_mean", "mcse_log_evidence", "reliable", "evidence_reliable"]
    chosen = np.linspace(0, size - 1, 9).round().astype(int)
    over = found[names].isel(trust=chosen).to_dataframe()[names]
    columns = ["ladder", "kind", "draws", "r_hat", "ess_bulk", "divergences", "leave_one_out"]
    anchors = pd.DataFrame({c: found[c].values for c in columns})
    for s, name in enumerate(path.sources):
        label = "trust" if path.facts.single else f"trust, {name}"
        anchors.insert(2 + s, label, found["anchor_trust"].values[:, s])
    fails = (
        "The checks see the draws there are: a mode that no chain and no anchor visited leaves no "
        "trace in them."
    )
    tables = {"Checks over trust": over, "Anchors": anchors}
    return Section("computation", "", several(parts), tables, {}, None, fails)
