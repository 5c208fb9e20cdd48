"""What a benchmark is about: a model, answers, and how the path is to be built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

import foundation_priors as fp

__all__ = ["Case", "anes", "men", "standardiser"]

type Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """A model of real rows, answers, and the options of `foundation_priors.trust_path`."""

    title: str
    model: pm.Model
    synthetic: fp.SyntheticData
    options: Mapping[str, Any] = field(default_factory=dict)

    def path(self, seed: int, **options: Any) -> fp.TrustPath:
        """Build the path."""
        given = {**self.options, **options}
        return fp.trust_path(
            self.model, self.synthetic, random_seed=seed, progressbar=False, **given
        )

    def tilted(self, trust: float) -> pm.Model:
        """Return the model at one trust, to be sampled without the engine."""
        known = {k: v for k, v in self.options.items() if k in ("columns", "private", "by")}
        if "by" in known:
            trust = dict.fromkeys(self.synthetic.groups(known["by"]), trust)
        return fp.tilt(self.model, self.synthetic, trust, **known)


def anes(rows: int | None = None, seed: int = 1) -> pd.DataFrame:
    """Draw respondents whom no prompt describes; all 884 of them by default."""
    real = fp.datasets.load("anes96").real.to_dataframe()
    unseen = real[~real.in_prompt]
    return unseen if rows is None else unseen.sample(rows, random_state=seed)


def men(rows: int, seed: int = 1) -> pd.DataFrame:
    """Draw men whom no prompt describes."""
    real = fp.datasets.load("wages").real.to_dataframe()
    return real[~real.in_prompt].sample(rows, random_state=seed)


def standardiser(
    frame: pd.DataFrame, names: Sequence[str]
) -> Callable[[pd.DataFrame | xr.Dataset], Array]:
    """Return a function from a table to a matrix standardised by the real rows' mean and sd."""
    centre, scale = frame[list(names)].mean(), frame[list(names)].std()

    def standardise(table: pd.DataFrame | xr.Dataset) -> Array:
        return np.column_stack([(table[n].to_numpy() - centre[n]) / scale[n] for n in names])

    return standardise
