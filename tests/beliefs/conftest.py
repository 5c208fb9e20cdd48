"""A model with every kind of quantity, and beliefs on draws from its prior."""

from collections.abc import Callable

import numpy as np
import pymc as pm
import pytest
import xarray as xr

from foundation_priors.beliefs import Belief, Beliefs
from foundation_priors.path.evaluate import on_draws
from foundation_priors.prior.beliefs import Spoken, believe
from foundation_priors.prior.forward import forward
from foundation_priors.prior.model import copy_model


@pytest.fixture(scope="session")
def zoo() -> pm.Model:
    """Return a model of normals, bounded variables, a hierarchy and predictions."""
    with pm.Model(coords={"k": ["educ", "exper"]}) as model:
        a = pm.Normal("a", 0.5, 2)
        beta = pm.Normal("beta", 1, [0.5, 2], dims="k")
        pair = pm.MvNormal("pair", [0.0, 1.0], [[1.0, 0.6], [0.6, 2.0]])
        scale = pm.HalfNormal("scale", 1)
        pm.Beta("rate", 2, 3)
        centre = pm.Normal("centre", 0, 1)
        pm.Normal("low", centre, scale)
        pm.Deterministic("chance", pm.math.invlogit(a + 2 * beta[0]))
        pm.Deterministic("both", 3 * beta)
        pm.Normal("y", a + pair.sum(), scale, observed=np.array([1.0, 2.0, 3.0]))
    return model


type Speak = Callable[..., tuple[Spoken, dict[str, np.ndarray]]]


@pytest.fixture(scope="session")
def speak(zoo: pm.Model) -> Speak:
    """Return a function: beliefs to what they say, with values at 50 draws from the prior."""
    names = [rv.name for rv in zoo.free_RVs]
    draws = forward(zoo, [zoo[n] for n in names], 50, seed=3)
    data = {
        n: (("sample", *(f"{n}_{i}" for i in range(v.ndim - 1))), v)
        for n, v in zip(names, draws, strict=True)
    }

    def run(*beliefs: Belief, by: str | None = None) -> tuple[Spoken, dict[str, np.ndarray]]:
        copy = copy_model(zoo)
        spoken = believe(copy, Beliefs(beliefs), by, ())
        heard = [h for some in spoken.heard for h in some]
        graphs = [*spoken.terms, *(h.prior.value for h in heard), *(h.prior.logp for h in heard)]
        found = on_draws(copy, graphs, xr.Dataset(data))
        terms, n = len(spoken.terms), len(heard)
        return spoken, {
            "terms": np.array(found[:terms]),
            "q": np.array(found[terms : terms + n]),
            "logp": np.array(found[terms + n :]),
        }

    return run
