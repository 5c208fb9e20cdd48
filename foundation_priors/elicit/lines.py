"""The lines of a journal: which are its own, how they are read, and what a crash leaves of one."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from foundation_priors.elicit.lock import open_flags, refuse_special
from foundation_priors.errors import FoundationPriorsError, IncompleteWarning, JournalError, warn

__all__ = ["read", "refuse_foreign", "repair", "sound_lines", "whole"]

FORMAT = 1
# What a line of each kind holds at least.
KINDS: dict[str, dict[str, type]] = {
    "study": {"version": str},
    "run": {"version": str},
    "probe": {"model": str, "structured": str},
    "answer": {"key": str, "final": bool},
    "failure": {"key": str},
    "batch": {"name": str, "status": str},
}
# What else it may hold, and whether that may be null.
MAYBE: dict[str, tuple[type | tuple[type, ...], bool]] = {
    "model": (str, False),
    "draw": (int, False),
    "draws": (int, False),
    "attempt": (int, True),
    "cells": (list, False),
    "keys": (list, True),
    "parsed": (list, True),
    "rejected": (dict, True),
    "tokens": (dict, True),
    "latency": ((int, float), True),
    "time": (str, True),
}
STARTS = tuple(f'{{"kind":"{kind}"'.encode() for kind in KINDS)
SHORTEST = len(b'{"kind":')


def read(path: str | os.PathLike) -> Iterator[dict[str, Any]]:
    """Yield the lines of a journal one by one; a torn last line is left out.

    Parameters
    ----------
    path : str or path
        The journal, which may be in use.

    Yields
    ------
    dict
        A line.

    Raises
    ------
    JournalError
        If the file is missing or is no journal.
    """
    refuse_special(Path(path))
    try:
        file = open(path, "rb")
    except OSError as error:
        raise JournalError(
            f"The journal {str(path)!r} cannot be read ({error.strerror}): name the file that"
            " Elicitation.run wrote."
        ) from None
    with file:
        yield from sound_lines(file, path)


def sound_lines(file: IO[bytes], path: str | os.PathLike) -> Iterator[dict[str, Any]]:
    """Yield the lines of an open journal.

    Parameters
    ----------
    file : binary file
        At its beginning.
    path : str or path
        Its name, for errors.

    Yields
    ------
    dict
        A line.
    """
    refuse_foreign(file, path)
    for number, raw in enumerate(file, 1):
        line = _decoded(raw)
        if line is None and not raw.endswith(b"\n"):
            return
        yield _checked(line, number, path)


def refuse_foreign(file: IO[bytes], path: str | os.PathLike) -> None:
    """Raise if a file that isn't empty does not begin as journals do.

    Parameters
    ----------
    file : binary file
        At its beginning, where it is left.
    path : str or path
        Its name, for errors.

    Raises
    ------
    JournalError
        If it is another kind of file.
    """
    start = file.read(64)
    file.seek(0)
    if not start:
        return
    if start.lstrip()[:1] == b"{":
        raw = file.readline()
        file.seek(0)
        line = _decoded(raw)
        torn = line is None and not raw.endswith(b"\n")
        if _is_ours(line) or torn and _begins(raw):
            return
    raise JournalError(f"{str(path)!r} is no journal of answers: name another file.")


def repair(file: IO[bytes], path: Path) -> int:
    """Move what an interrupted write left at the end of a journal to ``<path>.torn``.

    Parameters
    ----------
    file : binary file
        Open for reading and appending.
    path : pathlib.Path
        Its name.

    Returns
    -------
    int
        How many bytes were moved.

    Warns
    -----
    IncompleteWarning
        If any were.
    """
    size = file.seek(0, os.SEEK_END)
    sound, whole = _sound_size(file, size)
    if sound == size:
        if not whole:
            file.write(b"\n")
        return 0
    file.seek(sound)
    rest = file.read()
    flags = open_flags(os.O_WRONLY | os.O_CREAT | os.O_APPEND) | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(f"{path}.torn", flags, 0o600), "ab") as torn:
        torn.write(rest + b"\n")
        torn.flush()
        os.fsync(torn.fileno())
    file.truncate(sound)
    os.fsync(file.fileno())
    warn(
        f"The last line of {str(path)!r} was torn by an interrupted write; it was moved to"
        f" {path.name + '.torn'!r}, and its call is asked again.",
        IncompleteWarning,
    )
    return size - sound


def _sound_size(file: IO[bytes], size: int) -> tuple[int, bool]:
    """Return where the sound lines end, and whether that is at the end of a line."""
    end = size
    while end:
        start = _line_start(file, end)
        file.seek(start)
        raw = file.read(end - start)
        if isinstance((_decoded(raw) or {}).get("kind"), str):
            return end, raw.endswith(b"\n")
        end = start
    return 0, True


def _line_start(file: IO[bytes], end: int, block: int = 1 << 16) -> int:
    """Return where the line begins whose last byte comes before `end`."""
    stop = end - 1  # the last byte may be the line's own newline
    while stop > 0:
        begin = max(0, stop - block)
        file.seek(begin)
        found = file.read(stop - begin).rfind(b"\n")
        if found >= 0:
            return int(begin + found + 1)
        stop = begin
    return 0


def _decoded(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _is_ours(line: dict[str, Any] | None) -> bool:
    """Return whether a line holds what lines of its kind hold."""
    kind = None if line is None else line.get("kind")
    if line is None or not isinstance(kind, str) or kind not in KINDS:
        return False
    has = all(isinstance(line.get(name), type_) for name, type_ in KINDS[kind].items())
    return has and (kind != "answer" or _is_key(line["key"]))


def _can_be(line: dict[str, Any]) -> bool:
    """Return whether what a line holds is of the right type."""
    for name, (type_, null) in MAYBE.items():
        value = line.get(name)
        if value is None and (null or name not in line):
            continue
        if not isinstance(value, type_) or isinstance(value, bool):
            return False
    return line.get("draw", 0) >= 0 and line.get("draws", 1) >= 1


def _is_key(text: str) -> bool:
    try:
        return bool(bytes.fromhex(text))
    except ValueError:
        return False


def _begins(raw: bytes) -> bool:
    """Return whether a torn line may be the beginning of one of ours."""
    return any(raw.startswith(start) or start.startswith(raw) for start in STARTS) and (
        len(raw) >= SHORTEST
    )


@contextlib.contextmanager
def whole(path: str | os.PathLike) -> Iterator[None]:
    """Turn what a damaged journal does to whoever reads it into one sentence.

    Parameters
    ----------
    path : str or path
        The journal.

    Yields
    ------
    None
        While it is read.

    Raises
    ------
    JournalError
        For an error that says nothing to whoever has the journal.
    """
    try:
        yield
    except FoundationPriorsError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise JournalError(
            f"The journal {str(path)!r} holds what no study asks or answers"
            f" ({type(error).__name__}): take an undamaged copy of it."
        ) from error
    except MemoryError:
        raise JournalError(
            f"The study in the journal {str(path)!r} has more answers than fit into memory."
        ) from None


def _checked(line: dict[str, Any] | None, number: int, path: str | os.PathLike) -> dict[str, Any]:
    kind = None if line is None else line.get("kind")
    later = isinstance(kind, str) and kind not in KINDS and number > 1
    if line is None or not (later or _is_ours(line) and _can_be(line)):
        raise JournalError(
            f"Line {number} of the journal {str(path)!r} is damaged: take that line out, and run"
            " again to ask for it anew."
        )
    form = line.get("format", FORMAT)
    if not isinstance(form, int) or form > FORMAT:
        raise JournalError(
            f"The journal {str(path)!r} was written by a later version: upgrade foundation_priors."
        )
    return line
