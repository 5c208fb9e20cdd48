"""What beliefs about quantities are worth, in closed form."""

from types import SimpleNamespace

import numpy as np
import pymc as pm
import pytest

from foundation_priors.path.believed import worth_of_beliefs


@pytest.mark.parametrize("unit", [1.0, 1e9])
def test_the_worth_does_not_hang_on_the_units_of_quantities(unit):
    """Two Gaussian quantities in units far apart: 100 (det I_s / det I_r)^(1/2)."""
    with pm.Model() as model:
        a, b = pm.Normal("a"), pm.Normal("b")
    u = np.random.default_rng(1).normal(size=(4000, 2))
    tilted = SimpleNamespace(model=model, n_real=100)
    engine = SimpleNamespace(
        tilted=tilted,
        expand=lambda u: SimpleNamespace(values={"a": u[:, 0], "b": u[:, 1]}),
    )
    heard = [
        SimpleNamespace(prior=SimpleNamespace(value=a * unit), precision=3 / unit**2),
        SimpleNamespace(prior=SimpleNamespace(value=b / unit), precision=12 * unit**2),
    ]
    weights = np.full(len(u), 1 / len(u))
    real = np.diag([4.0, 1.0])
    found = worth_of_beliefs(engine, u, weights, [heard], real)
    assert found == pytest.approx([300.0], rel=1e-6)
    blind = worth_of_beliefs(engine, u, weights, [heard], np.diag([4.0, 1e-12]))
    assert np.isnan(blind).all()
