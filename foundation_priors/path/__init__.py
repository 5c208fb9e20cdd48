"""Every posterior between ignoring and believing: anchors, mixture, results."""

from foundation_priors.path.result import TrustPath
from foundation_priors.path.trust_path import trust_path

__all__ = ["TrustPath", "trust_path"]
