"""The law of the weights, against the Dirichlet law that it must be."""

import numpy as np
import pytest
from scipy import stats

from foundation_priors.bootstrap.process import (
    COARSEST,
    FINEST,
    NODES,
    increments,
    real_weights,
    smallest_jump,
    solve,
    weights_of_draw,
)

DRAWS = 4000
GRID = np.array([0.0, 0.3, 2.0, 15.0, 40.0])
BASE = np.array([0.5, 0.2, 0.2, 0.1, 0.0])


@pytest.fixture(scope="module", params=[FINEST, COARSEST])
def answers(request: pytest.FixtureRequest) -> np.ndarray:
    """Return the answers' weights, shape (concentration, draw, answer)."""
    rng = np.random.default_rng(11)
    steps = increments(rng, GRID, DRAWS, BASE, request.param)
    return np.cumsum([sum(p.toarray() for p in parts) for parts in steps], axis=0)


def test_the_total_is_gamma_at_every_concentration(answers: np.ndarray) -> None:
    assert not answers[0].any()
    for weights, a in zip(answers[1:], GRID[1:], strict=True):
        assert stats.kstest(weights.sum(axis=1), stats.gamma(a).cdf).pvalue > 0.001


def test_each_answer_has_its_gamma_weight(answers: np.ndarray) -> None:
    for k, j in ((2, 0), (3, 0), (3, 1), (4, 2), (4, 3)):
        expected = stats.gamma(GRID[k] * BASE[j])
        assert stats.kstest(answers[k, :, j], expected.cdf).pvalue > 0.001
    assert not answers[:, :, 4].any()


def test_answers_are_independent_and_increments_too(answers: np.ndarray) -> None:
    gains = np.diff(answers, axis=0)
    together = np.concatenate([gains[0, :, :4], gains[2, :, :4], gains[3, :, :4]], axis=1)
    off = np.corrcoef(together.T)[np.triu_indices(12, 1)]
    # Correlations of independent columns have the standard deviation 1 / sqrt(draws).
    assert np.abs(off).max() < 4.5 / np.sqrt(DRAWS)


def test_the_two_smallest_sizes_keep_the_cumulants() -> None:
    nodes = COARSEST * NODES
    rates = COARSEST / (2 * nodes) * np.exp(-nodes)
    for power in (1, 2, 3, 4):
        # The integral of x^(power - 1) exp(-x) below the smallest jump.
        exact = stats.gamma(power).cdf(COARSEST) * np.prod(np.arange(1, power))
        assert (rates * nodes**power).sum() == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("base", [np.full(5, 0.2), BASE], ids=["equal", "weighted"])
def test_the_weights_of_one_draw_are_dirichlet(base: np.ndarray) -> None:
    seeds = np.random.SeedSequence(5).spawn(DRAWS)
    weights = np.stack([weights_of_draw(s, GRID, 7, base) for s in seeds])
    np.testing.assert_allclose(weights.sum(axis=2), np.tile(7 + GRID, (DRAWS, 1)))
    for k, a in enumerate(GRID):
        share = weights[:, k] / (7 + a)
        real = stats.beta(1, 6 + a)
        assert stats.kstest(share[:, 0], real.cdf).pvalue > 0.001
        if a >= 2:
            first = stats.beta(a * base[0], 7 + a - a * base[0])
            assert stats.kstest(share[:, 7], first.cdf).pvalue > 0.001
    assert not weights[:, 0, 7:].any()


def test_real_weights_come_in_blocks_of_draws() -> None:
    blocks = list(real_weights(np.random.default_rng(0), 300, 10_000))
    assert [b.shape[0] for b in blocks] == [100, 100, 100]
    assert np.concatenate(blocks).mean() == pytest.approx(1, abs=5 / np.sqrt(3e6))


def test_jumps_are_as_fine_as_the_budget_allows() -> None:
    assert smallest_jump(1.0, 3000.0) == FINEST
    assert smallest_jump(1e5, 3000.0) == COARSEST
    assert FINEST < smallest_jump(200.0, 3000.0) < COARSEST


def test_many_small_systems_are_solved_at_once(rng: np.random.Generator) -> None:
    factors = rng.normal(size=(50, 4, 6))
    matrices, right = factors @ factors.transpose(0, 2, 1), rng.normal(size=(50, 4, 1))
    both = np.concatenate([matrices, right], axis=2)
    packed = np.concatenate([both[:, i, i:] for i in range(4)], axis=1).T.copy()
    expected = np.linalg.solve(matrices, right)[..., 0].T
    np.testing.assert_allclose(solve(packed, 4), expected, rtol=1e-8)


def test_a_system_that_is_not_positive_definite_gives_nan() -> None:
    systems = np.array([[0.0, 2.0, -1.0], [1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(solve(systems, 1), [[np.nan, 0.5, np.nan]])
