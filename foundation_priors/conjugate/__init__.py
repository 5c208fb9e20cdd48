"""Conjugate families: trust paths in closed form, for teaching and as exact answers for tests."""

from foundation_priors.conjugate.arc import arc_grid
from foundation_priors.conjugate.base import ConjugatePath
from foundation_priors.conjugate.beta_binomial import BernoulliRows, BetaBinomial
from foundation_priors.conjugate.dirichlet_multinomial import CategoryRows, DirichletMultinomial
from foundation_priors.conjugate.gamma_poisson import GammaPoisson, PoissonRows
from foundation_priors.conjugate.normal_mean import NormalMean, NormalMeanVariance, NormalRows
from foundation_priors.conjugate.normal_regression import NormalRegression, RegressionRows

__all__ = [
    "BernoulliRows",
    "BetaBinomial",
    "CategoryRows",
    "ConjugatePath",
    "DirichletMultinomial",
    "GammaPoisson",
    "NormalMean",
    "NormalMeanVariance",
    "NormalRegression",
    "NormalRows",
    "PoissonRows",
    "RegressionRows",
    "arc_grid",
]
