"""No ladder has more anchors than it may have."""

import pytest

import foundation_priors as fp
from foundation_priors.path.climb import Climber, Plan
from foundation_priors.path.fits import Settings
from tests.path import models


@pytest.mark.parametrize(
    ("path", "limits"),
    [
        (models.regression, (2, 3, 4, 5)),
        (lambda: models.normal("framing"), (4, 5)),
        (models.two_modes, (2, 3, 6)),  # where every chain is caught in one mode
    ],
    ids=["regression", "two sources", "two modes"],
)
def test_the_most_anchors_are_never_exceeded(path, limits):
    for most in limits:
        plan = Plan(100, most, 1.0, Settings(100), None)
        for ladder in Climber(path().engine, plan, 1, lambda *_, **__: None).climb():
            assert 2 <= len(ladder.fits) <= most


@pytest.mark.parametrize(("by", "least", "most"), [(None, 2, 1), ("framing", 4, 3), (None, 2, 2.5)])
def test_fewer_anchors_than_ends_are_refused(by, least, most):
    with pytest.raises(ValueError, match=f"max_anchors={most} must be .* at least {least}, the en"):
        fp.trust_path(models.normal_model(), models.normal_answers(), by=by, max_anchors=most)
