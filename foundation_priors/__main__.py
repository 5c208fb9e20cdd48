"""Run the command line: ``python -m foundation_priors``."""

import sys

from foundation_priors.cli import main

sys.exit(main())
