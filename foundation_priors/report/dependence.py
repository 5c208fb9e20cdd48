"""How the posterior leans on the answers: distance, conflict, a decision, more data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundation_priors.report.section import Section
from foundation_priors.report.told import diagnostic, plotter, told

if TYPE_CHECKING:
    from foundation_priors.report.inputs import Inputs

__all__ = ["conflict", "decision", "disagreement", "sensitivity", "washout"]

PICTURED = 6
"""Most quantities in a picture."""
CONFLICT_DRAWS = 200
"""Replicated data sets of an audit: half-digit p-values in a second."""


def sensitivity(inputs: Inputs) -> Section:
    """Return how far the posterior moves over trust."""
    found = diagnostic("sensitivity", "sensitivity")(inputs.path, list(inputs.quantities))
    shown = found.isel(quantity=slice(PICTURED))
    return told(found, plotter("sensitivity", "plot_sensitivity", shown))


def conflict(inputs: Inputs) -> Section:
    """Return whether the real data are what the foundation prior expects."""
    found = diagnostic("conflict", "conflict")(
        inputs.path, draws=CONFLICT_DRAWS, random_seed=inputs.random_seed
    )
    return told(found, plotter("conflict", "plot_conflict", found))


def disagreement(inputs: Inputs) -> Section:
    """Return on what answers and observations disagree."""
    found = diagnostic("disagreement", "disagreement")(inputs.path)
    return told(found, plotter("disagreement", "plot_disagreement", found))


def decision(inputs: Inputs) -> Section:
    """Return what acting on the answers costs if the posterior without them is right."""
    loss = inputs.need("decision", "No decision was named, so what trust costs was not judged")
    found = diagnostic("decision", "decision")(inputs.path, loss)
    return told(found, plotter("decision", "plot_decision", found))


def washout(inputs: Inputs) -> Section:
    """Return how many more real observations would settle it."""
    found = diagnostic("washout", "washout")(inputs.path, list(inputs.quantities))
    return told(found, plotter("washout", "plot_washout", found))
