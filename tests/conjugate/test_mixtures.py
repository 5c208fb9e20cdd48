"""Mixtures of conjugate priors: numbers of RBesT, tipmap and BayesPPD, and quadrature."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit

from foundation_priors.conjugate import (
    BetaMixture,
    GammaMixture,
    MixturePath,
    NormalMixture,
    TwoArmRule,
    probability_larger,
)
from foundation_priors.errors import ImproperPriorError

RATE = BetaMixture([0.7, 0.3], [19, 8], [133, 40])
TIPMAP = NormalMixture([0.7717324, 0.2282676], [1.4522222, 1.3625788], [0.2508704, 0.5793548])
MIXTURES = {
    "beta": RATE.robustify(0.2, mean=0.5),
    "normal": NormalMixture([0.6, 0.4], [0, 3], [1, 0.2], sigma=2).robustify(0.1, mean=1),
    "gamma": GammaMixture([0.6, 0.4], [4, 0.8], [2, 1]).robustify(0.1, mean=2),
}


def path():
    return MixturePath(TIPMAP, NormalMixture(1, 0, 5.42), data=(1.02, 1.4))


def test_the_posterior_of_a_robust_mixture_as_rbest_gives_it():
    posterior = MIXTURES["beta"].posterior(14, 100)
    weights = [0.731343880852, 0.237059330743, 0.031596788405]
    np.testing.assert_allclose(posterior.weights, weights, atol=1e-11)
    assert posterior.mean == pytest.approx(0.135656358187, abs=1e-11)
    np.testing.assert_array_equal(posterior.a, [33, 22, 15])
    np.testing.assert_array_equal(posterior.b, [219, 126, 87])


def test_success_of_two_arms_as_rbest_gives_it():
    rule = TwoArmRule(MIXTURES["beta"], BetaMixture(1, 1, 1), trials=(100, 100))
    assert rule.success_probability(0.2, 0.2).item() == pytest.approx(0.0148055069, abs=5e-11)
    many = rule.success_probability([0.1, 0.2, 0.4], [0.2, 0.3])
    assert many.dims == ("first", "second") and many.shape == (3, 2)
    assert many.sel(first=0.2, second=0.2).item() == pytest.approx(0.0148055069, abs=5e-11)
    assert rule.success_probability([0.2], 0.2).dims == ("first",)


@pytest.mark.parametrize(
    ("treated", "power", "error"), [(750, 0.84, 0.03), (810, 0.856, 0.027), (900, 0.884, 0.028)]
)
def test_a_noninferiority_trial_as_bayesppd_gives_it(treated, power, error):
    """Chen et al. (2011): the treated rate less the control rate is below .041."""
    a, b = 0.3 * (44 + 33), 0.3 * (535 + 304 - 44 - 33)
    control, none = BetaMixture(1, 1e-4 + a, 1e-4 + b), BetaMixture(1, 1e-4, 1e-4)
    rule = TwoArmRule(control, none, (treated // 3, treated), 0.95, -0.041)
    assert rule.success_probability(0.092, 0.092).item() == pytest.approx(power, abs=0.01)
    assert rule.success_probability(0.092, 0.133).item() == pytest.approx(error, abs=0.01)


@pytest.mark.parametrize("margin", [0.0, 0.2, -0.3])
def test_the_probability_of_being_larger_against_quadrature(margin):
    first, second = (
        BetaMixture([0.4, 0.6], [3, 0.7], [2, 5]),
        BetaMixture([0.5, 0.5], [1, 4], 2 * [1]),
    )
    low, high = max(margin, 0.0), min(1 + margin, 1.0)
    # The variables r**5 and 1 - r**5 take away the singular ends.
    ends = (np.linspace(0, ((high - low) / 2) ** 0.2, 200_001)) ** 5
    sides = (low + ends, margin, ends), (high - ends, margin, ends)
    exact = first.sf(high)
    for x, shift, step in sides:
        inner = first.pdf(x[1:]) * second.cdf(np.clip(x[1:] - shift, 0, 1)) * 5 * step[1:] ** 0.8
        exact += np.trapezoid(np.concatenate([[0.0], inner]), step**0.2)
    assert probability_larger(first, second, margin) == pytest.approx(exact, abs=2e-8)


@given(st.floats(0.2, 60), st.floats(0.2, 60), st.floats(0.2, 60), st.floats(0.2, 60))
@settings(max_examples=40, deadline=None)
def test_either_probability_is_the_larger(a, b, c, d):
    first, second = BetaMixture(1, a, b), BetaMixture(1, c, d)
    both = probability_larger(first, second) + probability_larger(second, first)
    assert both == pytest.approx(1, abs=1e-8)


def test_tipping_points_as_tipmap_gives_them():
    for probability, weight in ((0.8, 0.0509), (0.9, 0.27354), (0.95, 0.50934), (0.975, 0.70825)):
        root = path().tipping("mu > 0", probability)
        assert root.weight.item() == pytest.approx(weight, abs=5e-6)
        assert root.direction.item() == 1
        assert path().quantile(1 - probability, root.weight.item()).item() == pytest.approx(
            0, abs=1e-9
        )
    assert path().tipping("mu > 0", 0.5).sizes["root"] == 0


def test_the_posterior_at_a_weight_as_tipmap_gives_it():
    found = path().quantile([0.025, 0.5, 0.975], weight=0.38)
    np.testing.assert_allclose(found, [-0.92155, 1.38616, 2.84356], atol=5e-6)
    above = [path().probability(f"mu > {cut}", 0.38).item() for cut in (0, 0.5, 1)]
    np.testing.assert_allclose(above, [0.927, 0.879, 0.782], atol=5e-4)


def test_a_path_of_mixtures_is_the_posterior_of_the_mixture():
    at = [0.0, 0.3, 1.0]
    everywhere = path().mean(at)
    for w, mean, sd in zip(at, everywhere.values, path().sd(at).values, strict=True):
        whole = NormalMixture(1, 0, 5.42)._joined(TIPMAP, w).posterior(1.02, 1.4)
        assert (whole.mean, whole.sd) == pytest.approx((mean, sd))
    assert everywhere.dims == ("weight",) and path().quantile(0.5).dims == ("weight",)
    assert path().posterior_weight().size == 101


@pytest.mark.parametrize("name", MIXTURES)
def test_densities_moments_and_quantiles_against_quadrature(name):
    m = MIXTURES[name]
    t = np.linspace(-40, 40, 160001)
    x = {"beta": expit, "gamma": np.exp, "normal": np.asarray}[name](t)
    slope = {"beta": x * expit(-t), "gamma": x, "normal": np.ones_like(t)}[name]
    mass = np.where(x < 1 if name == "beta" else True, m.pdf(x) * slope, 0.0) * (t[1] - t[0])
    points = m.quantile([1e-6, 1e-3, 0.1, 0.5, 0.9, 0.999])
    assert mass.sum() == pytest.approx(1, abs=1e-7)
    assert mass @ x == pytest.approx(m.mean, abs=1e-7)
    assert mass @ (x - m.mean) ** 2 == pytest.approx(m.sd**2, rel=1e-7)
    q = np.linspace(0.01, 0.99, 9)
    np.testing.assert_allclose(m.cdf(m.quantile(q)), q, atol=1e-12)
    np.testing.assert_allclose(m.sf(m.ppf(q)), 1 - q, atol=1e-12)
    np.testing.assert_allclose(np.log(m.pdf(points)), m.logpdf(points))
    median = m.quantile(0.5)
    assert m.probability(f"{m.parameter} > {median:.17f}") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "data"), [("beta", (3, 12)), ("normal", (1.4, 0.7)), ("gamma", (7, 2.5))]
)
def test_an_update_is_bayes_theorem(name, data):
    m, x = MIXTURES[name], np.array([0.1, 0.35, 0.8])
    like = {
        "beta": lambda: stats.binom(12, x).pmf(3),
        "normal": lambda: stats.norm(x, 0.7).pdf(1.4),
        "gamma": lambda: stats.poisson(2.5 * x).pmf(7),
    }[name]()
    posterior = m.posterior(*data)
    np.testing.assert_allclose(posterior.pdf(x) * np.exp(m.log_marginal(*data)), m.pdf(x) * like)


def test_a_prior_predictive_adds_to_one():
    assert np.exp(MIXTURES["beta"].log_marginal(np.arange(31), 30)).sum() == pytest.approx(1)
    assert np.exp(MIXTURES["gamma"].log_marginal(np.arange(2000), 3)).sum() == pytest.approx(1)


@pytest.mark.parametrize("name", MIXTURES)
def test_derivatives_of_the_canonical_density(name):
    m, eta, h = MIXTURES[name], np.array([-1.3, 0.2, 0.9]), 1e-4
    value, slope, bend = m.canonical(eta)
    up, down = m.canonical(eta + h), m.canonical(eta - h)
    np.testing.assert_allclose((up[0] - down[0]) / (2 * h), slope, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose((up[1] - down[1]) / (2 * h), bend, rtol=1e-5, atol=1e-5)


def test_draws_have_the_mixtures_moments():
    m = MIXTURES["normal"]
    draws = m.rvs(4000, 1)
    assert draws.mean() == pytest.approx(m.mean, abs=4 * m.sd / np.sqrt(4000))


def test_robust_components_are_worth_n_observations():
    assert BetaMixture(1, 3, 4).robustify(0.1, mean=0.3, n=4).b[-1] == pytest.approx(3.5)
    normal = NormalMixture(1, 2, 1, sigma=3).robustify(0.1, n=4)
    assert (normal.means[-1], normal.sds[-1], normal.sigma) == (2, 1.5, 3)
    assert GammaMixture(1, 6, 2).robustify(0.1, n=2).a[-1] == pytest.approx(6)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: BetaMixture([0.5, 0.6], [1, 1], [1, 1]), ValueError, "add to 1"),
        (lambda: BetaMixture([1.5, -0.5], [1, 1], [1, 1]), ValueError, "from 0 upwards"),
        (lambda: BetaMixture([0.5, 0.5], [1, 1], [1]), ValueError, "shapes differ"),
        (lambda: BetaMixture(1, 0, 1), ImproperPriorError, "improper"),
        (lambda: GammaMixture(1, 1, np.nan), ValueError, "missing"),
        (lambda: NormalMixture(1, 0, -1), ImproperPriorError, "improper"),
        (lambda: NormalMixture(1, 0, 1, sigma=0), ValueError, "sigma"),
        (lambda: NormalMixture(1, 0, 1).robustify(0.1), ValueError, "give sigma="),
        (lambda: RATE.robustify(1.2), ValueError, "between 0 and 1"),
        (lambda: RATE.robustify(0.2, mean=1.0), ValueError, "mean"),
        (lambda: RATE.posterior(5, 4), ValueError, "between 0 and the trials"),
        (lambda: RATE.posterior([1, 2], 4), ValueError, "one outcome"),
        (lambda: TIPMAP.posterior(1, 0), ValueError, "standard_error"),
        (lambda: GammaMixture(1, 1, 1).posterior(-1, 1), ValueError, "below 0"),
        (lambda: RATE.quantile(1.2), ValueError, "between 0 and 1"),
        (lambda: RATE.probability("mu > 1"), ValueError, "names no parameter"),
        (lambda: MixturePath(TIPMAP, RATE, data=(1, 1)), TypeError, "same kind"),
        (lambda: path().mean(1.2), ValueError, "between 0 and 1"),
        (lambda: path().posterior([0.1, 0.2]), ValueError, "one number"),
        (lambda: path().tipping("mu > 0", 1.0), ValueError, "between 0 and 1"),
        (lambda: path().quantile([[0.1]]), ValueError, "dimension"),
        (lambda: TwoArmRule(RATE, TIPMAP, (1, 1)), TypeError, "second"),
        (lambda: TwoArmRule(RATE, RATE, (1.5, 1)), ValueError, "trials"),
        (lambda: TwoArmRule(RATE, RATE, (1, 1), 1.0), ValueError, "level"),
        (lambda: TwoArmRule(RATE, RATE, (1, 1), margin=2), ValueError, "margin"),
        (lambda: TwoArmRule(RATE, RATE, (1, 1)).success_probability(2, 0), ValueError, "rates"),
    ],
)
def test_what_makes_no_sense_is_refused(make, error, match):
    with pytest.raises(error, match=match):
        make()
