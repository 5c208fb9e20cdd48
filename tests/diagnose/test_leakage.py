"""Leakage against closed forms, exact tails and the built-in studies."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit, log_expit

import foundation_priors as fp
from foundation_priors.diagnose import leakage_pairs
from foundation_priors.diagnose.leakage import leakage
from foundation_priors.diagnose.leakage_core import Levels, Normal, judge
from foundation_priors.diagnose.leakage_words import reading
from foundation_priors.errors import ColumnError, ModelError
from foundation_priors.plots.leakage import plot_leakage
from tests.benchmarks import audit_leakage
from tests.path import models

HUBS, REPLICATES = 100, 200


def binary(p, draws=200):
    """Return log probabilities that no parameter moves."""
    logp = np.log(np.stack([1 - np.asarray(p), np.asarray(p)]))
    return np.repeat(logp[None], draws, axis=0)


@pytest.mark.parametrize("hits", [20, 24, 30, 34])
def test_known_probabilities_give_the_tail_of_the_binomial(rng, hits):
    n = 40
    said = rng.integers(0, 2, n)
    y = np.where(np.arange(n) < hits, said, 1 - said)
    found = judge(Levels(binary(np.full(n, 0.5)), y, np.eye(2)[said][None]), rng)
    exact = stats.binom.sf(hits - 1, n, 0.5)
    # 20,000 fresh outcomes.
    assert found.p[0] == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000) + 1e-4)
    assert found.excess[0] == pytest.approx(hits - n / 2)
    assert found.share[0] == pytest.approx((hits - n / 2) / (n / 2))
    assert found.left[0] == pytest.approx(1)


def test_unknown_mean_gives_the_score_test_of_a_regression(rng):
    """Under a flat prior and a known sd, z is that of the slope of y on what was said."""
    n, sd = 60, 1.3
    y = rng.normal(2, sd, n)
    said = 5 + 0.2 * (y - 2) + rng.normal(size=n)
    mean = np.repeat(rng.normal(y.mean(), sd / np.sqrt(n), 4000)[:, None], n, axis=1)
    found = judge(Normal(mean, np.full(mean.shape, sd), y, said[None]), rng)
    away = said - said.mean()
    exact = (away * y).sum() / sd / np.sqrt((away**2).sum())
    assert found.z[0] == pytest.approx(exact, abs=0.05)
    assert found.p[0] == pytest.approx(stats.norm.sf(exact), rel=0.1)


def test_logistic_regression_gives_the_score_test(rng):
    """With many rows z is Rao's statistic of a further coefficient, for what was said."""
    n = 400
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    y = (rng.random(n) < expit(x @ [0.3, 1.0])).astype(int)
    said = (rng.random(n) < expit(1.5 * x[:, 1] + 0.4 * (y - 0.5))).astype(int)
    hat = minimize(
        lambda b: -(y * (x @ b) + log_expit(-(x @ b))).sum(),
        np.zeros(2),
        jac=lambda b: x.T @ (expit(x @ b) - y),
    ).x
    p = expit(x @ hat)
    w = p * (1 - p)
    z = said - x @ np.linalg.solve((x * w[:, None]).T @ x, (x * w[:, None]).T @ said)
    exact = (z * (y - p)).sum() / np.sqrt((z**2 * w).sum())
    cov = np.linalg.inv((x * w[:, None]).T @ x)
    eta = rng.multivariate_normal(hat, cov, 4000) @ x.T
    logp = np.stack([log_expit(-eta), log_expit(eta)], axis=1)
    found = judge(Levels(logp, y, np.eye(2)[said][None]), rng)
    assert found.z[0] == pytest.approx(exact, abs=0.12)


@pytest.mark.parametrize("maker", [audit_leakage.cells, audit_leakage.regression])
def test_single_draws_give_uniform_p_values(maker):
    p = []
    for world in range(120):
        rng = np.random.default_rng([5, world])
        p.append(judge(maker(rng, 20)[0], rng, hubs=4, replicates=99).single[0])
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_answers_that_follow_the_covariates_say_nothing_of_their_own(rng):
    """Posterior draws of two cells: what was said is the cell, so that nothing is left."""
    cell = np.repeat([0, 1], 20)
    y = rng.integers(0, 2, 40)
    p = np.stack(
        [rng.beta(1e-3 + y[cell == c].sum(), 1e-3 + 20 - y[cell == c].sum(), 4000) for c in (0, 1)],
        axis=1,
    )[:, cell]
    logp = np.log(np.stack([1 - p, p], axis=1))
    found = judge(Levels(logp, y, np.eye(2)[cell][None]), rng)
    assert found.left[0] < 0.05


def test_the_largest_of_several_groups_is_corrected_for(rng):
    n = 50
    y = rng.integers(0, 2, n)
    said = rng.integers(0, 2, (6, n))
    one = judge(Levels(binary(np.full(n, 0.5)), y, np.eye(2)[said]), rng)
    assert (one.adjusted >= one.p).all()
    # Copies of one conversation are one test: nothing to correct.
    same = judge(Levels(binary(np.full(n, 0.5)), y, np.eye(2)[said[[0] * 6]]), rng)
    np.testing.assert_allclose(same.adjusted, same.p, atol=1e-9)


def modes(monkeypatch, **more):
    """Return a model of shares alone, its posterior exact, and the travellers' answers."""
    study = fp.datasets.load("modechoice")
    y = study.real["choice"].values

    def draws(model, rng, options):
        p = rng.dirichlet(1 + np.bincount(y, minlength=4), 1000)
        return xr.Dataset({"p": (("sample", "p_dim_0"), p)})

    monkeypatch.setattr(leakage_pairs, "_sampled", draws)
    with pm.Model(coords={"traveller": study.real["traveller"].values}) as model:
        pm.Categorical(
            "choice", p=pm.Dirichlet("p", np.ones(4)), observed=y, dims="traveller", **more
        )
    return model, study.synthetic


def test_modechoice_is_caught(monkeypatch):
    model, llm = modes(monkeypatch)
    found = leakage(model, llm, pairs="traveller", random_seed=1)
    assert found["group"].values.tolist() == ["forecast-1", "plain-1", "roleplay-1", "all"]
    assert found["agreements"].values[:3].tolist() == [50, 50, 34]
    assert found["knows"].values[:2].all() and (found["p_adjusted"].values[:2] < 1e-3).all()
    assert (found["share_low"].values[:2] > 0.8).all()
    counted = found["double_counted"].sel(group="plain-1")
    assert counted.values == pytest.approx(counted.values[1] * np.array([0.1, 1]))
    assert "50 of 50 agree" in found.attrs["reading"]
    assert "counted twice" in found.attrs["reading"] and found.attrs["fails_when"]
    again = leakage(model, llm, pairs="traveller", random_seed=1)
    xr.testing.assert_identical(found, again)
    assert len(plot_leakage(found).get_yticks()) == 4


def test_rows_that_the_model_has_not_seen_are_taken_in(monkeypatch):
    model, llm = modes(monkeypatch)
    study = fp.datasets.load("modechoice")
    known = leakage(model, llm, pairs="traveller", random_seed=1)
    same = leakage(model, llm, real=study.real, pairs="traveller", random_seed=1)
    np.testing.assert_allclose(same["z"], known["z"])
    half = study.real.isel(traveller=study.real["in_prompt"].values)
    new = leakage(model, llm, real=half, pairs="traveller", random_seed=1)
    assert new["knows"].values[:2].all()


def test_one_group_and_few_words(monkeypatch):
    model, llm = modes(monkeypatch)
    found = leakage(model, llm.sel(framing="roleplay"), pairs="traveller", by="framing")
    assert found["group"].values.tolist() == ["roleplay"]
    assert found["p_adjusted"].item() == found["p_value"].item()
    assert "roleplay" in reading(found)


TOSSES = np.array([1, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1])


def coin(tosses=TOSSES):
    with pm.Model() as model:
        pm.Bernoulli("heads", pm.Uniform("theta"), observed=tosses)
    return model


def votes(said=TOSSES):
    frame = pd.DataFrame({"heads": said, "toss": range(len(said))})
    return fp.SyntheticData.from_dataframe(frame, outcome="heads", unit="toss", weight=1)


def exact(monkeypatch, rng, tosses=TOSSES):
    """Put draws of the exact posterior of a coin in place of the sampler."""
    heads = tosses.sum()
    theta = rng.beta(1 + heads, 1 + len(tosses) - heads, 1000)
    draws = xr.Dataset({"theta": ("sample", theta)})
    monkeypatch.setattr(leakage_pairs, "_sampled", lambda model, rng, options: draws)


def test_a_model_is_sampled(monkeypatch, rng):
    sampled = leakage(coin(), votes(), pairs=np.arange(12), random_seed=1)
    exact(monkeypatch, rng)
    by_hand = leakage(coin(), votes(), pairs=np.arange(12), random_seed=1)
    assert sampled["agreements"].item() == 12
    assert sampled["z"].item() == pytest.approx(by_hand["z"].item(), rel=0.2)
    assert sampled["p_value"] < 0.01


def test_a_path_gives_its_draws_at_a_trust(monkeypatch, rng):
    """Further tosses are taken in: with the coin's 4 heads of 5, by hand."""
    path, new = models.coin(), pd.DataFrame({"heads": TOSSES})
    exact(monkeypatch, rng, np.append(TOSSES, [1, 1, 1, 1, 0]))
    both = np.append([1, 1, 1, 1, 0], TOSSES)
    by_hand = leakage(coin(both), votes(), pairs=[None] * 5 + [*range(12)], random_seed=1)
    found = leakage(path, votes(), real=new, pairs=np.arange(12), random_seed=1)
    assert found["expected_agreements"].item() == pytest.approx(
        by_hand["expected_agreements"].item(), abs=0.2
    )
    rule = leakage(path, votes(), real=new, pairs=np.arange(12), trust="cautious", random_seed=1)
    assert rule["knows"].item()
    with pytest.raises(ValueError, match="one trust"):
        leakage(path, votes(), real=new, pairs=np.arange(12), trust=[0.0, 0.5])


def test_normal_outcomes(monkeypatch, rng):
    y = rng.normal(1, 2, 80)
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("mu", 0, 10), pm.HalfNormal("sigma", 5), observed=y)
    draws = xr.Dataset(
        {
            "mu": ("sample", rng.normal(y.mean(), 2 / np.sqrt(80), 1000)),
            "sigma": ("sample", 2 + 0.15 * rng.normal(size=1000)),
        }
    )
    monkeypatch.setattr(leakage_pairs, "_sampled", lambda model, rng, options: draws)
    copied = np.where(rng.random(80) < 0.5, y, rng.normal(1, 2, 80))
    frame = pd.DataFrame({"y": np.append(copied, rng.normal(1, 2, 80))})
    frame["unit"], frame["conversation"] = np.tile(np.arange(80), 2), np.repeat(["a", "b"], 80)
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", unit="unit")
    found = leakage(model, llm, pairs=np.arange(80), random_seed=1)
    assert found["knows"].values.tolist()[:2] == [True, False]
    assert found["share_low"][0] < 0.5 < found["share_high"][0]
    assert found["correlation"][0] > 0.3 and "correlation" in found.attrs["reading"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"pairs": np.arange(100, 112)}, "there are no pairs"),
        ({"pairs": [0, 1, *[None] * 10]}, "pairs= gives 2 pairs"),
        ({"pairs": [0, 1, 2, 3]}, "shape"),
        ({"pairs": [*range(11), 3]}, "name it once"),
        ({"pairs": "nothing"}, "neither a dimension"),
        ({"by": "persona"}, "no factor"),
        ({"synthetic": votes(TOSSES * 2)}, "levels"),
        ({"real": pd.DataFrame({"heads": [0, 1]}), "pairs": "id"}, "no column 'id'"),
    ],
)
def test_pairs_that_do_not_match(monkeypatch, rng, how, message):
    exact(monkeypatch, rng)
    given = {"synthetic": votes(), "pairs": np.arange(12)} | how
    with pytest.raises(ColumnError, match=message):
        leakage(coin(), given.pop("synthetic"), **given)


def test_one_class_only():
    with pytest.raises(ColumnError, match="same real"):
        leakage(coin(np.ones(12, int)), votes(), pairs=np.arange(12))


def test_rows_that_move_the_posterior_too_far(monkeypatch):
    draws = xr.Dataset({"theta": ("sample", np.linspace(0.01, 0.99, 50))})
    monkeypatch.setattr(leakage_pairs, "_sampled", lambda model, rng, options: draws)
    new = pd.DataFrame({"heads": np.tile(TOSSES, 30)})
    llm = votes(np.tile(TOSSES, 30))
    with pytest.raises(ModelError, match="let the model observe them"):
        leakage(coin(), llm, real=new, pairs=np.arange(360))


def test_answers_without_units_covariates_that_differ_and_other_likelihoods(monkeypatch):
    plain = fp.SyntheticData.from_dataframe(pd.DataFrame({"heads": [0, 1]}), outcome="heads")
    with pytest.raises(ColumnError, match="do not say which unit"):
        leakage(coin(), plain, pairs=np.arange(12))
    with pm.Model() as model:
        x = pm.Data("x", np.arange(12.0))
        pm.Normal("y", pm.Normal("b") * x, 1, observed=np.arange(12.0))
    frame = pd.DataFrame(
        {"y": np.ones(12), "x": np.arange(12.0) + (np.arange(12) == 2), "u": range(12)}
    )
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", unit="u")
    with pytest.raises(ColumnError, match="do not match: 'x'"):
        leakage(model, llm, pairs=np.arange(12))
    with pm.Model() as counts:
        pm.Poisson("y", pm.Gamma("rate", 2, 1), observed=np.arange(12))
    draws = xr.Dataset({"rate": ("sample", np.ones(50))})
    monkeypatch.setattr(leakage_pairs, "_sampled", lambda model, rng, options: draws)
    llm = fp.SyntheticData.from_dataframe(frame.astype({"y": int}), outcome="y", unit="u")
    with pytest.raises(ModelError, match="neither Normal"):
        leakage(counts, llm, pairs=np.arange(12))


def test_arguments_of_the_wrong_kind():
    model = coin()
    with pytest.raises(TypeError, match="pymc.Model or a TrustPath"):
        leakage("model", votes(), pairs=np.arange(12))
    with pytest.raises(TypeError, match="SyntheticData"):
        leakage(model, None, pairs=np.arange(12))
    with pytest.raises(ValueError, match="counted_at"):
        leakage(model, votes(), pairs=np.arange(12), counted_at=[-1])
    with pytest.raises(ValueError, match="level"):
        leakage(model, votes(), pairs=np.arange(12), level=2)
    with pytest.raises(ValueError, match="leakage"):
        plot_leakage(xr.Dataset())
