"""Beliefs through the path engine: closed forms, published numbers, files and reports."""

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import foundation_priors as fp
from foundation_priors.beliefs import Belief, Beliefs
from foundation_priors.path.evaluate import on_draws

# Tipping points of a weighted normal mixture, as the package tipmap publishes them.
TIPS = {0.2: 0.05090, 0.1: 0.27354, 0.05: 0.50934, 0.025: 0.70825}
PARTS, SHARES = [(1.4522222, 0.2508704), (1.3625788, 0.5793548)], [0.7717324, 0.2282676]


@pytest.fixture(scope="module")
def trial() -> fp.TrustPath:
    """Return the path from a robust to an informative prior of a treatment effect."""
    with pm.Model() as model:
        theta = pm.Normal("theta", 0, 5.42)
        pm.Normal("effect", theta, 1.4, observed=[1.02])
    parts = [Belief.from_moments("theta", m, s) for m, s in PARTS]
    belief = Belief.pool(parts, weights=SHARES)
    return fp.trust_path(model, belief, draws=1500, random_seed=1, progressbar=False)


def exact_end(prior: list[tuple[float, float, float]]) -> tuple[float, list[stats.rv_continuous]]:
    """Return evidence and posterior components of a normal mixture at 1.02 +- 1.4."""
    out, total = [], 0.0
    for share, mean, sd in prior:
        evidence = share * stats.norm(mean, np.hypot(sd, 1.4)).pdf(1.02)
        v = 1 / (1 / sd**2 + 1 / 1.4**2)
        out.append((evidence, stats.norm(v * (mean / sd**2 + 1.02 / 1.4**2), v**0.5)))
        total += evidence
    return total, [(e / total, d) for e, d in out]


def test_both_ends_are_exact(trial: fp.TrustPath) -> None:
    robust, below = exact_end([(1.0, 0.0, 5.42)])
    said, informed = exact_end([(w, *p) for w, p in zip(SHARES, PARTS, strict=True)])
    found = trial.log_evidence(1.0)
    assert float(found) == pytest.approx(np.log(said / robust), abs=4 * float(found.mcse))
    for trust, ends in ((0.0, below), (1.0, informed)):
        mean = trial.mean("theta", trust)
        exact = sum(w * d.mean() for w, d in ends)
        assert float(mean) == pytest.approx(exact, abs=4 * float(mean.mcse))
    # With f and pi0 normalised, both ends of the tilted prior are.
    zero = trial.log_normalizer(1.0)
    assert float(zero) == pytest.approx(0, abs=4 * float(zero.mcse))


@pytest.mark.parametrize(("level", "share"), TIPS.items())
def test_tipping_points_of_the_robust_mixture(trial: fp.TrustPath, level, share) -> None:
    evidence = trial.log_evidence([0.0, 1.0])
    below = trial.probability("theta < 0", [0.0, 1.0])
    weights = np.array([1 - share, share]) * np.exp(evidence.values)
    weights = weights / weights.sum()
    found = weights @ below.values
    # The error of the ratio of evidences moves the mixture by w (1 - w) of their difference.
    moved = weights.prod() * abs(np.diff(below.values)[0]) * float(evidence.mcse[1])
    error = np.hypot(np.linalg.norm(weights * below.mcse.values), moved)
    assert found == pytest.approx(level, abs=4 * error)
    assert error < 0.1 * level


@pytest.mark.parametrize(("level", "share"), TIPS.items())
def test_the_rule_of_a_robust_mixture_tips_there_too(trial: fp.TrustPath, level, share) -> None:
    rule = fp.trust.robust(1 - share, weight=1.0)
    found = trial.probability("theta < 0", trust=rule)
    assert float(found) == pytest.approx(level, abs=4 * float(found.mcse))
    assert float(found.mcse) < 0.1 * level


def test_a_robust_mixture_at_a_given_share(trial: fp.TrustPath) -> None:
    """Quantiles and probabilities that tipmap publishes for a share of .38."""
    rule = fp.trust.robust(0.62, weight=1.0)
    for q, wanted in ((0.025, -0.92155), (0.5, 1.38616), (0.975, 2.84356)):
        at = trial.probability(lambda d, x=wanted: d.theta < x, trust=rule)
        assert float(at) == pytest.approx(q, abs=4 * float(at.mcse))
        assert float(trial.quantile("theta", q, trust=rule)) == pytest.approx(wanted, abs=0.15)
    for above, wanted in ((0, 0.927), (0.5, 0.879), (1, 0.782)):
        found = trial.probability(f"theta > {above}", trust=rule)
        assert float(found) == pytest.approx(wanted, abs=4 * float(found.mcse) + 5e-4)


def test_between_the_ends_lies_the_logarithmic_pool(trial: fp.TrustPath) -> None:
    x = np.linspace(-12, 14, 20_001)
    f = sum(w * stats.norm(*p).pdf(x) for w, p in zip(SHARES, PARTS, strict=True))
    robust = stats.norm(0, 5.42).pdf(x)
    for trust in (0.2, 0.6):
        density = robust ** (1 - trust) * f**trust
        posterior = density * stats.norm(x, 1.4).pdf(1.02)
        exact = (x * posterior).sum() / posterior.sum()
        mean, normal = trial.mean("theta", trust), trial.log_normalizer(trust)
        assert float(mean) == pytest.approx(exact, abs=4 * float(mean.mcse))
        logz = np.log(density.sum() * (x[1] - x[0]))
        assert float(normal) == pytest.approx(logz, abs=4 * float(normal.mcse))


def test_the_worth_is_the_precision_that_it_adds(trial: fp.TrustPath) -> None:
    low, high = trial.synthetic.beliefs[0].density.quantile([0.05, 0.95])
    sd = (high - low) / (2 * stats.norm.ppf(0.95))
    exact = (1 / sd**2 - 1 / 5.42**2) * 1.4**2
    assert trial.facts.worth[0] == pytest.approx(exact, rel=0.02)


def test_reports_and_files_know_a_belief(trial: fp.TrustPath, tmp_path) -> None:
    assert "1 belief, worth" in repr(trial) and "1 belief, worth" in trial._repr_html_()
    assert {"mean", "sd"} <= set(trial.summary().columns)
    tree = trial.at(0.5)
    assert tree["synthetic_data"]["quantity"].values.tolist() == ["theta"]
    assert "synthetic" in tree["log_prior"]
    shares = fp.reliance(trial, 0.5)["share"]
    assert shares.sum() == pytest.approx(1, abs=1e-9)
    trial.to_netcdf(tmp_path / "path.nc")
    read = fp.TrustPath.from_netcdf(tmp_path / "path.nc", model=trial.model)
    assert isinstance(read.synthetic, Beliefs)
    assert read.synthetic.notes == ("prior density of theta: exact",)
    x = np.linspace(0, 3, 7)
    before, after = (p.synthetic.beliefs[0].density.logpdf(x) for p in (trial, read))
    assert after == pytest.approx(before, rel=1e-12)
    assert repr(read) == repr(trial)
    with pytest.raises(fp.ModelError, match="no rows to permute"):
        fp.trust.placebo(trial)


def test_a_robust_beta_mixture() -> None:
    """A fifth of Beta(1, 1) beside a mixture of two, as the package RBesT computes it."""
    beliefs = [
        Belief.from_moments("p", *_moments(a, b), support=(0, 1)) for a, b in ((19, 133), (8, 40))
    ]
    with pm.Model() as model:
        pm.Binomial("y", 100, pm.Beta("p", 1, 1), observed=[14])
    tilted = fp.tilt(model, Belief.pool(beliefs, weights=[0.7, 0.3]), 1.0)
    p = (np.arange(20_000) + 0.5) / 20_000
    (ell,) = on_draws(tilted, [tilted["fp_loglik"]], xr.Dataset({"p": ("sample", p)}))
    likelihood = stats.binom(100, p).pmf(14)
    ends = np.array([likelihood, likelihood * np.exp(ell)])
    weights = np.array([0.2, 0.8]) * ends.sum(axis=1)
    means = ends @ p / ends.sum(axis=1)
    assert weights @ means / weights.sum() == pytest.approx(0.135656358187, abs=1e-7)
    assert weights[0] / weights.sum() == pytest.approx(0.031596788405, abs=1e-6)


def _moments(a: float, b: float) -> tuple[float, float]:
    return stats.beta(a, b).mean(), stats.beta(a, b).std()
