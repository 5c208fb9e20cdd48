"""How a column's levels are numbered."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import foundation_priors as fp
from foundation_priors.prior.tilt import build
from tests.prior.common import loglik, observed_logp, points


def regions(place, y) -> pm.Model:
    with pm.Model(coords={"region": ["west", "east"]}) as model:
        level = pm.Normal("level", dims="region")
        pm.Normal("y", level[pm.Data("place", place)], 1, observed=y)
    return model


@pytest.mark.parametrize("spec", ["region", fp.codes("region"), fp.codes("region", dim="region")])
def test_levels_are_inferred_from_the_dimension_that_data_index(spec):
    names = np.array(["east", "west", "east"], object)
    frame = pd.DataFrame({"region": names, "y": [0.5, 0.4, -1.0]})
    levels = {"region": ["east", "west"]}  # The model's order is what counts.
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", levels=levels, weight=1)
    tilted = build(regions([0, 1], [0.1, 0.2]), llm, columns={"place": spec}).model
    reference = regions([1, 0, 1], frame.y.to_numpy())
    for point in points(tilted):
        np.testing.assert_allclose(loglik(tilted, point), observed_logp(reference, point))


def test_a_level_that_stands_twice_has_no_number():
    frame = pd.DataFrame({"region": ["east", "west"], "y": [0.5, 0.4]})
    llm = fp.SyntheticData.from_dataframe(frame, outcome="y", weight=1)
    columns = {"place": fp.codes("region", levels=["west", "east", "west"])}
    with pytest.raises(fp.ColumnError, match="'west'.*more than once"):
        build(regions([0, 1], [0.1, 0.2]), llm, columns=columns)
