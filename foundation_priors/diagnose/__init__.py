"""How far a conclusion rests on the language model."""

from foundation_priors.diagnose.reliance import reliance
from foundation_priors.diagnose.worth import worth

__all__ = ["reliance", "worth"]
