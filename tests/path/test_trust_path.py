"""The path engine against closed forms."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import betaln

import foundation_priors as fp
from tests.path import models

TRUSTS = np.array([0.0, 0.003, 0.05, 0.2, 0.2854, 0.5, 0.8, 1.0])


def assert_near(found, truth, error=None, least=1e-9):
    """Assert that estimates are within 4 Monte Carlo errors of the truth."""
    error = found.mcse if error is None else error
    assert (np.abs(found.values - np.asarray(truth)) <= 4 * np.asarray(error) + least).all()


def assert_follows(path, exact, name, trust=TRUSTS):
    """Assert that moments and normalisers agree with a conjugate family's."""
    assert_near(path.mean(name, trust), exact.mean(name, trust))
    assert_near(path.sd(name, trust), exact.sd(name, trust))
    log_evidence, log_z = path.log_evidence(trust), path.log_normalizer(trust)
    start = exact.log_evidence(0.0).item()
    assert_near(log_evidence, exact.log_evidence(trust) - start)
    assert_near(log_z, exact.log_normalizer(trust))
    assert log_evidence.reliable.all() and log_z.reliable.all()
    assert log_evidence.mcse.max() <= 0.05


def test_the_coin():
    """Misra, Foundation Priors, arXiv 2512.01107: posterior Beta(5 + 5L, 2 + 5L)."""
    path, t = models.coin(), TRUSTS
    assert_follows(path, models.coin_exact(), "theta")
    assert_near(path.mean("theta", t), (5 + 5 * t) / (7 + 10 * t))
    four = path.mean("theta", [0, 0.2, 0.5, 1])
    assert_near(four, [0.714, 0.667, 0.625, 0.588], least=5e-4)
    evidence = betaln(5 + 5 * t, 2 + 5 * t) - betaln(1 + 5 * t, 1 + 5 * t) - np.log(1 / 30)
    assert_near(path.log_evidence(t), evidence)
    assert_near(path.log_evidence(1.0), np.log(0.034615 * 30), least=1e-4)
    assert_near(path.log_evidence(0.285), np.log(0.035809 * 30), least=1e-4)
    share = path.effective_observations(t) / (5 + path.effective_observations(t))
    np.testing.assert_allclose(share, 10 * t / (5 + 10 * t), rtol=0.01)


def test_the_slope_of_the_coin_is_a_covariance():
    """d mean / dL = -15 / (7 + 10L)^2."""
    path, step = models.coin(), 1e-4
    for t in (0.1, 0.5):
        mean = path.mean("theta", [t - step, t + step])
        slope = float(mean[1] - mean[0]) / (2 * step)
        assert slope == pytest.approx(-15 / (7 + 10 * t) ** 2, rel=0.1)


@pytest.mark.parametrize(
    ("case", "trust", "sd", "theta"),
    [
        ("a", 0.573149, 0.268337, 0.203884),
        ("b", 0.576594, 0.266421, None),
        ("c", 0.358712, 0.245914, 0.197176),
    ],
)
def test_a_uniform_trust(case, trust, sd, theta):
    """Published by npowerPrioR, the normalised power prior for Bernoulli data."""
    path = models.counts()
    x, weight = np.polynomial.legendre.leggauss(60)
    nodes = (x + 1) ** 3 / 8  # more nodes where the evidence bends, near 0
    evidence = path.log_evidence(nodes, along={case: 1})
    error = float(evidence.mcse.max())
    assert error <= 0.03
    p = weight * (x + 1) ** 2 * np.exp(evidence.values)
    p /= p.sum()
    mean = p @ nodes
    spread = np.sqrt(p @ (nodes - mean) ** 2)
    # An error d(L) of the log evidence moves E[L] by Cov(d, L), at most sd(d) sd(L).
    assert abs(mean - trust) < 4 * error * spread
    assert abs(spread - sd) < 4 * error * spread
    if theta:
        at = path.mean(lambda d: d.theta.sel(case=case), nodes, along={case: 1})
        assert abs(p @ at.values - theta) < 4 * float(at.mcse.max()) + 1e-6


def test_a_normal_mean():
    path, exact = models.normal(), models.normal_exact()
    assert_follows(path, exact, "mu")
    np.testing.assert_allclose(path.effective_observations(TRUSTS), 14 * TRUSTS, rtol=1e-6)


def test_two_sources_have_one_joint_normaliser():
    path, exact = models.normal("framing"), models.normal_exact("framing")
    assert path.sources == ("plain", "roleplay")
    trust = {"plain": [0, 0.1, 1, 0.3, 1], "roleplay": [1, 0.02, 0.4, 0.6, 1]}
    assert_follows(path, exact, "mu", trust)


def test_equal_weights_of_two_sources_are_one_weight_of_all():
    two, one = models.normal("framing"), models.normal()
    for read in ("mean", "sd"):
        a, b = (getattr(p, read)("mu", TRUSTS) for p in (one, two))
        assert_near(a, b, np.hypot(a.mcse, b.mcse))
    a, b = one.log_evidence(TRUSTS), two.log_evidence(TRUSTS)
    assert_near(a, b, np.hypot(a.mcse, b.mcse))


def test_the_joint_normaliser_agrees_with_quadrature():
    path = models.normal("framing")
    real, said = models.normal_data()
    mu = np.linspace(-15, 15, 4001)
    log_prior = -0.5 * ((mu - 0.5) / 2) ** 2 - np.log(2 * np.sqrt(2 * np.pi))

    def ell(y):
        z = (y[:, None] - mu) / 1.5
        return -0.5 * (z**2).sum(axis=0) - len(y) * np.log(1.5 * np.sqrt(2 * np.pi))

    parts = [ell(said.y[said.framing == s].to_numpy()) for s in path.sources]
    for weights in ((0.0, 1.0), (0.3, 0.05), (1.0, 0.7)):
        tilt = log_prior + weights[0] * parts[0] + weights[1] * parts[1]
        truth = np.log(np.trapezoid(np.exp(tilt), mu))
        with_real = np.log(np.trapezoid(np.exp(tilt + ell(real)), mu))
        at_zero = np.log(np.trapezoid(np.exp(log_prior + ell(real)), mu))
        trust = dict(zip(path.sources, weights, strict=True))
        assert_near(path.log_normalizer(trust), truth, least=1e-6)
        assert_near(path.log_evidence(trust), with_real - truth - at_zero, least=1e-6)


def test_a_grid_over_two_sources():
    path, exact = models.normal("framing"), models.normal_exact("framing")
    trust = {s: xr.DataArray(np.linspace(0, 1, 3 + i), dims=s) for i, s in enumerate(path.sources)}
    mean = path.mean("mu", trust)
    assert mean.dims == path.sources and mean.shape == (3, 4)
    for p in mean.plain.values:
        for r in mean.roleplay.values:
            cell = mean.sel(plain=p, roleplay=r)
            assert_near(cell, exact.mean("mu", {"plain": p, "roleplay": r}))
    surface = path.log_evidence(trust)
    assert surface.dims == path.sources and surface.mcse.shape == (3, 4)


def test_along_one_source():
    path, exact = models.normal("framing"), models.normal_exact("framing")
    mean = path.mean("mu", TRUSTS, along={"roleplay": 1})
    truth = exact.mean("mu", {"plain": np.zeros(8), "roleplay": TRUSTS})
    assert_near(mean, truth)
    curve = path.mean("mu", along={"roleplay": 1, "plain": 0.5})
    assert curve.dims == ("trust",) and len(curve) == 101
    truth = exact.mean("mu", {"plain": curve.trust.values / 2, "roleplay": curve.trust.values})
    assert_near(curve, truth)


def test_the_grid_begins_at_0_and_ends_at_1():
    for path in (models.coin(), models.normal("framing")):
        assert len(path.trust) == 101
        assert path.trust[0] == 0 and path.trust[-1] == 1 and (np.diff(path.trust) > 0).all()


def test_copies_that_share_a_weight_change_nothing():
    """At the level of ell the sums are equal, so that any path is."""
    from foundation_priors.path.evaluate import on_draws
    from foundation_priors.prior.tilt import build

    theta = np.linspace(0.05, 0.95, 7)
    draws = xr.Dataset({"theta": ("sample", theta)})
    for copies in (1, 10):
        model = build(models.coin_model(), models.coin_answers(copies)).model
        (ell,) = on_draws(model, [model["fp_loglik"]], draws)
        np.testing.assert_allclose(ell, 5 * np.log(theta * (1 - theta)))


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ({"max_trust": 0}, "max_trust=0"),
        ({"max_trust": np.nan}, "max_trust=nan"),
        ({"draws": 10}, "draws=10"),
        ({"tune": 99.5}, "tune=99.5"),
        ({"chains": 1}, "chains=1"),
    ],
)
def test_numbers_that_make_no_path(argument, says):
    with pytest.raises(ValueError, match=says):
        fp.trust_path(models.coin_model(), models.coin_answers(), progressbar=False, **argument)


def test_a_flat_prior_and_no_rows():
    import pymc as pm

    with pm.Model() as flat:
        mu = pm.Flat("mu")
        pm.Normal("y", mu, 1, observed=[0.1, 0.4])
    with pytest.raises(fp.ImproperPriorError, match="'mu' is flat"):
        fp.trust_path(flat, models.normal_answers(), progressbar=False)
    with pytest.raises(ValueError, match="no rows|no answers|0 rows"):
        none = fp.SyntheticData.from_dataframe(
            models.normal_data()[1].iloc[:0], outcome="y", weight=1
        )
        fp.trust_path(models.normal_model(), none, progressbar=False)
