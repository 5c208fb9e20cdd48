"""The command line: ``foundation-priors demo`` and ``foundation-priors datasets``."""

from foundation_priors.cli.commands import main

__all__ = ["main"]
