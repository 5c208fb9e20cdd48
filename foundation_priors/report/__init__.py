"""The audit: how far a conclusion rests on the language model, in words and on a page."""

from foundation_priors.report.audit import Audit, audit
from foundation_priors.report.section import Section

__all__ = ["Audit", "Section", "audit"]
