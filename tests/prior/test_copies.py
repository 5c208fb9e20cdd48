"""More answers are not more knowledge: copies change nothing under the default weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foundation_priors as fp
from foundation_priors.prior.model import numpy_mode
from foundation_priors.prior.tilt import build

SLOPES = np.linspace(-2, 2, 5)


def _model() -> pm.Model:
    x = np.linspace(-1, 1, 12)
    with pm.Model() as model:
        slope = pm.Normal("slope", 0, 2)
        pm.Normal("y", slope * pm.Data("x", x), 1.0, observed=np.sin(3 * x))
    return model


def _said(frame: pd.DataFrame) -> tuple[np.ndarray, float]:
    """Return the synthetic log-likelihood at some slopes, and the effective rows."""
    llm = fp.SyntheticData.from_dataframe(
        frame, outcome="y", unit="profile", cluster=["conversation"]
    )
    tilted = build(_model(), llm)
    graph = tilted.model.replace_rvs_by_values([tilted.model["fp_loglik"]])[0]
    loglik = tilted.model.compile_fn(graph, mode=numpy_mode())
    return np.array([loglik({"slope": s}) for s in SLOPES]), tilted.effective_rows[0]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), profiles=st.integers(2, 6), spread=st.floats(0.01, 3))
@pytest.mark.parametrize("fresh_draws", [False, True])
def test_ten_copies_say_what_one_says(
    fresh_draws: bool, seed: int, profiles: int, spread: float
) -> None:
    rng = np.random.default_rng(seed)
    size = rng.integers(profiles + 1, 5 * profiles)
    profile = np.concatenate([np.arange(profiles), rng.integers(0, profiles, size - profiles)])
    frame = pd.DataFrame({"profile": profile, "x": np.linspace(-1, 1, profiles)[profile]})
    frame["y"] = frame.x + spread * rng.normal(size=size)
    frame["conversation"] = rng.integers(0, 3, size)
    frame["draw"] = np.arange(size)
    copies = pd.concat([frame] * 10, ignore_index=True)
    if fresh_draws:
        copies["draw"] = np.arange(len(copies))
    (once, rows), (ten_times, ten_rows) = _said(frame), _said(copies)
    np.testing.assert_allclose(ten_times, once, rtol=1e-9)
    assert ten_rows == pytest.approx(rows, rel=1e-9)
