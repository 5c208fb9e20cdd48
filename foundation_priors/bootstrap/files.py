"""Bootstrap paths in NetCDF files: the draws, and how many rows were behind them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.netcdf import MOST, Kind, amount, need, numbers, save, whole

if TYPE_CHECKING:
    from foundation_priors.bootstrap.result import BootstrapPath

__all__ = ["read", "write"]

FORMAT, VERSION = "foundation_priors.BootstrapPath", 1
KIND = Kind("BootstrapPath", "path.to_netcdf(...)")
FACTS = ("n_real", "n_synthetic", "mass")


def write(path: BootstrapPath, file: str | os.PathLike[str]) -> None:
    """Write a path; see `BootstrapPath.to_netcdf`."""
    facts = {name: getattr(path, name) for name in FACTS}
    data = path.draws.assign_attrs({**facts, "format": FORMAT, "version": VERSION})
    save({"": data}, file)


def read[T: BootstrapPath](cls: type[T], file: str | os.PathLike[str], max_bytes: int) -> T:
    """Read a path; see `BootstrapPath.from_netcdf`."""
    with KIND.reading(file, max_bytes) as groups:
        attrs = groups[""].attrs
        if attrs.get("format") != FORMAT:
            raise KIND.foreign(file, groups)
        draws = KIND.upgraded(file, attrs.get("version"), VERSION, groups)[""].assign_attrs()
        draws.attrs = {}
        at = numbers(draws, "concentration", ("concentration",), 0.0)
        need(len(at) and (np.diff(at) > 0).all(), "its concentrations do not rise")
        need(draws.sizes.get("sample", 0) > 1 and draws.data_vars, "it holds no draws")
        for name, variable in draws.data_vars.items():
            dims = variable.dims
            need(dims[:2] == ("concentration", "sample"), f"{name!r} has the dimensions {dims}")
            numbers(draws, str(name), dims, -np.inf, np.inf, kinds="biuf")
        for name, coord in draws.coords.items():
            if coord.dtype == object:
                draws = draws.assign_coords({name: (coord.dims, coord.values.astype(str))})
        n_real, n_synthetic = (whole(attrs[n], n) for n in FACTS[:2])
        return cls(draws, n_real, n_synthetic, amount(attrs["mass"], "mass", 0.0, MOST))
