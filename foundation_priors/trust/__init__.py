"""Choosing and learning the weight of the answers."""

from foundation_priors.trust.average import averaged
from foundation_priors.trust.posterior import TrustPosterior, trust_posterior

__all__ = ["TrustPosterior", "averaged", "trust_posterior"]
