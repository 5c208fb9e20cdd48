"""Numbers, lists and tables in words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation_priors.display import count

if TYPE_CHECKING:
    from foundation_priors.report.section import Section

__all__ = [
    "cells",
    "clean",
    "listing",
    "number",
    "numeric",
    "paragraphs",
    "percent",
    "section_text",
    "several",
    "text_table",
]

WIDTH = 88
ROWS = 24
"""Most rows of a table that are shown; JSON holds all."""


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, and no exponent where it can be avoided.

    Examples
    --------
    >>> number(0.03333), number(1234567.0), number(float("nan"))
    ('0.0333', '1,234,567', '–')
    """
    if not np.isfinite(value):
        return "–" if np.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0 or 1e-4 <= abs(value) < 10**digits:
        return f"{value:.{digits}g}"
    return f"{value:,.0f}" if 1 <= abs(value) < 1e9 else f"{value:.{digits}g}"


def percent(value: float) -> str:
    """Return a share as a percentage.

    Examples
    --------
    >>> percent(0.254), percent(0.0004), percent(0.99996)
    ('25%', '0.04%', '99.996%')
    """
    if not np.isfinite(value):
        return "–"
    near = min(abs(value), abs(1 - value))
    places = 0 if near >= 0.01 or near == 0 else int(np.ceil(-np.log10(near))) - 2
    return f"{100 * value:.{min(max(places, 0), 4)}f}%"


def listing(items: Iterable[object], most: int = 6) -> str:
    """Return things as a list in a sentence.

    Examples
    --------
    >>> listing("abc"), listing("abcdefgh")
    ('a, b and c', 'a, b, c, d, e, f and 2 more')
    """
    words = [str(item) for item in items]
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return " and ".join(w for w in [", ".join(words[:-1]), *words[-1:]] if w)


def clean(text: object) -> str:
    """Return a text without what a terminal or a page would obey, other than line breaks."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in str(text))


def cells(table: pd.DataFrame, rows: int | None = ROWS) -> tuple[list[str], list[list[str]], int]:
    """Return the head and the first rows of a table as texts, and how many rows were left out.

    An index that is not a mere count becomes the first columns.
    """
    plain = isinstance(table.index, pd.RangeIndex) and table.index.name is None
    shown = table if rows is None else table.iloc[:rows]
    flat = shown if plain else shown.reset_index()
    head = [_head(column) for column in flat.columns]
    body = [[_cell(value) for value in row] for row in flat.itertuples(index=False, name=None)]
    return head, body, len(table) - len(shown)


def numeric(table: pd.DataFrame) -> list[bool]:
    """Say which columns of `cells` hold numbers."""
    plain = isinstance(table.index, pd.RangeIndex) and table.index.name is None
    flat = table if plain else table.reset_index()
    return [isinstance(t, np.dtype) and t.kind in "iufb" for t in flat.dtypes]


def _head(column: object) -> str:
    name = " ".join(map(str, column)) if isinstance(column, tuple) else str(column)
    return clean(name.replace("_", " "))


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return number(float(value))
    if isinstance(value, np.ndarray):
        return clean(listing(_cell(v) for v in value.ravel().tolist()))
    return clean(value)


def text_table(table: pd.DataFrame, rows: int | None = ROWS, width: int = WIDTH) -> str:
    """Return a table for a terminal, in blocks of columns that fit."""
    head, body, left = cells(table, rows)
    wide = [max(len(r[i]) for r in [head, *body]) for i in range(len(head))]
    blocks: list[list[int]] = [[]]
    for column, size in enumerate(wide):
        if blocks[-1] and sum(wide[c] + 2 for c in blocks[-1]) + size > width:
            blocks.append([0])
        blocks[-1].append(column)
    lines: list[str] = []
    for block in blocks:
        lines += [
            "  ".join(_set(row[c], wide[c], c) for c in block).rstrip() for row in (head, *body)
        ]
        lines.append("")
    if left:
        lines.append(f"({count(left, 'more row')})")
    return "\n".join(lines).rstrip()


def _set(text: str, width: int, column: int) -> str:
    return text.rjust(width) if column else text.ljust(width)


def paragraphs(section: Section) -> list[str]:
    """Return what a section says: its reading and its warnings, or why it was not judged."""
    if not section.judged:
        return [f"Not judged: {section.not_judged}"]
    said = [section.reading, *(f"Warning: {note}" for note in section.notes)]
    return [clean(line) for line in said if line]


def section_text(section: Section, tables: bool = True) -> str:
    """Return a section in plain text."""
    lines = [section.title, "-" * len(section.title)]
    lines += [textwrap.fill(p, WIDTH, break_on_hyphens=False) for p in paragraphs(section)]
    if tables:
        for caption, table in section.tables.items():
            lines += ["", clean(caption), text_table(table)]
    if tables and section.fails_when:
        lines += ["", textwrap.fill(f"Fails when: {section.fails_when}", WIDTH)]
    return "\n".join(lines)


def several(parts: Iterable[str]) -> str:
    """Return sentences as a paragraph."""
    return " ".join(p.strip() for p in parts if p and p.strip())
