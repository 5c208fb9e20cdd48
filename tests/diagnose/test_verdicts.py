"""What verdicts know, gain and cost: closed forms, warnings, bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foundation_priors as fp
from foundation_priors.diagnose.verdicts import verdicts
from foundation_priors.diagnose.verdicts_core import concordance, gap, information, kish
from foundation_priors.errors import ColumnError, ModelError, UnreliableWarning


def votes(n: int, seed: int = 1, **columns) -> tuple[fp.SyntheticData, np.ndarray]:
    """Return answers of which about .57 are right, and who is right; the truth is always a."""
    right = np.random.default_rng(seed).random(n) < 0.57
    frame = pd.DataFrame({"who": np.arange(n) // 2, "vote": np.where(right, "a", "b")})
    frame = frame.assign(**columns)
    levels = {"vote": ["a", "b"]}
    return (
        fp.SyntheticData.from_dataframe(
            frame, outcome="vote", unit="who", source="gpt", levels=levels
        ),
        right,
    )


def truth_of(n: int) -> dict[int, str]:
    return dict.fromkeys(range(n // 2), "a")


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 5), st.floats(-3, 3)), min_size=2, max_size=30))
def test_the_gap_is_prices_equation(pairs) -> None:
    w, u = np.array(pairs).T
    w = w + 0.1
    assert gap(w, u) == pytest.approx((w * u).sum() / w.sum() - u.mean(), abs=1e-9)
    assert 1 - 1e-9 <= kish(w) <= len(w) + 1e-9
    assert kish(np.full(7, 3.0)) == pytest.approx(7)


def test_a_critic_of_known_rates(rng) -> None:
    """Accepting right answers with p and wrong ones with q: AUC (1 + p - q) / 2."""
    n, p, q = 10_000, 0.6, 0.2
    llm, right = votes(n)
    critic = rng.random(n) < np.where(right, p, q)
    at = verdicts(llm, critic, truth_of(n), random_seed=1)["estimate"].to_series()
    mu = right.mean()
    share = mu * p + (1 - mu) * q
    assert at["auc"] == pytest.approx((1 + p - q) / 2, abs=4 * 0.5 / np.sqrt(n))
    assert at["gap"] == pytest.approx(mu * p / share - mu, abs=4 * 0.5 / np.sqrt(n * share))
    assert at["kish"] == pytest.approx(critic.sum())
    assert at["kept"] == pytest.approx(share, abs=4 * 0.5 / np.sqrt(n))

    def entropy(x: float) -> float:
        return -x * np.log2(x) - (1 - x) * np.log2(1 - x)

    bits = entropy(share) - mu * entropy(p) - (1 - mu) * entropy(q)
    assert at["information"] == pytest.approx(bits, abs=0.02)


def test_concordance_of_many_valued_utilities(rng) -> None:
    u, v = rng.integers(0, 6, 80).astype(float), rng.integers(0, 4, 80).astype(float)
    better = u[:, None] > u
    agree = (v[:, None] > v) + 0.5 * (v[:, None] == v)
    assert concordance(v, u) == pytest.approx(agree[better].mean())
    assert concordance(v, v) == 1.0
    assert np.isnan(concordance(v, np.zeros(80)))


def test_independent_verdicts_know_nothing(rng) -> None:
    v, u = rng.random((2, 5000))
    assert information(v, u) < 0.003
    assert information(v, v) == pytest.approx(np.log2(5), abs=0.01)
    llm, _ = votes(400)
    auc = verdicts(llm, rng.random(400), truth_of(400)).sel(figure="auc")
    assert abs(float(auc["estimate"]) - 0.5) < 4 * np.sqrt(401 / (12 * 228 * 172))
    assert float(auc["lower"]) < float(auc["estimate"]) < float(auc["upper"])


def test_verdicts_without_variance_and_of_the_same_model_warn() -> None:
    llm, _ = votes(40)
    with pytest.warns(UnreliableWarning, match="All 40 verdicts are equal"):
        found = verdicts(llm, np.ones(40), truth_of(40))
    at = found["estimate"].to_series()
    assert at["gap"] == 0 and at["auc"] == 0.5 and at["kept"] == 1
    with pytest.warns(UnreliableWarning, match="model that answered"):
        found = verdicts(llm, np.arange(40), truth_of(40), judge="GPT")
    assert (
        len(found.attrs["warnings"]) == 1 and found.attrs["warnings"][0] in found.attrs["reading"]
    )


def test_a_column_of_levels_and_numeric_answers(rng) -> None:
    y = rng.normal(size=60)
    frame = pd.DataFrame({"who": range(60), "y": y})
    frame["grade"] = pd.Categorical(
        np.where(np.abs(y) < 0.5, "good", "poor"), ["poor", "good"], ordered=True
    )
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", unit="who")
    zero = dict.fromkeys(range(60), 0.0)
    found = verdicts(llm, "grade", zero)["estimate"].to_series()
    assert 0.7 < found["auc"] < 1  # never wrong, and a tie within a grade
    assert found["gap"] > 0
    squared = verdicts(llm, "grade", zero, utility=lambda said, real: -((said - real) ** 2))
    assert float(squared["estimate"].sel(figure="utility")) == pytest.approx(-(y**2).mean())


def test_anchored_units_only() -> None:
    llm, right = votes(40)
    some = dict.fromkeys(range(5), "a")
    found = verdicts(llm, right, some)
    assert found.attrs["anchored"] == 10 and found.attrs["units"] == 5
    assert float(found["estimate"].sel(figure="utility")) == pytest.approx(right[:10].mean())
    assert float(found["estimate"].sel(figure="kish")) == pytest.approx(right.sum())


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "words"),
    [
        (("tone", {0: "a"}), {}, ColumnError, "tone"),
        ((np.ones(3), {0: "a"}), {}, ColumnError, "shape"),
        ((np.full(8, np.nan), {0: "a"}), {}, ColumnError, "missing"),
        ((np.array(list("abababab")), {0: "a"}), {}, ColumnError, "without levels"),
        ((-np.arange(8), {0: "a"}), {}, ValueError, "weight="),
        ((np.arange(8), {99: "a"}), {}, ModelError, "No answer"),
        ((np.arange(8), {0: "c"}), {}, ColumnError, "'c'"),
        ((np.arange(8), {0: "a"}), {"prob": 2}, ValueError, "prob"),
        ((np.arange(8), {0: "a"}), {"utility": lambda a, b: 1.0}, ValueError, "one finite"),
        ((np.arange(8), {0: "a"}), {"item": "whom"}, ColumnError, "whom"),
    ],
)
def test_bad_input(args, kwargs, error, words) -> None:
    with pytest.raises(error, match=words):
        verdicts(votes(8)[0], *args, **kwargs)
