"""Ordinary files: neither pipes nor devices, and not made of holes."""

from __future__ import annotations

import errno
import os
import stat

from foundation_priors.errors import FileError

__all__ = ["refuse_holes", "regular", "stored_bytes"]

HOLES = 100
"""How many times what is stored of a file it may seem to be long."""
SMALL = 2**24
"""Bytes of a file that may be holes, whatever is stored of it."""


def regular(file: str | os.PathLike[str]) -> str:
    """Return the name of an ordinary file; raise for a pipe, a device, a folder or mere holes.

    Raises
    ------
    FileNotFoundError, FileError
    """
    where = os.fspath(file)
    try:
        kind = os.stat(where).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"There is no file {where!r}.") from None
    except (OSError, ValueError) as error:
        raise FileError(f"{where!r} cannot be read: {error}.") from None
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "a pipe, a socket or a device"
        raise FileError(f"{where!r} is {what}, and no file: give the name of a file.")
    try:
        refuse_holes(where)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{where!r} cannot be read: {error}.") from None
    return where


def refuse_holes(file: str | os.PathLike[str], error: type[Exception] = FileError) -> None:
    """Raise for a file that is long for its holes alone, before they are read as zeros.

    Raises
    ------
    FileError
        Or another, if another is given.
    OSError
        If it cannot be opened.
    """
    size = os.stat(file).st_size
    if size <= SMALL:
        return
    with open(file, "rb") as opened:
        stored = stored_bytes(opened.fileno())
    if size > HOLES * stored:
        raise error(
            f"{os.fspath(file)!r} seems to be {size} bytes long, of which {stored} are stored: it "
            "is made of holes, and nothing that this package wrote."
        )


def stored_bytes(file: int) -> int:
    """Return how many bytes of an open file are stored, its holes left out, up to its size.

    Where a file system does not tell, all are.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryFile() as file:
    ...     _ = file.write(b"abc"), file.flush()
    ...     stored_bytes(file.fileno())
    3
    """
    size, place = os.fstat(file).st_size, os.lseek(file, 0, os.SEEK_CUR)
    data, hole = getattr(os, "SEEK_DATA", None), getattr(os, "SEEK_HOLE", None)
    if data is None or hole is None:
        return size
    stored = at = 0
    try:
        while at < size:
            start = os.lseek(file, at, data)
            at = os.lseek(file, start, hole)
            stored += at - start
    except OSError as error:
        if error.errno != errno.ENXIO:  # there is nothing but a hole up to the end
            return size
    finally:
        os.lseek(file, place, os.SEEK_SET)
    return min(stored, size)
