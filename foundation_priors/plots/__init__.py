"""Pictures of a trust path, through ArviZ's plotting; each function returns a PlotCollection."""

from foundation_priors.plots.choice import plot_evidence, plot_evidence_and_score, plot_score
from foundation_priors.plots.shares import plot_shares
from foundation_priors.plots.trust_path import plot_trust_path

__all__ = [
    "plot_evidence",
    "plot_evidence_and_score",
    "plot_score",
    "plot_shares",
    "plot_trust_path",
]
