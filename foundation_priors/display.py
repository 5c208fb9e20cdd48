"""Texts for terminals and notebooks: titles over lines, with control characters escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

__all__ = ["count", "money", "one_row", "settled", "titled", "titled_html", "visible"]

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


def count(size: int, noun: str, nouns: str = "") -> str:
    """Return a number of things.

    Examples
    --------
    >>> count(1, "answer"), count(1200, "answer")
    ('1 answer', '1,200 answers')
    """
    return f"{size:,} {noun if size == 1 else nouns or noun + 's'}"


def money(amount: float) -> str:
    """Return an amount of money, with as many digits as a small one needs.

    Examples
    --------
    >>> money(1234.5), money(0.00213), money(0)
    ('1,234.50', '0.0021', '0.00')
    """
    return f"{amount:,.2f}" if amount == 0 or abs(amount) >= 0.1 else f"{amount:.2g}"


def settled(value: float, scale: float) -> float:
    """Return 0 for a number that is only what rounding has left of it, beside a scale.

    Examples
    --------
    >>> settled(-6.9e-18, 1.0), settled(-6.9e-8, 1.0)
    (0.0, -6.9e-08)
    """
    return 0.0 if abs(value) < 1e-12 * abs(scale) else value


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
