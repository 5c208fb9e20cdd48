"""What every test shares: figures are drawn without a screen, and random numbers have a seed."""

import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

matplotlib.use("Agg")

# How long a random input takes says something about the machine, and nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

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


SHARED = "shared paths"
LONG = ("test_notebooks.py", "test_readme.py", "test_cli.py", "test_zoo.py")
APART = LONG[:2]
"""Files whose tests share nothing, and may run in different processes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort tests for several processes, with ``--dist loadgroup --no-loadscope-reorder``.

    Files that share the paths of ``tests/path/models.py`` stay in one process, which compiles each
    once; other files stay whole, but for `APART`, whose tests go where there is room. What takes
    longest comes first, so that nobody waits for it at the end.
    """
    groups = {item.nodeid: _group(item.path) for item in items}
    for item in items:
        apart = item.path.name in APART
        item.add_marker(pytest.mark.xdist_group(item.nodeid if apart else groups[item.nodeid]))
    last = len(LONG)
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda i: (groups[i.nodeid] != SHARED, order.get(i.path.name, last)))


@cache
def _group(path: Path) -> str:
    shared = ("from tests.path import models", "from tests.report import audits")
    text = path.read_text()
    return SHARED if any(words in text for words in shared) else str(path)
