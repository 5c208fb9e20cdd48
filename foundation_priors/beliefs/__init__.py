"""What was said about quantities of a model: beliefs, held apart from evidence."""

from foundation_priors.beliefs.belief import Belief
from foundation_priors.beliefs.container import Beliefs
from foundation_priors.beliefs.density import Density
from foundation_priors.beliefs.johnson import Johnson
from foundation_priors.beliefs.pooled import Pooled
from foundation_priors.beliefs.support import Support
from foundation_priors.beliefs.table import Table

__all__ = ["Belief", "Beliefs", "Density", "Johnson", "Pooled", "Support", "Table"]
