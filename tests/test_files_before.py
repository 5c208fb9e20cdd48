"""Files written by earlier versions are read, with the numbers that they had then."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.before import make

NUMBERS = json.loads((make.HERE / "numbers.json").read_text())


def check(found: Any, wanted: Any, where: str) -> None:
    """Compare what is nested; what was not there then may be there now."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            check(found[key], value, f"{where}.{key}")
    elif isinstance(wanted, list) and any(isinstance(w, list | dict | str) for w in wanted):
        assert len(found) == len(wanted), where
        for number, value in enumerate(wanted):
            check(found[number], value, f"{where}[{number}]")
    elif isinstance(wanted, list | float):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9, err_msg=where)
    else:
        assert found == wanted, where


@pytest.mark.parametrize("name", make.MAKERS)
def test_readers_give_the_numbers_of_then(name: str, tmp_path: Path) -> None:
    found = make.numbers(make.read(name, tmp_path))
    check(json.loads(json.dumps(found)), NUMBERS[name], name)
