"""Bootstrap paths in NetCDF files: the draws, and how many rows were behind them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from foundation_priors.bootstrap.result import BootstrapPath

__all__ = ["read", "write"]

FORMAT, VERSION = "foundation_priors.BootstrapPath", 1
FACTS = ("n_real", "n_synthetic", "mass")


def write(path: BootstrapPath, file: str | os.PathLike[str]) -> None:
    """Write a path; see `BootstrapPath.to_netcdf`."""
    facts = {name: getattr(path, name) for name in FACTS}
    data = path.draws.assign_attrs({**facts, "format": FORMAT, "version": VERSION})
    unfilled = {name: {"_FillValue": None} for name in data.variables}
    data.to_netcdf(Path(file), engine="h5netcdf", encoding=unfilled)


def read[T: BootstrapPath](cls: type[T], file: str | os.PathLike[str]) -> T:
    """Read a path; see `BootstrapPath.from_netcdf`."""
    place = Path(file)
    if not place.is_file():
        raise FileNotFoundError(f"There is no file {str(place)!r}: write it with to_netcdf(...).")
    try:
        with xr.open_dataset(place, engine="h5netcdf", decode_cf=False) as opened:
            data = opened.load()
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise OSError(
            f"{str(place)!r} is not a readable NetCDF file, or only a part of one: write it again "
            "with path.to_netcdf(...)."
        ) from error
    if data.attrs.get("format") != FORMAT:
        raise ValueError(
            f"{str(place)!r} does not hold a BootstrapPath: read files that path.to_netcdf(...) "
            "wrote."
        )
    if data.attrs.get("version") != VERSION:
        raise ValueError(
            f"{str(place)!r} has version {data.attrs.get('version')} of the format, and this "
            f"package reads version {VERSION}: upgrade the package."
        )
    n_real, n_synthetic, mass = (data.attrs[name] for name in FACTS)
    for name, variable in data.coords.items():
        if variable.dtype == object:
            data = data.assign_coords({name: (variable.dims, variable.values.astype(str))})
    return cls(_bare(data), int(n_real), int(n_synthetic), float(np.asarray(mass)))


def _bare(data: xr.Dataset) -> xr.Dataset:
    out = data.copy()
    out.attrs = {}
    return out
