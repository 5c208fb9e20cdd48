"""All forms of trust=."""

import numpy as np
import pytest
import xarray as xr

from foundation_priors.path.points import resolve

GRID = np.linspace(0, 1, 11)
ONE, TWO = ("synthetic",), ("gpt", "qwen")


def points(trust, sources=ONE, max_trust=1.0, along=None):
    return resolve(trust, sources, GRID, max_trust, along)


def test_nothing_is_the_grid_of_the_path():
    found = points(None)
    np.testing.assert_array_equal(found.array, GRID[:, None])
    assert found.dims == ("trust",) and found.shape == (11,)


def test_a_number_gives_a_result_without_dimension():
    found = points(0.25, TWO)
    assert found.array.tolist() == [[0.25, 0.25]] and found.shape == ()
    out = found.wrap(np.array([7.0]), name="h", reliable=np.array([True]))
    assert out.shape == () and out.item() == 7 and out.trust.item() == 0.25 and out.reliable


@pytest.mark.parametrize(
    "many", [[0, 0.5], (0, 0.5), np.array([0, 0.5]), xr.DataArray([0, 0.5], dims="x")]
)
def test_many_numbers_are_shared_by_all_sources(many):
    found = points(many, TWO)
    assert found.array.tolist() == [[0, 0], [0.5, 0.5]]
    assert found.wrap(np.zeros((2, 3)), ["beta_dim"]).dims == ("trust", "beta_dim")


def test_no_weights_at_all_give_an_empty_result():
    assert points([]).wrap(np.zeros(0)).shape == (0,)


def test_weights_by_source():
    found = points({"qwen": 0.2, "gpt": 0.1}, TWO)
    assert found.array.tolist() == [[0.1, 0.2]] and found.shape == ()
    out = found.wrap(np.zeros(1))
    assert out.trust_gpt.item() == 0.1 and out.trust_qwen.item() == 0.2


def test_arrays_by_source_vary_together():
    found = points({"gpt": [0, 0.5, 1], "qwen": 0.2}, TWO)
    assert found.array.tolist() == [[0, 0.2], [0.5, 0.2], [1, 0.2]]
    assert found.dims == ("trust",)


def test_arrays_with_dimensions_of_their_own_make_a_grid():
    trust = {s: xr.DataArray([0, 0.5, 1][: 3 - i], dims=s) for i, s in enumerate(TWO)}
    found = points(trust, TWO)
    assert found.shape == (3, 2) and found.dims == TWO
    out = found.wrap(np.arange(6.0))
    assert out.sel(gpt=0.5, qwen=0.5).item() == 3
    assert found.array[3].tolist() == [0.5, 0.5]


def test_along_multiplies_a_shared_weight():
    found = points([0.5, 1], TWO, along={"qwen": 1})
    assert found.array.tolist() == [[0, 0.5], [0, 1]]
    found = points(0.5, TWO, along={"qwen": 1, "gpt": 0.5})
    assert found.array.tolist() == [[0.25, 0.5]]


@pytest.mark.parametrize(
    ("trust", "says"),
    [
        (-0.1, "trust=-0.1 is not a weight"),
        ([0.1, np.nan], "trust=nan is not a weight"),
        (np.inf, "is not a weight"),
        (1.5, "trust=1.5 lies beyond the path, which ends at 1"),
        ([[0.1]], "2 dimensions"),
        ("cautious", "names a rule"),
        ("0.5", "trust='0.5' is text: give the number 0.5, without quotes"),
        (["0", "1e-1"], "trust='0' is text: give the number 0"),
        ("half", "names a rule"),
        (["a", "b"], "not a weight"),
        ({"synthetic": "cautious"}, "not a weight"),
        ({"synthetic": None}, "not a weight"),
        (object(), "not a weight"),
    ],
)
def test_what_is_no_weight(trust, says):
    with pytest.raises(ValueError, match=says):
        points(trust)


@pytest.mark.parametrize(
    ("trust", "says"),
    [
        ({"gpt": 0.1}, "misses 'qwen'"),
        ({"gpt": 0.1, "qwen": 0.1, "llama": 1}, "names 'llama'"),
        ({"gpt": 0.1, "qwen": -1}, "trust=-1 is not a weight"),
        ({"gpt": [0.1, 0.2], "qwen": [0, 0.5, 1]}, "2 and 3"),
        ({"gpt": [[0.1]], "qwen": 0.1}, "2 dimensions"),
        ({}, "misses 'gpt'"),
    ],
)
def test_what_are_no_weights_by_source(trust, says):
    with pytest.raises(ValueError, match=says):
        points(trust, TWO)


@pytest.mark.parametrize(
    ("along", "says"),
    [
        ({"gtp": 1}, "along= names 'gtp'. Did you mean 'gpt'"),
        ({"gpt": -1}, "-1 is not a weight"),
        ({"gpt": 2}, "beyond the path"),
        ({}, "gives no source any weight"),
        ("gpt", "along= must map"),
    ],
)
def test_what_is_no_direction(along, says):
    with pytest.raises((ValueError, TypeError), match=says):
        points([0.0, 1.0], TWO, along=along)


def test_along_goes_with_a_shared_weight_only():
    with pytest.raises(ValueError, match="along="):
        points({"gpt": 1, "qwen": 0.5}, TWO, along={"gpt": 1})
