"""Effective sample sizes: the numbers of RBesT, closed forms, and paths with known answers."""

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from foundation_priors.conjugate import (
    BetaBinomial,
    BetaMixture,
    GammaMixture,
    GammaPoisson,
    NormalMean,
    NormalMeanVariance,
    NormalMixture,
)
from foundation_priors.errors import UnreliableWarning
from foundation_priors.trust.ess import prior_ess
from tests.path import models

RATE = BetaMixture([0.7, 0.3], [19, 8], [133, 40])


def ess(prior, method="elir", **kwargs):
    return prior_ess(prior, method=method, **kwargs).ess.item()


def test_mixtures_as_rbest_gives_them():
    robust, skew = RATE.robustify(0.2, mean=0.5), BetaMixture([0.2, 0.8], [1, 10], [1, 2])
    assert ess(RATE, "moment") == pytest.approx(68.1374919505, abs=1e-9)
    assert ess(RATE) == pytest.approx(96.1576603806, abs=1e-4)
    assert ess(robust, "moment") == pytest.approx(3.2468842866, abs=1e-9)
    assert ess(robust) == pytest.approx(68.8739470353, abs=1e-4)
    assert ess(skew) == pytest.approx(7.6515, abs=5e-5)
    assert ess(skew, "moment") == pytest.approx(3.1610, abs=5e-5)
    assert ess(skew, "morita") == pytest.approx(8.4876, abs=5e-5)


@pytest.mark.parametrize(("m", "s"), [(-1.0, 0.7), (0.5, 1.2), (2.0, 0.3)])
def test_normal_priors_of_log_odds_and_of_a_log_rate(m, s):
    odds = (2 + np.exp(-m + s**2 / 2) + np.exp(m + s**2 / 2)) / s**2
    rate = np.exp(-m + s**2 / 2) / s**2
    assert ess(stats.norm(m, s), likelihood="binomial", link="logit") == pytest.approx(odds)
    assert ess(stats.norm(m, s), likelihood="poisson", link="log") == pytest.approx(rate)
    assert ess(pm.LogNormal.dist(m, s), likelihood="poisson") == pytest.approx(rate, rel=1e-6)
    assert ess(pm.LogitNormal.dist(m, s), likelihood="binomial") == pytest.approx(odds, rel=1e-5)


def test_elir_is_predictively_consistent():
    """Neuenschwander et al. (2020): its mean after m observations is m more."""
    m = 40
    for prior in (RATE, BetaMixture([0.2, 0.8], [1, 10], [1, 2])):
        y = np.arange(m + 1)
        weights = np.exp(prior.log_marginal(y, m))
        mean = weights @ [ess(prior.posterior(k, m)) for k in y]
        assert mean - m == pytest.approx(ess(prior), abs=0.75)


def test_elir_of_normal_mixtures_is_predictively_consistent():
    prior, m = NormalMixture([0.6, 0.4], [0, 1], [0.5, 1], sigma=2), 20
    error = prior.sigma / np.sqrt(m)
    x, w = np.polynomial.hermite_e.hermegauss(40)
    mean = 0.0
    for weight, centre, sd in zip(prior.weights, prior.means, prior.sds, strict=True):
        outcomes = centre + np.hypot(sd, error) * x
        after = [ess(prior.posterior(y, error)) for y in outcomes]
        mean += weight * (w @ after) / w.sum()
    assert mean - m == pytest.approx(ess(prior), abs=0.75)


@pytest.mark.parametrize("method", ["elir", "moment"])
def test_conjugate_priors_count_their_pseudo_observations(method):
    assert ess(stats.beta(3, 4), method, likelihood="binomial") == pytest.approx(7)
    assert ess(pm.Beta.dist(3, 4), method, likelihood="binomial") == pytest.approx(7)
    assert ess(stats.gamma(3, scale=0.25), method, likelihood="poisson") == pytest.approx(4)
    assert ess(pm.Gamma.dist(3, 4), method, likelihood="poisson") == pytest.approx(4)
    assert ess(pm.Normal.dist(1, 2), method, likelihood="normal", sigma=6) == pytest.approx(9)
    assert ess(GammaMixture(1, 3, 4), method) == pytest.approx(4)


@pytest.mark.parametrize("method", ["elir", "moment", "morita"])
def test_a_density_at_nodes_is_the_mixture_in_closed_form(method):
    class Plain:
        def __init__(self, mixture):
            self.logpdf, self.support = mixture.logpdf, mixture.support

    normal = NormalMixture([0.6, 0.4], [0, 1], [0.5, 1], sigma=2)
    rate = GammaMixture([0.5, 0.5], [3, 6], [2, 3])
    for mixture, sigma in ((RATE, None), (RATE.robustify(0.3), None), (rate, None), (normal, 2)):
        kwargs = {"likelihood": mixture.likelihood, "sigma": sigma}
        found = ess(Plain(mixture), method, **kwargs)
        # Of a density by itself nobody knows the widest component, which Morita's flattens.
        slack = 1e-3 if (method, sigma) == ("morita", 2) else 1e-6
        assert found == pytest.approx(ess(mixture, method), rel=slack)


def test_student_t_and_truncated_priors():
    """The Fisher information of a t with k degrees of freedom is (k + 1) / (k + 3)."""
    assert ess(stats.t(3), likelihood="normal", sigma=2) == pytest.approx(4 * 4 / 6)
    assert ess(stats.t(3), "moment", likelihood="normal", sigma=2) == pytest.approx(4 / 3, rel=1e-4)
    inside = stats.truncnorm(-3, 7, 0.3, 0.1)
    assert 15 < ess(inside, likelihood="binomial") < 25


def test_heavy_components_get_the_method_that_is_defined():
    cases = [
        (BetaMixture(1, 0.5, 0.5), "elir", "elir_canonical", 1.0),
        (BetaMixture(1, 1, 1), "elir", "elir_canonical", 2.0),
        (GammaMixture(1, 0.5, 3), "elir", "elir_canonical", 3.0),
        (BetaMixture(1, 0.5, 0.5), "morita", "elir_canonical", 1.0),
        (BetaMixture([0.5, 0.5], [0.5, 0.7], [0.5, 3]), "elir", "moment", None),
    ]
    for prior, method, used, value in cases:
        with pytest.warns(UnreliableWarning, match=used):
            found = prior_ess(prior, method=method)
        assert found.method.item() == used and found.attrs["asked"] == method
        exact = ess(prior, "moment") if value is None else value
        assert found.ess.item() == pytest.approx(exact, abs=1e-6)
    with pytest.warns(UnreliableWarning, match="variance is infinite"):
        cauchy = prior_ess(stats.cauchy(), method="moment", likelihood="normal", sigma=2.0)
    assert cauchy.ess.item() == pytest.approx(2) and cauchy.method.item() == "elir"


def test_conjugate_paths_count_answers_by_their_trust():
    coin = BetaBinomial(real=(4, 5), synthetic=(5, 10))
    np.testing.assert_allclose(prior_ess(coin, trust=[0.1, 1]).ess, [3, 12])
    assert prior_ess(coin, "theta", 0.5).ess.dims == ()
    mean = NormalMean(prior_mean=0, prior_sd=1, sigma=2, real=(3, 0, 1), synthetic=(10, 1, 1))
    np.testing.assert_allclose(prior_ess(mean, trust=[0, 0.5]).ess, [4, 9])
    rate = GammaPoisson(a=2, b=1, real=(3, 4), synthetic=(30, 10))
    assert prior_ess(rate, trust=0.5, method="moment").ess.item() == pytest.approx(6)


@pytest.mark.parametrize("method", ["elir", "information", "moment", "morita"])
def test_the_coin_as_a_path(method):
    """The prior Beta(1 + 5L, 1 + 5L) is worth 2 + 10L tosses."""
    found = prior_ess(models.coin(), "theta", [0, 0.5, 1], method, draws=500)
    assert found.ess.dims == ("trust", "quantity") and set(found.method.values.ravel()) == {method}
    error = 4 * found.mcse.fillna(0).values[:, 0] + 1e-3
    value, exact = found.ess.values[:, 0], np.array([2, 7, 12])
    exact = exact - exact / 100 if method == "morita" else exact
    slack = 0.02 * exact if method == "morita" else error
    assert (np.abs(value - exact) < slack).all()
    assert found.attrs["information"] == "expected" and found.attrs["n_real"] == 5


def test_a_normal_mean_as_a_path_is_exact():
    """The precision in units of an observation is (1.5 / 2)^2 + 14 L."""
    found = prior_ess(models.normal(), "mu", [0, 0.3, 1], draws=200)
    np.testing.assert_allclose(found.ess[:, 0], 0.5625 + 14 * np.array([0, 0.3, 1]), rtol=1e-5)
    np.testing.assert_allclose(found.mcse, 0, atol=1e-4)
    linear = prior_ess(models.normal(), "3 * mu - 2", 1.0, draws=200)
    assert linear.ess.item() == pytest.approx(14.5625, rel=1e-5)


def test_a_rule_counts_the_prior_averaged_over_its_hyperprior():
    found = prior_ess(models.coin(), "theta")
    nodes = np.linspace(0, 0.5, 401)[1::2]
    prior = BetaMixture(np.full(200, 1 / 200), 1 + 5 * nodes, 1 + 5 * nodes)
    cap = models.coin()._weighing("cautious").rule.hyperprior_nodes.points.max()
    assert cap == pytest.approx(0.5, abs=0.02)
    assert found.ess.item() == pytest.approx(ess(prior), abs=4 * found.mcse.item() + 0.05)
    assert found.ess.dims == ("quantity",)


def test_a_regression_with_a_private_scale():
    """Of coefficients of which rows tell all alike, both ways of counting agree; and a rule for a
    positive scale, HalfNormal(1), does not feel the answers' trust."""
    path = models.regression()
    elir = prior_ess(path, ["a", "beta", "sigma"], [0, 1])
    moment = prior_ess(path, ["a", "beta"], [0, 1], "moment")
    assert elir.quantity.values.tolist() == ["a", "beta[age]", "beta[income]", "sigma"]
    both = elir.sel(quantity=moment["quantity"])
    error = np.hypot(both.mcse, moment.mcse) + 0.15 * moment.ess
    assert (np.abs(both.ess - moment.ess) < 4 * error).all()
    assert (both.ess.sel(trust=1) > 100 * both.ess.sel(trust=0)).all()
    scale = elir.sel(quantity="sigma")
    np.testing.assert_allclose(scale.ess, 1, atol=0.05 + 4 * scale.mcse.max())


def test_rows_of_a_design_say_what_they_are_expected_to():
    """Of a mean with sd 1.5 a row has the information 1 / 2.25, whatever was observed."""
    from foundation_priors.trust.ess_rows import RowInformation

    path = models.normal()
    few = path.prior_draws.isel(sample=slice(20))
    rows = RowInformation(path, path.prior.u[:20], few, 1)
    assert rows.expected
    found = rows.along(np.eye(1), np.ones(1), slice(None))
    np.testing.assert_allclose(found, 1 / 2.25, rtol=1e-6)
    rows.expected, rows.repeats = False, 1
    np.testing.assert_allclose(rows.along(np.eye(1), np.ones(1), slice(None)), 1 / 2.25, rtol=1e-5)


NORMAL = {"likelihood": "normal", "sigma": 1.0}


@pytest.mark.parametrize(
    ("prior", "kwargs", "error", "match"),
    [
        (3, {}, TypeError, "give a path"),
        (stats.norm(), {}, ValueError, "what an observation is"),
        (stats.norm(), {"likelihood": "normal"}, ValueError, "standard deviation"),
        (stats.norm(), {"likelihood": "norml"}, ValueError, "Did you mean 'normal'"),
        (stats.norm(), {"likelihood": "binomial"}, ValueError, "link='logit'"),
        (stats.norm(), {"likelihood": "poisson", "link": "logit"}, ValueError, "does not go"),
        (RATE, {"sigma": 1.0}, ValueError, "no meaning"),
        (stats.norm(), {**NORMAL, "method": "elli"}, ValueError, "Did you mean 'elir'"),
        (stats.norm(), {**NORMAL, "method": "information"}, ValueError, "method="),
        (stats.norm(), {**NORMAL, "vague": 1}, ValueError, "vague"),
        (stats.norm(), {**NORMAL, "trust": 0.5}, ValueError, "about a path"),
        (stats.norm([0, 1], 1), NORMAL, ValueError, "one number for each"),
        (pm.Normal.dist(shape=2), NORMAL, ValueError, "dimensions"),
        (NormalMixture(1, 0, 1), {}, ValueError, "sigma"),
    ],
)
def test_what_makes_no_sense_is_refused(prior, kwargs, error, match):
    with pytest.raises(error, match=match):
        prior_ess(prior, **kwargs)


def test_paths_refuse_what_they_have_no_use_for():
    several = NormalMeanVariance(
        prior_mean=0, prior_rows=1, a=2, b=1, real=(3, 2.0, 1.5), synthetic=(12, 0.5, 4.0)
    )
    with pytest.raises(TypeError, match="several unknowns"):
        prior_ess(several)
    coin = BetaBinomial(real=(4, 5), synthetic=(5, 10))
    with pytest.raises(ValueError, match="knows its model"):
        prior_ess(coin, likelihood="binomial")
    with pytest.raises(ValueError, match="No parameter"):
        prior_ess(coin, "thta")
    path = models.coin()
    with pytest.raises(ValueError, match="rows of the user's own model"):
        prior_ess(path, sigma=1.0)
    with pytest.raises(ValueError, match="is not a variable"):
        prior_ess(path, "thta")
    with pytest.raises(ValueError, match="is an event"):
        prior_ess(path, "theta > 0.5")
    with pytest.raises(ValueError, match="names nothing"):
        prior_ess(path, [])
    with pytest.raises(ValueError, match="at least 100"):
        prior_ess(path, "theta", 0.5, draws=10)
    with pytest.raises(ValueError, match="beyond the path"):
        prior_ess(path, "theta", 3.0)
