"""Random trust of several sources, against quadrature of the closed form."""

import numpy as np
import pytest
from scipy import special, stats

import foundation_priors as fp
from foundation_priors.errors import ColumnError
from foundation_priors.trust.hyperprior import hyperprior
from foundation_priors.trust.nodes import place
from foundation_priors.trust.several import exchangeable, independent, integrate, of_density, within
from tests.benchmarks import split_study
from tests.path import models

GRID = (np.arange(400) + 0.5) / 400


def caps():
    return models.normal("framing").facts.n_real / np.array(models.normal("framing").facts.worth)


LAWS = {
    "uniform": ("uniform", lambda a, b: np.ones_like(a)),
    "cautious": ("cautious", None),
    "shapes": ((1, 3), lambda a, b: stats.beta(1, 3).pdf(a) * stats.beta(1, 3).pdf(b)),
    "by source": (
        {"plain": (1, 3), "roleplay": stats.beta(2, 2)},
        lambda a, b: stats.beta(1, 3).pdf(a) * stats.beta(2, 2).pdf(b),
    ),
    "joint": (fp.trust.joint(lambda x: x.sum(axis=1)), lambda a, b: a + b),
}


def total_first():
    """Return weights with a total uniform up to the real data's worth, shared out uniformly.

    The first source holds at most its whole worth, and so does the second.
    """
    total, share = (x.ravel() for x in np.meshgrid(GRID, GRID))
    room = 1 / caps()
    assert room.sum() > 1  # The answers are worth more than the real data.
    first = np.clip(total * share, total - room[1], room[0])
    # Products may lie above 1 by rounding.
    return tuple(np.minimum(x, 1) for x in (first * caps()[0], (total - first) * caps()[1]))


def exact(density):
    """Return weights on a grid, their posterior there, the family and the prior."""
    family = models.normal_exact("framing")
    grid = tuple(x.ravel() for x in np.meshgrid(GRID, GRID))
    a, b = total_first() if density is None else grid
    before = np.ones_like(a) if density is None else density(a, b)
    p = before * np.exp(family.log_evidence({"plain": a, "roleplay": b}).values)
    return a, b, p / p.sum(), family, before


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


@pytest.mark.parametrize("sources", [2, 3, 10])
@pytest.mark.parametrize("worth", [5.0, 14.0, 300.0])
def test_the_total_has_the_law_of_one_source(sources, worth):
    """However many labels answers carry that are worth ``worth`` together, with 12 real rows."""
    one = hyperprior("cautious", 1.0, 12 / worth)
    known = place(one.log_density, one.low, one.high)
    parts = worth * np.arange(1, sources + 1) / np.arange(1, sources + 1).sum()
    joint = within(12 / parts, 1.0)
    total = joint.nodes.points @ parts
    assert joint.nodes.points.min() >= 0 and joint.nodes.points.max() <= 1 + 1e-12
    for power in (1, 2, 3):
        wanted = known.probability @ (worth * known.trust) ** power
        assert joint.nodes.probability @ total**power == pytest.approx(wanted, rel=1e-8)
    for level in np.linspace(0.05, 0.95, 7) * worth * one.high:
        wanted = known.probability @ (worth * known.trust <= level * (1 + 1e-9))
        found = joint.nodes.probability @ (total <= level * (1 + 1e-9))
        assert found == pytest.approx(wanted, abs=1e-8)
    assert joint.nodes.log_integral == pytest.approx(known.log_integral, abs=1e-8)
    # So do the points of the cube of which the posterior's nodes are made.
    cube = np.random.default_rng(sources).random((500, sources))
    np.testing.assert_allclose(joint.weights(cube) @ parts, worth * one.high * cube[:, 0])


def test_shares_are_uniform_where_no_source_is_full():
    joint = within(np.full(3, 0.01), 1.0)
    share = joint.nodes.points / joint.nodes.points.sum(axis=1, keepdims=True)
    p = joint.nodes.probability
    np.testing.assert_allclose(p @ share, 1 / 3, atol=0.01)
    np.testing.assert_allclose(p @ share**2, 1 / 6, atol=0.01)  # Dirichlet(1, 1, 1)
    assert p @ (share[:, 0] > 0.5) == pytest.approx(0.25, abs=0.01)


def test_with_shares_held_equal_the_posterior_is_that_of_one_source():
    path, family = models.normal(), models.normal_exact()
    assert len(path.sources) == 1
    cap = path.facts.n_real / path.facts.worth[0]
    x = min(1.0, cap) * GRID
    p = np.exp(family.log_evidence(x).values)
    found = path.trust_posterior("cautious")
    assert found.mean == pytest.approx(p @ x / p.sum(), abs=4 * found.mcse["mean"] + 1e-3)


@pytest.mark.parametrize("sources", split_study.SPLITS)
def test_a_source_split_at_random_gives_the_same_answer_on_average(sources):
    gap = split_study.differences(sources, 200)
    assert abs(gap.mean()) < 2 * gap.std(ddof=1) / np.sqrt(len(gap))


@pytest.mark.parametrize("sources", [2, 3, 10])
def test_nodes_of_the_posterior_against_those_of_the_hyperprior(sources):
    """The same integral by nodes that are fitted to it and by nodes that are not."""
    joint = within(np.full(sources, 0.5), 1.0)
    centre = np.linspace(0.5, 1.5, sources)
    evidence = lambda x: -((x @ centre - 0.3) ** 2) / 0.02 - x[:, 0]  # noqa: E731
    found, _ = integrate(joint, sources, evidence)
    p = joint.nodes.probability * np.exp(evidence(joint.nodes.points))
    error = 4 / np.sqrt(found.size)
    assert found.log_integral == pytest.approx(np.log(p.sum()), abs=error)
    wanted = p @ joint.nodes.points / p.sum()
    sd = np.sqrt(p @ (joint.nodes.points - wanted) ** 2 / p.sum())
    assert (np.abs(found.probability @ found.points - wanted) < error * sd + 0.01 * sd).all()
    assert found.size > 400


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
    path = models.normal("framing")
    found = path.trust_posterior(fp.trust.exchangeable())
    assert found.hyperprior == "exchangeable" and found.mean.dims == ("source",)
    for nodes in (found.nodes, found.hyperprior_nodes):
        worth = nodes.points @ np.array(path.facts.worth)
        assert worth.max() <= path.facts.n_real * (1 + 1e-9)


def test_one_exchangeable_weight_is_capped_too():
    rule = fp.trust.exchangeable()
    density = rule.of_one(0.25)(np.array([0.1, 0.2499, 0.2501, 0.9]))
    assert (density[:2] > 0).all() and not density[2:].any()
    with pytest.raises(ValueError, match="no cap: give another"):
        rule.of_several(np.array([np.nan, 1.0]), 1.0)


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


def test_the_total_of_exchangeable_weights_by_the_number_of_sources():
    """As the page says: the mean is half of the cap, and the spread falls with more sources.

    Of one source from the joint law's own density, by quadrature; of several from
    Var(sum / S) = (v + (S - 1) c) / S, with v and c its variance and covariance.
    """
    v = np.clip(special.expit(np.linspace(-60, 60, 121)), 1e-300, 1 - 1e-16)
    width = v * (1 - v)  # much of the mass lies next to 0 and next to 1
    one = np.exp(exchangeable(1, 1.0, (1, 1), (2, 0.5)).log_density(v[:, None])) * width
    a, b = (x.ravel() for x in np.meshgrid(v, v))
    pairs = np.stack([a, b], axis=1)
    both = np.exp(exchangeable(2, 1.0, (1, 1), (2, 0.5)).log_density(pairs))
    both *= np.outer(width, width).ravel()
    one, both = one / one.sum(), both / both.sum()
    variance, covariance = one @ (v - 0.5) ** 2, both @ ((a - 0.5) * (b - 0.5))
    spread = [np.sqrt((variance + (s - 1) * covariance) / s) for s in (1, 2, 3, 10)]
    np.testing.assert_allclose(spread, [0.36, 0.32, 0.31, 0.30], atol=0.02)
    assert one @ v == pytest.approx(0.5, abs=0.01)
