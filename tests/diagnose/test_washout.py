"""Real rows that wash the answers out, against closed forms."""

import numpy as np
import pytest
from scipy.stats import norm

import foundation_priors as fp
from foundation_priors.diagnose.washout import washout
from tests.path import models


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
