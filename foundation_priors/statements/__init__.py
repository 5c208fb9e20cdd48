"""Statements and expressions such as ``"beta[age] > 0.5"``: a small language, parsed, never run.

Names are looked up in what the caller offers, and numbers are combined by the operators and
functions listed here; nothing else can be said in it, so that a text from anywhere, or a label out
of a file, is only ever looked up. The grammar stands in ``docs/statements.md``.
"""

from foundation_priors.statements.compute import FUNCTIONS, check_numbers, compute
from foundation_priors.statements.grammar import (
    Call,
    Chain,
    Number,
    Tree,
    Unary,
    is_event,
    parse,
    put_labels,
    walk,
)
from foundation_priors.statements.labels import label_of, locate, readable, written
from foundation_priors.statements.tokens import Name

__all__ = [
    "FUNCTIONS",
    "Call",
    "Chain",
    "Name",
    "Number",
    "Tree",
    "Unary",
    "check_numbers",
    "compute",
    "is_event",
    "label_of",
    "locate",
    "parse",
    "put_labels",
    "readable",
    "walk",
    "written",
]
