"""What cannot be done is flagged, never wrong in silence."""

import warnings

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

import foundation_priors as fp


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
    rng = np.random.default_rng(3)
    real, said = rng.normal(0, 1, 40), rng.normal(20 / np.sqrt(40), 1, 200)
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        pm.Normal("y", mu, 1.0, observed=real)
    exact = fp.conjugate.NormalMean.from_data(
        real, said, prior_mean=0, prior_sd=10, sigma=1, weight=1
    )
    path = fp.trust_path(model, answers(y=said), max_anchors=3, random_seed=1, progressbar=False)
    mean, evidence = quietly(lambda: path.mean("mu")), quietly(path.log_evidence)
    assert not mean.reliable.all() and not evidence.reliable.all()
    assert_not_wrong_in_silence(mean, exact.mean("mu", path.trust))
    start = exact.log_evidence(0.0).item()
    assert_not_wrong_in_silence(evidence, exact.log_evidence(path.trust) - start)
    assert "unreliable" in quietly(lambda: repr(path))


def test_fifty_parameters_with_three_anchors():
    """Independent means, so that the evidence is a product."""
    rng = np.random.default_rng(5)
    real, said = rng.normal(0, 1, 50), rng.normal(1.0, 1, (40, 50))
    with pm.Model(coords={"item": np.arange(50)}) as model:
        item = pm.Data("item_of", np.arange(50), dims="row")
        mu = pm.Normal("mu", 0, 5, dims="item")
        pm.Normal("y", mu[item], 1.0, observed=real, dims="row")
    llm = answers(y=said.ravel(), item_of=np.tile(np.arange(50), 40))
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
    rng = np.random.default_rng(0)
    real, said = 3 + 0.3 * rng.normal(size=10), 2 + 0.1 * rng.normal(size=6)
    with pm.Model() as model:
        signed = pm.Data("signed", np.zeros(10))
        mu = pm.Normal("mu", 0, 5)
        pm.Normal("y", pt.switch(signed > 0, mu, pt.abs(mu)), 1.0, observed=real)
    llm = answers(y=said, signed=np.ones(6))
    path = fp.trust_path(model, llm, random_seed=1, progressbar=False)
    trust = np.array([0.0, 0.01, 0.05, 0.2, 1.0])
    grid = np.linspace(-12, 12, 8001)
    log_p = -0.5 * (grid / 5) ** 2 - 0.5 * ((real[:, None] - np.abs(grid)) ** 2).sum(axis=0)
    ell = -0.5 * ((said[:, None] - grid) ** 2).sum(axis=0)
    w = np.exp(log_p + trust[:, None] * ell - (log_p + trust[:, None] * ell).max(axis=1)[:, None])
    truth = (w * (grid > 0)).sum(axis=1) / w.sum(axis=1)
    found = quietly(lambda: path.probability("mu > 0", trust))
    assert_not_wrong_in_silence(found, truth)
    assert (path.diagnostics().r_hat > 1.05).any()
