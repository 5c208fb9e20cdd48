"""Telling whether a model has the data that a path was built with, from three numbers of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.errors import ModelError
from foundation_priors.prior.model import data_value

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["Sums", "check_data", "sums_of"]

type Sums = tuple[float, float, float]

GOLDEN = (5**0.5 - 1) / 2
SAME = 1e-9
"""Relative to the sum of absolute values: what other processors make of the same data."""


def sums_of(model: pm.Model) -> dict[str, Sums]:
    """Return size, weighted sum and sum of absolute values of each outcome and data container.

    The weights differ between any two places, so that another order gives another sum.
    """
    names = [str(v.name) for v in [*model.observed_RVs, *model.data_vars]]
    values = {name: data_value(model, name) for name in names}
    return {name: _sums(array) for name, array in values.items() if array.dtype.kind in "biuf"}


def _sums(array: np.ndarray) -> Sums:
    flat = np.where(np.isfinite(array), array, 0).astype(float).ravel()
    weights = 1 + np.arange(1, flat.size + 1) * GOLDEN % 1
    return float(flat.size), float(flat @ weights), float(np.abs(flat).sum())


def check_data(model: pm.Model, stored: Mapping[str, Sums]) -> None:
    """Raise where a model's data are not those of a path.

    Raises
    ------
    ModelError
        Naming the first that differ.
    """
    for name, (size, total, scale) in sums_of(model).items():
        if name not in stored:
            continue
        its_size, its_total, its_scale = stored[name]
        if size != its_size or abs(total - its_total) > SAME * (scale + its_scale):
            raise ModelError(
                f"The model's {name!r} does not hold the data that the path was built with"
                f"{f' ({size:g} values for {its_size:g})' if size != its_size else ''}: give the "
                "model with those data."
            )
