"""The multistate mixture against families in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation_priors.path.mixture import Anchor, Mixture, pareto_k_limit
from tests.path.gaussian import Family, anchor

PARABOLA = Family([6.0], [8.0])
LINE = Family([2.5], [0.0])
TWO = Family([6.0, -2.0], [8.0, 3.0], [-5.0, 40.0])
POINTS = np.array([[0.0], [0.05], [0.3], [1.0]])
EVEN = np.array([[0.0], [0.4], [0.7], [1.0]])
BETWEEN = np.array([[0.01], [0.02], [0.1], [0.15], [0.5], [0.8], [1.0]])


@pytest.mark.parametrize(("family", "points"), [(PARABOLA, POINTS), (LINE, EVEN)])
def test_moments_and_normalisers_match_the_closed_form(family, points):
    mixture, x = family.mixture(points, (4, 1000), seed=3)
    estimate = mixture.estimate(BETWEEN, x[:, None])
    log_z = mixture.log_z(BETWEEN) - mixture.log_z(points[:1])
    error = mixture.log_z_error(BETWEEN, points[0])
    assert (np.abs(log_z - family.log_z(BETWEEN)) < 4 * error).all()
    assert (np.abs(estimate.mean[:, 0] - family.mean(BETWEEN)) < 4 * estimate.mcse_mean[:, 0]).all()
    assert (np.abs(estimate.sd[:, 0] - family.sd(BETWEEN)) < 4 * estimate.mcse_sd[:, 0]).all()
    assert (error < 0.05).all()
    assert (estimate.mcse_mean[:, 0] < 0.05 * family.sd(BETWEEN)).all()


def test_several_sources_share_one_joint_normaliser():
    points = np.array([[0, 0], [0.1, 0], [1, 0], [0, 1], [0.1, 1], [1, 1]], float)
    mixture, x = TWO.mixture(points, (4, 1000), seed=5)
    inside = np.array([[0.5, 0.5], [1, 0.3], [0.03, 0.9], [1, 1]])
    estimate = mixture.estimate(inside, x[:, None])
    log_z = mixture.log_z(inside) - mixture.log_z(points[:1])
    error = mixture.log_z_error(inside, points[0])
    assert (np.abs(log_z - TWO.log_z(inside)) < 4 * error).all()
    assert (error < 0.1).all()
    assert (np.abs(estimate.mean[:, 0] - TWO.mean(inside)) < 4 * estimate.mcse_mean[:, 0]).all()


def z_scores(rho, shape, repeats):
    """Return z-scores of log z, the mean and the sd of x, shape (repeat, point, 3)."""
    at = np.array([[0.02], [0.15], [0.5], [1.0]])
    truth = np.stack([PARABOLA.log_z(at), PARABOLA.mean(at), PARABOLA.sd(at)], axis=-1)
    out = []
    for seed in range(repeats):
        mixture, x = PARABOLA.mixture(POINTS, shape, seed, rho)
        e = mixture.estimate(at, x[:, None])
        log_z = mixture.log_z(at) - mixture.log_z(POINTS[:1])
        value = np.stack([log_z, e.mean[:, 0], e.sd[:, 0]], axis=-1)
        errors = mixture.log_z_error(at, POINTS[0]), e.mcse_mean[:, 0], e.mcse_sd[:, 0]
        out.append((value - truth) / np.stack(errors, axis=-1))
    return np.array(out)


def test_errors_are_calibrated_for_independent_draws():
    z = z_scores(0.0, (4, 200), 200)
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(200)
    assert 0.8 < z.std(axis=0).min() and z.std(axis=0).max() < 1.25


def test_errors_are_calibrated_for_autocorrelated_draws():
    z = z_scores((0.0, 0.6, 0.9, 0.3), (4, 400), 200)
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(200) + 0.15
    assert 0.8 < z.std(axis=0).min() and z.std(axis=0).max() < 1.25


def test_autocorrelation_counts_in_both_sums():
    """Correcting the N_j in the denominators alone would count slow chains too much."""
    rho, seeds = (0.0, 0.95), range(60)
    ends = POINTS[[0, 3]]
    gap = [PARABOLA.mixture(ends, (4, 250), s, rho)[0].log_z(ends) @ [-1.0, 1.0] for s in seeds]
    truth = PARABOLA.log_z(ends[1:])[0]
    assert abs(np.mean(gap) - truth) < 4 * np.std(gap) / np.sqrt(len(gap)) + 0.02


def test_impossible_and_undefined_answers_have_no_weight_above_zero(rng):
    """The answers exclude x < 0: log Z(L) = L^2/2 + log Phi(L), and 0 at L = 0."""
    from scipy.stats import norm

    def said(x):
        return np.where(
            x[..., None] > 0, x[..., None], np.where(x[..., None] > -1, -np.inf, np.nan)
        )

    base = rng.normal(size=(4, 500))
    upper = norm.ppf(norm.cdf(-1) + rng.random((4, 500)) * norm.cdf(1)) + 1
    mixture = Mixture([anchor([0.0], said(base)), anchor([1.0], said(upper))])
    x = np.concatenate([base.ravel(), upper.ravel()])
    points = np.array([[0.0], [1e-6], [0.3], [1.0]])
    log_z = mixture.log_z(points) - mixture.log_z(points[:1])
    truth = np.append(0.0, points[1:, 0] ** 2 / 2 + norm.logcdf(points[1:, 0]))
    assert (np.abs(log_z - truth)[1:] < 4 * mixture.log_z_error(points, points[0])[1:]).all()
    assert mixture.weights(points)[1:][:, x < 0].max() == 0
    estimate = mixture.estimate(points[:1], x[:, None])
    assert abs(estimate.mean[0, 0]) < 4 * estimate.mcse_mean[0, 0]
    assert np.isfinite(mixture.pareto_k(points[2:])).all() or (mixture.pareto_k(points) < 0.7).all()
    assert np.isfinite(mixture.fisher(points[1:])).all()


def test_an_anchor_whose_draws_say_nothing_finite_is_no_crash(rng):
    """Every draw at 0 is impossible for the answers: nothing links the anchors."""
    none = np.full((4, 100, 1), -np.inf)
    other = PARABOLA.ell(rng.normal(size=(4, 100)))
    mixture = Mixture([anchor([0.0], none), anchor([1.0], other)])
    assert mixture.log_z_error(np.array([[1.0]]), np.zeros(1))[0] == np.inf


def test_the_error_across_a_gap_without_overlap_is_infinite():
    points = np.array([[0.0], [0.02], [0.98], [1.0]])
    mixture, _ = Family([60.0], [0.0]).mixture(points, (4, 100))
    assert mixture.log_z_error(points, points[0])[1] < 0.2
    assert (mixture.log_z_error(points, points[0])[2:] == np.inf).all()
    assert mixture.log_z_error(points, points[3])[2] < 0.2


def test_bounded_weights_have_no_tail():
    mixture, _ = PARABOLA.mixture(POINTS)
    assert (mixture.pareto_k(POINTS) == -np.inf).all()
    one = Mixture([anchor([0.0], np.zeros((2, 50, 1)))])
    assert one.pareto_k(np.array([[0.0], [1.0]])).tolist() == [-np.inf, -np.inf]


def test_weights_far_beyond_the_draws_have_a_heavy_tail():
    mixture, _ = Family([8.0], [0.0]).mixture(np.zeros((1, 1)), (4, 500))
    size = mixture.effective.sum()
    assert mixture.pareto_k(np.ones((1, 1)))[0] > pareto_k_limit(size)
    assert mixture.ess(np.ones((1, 1)))[0] < 20


def test_the_limit_of_k_hat():
    assert pareto_k_limit(1) == 0.0
    assert pareto_k_limit(1000) == pytest.approx(2 / 3)


def test_one_anchor_alone_weighs_its_draws_equally():
    mixture, _ = PARABOLA.mixture(POINTS[:1], (2, 50))
    np.testing.assert_allclose(mixture.weights(POINTS[:1]), 0.01)
    assert mixture.ess(POINTS[:1])[0] == pytest.approx(100)
    assert mixture.log_z_error(POINTS[:1], POINTS[0])[0] == 0


def test_two_anchors_at_one_weight_are_one_with_all_their_draws():
    twice = PARABOLA.mixture(POINTS[[0, 2, 2, 3]], seed=1)[0]
    inner = Anchor(
        POINTS[2], np.concatenate([twice.anchors[1].ell, twice.anchors[2].ell]), 2000, 2000
    )
    once = Mixture([twice.anchors[0], inner, twice.anchors[3]])
    np.testing.assert_allclose(twice.log_z(BETWEEN), once.log_z(BETWEEN), atol=1e-6)
    np.testing.assert_allclose(twice.ess(BETWEEN), once.ess(BETWEEN), rtol=1e-6)


@settings(deadline=None, max_examples=25)
@given(
    shift=st.floats(-1e5, 1e5),
    order=st.permutations(range(4)),
    seed=st.integers(0, 1000),
    point=st.floats(0, 1),
)
def test_constants_and_the_order_of_anchors_change_nothing(shift, order, seed, point):
    plain, _ = PARABOLA.mixture(POINTS, (2, 60), seed)
    moved = Mixture(
        [
            Anchor(a.trust, a.ell + shift, a.ess, a.ess_min)
            for a in (plain.anchors[i] for i in order)
        ]
    )
    at = np.array([[0.0], [point]])
    change = [m.log_z(at) @ [-1.0, 1.0] for m in (plain, moved)]
    assert change[1] - change[0] == pytest.approx(shift * point, abs=1e-6 + 1e-10 * abs(shift))
    errors = [m.log_z_error(at, at[0])[1] for m in (plain, moved)]
    assert errors[1] == pytest.approx(errors[0], rel=1e-4, abs=1e-9)
    np.testing.assert_allclose(moved.ess(at), plain.ess(at), rtol=1e-5)


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1e-3, 1e3), centre=st.floats(-1e6, 1e6))
def test_estimates_follow_linear_changes_of_the_quantity(scale, centre):
    mixture, x = PARABOLA.mixture(POINTS, (2, 60))
    a = mixture.estimate(BETWEEN, x[:, None])
    b = mixture.estimate(BETWEEN, scale * x[:, None] + centre)
    near = {"rtol": 1e-6, "atol": 1e-9 * (abs(centre) + scale)}
    np.testing.assert_allclose(b.mean, scale * a.mean + centre, **near)
    np.testing.assert_allclose(b.sd, scale * a.sd, **near)
    np.testing.assert_allclose(b.mcse_mean, scale * a.mcse_mean, **near)


def test_chunks_change_nothing(monkeypatch):
    mixture, x = PARABOLA.mixture(POINTS)
    h = np.stack([x, x**2], axis=1)
    whole = mixture.estimate(BETWEEN, h), mixture.log_z(BETWEEN), mixture.ess(BETWEEN)
    monkeypatch.setattr("foundation_priors.path.mixture.CHUNK", 5000)
    parts = mixture.estimate(BETWEEN, h), mixture.log_z(BETWEEN), mixture.ess(BETWEEN)
    np.testing.assert_allclose(parts[0].mcse_sd, whole[0].mcse_sd)
    np.testing.assert_allclose(parts[1], whole[1])
    np.testing.assert_allclose(parts[2], whole[2])


def test_the_fisher_information_is_the_second_derivative_of_log_z():
    mixture, _ = TWO.mixture(np.array([[0, 0], [0.1, 0.1], [1, 1.0]]), (4, 1000), 2)
    at, step = np.array([0.3, 0.4]), 1e-4
    for i, j in ((0, 0), (0, 1), (1, 1)):
        moves = [
            a * step * np.eye(2)[i] + b * step * np.eye(2)[j] for a in (1, -1) for b in (1, -1)
        ]
        log_z = mixture.log_z(at + np.array(moves))
        second = log_z @ [1, -1, -1, 1] / (4 * step**2)
        assert mixture.fisher(at[None])[0, i, j] == pytest.approx(second, rel=1e-3)


def test_a_constant_quantity_has_no_error():
    mixture, x = PARABOLA.mixture(POINTS)
    estimate = mixture.estimate(BETWEEN, np.full((len(x), 1), 7.0))
    assert (estimate.mean == 7).all() and (estimate.sd == 0).all()
    assert (estimate.mcse_mean == 0).all() and (estimate.mcse_sd == 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e300])
def test_quantities_of_draws_without_weight_may_be_anything(value):
    mixture, x = PARABOLA.mixture(POINTS)
    mixture.anchors[0].ell[0, :7] = -np.inf
    mixture = Mixture(mixture.anchors)
    h = np.stack([x, x], axis=1)
    h[:7, 1] = value
    found = mixture.estimate(BETWEEN, h)
    np.testing.assert_allclose(found.mean[:, 0], found.mean[:, 1])
    np.testing.assert_allclose(found.mcse_sd[:, 0], found.mcse_sd[:, 1])
    expected = mixture.expect(BETWEEN, h)
    np.testing.assert_allclose(expected[:, 0], expected[:, 1])
