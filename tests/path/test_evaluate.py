"""Graphs on many draws at once, against PyMC's own evaluation."""

from types import SimpleNamespace

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr

from foundation_priors.path.evaluate import _plain, on_draws
from foundation_priors.path.score import _densities
from foundation_priors.prior.columns import Table
from foundation_priors.prior.model import numpy_mode


def draws_of(model: pm.Model, size: int, seed: int = 0) -> xr.Dataset:
    names = [rv.name for rv in model.free_RVs]
    how = {"var_names": names, "compile_kwargs": {"mode": numpy_mode()}}
    with model:
        prior = pm.sample_prior_predictive(size, random_seed=seed, **how)["prior"].to_dataset()
    return prior.isel(chain=0, drop=True).rename(draw="sample")


def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    return {"x": rng.normal(size=9), "g": rng.integers(0, 3, 9), "n": rng.integers(0, 4, 9)}


def bernoulli(data, mu):
    return pm.Bernoulli("y", logit_p=mu, observed=data["n"] > 1)


def negative_binomial(data, mu):
    return pm.NegativeBinomial("y", mu=pt.exp(mu / 9), alpha=2.0, observed=data["n"])


def ordered(data, mu):
    return pm.OrderedLogistic("y", eta=mu, cutpoints=[-1.0, 0.0, 1.0], observed=data["n"])


def censored(data, mu):
    x = np.clip(data["x"], -1, 1)
    return pm.Censored("y", pm.Normal.dist(mu, 1.0), lower=-1, upper=1, observed=x)


def zero_inflated(data, mu):
    return pm.ZeroInflatedPoisson("y", psi=0.7, mu=pt.exp(mu / 9), observed=data["n"])


def several(data, mu):
    both = np.stack([data["x"], -data["x"]], axis=1)
    cov = np.array([[1.0, 0.2], [0.2, 2.0]])
    return pm.MvNormal("y", mu=pt.stack([mu, -mu], axis=-1), cov=cov, observed=both)


FAMILIES = [bernoulli, negative_binomial, ordered, censored, zero_inflated, several]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_the_log_likelihood_is_that_of_pymc(family, monkeypatch):
    from pymc.stats import compute_log_likelihood

    data = rows()
    with pm.Model() as model:
        x, g = pm.Data("x", data["x"]), pm.Data("g", data["g"])
        a = pm.Normal("a", 0, 3)
        b = pm.Normal("b", 0, 1, shape=3)
        y = family(data, a + b[g] * x)
    draws = draws_of(model, 7)
    monkeypatch.setattr("foundation_priors.path.evaluate.CELLS", 27)  # 3 draws at a time
    outcome = model.rvs_to_values[y].eval(mode=numpy_mode())
    table = xr.Dataset({"x": ("row", data["x"]), "g": ("row", data["g"])})
    table["y"] = ("row", "axis")[: outcome.ndim], outcome
    found = _densities(model, Table.from_real(table), {}, draws, SimpleNamespace(levels={}))
    tree = xr.DataTree.from_dict({"posterior": draws.rename(sample="draw").expand_dims("chain")})
    how = {"model": model, "progressbar": False, "compile_kwargs": {"mode": numpy_mode()}}
    compute_log_likelihood(tree, **how)
    np.testing.assert_allclose(found, tree["log_likelihood"]["y"].values[0], rtol=1e-9)


def test_what_does_not_depend_on_the_draws_is_repeated():
    with pm.Model() as model:
        pm.Normal("a")
    out = on_draws(model, [pt.as_tensor(np.arange(3.0)), pt.as_tensor(2.0)], draws_of(model, 4))
    assert [o.shape for o in out] == [(4, 3), (4,)]


def test_rewriting_is_exact():
    x = pt.dvector("x")
    values = np.array([-800, -40, -1, -1e-3, -1e-12, 0.0, 1e-12, 0.5, 30, 800])
    (plain,) = _plain([pt.softplus(x)])
    found = pytensor.function([x], plain, mode=numpy_mode())(values)
    np.testing.assert_allclose(found, np.logaddexp(0, values), rtol=1e-14)
    (plain,) = _plain([pt.log1mexp(x)])
    below = values[values < 0]
    found = pytensor.function([x], plain, mode=numpy_mode())(below)
    near = np.where(below > -0.69, np.log(-np.expm1(below)), np.log1p(-np.exp(below)))
    np.testing.assert_allclose(found, near, rtol=1e-14)
    derivative = pytensor.function([x], pt.grad(_plain([pt.softplus(x)])[0].sum(), x))
    assert np.isfinite(derivative(values[values != 0])).all()
