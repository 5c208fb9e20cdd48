"""The seed decides the draws: the stored results of ``tests.benchmarks.reproducible``."""

from tests.benchmarks.reproducible import CACHES
from tests.benchmarks.tables import read


def test_the_draws_are_the_same_whatever_the_caches_hold():
    stored = read("cost")["reproducible"]
    assert set(stored) == set(CACHES)
    assert len({row["digest"] for row in stored.values()}) == 1
