"""What cannot be done is flagged, never wrong in silence."""

import warnings

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import foundation_priors as fp
from tests.path import models


def answers(**columns) -> fp.SyntheticData:
    return fp.SyntheticData.from_dataframe(pd.DataFrame(columns), outcome="y", weight=1)


def quietly(read):
    """Return what a path says without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.UnreliableWarning)
        return read()


def assert_not_wrong_in_silence(found, truth):
    """Assert that what is not flagged is within 4 Monte Carlo errors (and a half) of the truth."""
    off = np.abs(found.values - np.asarray(truth)) > 4.5 * found.mcse.values + 1e-9
    assert not (off & found.reliable.values).any()


def test_a_conflict_of_twenty_sds_with_three_anchors():
    """Answers that weigh six times as much as the real rows, at 20 of their posterior's sds."""
    real, said = models.normal_data()
    far = said.y - said.y.mean() + real.mean() + 20 * models.KNOWN["sigma"] / np.sqrt(len(real))
    llm = fp.SyntheticData.from_dataframe(said.assign(y=far), outcome="y", weight=5)
    exact = fp.conjugate.NormalMean.from_data(
        real,
        far,
        prior_mean=models.KNOWN["m0"],
        prior_sd=models.KNOWN["s0"],
        sigma=models.KNOWN["sigma"],
        weight=5,
    )
    with (
        pytest.warns(UserWarning, match="units or the scale differ"),
        pytest.warns(fp.UnreliableWarning, match=r"anchors do not overlap.*max_anchors="),
    ):
        path = models.again(models.normal(), 1, llm, max_anchors=3)
    mean, evidence = quietly(lambda: path.mean("mu")), quietly(path.log_evidence)
    assert not mean.reliable.all() and not evidence.reliable.all()
    assert_not_wrong_in_silence(mean, exact.mean("mu", path.trust))
    start = exact.log_evidence(0.0).item()
    assert_not_wrong_in_silence(evidence, exact.log_evidence(path.trust) - start)
    assert "unreliable" in quietly(lambda: repr(path))


def test_many_parameters_with_three_anchors():
    """Independent means, so that the evidence is a product."""
    rng = np.random.default_rng(5)
    real, said = rng.normal(0, 1, 42), rng.normal(1.0, 1, (40, 42))
    with pm.Model(coords={"item": np.arange(42)}) as model:
        item = pm.Data("item_of", np.arange(42), dims="row")
        mu = pm.Normal("mu", 0, 5, dims="item")
        pm.Normal("y", mu[item], 1.0, observed=real, dims="row")
    llm = answers(y=said.ravel(), item_of=np.tile(np.arange(42), 40))
    path = fp.trust_path(
        model, llm, draws=200, tune=200, max_anchors=3, random_seed=1, progressbar=False
    )
    evidence = quietly(path.log_evidence)
    assert not evidence.reliable.all()
    truth = 0.0
    for y, column in zip(real, said.T, strict=True):
        one = fp.conjugate.NormalMean.from_data(
            [y], column, prior_mean=0, prior_sd=5, sigma=1, weight=1
        )
        truth = truth + (one.log_evidence(path.trust) - one.log_evidence(0.0).item()).values
    assert_not_wrong_in_silence(evidence, truth)


def test_two_modes_are_weighed_or_flagged():
    """Real data know |mu| only, the answers its sign."""
    path, real, said = models.two_modes(), models.SIGNED_REAL, models.SIGNED_SAID
    trust = np.array([0.0, 0.01, 0.05, 0.2, 1.0])
    grid = np.linspace(-12, 12, 8001)
    log_p = -0.5 * (grid / 5) ** 2 - 0.5 * ((real[:, None] - np.abs(grid)) ** 2).sum(axis=0)
    ell = -0.5 * ((said[:, None] - grid) ** 2).sum(axis=0)
    w = np.exp(log_p + trust[:, None] * ell - (log_p + trust[:, None] * ell).max(axis=1)[:, None])
    truth = (w * (grid > 0)).sum(axis=1) / w.sum(axis=1)
    found = quietly(lambda: path.probability("mu > 0", trust))
    assert_not_wrong_in_silence(found, truth)
    assert (path.diagnostics().r_hat > 1.05).any()
