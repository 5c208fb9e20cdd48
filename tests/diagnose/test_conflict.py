"""Conflict of real data with the foundation prior, and with the answers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import foundation_priors as fp
from foundation_priors.diagnose.conflict import conflict
from foundation_priors.diagnose.conflict_core import best_linear, lower_tail, two_sided
from foundation_priors.diagnose.conflict_disagreement import disagreement
from foundation_priors.diagnose.conflict_regions import cut
from tests.path import models


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(0, 1000))
def test_the_tail_is_uniform_for_discrete_statistics_too(levels, seed):
    rng = np.random.default_rng(seed)
    made = rng.integers(0, levels, (50, 1500)).astype(float)
    p = lower_tail(made[0], made[1:], rng)
    assert stats.kstest(p, "uniform").pvalue > 1e-5
    assert ((two_sided(p) >= 0) & (two_sided(p) <= 1)).all()


def test_without_replicates_there_is_no_tail(rng):
    with pytest.raises(ValueError, match="at least one"):
        lower_tail(np.array(1.0), np.empty((0,)), rng)


def test_the_best_linear_estimate_of_a_normal_mean_is_its_posterior_mean(rng):
    mu = rng.normal(size=(40_000, 1))
    total = 5 * mu + np.sqrt(5) * rng.normal(size=mu.shape)
    _, slope = best_linear(total, mu)
    assert slope.item() == pytest.approx(1 / 6, rel=0.02)


@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_a_normal_mean_conflicts_as_boxs_check_says(trust):
    """The mean of 12 rows is N(m_L, sigma^2/12 + tau_L^2) under the foundation prior."""
    path, (real, said) = models.normal(), models.normal_data()
    m0, s0, sigma = models.KNOWN.values()
    precision = 1 / s0**2 + trust * 14 / sigma**2
    mean = (m0 / s0**2 + trust * said.y.sum() / sigma**2) / precision
    z = (real.mean() - mean) / np.sqrt(1 / precision + sigma**2 / 12)
    truth = 2 * stats.norm.sf(abs(z))
    found = conflict(path, trust, draws=1500, random_seed=2).sel(region="all rows")
    for check in ("mean", "mu"):
        one = found.sel(check=check)
        assert abs(one.p_value - truth) < 4 * one.mcse
    assert found.kind.sel(check="mu") == "quantity" and bool(found.reliable)


def test_each_source_is_checked_alone():
    """The third pair of counts, 200 of 1000 against 10 of 100 said, conflicts; others do not."""
    found = conflict(models.counts(), [0.0, 1.0], draws=300, random_seed=1).p_value
    assert found.source.values.tolist() == ["all sources", "a", "b", "c"]
    theta = found.sel(trust=1.0, check="theta[c]").squeeze()
    assert theta.sel(source="c") < 0.05 and theta.sel(source="a") > 0.1
    assert (found.sel(trust=0.0) > 0.01).all()


def test_regions_and_statistics_of_ones_own():
    path = models.hierarchy()
    found = conflict(
        path, 0.3, by="cell_of", statistics={"range": lambda y: np.ptp(y, axis=-1)}, draws=50
    )
    assert found.region.values.tolist()[:2] == ["all rows", "cell_of 0"]
    assert "range" in found.check.values and found.attrs["reading"] and found.attrs["fails_when"]
    rule = conflict(models.coin(), "cautious", draws=50)
    assert rule.p_value.dims == ("region", "check") and "cautious" in rule.attrs["reading"]


def test_numbers_are_cut_at_quartiles():
    parts = cut(np.arange(40.0))
    assert [m.sum() for m in parts.values()] == [10, 10, 10, 10]
    assert list(cut(np.array(["a", "b", "a"]))) == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"draws": 3}, ValueError, "at least 20"),
        ({"by": ["a"]}, ValueError, "5 real rows"),
        ({"by": "age"}, ValueError, "not a data container"),
        ({"quantities": "tehta"}, ValueError, "theta"),
    ],
)
def test_bad_input(options, error, message):
    with pytest.raises(error, match=message):
        conflict(models.coin(), 0.5, **options)


def test_a_path_without_its_model():
    from dataclasses import replace

    with pytest.raises(fp.ModelError, match="without its model"):
        conflict(replace(models.coin(), model=None))


def made(rng, n, spread, slope, shift=0.0):
    x = rng.normal(size=n)
    return pd.DataFrame({"x": x, "y": shift + slope * x + spread * rng.normal(size=n)})


def test_disagreement_finds_what_was_put_in(rng):
    real = made(rng, 800, 0.4, 1.0)
    said = made(rng, 300, 0.1, 0.7, 0.2).assign(framing="plain", person=np.arange(300))
    llm = fp.SyntheticData.from_dataframe(said, outcome="y", unit="person", weight=1)
    table = disagreement(llm, real, by="framing").loc["all answers"]
    truth = {"centre": 0.2, "spread": np.log(0.25), "x": -0.3}
    for on, value in truth.items():
        assert table.lower[on] < value < table.upper[on] and table.disagrees[on]


def test_intervals_cover(rng):
    inside = []
    for seed in range(60):
        own = np.random.default_rng(seed)
        llm = fp.SyntheticData.from_dataframe(made(own, 60, 0.3, 1.0), outcome="y", weight=1)
        table = disagreement(llm, made(own, 200, 0.3, 1.0), draws=300)
        inside.append(~table.disagrees.to_numpy())
    assert 0.8 < np.mean(inside) < 0.97


def test_answers_about_wages_scatter_less_than_people():
    study = fp.datasets.load("wages")
    table = disagreement(study.synthetic, study.real, "lwage", by="conversation")
    spread = table.xs("spread", level="on")
    assert spread.real.iloc[0] == pytest.approx(0.377, abs=0.005)
    each = spread.synthetic.drop("all answers")
    assert 0.03 < each.min() < 0.05 and 0.18 < each.max() < 0.22
    assert spread.disagrees.all() and "scatter less" in table.attrs["reading"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outcome": "wgae"}, "wage"),
        ({"outcome": None}, "name one"),
        ({"by": "farming"}, "framing"),
        ({"covariates": ["edcu"]}, "educ"),
        ({"draws": 5}, "at least 100"),
        ({"ci_prob": 2}, "between 0 and 1"),
    ],
)
def test_bad_disagreements(options, message):
    study = fp.datasets.load("wages")
    with pytest.raises(ValueError, match=message):
        disagreement(study.synthetic, study.real, **{"outcome": "lwage", **options})


def test_only_answers_disagree():
    with pytest.raises(TypeError, match="SyntheticData"):
        disagreement(pd.DataFrame({"y": [1.0]}), pd.DataFrame({"y": [1.0]}))
