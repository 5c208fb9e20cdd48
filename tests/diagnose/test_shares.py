"""Shares of information in NumPy, against Gaussian families."""

import numpy as np
import pytest

from foundation_priors.diagnose.shares import shares
from foundation_priors.path.mixture import Mixture
from tests.path.gaussian import Family, anchor

FAMILY = Family([3.0], [4.0])
POINTS = np.array([[0.0], [0.3], [1.0]])


def parts(x: np.ndarray, trust: float) -> tuple[np.ndarray, np.ndarray]:
    """Return gradients and values of the base N(0, 1) and of the weighted answers."""
    grads = np.stack([-x, trust * (3 - 4 * x)])[..., None]
    values = np.stack([-(x**2) / 2, trust * FAMILY.ell(x)[:, 0]])
    return grads, values


def at(trust, seed=0, shape=(4, 250), h=None, rho=0.0):
    mixture, x = FAMILY.mixture(POINTS, shape, seed, rho)
    grads, values = parts(x, trust)
    quantity = x if h is None else h(x)
    return shares(mixture, np.array([trust]), quantity, x[:, None], grads, values)


@pytest.mark.parametrize("trust", [0.1, 0.5, 1.0])
def test_shares_of_gaussians_are_those_of_the_precision(trust):
    found = at(trust, shape=(4, 1000))
    truth = np.array([1, 4 * trust]) / (1 + 4 * trust)
    assert (np.abs(found.share - truth) < 4 * found.share_error + 1e-9).all()
    assert found.share.sum() == pytest.approx(1)
    assert found.share_error.max() < 0.03


@pytest.mark.parametrize("trust", [0.1, 1.0])
def test_the_pull_is_the_slope_of_the_mean(trust):
    """d mean / d log L over the sd; the base's is that of its power."""
    found = at(trust, shape=(4, 1000))
    precision = 1 + 4 * trust
    mean, sd = 3 * trust / precision, precision**-0.5
    truth = np.array([-mean / precision, trust * (3 - 4 * mean) / precision]) / sd
    assert (np.abs(found.pull - truth) < 4 * found.pull_error + 1e-9).all()


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_the_errors_are_calibrated(rho):
    """Components whose gradients bend, and a quantity that does; the truth is by quadrature."""
    trust, scores, pulls = 0.5, [], []
    z = np.linspace(-8, 8, 4001)
    w = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    quadrature = 0.5 + z * 3**-0.5

    def bent(x):
        grads, values = parts(x, trust)
        wave = np.stack([-np.sin(2 * x), np.sin(2 * x)])[..., None]
        return np.exp(x / 2), grads + wave, values + np.stack([np.cos(2 * x), -np.cos(2 * x)]) / 2

    h, grads, values = bent(quadrature)
    dh = h - w @ h
    truth = -(w * dh) @ grads[..., 0].T * (w @ (dh * quadrature))
    truth = (truth / truth.sum())[1]
    pull = (w * dh) @ values[1] / np.sqrt(w @ dh**2)
    for seed in range(150):
        mixture, x = FAMILY.mixture(POINTS, (4, 300), seed, (0.0, rho, rho) if rho else 0.0)
        h, grads, values = bent(x)
        found = shares(mixture, np.array([trust]), h, x[:, None], grads, values)
        scores.append((found.share[1] - truth) / found.share_error[1])
        pulls.append((found.pull[1] - pull) / found.pull_error[1])
    for found in (scores, pulls):
        assert 0.8 < np.std(found) < 1.25 and abs(np.mean(found)) < 4 / np.sqrt(150) + 0.1


def test_shares_do_not_depend_on_the_scale_of_the_quantity():
    a, b = at(0.5), at(0.5, h=lambda x: -1e4 * x + 7)
    np.testing.assert_allclose(a.share, b.share)
    np.testing.assert_allclose(a.share_error, b.share_error, atol=1e-12)
    np.testing.assert_allclose(a.pull, -b.pull)
    np.testing.assert_allclose(a.pull_error, b.pull_error)


def test_a_constant_has_no_shares():
    found = at(0.5, h=lambda x: np.full_like(x, 3.0))
    assert found.total == 0 and np.isnan(found.share).all() and np.isnan(found.pull).all()


def test_an_even_quantity_of_a_centred_density_carries_no_information():
    family = Family([0.0], [4.0])
    mixture, x = family.mixture(POINTS, (4, 500), 1)
    grads = np.stack([-x, -2 * x])[..., None]
    found = shares(mixture, np.array([0.5]), x**2, x[:, None], grads, np.stack([-(x**2), -(x**2)]))
    assert abs(found.total) < 4 * found.total_error


def test_draws_without_weight_may_be_undefined():
    said = np.array([0.0, 1.0, 2.0, -1.0, 0.5] * 40).reshape(2, 100, 1)
    ell = np.where(said < 0, -np.inf, said)
    mixture = Mixture([anchor([0.0], ell), anchor([1.0], np.abs(said))])
    x = np.concatenate([said.ravel(), np.abs(said).ravel()])
    grads = np.stack([-x, np.where(x < 0, np.nan, 1.0)])[..., None]
    values = np.stack([-(x**2) / 2, np.where(x < 0, -np.inf, x)])
    found = shares(mixture, np.array([0.5]), x, x[:, None], grads, values)
    assert np.isfinite(found.share).all() and np.isfinite(found.pull).all()


def test_a_quantity_that_never_varies_has_no_shares():
    """The mean of equal numbers differs from them by rounding, of which shares would be made."""
    found = at(0.5, h=lambda x: np.full(len(x), 0.1))
    assert np.isnan(found.share).all() and np.isnan(found.pull).all()
