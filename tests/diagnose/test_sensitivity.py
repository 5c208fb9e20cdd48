"""Distances to the posterior at trust 0, against closed forms and ArviZ."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

import foundation_priors as fp
from foundation_priors.diagnose.sensitivity import sensitivity
from foundation_priors.diagnose.sensitivity_core import WIDTH, cjs, wasserstein
from tests.path import models
from tests.path.gaussian import Family

QUANTITIES = ("shift", "spread", "wasserstein", "cjs")


def exact_cjs(p, q):
    """Integrate the definition over 4 sds on either side of both means."""
    low = min(d.mean() - WIDTH * d.std() for d in (p, q))
    high = max(d.mean() + WIDTH * d.std() for d in (p, q))

    def one(f, g):
        def top(x):
            a, b = f(x), g(x)
            return a * np.log2(2 * a / (a + b)) + b * np.log2(2 * b / (a + b))

        bound = quad(lambda x: f(x) + g(x), low, high)[0]
        return np.sqrt(quad(top, low, high)[0] / bound)

    return max(one(p.cdf, q.cdf), one(p.sf, q.sf))


@pytest.mark.parametrize("second", [(1.0, 1.0), (0.0, 0.5), (-2.0, 0.7)])
def test_distances_of_gaussians(second):
    """Equally likely points stand for each Gaussian; W1 is the integral of the quantiles' gap."""
    p, q = stats.norm(0, 1), stats.norm(*second)
    u = (np.arange(20_000) + 0.5) / 20_000
    x = np.concatenate([p.ppf(u), q.ppf(u)])
    a, b = np.repeat([[1.0, 0.0], [0.0, 1.0]], 20_000, axis=1) / 20_000
    assert wasserstein(x, a, b).value == pytest.approx(np.abs(p.ppf(u) - q.ppf(u)).mean(), rel=1e-3)
    assert cjs(x, a, b).value == pytest.approx(exact_cjs(p, q), rel=2e-3)
    assert cjs(-x, a, b).value == pytest.approx(cjs(x, a, b).value, rel=1e-3)


@pytest.mark.parametrize("measure", [wasserstein, cjs])
def test_potentials_are_first_order_changes(measure, rng):
    x = rng.normal(size=400)
    p, q = (rng.dirichlet(np.ones(400) * 5) for _ in range(2))
    p = p * np.exp(x / 2) / (p @ np.exp(x / 2))
    other = rng.dirichlet(np.ones(400))
    found, step = measure(x, p, q), 1e-6
    for which, slope in enumerate((found.first, found.second)):
        both = [p, q]
        both[which] = (1 - step) * both[which] + step * other
        change = (measure(x, *both).value - found.value) / step
        assert change == pytest.approx((other - (p, q)[which]) @ slope, rel=1e-2, abs=1e-4)


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_errors_are_calibrated(rho):
    """Over seeds the distances scatter about the truth as their errors say."""
    from types import SimpleNamespace

    from foundation_priors.diagnose.sensitivity import _row
    from foundation_priors.path.weighing import Weighing

    family = Family([3.0], [4.0])
    points, trust = np.array([[0.0], [0.3], [1.0]]), np.array([[0.4]])
    mean, sd = family.mean(trust)[0], family.sd(trust)[0]
    truth = {"shift": mean, "spread": sd}
    p, q = stats.norm(mean, sd), stats.norm(0, 1)
    u = (np.arange(4000) + 0.5) / 4000
    truth |= {"wasserstein": np.abs(p.ppf(u) - q.ppf(u)).mean(), "cjs": exact_cjs(p, q)}
    scores = []
    for seed in range(120):
        mixture, x = family.mixture(points, (4, 300), seed, rho)
        path = SimpleNamespace(posterior=SimpleNamespace(mixture=mixture))
        how, base = (Weighing(path, SimpleNamespace(array=a)) for a in (trust, np.zeros((1, 1))))
        out = _row(how, base, how.weights(), base.weights()[0], None, x)
        scores.append([(out[k][0] - truth[k]) / out[f"mcse_{k}"][0] for k in QUANTITIES])
    spread, centre = np.std(scores, axis=0), np.mean(scores, axis=0)
    assert ((spread > 0.8) & (spread < 1.25)).all()
    assert (np.abs(centre) < 4 / np.sqrt(120) + 0.1).all()


def test_a_normal_mean_moves_as_the_closed_form_says():
    path, exact = models.normal(), models.normal_exact()
    found = sensitivity(path, "mu", [0.0, 0.2, 1.0]).sel(quantity="mu")
    mean, sd = (getattr(exact, k)("mu", [0.0, 0.2, 1.0]).values for k in ("mean", "sd"))
    truth = {"shift": (mean - mean[0]) / sd[0], "spread": sd / sd[0]}
    u = (np.arange(4000) + 0.5) / 4000
    quantiles = mean[:, None] + sd[:, None] * stats.norm.ppf(u)
    truth["wasserstein"] = np.abs(quantiles - quantiles[0]).mean(axis=1) / sd[0]
    for name, values in truth.items():
        error = found[f"mcse_{name}"].values
        assert (np.abs(found[name].values - values) < 4 * error + 1e-3).all(), name
        assert (error < 0.05).all()
    assert found.wasserstein[0] == 0 and found.cjs[0] == 0 and found.ess.min() > 1000
    assert (found.cjs.diff("trust") > 0).all()


def test_power_scaling_is_that_of_arviz():
    """ArviZ scales the source's weighted log-likelihood on draws at one trust."""
    import arviz_stats as azs

    path = models.normal()
    theirs = azs.psense(path.at(0.5), var_names="mu", group="prior", group_var_names=["synthetic"])
    ours = sensitivity(path, "mu", 0.5).power_scaling.sel(quantity="mu").item()
    assert ours == pytest.approx(float(theirs["mu"]), rel=0.15)


def test_a_rule_gives_one_distance():
    found = sensitivity(models.coin(), ["theta", "theta > 0.5"], "cautious")
    assert found.wasserstein.dims == ("quantity",) and found.power_scaling.isnull().all()
    assert (found.mcse_wasserstein > 0).all() and "cautious" in found.attrs["reading"]
    fixed = sensitivity(models.coin(), "theta")
    assert fixed.sizes["trust"] == 25 and "at trust 0" in fixed.attrs["reading"]
    assert fixed.attrs["fails_when"]


def test_a_constant_has_no_distance():
    found = sensitivity(models.coin(), lambda d: 0 * d.theta, [0, 1])
    assert found.wasserstein.isnull().all() and "No quantity" in found.attrs["reading"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"quantities": "tehta"}, ValueError, "theta"),
        ({"quantities": []}, ValueError, "at least one"),
        ({"trust": -1}, ValueError, "not a weight"),
        ({"reference": 3.0}, ValueError, "beyond the path"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        sensitivity(models.coin(), **arguments)


def test_closed_forms_are_refused():
    with pytest.raises(TypeError, match="BetaBinomial has not"):
        sensitivity(fp.conjugate.BetaBinomial(real=(2, 10), synthetic=(7, 10)))
