"""What a language model said, held apart from evidence."""

from foundation_priors.synthetic.combine import concat
from foundation_priors.synthetic.container import SyntheticData

__all__ = ["SyntheticData", "concat"]
