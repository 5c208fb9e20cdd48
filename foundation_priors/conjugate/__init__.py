"""Conjugate families: trust paths in closed form, for teaching and as exact answers for tests."""

from foundation_priors.conjugate.arc import arc_grid
from foundation_priors.conjugate.base import ConjugatePath
from foundation_priors.conjugate.beta_binomial import BernoulliRows, BetaBinomial
from foundation_priors.conjugate.dirichlet_multinomial import CategoryRows, DirichletMultinomial
from foundation_priors.conjugate.gamma_poisson import GammaPoisson, PoissonRows
from foundation_priors.conjugate.mixtures import BetaMixture, GammaMixture, NormalMixture
from foundation_priors.conjugate.mixtures_core import ConjugateMixture
from foundation_priors.conjugate.mixtures_path import MixturePath
from foundation_priors.conjugate.mixtures_rule import TwoArmRule, probability_larger
from foundation_priors.conjugate.normal_mean import NormalMean, NormalMeanVariance, NormalRows
from foundation_priors.conjugate.normal_regression import NormalRegression, RegressionRows

__all__ = [
    "BernoulliRows",
    "BetaBinomial",
    "BetaMixture",
    "CategoryRows",
    "ConjugateMixture",
    "ConjugatePath",
    "DirichletMultinomial",
    "GammaMixture",
    "GammaPoisson",
    "MixturePath",
    "NormalMean",
    "NormalMeanVariance",
    "NormalMixture",
    "NormalRegression",
    "NormalRows",
    "PoissonRows",
    "RegressionRows",
    "TwoArmRule",
    "arc_grid",
    "probability_larger",
]
