import numpy as np
import pytest
from scipy.integrate import quad

from foundation_priors.conjugate import BetaBinomial, NormalMean, arc_grid


def test_gaps_are_even_in_arc():
    def sd(trust):
        return 3 / np.sqrt(1e-4 + trust)

    grid = arc_grid(sd, n=11)
    arcs = [quad(sd, a, b)[0] for a, b in zip(grid[:-1], grid[1:], strict=True)]
    np.testing.assert_allclose(arcs, np.mean(arcs), rtol=2e-3)
    assert grid[0] == 0 and grid[-1] == 1


def test_one_is_among_the_weights_of_an_over_trusted_path():
    for max_trust in (1.001, 2.5, 100.0):
        grid = arc_grid(lambda trust: 1 / (1 + trust), max_trust, 101)
        assert 1.0 in grid and grid[-1] == max_trust
        assert np.all(np.diff(grid) > 0)


def test_without_information_the_grid_is_even():
    np.testing.assert_allclose(arc_grid(np.zeros_like, 2.0, 5), [0, 0.5, 1, 1.5, 2])


def test_a_diffuse_prior_crowds_the_grid_near_zero():
    path = NormalMean(prior_mean=0, prior_sd=1e4, sigma=1, synthetic=(100, 0.0, 100.0))
    assert np.mean(path.trust < 0.01) > 0.4
    near = BetaBinomial(real=(4, 5), synthetic=(5, 10)).trust
    assert len(near) == 101 and near[0] == 0 and near[-1] == 1


@pytest.mark.parametrize(("max_trust", "n"), [(0, 11), (-1, 11), (np.inf, 11), (1, 1), (2, 2)])
def test_refused(max_trust, n):
    with pytest.raises(ValueError):
        arc_grid(np.ones_like, max_trust, n)


def test_infinite_variance_is_refused():
    with pytest.raises(ValueError, match="infinite variance"):
        arc_grid(lambda trust: np.full_like(trust, np.inf))
