"""A small run of `tests.fuzz.statements`."""

import pytest

from tests.fuzz.statements import CHECKS, run


@pytest.mark.parametrize("name", CHECKS)
def test_random_statements_give_a_value_or_a_sentence(name):
    run(name, 150)
