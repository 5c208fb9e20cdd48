"""A regression and the rows, real and said, that several files use."""

import pytest

from tests.prior.common import M, N


@pytest.fixture
def rows(rng):
    return {"x": rng.normal(size=N), "y": rng.normal(size=N)}


@pytest.fixture
def said(rng):
    return {"x": rng.normal(size=M), "y": rng.normal(size=M)}
