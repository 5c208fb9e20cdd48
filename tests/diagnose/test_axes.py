"""Three axes side by side, and strengths from pairs."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from foundation_priors.diagnose.axes import axes
from foundation_priors.diagnose.axes_strength import bradley_terry
from foundation_priors.errors import ColumnError

WON = {("a", "b"): 7, ("b", "a"): 3, ("b", "c"): 6, ("c", "b"): 4, ("a", "c"): 9, ("c", "a"): 2}


def pairs(won: dict) -> pd.DataFrame:
    rows = [pair for pair, times in won.items() for _ in range(times)]
    return pd.DataFrame(rows, columns=["winner", "loser"])


def sources(rng: np.random.Generator) -> tuple[fp.SyntheticData, pd.Series]:
    """Return an oracle, somebody who guesses, and a third who says the mean to everybody."""
    truth = rng.normal(size=200)
    said = {
        "oracle": np.repeat(truth[:, None], 3, axis=1),
        "noise": rng.normal(size=(200, 3)),
        "mean": np.zeros((200, 3)),
    }
    rows = [
        (name, i, y) for name, table in said.items() for i, row in enumerate(table) for y in row
    ]
    frame = pd.DataFrame(rows, columns=["source", "who", "y"])
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", source="source", unit="who")
    return llm, pd.Series(truth)


def test_two_names_have_the_log_odds_of_their_wins() -> None:
    found = bradley_terry(pairs({("a", "b"): 30, ("b", "a"): 10}), spread=1e4)
    assert found["strength"]["a"] - found["strength"]["b"] == pytest.approx(np.log(3), abs=1e-4)
    # Twice the error of a strength is that of their difference, sqrt(1 / (n p q)).
    assert 2 * found["error"]["a"] == pytest.approx(np.sqrt(1 / (40 * 0.75 * 0.25)), rel=1e-3)


def test_strengths_solve_the_likelihood_equations() -> None:
    found = bradley_terry(pairs(WON), spread=1e4)["strength"]
    for name in "abc":
        wins = sum(n for (w, _), n in WON.items() if w == name)
        expected = sum(
            n / (1 + np.exp(found[({*pair} - {name}).pop()] - found[name]))
            for pair, n in WON.items()
            if name in pair
        )
        assert wins == pytest.approx(expected, abs=1e-4)
    half = pairs(WON).assign(weight=0.5)
    assert bradley_terry(half, spread=1e4)["strength"].to_numpy() == pytest.approx(found, abs=1e-4)


def test_whoever_always_wins_stays_finite() -> None:
    found = bradley_terry(pairs({("a", "b"): 10, ("b", "c"): 10}))
    assert found["strength"].between(-8, 8).all()
    assert found["strength"].is_monotonic_decreasing


def test_quality_and_diversity_are_different_questions(rng) -> None:
    llm, truth = sources(rng)
    table = axes(llm, truth, judgements=pairs({("noise", "mean"): 8, ("oracle", "mean"): 5}))
    assert table.loc["oracle", "quality"] == pytest.approx(1)
    # Independent guesses from the right distribution score as climatology does.
    assert abs(table.loc["noise", "quality"]) < 4 * table.loc["noise", "quality_error"]
    assert table.loc["mean", "vendi"] == pytest.approx(1)
    assert table.loc["noise", "vendi"] > 2
    assert np.isnan(table.loc["mean", "voices"])
    assert "one voice" in table.attrs["not_judged"]["voices of mean"]
    assert table["complexity"].idxmin() == "mean"
    assert "nothing adds" in table.attrs["reading"]


def test_nothing_adds_the_axes_up(rng) -> None:
    llm, truth = sources(rng)
    columns = set(axes(llm, truth).columns)
    assert columns == {
        "quality",
        "quality_error",
        "vendi",
        "voices",
        "complexity",
        "complexity_error",
        "answers",
    }
    assert import_module("foundation_priors.diagnose.axes").__all__ == ["axes"]


def test_without_truth_or_pairs_it_says_so() -> None:
    table = axes(fp.datasets.load("modechoice").synthetic, by="framing")
    assert table[["quality", "complexity"]].isna().all(axis=None)
    assert table["vendi"].notna().all()
    assert set(table.attrs["not_judged"]) >= {"quality", "complexity"}
    given = axes(fp.datasets.load("wages").synthetic, by="framing", quality={"plain": -3.0})
    assert given.loc["plain", "quality"] == -3.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda a: axes([1]), TypeError, "SyntheticData"),
        (lambda a: axes(a, by="tone"), ColumnError, "tone"),
        (lambda a: axes(a, {1: 1}, quality={"plain": 1}), ValueError, "not both"),
        (lambda a: axes(a, by="framing", quality={"plan": 1}), ValueError, "plan"),
        (lambda a: axes(a, by="framing", judgements=pairs(WON)), ValueError, "'a'"),
        (lambda a: bradley_terry(pd.DataFrame({"winner": ["a"]})), ValueError, "loser"),
        (lambda a: bradley_terry(pairs({})), ValueError, "no rows"),
        (lambda a: bradley_terry(pairs({("a", "a"): 1})), ValueError, "himself"),
        (lambda a: bradley_terry(pairs({("a", None): 1})), ValueError, "without"),
        (lambda a: bradley_terry(pairs(WON).assign(weight=-1)), ValueError, "weight"),
        (lambda a: bradley_terry(pairs(WON), spread=0), ValueError, "spread"),
    ],
)
def test_bad_input(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call(fp.datasets.load("wages").synthetic)
