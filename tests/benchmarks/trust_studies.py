"""Whether a random trust is right, and whether what is said of it can be relied on.

Run as ``python -m tests.benchmarks.trust_studies [part ...]`` with the parts ``calibration``,
``normaliser``, ``placebo`` and ``sources``. The results are stored beside this file and shown in
``docs/trust/checks.md``.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections.abc import Callable
from typing import Any

import foundation_priors as fp
from tests.benchmarks.tables import store
from tests.benchmarks.trust_calibration import calibrate
from tests.benchmarks.trust_normaliser import against_quadrature
from tests.benchmarks.trust_placebo import placebos
from tests.benchmarks.trust_sources import compare
from tests.benchmarks.trust_tables import write

__all__ = ["PARTS"]

PARTS: dict[str, Callable[[int | None], dict[str, Any]]] = {
    "calibration": lambda count: {"logistic": calibrate(count or 500)},
    "normaliser": lambda count: against_quadrature(),
    "placebo": lambda count: placebos(count or 20),
    "sources": lambda count: {"regression": compare(count or 100)},
}


def main() -> None:
    """Run, store and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--count", type=int, help="simulations, pilots or worlds")
    given = parser.parse_args()
    logging.getLogger("pymc").setLevel(logging.ERROR)
    warnings.simplefilter("ignore", fp.UnreliableWarning)
    for part in given.part or PARTS:
        began = time.perf_counter()
        for key, row in PARTS[part](given.count).items():
            store("trust", part, key, row)
        print(f"{part}: {time.perf_counter() - began:.0f} s", flush=True)
    write()


if __name__ == "__main__":
    main()
