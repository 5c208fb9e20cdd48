"""The few exceptions and warnings of the package, each deriving from a builtin."""

import difflib
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = [
    "ColumnError",
    "ElicitationError",
    "FileError",
    "FoundationPriorsError",
    "ImproperPriorError",
    "IncompleteWarning",
    "JournalError",
    "ModelError",
    "PlaceboWarning",
    "RereadWarning",
    "StatementError",
    "SyntheticAsEvidenceError",
    "UnreliableWarning",
]


class FoundationPriorsError(Exception):
    """Base of every error that the package raises on purpose."""


class SyntheticAsEvidenceError(FoundationPriorsError, TypeError):
    """Answers of a language model were used as if they were observations."""


class ColumnError(FoundationPriorsError, ValueError):
    """A column is missing, of the wrong kind, or holds a value or level that it must not hold."""


class ModelError(FoundationPriorsError, ValueError):
    """A model cannot be tilted."""


class ImproperPriorError(ModelError):
    """A primitive prior, or the tilt of it, has an infinite integral."""


class StatementError(FoundationPriorsError, ValueError):
    """A text is no statement or expression, or names what is not there."""


class ElicitationError(FoundationPriorsError, RuntimeError):
    """A language model cannot be asked: a wrong key, address or model, or a server that is gone."""


class JournalError(FoundationPriorsError, OSError):
    """A journal of answers is in use, cannot be written, or is no journal."""


class FileError(FoundationPriorsError, OSError, ValueError):
    """A file cannot be read: it is damaged, of another kind, or asks for what no file needs."""


class IncompleteWarning(UserWarning):
    """Not every answer that was asked for is there."""


class PlaceboWarning(UserWarning):
    """Answers permuted among profiles gain evidence: it measures a poor primitive prior."""


class RereadWarning(UserWarning):
    """Answers of a journal come out otherwise than when they were recorded."""


class UnreliableWarning(UserWarning):
    """A number was computed, and a check says that it should not be relied on."""


LISTENING: ContextVar[tuple[tuple[type[Warning], ...], list[str]] | None] = ContextVar(
    "fp_listening", default=None
)
"""The kinds of warnings that `noted` keeps in this context, and those that it kept."""


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn whoever called the package, at the line that called it, or the one who takes notes.

    Parameters
    ----------
    text : str
    category : type
    """
    kinds, notes = LISTENING.get() or ((), [])
    if issubclass(category, kinds):
        notes.append(text)
    else:
        warnings.warn(text, category, stacklevel=_levels_above())


@contextmanager
def noted(*kinds: type[Warning]) -> Iterator[list[str]]:
    """Keep the package's own warnings of some kinds as notes, of this context and of no other.

    Unlike `warnings.catch_warnings` it changes nothing that other threads see.

    Parameters
    ----------
    *kinds : type

    Examples
    --------
    >>> with noted(UnreliableWarning) as notes:
    ...     warn("Shaky.", UnreliableWarning)
    >>> notes
    ['Shaky.']
    """
    notes: list[str] = []
    before = LISTENING.set((kinds, notes))
    try:
        yield notes
    finally:
        LISTENING.reset(before)


def _levels_above() -> int:
    """Return the stack level, as seen by the caller, of the code that called this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(
        "foundation_priors."
    ):
        frame, level = frame.f_back, level + 1
    return level


SHOWN = 80
"""Most characters of a foreign text that an error repeats."""


def brief(text: object) -> str:
    r"""Return a foreign text in quotes for an error: cut where it is long, and on one line.

    Examples
    --------
    >>> brief("two\nlines"), len(brief("x" * 100_000))
    ("'two\\nlines'", 82)
    """
    shown = str(text)
    return repr(shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 4]} ...")


def check_number(given: object, name: str) -> None:
    """Raise where a number is given as text, which is no name of a rule either.

    Examples
    --------
    >>> check_number("0.5", "trust")
    Traceback (most recent call last):
    ...
    ValueError: trust='0.5' is text: give the number 0.5, without quotes.
    """
    if isinstance(given, Mapping):
        given = list(given.values())
    if isinstance(given, list | tuple):
        for one in given:
            check_number(one, name)
    if isinstance(given, str):
        try:
            number = float(given)
        except ValueError:
            return
        raise ValueError(f"{name}={given!r} is text: give the number {number:g}, without quotes.")


def floats(given: Any, name: str) -> Any:
    """Return an array of floats, or raise where an argument holds no numbers.

    Examples
    --------
    >>> floats("x", "q")
    Traceback (most recent call last):
    ...
    ValueError: q='x' must be a number, or several.
    """
    import numpy as np

    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name}={given!r:.80} must be a number, or several.") from None


def did_you_mean(name: object, options: Iterable[object]) -> str:
    """Suggest the option nearest to a mistyped name.

    Parameters
    ----------
    name : object
        What was asked for.
    options : iterable of object
        What there is.

    Returns
    -------
    str
        ``" Did you mean 'x'?"``, with its leading space, or else the list of the options.

    Examples
    --------
    >>> did_you_mean("vot", ["vote", "age"])
    " Did you mean 'vote'?"
    >>> did_you_mean("q", ["vote", "age"])
    " There are 'vote', 'age'."
    """
    names = [str(option) for option in options]
    folded = {option.lower(): option for option in reversed(names)}
    near = difflib.get_close_matches(str(name).lower(), list(folded), n=1)
    if near:
        return f" Did you mean {brief(folded[near[0]])}?"
    if not names:
        return ""
    shown = ", ".join(map(brief, names[:12]))
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f" There {'is' if len(names) == 1 else 'are'} {shown}{more}."


def check_probability(value: Any, name: str) -> None:
    """Raise where an argument is no number between 0 and 1, both left out."""
    try:
        within = not isinstance(value, str) and 0 < float(value) < 1
    except (TypeError, ValueError):
        within = False
    if not within:
        raise ValueError(f"{name}={value!s:.80} must lie between 0 and 1.")
