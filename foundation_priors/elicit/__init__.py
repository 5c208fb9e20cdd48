"""Asking language models, with every answer kept."""

from foundation_priors.elicit.anticipation import Anticipation
from foundation_priors.elicit.collect import replay
from foundation_priors.elicit.elicitation import Elicitation
from foundation_priors.elicit.endpoint import Endpoint
from foundation_priors.elicit.fields import Number, Text
from foundation_priors.elicit.journal import Journal
from foundation_priors.elicit.preview import Preview
from foundation_priors.elicit.retry import Patience

__all__ = [
    "Anticipation",
    "Elicitation",
    "Endpoint",
    "Journal",
    "Number",
    "Patience",
    "Preview",
    "Text",
    "replay",
]
