"""The zoo with many seeds and points: ``python -m tests.zoo.run [seeds]``."""

import sys

import numpy as np

from tests.zoo.checks import check_exact, check_refused, check_rows_apart
from tests.zoo.structures import REGISTRY


def main(seeds: int) -> int:
    """Check every structure at every seed; return how many failed."""
    failed = 0
    for name, structure in REGISTRY.items():
        for seed in range(seeds):
            rng = np.random.default_rng([seed, 20251201])
            try:
                if structure.density is None:
                    check_refused(structure, rng)
                else:
                    check_exact(structure, rng, count=10)
                    check_rows_apart(structure, rng, selections=2)
            except BaseException as error:  # noqa: BLE001
                if isinstance(error, KeyboardInterrupt):
                    raise
                failed += 1
                print(f"{name}, seed {seed}: {type(error).__name__}: {error}")
        print(f"{name}: done")
    print(f"{len(REGISTRY)} structures, {seeds} seeds, {failed} failures")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)))
