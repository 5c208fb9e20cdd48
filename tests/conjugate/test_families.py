"""Every family against quadrature that knows only the rows and the densities."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import stats

from foundation_priors.conjugate import (
    BetaBinomial,
    DirichletMultinomial,
    GammaPoisson,
    NormalMean,
    NormalMeanVariance,
    NormalRegression,
)

WEIGHT = np.array([1.0, 0.5, 0.25, 2.0, 0.7, 0.3])
SOURCE = ["a", "a", "b", "b", "a", "b"]


@dataclass
class Case:
    """A path, parameter values on a mesh, and each log density there.

    `log_base` is the log primitive prior plus the log volume of a mesh cell; `ell` holds the real
    data's log-likelihood and each source's.
    """

    path: Any
    values: dict[str, np.ndarray]
    log_base: np.ndarray
    ell: list[np.ndarray]

    def log_mass(self, real, trusts):
        weights = (real, *trusts)
        return self.log_base + sum(w * ell for w, ell in zip(weights, self.ell, strict=True))


def split(rows):
    """Weighted sums of per-row log densities, shape (row, mesh...), for sources a and b."""
    parts = [np.array(SOURCE) == name for name in "ab"]
    return [np.tensordot(WEIGHT[part], rows[part], axes=1) for part in parts]


def beta_binomial():
    y, n = np.array([3, 0, 5]), np.array([4, 2, 6])
    answers, m = np.array([1, 2, 0, 3, 1, 4]), np.array([1, 4, 2, 3, 5, 4])
    path = BetaBinomial.from_data(
        y, answers, trials=n, trials_synthetic=m, weight=WEIGHT, source=SOURCE, a=1.5, b=2.5
    )
    logit, step = np.linspace(-30, 30, 1201, retstep=True)
    theta = 1 / (1 + np.exp(-logit))
    base = stats.beta(1.5, 2.5).logpdf(theta) + np.log(theta * (1 - theta) * step)
    real = stats.binom(n[:, None], theta).logpmf(y[:, None]).sum(axis=0)
    said = stats.binom(m[:, None], theta).logpmf(answers[:, None])
    return Case(path, {"theta": theta}, base, [real, *split(said)])


def gamma_poisson():
    y, time = np.array([3, 0, 5]), np.array([1.5, 0.2, 2.0])
    answers, time_answers = np.array([1, 2, 0, 9, 1, 4]), np.array([1, 4, 0.5, 3, 2, 1.0])
    path = GammaPoisson.from_data(
        y,
        answers,
        a=2,
        b=1.5,
        exposure=time,
        exposure_synthetic=time_answers,
        weight=WEIGHT,
        source=SOURCE,
    )
    log_rate, step = np.linspace(-25, 6, 2001, retstep=True)
    rate = np.exp(log_rate)
    base = stats.gamma(2, scale=1 / 1.5).logpdf(rate) + log_rate + np.log(step)
    real = stats.poisson(rate * time[:, None]).logpmf(y[:, None]).sum(axis=0)
    said = stats.poisson(rate * time_answers[:, None]).logpmf(answers[:, None])
    return Case(path, {"rate": rate}, base, [real, *split(said)])


def dirichlet_multinomial():
    y, answers = ["x", "x", "z", "y"], ["z", "y", "z", "z", "x", "z"]
    alpha = [1.5, 2.0, 1.0]
    path = DirichletMultinomial.from_data(
        y, answers, categories=["x", "y", "z"], concentration=alpha, weight=WEIGHT, source=SOURCE
    )
    line, step = np.linspace(-36, 36, 361, retstep=True)
    u, v = np.meshgrid(line, line, indexing="ij")
    total = np.logaddexp(np.logaddexp(u, v), 0)
    log_p = np.stack([u - total, v - total, -total], axis=-1)
    constant = stats.dirichlet(alpha).logpdf([1 / 3] * 3) + (np.array(alpha) - 1).sum() * np.log(3)
    # The Jacobian of the softmax is the product of the shares.
    base = constant + log_p @ np.array(alpha) + 2 * np.log(step)
    real = sum(log_p[..., "xyz".index(label)] for label in y)
    said = np.stack([log_p[..., "xyz".index(label)] for label in answers])
    return Case(path, {"p": np.exp(log_p)}, base, [real, *split(said)])


NORMAL_Y = np.array([1.2, 0.3, 2.2, 1.7])
NORMAL_ANSWERS = np.array([0.9, 1.1, -0.2, 0.4, 1.0, 0.6])


def normal_mean():
    path = NormalMean.from_data(
        NORMAL_Y,
        NORMAL_ANSWERS,
        prior_mean=0.2,
        prior_sd=1.5,
        sigma=0.8,
        weight=WEIGHT,
        source=SOURCE,
    )
    mu, step = np.linspace(-14, 14, 1001, retstep=True)
    base = stats.norm(0.2, 1.5).logpdf(mu) + np.log(step)
    real = stats.norm(mu, 0.8).logpdf(NORMAL_Y[:, None]).sum(axis=0)
    said = stats.norm(mu, 0.8).logpdf(NORMAL_ANSWERS[:, None])
    return Case(path, {"mu": mu}, base, [real, *split(said)])


def scale_prior(log_sigma, a, b):
    """Log density of log sigma where sigma squared is inverse-gamma."""
    return stats.invgamma(a, scale=b).logpdf(np.exp(2 * log_sigma)) + 2 * log_sigma + np.log(2)


def normal_mean_variance():
    path = NormalMeanVariance.from_data(
        NORMAL_Y,
        NORMAL_ANSWERS,
        prior_mean=0.2,
        prior_rows=0.5,
        a=2.5,
        b=1.5,
        weight=WEIGHT,
        source=SOURCE,
    )
    # Multiples of sigma about a fixed centre keep the mesh wide enough at every scale.
    z, dz = np.linspace(-24, 24, 801, retstep=True)
    t, dt = np.linspace(-3, 9, 241, retstep=True)
    z, t = np.meshgrid(z, t, indexing="ij")
    sigma = np.exp(t)
    mu = 0.8 + sigma * z
    base = stats.norm(0.2, sigma / np.sqrt(0.5)).logpdf(mu) + scale_prior(t, 2.5, 1.5)
    base = base + t + np.log(dz * dt)
    real = sum(stats.norm(mu, sigma).logpdf(y) for y in NORMAL_Y)
    said = np.stack([stats.norm(mu, sigma).logpdf(y) for y in NORMAL_ANSWERS])
    return Case(path, {"mu": mu, "sigma": sigma}, base, [real, *split(said)])


REGRESSION_X = np.column_stack([np.ones(4), [0.0, 1.0, 2.0, 4.0]])
REGRESSION_ASKED = np.column_stack([np.ones(6), [0.5, 1.0, 3.0, 3.5, 2.0, 0.0]])
REGRESSION_COV = np.array([[2.0, 0.3], [0.3, 0.5]])


def normal_regression(known):
    scale = {"sigma": 0.8} if known else {"a": 3.0, "b": 1.5}
    path = NormalRegression.from_data(
        REGRESSION_X,
        NORMAL_Y,
        REGRESSION_ASKED,
        NORMAL_ANSWERS,
        prior_mean=[0.5, 0.1],
        prior_cov=REGRESSION_COV,
        weight=WEIGHT,
        source=SOURCE,
        names=["one", "x"],
        **scale,
    )
    reach, points = (12, 641) if known else (16, 161)
    z, dz = np.linspace(-reach, reach, points, retstep=True)
    t, dt = (np.array([np.log(0.8)]), 1.0) if known else np.linspace(-2.5, 5, 61, retstep=True)
    u, v, t = np.meshgrid(z, z, t, indexing="ij")
    sigma = np.exp(t)
    # The mesh is square in coordinates in which the primitive prior is.
    root = np.linalg.cholesky(REGRESSION_COV)
    offset = np.stack([u, v], axis=-1) @ root.T
    beta = np.array([0.5, 0.1]) + offset * (1.0 if known else sigma[..., None])
    base = -(u**2 + v**2) / 2 - np.log(2 * np.pi) + np.log(dz**2 * dt)
    base = base if known else base + scale_prior(t, 3.0, 1.5)

    def rows(X, y):
        return np.stack(
            [stats.norm(beta @ x, sigma).logpdf(out) for x, out in zip(X, y, strict=True)]
        )

    real = rows(REGRESSION_X, NORMAL_Y).sum(axis=0)
    values = {"beta": beta} | ({} if known else {"sigma": sigma})
    return Case(path, values, base, [real, *split(rows(REGRESSION_ASKED, NORMAL_ANSWERS))])


CASES = {
    "beta-binomial": beta_binomial,
    "gamma-Poisson": gamma_poisson,
    "Dirichlet-multinomial": dirichlet_multinomial,
    "normal mean": normal_mean,
    "normal mean and variance": normal_mean_variance,
    "regression, known sigma": lambda: normal_regression(True),
    "regression, unknown sigma": lambda: normal_regression(False),
}


@pytest.fixture(scope="module", params=CASES, ids=list(CASES))
def case(request):
    return CASES[request.param]()


TRUSTS = [{"a": 0.0, "b": 0.0}, {"a": 0.3, "b": 0.8}, {"a": 1.0, "b": 1.0}]


@pytest.mark.parametrize("trust", TRUSTS, ids=["ignored", "between", "pooled"])
def test_against_quadrature(case, trust):
    prior = np.exp(case.log_mass(0, trust.values()))
    posterior = np.exp(case.log_mass(1, trust.values()))
    path = case.path
    assert path.log_normalizer(trust=trust).item() == pytest.approx(np.log(prior.sum()), abs=1e-7)
    assert path.evidence(trust=trust).item() == pytest.approx(
        posterior.sum() / prior.sum(), rel=1e-7
    )
    mass = posterior / posterior.sum()
    axes = tuple(range(mass.ndim))
    for name, values in case.values.items():
        mean = np.tensordot(mass, values, axes=(axes, axes))
        square = np.tensordot(mass, (values - mean) ** 2, axes=(axes, axes))
        np.testing.assert_allclose(path.mean(name, trust=trust), mean, rtol=1e-6)
        np.testing.assert_allclose(path.sd(name, trust=trust), np.sqrt(square), rtol=1e-6)


def test_variance_of_the_synthetic_log_likelihood(case):
    mass = np.exp(case.log_mass(1, (0.4, 0.4)))
    mass /= mass.sum()
    ell = case.ell[1] + case.ell[2]
    finite = mass > 0
    mean = (mass[finite] * ell[finite]).sum()
    variance = (mass[finite] * (ell[finite] - mean) ** 2).sum()
    got = case.path._ell_variance(np.array([[1.0, 0.4, 0.4]]))
    np.testing.assert_allclose(got, variance, rtol=1e-6)


def test_draws_and_distributions_agree_with_the_moments(case):
    path, trust, draws = case.path, {"a": 0.5, "b": 0.2}, 20_000
    sample = path.sample(trust, draws=draws, random_seed=11)
    for name in path.parameters:
        mean, sd = path.mean(name, trust=trust), path.sd(name, trust=trust)
        # Four standard errors of a mean.
        assert np.all(np.abs(sample[name].mean("draw") - mean) < 4 * sd / np.sqrt(draws))
        low = path.quantile(name, 0.1, trust=trust)
        share = (sample[name] < low).mean("draw")
        np.testing.assert_allclose(share, 0.1, atol=4 * np.sqrt(0.09 / draws))
        centre = location(path.at(trust)[name])
        np.testing.assert_allclose(centre, mean, rtol=1e-9)


def location(frozen):
    """SciPy's multivariate laws keep their centre in different places."""
    if hasattr(frozen, "df") and hasattr(frozen, "shape"):
        return frozen.loc
    return frozen.mean() if callable(frozen.mean) else frozen.mean


def test_labels(case):
    path = case.path
    for name in path.parameters:
        mean = path.mean(name)
        assert mean.name == name
        assert mean.sizes["trust"] == 101
        assert path.quantile(name, [0.1, 0.9], trust=[0, 1]).dims[:2] == ("trust", "quantile")
    assert path.average()[path.parameters[0]].dims[0] == "statistic"


def test_probability_of_vector_elements():
    path = normal_regression(False).path
    whole = path.probability("beta > 0.2", trust=[0, 1])
    assert whole.dims == ("trust", "coefficient")
    for event in ("beta[1] > 0.2", "beta['x'] > 0.2", "beta[x] >= 0.2"):
        one = path.probability(event, trust=[0, 1])
        np.testing.assert_array_equal(one, whole.sel(coefficient="x"))
    law = path.at(1)["sigma"]
    assert path.probability("sigma < 0.7", trust=1).item() == pytest.approx(law.cdf(0.7))
    root = path.tipping("beta['x'] > 0.2", probability=float(whole.values[:, 1].mean()))
    assert root.sizes["root"] >= 1
