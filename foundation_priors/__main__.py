"""Run the command line: ``python -m foundation_priors``."""

import sys

from foundation_priors.cli import main

if __name__ == "__main__":
    sys.exit(main())
