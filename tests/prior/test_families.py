"""Every likelihood: what the tilted model says of the answers is what a model of them would say.

The reference is the user's model written for the answers' rows, evaluated at the same points.
Every univariate and multivariate likelihood of PyMC with a log density and with independent rows
is here. Those that cannot be served are at the end, each with its reason.
"""

from collections.abc import Callable

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

import foundation_priors as fp
from foundation_priors.prior.tilt import build
from tests.prior.common import answers, loglik, observed_logp, points

RNG = np.random.default_rng(0)
REAL, SAID = 30, 12
CUTS = np.array([-1.0, 0.0, 1.0])

type Outcome = Callable[[int], np.ndarray]


def real_line(n: int) -> np.ndarray:
    return np.clip(RNG.normal(size=n), -3, 3)


def clipped(n: int) -> np.ndarray:
    return np.clip(RNG.normal(size=n), -1, 1)


def positive(n: int) -> np.ndarray:
    return RNG.gamma(2, 1, n) + 0.01


def zero_or_positive(n: int) -> np.ndarray:
    return positive(n) * binary(n)


def fraction(n: int) -> np.ndarray:
    return RNG.uniform(0.05, 0.95, n)


def count(n: int) -> np.ndarray:
    return RNG.poisson(2, n)


def trials(n: int) -> np.ndarray:
    return count(n) + 1


def binary(n: int) -> np.ndarray:
    return RNG.integers(0, 2, n)


def level(n: int) -> np.ndarray:
    return RNG.integers(0, 4, n)


def pair(n: int) -> np.ndarray:
    return RNG.normal(size=(n, 2))


def counts(n: int) -> np.ndarray:
    return RNG.multinomial(5, [0.3, 0.3, 0.4], n)


def simplex(n: int) -> np.ndarray:
    return RNG.dirichlet([1, 1, 1], n)


def zero_sum(n: int) -> np.ndarray:
    half = RNG.normal(size=(n, 1))
    return np.hstack([half, -half])


def two(e):
    return pt.stack([e, -e], axis=-1)


def three(e):
    return pt.stack([e, -e, 0 * e], axis=-1)


def log_laplace(value, mu):
    return -pt.abs(value - mu)


def log_normal(mu, size):
    return pm.math.exp(pm.Normal.dist(mu, 1.0, size=size))


exp, invlogit = pm.math.exp, pm.math.invlogit

FAMILIES: list[tuple[Callable, Outcome, Callable]] = [
    (pm.Normal, real_line, lambda e: {"mu": e, "sigma": 1.0}),
    (pm.StudentT, real_line, lambda e: {"nu": 4, "mu": e, "sigma": 1.0}),
    (pm.SkewStudentT, real_line, lambda e: {"a": 2.0, "b": 3.0, "mu": e, "sigma": 1.0}),
    (pm.Cauchy, real_line, lambda e: {"alpha": e, "beta": 1.0}),
    (pm.Laplace, real_line, lambda e: {"mu": e, "b": 1.0}),
    (pm.AsymmetricLaplace, real_line, lambda e: {"mu": e, "b": 1.0, "kappa": 0.7}),
    (pm.SkewNormal, real_line, lambda e: {"mu": e, "sigma": 1.0, "alpha": 1.0}),
    (pm.Logistic, real_line, lambda e: {"mu": e, "s": 1.0}),
    (pm.Gumbel, real_line, lambda e: {"mu": e, "beta": 1.0}),
    (pm.Moyal, real_line, lambda e: {"mu": e, "sigma": 1.0}),
    (pm.ExGaussian, real_line, lambda e: {"mu": e, "sigma": 1.0, "nu": 1.0}),
    (pm.VonMises, real_line, lambda e: {"mu": e, "kappa": 1.0}),
    (pm.Triangular, real_line, lambda e: {"lower": -5.0, "upper": 5.0, "c": pm.math.tanh(e)}),
    (pm.Uniform, real_line, lambda e: {"lower": -10 - exp(e), "upper": 10}),
    (pm.LogNormal, positive, lambda e: {"mu": e, "sigma": 1.0}),
    (pm.Gamma, positive, lambda e: {"mu": exp(e), "sigma": 1.0}),
    (pm.InverseGamma, positive, lambda e: {"alpha": exp(e), "beta": 1.0}),
    (pm.Exponential, positive, lambda e: {"lam": exp(e)}),
    (pm.Weibull, positive, lambda e: {"alpha": 2.0, "beta": exp(e)}),
    (pm.HalfNormal, positive, lambda e: {"sigma": exp(e)}),
    (pm.HalfCauchy, positive, lambda e: {"beta": exp(e)}),
    (pm.HalfStudentT, positive, lambda e: {"nu": 3, "sigma": exp(e)}),
    (pm.Wald, positive, lambda e: {"mu": exp(e), "lam": 1.0}),
    (pm.Pareto, positive, lambda e: {"alpha": exp(e), "m": 0.001}),
    (pm.ChiSquared, positive, lambda e: {"nu": exp(e)}),
    (pm.Rice, positive, lambda e: {"nu": exp(e), "sigma": 1.0}),
    (pm.TruncatedNormal, positive, lambda e: {"mu": e, "sigma": 1.0, "lower": 0}),
    (pm.Truncated, positive, lambda e: {"dist": pm.Gamma.dist(2.0, exp(e)), "upper": 30.0}),
    (pm.Beta, fraction, lambda e: {"mu": invlogit(e), "sigma": 0.1}),
    (pm.Kumaraswamy, fraction, lambda e: {"a": exp(e), "b": 1.0}),
    (pm.LogitNormal, fraction, lambda e: {"mu": e, "sigma": 1.0}),
    (pm.Censored, clipped, lambda e: {"dist": pm.Normal.dist(e, 1.0), "lower": -1, "upper": 1}),
    (pm.Poisson, count, lambda e: {"mu": exp(e)}),
    (pm.NegativeBinomial, count, lambda e: {"mu": exp(e), "alpha": 2.0}),
    (pm.ZeroInflatedPoisson, count, lambda e: {"psi": 0.7, "mu": exp(e)}),
    (pm.ZeroInflatedNegativeBinomial, count, lambda e: {"psi": 0.7, "mu": exp(e), "alpha": 2.0}),
    (pm.ZeroInflatedBinomial, count, lambda e: {"psi": 0.7, "n": 20, "p": invlogit(e)}),
    (pm.HurdlePoisson, count, lambda e: {"psi": 0.7, "mu": exp(e)}),
    (pm.HurdleNegativeBinomial, count, lambda e: {"psi": 0.7, "mu": exp(e), "alpha": 2.0}),
    (pm.HurdleGamma, zero_or_positive, lambda e: {"psi": 0.7, "alpha": 2.0, "beta": exp(e)}),
    (pm.HurdleLogNormal, zero_or_positive, lambda e: {"psi": 0.7, "mu": e, "sigma": 1.0}),
    (pm.Binomial, count, lambda e: {"n": 20, "p": invlogit(e)}),
    (pm.BetaBinomial, count, lambda e: {"alpha": exp(e), "beta": 1.0, "n": 20}),
    (pm.HyperGeometric, count, lambda e: {"N": 60, "k": 30, "n": 20 + 0 * e.astype(int)}),
    (pm.DiscreteUniform, count, lambda e: {"lower": -1, "upper": 20 + 0 * e.astype(int)}),
    (pm.DiscreteWeibull, count, lambda e: {"q": invlogit(e), "beta": 1.0}),
    (pm.Geometric, trials, lambda e: {"p": invlogit(e)}),
    (pm.Bernoulli, binary, lambda e: {"logit_p": e}),
    (pm.Categorical, level, lambda e: {"logit_p": pt.stack([e, 0 * e, 2 * e, -e], axis=-1)}),
    (pm.OrderedLogistic, level, lambda e: {"eta": e, "cutpoints": CUTS}),
    (pm.OrderedProbit, level, lambda e: {"eta": e, "cutpoints": CUTS}),
    (pm.Mixture, real_line, lambda e: {
        "w": [0.3, 0.7], "comp_dists": [pm.Normal.dist(e, 1.0), pm.Normal.dist(-e, 2.0)]}),
    (pm.NormalMixture, real_line, lambda e: {"w": [0.3, 0.7], "mu": two(e), "sigma": 1.0}),
    (pm.MvNormal, pair, lambda e: {"mu": two(e), "cov": np.eye(2)}),
    (pm.MvStudentT, pair, lambda e: {"nu": 4, "mu": two(e), "scale": np.eye(2)}),
    (pm.Multinomial, counts, lambda e: {"n": 5, "p": pm.math.softmax(three(e), axis=-1)}),
    (pm.OrderedMultinomial, counts, lambda e: {"eta": e, "cutpoints": CUTS[1:], "n": 5}),
    (pm.DirichletMultinomial, counts, lambda e: {"n": 5, "a": exp(three(e))}),
    (pm.Dirichlet, simplex, lambda e: {"a": exp(three(e))}),
    (pm.StickBreakingWeights, simplex, lambda e: {"alpha": exp(e), "K": 2}),
    (pm.ZeroSumNormal, zero_sum, lambda e: {"sigma": exp(e)[:, None]}),
]  # fmt: skip


def model_of(family: Callable, parameters: Callable, x: np.ndarray, y: np.ndarray) -> pm.Model:
    with pm.Model() as model:
        data = pm.Data("x", x)
        eta = pm.Normal("a", 0, 1) + pm.Normal("s", 0, 1) * data
        family("y", **parameters(eta), observed=y)
    return model


def compare(write: Callable[[np.ndarray, np.ndarray], pm.Model], outcome: Outcome) -> None:
    x, xs, y, ys = RNG.normal(size=REAL), RNG.normal(size=SAID), outcome(REAL), outcome(SAID)
    tilted = build(write(x, y), answers(x=xs, y=ys)).model
    reference = write(xs, ys)
    for point in points(reference):
        expected = observed_logp(reference, point)
        assert np.isfinite(expected)
        np.testing.assert_allclose(loglik(tilted, point), expected, rtol=1e-8)


@pytest.mark.parametrize(
    ("family", "outcome", "parameters"), FAMILIES, ids=[f.__name__ for f, _, _ in FAMILIES]
)
def test_family(family: Callable, outcome: Outcome, parameters: Callable):
    compare(lambda x, y: model_of(family, parameters, x, y), outcome)


CUSTOM = {
    "density": (real_line, lambda e, y: pm.CustomDist("y", e, logp=log_laplace, observed=y)),
    "graph": (positive, lambda e, y: pm.CustomDist("y", e, dist=log_normal, observed=y)),
    "matrix of normals": (pair, lambda e, y: pm.Normal("y", e[:, None], 1.0, observed=y)),
    "fixed size": (real_line, lambda e, y: pm.Normal("y", e, 1.0, shape=y.shape, observed=y)),
    "shape of data": (real_line, lambda e, y: pm.Normal("y", e, 1.0, size=e.shape, observed=y)),
    "outcome as data": (
        real_line, lambda e, y: pm.Normal("y", e, 1.0, observed=pm.Data("y_data", y))),
}  # fmt: skip


@pytest.mark.parametrize("case", CUSTOM)
def test_written_otherwise(case: str):
    outcome, likelihood = CUSTOM[case]

    def write(x: np.ndarray, y: np.ndarray) -> pm.Model:
        with pm.Model() as model:
            eta = pm.Normal("a", 0, 1) + pm.Normal("s", 0, 1) * pm.Data("x", x)
            likelihood(pm.Deterministic("eta", eta), y)
        return model

    compare(write, outcome)


def test_answers_are_not_scaled_by_the_total_size_of_the_real_rows():
    x, xs, y, ys = (real_line(n) for n in (REAL, SAID, REAL, SAID))
    with pm.Model() as model:
        eta = pm.Normal("a", 0, 1) + pm.Normal("s", 0, 1) * pm.Data("x", x)
        pm.Normal("y", eta, 1.0, observed=y, total_size=10 * REAL)
    reference = model_of(pm.Normal, lambda e: {"mu": e, "sigma": 1.0}, xs, ys)
    tilted = build(model, answers(x=xs, y=ys)).model
    for point in points(reference):
        np.testing.assert_allclose(loglik(tilted, point), observed_logp(reference, point))


SERIES = {
    "AR": lambda: pm.AR("y", rho=[0.5], sigma=pm.HalfNormal("s"), init_dist=pm.Normal.dist(),
                        steps=REAL - 1, observed=real_line(REAL)),
    "GaussianRandomWalk": lambda: pm.GaussianRandomWalk(
        "y", sigma=pm.HalfNormal("s"), init_dist=pm.Normal.dist(), observed=real_line(REAL)),
    "one MvNormal over all rows": lambda: pm.MvNormal(
        "y", np.zeros(REAL), pm.HalfNormal("s") * np.eye(REAL), observed=real_line(REAL)),
}  # fmt: skip


@pytest.mark.parametrize("case", SERIES)
def test_rows_that_hang_together_are_refused(case: str):
    """Series, areas and Gaussian processes have one density for all rows, so no row has its own."""
    with pm.Model() as model:
        SERIES[case]()
    with pytest.raises(fp.ModelError, match="as one observation.*likelihood="):
        build(model, answers(y=real_line(SAID)))


def test_interpolated_is_refused():
    """PyMC itself has no density of more than one value of it at a time."""
    shape = {"x_points": np.array([0, 0.5, 1]), "pdf_points": np.array([1, 2, 1])}
    with pm.Model() as model:
        pm.Normal("a")
        pm.Interpolated("y", **shape, observed=fraction(REAL))
    with pytest.raises(fp.ModelError, match="'y' .Interpolated. for other rows.*likelihood="):
        build(model, answers(y=fraction(SAID)))
