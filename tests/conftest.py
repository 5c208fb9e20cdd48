"""What every test shares: figures are drawn without a screen, and random numbers have a seed."""

import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

# Scripts that measure for minutes; the tests read the results they have stored.
collect_ignore_glob = ["benchmarks/[!t]*.py", "benchmarks/tables.py"]


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator that is the same in every run and its own in every test."""
    return np.random.default_rng(20251201)


@pytest.fixture(autouse=True, scope="session")
def interrupts() -> Iterator[None]:
    """Let Ctrl-C interrupt, which programs started in the background by a shell ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_configure(config: pytest.Config) -> None:
    """Let small answers of tests be taken as they are; what warns is tested by name."""
    nothing_tells = "ignore:Nothing tells:foundation_priors.errors.UnreliableWarning"
    config.addinivalue_line("filterwarnings", nothing_tells)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort tests for several processes, each file as a whole.

    Begin with the notebooks, which take longest, so that nobody waits for them at the end. Files
    that share the paths of ``tests/path/models.py`` stay in one process, which compiles each once
    (with ``--dist loadgroup``).
    """
    items.sort(key=lambda item: "test_notebooks" not in item.nodeid)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))


@cache
def _group(path: Path) -> str:
    shared = ("from tests.path import models", "from tests.report import audits")
    text = path.read_text()
    return "shared paths" if any(words in text for words in shared) else str(path)
