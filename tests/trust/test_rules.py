"""Rules of trust on paths with a closed form."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats
from scipy.optimize import minimize, minimize_scalar

import foundation_priors as fp
from foundation_priors.errors import ModelError
from tests.path import models

COIN = 0.285
"""Where the coin's evidence is largest (arXiv 2512.01107), below the cap of .5."""


@pytest.mark.parametrize(
    ("rule", "trust"),
    [("ignore", 0.0), ("pool", 1.0), (fp.trust.worth(2), 0.2), (fp.trust.worth(0), 0.0)],
)
def test_rules_that_are_one_weight(rule, trust):
    path = models.coin()
    found, wanted = path.mean("theta", rule), path.mean("theta", trust)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-4)
    assert found.trust.item() == pytest.approx(trust)
    assert path.at(rule).attrs["trust"] == pytest.approx(trust)


def test_what_a_rule_is_worth():
    path = models.coin()
    rule = path.trust_posterior()
    assert path.effective_observations("cautious").item() == pytest.approx(rule.worth)
    assert path.effective_observations(fp.trust.worth(3)).item() == pytest.approx(3)
    assert rule.worth == pytest.approx(10 * rule.mean, rel=1e-3)


def test_the_largest_evidence():
    path = models.coin()
    family = models.coin_exact()
    truth = minimize_scalar(lambda x: -family.evidence(x).item(), bounds=(0, 1), method="bounded").x
    assert truth == pytest.approx(COIN, abs=1e-3)
    # It is flat there: within .01 of the largest log evidence is what can be told.
    for rule in ("evidence", "capped evidence"):
        at = path.mean("theta", rule).trust.item()
        assert family.log_evidence(truth) - family.log_evidence(at) < 0.01


def test_the_cap_holds_back_answers_that_agree():
    """Fifty answers just like the real rows gain evidence all the way; they may count for 5."""
    frame = pd.DataFrame({"heads": [1, 1, 1, 1, 0] * 10})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="heads", source="llm", weight=1)
    path = models.again(models.coin(), 1, llm)
    free, capped = (path.mean("theta", r) for r in ("evidence", "capped evidence"))
    assert free.trust.item() > 0.9
    assert path.effective_observations(capped.trust.item()).item() == pytest.approx(5, rel=1e-3)
    robust = path.trust_posterior("robust")
    assert robust.hyperprior_nodes.trust[1] == pytest.approx(0.1, rel=1e-3)


def test_the_largest_evidence_of_two_sources():
    path, family = models.normal("framing"), models.normal_exact("framing")

    def loss(x):
        return -family.log_evidence({"plain": x[0], "roleplay": x[1]}).item()

    found = path.mean("mu", "evidence")
    at = [found.coords[f"trust_{s}"].item() for s in path.sources]
    starts = [minimize(loss, s, bounds=[(0, 1)] * 2) for s in ([0.1, 0.1], [1, 0.1], [0.1, 1])]
    assert loss(at) - min(s.fun for s in starts) < 0.02
    capped = path.mean("mu", "capped evidence")
    worth = sum(
        capped.coords[f"trust_{s}"].item() * w
        for s, w in zip(path.sources, path.facts.worth, strict=True)
    )
    assert worth <= path.facts.n_real * (1 + 1e-6)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.8])
def test_a_robust_mixture_against_its_closed_form(share):
    path, family = models.coin(), models.coin_exact()
    rule = fp.trust.robust(share, weight=1.0)
    found = path.trust_posterior(rule)
    odds = (1 - share) / share * np.exp(family.log_evidence(1.0).item())
    error = path.log_evidence(1.0).mcse.item()
    primitive = 1 / (1 + odds)
    assert found.probability("trust == 0") == pytest.approx(primitive, abs=4 * error * 0.25 + 1e-9)
    mean = path.mean("theta", rule)
    ends = [family.mean("theta", x).item() for x in (0.0, 1.0)]
    truth = primitive * ends[0] + (1 - primitive) * ends[1]
    assert abs(mean.item() - truth) < 4 * mean.mcse.item()
    level = path.quantile("theta", 0.3, rule).item()
    mixed = [stats.beta(5, 2).cdf(level), stats.beta(10, 7).cdf(level)]
    below = primitive * mixed[0] + (1 - primitive) * mixed[1]
    assert below == pytest.approx(0.3, abs=0.03)
    assert "robust" in repr(found) and found.plot().get_ylabel() == "probability"


def test_the_robust_weight_may_be_a_rule():
    found = models.coin().trust_posterior(fp.trust.robust(weight=fp.trust.worth(3)))
    assert found.nodes.trust.tolist() == pytest.approx([0, 0.3])


def test_leave_one_out_against_refits():
    """Leaving a toss out of a Beta posterior has a closed form."""
    path = models.coin()
    found = fp.trust.loo(path, [0.0, 0.2, 1.0])
    for trust, value in zip([0.0, 0.2, 1.0], found.elpd.values, strict=True):
        a, b = 1 + 5 * trust, 1 + 5 * trust
        truth = 4 * np.log((a + 3) / (a + b + 4)) + np.log(b / (a + b + 4))
        assert value == pytest.approx(truth, abs=0.03)
    assert found.attrs["n_rows"] == 5 and (found.pareto_k < 0.7).all()
    assert found.difference.max() == 0 and found.se_difference.min() == 0
    best = path.mean("theta", "loo").trust.item()
    grid = fp.trust.loo(path)
    assert best == grid.elpd.idxmax("trust").item() and grid.sizes["trust"] == 21


def test_the_held_out_score():
    path = models.coin()
    rows = pd.DataFrame({"heads": [1, 0, 1, 0, 1, 0]})
    assert path.mean("theta", fp.trust.held_out(rows)).trust.item() == 1.0
    heads = pd.DataFrame({"heads": [1, 1, 1, 1]})
    assert path.mean("theta", fp.trust.held_out(heads)).trust.item() == 0.0


def test_a_path_read_from_a_file_keeps_its_rules(tmp_path):
    path = models.coin()
    path.to_netcdf(tmp_path / "coin.nc")
    back = fp.TrustPath.from_netcdf(tmp_path / "coin.nc")
    for rule in ("cautious", "robust", fp.trust.worth(2), (2, 5)):
        rules = [p.trust_posterior(rule) if isinstance(rule, tuple) else rule for p in (path, back)]
        means = [p.mean("theta", r).item() for p, r in zip((path, back), rules, strict=True)]
        assert means[0] == pytest.approx(means[1], rel=1e-12)
    assert fp.reliance(back).share.sum() == pytest.approx(1)
    with pytest.raises(ModelError, match="leave rows out"):
        fp.trust.loo(back)
    with pytest.raises(ModelError, match="build it again"):
        fp.trust.placebo(back)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda p: p.mean("theta", fp.trust.worth(11)), "worth 10 real observations"),
        (lambda p: fp.trust.worth(-1), "at least 0"),
        (lambda p: fp.trust.robust(1.0), "between 0 and 1"),
        (lambda p: p.mean("theta", "evidense"), "Did you mean 'evidence'"),
        (lambda p: p.mean("theta", "0.5"), "trust='0.5' is text: give the number 0.5"),
        (lambda p: p.at("1"), "trust='1' is text: give the number 1"),
        (lambda p: p.trust_posterior("0.5"), "is text: give the number 0.5"),
        (lambda p: fp.reliance(p, trust=".5"), "is text: give the number 0.5"),
        (lambda p: fp.tilt(models.coin_model(), models.coin_answers(), trust="0.5"), "is text"),
        (lambda p: models.coin_exact().mean("theta", "0.5"), "is text: give the number 0.5"),
        (lambda p: p.trust_posterior("loo"), "gives one weight"),
        (lambda p: p.trust_posterior(fp.trust.worth(1)), "gives one weight"),
        (lambda p: p.log_evidence(fp.trust.worth(1)), "names a rule"),
    ],
)
def test_rules_that_cannot_be(call, says):
    with pytest.raises(ValueError, match=says):
        call(models.coin())


@pytest.mark.parametrize("trust", ["cautious", fp.trust.worth(2), fp.trust.robust()])
@pytest.mark.parametrize("verb", [fp.tilt, fp.sample])
def test_a_tilted_model_has_a_fixed_trust(verb, trust):
    with pytest.raises(TypeError, match="is a rule, .* has a fixed trust"):
        verb(models.coin_model(), models.coin_answers(), trust=trust)
    rule = models.coin().trust_posterior()
    with pytest.raises(TypeError, match="is a rule, the posterior"):
        verb(models.coin_model(), models.coin_answers(), trust=rule)


def test_several_observed_variables_are_left_out_row_by_row():
    with pm.Model() as model:
        theta = pm.Beta("theta", 1, 1)
        pm.Bernoulli("heads", theta, observed=[1, 1, 1])
        pm.Binomial("more", n=2, p=theta, observed=[1, 0])
    # Draws of the same parameter will do to count rows.
    path = replace(models.coin(), model=model)
    assert fp.trust.loo(path, [0.0]).attrs["n_rows"] == 5
