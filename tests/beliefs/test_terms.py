"""The tilt of a belief, log f(q) - log pi0(q), against closed forms."""

import numpy as np
import pymc as pm
import pytest
from scipy import stats

import foundation_priors as fp
from foundation_priors.beliefs import Belief
from foundation_priors.errors import ColumnError, ModelError, UnreliableWarning

NORMAL = {0.1: -1.0, 0.9: 3.0}
EXACT = {
    "beta[educ]": stats.norm(1, 0.5).logpdf,
    "both[1]": stats.norm(3, 6).logpdf,
    "2 * a - beta[exper] + 1": stats.norm(1, np.sqrt(16 + 4)).logpdf,
    "pair[0] + 2 * pair[1]": stats.norm(2, np.sqrt(1 + 8 + 2.4)).logpdf,
    "log(scale)": lambda x: stats.halfnorm.logpdf(np.exp(x)) + x,
    "logit(rate)": lambda x: (
        stats.beta(2, 3).logpdf(1 / (1 + np.exp(-x))) - np.logaddexp(0, x) - np.logaddexp(0, -x)
    ),
}


@pytest.mark.parametrize("quantity", EXACT)
def test_the_prior_density_is_exact_on_the_line(speak, quantity: str) -> None:
    belief = Belief(quantity, NORMAL)
    spoken, at = speak(belief)
    (q,), (logp,) = at["q"], at["logp"]
    assert logp == pytest.approx(EXACT[quantity](q), rel=1e-6, abs=1e-6)
    assert at["terms"][0] == pytest.approx(belief.density.logpdf(q) - logp, abs=1e-7)
    assert spoken.beliefs.notes == (f"prior density of {quantity}: exact",)


@pytest.mark.parametrize(
    ("quantity", "support", "density"),
    [
        ("scale", (0, np.inf), stats.halfnorm.logpdf),
        ("exp(beta[exper])", (0, np.inf), stats.lognorm(2, scale=np.e).logpdf),
        ("rate", (0, 1), stats.beta(2, 3).logpdf),
        (
            "chance",
            (0, 1),
            lambda x: stats.norm(2.5, np.sqrt(5)).logpdf(np.log(x / (1 - x))) - np.log(x * (1 - x)),
        ),
    ],
)
def test_bounded_quantities_get_the_models_support(speak, quantity, support, density) -> None:
    said = {0.05: 0.2, 0.5: 0.3, 0.95: 0.8}
    spoken, at = speak(Belief(quantity, said))
    ((heard,),) = spoken.heard
    assert (heard.prior.support.lower, heard.prior.support.upper) == support
    assert heard.density.cdf(list(said.values())) == pytest.approx(list(said), abs=1e-9)
    inside = np.abs(at["q"][0] - 0.5) < 0.499
    expected = density(at["q"][0][inside | (support[1] > 1)])
    assert at["logp"][0][inside | (support[1] > 1)] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_what_is_not_known_is_estimated_and_says_so(speak) -> None:
    spoken, at = speak(Belief("low", NORMAL))
    low = at["q"][0]
    scale = np.abs(stats.norm.ppf((np.arange(4000) + 0.5) / 4000))
    exact = np.log(np.mean(stats.norm(0, np.sqrt(1 + scale[:, None] ** 2)).pdf(low), axis=0))
    central = np.abs(low) < 2.5
    assert at["logp"][0][central] == pytest.approx(exact[central], abs=0.05)
    assert (
        "estimated from 100000 draws, standard error of its log at most 0.0"
        in (spoken.beliefs.notes[0])
    )
    with pytest.warns(UnreliableWarning, match="'low' lies where its prior density"):
        speak(Belief("low", {0.1: 900.0, 0.9: 1000.0}))


def test_a_function_serves_as_quantity(speak) -> None:
    def at_twelve(v):
        return v["a"] + 12 * v["beta"][0]

    _, at = speak(Belief(at_twelve, NORMAL))
    assert at["logp"][0] == pytest.approx(stats.norm(12.5, np.sqrt(40)).logpdf(at["q"][0]))


def test_independent_quantities_multiply(speak) -> None:
    one, two = Belief("rate", {0.1: 0.2, 0.9: 0.5}), Belief("beta[educ]", NORMAL)
    both = speak(one, two)[1]["terms"][0]
    assert both == pytest.approx(speak(one)[1]["terms"][0] + speak(two)[1]["terms"][0])


def test_dependent_normals_have_their_joint_density(speak) -> None:
    _, at = speak(Belief("a", NORMAL), Belief("exp(a + beta[educ])", {0.1: 1.0, 0.9: 9.0}))
    eta = np.column_stack([at["q"][0], np.log(at["q"][1])])
    joint = stats.multivariate_normal([0.5, 1.5], [[4, 4], [4, 4.25]]).logpdf(eta) - eta[:, 1]
    said = Belief("a", NORMAL).density.logpdf(at["q"][0])
    log_scale = stats.norm(*_between(np.log([1.0, 9.0]))).logpdf(eta[:, 1]) - eta[:, 1]
    assert at["terms"][0] == pytest.approx(said + log_scale - joint, rel=1e-6, abs=1e-6)


def _between(ends: np.ndarray) -> tuple[float, float]:
    return float(ends.mean()), float(np.diff(ends)[0] / (2 * stats.norm.ppf(0.9)))


def test_one_quantity_of_two_sources_shares_its_weights(zoo) -> None:
    both = [Belief("rate", {0.1: 0.2, 0.9: 0.5}, source=s) for s in ("gpt", "qwen")]
    fp.tilt(zoo, both, {"gpt": 0.3, "qwen": 0.7}, by="source")
    with pytest.raises(ValueError, match="add to 1.2, more than 1"):
        fp.tilt(zoo, both, {"gpt": 0.5, "qwen": 0.7}, by="source")
    fp.tilt(zoo, both, {"gpt": 0.5, "qwen": 0.7}, by="source", max_trust=2)
    with pytest.raises(ValueError, match="add to 2, more than 1"):
        fp.trust_path(zoo, both, by="source", progressbar=False)
    with pytest.raises(ModelError, match=r"'rate': pool them first with Belief.pool"):
        fp.tilt(zoo, both, 0.5)


IMPOSSIBLE = [
    ("gamma", "no quantity 'gamma'"),
    ("beta[edu]", r"no quantity 'beta\[edu\]'. Did you mean 'beta\[educ\]'"),
    ("beta", r"several elements, .* such as 'beta\[educ\]'"),
    ("a + betta[educ]", "no quantity 'betta'"),
    ("a +", "is not an expression"),
    ("a > 0", "cannot be read"),
    ("__import__('os')", "cannot be read"),
    ("y", "'y' is observed data"),
    ("3", "does not depend on any free variable"),
    (lambda v: v["a"] > 0, "takes some values with positive probability|does not depend"),
    (lambda v: "a", "gives str, not a scalar"),
    (lambda v: v["beta"], "return one number"),
    (lambda v: pm.Normal.dist(0, 1) + v["a"], "observed or foreign random variables"),
]


@pytest.mark.parametrize(("quantity", "message"), IMPOSSIBLE)
def test_a_quantity_that_the_model_does_not_have(zoo, quantity, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        fp.tilt(zoo, Belief(quantity, NORMAL), 0.5)


def test_what_cannot_be_said_of_a_quantity(zoo) -> None:
    with pytest.raises(ColumnError, match=r"names -1, which lies outside the support \(0, 1\)"):
        fp.tilt(zoo, Belief("rate", NORMAL), 0.5)
    with pytest.raises(ModelError, match=r"confined to \(0, inf\), but its prior allows"):
        fp.tilt(zoo, Belief("a", {0.1: 1, 0.9: 3}, support=(0, None)), 0.5)
    with pytest.raises(ModelError, match="depend on each other"):
        fp.tilt(zoo, [Belief("low", NORMAL), Belief("centre", NORMAL)], 0.5)
    apart = [Belief("a", NORMAL, source="x"), Belief("a + beta[educ]", NORMAL, source="y")]
    with pytest.raises(ModelError, match="no prior that each would replace"):
        fp.tilt(zoo, apart, 0.5, by="source")
    with pytest.raises(ModelError, match="private= concerns rows"):
        fp.tilt(zoo, Belief("a", NORMAL), 0.5, private=["scale"])
    with pytest.raises(ColumnError, match="by='framing'"):
        fp.tilt(zoo, Belief("a", NORMAL), 0.5, by="framing")
    with pytest.raises(TypeError, match="rows and beliefs cannot"):
        fp.tilt(zoo, [Belief("a", NORMAL), 3.0], 0.5)


def test_a_prior_that_is_not_known() -> None:
    with pm.Model() as model:
        a = pm.Normal("a", 0, 1)
        pm.Potential("penalty", -(a**4))
        pm.Normal("y", a, 1, observed=[0.0])
    with pytest.raises(ModelError, match="'penalty' changes the prior"):
        fp.tilt(model, Belief("a", NORMAL), 0.5)
    fp.tilt(model, Belief("a", NORMAL), 0.5, evidence=["penalty"])
