"""Everything that reads statements reads the same language."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import foundation_priors as fp
from foundation_priors.bootstrap.statistics import value_of
from foundation_priors.conjugate import DirichletMultinomial, NormalMean
from foundation_priors.path.draws import evaluate
from foundation_priors.trust.coverage_runs import _holds
from foundation_priors.trust.nodes import atoms
from foundation_priors.trust.posterior import TrustPosterior

CODE = "__import__('os').system('true')"


def posterior(*sources: str) -> TrustPosterior:
    """Return a law of two weights, of which the second has probability .75."""
    points = np.array([[0.0] * len(sources), [0.2 * (i + 1) for i in range(len(sources))]])
    nodes = atoms(points, np.log([0.25, 0.75]))
    facts = SimpleNamespace(single=len(sources) == 1)
    path = SimpleNamespace(sources=sources, facts=facts)
    return TrustPosterior(path, "law", nodes, nodes, np.zeros(2), np.zeros(2))


@pytest.mark.parametrize(
    ("sources", "event", "value"),
    [
        (("llm",), "trust == 0", 0.25),
        (("llm",), "trust[llm] > 0.1", 0.75),
        (("plain", "roleplay"), "plain < roleplay", 0.75),
        (("plain", "roleplay"), "trust[roleplay] > .3 and plain > 0", 0.75),
        (("gpt-4", "it's, odd"), "`gpt-4` > 0 & trust['it''s, odd'] > 0.3", 0.75),
        (("gpt-4", "b"), "trust[gpt-4] <= b", 1.0),
        (("a", "b"), "not a + b > 0.5", 0.25),
    ],
)
def test_events_of_a_trust(sources, event, value):
    assert posterior(*sources).probability(event) == pytest.approx(value)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (CODE, "cannot stand"),
        ("trust > 0", "'trust' in 'trust > 0' is no weight of this path.*'plain'"),
        ("plan > 0", "Did you mean 'plain'"),
        ("trust[plan] > 0", "Did you mean"),
        ("plain", "is not an event"),
        ("1 > 0", "is not an event"),
    ],
)
def test_what_is_no_event_of_a_trust(event, why):
    with pytest.raises(ValueError, match=why):
        posterior("plain", "roleplay").probability(event)


def test_decisions_of_a_coverage_study():
    truth, elements = {"theta": 0.4, "1|x": 2.0}, {"beta[age]": 1.0, "beta['a, b']": -1.0}
    for event, holds in (
        ("theta > 0.3", 1.0),
        ("0.3 < theta < 0.35", 0.0),
        ("beta[age] > 0 and beta['a, b'] < 0", 1.0),
        ("`1|x` == 2", 1.0),
        ("gamma > 0", np.nan),
        ("theta.real > 0", np.nan),
        (CODE, np.nan),
    ):
        np.testing.assert_equal(_holds(event, truth, elements), holds)
    assert _holds("anything I like", {"anything I like": 1}, {}) == 1


def test_events_of_closed_forms():
    path = NormalMean.from_data([0.5, 1.0], [0.0], prior_mean=0, prior_sd=1, sigma=1, weight=1)
    one = path.probability("mu > 0.25", 0.5)
    for event in ("0.25 < mu", "mu >= 1/4", "(0.5 ** 2) < mu", "mu > 2.5e-1"):
        assert path.probability(event, 0.5).item() == one.item()
    for event in ("0 < mu < 1", "mu > mu", "mu > 0 and mu < 1", "mu + 1 > 0", "exp(mu) > 1"):
        with pytest.raises(ValueError, match="no closed form here"):
            path.probability(event)
    with pytest.raises(ValueError, match="cannot stand"):
        path.probability(CODE)


def test_elements_of_closed_forms_are_labels_first():
    def shares(categories):
        return DirichletMultinomial(
            concentration=[1, 2, 3], synthetic=[1, 0, 2], categories=categories
        )

    plain = [shares(None).probability(f"p[{i}] > 0.4", 1).item() for i in range(3)]
    named = shares([2, 0, 1])
    assert [named.probability(f"p[{i}] > 0.4", 1).item() for i in (2, 0, 1)] == plain
    odd = shares(["a, b", "]", "c"])
    assert odd.probability("p['a, b'] > 0.4", 1).item() == plain[0]
    assert odd.probability("p[']'] > 0.4", 1).item() == plain[1]
    assert odd.probability("p[2] > 0.4", 1).item() == plain[2]
    with pytest.raises(fp.StatementError, match="2 elements"):
        shares(["a", "a", "b"]).probability("p[a] > 0.4")


def test_statements_about_bootstrap_draws():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(2, 7, 2))
    draws = xr.Dataset(
        {"beta": (("concentration", "sample", "k"), values)},
        {"concentration": [0.0, 1.0], "k": ["a", "b, c"]},
    )
    found = value_of(draws, "beta['b, c'] > 0 or beta[a] > 1")
    np.testing.assert_array_equal(found, (values[..., 1] > 0) | (values[..., 0] > 1))
    with pytest.raises(fp.StatementError):
        value_of(draws, CODE)


@pytest.mark.parametrize(
    "text", ["log(gamma) > 0", "not log(gamma) > 0", "log(gamma) != 0 or gamma > 0", "log(gamma)"]
)
def test_what_is_not_a_number_is_told(text) -> None:
    draws = xr.Dataset({"gamma": ("sample", [-1.0, -2.0, 0.5, 3.0])})
    with pytest.warns(fp.UnreliableWarning, match="not a number in 2 of 4 values") as caught:
        evaluate(draws, text)
    assert len(caught) == 1 and repr(text) in str(caught[0].message)
    assert caught[0].filename == __file__
    assert evaluate(draws, "sqrt(gamma ** 2) > 0 and 1 / 0 > 0").all()
