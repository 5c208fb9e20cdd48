"""No ladder has more anchors than it may have."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

import foundation_priors as fp
from foundation_priors.path.climb import Climber, Plan
from foundation_priors.path.engine import Engine
from foundation_priors.path.fits import Settings
from foundation_priors.prior.tilt import build
from tests.path import models
from tests.path.test_hopeless import answers


def two_modes() -> Engine:
    """Return a posterior in which every chain is caught in one of two modes."""
    rng = np.random.default_rng(0)
    with pm.Model() as model:
        signed = pm.Data("signed", np.zeros(10))
        mu = pm.Normal("mu", 0, 5)
        real = 3 + 0.3 * rng.normal(size=10)
        pm.Normal("y", pt.switch(signed > 0, mu, pt.abs(mu)), 1.0, observed=real)
    said = answers(y=2 + 0.1 * rng.normal(size=6), signed=np.ones(6))
    return Engine(build(model, said, alone=True))


@pytest.mark.parametrize(
    ("engine", "limits"),
    [
        (lambda: models.regression().engine, (2, 3, 4, 5)),
        (lambda: models.normal("framing").engine, (4, 5)),
        (two_modes, (2, 3, 6)),
    ],
    ids=["regression", "two sources", "two modes"],
)
def test_the_most_anchors_are_never_exceeded(engine, limits):
    ready = engine()
    for most in limits:
        plan = Plan(100, most, 1.0, Settings(100), None)
        for ladder in Climber(ready, plan, 1, lambda *_, **__: None).climb():
            assert 2 <= len(ladder.fits) <= most


@pytest.mark.parametrize(("by", "least", "most"), [(None, 2, 1), ("framing", 4, 3), (None, 2, 2.5)])
def test_fewer_anchors_than_ends_are_refused(by, least, most):
    with pytest.raises(ValueError, match=f"max_anchors={most} must be .* at least {least}, the en"):
        fp.trust_path(models.normal_model(), models.normal_answers(), by=by, max_anchors=most)
