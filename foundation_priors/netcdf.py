"""What the files of all kinds share: how they are opened, their versions, facts and errors.

A kind of file has a number of its format, which goes up when what is stored changes. Readers take
every earlier number, by changing what they read one number at a time, and refuse later ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from foundation_priors.display import visible
from foundation_priors.errors import FileError
from foundation_priors.hdf5 import MAX_BYTES, SIGNATURE, Damaged, byte_limit, read
from foundation_priors.ordinary import regular

__all__ = [
    "MAX_BYTES",
    "Damaged",
    "Kind",
    "Stored",
    "amount",
    "is_whole",
    "names",
    "need",
    "numbers",
    "parse",
    "table",
    "whole",
    "save",
]

MOST = float(np.finfo(float).max)
ANSWERS = "foundation_priors_synthetic"
"""The attribute of answers that says what their columns mean."""
READERS = ("TrustPath", "BootstrapPath", "trust.Anchored")
"""What else is read from files."""
NESTED = 200
"""The deepest nesting of facts and provenance."""

type Stored = dict[str, xr.Dataset]
"""The groups of a file by their paths, the root as ``""``."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    name : str
        What it holds, ``"TrustPath"``.
    writer : str
        What writes it, for errors.
    migrations : dict
        From a number of the format to the function that makes of its groups those of the next
        number; where there is none, nothing that was stored has changed.
    """

    name: str
    writer: str
    migrations: Mapping[int, Callable[[Stored], Stored]] = field(default_factory=dict)

    @contextmanager
    def reading(self, file: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> Iterator[Stored]:
        """Yield the groups of a file; whatever is wrong with them is one `FileError`."""
        if not isinstance(file, str | os.PathLike):
            raise TypeError(f"{file!r:.60} is no name of a file: give a str or a path.")
        where, max_bytes = os.fspath(file), byte_limit(max_bytes)
        try:
            regular(file)
            groups = read(file, max_bytes)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"There is no file {where!r}: write it with {self.writer}."
            ) from None
        except FileError:
            raise
        except Damaged as error:
            raise FileError(f"{where!r} is not read because {error}.") from None
        except (Exception, RecursionError) as error:
            raise FileError(
                f"{where!r} is not a readable NetCDF file, or only a part of one: it is cut short, "
                f"is no NetCDF file or is damaged ({told(error)}), so write it again with "
                f"{self.writer}."
            ) from None
        try:
            yield groups
        except FileError:
            raise
        except Exception as error:
            raise FileError(
                f"{where!r} is a damaged {self.name} ({told(error)}): write it again with "
                f"{self.writer}."
            ) from None

    def foreign(self, file: str | os.PathLike[str], groups: Stored) -> FileError:
        """Return the error about a file of another kind."""
        article = "an" if self.name[0] in "AEIOU" else "a"
        other = reader_of(groups)
        hint = f"read it with {other}" if other else f"read files that {self.writer} wrote"
        return FileError(f"{os.fspath(file)!r} does not hold {article} {self.name}: {hint}.")

    def upgraded(
        self, file: str | os.PathLike[str], found: Any, newest: int, groups: Stored
    ) -> Stored:
        """Return groups of one number of the format as the newest has them."""
        number = whole(found, "the number of its format", 1)
        if number > newest:
            raise FileError(
                f"{os.fspath(file)!r} has version {number} of the format, from a later version of "
                f"the package, and this one reads up to version {newest}: upgrade "
                "foundation_priors."
            )
        for step in range(number, newest):
            groups = self.migrations.get(step, _unchanged)(groups)
        return groups


def reader_of(groups: Stored) -> str | None:
    """Return what reads a file of this package, ``"fp.TrustPath.from_netcdf"``."""
    attrs = groups[""].attrs
    if ANSWERS in attrs:
        return "fp.SyntheticData.from_netcdf"
    name = attrs.get("format")
    known = {f"foundation_priors.{r.rpartition('.')[2]}": r for r in READERS}
    return f"fp.{known[name]}.from_netcdf" if isinstance(name, str) and name in known else None


def _unchanged(groups: Stored) -> Stored:
    return groups


def save(groups: Stored, file: str | os.PathLike[str]) -> None:
    """Write groups by their paths, the root as ``""``; an existing HDF5 file is replaced.

    Raises
    ------
    FileError
        If something else is there already, or there is no such folder.
    """
    place = Path(file)
    if not place.absolute().parent.is_dir():
        raise FileError(f"There is no folder for {os.fspath(file)!r}: make it, or name another.")
    if place.exists() and not _replaceable(place):
        raise FileError(
            f"{os.fspath(file)!r} holds something else than NetCDF, which would be lost: name "
            "another file."
        )
    tree = xr.DataTree.from_dict({f"/{path}": data for path, data in groups.items()})
    unfilled = {
        node.path: {name: {"_FillValue": None} for name in node.dataset.variables}
        for node in tree.subtree
    }
    tree.to_netcdf(file, engine="h5netcdf", encoding=unfilled)


def _replaceable(place: Path) -> bool:
    if not place.is_file():
        return False
    with place.open("rb") as stream:
        return stream.read(len(SIGNATURE)) in (SIGNATURE, b"")


def told(error: BaseException) -> str:
    """Return an error as a part of a sentence, on one line."""
    lines = str(error).splitlines()
    text = lines[0].rstrip(".:") if lines else ""
    if isinstance(error, KeyError):
        return f"{text} is missing"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    return visible(" ".join(text.split()) or type(error).__name__)[:400]


def need(holds: Any, what: str) -> None:
    """Raise unless something holds."""
    if not holds:
        raise Damaged(what)


def parse(text: Any, what: str) -> Any:
    """Return what JSON says, unless it is nested too deep."""
    need(isinstance(text, str), f"{what} are not text")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Damaged(f"{what} are no JSON") from None
    layer, depth = [found], 0
    while layer:
        need(depth <= NESTED, f"{what} are nested more than {NESTED} deep")
        inner = [v for v in layer if isinstance(v, dict | list)]
        layer = [w for v in inner for w in (v.values() if isinstance(v, dict) else v)]
        depth += 1
    return found


def is_whole(value: Any) -> bool:
    """Say whether a value is a whole number."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def whole(value: Any, what: str, least: int = 0) -> int:
    """Return a whole number that is not too small."""
    need(is_whole(value) and value >= least, f"{what} is {value!r:.60}")
    return int(value)


def amount(
    value: Any, what: str, low: float = -np.inf, high: float = np.inf, *, unknown: bool = False
) -> float:
    """Return a number between two ends; ``unknown`` allows NaN."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    need(number, f"{what} is {value!r:.60}")
    inside = low <= float(value) <= high or (unknown and np.isnan(value))
    need(inside, f"{what} is {float(value):g}")
    return float(value)


def names(value: Any, what: str) -> tuple[str, ...]:
    """Return different names."""
    good = isinstance(value, list) and all(isinstance(v, str) for v in value)
    need(good and len(set(value)) == len(value), f"{what} are no list of different names")
    return tuple(value)


def table(value: Any, what: str) -> dict[str, tuple[str, ...]]:
    """Return lists of names by name."""
    need(isinstance(value, dict), f"{what} are no table")
    return {key: names(entry, f"{what} of {key!r}") for key, entry in value.items()}


def numbers(
    data: xr.Dataset,
    name: str,
    dims: tuple[Hashable, ...],
    low: float = -MOST,
    high: float = MOST,
    *,
    kinds: str = "iuf",
    unknown: bool = False,
) -> np.ndarray:
    """Return numbers of some dimensions, all between two ends, by default those of finite ones.

    ``unknown`` allows NaN.
    """
    need(name in data.variables, f"{name!r} is missing")
    array = data[name].variable
    need(array.dims == dims, f"{name!r} has the dimensions {array.dims}, and must have {dims}")
    values = np.asarray(array.values)
    need(values.dtype.kind in kinds, f"{name!r} holds values of type {values.dtype}")
    with np.errstate(invalid="ignore"):
        inside = (values >= low) & (values <= high)
    if unknown and values.dtype.kind == "f":
        inside |= np.isnan(values)
    if not inside.all():
        raise Damaged(f"{name!r} holds {values[~inside].flat[0]}")
    return values
