"""A bootstrap path as the pictures of a trust path want it, in units of trust."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from foundation_priors.bootstrap.statistics import OVER

if TYPE_CHECKING:
    from foundation_priors.bootstrap.result import BootstrapPath, Quantity

__all__ = ["AsTrust"]


class AsTrust:
    """Trust is the concentration over the answers' effective rows."""

    def __init__(self, path: BootstrapPath) -> None:
        self.path = path
        self.trust = path.concentration / path.mass
        self.draws = path.draws.isel({OVER: 0}, drop=True)
        self.facts = SimpleNamespace(coordinates=dict.fromkeys(map(str, path.draws.data_vars)))

    def mean(self, quantity: Quantity, trust: Any = None) -> xr.DataArray:
        """Return the posterior mean over trust."""
        return self._over_trust(self.path.mean(quantity, self._at(trust)))

    def quantile(self, quantity: Quantity, q: Any, trust: Any = None) -> xr.DataArray:
        """Return posterior quantiles over trust."""
        return self._over_trust(self.path.quantile(quantity, q, self._at(trust)))

    def effective_observations(self, trust: Any = None) -> xr.DataArray:
        """Return the concentrations over trust."""
        at = self._at(trust)
        return xr.DataArray(at, {"trust": at / self.path.mass}, ("trust",))

    def _at(self, trust: Any) -> np.ndarray:
        return (self.trust if trust is None else np.asarray(trust, dtype=float)) * self.path.mass

    def _over_trust(self, result: xr.DataArray) -> xr.DataArray:
        return result.rename({OVER: "trust"}).assign_coords(
            trust=result[OVER].values / self.path.mass
        )
