"""Similarity against shuffled pairs, and errors in common."""

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.diagnose.similarity import similarity
from foundation_priors.diagnose.similarity_errors import (
    common_difficulty,
    effective_sources,
    error_correlation,
    pooled_error,
)
from foundation_priors.errors import ColumnError, ModelError


def answers(table: np.ndarray, names="abcdefgh", **columns) -> fp.SyntheticData:
    """Return answers of shape (source, item, draw)."""
    s, i, _ = np.indices(table.shape).reshape(3, -1)
    frame = pd.DataFrame({"y": table.ravel(), "model": np.array(list(names))[s], "item": i})
    return fp.SyntheticData.from_dataframe(frame, outcome="y", unit="item", **columns)


def test_independent_sources_are_at_the_floor(rng) -> None:
    found = similarity(answers(rng.normal(size=(2, 800, 2))), shuffles=20)
    assert abs(found.attrs["across"]) < 4 / np.sqrt(800)
    assert abs(found.attrs["own"]) < 4 / np.sqrt(800)


def test_a_common_part_is_its_share_of_the_variance(rng) -> None:
    """Sources y = shared + own: centred similarity is the intraclass correlation."""
    shared = rng.normal(size=(1, 1000, 1))
    own = rng.normal(size=(2, 1000, 1)) * np.sqrt(3)
    found = similarity(answers(shared + own), shuffles=120).sel(source="a", source_="b")
    assert float(found["centred"]) == pytest.approx(0.25, abs=4 / np.sqrt(1000))
    assert float(found["lower"]) < float(found["centred"]) < float(found["upper"])
    assert float(found["p"]) < 0.01


def test_copies_are_alike_and_levels_match(rng) -> None:
    said = rng.choice(["x", "y", "z"], size=(1, 60, 1))
    found = similarity(answers(np.concatenate([said, said])))
    assert found.attrs["across"] == pytest.approx(1)
    assert np.isnan(found.attrs["own"])


def test_two_values_give_cohens_kappa_up_to_its_small_sample_floor(rng) -> None:
    one, other = rng.integers(0, 2, (2, 500))
    found = similarity(answers(np.stack([one, other])[..., None])).isel(source=0, source_=1)
    agree = (one == other).mean()
    chance = one.mean() * other.mean() + (1 - one.mean()) * (1 - other.mean())
    assert float(found["similarity"]) == pytest.approx(agree)
    assert float(found["centred"]) == pytest.approx((agree - chance) / (1 - chance), abs=0.005)


def test_embeddings_are_centred_and_texts_compared_by_words(rng) -> None:
    llm = answers(rng.normal(size=(2, 50, 2)))
    far = rng.normal(size=(200, 5)) + 100  # all nearly one direction
    assert abs(similarity(llm, embeddings=far).attrs["across"]) < 0.2
    words = np.array(["yes it is", "no never", "who knows"])[rng.integers(0, 3, (1, 40, 1))]
    found = similarity(answers(np.concatenate([words, words])), text=True)
    assert found.attrs["across"] == pytest.approx(1)


def test_framings_of_anes96_are_nearly_one_voice() -> None:
    found = similarity(fp.datasets.load("anes96").synthetic, by="framing")
    assert found.attrs["across"] > 0.8 and found.attrs["own"] > 0.85
    assert "hardly another voice" in found.attrs["reading"]


def test_noise_is_not_called_the_same_voice(rng) -> None:
    """Sources without anything in common, not even with themselves; and few items of two voices."""
    noise = similarity(answers(rng.normal(size=(2, 40, 2))))
    assert noise.attrs["across"] > noise.attrs["own"] - 0.5
    assert "cannot be told" in noise.attrs["reading"]
    called = 0
    for _ in range(100):
        own = rng.normal(size=(2, 5, 1)) + rng.normal(size=(1, 5, 1))
        few = answers(own + 0.5 * rng.normal(size=(2, 5, 2)))
        called += "hardly" in similarity(few, shuffles=1).attrs["reading"]
    assert called <= 5 + 3 * np.sqrt(100 * 0.05 * 0.95)


@pytest.mark.parametrize(("own", "says"), [(0.0, "hardly another voice"), (1.0, "more than with")])
def test_voices_are_told_apart_by_the_spread_over_items(rng, own, says) -> None:
    """Items differ, sources perhaps differ on them, and each answers twice with a little noise.

    A level agrees with itself by (1 + own^2) / (1.01 + own^2) and with another by 1 / that.
    """
    table = rng.normal(size=(1, 600, 1)) + own * rng.normal(size=(2, 600, 1))
    found = similarity(answers(table + 0.1 * rng.normal(size=(2, 600, 2))), shuffles=5)
    assert says in found.attrs["reading"]
    gap = own**2 / (1.01 + own**2)
    assert abs(found.attrs["gap"] - gap) < 4 * found.attrs["gap_error"]


def test_effective_sources_of_a_public_benchmark() -> None:
    assert effective_sources(71, 0.419) == pytest.approx(2.34, abs=0.005)
    assert effective_sources(5, 0) == 5 and effective_sources(5, 1) == 1


def test_pooled_errors_decompose_exactly(rng) -> None:
    errors = rng.normal(size=(7, 30)) + rng.normal(size=30) + 0.3
    found = pooled_error(errors)
    assert found["pooled"] == pytest.approx(found["mean"] - found["ambiguity"], abs=1e-12)
    parts = found["bias2"] + found["variance"] / 7 + (1 - 1 / 7) * found["covariance"]
    assert found["pooled"] == pytest.approx(parts, abs=1e-12)


def test_difficulty_is_told_from_a_shared_ancestor(rng) -> None:
    hard = rng.normal(size=3000)
    errors = 0.8 * hard + rng.normal(size=(8, 3000))
    plain = error_correlation(errors)
    assert np.nanmax(np.abs(plain["rest"])) < 4 / np.sqrt(3000) * 1.5
    assert float(plain["rho"]) == pytest.approx(0.64 / 1.64, abs=0.05)
    kin = rng.normal(size=3000)
    errors[:2] += kin
    found = error_correlation(errors)
    assert float(found["rest"][0, 1]) > 0.2
    assert np.nanmax(np.abs(found["rest"].values[2:, 2:])) < 0.1
    assert "0 and 1 are alike beyond that" in found.attrs["reading"]


def test_the_pair_that_is_named_does_not_hang_on_rounding(rng) -> None:
    """A correlation matrix is symmetric up to rounding only."""
    for _ in range(40):
        errors = rng.normal(size=(6, 50)) + rng.normal(size=50)
        found = error_correlation(errors)
        rest = found["rest"].values
        i, j = max(zip(*np.triu_indices(6, 1), strict=True), key=lambda pair: rest[pair])
        assert f"; {i} and {j} are alike" in found.attrs["reading"]


def test_answers_that_are_all_alike_up_to_rounding_are_equal() -> None:
    same = np.full((2, 15, 1), 0.1)
    assert same.std() > 0
    with pytest.raises(ModelError, match="equal"):
        similarity(answers(same))


def test_one_factor_is_recovered_exactly() -> None:
    loading = np.array([0.9, 0.5, 0.3, 0.7, 0.2])
    correlation = np.outer(loading, loading)
    np.fill_diagonal(correlation, 1)
    found = common_difficulty(correlation)
    off = ~np.eye(5, dtype=bool)
    np.testing.assert_allclose(found[off], correlation[off], atol=1e-6)
    assert common_difficulty(np.eye(3)) is None


def test_answers_against_truth() -> None:
    said = np.array([[1.0, 2, 3, 5], [1, 3, 3, 6], [0, 2, 2, 4]])[..., None]
    truth = pd.Series([1.0, 2, 4, 5], index=range(4))
    found = error_correlation(answers(said), truth, by="model")
    errors = said[..., 0] - truth.to_numpy()
    np.testing.assert_allclose(found["correlation"], np.corrcoef(errors))
    np.testing.assert_allclose(found["mse"], (errors**2).mean(axis=1))
    assert np.isnan(found["rest"]).all()  # three sources fit any difficulty


def test_unordered_levels_are_wrong_or_right(rng) -> None:
    levels = {"y": ["u", "v", "w"]}
    said = rng.choice(["u", "v", "w"], size=(2, 30, 1))
    found = error_correlation(
        answers(said, levels=levels), dict.fromkeys(range(30), "u"), by="model"
    )
    wrong = (said[..., 0] != "u").astype(float)
    assert float(found["rho"]) == pytest.approx(np.corrcoef(wrong)[0, 1])
    codes = error_correlation(answers(said, levels=levels), dict.fromkeys(range(30), 0), by="model")
    assert float(codes["rho"]) == pytest.approx(float(found["rho"]))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda a: similarity(a, by="tone"), ColumnError, "tone"),
        (lambda a: similarity(a.sel(model="a")), ModelError, "one model"),
        (lambda a: similarity(a.isel([0, 9])), ModelError, "three items"),
        (lambda a: similarity(a, embeddings=np.ones((2, 2))), ValueError, "embeddings"),
        (lambda a: similarity(a, text=True), ValueError, "no texts"),
        (lambda a: similarity(a, prob=0), ValueError, "prob"),
        (lambda a: similarity(a, shuffles=0), ValueError, "shuffles"),
        (lambda a: similarity({}), TypeError, "SyntheticData"),
        (lambda a: error_correlation(a), ValueError, "truth="),
        (lambda a: error_correlation(a, {99: 1.0}, by="model"), ModelError, "No answer"),
        (lambda a: error_correlation(a, {0: 1.0, 1: 2.0}, by="model"), ModelError, "2 items"),
        (lambda a: error_correlation(a, [1, 2]), TypeError, "truth="),
        (lambda a: error_correlation(a, pd.Series([1.0, 2], index=[0, 0])), ValueError, "twice"),
        (lambda a: error_correlation(np.ones((2, 9))), ModelError, "same on every"),
        (lambda a: error_correlation(np.full((2, 9), np.nan)), ValueError, "finite"),
        (lambda a: effective_sources(0, 0.5), ValueError, "n=0"),
    ],
)
def test_bad_input(call, error, words) -> None:
    said = np.arange(18.0).reshape(2, 9, 1) % 5
    with pytest.raises(error, match=words):
        call(answers(said))


def test_equal_answers_have_no_likeness() -> None:
    with pytest.raises(ModelError, match="equal"):
        similarity(answers(np.ones((2, 5, 1))))
