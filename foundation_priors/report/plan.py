"""Which questions an audit asks, in which order."""

from __future__ import annotations

from foundation_priors.report import asked, checks, conclusion
from foundation_priors.report.section import Judge

__all__ = ["PLAN"]

PLAN: dict[str, tuple[str, Judge]] = {
    "asked": ("What was asked of whom, and how often", asked.asked),
    "trust": ("The trust", conclusion.trust),
    "statements": ("What holds at every trust, what tips and where", conclusion.statements),
    "estimates": ("What the answers change", conclusion.estimates),
    "shares": ("Whose conclusion it is", conclusion.shares),
    "held_out": ("What predicts other real rows", checks.held_out),
    "computation": ("Whether the numbers are right as numbers", checks.computation),
    "provenance": ("Where everything comes from", asked.provenance),
}
"""By key: the title, and the function from the inputs to the section."""
