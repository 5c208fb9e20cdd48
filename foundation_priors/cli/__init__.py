"""The command line: ``foundation-priors elicit``, ``show``, ``demo`` and ``datasets``."""

from foundation_priors.cli.commands import main

__all__ = ["main"]
