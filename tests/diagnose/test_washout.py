"""Real rows that wash the answers out, against closed forms."""

from functools import cache

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

import foundation_priors as fp
from foundation_priors.diagnose.washout import washout
from foundation_priors.diagnose.washout_core import Place, Sums, kappa_of_share, shares_of
from foundation_priors.diagnose.washout_future import Seen, first_lasting
from tests.path import models

# Curvatures of the prior, of real data, which are silent about the last coordinate, a private
# copy, and of answers, which inform it together with the first.
PRIOR, REAL, SAID = 0, 1, 2
CURVES = np.array(
    [
        np.diag([0.3, 0.2, 0.5]),
        [[4.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 0.0]],
        [[30.0, 5.0, 8.0], [5.0, 4.0, 2.0], [8.0, 2.0, 60.0]],
    ]
)


def gaussian(seed: int, size: int = 4000):
    """Return draws of the posterior that has these curvatures, and the components' gradients."""
    root = np.linalg.cholesky(np.linalg.inv(CURVES.sum(axis=0)))
    u = np.random.default_rng(seed).normal(size=(size, 3)) @ root.T
    return u, -np.einsum("cij,nj->cni", CURVES, u)


def at(w, u, h, grads):
    return Place(Sums.of(w, u, list(grads), h[:, None]), REAL).of(0)


def exact_share(slope: np.ndarray, kappa: float) -> float:
    v = np.linalg.solve(CURVES.sum(axis=0) + kappa * CURVES[REAL], slope)
    return float(v @ CURVES[SAID] @ v / (slope @ v))


@pytest.mark.parametrize("target", [0.3, 0.05, 1e-5])
@pytest.mark.parametrize("seed", range(3))
def test_noise_about_a_private_copy_is_no_information(seed, target):
    """A target of 1e-5 takes hundreds of thousands of times the rows, and no fewer by noise."""
    u, grads = gaussian(seed)
    w = np.full(len(u), 1 / len(u))
    here = at(w, u, u[:, 0], grads)
    assert not here.real[2].any() and not here.root[2].any()
    truth = brentq(lambda k: exact_share(np.array([1.0, 0, 0]), k) - target, 0, 1e8)
    assert kappa_of_share(here, [SAID], target) == pytest.approx(truth, rel=0.2)


@pytest.mark.parametrize("seed", range(3))
def test_a_curved_quantity_does_not_hang_on_the_private_copy(seed):
    u, grads = gaussian(seed)
    w = np.full(len(u), 1 / len(u))
    here = at(w, u, u[:, 0] + 2 * u[:, 0] ** 2, grads)
    assert here.slope[2] == 0 and np.isfinite(kappa_of_share(here, [SAID], 1e-3))
    private = at(w, u, u[:, 0] + 0.5 * u[:, 2], grads)
    assert private.slope[2] == pytest.approx(0.5)
    assert kappa_of_share(private, [SAID], 0.1) == np.inf


def test_shares_of_weighted_draws():
    u, grads = gaussian(1, 200_000)
    w = np.full(len(u), 1 / len(u))
    assert shares_of(w[None], u[:, 0], u, grads, [SAID])[0] == pytest.approx(
        exact_share(np.array([1.0, 0, 0]), 0), rel=0.01
    )


def test_the_first_lasting_crossing_is_found():
    """A share that falls, rises and falls for good."""

    def share(kappa):
        return Seen(0.05 if 1 < kappa < 3 else 1 / (1 + kappa), 0.001)

    kappa, _, ends, reason = first_lasting(share, 0.1)
    assert kappa == pytest.approx(9, rel=0.05) and not reason and ends[0] <= kappa <= ends[1]
    assert first_lasting(lambda _: Seen(0.5, 0.01), 0.1)[0] == np.inf
    assert first_lasting(lambda _: Seen(0.05, 0.01), 0.1)[0] == 0
    assert np.isnan(first_lasting(lambda k: Seen(0.5, 0.01) if k < 4 else None, 0.1)[0])
    torn = first_lasting(lambda k: Seen(0.9 if k < 5 else 0.01, 0.01, k < 4), 0.1)
    assert torn[0] == pytest.approx(5, rel=0.1) and "disagree" in torn[3]


def answers_by(scale: float, count: int, shift: float):
    """Return real rows of mean 0 and sd 1, and answers of another mean and scale."""
    rng = np.random.default_rng(1)
    real, said = rng.normal(size=25), rng.normal(size=count)
    real, said = ((x - x.mean()) / x.std() for x in (real, said))
    return real, shift + scale * said


@cache
def private(scale: float, count: int, shift: float) -> fp.TrustPath:
    """Return a mean with a private scale; another shift is served by the same compiled model."""
    real, said = answers_by(scale, count, shift)
    llm = fp.SyntheticData.from_dataframe(pd.DataFrame({"y": said}), outcome="y", weight=1)
    if shift:
        return models.again(private(scale, count, 0.0), 1, llm)
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 2), pm.HalfNormal("sigma", 1)
        pm.Normal("y", mu, sigma, observed=real)
    return fp.trust_path(model, llm, private=["sigma"], random_seed=1, progressbar=False)


def repeated(real, said, trust: float, kappa: float) -> float:
    """Return the share of answers about mu by quadrature, each real row counted 1 + kappa times."""
    mu = np.linspace(-1.5, 1.5, 1201)
    log_scale = np.linspace(-3.5, 1.5, 1001)[None]

    def scale_out(rows, power):
        """Integrate the log scale out at each mu, and average gradients over it."""
        q = ((rows - rows.mean()) ** 2).sum() + len(rows) * (rows.mean() - mu[:, None]) ** 2
        precision = np.exp(-2 * log_scale)
        log = power * (-len(rows) * log_scale - q * precision / 2)
        log = log - np.exp(2 * log_scale) / 2 + log_scale
        top = log.max(axis=1, keepdims=True)
        w = np.exp(log - top)
        total = w.sum(axis=1, keepdims=True)
        slope = len(rows) * (rows.mean() - mu[:, None]) * precision
        grads = power * np.stack([slope, q * precision - len(rows)])
        means = [(w / total * x).sum(axis=1) for x in (*grads, log_scale)]
        return (top + np.log(total))[:, 0], *means

    log_r, _, _, _ = scale_out(real, 1 + kappa)
    log_s, slope, bend, scale = scale_out(said, trust)
    log = log_r + log_s - mu**2 / 8
    w = np.exp(log - log.max())
    w /= w.sum()
    away = mu - w @ mu
    both = w @ (away * mu), w @ (away * scale)
    return float(-(w @ (away * (both[0] * slope + both[1] * bend))) / both[0])


@pytest.mark.parametrize("shift", [0.0, 0.5])
@pytest.mark.parametrize("trust", [0.05, 0.1, 0.5])
def test_a_private_scale_against_quadrature(shift, trust):
    """Answers that scatter less than people: where real rows disagree their scale gives way."""
    given = 0.2, 100, shift
    found = washout(private(*given), "mu", trust=trust, random_seed=1)
    assert found.reliable.item() and found.lower <= found.observations <= found.upper
    there = repeated(*answers_by(*given), trust, found.observations.item() / 25)
    beyond = [
        repeated(*answers_by(*given), trust, k * found.upper.item() / 25) for k in (1.3, 4, 20)
    ]
    assert max(beyond) <= 0.12
    short = repeated(*answers_by(*given), trust, 0.7 * found.lower.item() / 25)
    assert short > 0.1 and there < short


def test_a_quantity_of_the_private_copy_alone_is_never_washed_out():
    found = washout(private(0.2, 100, 0.0), "sigma_synthetic", trust=0.5)
    assert found.observations.item() == np.inf and found.reliable.item()
    assert "no number of rows" in found.attrs["reading"].lower()


def test_rows_grow_with_the_trust():
    found = [washout(models.regression(), "beta[income]", trust=t) for t in (0.01, 0.1, 0.3, 0.5)]
    rows = np.array([f.observations.item() for f in found])
    assert rows[0] == 0 and np.isfinite(rows).all() and (np.diff(rows) > 0).all()
    for f in found[1:]:
        assert f.reliable.item() and f.check.item() == pytest.approx(0.1, abs=0.04)


def test_a_path_from_a_file_says_what_it_cannot_check(tmp_path):
    path = models.regression()
    path.to_netcdf(tmp_path / "path.nc")
    read = fp.TrustPath.from_netcdf(tmp_path / "path.nc")
    with pytest.warns(fp.UnreliableWarning, match="a path from a file cannot be refitted"):
        found = washout(read, "beta[income]", trust=1.0)
    assert not found.reliable.item() and "not certain" in found.attrs["reading"]


@pytest.mark.parametrize("target", [0.05, 0.1, 0.3])
def test_a_normal_means_share_falls_with_the_precision(target):
    found = washout(models.normal(), "mu", share=target, trust=1.0)
    m = (14 / target - (12 + 14 + 2.25 / 4)) / 1
    assert found.observations.item() == pytest.approx(m, rel=1e-3)
    assert found.lower <= found.observations <= found.upper


def test_the_coins_share_falls_with_the_pseudo_counts():
    """10 / (2 + 5 + m + 10) = .1 for m = 83."""
    found = washout(models.coin(), "theta", trust=1.0)
    assert found.observations.item() == pytest.approx(83, rel=0.01)
    little = washout(models.coin(), "theta", share=0.9, trust=1.0)
    assert little.observations == 0 and "needs no more data" in little.attrs["reading"]


def test_one_source_of_several():
    found = washout(models.normal("framing"), "mu", trust=1.0, source="roleplay")
    assert found.observations.item() == pytest.approx(5 / 0.1 - 26 - 2.25 / 4, rel=0.01)


def test_a_tipping_point_vanishes_as_in_the_conjugate_model():
    """Futures from the posterior at trust 0, and exact posteriors at every trust."""
    edge, level = 0.3, 0.9
    found = washout(models.normal(), f"mu > {edge}", probability=level, random_seed=1)
    real, said = models.normal_data()
    m0, s0, sigma = models.KNOWN.values()
    rng, trust = np.random.default_rng(4), np.linspace(0, 1, 11)[:, None]
    precision = 1 / s0**2 + 12 / sigma**2
    true = (m0 / s0**2 + real.sum() / sigma**2) / precision
    true = true + rng.normal(size=20_000) / np.sqrt(precision)
    noise = sigma * rng.normal(size=true.shape)

    def settled(rows):
        new = true * rows + noise * np.sqrt(rows)
        p = 1 / s0**2 + (12 + rows + 14 * trust) / sigma**2
        mean = (m0 / s0**2 + (real.sum() + new + trust * said.y.sum()) / sigma**2) / p
        holds = norm.sf(edge, mean, p**-0.5) >= level
        return (holds.all(axis=0) | (~holds).all(axis=0)).mean()

    rows = np.arange(1, 60)
    below = [settled(m) < 0.8 for m in rows]
    needed = rows[np.flatnonzero(below)[-1]] + 1
    assert found.observations.item() == pytest.approx(needed, rel=0.15)
    assert found.settled[0] == 0 and found.check < 0.02
    assert (found.holds <= found.settled).all() and "no longer tips" in found.attrs["reading"]


def test_what_does_not_tip_needs_nothing():
    found = washout(models.normal(), "mu > -20")
    assert found.observations == 0 and "does not tip" in found.attrs["reading"]


@pytest.mark.parametrize(
    ("quantity", "options", "message"),
    [
        ("theta", {"share": 2}, "between 0 and 1"),
        ("theta", {"probability": 0.9}, "no statement"),
        ("theta > 0.5", {"share": 0.1}, "leave out share"),
        ("theta > 0.5", {"probability": 0}, "between 0 and 1"),
        ("(theta > 0.5) & (theta < 0.7)", {}, "one comparison"),
        (lambda d: d.theta > 0.5, {}, "one comparison"),
        ("theta", {"source": "gtp"}, "no source"),
        ("theta", {"trust": [0.1, 0.2]}, "one weight"),
        ("theta > 0.5", {"truth": [0.1, 0.2]}, "one weight"),
    ],
)
def test_bad_input(quantity, options, message):
    with pytest.raises(ValueError, match=message):
        washout(models.coin(), quantity, **options)


def test_closed_forms_are_refused():
    with pytest.raises(TypeError, match="BetaBinomial has not"):
        washout(fp.conjugate.BetaBinomial(real=(2, 10), synthetic=(7, 10)), "theta")
