"""Draws at one trust, as ArviZ reads them."""

import arviz as az
import numpy as np
import pytest
from scipy.stats import norm

from tests.path import models

GROUPS = {
    "posterior",
    "prior",
    "primitive_prior",
    "log_likelihood",
    "log_prior",
    "observed_data",
    "synthetic_data",
    "sample_stats",
}


def test_all_groups_are_there():
    tree = models.regression().at(0.2)
    assert set(tree.children) == GROUPS
    posterior = tree["posterior"]
    assert posterior["beta"].dims == ("chain", "draw", "covariate")
    assert tree.attrs["trust"] == 0.2 and tree.attrs["reliable"] == 1
    assert posterior.sizes["draw"] == int(tree.attrs["ess"])
    assert tree["log_likelihood"]["wage"].dims == ("chain", "draw", "person")
    assert "sigma_synthetic" in posterior.data_vars
    assert np.isfinite(tree["log_prior"]["synthetic"]).all()


def test_the_draws_follow_the_posterior_and_the_prior():
    path, exact = models.normal("framing"), models.normal_exact("framing")
    trust = {"plain": 0.5, "roleplay": 0.1}
    tree = path.at(trust)
    for group, at in (("posterior", trust), ("primitive_prior", None), ("prior", trust)):
        mu = tree[group]["mu"].values.ravel()
        if group == "posterior":
            mean, sd = exact.mean("mu", at).item(), exact.sd("mu", at).item()
        elif group == "primitive_prior":
            mean, sd = 0.5, 2.0
        else:
            said = models.normal_data()[1]
            w = np.where(said.framing == "plain", 0.5, 0.1) / 1.5**2
            precision = 1 / 4 + w.sum()
            mean, sd = (0.5 / 4 + (w * said.y).sum()) / precision, precision**-0.5
        size = len(mu)
        assert size > 300
        assert abs(mu.mean() - mean) < 4 * sd / np.sqrt(size)
        assert abs(mu.std() / sd - 1) < 4 / np.sqrt(2 * size)


def test_log_likelihoods_and_log_priors_are_those_of_the_model():
    path = models.normal("framing")
    tree = path.at({"plain": 0.5, "roleplay": 0.1})
    mu = tree["posterior"]["mu"].values[..., None]
    real, said = models.normal_data()
    np.testing.assert_allclose(tree["log_likelihood"]["y"], norm.logpdf(real, mu, 1.5))
    np.testing.assert_allclose(tree["log_prior"]["mu"], norm.logpdf(mu[..., 0], 0.5, 2.0))
    for source, weight in (("plain", 0.5), ("roleplay", 0.1)):
        y = said.y[said.framing == source].to_numpy()
        spoken = weight * norm.logpdf(y, mu, 1.5).sum(axis=-1)
        np.testing.assert_allclose(tree["log_prior"][source], spoken)
    np.testing.assert_allclose(tree["observed_data"]["y"], real)
    assert tree["sample_stats"]["anchor_trust"].dims == ("chain", "draw", "source")


def test_the_seed_decides():
    path = models.coin()
    first, again, other = path.at(0.3), path.at(0.3), path.at(0.3, random_seed=99)
    assert first["posterior"].equals(again["posterior"])
    assert not first["posterior"].equals(other["posterior"])
    assert first["posterior"].sizes == other["posterior"].sizes


def test_arviz_goes_on_from_there():
    tree = models.regression().at(0.2)
    table = az.summary(tree, var_names=["a", "beta"], kind="stats")
    assert list(table.index) == ["a", "beta[age]", "beta[income]"]
    sensitivity = az.psense_summary(tree, var_names=["beta"], prior_var_names=["synthetic"])
    assert len(sensitivity) == 2
    loo = az.loo(tree)
    assert np.isfinite(loo.elpd)


def test_one_weight_only():
    with pytest.raises(ValueError, match="at\\(\\) takes one weight"):
        models.coin().at([0.1, 0.2])
