"""How far a conclusion rests on the language model."""

from foundation_priors.diagnose.axes import axes
from foundation_priors.diagnose.axes_strength import bradley_terry
from foundation_priors.diagnose.circularity import circularity
from foundation_priors.diagnose.conflict import conflict
from foundation_priors.diagnose.conflict_disagreement import disagreement
from foundation_priors.diagnose.covariate_leak import covariate_leak
from foundation_priors.diagnose.decision import decision
from foundation_priors.diagnose.decision_statements import statements
from foundation_priors.diagnose.leakage import leakage
from foundation_priors.diagnose.multiverse import multiverse
from foundation_priors.diagnose.recall import recall, recall_probe
from foundation_priors.diagnose.reliance import reliance
from foundation_priors.diagnose.sensitivity import sensitivity
from foundation_priors.diagnose.similarity import similarity
from foundation_priors.diagnose.similarity_errors import (
    effective_sources,
    error_correlation,
    pooled_error,
)
from foundation_priors.diagnose.vendi import vendi
from foundation_priors.diagnose.verdicts import verdicts
from foundation_priors.diagnose.voices import variance_components
from foundation_priors.diagnose.voices_effective import effective_number, effective_voices
from foundation_priors.diagnose.washout import washout
from foundation_priors.diagnose.worth import worth

__all__ = [
    "axes",
    "bradley_terry",
    "circularity",
    "conflict",
    "covariate_leak",
    "decision",
    "disagreement",
    "effective_number",
    "effective_sources",
    "effective_voices",
    "error_correlation",
    "leakage",
    "multiverse",
    "pooled_error",
    "recall",
    "recall_probe",
    "reliance",
    "sensitivity",
    "similarity",
    "statements",
    "variance_components",
    "vendi",
    "verdicts",
    "washout",
    "worth",
]
