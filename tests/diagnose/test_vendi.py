"""Vendi scores: closed forms, bounds, invariances, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foundation_priors as fp
from foundation_priors.diagnose.similarity_errors import effective_sources
from foundation_priors.diagnose.vendi import vendi
from foundation_priors.diagnose.vendi_core import bound, cosine, gaussian, hill, score, tfidf
from foundation_priors.errors import ColumnError


def scores(*args, **kwargs) -> list[float]:
    return vendi(*args, **kwargs)["score"].values[0].tolist()


def test_an_equicorrelated_kernel_in_closed_form() -> None:
    n, rho = 71, 0.419
    kernel = np.full((n, n), rho)
    np.fill_diagonal(kernel, 1)
    one, most = score(kernel, np.ones(n), [1, np.inf])
    assert one == pytest.approx(22.5, abs=0.1)
    assert most == pytest.approx(effective_sources(n, rho)) == pytest.approx(2.34, abs=0.005)
    assert bound(kernel, np.ones(n)) == pytest.approx(most)


def test_equal_and_orthogonal_values() -> None:
    assert scores(["a"] * 9) == pytest.approx([1, 1, 1])
    assert scores(list("abcdefghi")) == pytest.approx([9, 9, 9])
    assert scores(np.full(5, 2.0)) == pytest.approx([1, 1, 1])


def test_matching_is_the_hill_number_of_the_shares() -> None:
    values = ["a"] * 6 + ["b"] * 3 + ["c"]
    shares = np.array([0.6, 0.3, 0.1])
    q = [0, 0.5, 1, 2, np.inf]
    assert scores(values, q=q) == pytest.approx([hill(shares, x) for x in q])
    whole = (np.array(values)[:, None] == np.array(values)).astype(float)
    assert scores(values, q=q, kernel=whole) == pytest.approx([hill(shares, x) for x in q])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=25), st.floats(0.3, 4))
def test_bounds_and_copies(values, scale) -> None:
    x = np.array(values, dtype=float)
    found = vendi(x, q=(0, 1, 2, np.inf), scale=scale)
    row = found["score"].values[0]
    assert (np.diff(row) <= 1e-8).all()
    assert 1 - 1e-9 <= row[-1] <= float(found["bound"][0]) + 1e-9
    assert row[0] <= len(x) + 1e-9
    assert scores(np.tile(x, 3), scale=scale) == pytest.approx(scores(x, scale=scale))


def test_repeated_values_equal_the_whole_kernel(rng) -> None:
    x = rng.integers(0, 5, 40).astype(float)
    whole = gaussian(x, 1.5)
    assert scores(x, scale=1.5) == pytest.approx(scores(x, kernel=whole))
    assert scores(x, kernel=lambda v: gaussian(v, 1.5)) == pytest.approx(scores(x, scale=1.5))


def test_texts_and_embeddings(rng) -> None:
    texts = ["the tax is high", "the tax is high", "wages fell", "nobody knows"]
    one = scores(texts, kernel="tfidf")
    assert 2 < one[0] < 3
    assert scores(texts, embeddings=tfidf(texts)) == pytest.approx(one)
    assert scores(rng.normal(size=4), embeddings=np.eye(4)) == pytest.approx([4, 4, 4])
    assert np.diag(cosine(np.zeros((2, 3)))).tolist() == [1, 1]


def test_groups_in_subsets_of_one_size() -> None:
    llm = fp.datasets.load("anes96").synthetic
    found = vendi(llm, "self_placement", by="framing", size=60)
    assert found["score"].dims == ("group", "q") and found.sizes["group"] == 3
    assert (found["lower"] <= found["score"]).all() and (found["score"] <= found["upper"]).all()
    assert "subsets of 60" in found.attrs["reading"]
    whole = vendi(llm, "self_placement")
    assert "540 values count as" in whole.attrs["reading"]


@pytest.mark.parametrize(
    ("kwargs", "error", "words"),
    [
        ({"q": -1}, ValueError, "q="),
        ({"kernel": "match2"}, ValueError, "match"),
        ({"kernel": "tfidf"}, ColumnError, "texts"),
        ({"kernel": np.ones((2, 2))}, ValueError, "3 by 3"),
        ({"kernel": np.full((3, 3), 0.5)}, ValueError, "diagonal"),
        ({"kernel": np.array([[1, -1, -1], [-1, 1, -1], [-1, -1, 1.0]])}, ValueError, "below 0"),
        ({"embeddings": np.ones((2, 4))}, ValueError, "embeddings"),
        ({"embeddings": np.ones((3, 4)), "kernel": "match"}, ValueError, "not both"),
        ({"scale": 0.0}, ValueError, "scale"),
        ({"size": 4}, ValueError, "size"),
        ({"column": "vote"}, ValueError, "column="),
    ],
)
def test_bad_input(kwargs, error, words) -> None:
    with pytest.raises(error, match=words):
        vendi(np.array([1.0, 2.0, 3.0]), **kwargs)


def test_bad_values() -> None:
    with pytest.raises(ColumnError, match="missing"):
        vendi([1.0, np.nan])
    with pytest.raises(ColumnError, match="at least one"):
        vendi([])
    with pytest.raises(ColumnError, match="finite"):
        vendi(["a", "b"], kernel="gaussian")
    with pytest.raises(ColumnError, match="no column"):
        vendi(fp.datasets.load("anes96").synthetic, "votes")
