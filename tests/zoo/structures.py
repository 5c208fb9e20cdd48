"""Model structures that people publish, on small simulated data, each with its density by hand.

A structure has columns to simulate, the model as its readers would write it (covariates in
`pymc.Data`), and the log density of one row written a second time, on plain arrays. Serving one
means that the tilted prior is that density, row by row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import lgamma
from types import SimpleNamespace
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.transforms import ordered

type Draw = Callable[[np.random.Generator, int], np.ndarray]
type Density = Callable[[SimpleNamespace, SimpleNamespace, SimpleNamespace], Any]


@dataclass(frozen=True)
class Structure:
    """A published model structure.

    ``rows`` maps columns to how they are drawn; ``model(d)`` writes the model of the columns ``d``
    inside a model's context; ``density(p, d, real)`` is the log density of the rows ``d`` given
    the free variables ``p``, where ``real`` are the real rows. ``private`` maps free variables to
    their priors, written by hand. ``refused`` is what the error says where rows cannot be served,
    and ``believed`` a quantity on which a belief is served nevertheless.
    """

    rows: Mapping[str, Draw]
    model: Callable[[SimpleNamespace], object]
    density: Density | None = None
    outcome: tuple[str, ...] = ("y",)
    private: Mapping[str, Callable[[str, SimpleNamespace], Any]] = field(default_factory=dict)
    coords: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] | None = None
    refused: str | None = None
    believed: str = "sigma"


REGISTRY: dict[str, Structure] = {}


def structure(make: Callable[[], Structure]) -> Callable[[], Structure]:
    """Enter a structure in the zoo under its function's name."""
    REGISTRY[make.__name__] = make()
    return make


# Columns


def real(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.clip(rng.normal(size=n), -2.5, 2.5)


def positive(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.gamma(2, 1, n) + 0.05


def fraction(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.uniform(0.05, 0.95, n)


def count(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.poisson(2, n)


def clipped(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.clip(rng.normal(size=n), -0.7, 0.7)


def zero_or_positive(rng: np.random.Generator, n: int) -> np.ndarray:
    return positive(rng, n) * rng.integers(0, 2, n)


def level(k: int) -> Draw:
    return lambda rng, n: rng.integers(0, k, n)


def matrix(k: int) -> Draw:
    return lambda rng, n: rng.normal(size=(n, k))


def trials(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(9, 15, n)


def counts(k: int, total: int) -> Draw:
    return lambda rng, n: rng.multinomial(total, np.full(k, 1 / k), n)


binary = level(2)

ROOT_TWO = float(np.sqrt(np.float32(2)))
"""PyMC takes this root in single precision, which shows in the ninth digit of normal tails."""
exp, log, invlogit = pt.exp, pt.log, pm.math.invlogit


# Densities


def normal(y, mean, sd):
    return -0.5 * np.log(2 * np.pi) - log(sd) - 0.5 * ((y - mean) / sd) ** 2


def bernoulli(y, eta):
    return y * eta - pt.softplus(eta)


def poisson(y, mean):
    return y * log(mean) - mean - pt.gammaln(y + 1)


def half_normal(sd=1.0):
    return lambda name, p: pm.HalfNormal(name, sd)


def data(d, *names, dims=None):
    """Return these columns as data containers."""
    return [pm.Data(name, getattr(d, name), dims=dims) for name in names]


# Regressions with one level


@structure
def linear():
    def model(d):
        (x,) = data(d, "x")
        mu = pm.Normal("a", 0, 2) + pm.Normal("b", 0, 1) * x
        pm.Normal("y", mu, pm.HalfNormal("sigma", 1), observed=d.y)

    return Structure(
        {"x": real, "y": real}, model,
        lambda p, d, real: normal(d.y, p.a + p.b * d.x, p.sigma),
        private={"sigma": half_normal(), "a": lambda name, p: pm.Normal(name, 0, 2)},
    )  # fmt: skip


@structure
def linear_of_a_matrix():
    def model(d):
        X = pm.Data("X", d.X, dims=("who", "predictor"))
        b = pm.Normal("b", 0, 1, dims="predictor")
        pm.Normal("y", X @ b, pm.Exponential("sigma", 1), observed=d.y, dims="who")

    return Structure(
        {"X": matrix(3), "y": real}, model,
        lambda p, d, real: normal(d.y, pt.dot(d.X, p.b), p.sigma),
        coords={"predictor": ["X0", "X1", "X2"]},
        private={"sigma": lambda name, p: pm.Exponential(name, 1)},
    )  # fmt: skip


@structure
def interactions_and_a_scale_of_ones_own():
    def model(d):
        x, z = data(d, "x", "z")
        b = pm.Normal("b", 0, 1, shape=4)
        mu = b[0] + b[1] * x + b[2] * z + b[3] * x * z
        pm.Normal("y", mu, pm.math.exp(pm.Normal("c") + pm.Normal("s") * x), observed=d.y)

    return Structure(
        {"x": real, "z": binary, "y": real}, model,
        lambda p, d, real: normal(
            d.y, p.b[0] + p.b[1] * d.x + p.b[2] * d.z + p.b[3] * d.x * d.z, exp(p.c + p.s * d.x)
        ),
        private={"c": lambda name, p: pm.Normal(name)},
    )  # fmt: skip


@structure
def robust_two_groups():
    """Estimation in place of a t test (Kruschke 2013): groups with their own mean and spread."""

    def model(d):
        (g,) = data(d, "g")
        mu = pm.Normal("mu", 0, 2, dims="group")
        sigma = pm.Uniform("sigma", 0.1, 10, dims="group")
        nu = pm.Exponential("nu_minus_one", 1 / 29) + 1
        pm.StudentT("y", nu=nu, mu=mu[g], sigma=sigma[g], observed=d.y)

    def density(p, d, real):
        z, nu, s = (d.y - p.mu[d.g]) / p.sigma[d.g], p.nu_minus_one + 1, p.sigma[d.g]
        constant = pt.gammaln((nu + 1) / 2) - pt.gammaln(nu / 2) - 0.5 * log(nu * np.pi)
        return constant - log(s) - (nu + 1) / 2 * pt.log1p(z**2 / nu)

    return Structure(
        {"g": level(2), "y": real}, model, density, coords={"group": ["drug", "placebo"]},
        private={"sigma": lambda name, p: pm.Uniform(name, 0.1, 10, dims="group")},
    )  # fmt: skip


@structure
def logistic():
    def model(d):
        age, sex = data(d, "age", "sex")
        eta = pm.Normal("a") + pm.Normal("b") * age + pm.Normal("c") * sex
        pm.Bernoulli("vote", logit_p=pm.Deterministic("eta", eta), observed=d.vote)

    return Structure(
        {"age": real, "sex": binary, "vote": binary}, model,
        lambda p, d, real: bernoulli(d.vote, p.a + p.b * d.age + p.c * d.sex),
        outcome=("vote",), private={"a": lambda name, p: pm.Normal(name)},
    )  # fmt: skip


@structure
def probit():
    def model(d):
        (x,) = data(d, "x")
        pm.Bernoulli("y", p=pm.math.invprobit(pm.Normal("a") + pm.Normal("b") * x), observed=d.y)

    def density(p, d, real):
        below = 0.5 * pt.erfc(-(p.a + p.b * d.x) / ROOT_TWO)
        return pt.switch(d.y, log(below), pt.log1p(-below))

    return Structure({"x": real, "y": binary}, model, density)


@structure
def binomial_aggregated():
    def model(d):
        x, n = data(d, "x", "n")
        p = pm.math.invlogit(pm.Normal("a") + pm.Normal("b") * x)
        pm.Binomial("y", n=n, p=p, observed=d.y)

    def density(p, d, real):
        eta = p.a + p.b * d.x
        ways = pt.gammaln(d.n + 1) - pt.gammaln(d.y + 1) - pt.gammaln(d.n - d.y + 1)
        return ways + d.y * eta - d.n * pt.softplus(eta)

    return Structure({"x": real, "n": trials, "y": count}, model, density)


@structure
def beta_binomial():
    def model(d):
        x, n = data(d, "x", "n")
        mean = pm.math.invlogit(pm.Normal("a") + pm.Normal("b") * x)
        k = pm.Gamma("kappa", 3, 0.2)
        pm.BetaBinomial("y", alpha=mean * k, beta=(1 - mean) * k, n=n, observed=d.y)

    def density(p, d, real):
        mean, k = 1 / (1 + exp(-p.a - p.b * d.x)), p.kappa
        a, b = mean * k, (1 - mean) * k
        lbeta = lambda u, v: pt.gammaln(u) + pt.gammaln(v) - pt.gammaln(u + v)  # noqa: E731
        ways = pt.gammaln(d.n + 1) - pt.gammaln(d.y + 1) - pt.gammaln(d.n - d.y + 1)
        return ways + lbeta(d.y + a, d.n - d.y + b) - lbeta(a, b)

    return Structure(
        {"x": real, "n": trials, "y": count}, model, density,
        private={"kappa": lambda name, p: pm.Gamma(name, 3, 0.2)},
    )  # fmt: skip


@structure
def poisson_with_exposure():
    def model(d):
        x, exposure = data(d, "x", "exposure")
        eta = pm.Normal("a") + pm.Normal("b") * x + pm.math.log(exposure)
        pm.Poisson("y", pm.math.exp(eta), observed=d.y)

    return Structure(
        {"x": real, "exposure": positive, "y": count}, model,
        lambda p, d, real: poisson(d.y, d.exposure * exp(p.a + p.b * d.x)),
    )  # fmt: skip


@structure
def negative_binomial():
    def model(d):
        x, z = data(d, "x", "z")
        mu = pm.math.exp(pm.Normal("a") + pm.Normal("b") * x + pm.Normal("c") * z * x)
        pm.NegativeBinomial("y", mu=mu, alpha=pm.Exponential("alpha", 0.5), observed=d.y)

    def density(p, d, real):
        mu, k = exp(p.a + p.b * d.x + p.c * d.z * d.x), p.alpha
        ways = pt.gammaln(d.y + k) - pt.gammaln(k) - pt.gammaln(d.y + 1)
        return ways + k * log(k / (k + mu)) + d.y * log(mu / (k + mu))

    return Structure(
        {"x": real, "z": binary, "y": count}, model, density,
        private={"alpha": lambda name, p: pm.Exponential(name, 0.5)},
    )  # fmt: skip


@structure
def zero_inflated_poisson():
    def model(d):
        x, z = data(d, "x", "z")
        psi = pm.math.invlogit(pm.Normal("c") + pm.Normal("e") * z)
        pm.ZeroInflatedPoisson("y", psi, pm.math.exp(pm.Normal("a") + pm.Normal("b") * x),
                               observed=d.y)  # fmt: skip

    def density(p, d, real):
        psi, mu = 1 / (1 + exp(-p.c - p.e * d.z)), exp(p.a + p.b * d.x)
        return pt.switch(pt.eq(d.y, 0), log(1 - psi + psi * exp(-mu)), log(psi) + poisson(d.y, mu))

    return Structure({"x": real, "z": real, "y": count}, model, density)


@structure
def hurdle_gamma():
    def model(d):
        (x,) = data(d, "x")
        psi = pm.math.invlogit(pm.Normal("c") + pm.Normal("e") * x)
        alpha = pm.Gamma("alpha", 2, 1)
        mean = pm.math.exp(pm.Normal("a") + pm.Normal("b") * x)
        pm.HurdleGamma("y", psi=psi, alpha=alpha, beta=alpha / mean, observed=d.y)

    def density(p, d, real):
        psi, rate = 1 / (1 + exp(-p.c - p.e * d.x)), p.alpha / exp(p.a + p.b * d.x)
        y = np.where(d.y > 0, d.y, 1.0)
        gamma = p.alpha * log(rate) - pt.gammaln(p.alpha) + (p.alpha - 1) * np.log(y) - rate * y
        # PyMC truncates the gamma at the smallest step above zero, which changes it by nothing.
        return pt.switch(d.y > 0, log(psi) + gamma, pt.log1p(-psi))

    return Structure(
        {"x": real, "y": zero_or_positive}, model, density,
        private={"alpha": lambda name, p: pm.Gamma(name, 2, 1)},
    )  # fmt: skip


@structure
def ordered_logit():
    def cutpoints(name, p=None):
        return pm.Normal(name, 0, 3, shape=3, transform=ordered, initval=[-1, 0, 1])

    def model(d):
        (x,) = data(d, "x")
        pm.OrderedLogistic("y", eta=pm.Normal("b") * x, cutpoints=cutpoints("cuts"), observed=d.y)

    def density(p, d, real):
        below = 1 / (1 + exp(-(p.cuts[None, :] - (p.b * d.x)[:, None])))
        ends = pt.concatenate([pt.zeros((len(d.y), 1)), below, pt.ones((len(d.y), 1))], axis=1)
        who = np.arange(len(d.y))
        return log(ends[who, d.y + 1] - ends[who, d.y])

    return Structure({"x": real, "y": level(4)}, model, density, private={"cuts": cutpoints})


@structure
def ordered_probit_of_a_vignette_experiment():
    """Attention to treatments with cutpoints that are cumulative sums of gaps (a common idiom)."""

    def model(d):
        treated, age = data(d, "treated", "age")
        gaps = pm.Exponential("gaps", 1, shape=3)
        cuts = pm.Deterministic("cuts", pm.Normal("first", -1, 1) + pt.extra_ops.cumsum(gaps))
        eta = pm.Normal("effect") * treated + pm.Normal("b") * age
        pm.OrderedProbit("y", eta=eta, cutpoints=cuts, compute_p=False, observed=d.y)

    def density(p, d, real):
        cuts = p.first + pt.stack([p.gaps[0], p.gaps[0] + p.gaps[1], p.gaps.sum()])
        eta = p.effect * d.treated + p.b * d.age
        return pm.logp(pm.OrderedProbit.dist(eta=eta, cutpoints=cuts), d.y)

    return Structure({"treated": binary, "age": real, "y": level(4)}, model, density)


@structure
def multinomial_logit():
    def model(d):
        X = pm.Data("X", d.X)
        b = pm.Normal("b", 0, 1, shape=(2, 2))
        eta = pt.concatenate([pt.zeros((X.shape[0], 1)), X @ b], axis=1)
        pm.Categorical("y", p=pm.math.softmax(eta, axis=1), observed=d.y)

    def density(p, d, real):
        eta = pt.dot(d.X, p.b)
        chosen = pt.switch(pt.eq(d.y, 0), 0.0, eta[np.arange(len(d.y)), np.maximum(d.y - 1, 0)])
        return chosen - log(1 + exp(eta[:, 0]) + exp(eta[:, 1]))

    return Structure({"X": matrix(2), "y": level(3)}, model, density)


@structure
def beta_regression():
    def model(d):
        (x,) = data(d, "x")
        mu = pm.math.invlogit(pm.Normal("a") + pm.Normal("b") * x)
        pm.Beta("y", mu=mu, nu=pm.Gamma("phi", 4, 0.2), observed=d.y)

    def density(p, d, real):
        mu = 1 / (1 + exp(-p.a - p.b * d.x))
        a, b = mu * p.phi, (1 - mu) * p.phi
        constant = pt.gammaln(p.phi) - pt.gammaln(a) - pt.gammaln(b)
        return constant + (a - 1) * np.log(d.y) + (b - 1) * np.log1p(-d.y)

    return Structure(
        {"x": real, "y": fraction}, model, density,
        private={"phi": lambda name, p: pm.Gamma(name, 4, 0.2)},
    )  # fmt: skip


@structure
def gamma_regression():
    def model(d):
        (x,) = data(d, "x")
        k = pm.HalfNormal("k", 2)
        mean = pm.math.exp(pm.Normal("a") + pm.Normal("b") * x)
        pm.Gamma("y", alpha=k, beta=k / mean, observed=d.y)

    def density(p, d, real):
        rate = p.k / exp(p.a + p.b * d.x)
        return p.k * log(rate) - pt.gammaln(p.k) + (p.k - 1) * np.log(d.y) - rate * d.y

    return Structure({"x": real, "y": positive}, model, density, private={"k": half_normal(2)})


@structure
def log_normal_wages():
    def model(d):
        school, tenure = data(d, "school", "tenure")
        mu = pm.Normal("a") + pm.Normal("b") * school + pm.Normal("c") * tenure**2
        pm.LogNormal("wage", mu, pm.HalfNormal("sigma", 1), observed=d.wage)

    return Structure(
        {"school": real, "tenure": positive, "wage": positive}, model,
        lambda p, d, real: normal(
            np.log(d.wage), p.a + p.b * d.school + p.c * d.tenure**2, p.sigma
        ) - np.log(d.wage),
        outcome=("wage",), private={"sigma": half_normal()},
    )  # fmt: skip


@structure
def tobit():
    def model(d):
        (x,) = data(d, "x")
        latent = pm.Normal.dist(pm.Normal("a") + pm.Normal("b") * x, pm.HalfNormal("sigma", 1))
        pm.Censored("y", latent, lower=-0.7, upper=0.7, observed=d.y)

    def density(p, d, real):
        z = (d.y - p.a - p.b * d.x) / p.sigma
        low, high = (pm.logcdf(pm.Normal.dist(0, 1), sign * z) for sign in (1, -1))
        inside = normal(z, 0, 1) - log(p.sigma)
        return pt.switch(d.y <= -0.7, low, pt.switch(d.y >= 0.7, high, inside))

    return Structure({"x": real, "y": clipped}, model, density, private={"sigma": half_normal()})


@structure
def truncated():
    def model(d):
        (x,) = data(d, "x")
        latent = pm.Normal.dist(pm.Normal("a") + pm.Normal("b") * x, pm.HalfNormal("sigma", 1))
        pm.Truncated("y", latent, lower=0, upper=20, observed=d.y)

    def density(p, d, real):
        mean = p.a + p.b * d.x
        return pm.logp(pm.TruncatedNormal.dist(mean, p.sigma, lower=0, upper=20), d.y)

    return Structure({"x": real, "y": positive}, model, density, private={"sigma": half_normal()})


@structure
def robust_regression():
    def model(d):
        (x,) = data(d, "x")
        mu = pm.Normal("a") + pm.Normal("b") * x
        nu = np.array(4.0)
        pm.StudentT("y", nu=nu, mu=mu, sigma=pm.HalfCauchy("sigma", 1), observed=d.y)

    def density(p, d, real):
        z = (d.y - p.a - p.b * d.x) / p.sigma
        return np.log(3 / 8) - log(p.sigma) - 2.5 * pt.log1p(z**2 / 4)

    return Structure(
        {"x": real, "y": real}, model, density,
        private={"sigma": lambda name, p: pm.HalfCauchy(name, 1)},
    )  # fmt: skip


@structure
def weibull_survival():
    """The gallery's survival analysis: exact times observed, censored ones in a Potential."""
    rng = np.random.default_rng(5)
    z, until = rng.normal(size=10), rng.gamma(2, 1, 10)

    def model(d):
        (x,) = data(d, "x")
        a, b, s = pm.Normal("a"), pm.Normal("b"), pm.HalfNormal("s", 5)
        pm.Gumbel("y", a + b * x, s, observed=d.y)
        u = (until - (a + b * pm.Data("x_censored", z))) / s
        pm.Potential("censored", pt.log1mexp(-pt.exp(-u)))

    def density(p, d, real):
        u = (d.y - p.a - p.b * d.x) / p.s
        return -log(p.s) - u - exp(-u)

    return Structure(
        {"x": real, "y": real}, model, density, evidence=("censored",),
        private={"s": half_normal(5)},
    )  # fmt: skip


@structure
def discrete_time_hazard():
    """Persons by periods: a baseline of each period, a proportional effect."""

    def model(d):
        period, x = data(d, "period", "x")
        base = pm.Normal("base", -1, 1, dims="periods")
        pm.Bernoulli("died", p=1 - pm.math.exp(-pm.math.exp(base[period] + pm.Normal("b") * x)),
                     observed=d.died)  # fmt: skip

    def density(p, d, real):
        hazard = exp(p.base[d.period] + p.b * d.x)
        return pt.switch(d.died, log(1 - exp(-hazard)), -hazard)

    return Structure(
        {"period": level(4), "x": real, "died": binary}, model, density, outcome=("died",),
        coords={"periods": range(4)},
    )  # fmt: skip


# Mixtures


@structure
def mixture_of_normals():
    def model(d):
        w = pm.Dirichlet("w", np.ones(2))
        mu = pm.Normal("mu", 0, 2, shape=2, transform=ordered, initval=[-1, 1])
        pm.NormalMixture("y", w=w, mu=mu, sigma=pm.HalfNormal("sigma", 1, shape=2), observed=d.y)

    def density(p, d, real):
        parts = [p.w[k] * exp(normal(d.y, p.mu[k], p.sigma[k])) for k in (0, 1)]
        return log(parts[0] + parts[1])

    return Structure({"y": real}, model, density)


@structure
def mixture_of_regressions():
    def model(d):
        x, z = data(d, "x", "z")
        first = pm.math.invlogit(pm.Normal("c") + pm.Normal("e") * z)
        b = pm.Normal("b", 0, 1, shape=(2, 2))
        sigma = pm.HalfNormal("sigma", 1)
        parts = [pm.Normal.dist(b[k, 0] + b[k, 1] * x, sigma) for k in (0, 1)]
        pm.Mixture("y", w=pt.stack([first, 1 - first], axis=-1), comp_dists=parts, observed=d.y)

    def density(p, d, real):
        first = 1 / (1 + exp(-p.c - p.e * d.z))
        one, two = (exp(normal(d.y, p.b[k, 0] + p.b[k, 1] * d.x, p.sigma)) for k in (0, 1))
        return log(first * one + (1 - first) * two)

    return Structure(
        {"x": real, "z": real, "y": real}, model, density, private={"sigma": half_normal()}
    )


# Several levels

STATES = ["AK", "AL", "AR", "AZ"]


@structure
def varying_intercepts():
    """Radon: non-centred county levels with a predictor of the counties."""

    def model(d):
        county, floor = data(d, "county", "floor", dims="home")
        uranium = pm.Data("uranium", [0.3, -1.0, 0.2, 0.6], dims="counties")
        tau = pm.HalfNormal("tau", 1)
        z = pm.Normal("z", dims="counties")
        a = pm.Deterministic("alpha", pm.Normal("g0") + pm.Normal("g1") * uranium + tau * z,
                             dims="counties")  # fmt: skip
        pm.Normal("y", a[county] + pm.Normal("b") * floor, pm.HalfNormal("sigma", 1), observed=d.y,
                  dims="home")  # fmt: skip

    def density(p, d, real):
        a = p.g0 + p.g1 * np.array([0.3, -1.0, 0.2, 0.6]) + p.tau * p.z
        return normal(d.y, a[d.county] + p.b * d.floor, p.sigma)

    return Structure(
        {"county": level(4), "floor": binary, "y": real}, model, density,
        coords={"counties": STATES},
        private={"sigma": half_normal(), "z": lambda name, p: pm.Normal(name, dims="counties")},
    )  # fmt: skip


@structure
def varying_slopes():
    """Correlated intercepts and slopes by LKJ (Statistical Rethinking, chapter 14)."""

    def model(d):
        g, x = data(d, "g", "x")
        chol, _, _ = pm.LKJCholeskyCov("chol", n=2, eta=2, sd_dist=pm.Exponential.dist(1))
        z = pm.Normal("z", 0, 1, shape=(2, 4))
        mean = pm.Normal("mean", 0, 1, shape=2)
        by_group = pm.Deterministic("by_group", mean[:, None] + chol @ z)
        pm.Normal("y", by_group[0, g] + by_group[1, g] * x, pm.HalfNormal("sigma", 1), observed=d.y)

    def density(p, d, real):
        a = p.mean[0] + p.chol[0] * p.z[0]
        b = p.mean[1] + p.chol[1] * p.z[0] + p.chol[2] * p.z[1]
        return normal(d.y, a[d.g] + b[d.g] * d.x, p.sigma)

    return Structure(
        {"g": level(4), "x": real, "y": real}, model, density, private={"sigma": half_normal()}
    )


@structure
def centred_hierarchy():
    def model(d):
        (g,) = data(d, "g")
        a = pm.Normal("a", pm.Normal("mu"), pm.HalfNormal("tau", 1), dims="group")
        pm.Bernoulli("y", logit_p=a[g], observed=d.y)

    return Structure(
        {"g": level(4), "y": binary}, model, lambda p, d, real: bernoulli(d.y, p.a[d.g]),
        coords={"group": STATES},
        private={"a": lambda name, p: pm.Normal(name, p.mu, p.tau, dims="group")},
    )  # fmt: skip


@structure
def nested_and_crossed():
    """Pupils in classes in schools, crossed with years."""
    school_of = np.array([0, 0, 1, 1, 2])

    def model(d):
        room, year = data(d, "room", "year")
        school = pm.Normal("school", 0, pm.HalfNormal("ts", 1), shape=3)
        inside = pm.Normal("inside", school[school_of], pm.HalfNormal("tc", 1), shape=5)
        by_year = pm.ZeroSumNormal("by_year", sigma=1, shape=3)
        pm.Normal("y", inside[room] + by_year[year], pm.HalfNormal("sigma", 1), observed=d.y)

    return Structure(
        {"room": level(5), "year": level(3), "y": real}, model,
        lambda p, d, real: normal(d.y, p.inside[d.room] + p.by_year[d.year], p.sigma),
        private={"sigma": half_normal()},
    )  # fmt: skip


@structure
def batting_averages():
    """One row a player, so that answers speak of players too: partial pooling of rates."""

    def model(d):
        player, at_bats = data(d, "player", "at_bats")
        phi = pm.Uniform("phi", 0, 1)
        kappa = pm.Pareto("kappa", alpha=1.5, m=1)
        theta = pm.Beta("theta", phi * kappa, (1 - phi) * kappa, shape=5)
        pm.Binomial("hits", n=at_bats, p=theta[player], observed=d.hits)

    def density(p, d, real):
        ways = pt.gammaln(d.at_bats + 1) - pt.gammaln(d.hits + 1)
        ways = ways - pt.gammaln(d.at_bats - d.hits + 1)
        rate = p.theta[d.player]
        return ways + d.hits * log(rate) + (d.at_bats - d.hits) * pt.log1p(-rate)

    return Structure(
        {"player": level(5), "at_bats": trials, "hits": count}, model, density, outcome=("hits",)
    )


@structure
def poststratification():
    """MRP: votes by state and demographic cells, with a spread of each factor."""

    def model(d):
        state, age, education = data(d, "state", "age", "education")
        effects = {
            "by_state": (state, "states"), "by_age": (age, "ages"), "by_edu": (education, "edus")
        }  # fmt: skip
        eta = pm.Normal("intercept")
        for name, (index, dim) in effects.items():
            eta = eta + pm.Normal(name, 0, pm.HalfNormal(f"sd_{name}", 1), dims=dim)[index]
        cross = pm.Normal("cross", 0, 0.5, dims=("ages", "edus"))
        pm.Bernoulli("y", logit_p=eta + cross[age, education], observed=d.y)

    def density(p, d, real):
        eta = p.intercept + p.by_state[d.state] + p.by_age[d.age] + p.by_edu[d.education]
        return bernoulli(d.y, eta + p.cross[d.age, d.education])

    return Structure(
        {"state": level(4), "age": level(3), "education": level(2), "y": binary}, model, density,
        coords={"states": STATES, "ages": ["18-29", "30-64", "65+"], "edus": ["no", "yes"]},
    )  # fmt: skip


# Items, choices and contests


@structure
def rasch():
    def model(d):
        person, item = data(d, "person", "item")
        ability = pm.Normal("ability", 0, 1, dims="persons")
        difficulty = pm.Normal("difficulty", 0, 1, dims="items")
        pm.Bernoulli("right", logit_p=ability[person] - difficulty[item], observed=d.right)

    return Structure(
        {"person": level(4), "item": level(3), "right": binary}, model,
        lambda p, d, real: bernoulli(d.right, p.ability[d.person] - p.difficulty[d.item]),
        outcome=("right",), coords={"persons": range(4), "items": ["a", "b", "c"]},
        private={"ability": lambda name, p: pm.Normal(name, 0, 1, dims="persons")},
    )  # fmt: skip


@structure
def two_parameter_items():
    def model(d):
        person, item = data(d, "person", "item")
        ability = pm.Normal("ability", 0, 1, shape=4)
        slope = pm.LogNormal("slope", 0, 0.5, shape=3)
        difficulty = pm.Normal("difficulty", 0, 1, shape=3)
        p = pm.math.invlogit(slope[item] * (ability[person] - difficulty[item]))
        pm.Bernoulli("right", p=p, observed=d.right)

    return Structure(
        {"person": level(4), "item": level(3), "right": binary}, model,
        lambda p, d, real: bernoulli(
            d.right, p.slope[d.item] * (p.ability[d.person] - p.difficulty[d.item])
        ),
        outcome=("right",),
    )  # fmt: skip


@structure
def bradley_terry():
    def model(d):
        home, away = data(d, "home", "away")
        skill = pm.ZeroSumNormal("skill", sigma=1, dims="team")
        eta = skill[home] - skill[away] + pm.Normal("advantage", 0, 0.5)
        pm.Bernoulli("won", logit_p=eta, observed=d.won)

    return Structure(
        {"home": level(4), "away": level(4), "won": binary}, model,
        lambda p, d, real: bernoulli(d.won, p.skill[d.home] - p.skill[d.away] + p.advantage),
        outcome=("won",), coords={"team": STATES},
    )  # fmt: skip


@structure
def rugby():
    """Attack and defence of teams: two observed scores a match (Baio and Blangiardo 2010)."""

    def model(d):
        home, away = data(d, "home", "away", dims="match")
        attack = pm.Normal("attack", 0, pm.HalfNormal("sd_attack", 1), dims="team")
        defence = pm.Normal("defence", 0, pm.HalfNormal("sd_defence", 1), dims="team")
        base = pm.Normal("base")
        mu = pm.math.exp(base + pm.Normal("at_home") + attack[home] - defence[away])
        pm.Poisson("home_points", mu, observed=d.home_points, dims="match")
        mu = pm.math.exp(base + attack[away] - defence[home])
        pm.Poisson("away_points", mu, observed=d.away_points, dims="match")

    def density(p, d, real):
        mine = exp(p.base + p.at_home + p.attack[d.home] - p.defence[d.away])
        theirs = exp(p.base + p.attack[d.away] - p.defence[d.home])
        return poisson(d.home_points, mine) + poisson(d.away_points, theirs)

    return Structure(
        {"home": level(4), "away": level(4), "home_points": count, "away_points": count}, model,
        density, outcome=("home_points", "away_points"), coords={"team": STATES},
    )  # fmt: skip


@structure
def conjoint():
    """Paired profiles: attributes of one less those of the other, respondents' own weights."""

    def model(d):
        D = pm.Data("D", d.D, dims=("task", "attribute"))
        who = pm.Data("who", d.who, dims="task")
        mean = pm.Normal("mean", 0, 1, dims="attribute")
        own = pm.Normal("own", mean, pm.HalfNormal("spread", 1, dims="attribute"),
                        dims=("person", "attribute"))  # fmt: skip
        pm.Bernoulli("first", logit_p=(D * own[who]).sum(axis=1), observed=d.first, dims="task")

    return Structure(
        {"D": matrix(3), "who": level(4), "first": binary}, model,
        lambda p, d, real: bernoulli(
            d.first, sum(d.D[:, k] * p.own[d.who, k] for k in range(3))
        ),
        outcome=("first",), coords={"attribute": ["D0", "D1", "D2"], "person": range(4)},
    )  # fmt: skip


@structure
def dirichlet_multinomial():
    def model(d):
        (x,) = data(d, "x")
        a = pm.math.exp(pm.Normal("a", shape=3)[None, :] + pm.Normal("b", shape=3) * x[:, None])
        pm.DirichletMultinomial("y", n=6, a=a, observed=d.y)

    def density(p, d, real):
        a = exp(p.a + p.b * d.x[:, None])
        total = pt.gammaln(a.sum(axis=1)) - pt.gammaln(6 + a.sum(axis=1)) + lgamma(7)
        parts = pt.gammaln(d.y + a) - pt.gammaln(a) - pt.gammaln(d.y + 1)
        return total + parts.sum(axis=1)

    return Structure({"x": real, "y": counts(3, 6)}, model, density)


# Causes


@structure
def difference_in_differences():
    def model(d):
        group, after = data(d, "group", "after")
        trend = pm.Normal("trend") * after + pm.Normal("level", shape=2)[group]
        mu = pm.Deterministic("mu", trend + pm.Normal("effect") * group * after)
        pm.Normal("y", mu, pm.HalfNormal("sigma", 1), observed=d.y)

    return Structure(
        {"group": level(2), "after": binary, "y": real}, model,
        lambda p, d, real: normal(
            d.y, p.trend * d.after + p.level[d.group] + p.effect * d.group * d.after, p.sigma
        ),
        private={"sigma": half_normal()},
    )  # fmt: skip


def bivariate_normal(y, mean, chol):
    """The density of pairs by the rows of a lower triangle (c0; c1, c2)."""
    one = (y[:, 0] - mean[0]) / chol[0]
    two = (y[:, 1] - mean[1] - chol[1] * one) / chol[2]
    return normal(one, 0, 1) + normal(two, 0, 1) - log(chol[0]) - log(chol[2])


@structure
def instrumental_variable():
    """Treatment and outcome with errors that are correlated."""

    def model(d):
        z, t = data(d, "z", "t")
        chol, _, _ = pm.LKJCholeskyCov("chol", n=2, eta=2, sd_dist=pm.Exponential.dist(1))
        mu = pt.stack([pm.Normal("g0") + pm.Normal("g1") * z,
                       pm.Normal("b0") + pm.Normal("b1") * t], axis=1)  # fmt: skip
        pm.MvNormal("y", mu=mu, chol=chol, observed=d.y)

    def density(p, d, real):
        return bivariate_normal(d.y, (p.g0 + p.g1 * d.z, p.b0 + p.b1 * d.t), p.chol)

    return Structure({"z": real, "t": real, "y": matrix(2)}, model, density)


@structure
def seemingly_unrelated():
    """Several outcomes of one person, with the correlation of their errors by LKJ."""

    def model(d):
        X = pm.Data("X", d.X)
        chol, _, _ = pm.LKJCholeskyCov("chol", n=2, eta=2, sd_dist=pm.Exponential.dist(1))
        pm.MvNormal("y", mu=X @ pm.Normal("B", shape=(3, 2)), chol=chol, observed=d.y)

    def density(p, d, real):
        mean = pt.dot(d.X, p.B)
        return bivariate_normal(d.y, (mean[:, 0], mean[:, 1]), p.chol)

    return Structure(
        {"X": matrix(3), "y": matrix(2)}, model, density,
    )  # fmt: skip


@structure
def mediation():
    def model(d):
        (x,) = data(d, "x", dims="who")
        m = pm.Normal("m", pm.Normal("a") * x, pm.HalfNormal("sm", 1), observed=d.m, dims="who")
        mu = pm.Normal("b") * m + pm.Normal("direct") * x
        pm.Normal("y", mu, pm.HalfNormal("sy", 1), observed=d.y, dims="who")

    return Structure(
        {"x": real, "m": real, "y": real}, model,
        lambda p, d, real: normal(d.m, p.a * d.x, p.sm)
        + normal(d.y, p.b * d.m + p.direct * d.x, p.sy),
        outcome=("m", "y"), private={"sy": half_normal()},
    )  # fmt: skip


@structure
def regression_discontinuity():
    def model(d):
        (score,) = data(d, "score")
        treated = pm.math.ge(score, 0.2)
        mu = pm.Normal("a") + pm.Normal("b") * score + pm.Normal("jump") * treated
        pm.Normal("y", mu, pm.HalfNormal("sigma", 1), observed=d.y)

    return Structure(
        {"score": real, "y": real}, model,
        lambda p, d, real: normal(
            d.y, p.a + p.b * d.score + p.jump * (d.score >= 0.2), p.sigma
        ),
        private={"sigma": half_normal()},
    )  # fmt: skip


@structure
def switchpoint():
    def model(d):
        (year,) = data(d, "year")
        at = pm.Uniform("at", -1, 1)
        rate = pm.math.switch(year < at, pm.Exponential("early", 0.5), pm.Exponential("late", 0.5))
        pm.Poisson("y", rate, observed=d.y)

    return Structure(
        {"year": real, "y": count}, model,
        lambda p, d, real: poisson(d.y, pt.switch(d.year < p.at, p.early, p.late)),
    )  # fmt: skip


# Curves and shrinkage


@structure
def spline():
    def model(d):
        B = pm.Data("B", d.B, dims=("obs", "basis"))
        w = pm.Normal("w", 0, pm.HalfNormal("tau", 1), dims="basis")
        pm.Normal("y", pm.Normal("a") + pt.dot(B, w), pm.HalfNormal("sigma", 1), observed=d.y,
                  dims="obs")  # fmt: skip

    return Structure(
        {"B": matrix(4), "y": real}, model,
        lambda p, d, real: normal(d.y, p.a + pt.dot(d.B, p.w), p.sigma),
        coords={"basis": ["B0", "B1", "B2", "B3"]}, private={"sigma": half_normal()},
    )  # fmt: skip


@structure
def horseshoe():
    """The regularised horseshoe (Piironen and Vehtari 2017)."""

    def model(d):
        X = pm.Data("X", d.X, dims=("who", "predictor"))
        tau = pm.HalfStudentT("tau", 2, 0.1)
        lam = pm.HalfStudentT("lam", 5, dims="predictor")
        c2 = pm.InverseGamma("c2", 1, 1)
        z = pm.Normal("z", 0, 1, dims="predictor")
        shrunk = lam * pt.sqrt(c2 / (c2 + tau**2 * lam**2))
        b = pm.Deterministic("b", z * tau * shrunk, dims="predictor")
        pm.Bernoulli("y", logit_p=pm.Normal("a") + X @ b, observed=d.y, dims="who")

    def density(p, d, real):
        b = p.z * p.tau * p.lam * pt.sqrt(p.c2 / (p.c2 + p.tau**2 * p.lam**2))
        return bernoulli(d.y, p.a + pt.dot(d.X, b))

    return Structure(
        {"X": matrix(3), "y": binary}, model, density,
        coords={"predictor": ["X0", "X1", "X2"]},
    )  # fmt: skip


@structure
def meta_analysis():
    """Effects with known standard errors, given by study; the rows are the reported effects."""

    def model(d):
        study, se = data(d, "study", "se")
        theta = pm.Normal("theta", pm.Normal("mu"), pm.HalfNormal("tau", 1), dims="studies")
        pm.Normal("y", theta[study], se, observed=d.y)

    return Structure(
        {"study": level(4), "se": positive, "y": real}, model,
        lambda p, d, real: normal(d.y, p.theta[d.study], pt.as_tensor(d.se)),
        coords={"studies": STATES},
    )  # fmt: skip


@structure
def marginal_meta_analysis():
    """The effects integrated out: each study's variance beside the spread between them."""

    def model(d):
        (se,) = data(d, "se")
        sd = pm.math.sqrt(se**2 + pm.HalfNormal("tau", 1) ** 2)
        pm.Normal("y", pm.Normal("mu"), sd, observed=d.y)

    return Structure(
        {"se": positive, "y": real}, model,
        lambda p, d, real: normal(d.y, p.mu, pt.sqrt(d.se**2 + p.tau**2)),
        private={"tau": half_normal()},
    )  # fmt: skip


@structure
def saturation():
    """A media mix without carry-over: spending with diminishing returns, one curve a channel."""

    def model(d):
        spend = pm.Data("spend", d.spend, dims=("week", "channel"))
        lam = pm.Gamma("lam", 3, 1, dims="channel")
        beta = pm.HalfNormal("beta", 1, dims="channel")
        curve = beta * (1 - pm.math.exp(-lam * spend)) / (1 + pm.math.exp(-lam * spend))
        mu = pm.Normal("base") + curve.sum(axis=-1)
        pm.Normal("y", mu, pm.HalfNormal("sigma", 1), observed=d.y, dims="week")

    return Structure(
        {"spend": lambda rng, n: rng.uniform(size=(n, 2)), "y": real}, model,
        lambda p, d, real: normal(
            d.y, p.base + pt.dot(pt.tanh(p.lam * d.spend / 2), p.beta), p.sigma
        ),
        coords={"channel": ["spend0", "spend1"]}, private={"sigma": half_normal()},
    )  # fmt: skip


@structure
def areas():
    """Neighbouring areas by an intrinsic autoregression with a soft constraint of its sum."""
    one, two = np.array([0, 0, 1, 2]), np.array([1, 2, 3, 3])

    def model(d):
        area, expected = data(d, "area", "expected")
        phi = pm.Normal("phi", 0, 3, dims="areas")
        pm.Potential("neighbours", -0.5 * pt.sum((phi[one] - phi[two]) ** 2))
        pm.Potential("zero_sum", pm.logp(pm.Normal.dist(0, 0.01), phi.sum()))
        pm.Poisson("y", expected * pm.math.exp(pm.Normal("b") + phi[area]), observed=d.y)

    return Structure(
        {"area": level(4), "expected": positive, "y": count}, model,
        lambda p, d, real: poisson(d.y, d.expected * exp(p.b + p.phi[d.area])),
        coords={"areas": STATES},
    )  # fmt: skip


@structure
def density_of_ones_own():
    def model(d):
        (x,) = data(d, "x")

        def logp(value, mu, b):
            return -pt.log(2 * b) - pt.abs(value - mu) / b

        mu = pm.Normal("a") + pm.Normal("s") * x
        pm.CustomDist("y", mu, pm.HalfNormal("b", 1), logp=logp, observed=d.y)

    return Structure(
        {"x": real, "y": real}, model,
        lambda p, d, real: -log(2 * p.b) - pt.abs(d.y - p.a - p.s * d.x) / p.b,
        private={"b": half_normal()},
    )  # fmt: skip


# Outcomes and covariates in other containers


@structure
def discrete_outcome_in_data():
    """PyMC puts a cast between the container and the outcome."""

    def model(d):
        x, seen = data(d, "x"), pm.Data("seen", d.y)
        pm.Bernoulli("y", logit_p=pm.Normal("a") + pm.Normal("b") * x[0], observed=seen)

    return Structure(
        {"x": real, "y": binary}, model, lambda p, d, real: bernoulli(d.y, p.a + p.b * d.x)
    )


@structure
def counts_in_data_of_which_the_size_is_taken():
    def model(d):
        g, seen = pm.Data("g", d.g, dims="row"), pm.Data("seen", d.y, dims="row")
        rate = pm.Exponential("rate", 1, dims="group")
        mu = pt.zeros(seen.shape) + rate[g]
        pm.Poisson("y", mu, observed=seen, shape=seen.shape[0], dims="row")

    return Structure(
        {"g": level(4), "y": count}, model, lambda p, d, real: poisson(d.y, p.rate[d.g]),
        coords={"group": STATES},
    )  # fmt: skip


@structure
def outcome_of_one_column():
    """Outcome and covariates of shape (n, 1), as scikit-learn and networks shape them."""

    def model(d):
        x, seen = pm.Data("x", d.x[:, None]), pm.Data("seen", d.y[:, None])
        w = pm.Normal("w", shape=(1, 2))
        out = pm.math.tanh(x @ w) @ pm.Normal("v", shape=(2, 1))
        pm.Normal("y", out, pm.HalfNormal("sigma", 1), observed=seen)

    return Structure(
        {"x": real, "y": real}, model,
        lambda p, d, real: normal(
            d.y, sum(pt.tanh(d.x * p.w[0, k]) * p.v[k, 0] for k in range(2)), p.sigma
        ),
        private={"sigma": half_normal()},
    )  # fmt: skip


@structure
def imputed_covariate():
    """PyMC imputes what real people did not say; the answers' own column is complete."""

    def model(d):
        gaps = np.arange(len(d.x)) % 5 == 1
        x = pm.Normal("x", pm.Normal("m"), 1, observed=np.ma.masked_array(d.x, gaps))
        mu = pm.Normal("a") + pm.Normal("b") * x
        pm.Normal("y", mu, pm.HalfNormal("sigma", 1), observed=d.y)

    return Structure(
        {"x": real, "y": real}, model,
        lambda p, d, real: normal(d.y, p.a + p.b * d.x, p.sigma),
        private={"sigma": half_normal()},
    )  # fmt: skip


# Statistics of the rows inside the model: those of the real rows


@structure
def centred_in_the_model():
    def model(d):
        (x,) = data(d, "x")
        mu = pm.Normal("a") + pm.Normal("b") * (x - x.mean()) / x.std()
        pm.Normal("y", mu, pm.HalfNormal("sigma", 1), observed=d.y)

    return Structure(
        {"x": real, "y": real}, model,
        lambda p, d, real: normal(
            d.y, p.a + p.b * (d.x - real.x.mean()) / real.x.std(), p.sigma
        ),
        private={"sigma": half_normal()},
    )  # fmt: skip


@structure
def centred_matrix():
    def model(d):
        X = pm.Data("X", d.X, dims=("who", "predictor"))
        b = pm.Normal("b", 0, 1, dims="predictor")
        pm.Normal("y", pm.Normal("a") + (X - X.mean(axis=0)) @ b, 1, observed=d.y, dims="who")

    return Structure(
        {"X": matrix(3), "y": real}, model,
        lambda p, d, real: normal(
            d.y, p.a + pt.dot(d.X - real.X.mean(axis=0), p.b), pt.constant(1.0)
        ),
        coords={"predictor": ["X0", "X1", "X2"]},
    )  # fmt: skip


@structure
def g_prior():
    """Zellner's prior, whose covariance is built from the real rows."""

    def model(d):
        X = pm.Data("X", d.X)
        sigma = pm.HalfNormal("sigma", 1)
        precision = pt.dot(X.T, X) / (20.0 * sigma**2)
        b = pm.MvNormal("b", np.zeros(2), tau=precision, shape=2)
        pm.Normal("y", X @ b, sigma, observed=d.y)

    return Structure(
        {"X": matrix(2), "y": real}, model,
        lambda p, d, real: normal(d.y, pt.dot(d.X, p.b), p.sigma),
    )  # fmt: skip


@structure
def smooth_by_basis_functions():
    """A Gaussian process by basis functions (HSGP), which are centred at the real rows' middle."""

    def model(d):
        X = pm.Data("X", d.X)
        gp = pm.gp.HSGP(m=[4], L=[5.0], cov_func=pm.HalfNormal("eta", 1)
                        * pm.gp.cov.ExpQuad(1, ls=pm.InverseGamma("ls", 3, 2)))  # fmt: skip
        phi, spectrum = gp.prior_linearized(X)
        f = phi @ (pm.Normal("w", 0, 1, shape=4) * spectrum)
        pm.Normal("y", f, pm.HalfNormal("sigma", 1), observed=d.y)

    def density(p, d, real):
        middle = (real.X.max() + real.X.min()) / 2
        root = np.arange(1, 5) * np.pi / 10
        phi = np.sin(root * (d.X - middle + 5.0)) / np.sqrt(5.0)
        spectrum = p.eta * np.sqrt(2 * np.pi) * p.ls * exp(-0.5 * (p.ls * root) ** 2)
        return normal(d.y, pt.dot(phi, p.w * pt.sqrt(spectrum)), p.sigma)

    return Structure({"X": matrix(1), "y": real}, model, density, private={"sigma": half_normal()})


# Not served by rows: each row needs something of its own, or looks at other rows


@structure
def measurement_error():
    def model(d):
        (seen,) = data(d, "seen")
        true = pm.Normal("true", 0, 1, shape=seen.shape)
        pm.Normal("measured", true, 0.3, observed=d.measured)
        pm.Normal("y", pm.Normal("b") * true, 1, observed=d.y)

    return Structure(
        {"seen": real, "measured": real, "y": real}, model,
        refused="free variable 'true' belongs to the rows", believed="b",
    )  # fmt: skip


@structure
def stochastic_volatility():
    def model(d):
        h = pm.GaussianRandomWalk("h", sigma=pm.Exponential("step", 10),
                                  init_dist=pm.Normal.dist(0, 1), shape=len(d.y))  # fmt: skip
        pm.StudentT("y", nu=5, lam=pm.math.exp(-2 * h), observed=d.y)

    return Structure({"y": real}, model, refused="free variable 'h' belongs to the rows",
                     believed="step")  # fmt: skip


@structure
def gaussian_process():
    def model(d):
        (x,) = data(d, "x")
        gp = pm.gp.Marginal(cov_func=pm.gp.cov.ExpQuad(1, ls=pm.Gamma("ls", 2, 1)))
        gp.marginal_likelihood("y", x[:, None], d.y, sigma=pm.HalfNormal("sigma", 1))

    return Structure({"x": real, "y": real}, model, refused="as one observation.*likelihood=")


@structure
def autoregression():
    def model(d):
        pm.AR("y", rho=pm.Normal("rho", 0, 0.5, shape=1), sigma=pm.HalfNormal("s", 1),
              init_dist=pm.Normal.dist(), observed=d.y)  # fmt: skip

    return Structure({"y": real}, model, refused="as one observation.*likelihood=", believed="s")


@structure
def lagged_covariate():
    def model(d):
        (x,) = data(d, "x")
        lag = pt.concatenate([x[:1], x[:-1]])
        pm.Normal("y", pm.Normal("b") * lag, pm.HalfNormal("sigma", 1), observed=d.y)

    return Structure({"x": real, "y": real}, model, refused="row")


@structure
def adstock():
    """A media mix with carry-over: each week looks at the weeks before."""

    def model(d):
        (spend,) = data(d, "spend")
        decay = pm.Beta("decay", 2, 2)
        shifted = [pt.concatenate([pt.zeros(k), spend[: spend.shape[0] - k]]) for k in range(3)]
        carried = sum(decay**k * shifted[k] for k in range(3))
        mu = pm.Normal("a") + pm.HalfNormal("b", 1) * carried
        pm.Normal("y", mu, pm.HalfNormal("sigma", 1), observed=d.y)

    return Structure({"spend": fraction, "y": real}, model, refused="row")


@structure
def data_of_each_alternative():
    """Rows, alternatives and attributes: three dimensions, which columns cannot fill."""

    def model(d):
        rng = np.random.default_rng(3)
        X = pm.Data("X", rng.normal(size=(len(d.y), 3, 2)), dims=("task", "option", "attribute"))
        pm.Categorical("y", logit_p=pt.dot(X, pm.Normal("b", 0, 1, dims="attribute")),
                       observed=d.y, dims="task")  # fmt: skip

    return Structure(
        {"y": level(3)}, model, refused="3 dimensions", believed="b[price]",
        coords={"attribute": ["price", "time"], "option": ["a", "b", "c"]},
    )  # fmt: skip
