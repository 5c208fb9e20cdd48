"""Components of variance and effective voices: closed forms, real studies, bad input."""

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.diagnose.voices import variance_components
from foundation_priors.diagnose.voices_core import anova, repeats
from foundation_priors.diagnose.voices_effective import effective_number, effective_voices
from foundation_priors.diagnose.voices_model import contrasts
from foundation_priors.errors import ColumnError, ModelError
from foundation_priors.synthetic.weights import design_effect

PARTS = {"model": 0.25, "persona": 0.10, "prompt": 0.15, "within": 0.50}


@pytest.fixture(scope="module")
def votes() -> fp.SyntheticData:
    return fp.datasets.load("anes96").synthetic


def crossed(rng: np.random.Generator, variance=(0.25, 0.1, 0.5)) -> tuple[dict, np.ndarray]:
    grid = np.indices((5, 6, 3)).reshape(3, -1)
    factors = {"model": grid[0], "persona": grid[1]}
    y = rng.normal(0, variance[2] ** 0.5, grid.shape[1])
    for codes, var in zip(factors.values(), variance[:2], strict=True):
        y = y + rng.normal(0, var**0.5, codes.max() + 1)[codes]
    return factors, y


@pytest.mark.parametrize(
    ("counts", "number"), [((1, 1, 1), 2.0), ((1, 24, 10), 3.7), ((8, 5, 6), 12.8)]
)
def test_the_effective_number_of_240_draws(counts, number) -> None:
    asked = dict(zip(PARTS, (*counts, 240), strict=True))
    assert round(effective_number(PARTS, asked), 1) == number


def test_one_factor_in_equal_groups_is_the_design_effect(rng) -> None:
    groups = np.repeat(np.arange(20), 6)
    y = rng.normal(size=20)[groups] + rng.normal(size=120)
    a, within = anova(y, {"group": groups}).components
    found = effective_number({"group": a, "within": within}, {"group": 20, "within": 120})
    assert found == pytest.approx(120 / design_effect(y[:, None], groups))


def test_a_balanced_table_is_the_classic_one(rng) -> None:
    factors, y = crossed(rng)
    table = anova(y, factors)
    cube = y.reshape(5, 6, 3)
    rows, columns, total = cube.mean((1, 2)), cube.mean((0, 2)), cube.mean()
    squares = [18 * ((rows - total) ** 2).sum(), 15 * ((columns - total) ** 2).sum()]
    squares.append(((y - total) ** 2).sum() - sum(squares))
    np.testing.assert_allclose(table.squares, squares)
    np.testing.assert_allclose(table.df, [4, 5, 80])
    np.testing.assert_allclose(table.expected, [[18, 0, 1], [0, 15, 1], [0, 0, 1]], atol=1e-9)


def test_a_nested_factor_counts_in_the_mean_square_of_the_outer(rng) -> None:
    inner = np.repeat(np.arange(12), 5)
    table = anova(rng.normal(size=60), {"framing": inner // 3, "conversation": inner})
    np.testing.assert_allclose(table.expected[0], [15, 5, 1], atol=1e-9)
    np.testing.assert_allclose(table.df, [3, 8, 48])


def test_unbalanced_estimates_are_unbiased_exactly(rng) -> None:
    """Expected sums of squares, from the covariance of the answers itself, give the components."""
    n, variance = 40, np.array([0.7, 0.2, 0.4])
    factors = {"a": rng.integers(0, 4, n), "b": rng.integers(0, 5, n)}
    cov = variance[2] * np.eye(n)
    for codes, var in zip(factors.values(), variance[:2], strict=True):
        cov = cov + var * (codes[:, None] == codes)
    root = np.linalg.cholesky(cov)
    # Estimates are quadratic in y: their mean is the sum over the columns of a root of cov.
    tables = [anova(column, factors) for column in root.T]
    zero = anova(np.zeros(n), factors).expected
    mean = sum(np.linalg.solve(zero, t.squares / t.df) for t in tables)
    np.testing.assert_allclose(mean, variance, atol=1e-8)


def test_equal_groups_count_as_their_number() -> None:
    assert repeats(np.repeat(np.arange(4), 3), 12) == pytest.approx(4)
    assert repeats(np.array([0, 0, 0, 1]), 4) == pytest.approx(1.6)
    assert repeats(None, 7) == 7


def test_contrasts_keep_every_sum_of_squares(rng) -> None:
    factors, y = crossed(rng)
    data, table = contrasts(y, factors), anova(y, factors)
    assert not len(data.contrasts)
    np.testing.assert_allclose(np.sort(data.squares), np.sort(table.squares))
    np.testing.assert_allclose(data.df.sum(), len(y) - 1)
    some = rng.choice(len(y), 60, replace=False)
    least = {k: pd.factorize(v[some])[0] for k, v in factors.items()}
    loose = contrasts(y[some], least)
    assert len(loose.contrasts) == 4 + 5
    total = (loose.contrasts**2).sum() + loose.squares.sum()
    np.testing.assert_allclose(total, ((y[some] - y[some].mean()) ** 2).sum())


def test_anes96_is_one_voice_about_sixty_profiles(votes) -> None:
    found = variance_components(votes, "vote")
    assert found["component"].values.tolist() == [
        "profile",
        "framing",
        "conversation",
        "framing:profile",
        "within",
    ]
    share = found["share"].to_series()
    assert share.sum() == pytest.approx(1)
    assert share["framing"] < 0.05 and share["conversation"] < 0.05  # new wording, same votes
    voices = effective_voices(found)
    # The design effect of profiles is the same question asked of one grouping.
    assert float(voices["effective"][0]) == pytest.approx(540 / 8.16, rel=0.01)
    assert float(voices["effective"].sel(design="10 times the answers")) < 68
    assert 1.0 < voices.attrs["per_question"] < 1.2
    assert "66.2 independent voices" in voices.attrs["reading"]
    assert "one source" in voices.attrs["reading"]


def test_fixed_questions_leave_the_voices_alone(votes) -> None:
    found = variance_components(votes, "vote")
    fixed = effective_voices(found, questions="fixed")
    assert "profile" not in fixed["component"]
    assert float(fixed["effective"][0]) > float(effective_voices(found)["effective"][0])


def test_an_assumed_model_bounds_the_number(votes) -> None:
    plan = {"eight models": {"model": 8}}
    found = effective_voices(votes, "vote", assume={"model": 0.1}, plan=plan)
    one, eight = found["effective"].values
    total = float(np.maximum(variance_components(votes, "vote")["variance"], 0).sum()) + 0.1
    assert one < total / 0.1 < eight
    assert found["design"].values.tolist() == ["as asked", "eight models"]


def test_the_sampled_model_agrees_with_moments(votes) -> None:
    kwargs = {"interactions": False, "random_seed": 1}
    bayes = variance_components(votes, "vote", method="bayes", draws=500, **kwargs)
    moments = variance_components(votes, "vote", **kwargs)
    for name in ("profile", "within"):
        one, other = bayes.sel(component=name), moments.sel(component=name)
        assert float(one["variance"]) == pytest.approx(float(other["variance"]), rel=0.1)
        assert float(one["lower"]) == pytest.approx(float(other["lower"]), rel=0.1)
    assert (
        float(effective_voices(bayes)["lower"][0])
        < 66
        < float(effective_voices(bayes)["upper"][0]) + 3
    )


def test_copies_of_all_answers_are_no_more_voices(votes) -> None:
    few = effective_voices(votes, "vote", interactions=False)
    many = effective_voices(fp.concat([votes] * 5), "vote", interactions=False)
    assert many.sizes["design"] == few.sizes["design"]
    assert float(many["effective"][0]) == pytest.approx(float(few["effective"][0]), rel=0.02)


def frame(**columns) -> fp.SyntheticData:
    return fp.SyntheticData.from_dataframe(pd.DataFrame(columns), outcome="y")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda v: variance_components([1, 2]), TypeError, "SyntheticData"),
        (lambda v: variance_components(v, "age"), ColumnError, "no outcome"),
        (lambda v: variance_components(v, "vote", ["tone"]), ColumnError, "'tone'"),
        (lambda v: variance_components(v, "vote", ["source"], False), ModelError, "one level"),
        (lambda v: variance_components(v, "vote", method="reml"), ValueError, "reml"),
        (lambda v: variance_components(v, "vote", prob=1), ValueError, "prob"),
        (lambda v: variance_components(v, method="bayes", scale=-1), ValueError, "scale"),
        (lambda v: variance_components(v, method="bayes", draws=3), ValueError, "draws"),
        (lambda v: effective_voices(v, plan={"a": {"tone": 3}}), ValueError, "tone"),
        (lambda v: effective_voices(v, plan={"a": {"framing": 0}}), ValueError, "at least 1"),
        (lambda v: effective_voices(v, assume={"framing": 1}), ValueError, "need not"),
        (lambda v: effective_voices(v, assume={"model": -1}), ValueError, "variance"),
        (lambda v: effective_voices(v, questions="some"), ValueError, "questions"),
        (lambda v: effective_voices(v.dataset), ValueError, "variance_components"),
        (lambda v: effective_number(PARTS, {"within": 3}), ValueError, "same"),
        (lambda v: effective_number({"a": -1.0}, {"a": 2}), ValueError, "negative"),
        (lambda v: effective_number({"a": 1.0}, {"a": 0}), ValueError, "at least 1"),
    ],
)
def test_bad_input(votes, call, error, words) -> None:
    with pytest.raises(error, match=words):
        call(votes)


def test_answers_that_have_no_variance_to_decompose() -> None:
    framing = ["a", "a", "b", "b"] * 2
    with pytest.raises(ColumnError, match="without an order"):
        variance_components(frame(y=list("uvwuvwuv"), framing=framing))
    with pytest.raises(ModelError, match="one voice"):
        variance_components(frame(y=[1.0] * 8, framing=framing))
    with pytest.raises(ColumnError, match="missing"):
        variance_components(frame(y=[1.0, np.nan] * 4, framing=framing))
    with pytest.raises(ModelError, match="none was varied"):
        variance_components(frame(y=[1.0, 2.0, 3.0]))


def test_what_cannot_be_told_apart_is_named() -> None:
    found = variance_components(
        frame(y=np.arange(8.0), framing=list("aabbccdd"), model=list("uuvvwwxx"), source=["s"] * 8)
    )
    assert found["component"].values.tolist() == ["model", "within"]
    assert "as model does" in found.attrs["not_judged"]["framing"]
