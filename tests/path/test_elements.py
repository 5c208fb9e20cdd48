"""Elements of vectors, by the names that tables give them."""

import numpy as np
import pytest
import xarray as xr

from foundation_priors.path.draws import evaluate


@pytest.fixture
def draws() -> xr.Dataset:
    values = np.arange(6.0).reshape(3, 2)
    coords = {"region": ["north", "south"]}
    return xr.Dataset(
        {"level": (("sample", "region"), values), "b": ("sample", values[:, 0])}, coords
    )


@pytest.mark.parametrize(
    ("quantity", "wanted"),
    [
        ("level[north]", [0, 2, 4]),
        ("level['south']", [1, 3, 5]),
        ("level[south] - level[north] + b", [1, 3, 5]),
        ("level[south] > 2", [False, True, True]),
    ],
)
def test_an_element_is_named_by_its_label(draws, quantity, wanted):
    np.testing.assert_array_equal(evaluate(draws, quantity), wanted)


def test_an_unknown_label_says_which_there_are(draws):
    with pytest.raises(ValueError, match=r"no level\[nort\]. Did you mean 'level\[north\]'"):
        evaluate(draws, "level[nort] > 0")
