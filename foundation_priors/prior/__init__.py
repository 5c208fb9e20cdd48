"""From a PyMC model and a language model's answers to an exponentially tilted prior."""

from foundation_priors.prior.columns import codes
from foundation_priors.prior.commensurate import Commensurate
from foundation_priors.prior.sample import sample
from foundation_priors.prior.tilt import tilt

__all__ = ["Commensurate", "codes", "sample", "tilt"]
