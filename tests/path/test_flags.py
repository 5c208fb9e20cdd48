"""What is flagged is wrong or cannot be judged, and what is wrong is flagged."""

from dataclasses import replace

import numpy as np
import pytest

from foundation_priors.path.ladder import Ladder
from tests.benchmarks.flags import SCENARIOS, rates

GRID = np.linspace(0, 1, 11)
SEEDS = range(2)
HARMLESS = ["short", "one", "diverge", "switch", "pilot"]
FATAL = ["few", "half", "quarter", "upper", "middle", "phases", "neck", "misfit"]


@pytest.mark.parametrize("name", HARMLESS)
def test_an_anchor_that_hardly_matters_condemns_no_weight(name):
    found = rates(SCENARIOS[name], SEEDS, GRID)
    # Errors go beyond 4.5 of their own with a chance of 1e-5 a comparison. A slow anchor's r-hat
    # may pass 1.3 by chance, in 1 of 40 anchors, and condemns the weights nearest to it.
    assert found["wrong"] == 0 and found["log_z_wrong"] == 0
    assert found["false"] < 0.1 and found["log_z_false"] < 0.1


@pytest.mark.parametrize("name", FATAL)
def test_what_is_wrong_is_flagged(name):
    found = rates(SCENARIOS[name], SEEDS, GRID)
    assert found["wrong"] > 0.5
    assert found["missed"] == 0 and found["log_z_missed"] == 0


def test_evidence_beyond_chains_in_two_modes_is_flagged():
    """The normaliser at 0, where modes cannot be weighed, is what all others are compared with."""
    found = rates(SCENARIOS["signs"], SEEDS, GRID)
    assert found["missed"] == found["log_z_missed"] == 0
    assert found["log_z_wrong"] > 0.2
    assert found["false"] < 0.2  # means far from the two modes stand


def test_a_slow_anchor_condemns_what_only_it_serves():
    scenario = SCENARIOS["one"]
    alone = replace(scenario, chains=[scenario.chains[k] for k in (0, 4, 8)])
    checks = alone.ladder(np.random.default_rng(0)).check(GRID[:, None])
    assert not alone.chains[0].rho == alone.chains[1].rho
    assert checks.weights_fail[4:7].all()


def test_a_slow_anchor_that_contradicts_the_rest_is_flagged():
    """Chains that creep about a wrong place, with more draws than the others."""
    world = SCENARIOS["one"].world
    rng = np.random.default_rng(0)
    fits = [c.fit(world, rng) for c in SCENARIOS["one"].chains]
    bad = fits[4]
    shift = 0.3 * bad.run.u.std(axis=(0, 1))
    u = bad.run.u + shift
    run = replace(bad.run, u=u, ell=world.ell(u)[..., None], base=world.log_base(u))
    # As if it had as many effective draws as its neighbours, so that it has a weight.
    fits[4] = replace(bad, run=run, ess=800.0, ess_min=800.0, r_hat=1.2)
    fails = Ladder(fits).check(GRID[:, None]).weights_fail
    assert fails[4:7].all()
