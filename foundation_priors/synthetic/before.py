"""The default weights of earlier versions, for files that were written with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.synthetic import clusters, weights
from foundation_priors.synthetic.build import row_mass
from foundation_priors.synthetic.clusters import INDEPENDENT, UNTOLD, Effect

if TYPE_CHECKING:
    import xarray as xr

    from foundation_priors.synthetic.build import Schema

__all__ = ["effect_of_version_0_1"]


def effect_of_version_0_1(data: xr.Dataset, schema: Schema, outcomes: tuple[str, ...]) -> Effect:
    """Return the design effect as version 0.1 had it.

    It was the largest of the analyses of variance over clusterings, or how often the rows, taken
    without ``draw``, were whole copies of fewer rows: the greatest common divisor of how often
    each distinct row occurs.
    """
    same = clusters._codes_of(data, [str(n) for n in data.variables if n != "draw"])
    copies = int(np.gcd.reduce(np.unique(same, return_counts=True)[1]))
    scores = [s for name in outcomes for s in clusters._scores(data, schema, name)]
    found = clusters.clusterings(data, schema)
    mass = row_mass(data, schema)
    if schema.probability is not None:
        parts = {*schema.outcomes, schema.probability}
        same = clusters._codes_of(data, [str(n) for n in data.variables if n not in parts])
        first = np.unique(same, return_index=True)[1]
        total = np.bincount(same, mass)
        scores = [clusters._expected(score, same, mass, total) for score in scores]
        found = {name: groups[first] for name, groups in found.items()}
        mass = total
    distinct = len(np.unique(same))
    told = any(1 < groups.max() + 1 < distinct for groups in found.values())
    largest, name = float(copies), "exact copies" if copies > 1 else INDEPENDENT
    for label, groups in found.items():
        sizes = [weights.design_effect(score, groups, mass) for score in scores]
        size = max(sizes, default=np.nan)
        if size > largest * (1 + 1e-9):
            largest, name = size, label
    return Effect(largest, name if told else UNTOLD)
