"""Keys taken out of texts before they are shown or stored."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from foundation_priors.display import visible

__all__ = ["Secret", "one_line", "redact", "redacted_logs"]

CHATTY = ("openai", "httpx", "httpx2", "httpcore", "httpcore2")  # they log headers and addresses
HIDDEN = "[redacted]"
SHORTEST = 4  # shorter strings turn up in texts by chance
PATTERNS = (
    re.compile(r"(?i)\b(bearer|basic)(\s+)[^\s\"',;}]+"),
    re.compile(r"(?i)(?<=//)[^/\s@\"']+(?=@)"),
    re.compile(r"(?i)(?<=key provided: )[^\s\"',;}]+"),
    re.compile(
        r"(?i)((?:api[-_]?key|access[-_]?token|token|key|sig)[\"']?\s*[=:]\s*[\"']?)"
        r"[^\s\"'&,;}]{6,}"
    ),
    re.compile(r"\b(?:sk|pk|rk|gsk|hf|xai|key|AIza)[-_][A-Za-z0-9_\-*.]{6,}"),
    re.compile(
        r"(?<![^\s\"',;:])[^\s\"',;:]*\*{3,}[^\s\"',;}]*"
    ),  # servers show the ends of a masked key
)


class Secret:
    """A value that no repr, copy, dictionary or pickle shows.

    Parameters
    ----------
    value : object
        What is kept.
    lost : bool
        Whether there was a value that a pickle did not take along.

    Examples
    --------
    >>> Secret("sk-123456")
    <hidden>
    """

    __slots__ = ("_reveal", "lost")

    def __init__(self, value: Any = None, lost: bool = False) -> None:
        self._reveal: Callable[[], Any] = lambda: value
        self.lost = lost

    def reveal(self) -> Any:
        """Return the value."""
        return self._reveal()

    def __repr__(self) -> str:
        """Say that something is hidden, not what."""
        return "<hidden>" if self.reveal() is not None or self.lost else "None"

    def __eq__(self, other: object) -> bool:
        """Compare what is kept."""
        return isinstance(other, Secret) and bool(self.reveal() == other.reveal())

    def __hash__(self) -> int:
        """Tell nothing about the value."""
        return hash(Secret)

    def __deepcopy__(self, memo: dict) -> Secret:
        """Stay one, so that `dataclasses.asdict` holds no value."""
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[None, bool]]:
        """Leave the value behind."""
        return Secret, (None, self.lost or bool(self.reveal()))


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Take every known secret, and whatever looks like one, out of a text.

    Parameters
    ----------
    text : str
        A server's error, say: servers echo the key that they were sent.
    secrets : iterable of str
        Keys known to be in use.

    Returns
    -------
    str
        The text with ``[redacted]`` in their place.

    Examples
    --------
    >>> redact("Incorrect API key provided: sk-abc*****xyz. See http://me:pw@host")
    'Incorrect API key provided: [redacted] See http://[redacted]@host'
    >>> redact("no such user: tiger-lily", ["tiger-lily"])
    'no such user: [redacted]'
    """
    for secret in sorted((s for s in secrets if len(s) >= SHORTEST), key=len, reverse=True):
        for form in (quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1], secret):
            text = text.replace(form, HIDDEN)
    for pattern in PATTERNS:
        text = pattern.sub(_keep_name, text)
    return text


@contextlib.contextmanager
def redacted_logs(secrets: Callable[[], Iterable[str]]) -> Iterator[None]:
    """Redact what the client and the libraries below it log meanwhile.

    Parameters
    ----------
    secrets : callable
        Returns the keys that are in use.

    Yields
    ------
    None
        While the filters are there.
    """

    def clean(record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage(), secrets()), ()
        return True

    known = list(logging.root.manager.loggerDict)
    loggers = [logging.getLogger(name) for name in known if name.partition(".")[0] in CHATTY]
    for logger in loggers:
        logger.addFilter(clean)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(clean)


def one_line(text: str, length: int = 300) -> str:
    r"""Return a text on one line, cut to a length, without a full stop at its end.

    Parameters
    ----------
    text : str
        Any text.
    length : int
        Characters kept.

    Returns
    -------
    str
        It.

    Examples
    --------
    >>> one_line("a\n  b.")
    'a b'
    """
    flat = visible(" ".join(text.split()))
    return (flat if len(flat) <= length else flat[: length - 3] + "...").rstrip(".")


def _keep_name(found: re.Match[str]) -> str:
    return "".join(found.groups()) + HIDDEN if found.groups() else HIDDEN
