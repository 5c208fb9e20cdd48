"""What was typed, and what is said when it cannot be done."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import NoReturn

__all__ = ["Parser", "UsageError", "amount", "whole"]


class UsageError(Exception):
    """What was typed cannot be done; the message is one sentence."""


class Parser(argparse.ArgumentParser):
    """A parser that complains in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving the interpreter."""
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}: see {self.prog} --help.")


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
