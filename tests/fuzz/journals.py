"""Random damage to journals: a replay ends with answers, or with one sentence.

``python -m tests.fuzz.journals`` damages the journals of before 2,000 times, in the JSON of a line.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import foundation_priors as fp
from tests.fuzz.replies import spoilt

__all__ = ["fuzz"]

BEFORE = Path(__file__).parents[1] / "data" / "before"
NAMES = ("numbers", "profiles", "letters")


def fuzz(journals: int, seed: int) -> Counter[str]:
    """Replay damaged journals, and count how that ended.

    Raises
    ------
    AssertionError
        If one ended otherwise than with answers or one sentence of the package.
    """
    rng, found = random.Random(seed), Counter[str]()
    texts = {n: gzip.decompress((BEFORE / f"{n}.jsonl.gz").read_bytes()).decode() for n in NAMES}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "answers.jsonl"
        for _ in range(journals):
            lines = [json.loads(text) for text in texts[rng.choice(NAMES)].split("\n") if text]
            at = rng.choice((0, 0, 1, rng.randrange(len(lines))))
            lines[at] = spoilt(lines[at], rng)
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
            try:
                fp.elicit.replay(path, reading=rng.choice(("today", "stored")))  # type: ignore[arg-type]
                found["answers"] += 1
            except fp.FoundationPriorsError as error:
                assert "\n" not in str(error)
                found[type(error).__name__] += 1
            except Exception as error:
                text = json.dumps(lines[at])[:1000]
                raise AssertionError(f"{type(error).__name__}: {error} of {text}") from error
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journals", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.perf_counter()
    found = fuzz(given.journals, given.seed)
    print(
        f"{found.total():,} damaged journals in {time.perf_counter() - began:.0f} s: {dict(found)}"
    )


if __name__ == "__main__":
    main()
