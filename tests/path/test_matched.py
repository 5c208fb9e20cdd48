"""Many parameters: references matched by gradients, and anchors where a reference will not do."""

from dataclasses import replace

import numpy as np
import pytest

from foundation_priors.path.matched import MANY, MatchedBridge
from foundation_priors.path.reference import Reference
from tests.benchmarks.exact import logits
from tests.benchmarks.hopeless import Hopeless, by_quadrature, judge
from tests.path import models


def items(*sizes: int, **options: float) -> Hopeless:
    """Return independent logits with their moments by quadrature."""
    given = logits(*sizes, **options)
    return by_quadrature("logits", given.model, given.columns, given.grid, given.prior, given.terms)


def test_one_step_finds_a_gaussian_density_whatever_the_draws():
    rng = np.random.default_rng(1)
    size = 12
    root = rng.normal(size=(size, size))
    covariance, mean = root @ root.T + np.eye(size), rng.normal(size=size)
    start = Reference(np.full(size, 3.0), 0.2 * np.eye(size), 30.0)
    u = start.draw(3 * size, rng)
    found = start.matched(u, -np.linalg.solve(covariance, (u - mean).T).T)
    np.testing.assert_allclose(found.mean, mean, atol=1e-8)
    inflated = 1.1 * covariance * (found.df - 2) / found.df
    np.testing.assert_allclose(found.scale @ found.scale.T, inflated, rtol=1e-8)


def test_points_without_a_gradient_are_left_out():
    rng = np.random.default_rng(2)
    start = Reference(np.zeros(3), np.eye(3), 11.0)
    u = start.draw(40, rng)
    scores = 1.0 - u
    scores[:10] = np.nan
    np.testing.assert_allclose(start.matched(u, scores).mean, 1.0, atol=1e-8)
    scores[3:] = np.nan
    assert start.matched(u, scores) is None


def turned(size: int, seed: int) -> np.ndarray:
    """Return a rotation: rounding leaves no exact zeros along its axes."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_flat_direction_has_no_match(seed):
    rng = np.random.default_rng(seed)
    start = Reference(np.zeros(3), np.eye(3), 11.0)
    u, axes = start.draw(40, rng), turned(3, seed)
    assert start.matched(u, -u * np.array([1.0, 1.0, 0.0])) is None
    assert start.matched(u, -(u @ axes * np.array([1.0, 1e4, 0.0])) @ axes.T) is None


@pytest.mark.parametrize("seed", range(20))
def test_draws_on_a_plane_have_no_reference(seed):
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(200, 3)) * np.array([1.0, 1e3, 0.0]) @ turned(3, seed)
    assert Reference.fit(u, np.full(200, 1 / 200)) is None


@pytest.mark.parametrize("narrow", [1e-3, 1e-5])
def test_a_narrow_direction_is_not_a_flat_one(narrow):
    """Scores of N(0, C) with sds that differ by up to 1e5, turned."""
    sd, axes = np.array([1.0, 1.0, narrow]), turned(3, 1)
    start = Reference(np.zeros(3), np.eye(3), 11.0)
    u = start.draw(40, np.random.default_rng(1))
    found = start.matched(u, -(u @ axes / sd**2) @ axes.T)
    scale = 1.1 * (found.df - 2) / found.df
    covariance = axes.T @ (found.scale @ found.scale.T) @ axes / scale
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), sd, rtol=1e-5)


@pytest.fixture(scope="module")
def many():
    """A few more than `MANY`, from which references are matched."""
    return items(MANY + 2, 8, 20)


@pytest.fixture(scope="module")
def path(many):
    return many.case.path(1)


def test_many_parameters_agree_with_quadrature(many, path):
    found = judge(many, path)
    assert found["flagged"] == found["evidence_flagged"] == 0
    right = found["unflagged"]
    # The largest of 8,500 that share draws; the errors of log evidence are at most .1.
    assert right["z"] < 5.7 and 0.7 < right["z_rms"] < 1.3
    assert right["error_mean"] <= 0.035 and right["error_sd"] <= 0.04
    assert right["evidence"] < 0.3


def test_the_sampler_serves_the_ends_only(path):
    table = path.diagnostics()
    sampled = table.kind.values == "sampled"
    assert sampled.sum() == 3
    assert set(table.anchor_trust.values[sampled].ravel()) == {0.0, 1.0}
    assert not (table.kind == "pilot").any()
    # Matching costs gradients beside the draws.
    assert (table.gradients > table.draws).values[~sampled].sum() > 10


def test_anchors_join_where_a_reference_has_too_few_draws():
    """One real row an item under a wide prior: posteriors far from any Gaussian."""
    case = items(50, 1, 3, spread=4.0)
    path = case.case.path(1)
    ends = [fit for fit in path.posterior.fits if not fit.known and fit.trust[0] in (0, 1)]
    bridge = MatchedBridge(path.engine, ends, 400, 20, iter(np.random.SeedSequence(1).spawn(100)))
    bridge.span([np.array([t]) for t in (1.0, 0.5, 0.0)])
    # The ends have anchors already.
    assert [point.tolist() for point, _ in bridge.wanting] == [[0.5]]
    assert 1 <= bridge.wanting[0][1] <= 4
    assert len(bridge.fits) == len(ends) + 3
    found = judge(case, path)
    assert found["flagged"] == found["evidence_flagged"] == 0
    # Of some 10,000 comparisons; under the normal the largest is below 5.7 with a chance of .9999.
    assert found["unflagged"]["z"] < 5.7 and 0.7 < found["unflagged"]["z_rms"] < 1.3
    assert found["unflagged"]["evidence"] < 0.3


def test_no_reference_without_room(path):
    end = path.posterior.fits[0]
    bridge = MatchedBridge(path.engine, [end], 100, 1, iter(np.random.SeedSequence(1).spawn(9)))
    assert not bridge.add(np.array([0.5]))
    assert bridge.fits == [end] and not bridge.wanting


def test_few_coordinates_or_chains_that_disagree_are_bridged_otherwise(path):
    fit = path.posterior.fits[0]
    assert MatchedBridge.serves(path.engine, [fit])
    assert not MatchedBridge.serves(path.engine, [fit, replace(fit, r_hat=1.2)])
    assert not MatchedBridge.serves(models.normal().engine, [fit])
