"""Sentences of the audit and of diagnostics say no more than what was looked at."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import foundation_priors as fp
from foundation_priors.report import answers, checks, conclusion
from tests.path import models
from tests.report import audits

# Their functions have the modules' names too.
HOME = "foundation_priors.diagnose"
MODULES = {
    n: import_module(f"{HOME}.{n}") for n in ("conflict", "conflict_disagreement", "decision")
}


@pytest.mark.parametrize(
    ("values", "errors", "says"),
    [
        ([0.0, 5.0, 1.0], [0.1] * 3, "5 nats better than without .* and 4 nats better than at"),
        ([0.0, 0.1, 0.0], [0.1] * 3, "no better than without .* and no better than at"),
        ([0.0, 5.0, 4.9], [0.1] * 3, "5 nats better than without .* and no better than at"),
    ],
)
def test_scores_differ_beyond_their_error_or_not(values, errors, says):
    ends = [(0, "without the answers"), (2, "at trust 1")]
    text = checks._better(np.array(values), np.array(errors), 1, ends)
    assert pd.Series([text]).str.contains(says).all()


def test_the_best_weight_is_not_compared_with_itself():
    assert checks._better(np.array([1.0, 0.0]), np.array([0.1, 0.1]), 0, []) == ""


def test_why_there_is_no_truth():
    real = pd.DataFrame({"unit": [1]})
    of = SimpleNamespace(real=None, pairs=None, outcome="y")
    assert answers._no_truth(of) == "give real= and pairs="
    of = SimpleNamespace(real=real, pairs={"unit": "id"}, outcome="y")
    assert "name of a column" in answers._no_truth(of)
    of = SimpleNamespace(real=real, pairs="unit", outcome="y")
    assert answers._no_truth(of) == "real= has no column 'y'"


def test_a_rule_whose_checks_fail_is_marked():
    assert conclusion._doubt(np.zeros(41, bool)) == ""
    assert "At 2 of 41 weights" in conclusion._doubt(np.arange(41) < 2)


def test_nothing_moves_where_the_trust_is_nil():
    assert "none moves by more" in audits.one("estimates", models.coin(), trust=0.0).reading
    assert "moves most" in audits.one("estimates", models.coin(), trust=1.0).reading


def test_a_path_from_a_file_does_not_say_that_no_placebo_was_run(tmp_path):
    path = models.coin()
    path.to_netcdf(tmp_path / "coin.nc")
    again = fp.TrustPath.from_netcdf(tmp_path / "coin.nc")
    for one, says in (
        (path, "not run"),
        (again, "not known"),
        (audits.believed().inputs.path, "none"),
    ):
        assert f"Placebo: {says}" in audits.one("trust", one, trust=0.5).reading
    assert "not known" in repr(again.trust_posterior())


def test_a_probability_within_its_error_of_the_limit_is_said_to_be():
    path = models.coin()
    cut = float(path.quantile("theta", 0.05).min()) - 1e-4
    close = audits.one("statements", path, statements=f"theta > {cut}", trust=0.5).reading
    far = audits.one("statements", path, statements="theta > 0.01", trust=0.5).reading
    assert "at every trust" in close and "within its Monte Carlo error" in close
    assert "at every trust" in far and "within its Monte Carlo error" not in far


def decided(margins: list[float], chosen: str = "a") -> xr.Dataset:
    size = len(margins)
    data = {k: ("trust", np.zeros(size)) for k in ("cost", "mcse_cost", "forgone")}
    data["margin"] = ("trust", np.array(margins))
    data["mcse_margin"] = ("trust", np.full(size, 0.1))
    data["chosen"] = ("trust", np.array([chosen] * size))
    attrs = {"best": "a", "reference": 0.0}
    return xr.Dataset(data, {"trust": np.linspace(0, 1, size)}, attrs)


def test_a_decision_within_its_error_is_not_called_sure():
    reading = MODULES["decision"]._reading
    assert reading(decided([1.0, 2.0])).endswith("costs nothing.")
    assert "at 1 of 2 weights the best action leads by less" in reading(decided([1.0, 0.1]))
    one = decided([0.1]).isel(trust=0)
    assert "there the best action leads by less" in reading(one)


def checked(p: float, draws: int, count: int = 12) -> xr.Dataset:
    values = np.full((2, 1, count), 0.5)
    values[1, 0, 3] = p
    names = [f"check {i}" for i in range(count)]
    coords = {"outcome": ["y", "z"], "region": ["all rows"], "check": names}
    data = {
        "p_value": (("outcome", "region", "check"), values),
        "reliable": ("outcome", np.array([True, False])),
    }
    found = xr.Dataset(data, {**coords, "trust": "cautious"}, {"draws": draws})
    return found


@pytest.mark.parametrize(
    ("p", "draws", "verdict"),
    [
        (0.004, 200, "as far out as 200 data sets can tell, too few to judge 24 checks"),
        (0.05, 200, "no clear conflict"),
        (0.0005, 5000, "conflict"),
        (0.004, 5000, "no clear conflict"),
    ],
)
def test_conflict_is_judged_only_where_the_draws_can_tell(p, draws, verdict):
    text = MODULES["conflict"]._reading(checked(p, draws))
    assert f": {verdict}. By chance" in text and "of check 3 (z" in text
    assert "Of 24 checks" in text and "in at most 5% of analyses. At 1 of 2 weights" in text


@pytest.mark.parametrize(("disagrees", "says"), [(True, "scatter less"), (False, "not clearly")])
def test_spreads_differ_where_their_interval_says_so(disagrees, says):
    module = MODULES["conflict_disagreement"]
    row = {"synthetic": 1.0, "real": 2.0, "difference": -0.7, "lower": -1.0, "upper": -0.3}
    rows = pd.DataFrame([{**row, "disagrees": True}, {**row, "disagrees": disagrees}])
    rows.index = pd.MultiIndex.from_product(
        [[module.EVERY], [module.CENTRE, module.SPREAD]], names=["answers", "on"]
    )
    assert says in module._reading(rows, 0.9)


def test_there_is_not_always_a_largest_k_hat():
    assert "no k-hat" in checks._tail(-np.inf, 0.7) and "0.31 (limit 0.7)" in checks._tail(
        0.31, 0.7
    )
