"""Published model structures, each served exactly or refused in one sentence.

``python -m tests.zoo.run`` checks more seeds and points.
"""

import numpy as np
import pytest

from tests.zoo.checks import check_exact, check_refused, check_rows_apart
from tests.zoo.structures import REGISTRY

SERVED = [name for name, structure in REGISTRY.items() if structure.density is not None]
REFUSED = [name for name in REGISTRY if name not in SERVED]


@pytest.mark.parametrize("name", SERVED)
def test_served_exactly(name: str):
    check_exact(REGISTRY[name], np.random.default_rng(1))


@pytest.mark.parametrize("name", SERVED[::8])
def test_rows_are_apart(name: str):
    check_rows_apart(REGISTRY[name], np.random.default_rng(1))


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_sentence(name: str):
    check_refused(REGISTRY[name], np.random.default_rng(1))
