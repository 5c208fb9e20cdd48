"""How the posterior leans on the answers: distance, conflict, a decision, more data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation_priors.errors import FoundationPriorsError
from foundation_priors.report.inputs import LEVEL, Column, Statement
from foundation_priors.report.section import Section
from foundation_priors.report.told import diagnostic, plotter, told
from foundation_priors.report.words import several

if TYPE_CHECKING:
    from foundation_priors.report.inputs import Inputs

__all__ = ["conflict", "decision", "disagreement", "sensitivity", "washout"]

PICTURED = 6
"""Most quantities in a picture."""
WASHED = 3
"""Most statements of which it is asked what would settle them."""
CONFLICT_DRAWS = 200
"""Replicated data sets of an audit: half-digit p-values in a second."""


def sensitivity(inputs: Inputs) -> Section:
    """Return how far the posterior moves over trust."""
    found = diagnostic("sensitivity", "sensitivity")(inputs.path, list(inputs.quantities))
    shown = found.isel(quantity=slice(PICTURED))
    return told(found, plotter("dependence", "plot_sensitivity", shown))


def conflict(inputs: Inputs) -> Section:
    """Return whether the real data are what the foundation prior expects."""
    found = diagnostic("conflict", "conflict")(
        inputs.path, draws=CONFLICT_DRAWS, random_seed=inputs.random_seed
    )
    shown = found
    if "source" in shown.dims:
        shown = shown.sel(source="all sources")
    if "outcome" in shown.dims:
        shown = shown.isel(outcome=0)
    return told(found, plotter("conflict", "plot_conflict", shown))


def disagreement(inputs: Inputs) -> Section:
    """Return on what answers and observations disagree."""
    real = inputs.need("real", "There are no real rows to hold the answers against")
    found = diagnostic("conflict_disagreement", "disagreement")(
        inputs.rows, real, inputs.outcome, random_seed=inputs.random_seed or 0
    )
    return told(found, plotter("conflict", "plot_disagreement", found), "What each side says")


def decision(inputs: Inputs) -> Section:
    """Return what acting on the answers costs if the posterior without them is right."""
    actions = inputs.need("decision", "No decision was named, so what trust costs was not judged")
    found = diagnostic("decision", "decision")(inputs.path, actions)
    return told(found, plotter("dependence", "plot_decision", found))


def washout(inputs: Inputs) -> Section:
    """Return how many more real observations would settle what leans on the answers most."""
    run = diagnostic("washout", "washout")
    rows, said, fails, lacking = [], [], "", []
    most, drawn = _most(inputs), None
    asked: list[tuple[str, Any, dict[str, Any]]] = [
        (f"the answers' share of {most.label}", most, {"trust": inputs.trust})
    ]
    asked += [(s.label, s, {}) for s in inputs.statements[:WASHED] if _tips(inputs, s)]
    for label, what, how in asked:
        try:
            found = run(inputs.path, what, random_seed=inputs.random_seed, **how)
        except (FoundationPriorsError, ValueError) as error:
            lacking.append(f"{label} was not judged: {error}")
            continue
        drawn = found
        said.append(str(found.attrs["reading"]))
        fails = str(found.attrs["fails_when"])
        values = {n: float(found[n]) for n in ("observations", "lower", "upper", "mcse")}
        rows.append({"what": label, **values})
    if not rows:
        raise ValueError(several(lacking) or "There is nothing that more data would settle.")
    tables = {"Further real observations": pd.DataFrame(rows)}
    draw = plotter("dependence", "plot_washout", drawn)
    return Section("washout", "", several([*said, *lacking]), tables, {}, draw, fails)


def _most(inputs: Inputs) -> Column:
    """Return the quantity that leans on the answers most."""
    share = inputs.reliance["share"].unstack("component", sort=False)
    said = share[list(inputs.path.sources)].sum(axis=1)
    return inputs.quantities[int(np.argmax(said.to_numpy()))]


def _tips(inputs: Inputs, statement: Statement) -> bool:
    known = statement.margin is not None
    return known and bool(inputs.path.tipping(statement, LEVEL).sizes["root"])
