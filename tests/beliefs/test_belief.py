"""What can be said, in which forms, and what cannot."""

import copy
import pickle

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

import foundation_priors as fp
from foundation_priors.beliefs import Belief, Beliefs, Support
from foundation_priors.errors import (
    ColumnError,
    IncompleteWarning,
    ModelError,
    SyntheticAsEvidenceError,
)
from foundation_priors.prior.quantity import quantity_of

SKEWED = {0.05: 0.03, 0.5: 0.08, 0.95: 0.2}
COLUMNS = {"q05": 0.05, "q50": 0.5, "q95": 0.95}


def test_every_form_gives_what_was_said() -> None:
    stated = Belief.from_quantiles("q", SKEWED, source="gpt")
    assert stated.density.cdf(list(SKEWED.values())) == pytest.approx(list(SKEWED), abs=1e-12)
    interval = Belief.from_interval("q", -1.0, 3.0, prob=0.8)
    assert interval.density.cdf([-1.0, 3.0]) == pytest.approx([0.1, 0.9])
    for support in (None, (0, None), (None, 1), (0, 1)):
        moments = Belief.from_moments("q", 0.3, 0.1, support=support).density
        assert (moments.mean, moments.sd) == (pytest.approx(0.3), pytest.approx(0.1, rel=1e-5))
    density = Belief.from_density("q", stats.gamma(2)).density
    assert density.logpdf(2.0) == pytest.approx(stats.gamma(2).logpdf(2.0), abs=1e-6)
    draws = Belief.from_draws("q", stats.norm(5, 2).rvs(4000, random_state=2)).density
    assert draws.mean == pytest.approx(5, abs=4 * 2 / 4000**0.5)
    assert draws.sd == pytest.approx(2, abs=4 * 2 / 8000**0.5)


def test_a_beta_of_moments_is_the_beta() -> None:
    beta = stats.beta(19, 133)
    made = Belief.from_moments("p", beta.mean(), beta.std(), support=(0, 1)).density
    x = beta.ppf([0.001, 0.5, 0.999])
    assert made.logpdf(x) == pytest.approx(beta.logpdf(x), abs=1e-7)


def test_a_histogram_keeps_its_bins() -> None:
    edges, counts = [0, 1, 2, 3, 4, 5], [0, 1, 4, 3, 0]
    density = Belief.from_histogram("q", edges, counts, outside=0.02).density
    assert np.diff(density.cdf([1, 2, 3, 4])) == pytest.approx(0.98 * np.array([1, 4, 3]) / 8)
    bounded = Belief.from_histogram("q", edges, [2, 1, 4, 3, 2], support=(0, 5)).density
    assert bounded.cdf([1, 2]) == pytest.approx(np.array([2, 3]) / 12)


@pytest.mark.parametrize(
    ("edges", "counts", "support"),
    [
        ([0, 1, 2, 3, 4], [5, 0, 0, 5], None),
        ([0, 1, 2, 3, 4], [5, 0, 0, 5], (0, 4)),
        ([0, 1, 2, 3, 4], [5, 0, 0, 5], (0, None)),
        ([0, 1, 2, 3, 4], [5, 0, 0, 5], (None, 4)),
        ([0, 0.1, 3, 10, 50], [2, 0, 1, 5], None),
        ([0, 1, 2, 3, 10, 50], [5, 0, 1, 0, 5], (0, 50)),
        (range(21), [1, 2, 3, 4, 0, 0, 0, 0, 1, 0, 0, 0, 5, 6, 7, 0, 0, 0, 3, 1], None),
        ([0, 1e-3, 1e3, 1e6], [1, 0, 1], None),
    ],
)
def test_a_histogram_keeps_its_gaps(edges, counts, support) -> None:
    belief = Belief.from_histogram("q", edges, counts, support=support)
    density, x = belief.density, np.array(edges, dtype=float)
    below = density.cdf(x)
    empty = np.array(counts) == 0
    assert np.diff(below)[empty] == pytest.approx(0, abs=1e-8)
    drawn = below[-1] - below[0]
    shares = np.array(counts) / np.sum(counts)
    assert np.diff(below) == pytest.approx(drawn * shares, abs=1e-8)
    assert drawn == pytest.approx(1 - 0.005 * sum(e is None for e in (support or (None,) * 2)))
    assert density.total == pytest.approx(1, abs=1e-6)
    middles = (x[1:] + x[:-1]) / 2
    heights = density.logpdf(middles)
    assert np.isfinite(heights).all() and heights[empty].max() < heights[~empty].min() - 10
    p = np.array([0.02, 0.3, 0.9, 0.97])
    assert density.cdf(density.quantile(p)) == pytest.approx(p, abs=1e-6)
    grid = np.linspace(x[0] - 1, x[-1] + 1, 400_001)
    if np.ptp(x) < 1e3:
        masses = [np.exp(density.logpdf(grid[(grid > a) & (grid < b)])).sum() for a, b in
                  zip(x[:-1], x[1:], strict=True)]  # fmt: skip
        assert np.array(masses) * (grid[1] - grid[0]) == pytest.approx(np.diff(below), abs=1e-3)
    again = Belief.from_json(belief.to_json()).density
    assert again.cdf(middles) == pytest.approx(density.cdf(middles), abs=1e-15)


def test_chips_with_an_empty_bin_inside() -> None:
    density = Belief.from_histogram("q", [0, 1, 2, 3, 4], [5, 0, 0, 5]).density
    assert density.cdf([1.0, 2.0, 3.0]) == pytest.approx(0.5, abs=1e-9)
    assert density.quantile(0.25) == pytest.approx(0.5, abs=0.01)
    assert density.mean == pytest.approx(2)


def test_experts_whose_quantiles_cross_are_left_out_by_name() -> None:
    frame = pd.DataFrame(
        {
            "expert": ["ann", "bob", "cy", "dee"],
            "low": [1.0, 5.0, 2.0, np.nan],
            "high": [3.0, 4.0, 4.0, 1.0],
            "w": [1.0, 7.0, 3.0, 5.0],
        }
    )
    levels = {"low": 0.1, "high": 0.9}
    options = {"expert": "expert", "weights": "w"}
    with pytest.warns(IncompleteWarning) as caught:
        pool = Belief.from_dataframe(frame, "q", levels, **options)
    texts = [str(w.message) for w in caught]
    assert any("1 of 4 experts gave quantiles that cross" in t and ": bob." in t for t in texts)
    assert any("dee" in t for t in texts)
    rest = Belief.from_dataframe(frame.iloc[[0, 2]], "q", levels, **options)
    assert pool.said == rest.said
    with pytest.raises(ColumnError, match="expert 'bob' cross"):
        Belief.from_dataframe(frame.iloc[[1]], "q", levels, **options)


@pytest.mark.parametrize("support", [(0, 1), (0, None), (-1, 0)])
def test_a_quantile_at_the_end_of_the_support(support) -> None:
    quantiles = {0.05: 0, 0.5: 0.02, 0.95: 0.1}
    if support == (-1, 0):
        quantiles = {0.05: -0.5, 0.5: -0.1, 0.95: 0}
    with pytest.raises(ColumnError, match="names 0, which lies .* at its end, .* just inside"):
        Belief("r", quantiles=quantiles, support=support)


@pytest.mark.parametrize(
    "quantiles",
    [
        {0.05: 0, 0.5: 1, 0.95: 1 + 1e-7},
        {0.05: 1, 0.5: 1 + 1e-7, 0.95: 2},
        {0.25: 1, 0.5: 1.001, 0.75: 2},
        {0.45: 1, 0.5: 1.01, 0.55: 2},
    ],
)
def test_tails_that_explode(quantiles) -> None:
    with pytest.raises(ColumnError, match="so close to each other that a tail explodes"):
        Belief("q", quantiles)
    with pytest.raises(ColumnError, match="a tail explodes"):
        Belief.from_dataframe(
            pd.DataFrame({str(p): [x, 0.01 * i] for i, (p, x) in enumerate(quantiles.items())}),
            "q",
            {str(p): p for p in quantiles},
        )


def test_tails_that_only_lean() -> None:
    for quantiles in ({0.05: 0, 0.5: 0.1, 0.95: 10}, {0.05: 1, 0.95: 1 + 1e-9}, SKEWED):
        assert np.isfinite(Belief("q", quantiles).density.sd)


@pytest.mark.parametrize("support", [None, (0, 1)])
def test_one_filled_bin(support) -> None:
    for edges, counts in (([0, 1], [3]), ([0, 1, 2], [3, 0]), ([-1, 0, 1], [0, 3])):
        if support is None or min(edges) >= 0 and max(edges) <= 1:
            density = Belief.from_histogram("q", edges, counts, support=support).density
            outside = 0.01 if support is None else 0
            assert np.diff(density.cdf([0.0, 1.0])) == pytest.approx(1 - outside)
            assert density.mean == pytest.approx(0.5)


def test_gaps_in_a_graph() -> None:
    import pytensor.tensor as pt

    from foundation_priors.prior.model import numpy_mode

    density = Belief.from_histogram("q", [0, 1, 2, 3, 4], [5, 0, 0, 5]).density
    at = np.array([-2.0, 0.5, 0.999, 1.5, 2.0, 3.2, 9.0])
    x = pt.vector("x")
    log = density.logpdf(x)
    found, slope = (v.eval({x: at}, mode=numpy_mode()) for v in (log, pt.grad(log.sum(), x)))
    assert found == pytest.approx(density.logpdf(at), rel=1e-10)
    step = 1e-6
    numeric = (density.logpdf(at + step) - density.logpdf(at - step)) / (2 * step)
    assert slope == pytest.approx(numeric, rel=1e-4, abs=1e-4)


def test_a_pool_with_gaps() -> None:
    chips = Belief.from_histogram("q", [0, 1, 2, 3, 4], [5, 0, 0, 5])
    other = Belief("q", {0.05: 0, 0.5: 2, 0.95: 4})
    linear = Belief.pool([chips, other]).density
    assert linear.cdf(3.0) == pytest.approx((0.5 + other.density.cdf(3.0)) / 2, abs=1e-6)
    assert np.isfinite(Belief.pool([chips, other], "logarithmic").density.mean)


def test_both_pools_of_24_experts() -> None:
    answers = fp.datasets.load("returns").synthetic
    spread = {}
    for method in ("linear", "logarithmic"):
        pools = Belief.from_dataframe(
            answers,
            "beta[educ]",
            COLUMNS,
            expert="expert",
            panel="framing",
            scale=0.01,
            method=method,
        )
        assert list(pools) == ["economist", "policy", "skeptic"]
        assert all(len(pool.said.parts) == 24 for pool in pools.values())
        assert all(abs(pool.density.total - 1) < 1e-9 for pool in pools.values())
        spread[method] = [pool.density.sd for pool in pools.values()]
        assert {pool.source for pool in pools.values()} == set(pools)
    assert np.less(spread["logarithmic"], spread["linear"]).all()
    frame = answers.dataset.to_dataframe()
    panel = frame[frame.framing == "policy"]
    by_hand = [
        Belief("beta[educ]", {0.05: a / 100, 0.5: b / 100, 0.95: c / 100})
        for a, b, c in panel[["q05", "q50", "q95"]].to_numpy()
    ]
    x = np.linspace(-0.05, 0.3, 50)
    mean = np.mean([np.exp(b.density.logpdf(x)) for b in by_hand], axis=0)
    together = Belief.from_dataframe(panel, "beta[educ]", COLUMNS, scale=0.01)
    assert np.exp(together.density.logpdf(x)) == pytest.approx(mean, rel=1e-9)
    assert np.exp(Belief.pool(by_hand).density.logpdf(x)) == pytest.approx(mean, rel=1e-9)


def test_it_survives_copies_and_files() -> None:
    parts = [
        Belief("q", SKEWED),
        Belief.from_moments("q", 0.1, 0.02),
        Belief.from_draws("q", stats.norm.rvs(size=50, random_state=1)),
    ]
    pool = Belief.pool(parts, "logarithmic", [1, 2, 1], source="all")
    x = np.linspace(0, 0.3, 9)
    for other in (
        copy.deepcopy(pool),
        pickle.loads(pickle.dumps(pool)),
        Belief.from_json(pool.to_json()),
        Beliefs.decode(Beliefs((pool,), ("note",)).encode()).beliefs[0],
    ):
        assert other.density.logpdf(x) == pytest.approx(pool.density.logpdf(x), rel=1e-12)
        assert (other.source, other.quantity, other.provenance) == ("all", "q", pool.provenance)
    tabled = Belief.from_density("q", stats.gamma(2))
    read = Belief.from_json(tabled.to_json())
    assert read.density.mean == pytest.approx(tabled.density.mean, rel=0.02)
    assert "logarithmic pool of 3" in repr(pool)
    assert Beliefs((pool,)).dataset.sizes == {"belief": 1, "probability": 9}


def test_it_never_becomes_evidence() -> None:
    belief = Belief("q", SKEWED)
    with pm.Model():
        for attempt in (
            lambda: np.asarray(belief),
            lambda: list(belief),
            lambda: pd.Series(belief),
            lambda: pm.Normal("y", 0, 1, observed=belief),
            lambda: pm.Data("x", belief),
        ):
            with pytest.raises(SyntheticAsEvidenceError, match="A Belief is"):
                attempt()
    with pytest.raises(AttributeError, match="frozen"):
        belief.source = "real data"


@pytest.mark.parametrize(
    ("quantiles", "support", "message"),
    [
        ({0.05: 2, 0.5: 1, 0.95: 3}, None, "'belief' on 'q' cross: 2 at 0.05 is not below 1"),
        ({0.05: 1, 0.5: 1, 0.95: 3}, None, "cross"),
        ({0.05: -1, 0.5: 1}, (0, None), "names -1, which lies outside the support"),
        ({0.05: 0, 0.5: 1}, (0, 1), "lies outside the support"),
        ({5: 1, 50: 2}, None, "probability 5 of .* between 0 and 1"),
        ({0.5: 1}, None, "at least 2"),
        ({0.5: 1, 0.9: np.nan}, None, "missing or infinite"),
        ({0.5: 1, 0.9: "much"}, None, "must be numbers"),
    ],
)
def test_impossible_quantiles(quantiles: dict, support: tuple | None, message: str) -> None:
    with pytest.raises(ColumnError, match=message):
        Belief("q", quantiles, support=support)


def test_impossible_words() -> None:
    pair = [Belief("q", SKEWED), Belief("r", SKEWED)]
    cases = [
        (TypeError, "must be a dictionary", lambda: Belief("q", [1, 2, 3])),
        (TypeError, "quantity=3", lambda: Belief(3, SKEWED)),
        (ValueError, "is empty", lambda: Belief("q", SKEWED, support=(1, 0))),
        (ValueError, "must be a pair", lambda: Belief("q", SKEWED, support=3)),
        (ColumnError, "must be positive", lambda: Belief.from_moments("q", 1, 0)),
        (ValueError, "less than 0.5", lambda: Belief.from_moments("q", 0.5, 0.6, support=(0, 1))),
        (ValueError, "prob=2", lambda: Belief.from_interval("q", 0, 1, prob=2)),
        (ColumnError, "cross", lambda: Belief.from_interval("q", 1, 0)),
        (ColumnError, "at least 20", lambda: Belief.from_draws("q", [1, 2])),
        (ColumnError, "3 distinct", lambda: Belief.from_draws("q", [1, 2, 3] * 10)),
        (ColumnError, "4 edges for 2 bins", lambda: Belief.from_histogram("q", range(4), [1, 2])),
        (ColumnError, "not all 0", lambda: Belief.from_histogram("q", range(3), [0, 0])),
        (ValueError, "outside=0", lambda: Belief.from_histogram("q", range(3), [1, 1], outside=0)),
        (TypeError, "no logpdf", lambda: Belief.from_density("q", 3.0)),
        (ValueError, "no pool method", lambda: Belief.pool(pair[:1], "geometric")),
        (ValueError, "cannot be pooled", lambda: Belief.pool(pair)),
        (TypeError, "not float", lambda: Belief.pool([1.0])),
        (ColumnError, "no expert has answered", lambda: Belief.pool([])),
        (ValueError, "must be 1 numbers", lambda: Belief.pool(pair[:1], weights=[1, 2])),
    ]
    for kind, message, attempt in cases:
        with pytest.raises(kind, match=message):
            attempt()
    assert Belief("q", SKEWED).on(Support(0, 1)).cdf(0.08) == pytest.approx(0.5)


def test_experts_who_answered_nothing() -> None:
    frame = pd.DataFrame(
        {
            "expert": ["a", "b", "c"],
            "panel": ["x", "x", "y"],
            "q05": [1.0, np.nan, np.nan],
            "q50": [2.0, np.nan, 3.0],
            "q95": [4.0, np.nan, None],
        }
    )
    with pytest.warns(IncompleteWarning, match="2 of 3 experts .* left out of the pool: b, c"):
        assert len(Belief.from_dataframe(frame, "q", COLUMNS, expert="expert").said.parts) == 1
    with (
        pytest.raises(ColumnError, match="No expert of the panel 'y' has answered"),
        pytest.warns(),
    ):
        Belief.from_dataframe(frame, "q", COLUMNS, expert="expert", panel="panel")
    whole = frame.dropna(subset="q05")
    with pytest.raises(ColumnError, match="no column 'q0'"):
        Belief.from_dataframe(whole, "q", {"q0": 0.05, "q50": 0.5})
    with pytest.raises(ColumnError, match="'a' has several rows"):
        Belief.from_dataframe(pd.concat([whole, whole]), "q", COLUMNS, expert="expert")
    with pytest.raises(ColumnError, match="expert 'a' cross"):
        Belief.from_dataframe(whole.assign(q95=0.0), "q", COLUMNS, expert="expert")
    with pytest.raises(ValueError, match="scale=-1"):
        Belief.from_dataframe(whole, "q", COLUMNS, scale=-1)


def test_words_of_a_belief() -> None:
    assert "50% 0, 95%" in repr(Belief("b", {0.1: -1, 0.5: 0, 0.9: 1}))
    draws = np.concatenate([np.linspace(-1, -0.1, 20), np.linspace(0.1, 1, 20)])
    assert "40 draws, mean 0, sd" in repr(Belief.from_draws("b", draws))
    with pytest.raises(ColumnError, match="holds 1 quantile, and a belief needs at least 2"):
        Belief("b", {0.5: 1})


def test_a_function_without_a_name_is_not_in_a_file() -> None:
    with pm.Model() as model:
        pm.Normal("b")
    again = Belief.from_json(Belief(lambda free: 2 * free["b"], {0.1: -1, 0.9: 1}).to_json())
    with pytest.raises(ModelError, match="function without a name.*Deterministic"):
        quantity_of(model, again.quantity)
