"""Random trust of several sources, against quadrature of the closed form."""

import numpy as np
import pytest
from scipy import stats

import foundation_priors as fp
from foundation_priors.errors import ColumnError
from foundation_priors.trust.hyperprior import hyperprior
from foundation_priors.trust.several import exchangeable, independent, integrate, of_density, within
from tests.path import models

GRID = (np.arange(400) + 0.5) / 400


def caps():
    return models.normal("framing").facts.n_real / np.array(models.normal("framing").facts.worth)


def inside(a, b):
    return (a / caps()[0] + b / caps()[1] <= 1).astype(float)


LAWS = {
    "uniform": ("uniform", lambda a, b: np.ones_like(a)),
    "cautious": ("cautious", inside),
    "shapes": ((1, 3), lambda a, b: stats.beta(1, 3).pdf(a) * stats.beta(1, 3).pdf(b)),
    "by source": (
        {"plain": (1, 3), "roleplay": stats.beta(2, 2)},
        lambda a, b: stats.beta(1, 3).pdf(a) * stats.beta(2, 2).pdf(b),
    ),
    "joint": (fp.trust.joint(lambda x: x.sum(axis=1)), lambda a, b: a + b),
}


def exact(density):
    """Return the grid of both weights, their posterior on it, and the family."""
    family = models.normal_exact("framing")
    a, b = (x.ravel() for x in np.meshgrid(GRID, GRID))
    trust = {"plain": a, "roleplay": b}
    p = density(a, b) * np.exp(family.log_evidence(trust).values)
    return a, b, p / p.sum(), family, density(a, b)


@pytest.mark.parametrize("name", LAWS)
def test_two_weights_against_quadrature(name):
    prior, density = LAWS[name]
    path = models.normal("framing")
    found = path.trust_posterior(prior)
    a, b, p, family, before = exact(density)
    for s, x in zip(path.sources, (a, b), strict=True):
        mean = p @ x
        error = found.mcse["mean"].sel(source=s).item()
        assert error < 0.05
        assert abs(found.mean.sel(source=s).item() - mean) < 4 * error + 1e-3
        sd = np.sqrt(p @ (x - mean) ** 2)
        assert abs(found.sd.sel(source=s).item() - sd) < 4 * found.mcse["sd"].sel(source=s) + 1e-3
    evidence = np.exp(family.log_evidence({"plain": a, "roleplay": b}).values)
    log = np.log(before @ evidence / before.sum())
    assert abs(found.log_marginal_evidence - log) < 4 * found.mcse["log_marginal_evidence"] + 2e-3
    mu = path.mean("mu", found)
    truth = p @ family.mean("mu", {"plain": a, "roleplay": b}).values
    assert abs(mu.item() - truth) < 4 * mu.mcse.item() + 1e-3
    assert found.probability("plain > roleplay") == pytest.approx(p @ (a > b), abs=0.03)


def test_the_cautious_region_is_uniform_where_all_together_are_worth_the_real_data():
    path = models.normal("framing")
    n = path.trust_posterior("cautious").hyperprior_nodes
    worth = n.points @ np.array(path.facts.worth)
    assert worth.max() <= path.facts.n_real * (1 + 1e-9)
    a, b = n.points.T
    grid = inside(*(x.ravel() for x in np.meshgrid(GRID, GRID)))
    share = n.probability @ ((a < 0.3) & (b < 0.3))
    wanted = inside(*(x.ravel() for x in np.meshgrid(0.3 * GRID, 0.3 * GRID))).mean() * 0.09
    assert share == pytest.approx(wanted / grid.mean(), abs=0.02)


def test_exchangeable_weights():
    """A concentration that is large makes them alike; the marginal law does not depend on it."""
    loose, tight = (
        integrate(exchangeable(2, 1.0, (1, 1), c), 2, None)[0] for c in ((4, 2), (200, 2))
    )
    for nodes in (loose, tight):
        mean = nodes.probability @ nodes.points
        np.testing.assert_allclose(mean, 0.5, atol=0.03)
        assert nodes.log_integral == pytest.approx(0, abs=0.05)
    apart = [n.probability @ np.abs(n.points[:, 0] - n.points[:, 1]) for n in (loose, tight)]
    assert apart[0] > 3 * apart[1]
    found = models.normal("framing").trust_posterior(fp.trust.exchangeable())
    assert found.hyperprior == "exchangeable" and found.mean.dims == ("source",)


@pytest.mark.parametrize("sources", [2, 3, 5])
def test_integrals_of_known_laws(sources):
    """Gaussian evidence far out in the corner of the cube, 1,000 times more narrow than it."""
    rng = np.random.default_rng(sources)
    centre, sd = rng.uniform(2e-3, 5e-3, sources), 5e-4
    law = independent([hyperprior("uniform", 1.0, 1.0)] * sources)
    evidence = lambda x: stats.norm(centre, sd).logpdf(x).sum(axis=1)  # noqa: E731
    nodes, known = integrate(law, sources, evidence)
    np.testing.assert_allclose(known, evidence(nodes.points))
    assert nodes.log_integral == pytest.approx(0, abs=4 / np.sqrt(nodes.size))
    mean = nodes.probability @ nodes.points
    np.testing.assert_allclose(mean, centre, atol=4 * sd / np.sqrt(nodes.size))
    assert nodes.size > 500


def test_the_capped_region_by_volume():
    joint = within(np.array([0.5, 2.0, 1.0]), 1.0)
    nodes, _ = integrate(joint, 3, None)
    # The simplex of volume .5 * 2 * 1 / 6, the part of it beyond 1 of the second cut off.
    kept = 1 - (1 - 1 / 2.0) ** 3
    assert nodes.log_integral == pytest.approx(np.log(kept), abs=0.05)


def test_a_source_left_out():
    path, family = models.normal("framing"), models.normal_exact("framing")
    fixed = fp.trust.leave_one_source_out(path, "mu", {"plain": 0.4, "roleplay": 0.7})
    assert fixed.left_out.values.tolist() == ["nothing", "plain", "roleplay"]
    for label, trust in (
        ("nothing", {"plain": 0.4, "roleplay": 0.7}),
        ("plain", {"plain": 0.0, "roleplay": 0.7}),
        ("roleplay", {"plain": 0.4, "roleplay": 0.0}),
    ):
        mean = path.mean("mu", trust)
        assert fixed["mean"].sel(left_out=label).item() == mean.item()
        assert abs(mean.item() - family.mean("mu", trust).item()) < 4 * mean.mcse.item()
    learned = fp.trust.leave_one_source_out(path, "mu", "uniform")
    grid = {"plain": np.zeros(400), "roleplay": GRID}
    p = np.exp(family.log_evidence(grid).values)
    truth = (p / p.sum()) @ family.mean("mu", grid).values
    assert learned["mean"].sel(left_out="plain").item() == pytest.approx(truth, abs=0.02)
    with pytest.raises(ValueError, match="one weight"):
        fp.trust.leave_one_source_out(models.normal(), "mu")


@pytest.mark.parametrize(
    ("prior", "says"),
    [
        ({"plain": (1, 1)}, "misses 'roleplay'"),
        ({"plain": (1, 1), "rolepaly": (1, 1)}, "Did you mean 'roleplay'"),
        (fp.trust.joint(lambda x: x), "return one density a row"),
        (fp.trust.joint(lambda x: -x.sum(axis=1)), "must be 0 or more"),
        (fp.trust.joint(lambda x: 0 * x[:, 0]), "0 at every weight"),
        (fp.trust.joint("beta"), "function or a distribution"),
        ("cautios", "Did you mean 'cautious'"),
    ],
)
def test_what_is_no_hyperprior_of_two_weights(prior, says):
    with pytest.raises((ValueError, TypeError, ColumnError), match=says):
        models.normal("framing").trust_posterior(prior)


def test_parameters_of_shapes_are_checked():
    with pytest.raises(ValueError, match="two positive numbers"):
        fp.trust.exchangeable(concentration=(0, 1))
    joint = of_density(lambda x: np.zeros(len(x)), np.ones(2), "flat")
    assert joint.log_density(np.full((3, 2), 0.5)).tolist() == [0, 0, 0]


def test_display_plot_and_draws():
    path = models.normal("framing")
    found = path.trust_posterior()
    text = repr(found)
    assert "plain:" in text and "roleplay:" in text and "placebo:" in text
    assert found.dataset.weight.dims == ("node", "source")
    assert len(found.plot().lines) == 2
    draws = path.at("cautious")["sample_stats"].trust
    assert draws.shape[-1] == 2
    mean = draws.mean(("chain", "draw")).values
    np.testing.assert_allclose(mean, found.mean.values, atol=0.05)
