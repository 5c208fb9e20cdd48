"""What was typed, and what is said when it cannot be done."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

__all__ = ["NotAllowed", "Parser", "UsageError", "amount", "apart", "whole"]


class UsageError(Exception):
    """What was typed cannot be done; the message is one sentence."""


class Parser(argparse.ArgumentParser):
    """A parser that complains in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving the interpreter."""
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}: see {self.prog} --help.")


def apart(outputs: Mapping[str, Path | None], inputs: Iterable[Path | None]) -> None:
    """Raise where a file to be written is one that is read, or is written twice.

    Parameters
    ----------
    outputs : mapping of str to pathlib.Path or None
        By the option that names them.
    inputs : iterable of pathlib.Path or None
        Files whose contents must stay.
    """
    taken = [path.resolve() for path in inputs if path is not None]
    for option, path in outputs.items():
        if path is None:
            continue
        place = path.resolve()
        same = path.exists() and any(p.exists() and path.samefile(p) for p in taken)
        if same or place in taken:
            raise UsageError(
                f"{option} {str(path)!r} is a file that is used already: name another."
            )
        taken.append(place)


def whole(least: int) -> Callable[[str], int]:
    """Return a reader of whole numbers.

    Parameters
    ----------
    least : int
        The smallest that is taken.

    Returns
    -------
    callable
        From what was typed to the number.
    """

    def read(text: str) -> int:
        if not text.lstrip("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {least}")
        return int(text)

    return read


def amount(text: str) -> float:
    """Read a number of at least 0, as ``2.50`` or ``1e6``."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 0")
    return number


class NotAllowed(UsageError):
    """A study asks for a key or a file that the user has not allowed."""
