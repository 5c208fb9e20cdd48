"""The answers themselves: leakage, voices, diversity, similarity, circularity, variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foundation_priors.report.section import Section
from foundation_priors.report.told import both, diagnostic, plotter, told
from foundation_priors.report.words import several

if TYPE_CHECKING:
    from foundation_priors.report.inputs import Inputs

__all__ = [
    "circularity",
    "covariate_leak",
    "diversity",
    "leakage",
    "multiverse",
    "similarity",
    "voices",
]


def leakage(inputs: Inputs) -> Section:
    """Return whether the answers know the real outcomes of the units that they are about."""
    pairs = inputs.need(
        "pairs",
        "Which real rows the answers are about was not said, so that nobody can tell whether they "
        "know their outcomes",
    )
    found = diagnostic("leakage", "leakage")(
        inputs.path,
        inputs.rows,
        pairs=pairs,
        real=inputs.real,
        random_seed=inputs.random_seed,
    )
    return told(found, plotter("leakage", "plot_leakage", found))


def covariate_leak(inputs: Inputs) -> Section:
    """Return whether columns outside the model give the outcome away."""
    outside = inputs.need(
        "outside", "No columns outside the model were named that may give the outcome away"
    )
    found = diagnostic("covariate_leak", "covariate_leak")(
        inputs.path, outside, real=inputs.real, random_seed=inputs.random_seed
    )
    return told(found, plotter("covariate_leak", "plot_covariate_leak", found))


def voices(inputs: Inputs) -> Section:
    """Return how many independent voices there are, and what they differ in."""
    parts = diagnostic("voices", "variance_components")(inputs.rows, inputs.outcome)
    found = diagnostic("voices_effective", "effective_voices")(parts)
    return both(
        told(found, plotter("voices", "plot_voices", found), "Voices"),
        told(parts.drop_vars("draws", errors="ignore"), caption="Variance"),
    )


def diversity(inputs: Inputs) -> Section:
    """Return how many effectively different answers there are."""
    found = diagnostic("vendi", "vendi")(inputs.rows, inputs.outcome)
    return told(found)


def similarity(inputs: Inputs) -> Section:
    """Return how alike sources are in what they answer to the same question."""
    said = inputs.rows
    by = next((n for n in ("source", "model", "persona", "framing") if _levels(said, n) > 1), None)
    if by is None:
        raise ValueError(
            "There is one source, one framing and one persona, so there is nobody to compare: ask "
            "another model, or in other words."
        )
    found = diagnostic("similarity", "similarity")(
        said, by, outcome=inputs.outcome, random_seed=inputs.random_seed
    )
    return told(found, plotter("similarity", "plot_similarity", found))


def _levels(said: Any, name: str) -> int:
    return len(said.groups(name)) if name in said.factors else 0


def circularity(inputs: Inputs) -> Section:
    """Return how far revisions of the prompt moved the answers to what was anticipated."""
    of = inputs.rows if inputs.journal is None else inputs.journal
    named = getattr(inputs.anticipation, "quantity", None)
    found = diagnostic("circularity", "circularity")(
        of, inputs.anticipation, outcome=None if named else inputs.outcome
    )
    lacking = str(found.attrs.get("not_judged", ""))
    section = told(found, plotter("circularity", "plot_circularity", found))
    return section if not lacking else both(section, Section("", "", several([lacking])))


def multiverse(inputs: Inputs) -> Section:
    """Return the conclusion under every variant of the prompt or model."""
    run = diagnostic("multiverse", "multiverse")
    if inputs.path.facts.single:
        found = run(inputs.rows, inputs.outcome)
    else:
        found = run(inputs.path, inputs.quantities[0], inputs.trust)
    return told(found, plotter("multiverse", "plot_multiverse", found))
