"""Random trust with the exact normaliser."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from foundation_priors.conjugate import BetaBinomial, NormalMean


@pytest.mark.parametrize(
    ("synthetic", "real", "trust", "sd", "theta"),
    [
        ((20, 100), (20, 100), 0.573149, 0.268337, 0.203884),
        ((200, 1000), (200, 1000), 0.576594, 0.266421, None),
        ((10, 100), (200, 1000), 0.358712, 0.245914, 0.197176),
    ],
)
def test_normalised_power_prior(synthetic, real, trust, sd, theta):
    """Figures of the R package npowerPrioR (Carvalho and Ibrahim 2021)."""
    average = BetaBinomial(real=real, synthetic=synthetic).average("uniform")
    assert average["trust"].sel(statistic="mean").item() == pytest.approx(trust, abs=5.1e-7)
    assert average["trust"].sel(statistic="sd").item() == pytest.approx(sd, abs=5.1e-7)
    if theta is not None:
        assert average["theta"].sel(statistic="mean").item() == pytest.approx(theta, abs=5.1e-7)


@pytest.mark.parametrize("prior", [(1, 1), (0.5, 0.5), (2, 5), (0.2, 3)])
@pytest.mark.parametrize("max_trust", [1.0, 4.0])
def test_against_adaptive_quadrature(prior, max_trust):
    path = BetaBinomial(real=(4, 5), synthetic=(5, 10), max_trust=max_trust)
    law = stats.beta(*prior)

    # The quantile scale removes the singularities of the Beta density.
    def moment(power):
        return quad(
            lambda u: (
                path.evidence(trust=max_trust * law.ppf(u)).item()
                * (max_trust * law.ppf(u)) ** power
            ),
            0,
            1,
            epsabs=0,
            epsrel=1e-10,
            limit=200,
        )[0]

    total, first, second = (moment(power) for power in range(3))
    average = path.average(prior)["trust"].values
    assert average[0] == pytest.approx(first / total, rel=1e-8)
    assert average[1] == pytest.approx(np.sqrt(second / total - (first / total) ** 2), rel=1e-8)


def test_mass_piled_up_at_zero():
    # Log evidence falls by 2e5 per unit of trust, so the trust is exponential to good accuracy.
    path = NormalMean(
        prior_mean=0, prior_sd=1e3, sigma=1, real=(10, 0.0, 9.0), synthetic=(1e6, 50.0, 1e6)
    )
    curve = path.log_evidence(trust=np.geomspace(1e-12, 1, 200))
    average = path.average()
    assert 0 < average["trust"].values[0] < 1e-3
    grid = np.geomspace(1e-14, 1, 200_001)
    density = np.exp(path.log_evidence(trust=grid) - curve.max()).values * grid
    log_grid = np.log(grid)
    expected = np.trapezoid(density * grid, log_grid) / np.trapezoid(density, log_grid)
    assert average["trust"].values[0] == pytest.approx(expected, rel=1e-6)


def test_total_variance_of_a_parameter():
    path = BetaBinomial(real=(20, 100), synthetic=(60, 100))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    trust = (nodes + 1) / 2
    density = weights * path.evidence(trust=trust).values
    density /= density.sum()
    mean, sd = path.mean(trust=trust).values, path.sd(trust=trust).values
    centre = density @ mean
    spread = np.sqrt(density @ (sd**2 + (mean - centre) ** 2))
    np.testing.assert_allclose(path.average()["theta"], [centre, spread], rtol=1e-8)


@pytest.mark.parametrize("prior", ["cautious", (0, 1), (1, -2)])
def test_improper_or_unknown_rules(prior):
    with pytest.raises(ValueError, match=r"uniform|improper"):
        BetaBinomial(real=(1, 2), synthetic=(1, 2)).average(prior)
