"""The answers themselves: leakage, voices, diversity, similarity, circularity, variants."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from foundation_priors.report.counts import beside_voices
from foundation_priors.report.section import Section
from foundation_priors.report.told import both, diagnostic, plotter, told
from foundation_priors.report.words import several

if TYPE_CHECKING:
    from foundation_priors.report.inputs import Inputs

__all__ = [
    "axes",
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
    real = inputs.need("real", "Real rows are needed to look for the outcome in other columns")
    pairs = inputs.need("pairs", "Which real rows the answers are about was not said")
    found = diagnostic("covariate_leak", "covariate_leak")(
        inputs.rows,
        real,
        pairs=pairs,
        outside=outside,
        given=_given(inputs, real, outside),
        outcome=inputs.outcome,
        random_seed=inputs.random_seed,
    )
    return told(found, plotter("leakage", "plot_covariate_leak", found))


def _given(inputs: Inputs, real: Any, outside: Any) -> list[str]:
    """Return the covariates of the answers, which the model is taken to use, among real columns."""
    out = {outside} if isinstance(outside, str) else set(outside)
    return [name for name in inputs.rows.covariates if name in real and name not in out]


def voices(inputs: Inputs) -> Section:
    """Return how many independent voices there are, and what they differ in."""
    parts = diagnostic("voices", "variance_components")(inputs.rows, inputs.outcome)
    found = diagnostic("voices_effective", "effective_voices")(parts)
    section = told(found, plotter("voices", "plot_variance_components", parts), "Voices")
    counted = several([section.reading, beside_voices(inputs, found)])
    return both(
        replace(section, reading=counted),
        told(parts.drop_vars("draws", errors="ignore"), caption="Variance"),
    )


def diversity(inputs: Inputs) -> Section:
    """Return how many effectively different answers there are."""
    found = diagnostic("vendi", "vendi")(inputs.rows, inputs.outcome)
    return told(found, plotter("diversity", "plot_vendi", found))


def similarity(inputs: Inputs) -> Section:
    """Return how alike sources are in what they answer to the same question."""
    found = diagnostic("similarity", "similarity")(
        inputs.rows, _apart(inputs), outcome=inputs.outcome, random_seed=inputs.random_seed
    )
    return told(found, plotter("diversity", "plot_similarity", found))


def axes(inputs: Inputs) -> Section:
    """Return quality, diversity and complexity of the sources side by side."""
    found = diagnostic("axes", "axes")(
        inputs.rows,
        inputs.truth,
        by=_apart(inputs),
        outcome=inputs.outcome,
        random_seed=inputs.random_seed,
    )
    lacking = "" if inputs.truth is not None else f"Quality was not judged: {_no_truth(inputs)}."
    compared = "Complexity was not judged: it takes judgements of pairs of answers."
    section = told(found, plotter("verdicts", "plot_axes", found))
    return replace(section, reading=several([section.reading, lacking, compared]))


def _no_truth(inputs: Inputs) -> str:
    """Return why the truth of the answers is not known."""
    if inputs.real is None or inputs.pairs is None:
        return "give real= and pairs="
    if not isinstance(inputs.pairs, str):
        return "it takes pairs= as the name of a column of real="
    absent = [name for name in (inputs.outcome, inputs.pairs) if name not in inputs.real]
    return f"real= has no column {' and no column '.join(map(repr, absent))}"


def _apart(inputs: Inputs) -> str:
    """Return the factor that tells who answered, or else in whose words it was asked."""
    said = inputs.rows
    for name in ("source", "model", "persona", "framing"):
        if _levels(said, name) > 1:
            return name
    raise ValueError(
        "The answers do not come from several sources, models, personas or framings, so there is "
        "nobody to compare: ask another model, or in other words."
    )


def _levels(said: Any, name: str) -> int:
    return len(said.groups(name)) if name in said.factors else 0


def circularity(inputs: Inputs) -> Section:
    """Return how far revisions of the prompt moved the answers to what was anticipated."""
    of: Any = inputs.journal
    if of is None:
        outcomes, of = inputs.rows.outcomes, inputs.rows
    else:
        from foundation_priors.elicit.collect import asked_last

        outcomes = tuple(asked_last(of).get("answer") or ())
    named = getattr(inputs.anticipation, "quantity", None)
    outcome = inputs.outcome if named is None and inputs.outcome in outcomes else None
    found = diagnostic("circularity", "circularity")(of, inputs.anticipation, outcome=outcome)
    return told(found, plotter("circularity", "plot_circularity", found))


def multiverse(inputs: Inputs) -> Section:
    """Return the conclusion under every variant of the prompt or model."""
    run = diagnostic("multiverse", "multiverse")
    if inputs.path.facts.single:
        found = run(inputs.rows, inputs.outcome)
    else:
        found = run(inputs.path, inputs.quantities[0], inputs.trust)
    return told(found, plotter("multiverse", "plot_multiverse", found))
