"""Texts for terminals and notebooks: titles over lines, with control characters escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

__all__ = ["one_row", "titled", "titled_html", "visible"]

# What a terminal obeys or a reader cannot see: control characters but for tabs and new lines, marks
# that turn the direction of writing, and halves of characters.
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""Return a text with its control characters escaped, but for tabs and new lines.

    Parameters
    ----------
    text : str
        Of a server, a file or a user.

    Returns
    -------
    str
        What can be printed.

    Examples
    --------
    >>> print(visible("a\x1b[31mb"))
    a\x1b[31mb
    """
    return OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_row(text: object) -> str:
    """Return a text with its control characters and new lines escaped, on one line."""
    return visible(str(text)).replace("\n", "\\n").replace("\t", "\\t")


def titled(title: str, lines: Mapping[str, str], width: int = 14) -> str:
    """Return a title over named lines, for terminals.

    Examples
    --------
    >>> print(titled("Thing", {"rows": "3"}, 8))
    <foundation_priors.Thing>
        rows:   3
    """
    rows = [f"    {name + ':':<{width}}{value}" for name, value in lines.items()]
    return visible("\n".join([f"<foundation_priors.{title}>", *rows]))


def titled_html(title: str, lines: Mapping[str, str]) -> str:
    """Return a title over named lines, for notebooks."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(value)}</td></tr>"
        for name, value in lines.items()
    )
    return visible(f"<div><strong>{title}</strong><table>{rows}</table></div>")
