"""A random trust of sampled paths, against exact quadrature of the closed forms."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from scipy import stats
from scipy.integrate import quad

import foundation_priors as fp
from tests.path import models

LAWS = {
    "uniform": ("uniform", stats.uniform()),
    "cautious": ("cautious", stats.uniform(0, 0.5)),
    "shapes": ((0.5, 3), stats.beta(0.5, 3)),
    "scipy": (stats.beta(2, 5), stats.beta(2, 5)),
    "narrow": (stats.uniform(0.1, 0.3), stats.uniform(0.1, 0.3)),
    "pymc": (pm.Beta.dist(2, 5), stats.beta(2, 5)),
    "function": (lambda x: 7 * x * (1 - x) ** 4, stats.beta(2, 5)),
}


def exact(law, f, family=None):
    """Return E[f(L) | real] and the evidence over that at 0; on the quantile scale, no ends."""
    family = family or models.coin_exact()

    def total(g):
        how = {"epsabs": 1e-12, "epsrel": 1e-9, "limit": 300}
        return quad(lambda u: g(law.ppf(u)) * family.evidence(law.ppf(u)).item(), 0, 1, **how)[0]

    whole = total(lambda x: 1.0)
    return total(f) / whole, whole / family.evidence(0.0).item()


@pytest.mark.parametrize("name", LAWS)
def test_the_coin_under_every_form_of_hyperprior(name):
    prior, law = LAWS[name]
    found = models.coin().trust_posterior(prior)
    mean, evidence = exact(law, lambda x: x)
    second, _ = exact(law, lambda x: x**2)
    error = found.mcse
    assert abs(found.mean - mean) < 4 * error["mean"] + 1e-9
    assert abs(found.sd - np.sqrt(second - mean**2)) < 4 * error["sd"] + 1e-9
    log_error = error["log_marginal_evidence"]
    assert abs(found.log_marginal_evidence - np.log(evidence)) < 4 * log_error + 1e-9
    assert error["mean"] < 0.01 and log_error < 0.05


def test_density_and_quantiles_of_the_coin():
    """With a uniform trust the density is m(L) over its integral, 1/30 at L = 0."""
    family, law = models.coin_exact(), stats.uniform()
    found = models.coin().trust_posterior("uniform")
    d = found.dataset
    whole = exact(law, lambda x: 1.0)[1] * family.evidence(0.0).item()
    truth = family.evidence(d.trust.values).values / whole
    assert (np.abs(d.density - truth) < 4.5 * d.mcse_density + 1e-9).all()
    np.testing.assert_allclose(d.hyperprior, 1.0, rtol=1e-9)
    assert d.probability.sum().item() == pytest.approx(1)
    for q in (0.05, 0.5, 0.95):
        value = found.quantile(q)
        below, _ = exact(law, lambda x, v=value: float(x <= v.item()))
        density = family.evidence(value.item()).item() / whole
        assert abs(below - q) < (4 * value.mcse.item() + 1e-4) * density
    assert found.quantile([0.1, 0.9]).dims == ("quantile",)


@pytest.mark.parametrize("name", ["uniform", "cautious", "shapes"])
def test_results_average_over_the_trust(name):
    prior, law = LAWS[name]
    path, family = models.coin(), models.coin_exact()
    rule = prior if isinstance(prior, str) else path.trust_posterior(prior)
    mean, _ = exact(law, lambda x: family.mean("theta", x).item())
    second, _ = exact(
        law, lambda x: family.sd("theta", x).item() ** 2 + family.mean("theta", x).item() ** 2
    )
    above, _ = exact(law, lambda x: family.probability("theta > 0.5", x).item())
    for found, truth in (
        (path.mean("theta", rule), mean),
        (path.sd("theta", rule), np.sqrt(second - mean**2)),
        (path.probability("theta > 0.5", rule), above),
    ):
        assert found.shape == () and found.reliable.item() and 0 < found.mcse < 0.03
        assert abs(found.item() - truth) < 4 * found.mcse.item()
    median = path.quantile("theta", 0.5, rule).item()
    half, _ = exact(law, lambda x: family.probability(f"theta > {median}", x).item())
    assert abs(half - 0.5) < 4 * path.probability(f"theta > {median}", rule).mcse.item()
    assert path.mcse("theta", rule).item() == path.mean("theta", rule).mcse.item()
    assert path.expect("theta", rule).item() == path.mean("theta", rule).item()


def test_the_normalised_power_prior():
    """E[trust], sd[trust], E[theta] as the R package npowerPrioR gives them.

    Its other cases are those of `test_a_uniform_trust`, each with a trust of its own.
    """
    import pandas as pd

    (real, trials), (said, asked) = models.COUNTS["c"]
    with pm.Model() as model:
        n = pm.Data("n", [trials], dims="row")
        theta = pm.Beta("theta", 1, 1)
        pm.Binomial("y", n=n, p=theta, observed=[real], dims="row")
    frame = pd.DataFrame({"y": [said], "n": [asked]})
    answers = fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)
    path = fp.trust_path(model, answers, random_seed=2, progressbar=False)
    found = path.trust_posterior("uniform")
    assert abs(found.mean - 0.358712) < 4 * found.mcse["mean"] + 1e-6
    assert abs(found.sd - 0.245914) < 4 * found.mcse["sd"] + 1e-6
    average = path.mean("theta", "uniform")
    assert abs(average.item() - 0.197176) < 4 * average.mcse.item() + 1e-6


def test_the_errors_are_calibrated():
    """Paths made of independent draws from both ladders, of which the closed form is known."""
    import xarray as xr

    from foundation_priors.path.engine import Run
    from foundation_priors.path.fits import Fit
    from foundation_priors.path.ladder import Ladder
    from tests.path.gaussian import Family

    base, grid = models.coin(), np.linspace(0, 1, 2001)[:, None]
    prior, real = Family([1.0], [4.0]), 2.0

    class Posterior(Family):
        """The same family times exp(real x - x^2)."""

        def precision(self, points):
            return 3 + points @ self.curve

        def mean(self, points):
            return (real + points @ self.slope) / self.precision(points)

        def log_z(self, points):
            return (
                self.mean(points) ** 2 * self.precision(points) / 2
                - np.log(self.precision(points)) / 2
            )

    posterior = Posterior([1.0], [4.0])
    density = np.exp(posterior.log_z(grid) - prior.log_z(grid))
    density /= density.sum() - (density[0] + density[-1]) / 2
    density[[0, -1]] /= 2
    trust = density @ grid[:, 0]
    mean = density @ posterior.mean(grid)
    sd = np.sqrt(density @ (posterior.mean(grid) ** 2 + 1 / posterior.precision(grid)) - mean**2)
    points, z = np.array([[0.0], [0.3], [1.0]]), []
    for seed in range(60):
        rng = np.random.default_rng(seed)

        def ladder(family, is_real, rng=rng):
            fits, xs = [], []
            for point in points:
                x = family.mean(point) + family.precision(point) ** -0.5 * rng.normal(size=(4, 200))
                run = Run(x[..., None], {}, family.ell(x), 0 * x, 0 * x, 0, 0, 0.0)
                fits.append(Fit(point, is_real, run, 800.0, 800.0, 1.0))
                xs.append(x.ravel())
            return Ladder(fits), np.concatenate(xs)

        (above, x), (below, _) = ladder(posterior, 1.0), ladder(prior, 0.0)
        draws = xr.Dataset({"x": ("sample", x)})
        path = replace(base, posterior=above, prior=below, draws=draws)
        found = path.trust_posterior("uniform")
        m, s = path.mean("x", found), path.sd("x", found)
        z.append(
            [
                (found.mean - trust) / found.mcse["mean"],
                (m.item() - mean) / m.mcse.item(),
                (s.item() - sd) / s.mcse.item(),
            ]
        )
    spread, bias = np.std(z, axis=0), np.mean(z, axis=0)
    assert (spread > 0.7).all() and (spread < 1.35).all()
    assert (np.abs(bias) < 4 / np.sqrt(60)).all()


def test_draws_at_a_rule():
    path, family = models.coin(), models.coin_exact()
    tree = path.at("cautious")
    assert tree.attrs["trust"] == "cautious" and tree.attrs["reliable"] == 1
    theta, size = tree["posterior"].theta, tree["posterior"].sizes["draw"]
    assert 1000 < size <= tree.attrs["ess"] + 1
    exact_mean, exact_sd = (getattr(path, k)("theta", "cautious").item() for k in ("mean", "sd"))
    assert abs(theta.mean().item() - exact_mean) < 4 * exact_sd / np.sqrt(size)
    trust = tree["sample_stats"].trust.values.ravel()
    rule = path.trust_posterior("cautious")
    assert abs(trust.mean() - rule.mean) < 4 * rule.sd / np.sqrt(size)
    # E[L theta] = E[L E[theta | L]]: trust and parameter are drawn together.
    both, _ = exact(stats.uniform(0, 0.5), lambda x: x * family.mean("theta", x).item())
    product = trust * theta.values.ravel()
    assert abs(product.mean() - both) < 4 * product.std() / np.sqrt(size)
    prior = tree["prior"].theta
    second = quad(lambda x: (1 + 1 / (3 + 10 * x)) / 4, 0, 0.5)[0] / 0.5  # of Beta(1 + 5L, 1 + 5L)
    square = prior.values.ravel() ** 2
    assert abs(square.mean() - second) < 4 * square.std() / np.sqrt(square.size)


def test_scores_average_the_predictive_density():
    import pandas as pd

    path, family = models.coin(), models.coin_exact()
    score = path.score(pd.DataFrame({"heads": [1, 0]}), "uniform")
    mean, _ = exact(stats.uniform(), lambda x: family.mean("theta", x).item())
    assert abs(score.item() - np.log(mean * (1 - mean))) < 4 * score.mcse.item() + 1e-3


def test_a_rule_swaps_the_hyperprior_and_stays_with_its_path():
    path = models.coin()
    rule = path.trust_posterior((1, 1))
    assert path.mean("theta", rule).item() == pytest.approx(path.mean("theta", "uniform").item())
    with pytest.raises(ValueError, match="another path's trust"):
        models.normal().mean("mu", rule)


@pytest.mark.parametrize(
    ("prior", "says"),
    [
        ("causious", "Did you mean 'cautious'"),
        ((0, 1), "not normalisable"),
        ((1, 2, 3), "two shapes"),
        (lambda x: 1 / x, "not normalisable"),
        (lambda x: -x, "must be 0 or more"),
        (lambda x: 0 * x, "0 everywhere"),
        (lambda x: np.ones((len(x), 2)), "shape"),
        (stats.norm(0.5, 0.4), "of its mass outside the path"),
        (pm.Normal.dist(0.5, 0.4), "of its mass outside the path"),
        (pm.Dirichlet.dist([1, 1]), "dimensions"),
        (0.3, "no hyperprior"),
    ],
)
def test_what_is_no_hyperprior(prior, says):
    with pytest.raises((ValueError, TypeError), match=says):
        models.coin().trust_posterior(prior)


@pytest.mark.parametrize("read", ["log_evidence", "diagnostics", "log_normalizer"])
def test_curves_take_no_rule(read):
    with pytest.raises(ValueError, match="names a rule"):
        getattr(models.coin(), read)("cautious")


def test_unreliable_weights_in_the_support_warn(monkeypatch):
    monkeypatch.setattr("foundation_priors.path.ladder.ESS_FLOOR", 1e9)
    path = replace(models.coin())
    with pytest.warns(fp.UnreliableWarning, match="under the hyperprior 'cautious'"):
        found = path.trust_posterior()
    with pytest.warns(fp.UnreliableWarning, match="under the rule 'cautious'"):
        assert not path.mean("theta", "cautious").reliable
    assert "unreliable" in repr(found)


def test_display_and_plot():
    found = models.coin().trust_posterior()
    text, html = repr(found), found._repr_html_()
    assert "cautious" in text and "all hold" in text and html.endswith("</div>")
    axes = found.plot()
    assert axes.get_xlabel() == "trust" and len(axes.lines) == 2
    axes.figure.clear()


@pytest.mark.parametrize("ci_prob", [0.5, 0.9, 0.99])
def test_the_shading_ends_where_the_interval_does(ci_prob):
    found = models.coin().trust_posterior("uniform")
    (area,) = found.plot(ci_prob=ci_prob).collections
    x = area.get_paths()[0].vertices[:, 0]
    ends = found.quantile([(1 - ci_prob) / 2, (1 + ci_prob) / 2]).values
    np.testing.assert_allclose([x.min(), x.max()], ends, rtol=1e-12)
