"""One writer at a time: a lock on the open file, whatever its name."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path
from typing import Any

from foundation_priors.errors import JournalError, warn
from foundation_priors.ordinary import refuse_holes

__all__ = ["Locked", "open_flags"]

BEYOND = 2**31 - 2  # a byte that no journal has, so that Windows lets others read the rest
BUSY = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
NONE = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
TRIES = 10
SYSTEM = ("proc", "sys")  # files there look ordinary, and are not


class Locked:
    """A file that is open for appending, and for nobody else.

    Parameters
    ----------
    path : pathlib.Path
        The file; made, readable by its owner alone, if it isn't there.

    Attributes
    ----------
    file : int
        Its descriptor.

    Raises
    ------
    JournalError
        If another has it, or if it is no ordinary file.
    OSError
        If it cannot be opened.

    Notes
    -----
    The lock is on the file itself and not on its name: symbolic and hard links and other mounts
    lead to the same lock, within a process and between processes. On POSIX it is advisory
    (``flock``), on Windows on a byte beyond the end, so that others can read. Once it is held, the
    name must still lead to the same file: else another was put in its place meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._old: list[int] = []
        for _ in range(TRIES):
            refuse_special(path)
            self.file = os.open(path, open_flags(os.O_RDWR | os.O_CREAT | os.O_APPEND), 0o600)
            try:
                if self._lock() and self._is_there():
                    return
            except BaseException:
                os.close(self.file)
                raise
            os.close(self.file)
        raise JournalError(f"{str(path)!r} is being replaced all the time: name another file.")

    def honour(self) -> None:
        """Take the file ``<path>.lock`` as well, by which earlier versions lock.

        Raises
        ------
        JournalError
            If another has it.
        """
        real = self.path.resolve()
        for name in dict.fromkeys((self.path.parent.resolve() / self.path.name, real)):
            try:
                flags = open_flags(os.O_RDWR | os.O_CREAT) | getattr(os, "O_NOFOLLOW", 0)
                file = os.open(f"{name}.lock", flags, 0o600)
            except OSError:
                continue  # where it cannot be made, nobody else can either
            self._old.append(file)
            if not stat.S_ISREG(os.fstat(file).st_mode):
                continue
            if _take(file, 0) is False:
                raise self._busy()
            _sign(file)

    def is_gone(self) -> bool:
        """Return whether no name leads to the file any more."""
        return self._links > 0 and os.fstat(self.file).st_nlink == 0

    def release(self) -> None:
        """Let others have the file; it is left open."""
        for file in self._old:
            _give_back(file, 0)
            os.close(file)
        self._old = []
        _give_back(self.file, BEYOND)

    def _lock(self) -> bool:
        self._links = os.fstat(self.file).st_nlink
        taken = _take(self.file, BEYOND)
        if taken is False:
            raise self._busy()
        if taken is None:
            warn(
                f"The file system of {str(self.path)!r} has no locks: see to it that no other run"
                " writes to it.",
            )
        return True

    def _is_there(self) -> bool:
        mine = os.fstat(self.file)
        if not stat.S_ISREG(mine.st_mode):
            raise JournalError(f"{str(self.path)!r} is no ordinary file: name another one.")
        try:
            return os.path.samestat(mine, os.stat(self.path))
        except FileNotFoundError:
            return False

    def _busy(self) -> JournalError:
        note, holder = Path(f"{self.path}.lock"), "another process"
        with contextlib.suppress(OSError, ValueError):
            holder = f"process {int(note.read_text())}" if note.is_file() else holder
        return JournalError(
            f"The journal {str(self.path)!r} is in use by {holder}: wait for it, or name another"
            " file."
        )


def refuse_special(path: Path) -> None:
    """Raise if a path leads to what is no ordinary file, without reading it.

    Parameters
    ----------
    path : pathlib.Path
        Of a file that may not be there.

    Raises
    ------
    JournalError
        If it leads to a folder, a device, a pipe, a socket, to a file of the system's, or to one
        that is made of holes.
    """
    try:
        mode = os.stat(path).st_mode
        system = path.resolve().parts[1:2]
    except (OSError, RuntimeError):
        return  # opening it says what is wrong
    if not stat.S_ISREG(mode) or os.name == "posix" and system in [(name,) for name in SYSTEM]:
        raise JournalError(f"{str(path)!r} is no ordinary file: name another one.")
    with contextlib.suppress(PermissionError):  # opening it says so
        refuse_holes(path, JournalError)


def open_flags(flags: int) -> int:
    """Return flags with which nothing waits, is inherited or has its line ends changed."""
    for name in ("O_CLOEXEC", "O_NOINHERIT", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
        flags |= getattr(os, name, 0)
    return flags


def _take(file: int, place: int) -> bool | None:
    """Lock a file and return whether it worked; None where there are no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(file, place, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in BUSY:
            return False
        if error.errno in NONE:
            return None
        raise
    return True


def _give_back(file: int, place: int) -> None:
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            import msvcrt

            os.lseek(file, place, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_UN)


def _sign(file: int) -> None:
    """Write down which process has a lock, for the others' error."""
    was: Any = os.read(file, 32)
    if was.strip().isdigit() or not was:
        with contextlib.suppress(OSError):
            os.lseek(file, 0, os.SEEK_SET)
            os.ftruncate(file, 0)
            os.write(file, str(os.getpid()).encode())
