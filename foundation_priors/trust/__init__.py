"""Choosing and learning the weight of the answers."""

from foundation_priors.trust.anchored import Anchored, anchored
from foundation_priors.trust.coverage import coverage
from foundation_priors.trust.coverage_level import calibrated
from foundation_priors.trust.ess import prior_ess
from foundation_priors.trust.leave_one_out import leave_one_source_out, loo
from foundation_priors.trust.placebo import Placebo, placebo
from foundation_priors.trust.posterior import TrustPosterior
from foundation_priors.trust.rules import Evidence as evidence
from foundation_priors.trust.rules import Exchangeable as exchangeable
from foundation_priors.trust.rules import HeldOut as held_out
from foundation_priors.trust.rules import JointDensity as joint
from foundation_priors.trust.rules import Robust as robust
from foundation_priors.trust.rules import Rule
from foundation_priors.trust.rules import Worth as worth

__all__ = [
    "Anchored",
    "Placebo",
    "Rule",
    "TrustPosterior",
    "anchored",
    "calibrated",
    "coverage",
    "evidence",
    "exchangeable",
    "held_out",
    "joint",
    "leave_one_source_out",
    "loo",
    "placebo",
    "prior_ess",
    "robust",
    "worth",
]
