"""Statements and decisions, against closed forms."""

import numpy as np
import pytest

import foundation_priors as fp
from foundation_priors.diagnose.decision import decision
from foundation_priors.diagnose.decision_statements import statements
from tests.path import models


def test_squared_error_costs_the_squared_distance_of_the_means():
    path, exact = models.normal(), models.normal_exact()
    trust = [0.0, 0.3, 1.0]
    grid = np.linspace(0, 1.5, 601)
    found = decision(path, list(grid), lambda d, a: -((d.mu - a) ** 2), trust=trust)
    mean = exact.mean("mu", trust).values
    truth = (mean - mean[0]) ** 2
    assert (np.abs(found.cost - truth) < 4 * found.mcse_cost + 0.02 * truth.max()).all()
    np.testing.assert_allclose(found.forgone[1:], truth[1:], rtol=0.2)
    assert found.cost[0] == 0 and found.forgone[0] == 0 and (found.margin >= 0).all()


def test_a_bet_on_the_coin():
    """Betting pays theta - .6: worth it where the posterior mean is above .6."""
    path, exact = models.coin(), models.coin_exact()
    trust = [0.0, 0.2, 1.0]
    found = decision(path, {"bet": "theta - 0.6", "pass": 0}, trust=trust)
    mean = exact.mean("theta", trust).values
    assert found.chosen.values.tolist() == ["bet", "bet", "pass"]
    assert abs(found.cost[2] - (mean[0] - 0.6)) < 4 * found.mcse_cost[2]
    assert abs(found.forgone[2] - (0.6 - mean[2])) < 4 * found.mcse_forgone[2]
    assert found.cost[1] == 0 and found.mcse_cost[1] == 0 and found.mcse_margin[1] > 0
    assert "bet is best; at trust 1 it is pass" in found.attrs["reading"]
    certain = decision(path, {"bet": "theta + 1", "pass": 0}, trust=trust)
    assert "costs nothing" in certain.attrs["reading"]
    rule = decision(path, {"bet": "theta - 0.6", "pass": 0}, trust="cautious")
    assert rule.cost.ndim == 0 and "cautious" in rule.attrs["reading"]


@pytest.mark.parametrize(
    ("actions", "utility", "message"),
    [
        ({"only": 1}, None, "at least two"),
        ("theta", None, "at least two"),
        ([1, 2], None, "either a dict"),
        ({"a": 1, "b": 2}, lambda d, a: d.theta, "either a dict"),
        ({"a": "tehta", "b": 0}, None, "theta"),
    ],
)
def test_bad_decisions(actions, utility, message):
    with pytest.raises(ValueError, match=message):
        decision(models.coin(), actions, utility)


def test_utilities_are_scalars():
    with pytest.raises(ValueError, match="covariate"):
        decision(models.regression(), {"a": "beta", "b": 0})


def test_a_statement_tips_where_the_probability_crosses():
    path, exact = models.coin(), models.coin_exact()
    table = statements(path, ["theta > 0.5", "theta > 0.01", "theta > 0.99"], probability=0.8)
    row = table.loc[("theta > 0.5", "llm")]
    assert row.verdict == "tips" and row.direction == -1 and row.tips == 1
    assert row.tips_at == path.tipping("theta > 0.5", 0.8).trust.item()
    truth = exact.probability("theta > 0.5", 0.0).item()
    assert abs(row.at_zero - truth) < 4 * row.mcse_at_zero
    assert row.lowest <= row.at_trust <= row.highest
    assert table.loc[("theta > 0.01", "llm"), "verdict"] == "holds everywhere"
    assert table.loc[("theta > 0.99", "llm"), "verdict"] == "holds nowhere"
    reading = table.attrs["reading"]
    assert "theta > 0.5 ceases to hold" in reading and "theta > 0.01 holds at every" in reading


def test_with_several_sources_each_is_looked_at_alone():
    path = models.normal("framing")
    table = statements(path, "mu > 0.9", probability=0.5, trust=0.5)
    rows = table.loc["mu > 0.9"]
    assert list(rows.index) == ["all sources", "plain", "roleplay"]
    assert rows.verdict["plain"] == "holds nowhere" and rows.verdict["roleplay"] == "tips"
    assert (
        rows.direction["roleplay"] == 1
        and "roleplay tips it too" in table.attrs["reading"]
        or (rows.verdict["all sources"] != "tips")
    )


@pytest.mark.parametrize(
    ("events", "options", "message"),
    [
        ("theta", {}, "not an event"),
        ([], {}, "at least one"),
        ("theta > 0.5", {"probability": 1.5}, "between 0 and 1"),
        ("theta > 0.5", {"trust": [0.1, 0.2]}, "one weight"),
    ],
)
def test_bad_statements(events, options, message):
    with pytest.raises(ValueError, match=message):
        statements(models.coin(), events, **options)


def test_closed_forms_are_refused():
    family = fp.conjugate.BetaBinomial(real=(2, 10), synthetic=(7, 10))
    with pytest.raises(TypeError, match="BetaBinomial has not"):
        statements(family, "theta > 0.5")
    with pytest.raises(TypeError, match="BetaBinomial has not"):
        decision(family, {"a": 0, "b": 1})
