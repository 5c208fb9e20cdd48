"""Which questions an audit asks, in which order."""

from __future__ import annotations

from foundation_priors.report import answers, asked, checks, conclusion, dependence
from foundation_priors.report.section import Judge

__all__ = ["PLAN"]

PLAN: dict[str, tuple[str, Judge]] = {
    "asked": ("What was asked of whom, and how often", asked.asked),
    "trust": ("The trust", conclusion.trust),
    "statements": ("What holds at every trust, what tips and where", conclusion.statements),
    "estimates": ("What the answers change", conclusion.estimates),
    "shares": ("Whose conclusion it is", conclusion.shares),
    "sensitivity": ("How far the posterior moves", dependence.sensitivity),
    "decision": ("What trust costs a decision", dependence.decision),
    "conflict": ("Whether answers and real data conflict", dependence.conflict),
    "disagreement": ("On what they disagree", dependence.disagreement),
    "leakage": ("Whether the answers know the real outcomes", answers.leakage),
    "covariate_leak": ("Whether other columns give the outcome away", answers.covariate_leak),
    "voices": ("How many voices there are", answers.voices),
    "diversity": ("How many different answers there are", answers.diversity),
    "similarity": ("How alike the sources are", answers.similarity),
    "axes": ("Quality, diversity and complexity, side by side", answers.axes),
    "circularity": ("Whether the prompt was bent to what was expected", answers.circularity),
    "multiverse": ("What other prompts would say", answers.multiverse),
    "washout": ("What more data would settle", dependence.washout),
    "held_out": ("What predicts other real rows", checks.held_out),
    "computation": ("Whether the numbers are right as numbers", checks.computation),
    "provenance": ("Where everything comes from", asked.provenance),
}
"""By key: the title, and the function from the inputs to the section."""
