"""HDF5 files that others may have made: what they hold is looked at before anything is read.

HDF5 can do much that a file of numbers and texts does not need: read other files, run programs that
unpack it, describe terabytes in a few bytes. A file that asks for any of it is refused.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from foundation_priors.heaps import Damaged, check_heaps
from foundation_priors.ordinary import regular, stored_bytes

__all__ = ["MAX_BYTES", "Damaged", "byte_limit", "read"]

MAX_BYTES = 2**32
"""The most bytes that a file may become in memory, unless more is allowed."""
UNPACKED = 100
"""The most bytes that each byte of a file may become."""
SMALL = 2**20
"""Bytes that count as stored, though they may be holes."""
OBJECTS, ATTRIBUTES, DEEP = 20_000, 1_000, 8
"""The most groups and arrays of a file, the most attributes of each, the deepest group."""
SIGNATURE = b"\x89HDF\r\n\x1a\n"
POINTER = 16
"""A text is stored as its length, an address and a number there."""
EACH = 64
"""What Python takes for a text beside its letters."""
SCALE, LISTED, POINTED = "CLASS", "DIMENSION_LIST", "REFERENCE_LIST"
HIDDEN = {SCALE, LISTED, POINTED, "NAME", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_NCProperties"}
NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"


def byte_limit(given: object) -> int:
    """Return ``max_bytes=`` as a whole number, or raise where it is none."""
    what = f"max_bytes={given!r:.60} must be a whole number of bytes above 0."
    if isinstance(given, bool) or not isinstance(given, int | float | np.number):
        raise TypeError(what)
    if not (np.isfinite(given) and given == int(given) and given > 0):
        raise ValueError(what)
    return int(given)


def read(file: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> dict[str, xr.Dataset]:
    """Read the groups of a file by their paths, the root as ``""``, undecoded.

    Parameters
    ----------
    file : str or path
    max_bytes : int
        The most bytes that it may become in memory. Neither may it become more than a hundred
        times its own size.

    Raises
    ------
    FileNotFoundError, FileError
        If there is no file, or if it is no ordinary one.
    Damaged
        If it asks for more than reading numbers and texts.
    Exception
        Of any kind, if it is no HDF5 file, or not a whole one.
    """
    with _opened(regular(file)) as (handle, stored, size):
        survey = Survey(size, max(SMALL, stored_bytes(stored.fileno())), max_bytes)
        survey.group(handle["/"].id, "", 0)
        survey.check()
        return _Reader(handle, stored, survey).groups()


@contextmanager
def _opened(where: str) -> Iterator[tuple[Any, Any, int]]:
    """Yield the file as HDF5, as bytes, and its size; HDF5 itself opens and locks nothing."""
    import h5py

    with open(where, "rb") as stored:
        info = os.fstat(stored.fileno())
        if not stat.S_ISREG(info.st_mode) or stored.read(len(SIGNATURE)) != SIGNATURE:
            raise OSError("it does not begin as HDF5 files do")
        check_heaps(stored, info.st_size)
        with h5py.File(stored, "r") as handle:
            if handle.id.get_create_plist().get_sizes() != (8, 8):
                raise Damaged("its addresses are not 8 bytes wide")
            yield handle, stored, info.st_size


@dataclass
class Array:
    """An array that a survey has found to be plain numbers or texts."""

    id: Any
    is_text: bool


@dataclass
class Survey:
    """Everything in a file, looked at without reading it."""

    size: int
    held: int
    """What is stored of it, holes left out."""
    max_bytes: int
    groups: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    """Where an address leads."""
    taken: int = 0

    @property
    def limit(self) -> int:
        """The most bytes to read."""
        return min(UNPACKED * min(self.size, self.held), self.max_bytes)

    def take(self, count: int) -> None:
        """Count bytes to be read."""
        self.taken += count
        if self.taken > self.limit:
            self.check()

    def check(self) -> None:
        """Raise when the whole would be too large."""
        if self.taken > UNPACKED * min(self.size, self.held):
            raise Damaged(
                f"its {min(self.size, self.held)} bytes would become more than {UNPACKED} times as "
                "many in memory"
            )
        if self.taken > self.max_bytes:
            raise Damaged(
                f"it would become {self.taken} bytes or more in memory, and max_bytes="
                f"{self.max_bytes} allows no more (give a larger max_bytes= if you trust it)"
            )

    def group(self, group: Any, path: str, depth: int) -> None:
        """Look at a group and what is in it."""
        import h5py
        from h5py import h5g, h5l, h5o

        self._meet(group, path)
        self.groups[path] = group
        self._attributes(group, path)
        for name in self._inside(group):
            inner = f"{path}/{name.decode()}" if path else name.decode()
            if group.links.get_info(name).type != h5l.TYPE_HARD:
                raise Damaged(f"{inner!r} is a link to another place or another file")
            found = h5o.open(group, name)
            if isinstance(found, h5g.GroupID):
                if depth >= DEEP:
                    raise Damaged(f"its groups lie more than {DEEP} deep")
                self.group(found, inner, depth + 1)
            elif isinstance(found, h5py.h5d.DatasetID):
                self._meet(found, inner)
                self._array(found, inner)
            else:
                raise Damaged(f"{inner!r} is a type of its own")

    def _inside(self, group: Any) -> list[bytes]:
        """Return the names in a group, in the order in which they were written."""
        from h5py import h5, h5p

        ordered = group.get_create_plist().get_link_creation_order() & h5p.CRT_ORDER_TRACKED
        found: list[bytes] = []

        def one(name: bytes) -> bool | None:
            found.append(name)
            return len(found) > OBJECTS or None  # What is not None ends the walk.

        group.links.iterate(one, idx_type=h5.INDEX_CRT_ORDER if ordered else h5.INDEX_NAME)
        return found

    def _meet(self, found: Any, path: str) -> None:
        from h5py import h5o

        info = h5o.get_info(found)
        if info.addr in self.names or info.rc > 1 and path:
            raise Damaged(f"{path!r} is there under two names")
        if len(self.names) >= OBJECTS:
            raise Damaged(f"it holds more than {OBJECTS} groups and arrays")
        self.names[info.addr] = path

    def _array(self, found: Any, path: str) -> None:
        from h5py import h5d, h5s, h5z

        plan, space = found.get_create_plist(), found.get_space()
        if plan.get_layout() not in (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED):
            raise Damaged(f"{path!r} is a view of other arrays")
        if plan.get_external_count():
            raise Damaged(f"{path!r} keeps its numbers in another file")
        used = {plan.get_filter(i)[0] for i in range(plan.get_nfilters())}
        if not used <= {h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE}:
            raise Damaged(f"{path!r} is packed with a filter other than gzip and shuffle")
        if space.get_simple_extent_type() not in (h5s.SCALAR, h5s.SIMPLE):
            raise Damaged(f"{path!r} has no shape")
        array = Array(found, _plain(found.get_type(), path))
        count = prod(found.shape)
        if plan.get_layout() == h5d.CHUNKED:
            # One chunk is unpacked as a whole, however little of it is used.
            count = max(count, prod(plan.get_chunk()))
        self.take(count * max(found.get_type().get_size(), 1))
        if found.get_storage_size() > self.size:
            raise Damaged(f"{path!r} claims more bytes than the file has")
        self._attributes(found, path)
        self.arrays[path] = array

    def _attributes(self, owner: Any, path: str) -> None:
        """Look at the types and sizes of attributes."""
        from h5py import h5a, h5s, h5t

        count = h5a.get_num_attrs(owner)
        if count > ATTRIBUTES:
            raise Damaged(f"{path!r} has {count} attributes")
        for number in range(count):
            attribute = h5a.open(owner, index=number)
            name = attribute.name.decode()
            kind, space = attribute.get_type(), attribute.get_space()
            if name == POINTED:
                continue  # It is not read.
            if name == LISTED and isinstance(kind, h5t.TypeVlenID):
                kind = kind.get_super()
                if isinstance(kind, h5t.TypeReferenceID) and not kind.committed():
                    continue
            if space.get_simple_extent_type() not in (h5s.SCALAR, h5s.SIMPLE):
                raise Damaged(f"the attribute {name!r} of {path!r} has no value")
            is_text, length = _plain(kind, f"{path}:{name}"), prod(attribute.shape)
            # Each of many texts may be as long as the file.
            if length > (UNPACKED if is_text else self.size // max(kind.get_size(), 1)):
                raise Damaged(f"the attribute {name!r} of {path!r} is too long")


def _plain(kind: Any, path: str) -> bool:
    """Return whether a type is text; raise unless it is that or plain numbers."""
    from h5py import h5t

    if not kind.committed():
        if isinstance(kind, h5t.TypeStringID):
            return True
        if isinstance(kind, h5t.TypeIntegerID | h5t.TypeFloatID) and kind.get_size() <= 8:
            return False
    raise Damaged(f"{path!r} holds neither plain numbers nor texts")


class _Reader:
    """Reads what a survey has passed."""

    def __init__(self, handle: Any, stored: Any, survey: Survey) -> None:
        self.handle, self.stored, self.survey = handle, stored, survey

    def groups(self) -> dict[str, xr.Dataset]:
        """Return every group's arrays and attributes."""
        inside: dict[str, dict[str, xr.Variable]] = {path: {} for path in self.survey.groups}
        lengths = {path: prod(a.id.shape) for path, a in self.survey.arrays.items()}
        for path, array in self.survey.arrays.items():
            group, _, name = path.rpartition("/")
            attributes = self._attributes(array.id)
            if attributes.get(SCALE) == "DIMENSION_SCALE":
                if str(attributes.get("NAME", "")).startswith(NO_VARIABLE):
                    continue
            dims = self._dims(array, name, lengths)
            values = self._texts(array.id, path) if array.is_text else self._numbers(array.id, path)
            inside[group][name] = xr.Variable(dims, values, _shown(attributes))
        attrs = {path: _shown(self._attributes(g)) for path, g in self.survey.groups.items()}
        return {path: xr.Dataset(found, attrs=attrs[path]) for path, found in inside.items()}

    def _attributes(self, owner: Any) -> dict[str, Any]:
        import h5py
        from h5py import h5a

        high = h5py.Dataset if isinstance(owner, h5py.h5d.DatasetID) else h5py.Group
        found = {}
        for number in range(h5a.get_num_attrs(owner)):
            name = h5a.open(owner, index=number).name.decode()
            if name == POINTED:
                continue
            value = high(owner).attrs[name]
            if isinstance(value, np.ndarray) and value.shape == (1,) and name != LISTED:
                value = value[0]
            value = value.decode() if isinstance(value, bytes) else value
            texts = [value] if isinstance(value, str) else []
            if isinstance(value, np.ndarray) and value.dtype == object and name != LISTED:
                texts = [text for text in value.ravel() if isinstance(text, str)]
            self.survey.take(sum(len(text.encode()) for text in texts))
            found[name] = value
        return found

    def _dims(self, array: Array, name: str, lengths: dict[str, int]) -> tuple[str, ...]:
        """Return the names of dimensions: those of the scales to which an array points."""
        import h5py
        from h5py import h5o, h5r

        shape, attrs = array.id.shape, h5py.Dataset(array.id).attrs
        if LISTED not in attrs:
            if len(shape) > 1 or (shape and SCALE not in attrs):
                raise Damaged(f"{name!r} does not say what its dimensions are")
            return (name,) if shape else ()
        pointers = attrs[LISTED]
        if len(pointers) != len(shape):
            raise Damaged(f"{name!r} has {len(shape)} dimensions and names {len(pointers)}")
        out = []
        for length, pointer in zip(shape, pointers, strict=True):
            if len(pointer) != 1:
                raise Damaged(f"{name!r} does not say what its dimensions are")
            target = h5r.dereference(pointer[0], self.handle.id)
            path = self.survey.names.get(h5o.get_info(target).addr) if target else None
            if path is None or lengths.get(path) != length:
                raise Damaged(f"a dimension of {name!r} is not there, or of another length")
            out.append(path.rpartition("/")[2])
        return tuple(out)

    def _numbers(self, array: Any, path: str) -> np.ndarray:
        import h5py

        if array.get_create_plist().get_nfilters():
            for _ in self._chunks(array, path):
                pass
        return np.asarray(h5py.Dataset(array)[()])

    def _texts(self, array: Any, path: str) -> np.ndarray:
        """Return texts as strings; many may point to one long text, so lengths are added up."""
        import h5py

        data = h5py.Dataset(array)
        if array.get_type().is_variable_str():
            self._measure(array, path)
        found = np.asarray(data[()], dtype=object)
        out = np.empty(found.shape, dtype=object)
        for place, value in np.ndenumerate(found):
            out[place] = value.decode() if isinstance(value, bytes) else str(value)
        return out

    def _measure(self, array: Any, path: str) -> None:
        """Count the bytes of texts from their stored lengths, which stand before their places."""
        from h5py import h5d

        count, width = prod(array.shape), POINTER
        self.survey.take(count * EACH)
        layout = array.get_create_plist().get_layout()
        if layout == h5d.CHUNKED:
            parts = self._chunks(array, path)
        elif array.get_offset() is not None:
            self.stored.seek(array.get_offset())
            parts = iter([self.stored.read(count * width)])
        elif count <= 1:
            return
        else:
            raise Damaged(f"{path!r} says nothing about its texts")
        seen = 0
        for part in parts:
            table = np.frombuffer(part[: len(part) // width * width], np.uint8).reshape(-1, width)
            seen += len(table)
            self.survey.take(int(table[:, :4].copy().view("<u4").sum(dtype=np.int64)))
        if seen < count:
            raise Damaged(f"{path!r} holds less than its shape says")

    def _chunks(self, array: Any, path: str) -> Iterator[bytes]:
        """Yield the unpacked chunks, each of which may be no longer than its shape says."""
        from h5py import h5d, h5t, h5z

        plan = array.get_create_plist()
        if plan.get_layout() != h5d.CHUNKED:
            return
        kind = array.get_type()
        width = (
            POINTER
            if kind.get_class() == h5t.STRING and kind.is_variable_str()
            else kind.get_size()
        )
        full = prod(plan.get_chunk()) * width
        used = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
        for number in range(array.get_num_chunks()):
            info = array.get_chunk_info(number)
            if info.size > self.survey.size:
                raise Damaged(f"{path!r} claims more bytes than the file has")
            mask, raw = array.read_direct_chunk(info.chunk_offset)
            for place, name in reversed(list(enumerate(used))):
                if mask & (1 << place):
                    continue
                if name == h5z.FILTER_DEFLATE:
                    raw = zlib.decompressobj().decompress(raw, full + 1)
                else:
                    rows = np.frombuffer(raw, np.uint8)
                    raw = rows[: len(rows) // width * width].reshape(width, -1).T.tobytes()
            if len(raw) > full:
                raise Damaged(f"{path!r} unpacks to more than its shape says")
            yield raw


def _shown(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in HIDDEN}
