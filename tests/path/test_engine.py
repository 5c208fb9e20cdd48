"""The compiled model: what it computes, who runs it, and models of every kind."""

import tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import foundation_priors as fp
from foundation_priors.path.climb import Climber, Plan
from foundation_priors.path.engine import Engine, forward_is_exact
from foundation_priors.path.fits import Settings
from foundation_priors.prior.tilt import build
from tests.path import models
from tests.path.test_trust_path import TRUSTS, assert_near


@pytest.fixture(scope="module")
def engine() -> Engine:
    return models.coin().engine


def climb(engine, seed, executor=None, max_trust=1.0):
    """Build both ladders again with the model that is compiled already."""
    plan = Plan(100, 24, max_trust, Settings(100, 2, None), executor)
    return Climber(engine, plan, seed, lambda *_, **__: None).climb()


def equal(a, b) -> bool:
    return all(
        np.array_equal(p.u, q.u) and np.array_equal(p.mixture.ell, q.mixture.ell)
        for p, q in zip(a, b, strict=True)
    )


def test_the_density_is_a_sum_of_its_parts(engine):
    u = np.array([[-1.0], [0.0], [2.5]])
    theta = 1 / (1 + np.exp(-u[:, 0]))
    found = engine.expand(u)
    np.testing.assert_allclose(found.values["theta"], theta)
    np.testing.assert_allclose(found.prior, np.log(theta) + np.log1p(-theta))
    for trust, weight in ((0.0, 0.0), (0.3, 0.0), (0.7, 1.0)):
        value, grad = engine.value_grad(u, np.array([trust]), weight)
        jacobian = np.log(theta) + np.log1p(-theta)
        np.testing.assert_allclose(value, jacobian + weight * found.real + trust * found.ell[:, 0])
        np.testing.assert_allclose(found.base(weight), jacobian + weight * found.real)
        slope = (1 - 2 * theta) * (1 + 5 * trust) + weight * (4 - 5 * theta)
        np.testing.assert_allclose(grad[:, 0], slope, atol=1e-12)


def test_forward_draws_are_the_prior(engine):
    assert forward_is_exact(engine.model)
    u = engine.forward(2000, np.random.SeedSequence(1))
    theta = 1 / (1 + np.exp(-u[:, 0]))
    assert abs(theta.mean() - 0.5) < 4 / np.sqrt(12 * 2000)
    assert abs(np.mean(theta < 0.1) - 0.1) < 4 * np.sqrt(0.09 / 2000)
    np.testing.assert_array_equal(u, engine.forward(2000, np.random.SeedSequence(1)))


def test_the_seed_decides_and_threads_change_nothing(engine):
    first, again = climb(engine, 1), climb(engine, 1)
    assert equal(first, again) and not equal(first, climb(engine, 2))
    with ThreadPoolExecutor(2) as threads:
        assert equal(first, climb(engine, 1, threads))


def test_processes_change_nothing(engine):
    """The engine is pickled, and compiles itself anew where it arrives."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        assert equal(climb(engine, 1), climb(engine, 1, processes))


def test_trust_beyond_1(engine):
    posterior, prior = climb(engine, 1, max_trust=3.0)
    t = np.array([0.5, 1.0, 2.0, 3.0])
    a, b = posterior.check(t[:, None]), prior.check(t[:, None])
    from scipy.special import betaln

    truth = betaln(5 + 5 * t, 2 + 5 * t) - betaln(1 + 5 * t, 1 + 5 * t) - betaln(5, 2)
    error = np.hypot(a.mcse_log_z, b.mcse_log_z)
    assert (np.abs(a.log_z - b.log_z - truth) < 4 * error).all()


def test_the_grid_of_a_longer_path_holds_1():
    from foundation_priors.path.trust_path import _grid

    grid = _grid(models.coin().posterior, 3.0)
    assert len(grid) == 101 and grid[0] == 0 and grid[-1] == 3 and (grid == 1).sum() == 1


def test_a_potential_belongs_to_the_prior(tmp_path, monkeypatch):
    """N(0, 2) times exp(-1.5 (mu - 1)^2): a normal prior of another mean and precision."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rng = np.random.default_rng(2)
    real, said = rng.normal(1, 1, 5), rng.normal(-0.5, 1, 8)
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 2)
        pm.Potential("extra", 7 - 1.5 * (mu - 1) ** 2)
        pm.Normal("y", mu, 1.0, observed=real)
    precision = 1 / 4 + 3
    exact = fp.conjugate.NormalMean.from_data(
        real, said, prior_mean=3 / precision, prior_sd=precision**-0.5, sigma=1, weight=1
    )
    llm = fp.SyntheticData.from_dataframe(pd.DataFrame({"y": said}), outcome="y", weight=1)
    path = fp.trust_path(model, llm, random_seed=1, progressbar=False)
    assert not forward_is_exact(path.engine.model)
    assert not list(tmp_path.iterdir())  # a path leaves no files
    assert_near(path.mean("mu", TRUSTS), exact.mean("mu", TRUSTS))
    assert_near(path.log_normalizer(TRUSTS), exact.log_normalizer(TRUSTS))
    start = exact.log_evidence(0.0).item()
    assert_near(path.log_evidence(TRUSTS), exact.log_evidence(TRUSTS) - start)


def test_ordered_parameters_keep_their_initial_value():
    """Their prior is cut by the order, so its draws come from NUTS; each side is symmetric."""
    with pm.Model() as model:
        ordered = pm.distributions.transforms.ordered
        cut = pm.Normal("cut", 0, 1, shape=2, transform=ordered, initval=[-1.0, 1.0])
        x = pm.Data("x", np.linspace(-1, 1, 9))
        y = [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 2.0, 1.0, 2.0]
        pm.Normal("y", cut[0] + cut[1] * x, 1.0, observed=y)
    llm = fp.SyntheticData.from_dataframe(
        pd.DataFrame({"y": [0.0, 1.0, 1.0, 2.0, 1.0], "x": [-1.0, 0.0, 0.2, 1.0, 0.0]}),
        outcome="y",
        weight=1,
    )
    engine = Engine(build(model, llm))
    assert not forward_is_exact(engine.model)
    assert engine.forward(10, np.random.SeedSequence(1)) is None
    posterior, prior = climb(engine, 1)
    cuts = np.concatenate([f.run.values["cut"].reshape(-1, 2) for f in prior.fits])
    assert (cuts[:, 0] < cuts[:, 1]).all()
    found = prior.mixture.estimate(np.zeros((1, 1)), cuts)
    # The smaller and the larger of two standard normals have mean -+ 1/sqrt(pi).
    truth = np.array([-1, 1]) / np.sqrt(np.pi)
    assert (np.abs(found.mean[0] - truth) < 4 * found.mcse_mean[0]).all()
    assert posterior.fits[0].r_hat < 1.1
