"""Shares of information of real models."""

import numpy as np
import pandas as pd
import pytest

import foundation_priors as fp
from tests.path import models

COMPONENTS = ["primitive prior", "real data"]


def assert_shares(table, truth):
    """Assert that shares are within 4 Monte Carlo errors of the truth, and add to 1."""
    assert (np.abs(table.share - truth) < 4 * table.mcse_share + 1e-9).all()
    assert table.share.sum() == pytest.approx(1)
    assert (table.mcse_share < 0.05).all()


@pytest.mark.parametrize("trust", [0.0, 0.2, 1.0])
def test_a_normal_mean_has_the_shares_of_the_precision(trust):
    """1/tau^2 : n/s^2 : L m/s^2."""
    table = fp.reliance(models.normal(), trust=trust).loc["mu"]
    precision = np.array([1 / 2.0**2, 12 / 1.5**2, trust * 14 / 1.5**2])
    assert list(table.index) == [*COMPONENTS, "synthetic"]
    assert_shares(table, precision / precision.sum())
    np.testing.assert_allclose(table.effective_observations[1:], [12, 14 * trust], rtol=1e-5)
    np.testing.assert_allclose(table.ratio_to_real, table.share / table.share["real data"])


def test_two_sources_have_a_row_each():
    trust = {"plain": 0.5, "roleplay": 1.0}
    table = fp.reliance(models.normal("framing"), trust=trust).loc["mu"]
    precision = np.array([1 / 4, 12 / 2.25, 4.5 / 2.25, 5 / 2.25])
    assert list(table.index) == [*COMPONENTS, "plain", "roleplay"]
    assert_shares(table, precision / precision.sum())


@pytest.mark.parametrize("trust", [0.2, 1.0])
def test_the_coin_has_the_shares_of_the_pseudo_counts(trust):
    """Prior a + b = 2 in unconstrained coordinates, real 5, answers 10 L."""
    table = fp.reliance(models.coin(), trust=trust).loc["theta"]
    counts = np.array([2, 5, 10 * trust])
    assert_shares(table, counts / counts.sum())


def test_pulls_sum_to_nothing_that_the_mean_would_not_do():
    """For the coin, d mean / d log L = L Cov(theta, ell)."""
    trust = 0.3
    table = fp.reliance(models.coin(), trust=trust).loc["theta"]
    sd = models.coin_exact().sd("theta", trust).item()
    truth = trust * -15 / (7 + 10 * trust) ** 2 / sd
    assert abs(table.pull["llm"] - truth) < 4 * table.mcse_pull["llm"]


def test_a_hierarchy_has_a_row_for_its_structure():
    table = fp.reliance(models.hierarchy(), trust=0.5, quantities=["common", "level"])
    for name in ("common", "level[0]", "level[5]"):
        rows = table.loc[name]
        expected = ["primitive prior", "model structure", "real data", "synthetic"]
        assert list(rows.index) == expected
        assert rows.share.sum() == pytest.approx(1)
    # Given the spread a level's precision is 8 real rows, 4/2 answers and 1/spread^2.
    ratio = table.loc[("level[0]", "synthetic"), "ratio_to_real"]
    error = table.loc["level[0]"].mcse_share[["real data", "synthetic"]].sum()
    share = table.loc[("level[0]", "real data"), "share"]
    assert abs(ratio - 0.25) < 4 * error * (1 + ratio) / share


def test_the_structure_is_the_layers_density():
    """Value and gradient of Normal(level | common, spread), in unconstrained coordinates."""
    from foundation_priors.diagnose.components import STRUCTURE, components

    path = models.hierarchy()
    value, grad = components(path)[STRUCTURE]
    where, u, d = path.facts.coordinates, path.posterior.u, path.draws
    z = (d.level - d.common) / d.spread
    expected = (-0.5 * z**2 - np.log(d.spread) - 0.5 * np.log(2 * np.pi)).sum("cell")
    np.testing.assert_allclose(value, expected.values, rtol=1e-6)
    np.testing.assert_allclose(grad[:, slice(*where["level"])], (-z / d.spread).values, rtol=1e-6)
    common = (z / d.spread).sum("cell").values
    np.testing.assert_allclose(grad[:, where["common"][0]], common, rtol=1e-6, atol=1e-9)
    assert u.shape == grad.shape


def test_components_add_to_the_log_density():
    from foundation_priors.diagnose.components import components

    path = models.hierarchy()
    parts, u = components(path), path.posterior.u[:20]
    total, grad = path.engine.value_grad(u, np.array([0.3]), 1.0)
    weight = {"synthetic": 0.3}
    np.testing.assert_allclose(sum(weight.get(k, 1) * v[:20] for k, (v, _) in parts.items()), total)
    np.testing.assert_allclose(
        sum(weight.get(k, 1) * g[:20] for k, (_, g) in parts.items()), grad, atol=1e-8
    )


def test_quantities_may_be_expressions_and_functions():
    path = models.regression()
    table = fp.reliance(path, trust=0.1, quantities=["beta", lambda d: d.a - d.sigma, "a * 2"])
    names = table.index.get_level_values("quantity").unique().tolist()
    assert names == ["beta[age]", "beta[income]", "quantity", "a * 2"]
    one = fp.reliance(path, trust=0.1, quantities="a")
    np.testing.assert_allclose(table.loc["a * 2"].share, one.loc["a"].share, rtol=1e-6)


def test_the_claim_tips_where_tipping_says():
    path = models.coin()
    table = fp.reliance(path, trust=0.3, reference=0.5, probability=0.8).loc["theta"]
    root = path.tipping("theta > 0.5", 0.8)
    assert table.tips_at["llm"] == root.trust.item()
    assert table.mcse_tips_at["llm"] == root.mcse.item()
    assert table.tips_at[COMPONENTS].isna().all()
    never = fp.reliance(path, trust=0.3, reference=0.5, probability=0.999).loc["theta"]
    assert never.tips_at.isna().all()


def test_the_table_says_which_claim_tips():
    path = models.coin()
    table = fp.reliance(path, 0.3, ["theta", "theta > 0.5"], reference=0.5, probability=0.8)
    assert table.loc[("theta", "llm"), "claim"] == "P(theta > 0.5) = 0.8"
    assert table.loc[("theta > 0.5", "llm"), "claim"] == "P(theta > 0.5) = 0.8"
    tips = table.tips_at.dropna()
    assert len(tips) == 2 and tips.iloc[0] == tips.iloc[1]
    assert (table.claim.unstack()[COMPONENTS] == "").all(axis=None)
    below = fp.reliance(path, 0.3, reference=0.9).loc["theta"]
    assert below.claim["llm"] == "P(theta < 0.9) = 0.95"


def test_no_information_warns():
    path = models.normal()
    with pytest.warns(fp.UnreliableWarning, match="cannot be told from 0"):
        table = fp.reliance(path, 0.3, lambda d: 0 * d.mu)
    assert table.share.isna().all()


@pytest.mark.parametrize("trust", [[0.1, 0.2], None, -1, 2])
def test_one_weight_only(trust):
    with pytest.raises(ValueError):
        fp.reliance(models.coin(), trust=trust)


def test_without_gradients_there_are_no_shares():
    from dataclasses import replace

    path = replace(models.coin(), engine=None, gradients=None)
    with pytest.raises(fp.ModelError, match="without gradients"):
        fp.reliance(path, trust=0.1)
    assert isinstance(fp.reliance(models.coin(), trust=0.1), pd.DataFrame)


@pytest.mark.parametrize("by", [None, "framing"])
def test_a_random_trust_has_its_own_share(by):
    """For a normal mean the shares at each weight are those of the precision."""
    path, family = models.normal(by), models.normal_exact(by)
    rule = path.trust_posterior("uniform")
    table = fp.reliance(path, rule).loc["mu"]
    assert table.share.sum() == pytest.approx(1)
    assert table.index[-1] == "not knowing the trust"
    n = rule.nodes
    trust = n.trust if by is None else dict(zip(path.sources, n.points.T, strict=True))
    mean, sd = (getattr(family, k)("mu", trust).values for k in ("mean", "sd"))
    centre = n.probability @ mean
    spread = n.probability @ (mean - centre) ** 2
    whole = spread + n.probability @ sd**2
    sigma, m = models.KNOWN["sigma"], path.posterior.mixture
    assert m.points.shape[1] == len(path.sources)
    counts = {"real data": np.full(len(mean), 12.0), "primitive prior": None}
    rows = [len(path.synthetic)] if by is None else [9, 5]
    counts |= {s: n.points[:, i] * rows[i] for i, s in enumerate(path.sources)}
    prior = 1 / models.KNOWN["s0"] ** 2
    for name, count in counts.items():
        precision = prior if count is None else count / sigma**2
        truth = n.probability @ (sd**4 * precision) / whole
        row = table.loc[name]
        assert abs(row.share - truth) < 4 * row.mcse_share + 5e-3, name
        assert row.mcse_share < 0.05
    last = table.iloc[-1]
    assert abs(last.share - spread / whole) < 4 * last.mcse_share + 5e-3
    assert np.isnan(last.pull) and last.claim == ""


def test_the_default_is_the_cautious_rule():
    table, named = fp.reliance(models.coin()), fp.reliance(models.coin(), "cautious")
    pd.testing.assert_frame_equal(table, named)
    fixed = fp.reliance(models.coin(), fp.trust.worth(2))
    assert fixed.loc[("theta", "llm"), "effective_observations"] == pytest.approx(2)
    assert "not knowing the trust" not in fixed.loc["theta"].index


def test_a_quantity_in_the_place_of_the_trust_is_told():
    with pytest.raises(ValueError, match="quantities=.*Did you mean 'theta'"):
        fp.reliance(models.coin(), "thetaa")
