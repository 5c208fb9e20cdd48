"""A posterior without a likelihood: any estimator that takes weights, over every concentration."""

from foundation_priors.bootstrap.linear import LinearRegression, linear_regression
from foundation_priors.bootstrap.result import BootstrapPath
from foundation_priors.bootstrap.run import bootstrap_path

__all__ = ["BootstrapPath", "LinearRegression", "bootstrap_path", "linear_regression"]
