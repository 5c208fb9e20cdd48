"""Pictures of a path and of its diagnostics; each function returns what one can go on with."""

from foundation_priors.plots.choice import plot_evidence, plot_evidence_and_score, plot_score
from foundation_priors.plots.circularity import plot_circularity
from foundation_priors.plots.conflict import plot_conflict, plot_disagreement
from foundation_priors.plots.dependence import (
    plot_decision,
    plot_sensitivity,
    plot_statements,
    plot_washout,
)
from foundation_priors.plots.diversity import plot_error_correlation, plot_similarity, plot_vendi
from foundation_priors.plots.leakage import plot_covariate_leak, plot_leakage, plot_recall
from foundation_priors.plots.multiverse import plot_multiverse
from foundation_priors.plots.shares import plot_shares
from foundation_priors.plots.trust_path import plot_trust_path
from foundation_priors.plots.trust_posterior import plot_trust_posterior
from foundation_priors.plots.verdicts import plot_axes, plot_verdicts
from foundation_priors.plots.voices import plot_effective_voices, plot_variance_components

__all__ = [
    "plot_axes",
    "plot_circularity",
    "plot_conflict",
    "plot_covariate_leak",
    "plot_decision",
    "plot_disagreement",
    "plot_effective_voices",
    "plot_error_correlation",
    "plot_evidence",
    "plot_evidence_and_score",
    "plot_leakage",
    "plot_multiverse",
    "plot_recall",
    "plot_score",
    "plot_sensitivity",
    "plot_shares",
    "plot_similarity",
    "plot_statements",
    "plot_trust_path",
    "plot_trust_posterior",
    "plot_variance_components",
    "plot_vendi",
    "plot_verdicts",
    "plot_washout",
]
