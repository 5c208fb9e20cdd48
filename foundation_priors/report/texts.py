"""An audit as plain text, Markdown and JSON."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from foundation_priors.display import count
from foundation_priors.report.words import WIDTH, cells, clean, listing, paragraphs

if TYPE_CHECKING:
    from foundation_priors.report.audit import Audit
    from foundation_priors.report.section import Section

__all__ = ["as_json", "brief", "headline", "markdown", "plain", "summary"]

QUESTION = "How far does this conclusion rest on the language model?"
FORMAT = "foundation_priors.Audit"


def headline(audit: Audit) -> str:
    """Return what was audited, in one line."""
    path = audit.inputs.path
    said = count(len(path.synthetic), "answer" if not hasattr(path.synthetic, "noun") else "belief")
    return (
        f"{said} beside {count(path.facts.n_real, 'real observation')}, "
        f"read at {audit.inputs.trust_in_words}"
    )


def summary(audit: Audit) -> str:
    """Return the page of plain words; see `Audit.summary`."""
    lines = [QUESTION, "=" * len(QUESTION), *_fill(f"{headline(audit)}."), ""]
    for section in audit.sections:
        if section.judged:
            lines.append(section.title.upper())
            for paragraph in paragraphs(section):
                lines += _fill(paragraph, "  ")
            lines.append("")
    lacking = [s for s in audit.sections if not s.judged]
    if lacking:
        lines.append("NOT JUDGED")
        for section in lacking:
            lines += _fill(f"{section.title}: {clean(section.not_judged)}", "  ", "    ")
        lines.append("")
    lines += _fill(closing(audit))
    return "\n".join(lines)


def closing(audit: Audit) -> str:
    """Return what the audit was made with, in a sentence."""
    made = listing(f"{name} {number}" for name, number in list(audit.versions.items())[:4])
    seed = audit.inputs.random_seed
    return f"Made {audit.created} with {made}; random seed {'none' if seed is None else seed}."


def _fill(text: str, indent: str = "", rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        clean(text),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if rest is None else rest,
        break_on_hyphens=False,
    )


def brief(audit: Audit) -> str:
    """Return the plain representation."""
    judged = [s for s in audit.sections if s.judged]
    lines = ["<foundation_priors.Audit>", f"    {headline(audit)}"]
    wide = max(len(s.key) for s in audit.sections) + 2
    for section in audit.sections:
        said = section.reading if section.judged else f"not judged: {section.not_judged}"
        line = " ".join(clean(said).split())
        room = WIDTH - wide - 4
        lines.append(
            f"    {section.key + ':':<{wide}}"
            f"{line if len(line) <= room else line[: room - 3] + '...'}"
        )
    lines.append(
        f"    {len(judged)} of {len(audit.sections)} questions judged; .summary() for the words, "
        ".to_html(file) for the page"
    )
    return "\n".join(lines)


def markdown(audit: Audit) -> str:
    """Return the audit as Markdown; see `Audit.to_markdown`."""
    lines = [f"# {QUESTION}", "", f"{_inline(headline(audit))}.", ""]
    for section in audit.sections:
        lines += [f"## {_inline(section.title)}", ""]
        for paragraph in paragraphs(section):
            lines += [_inline(paragraph), ""]
        for caption, table in section.tables.items():
            lines += [f"**{_inline(caption)}**", "", *_table(table), ""]
        for caption, text in section.texts.items():
            lines += [f"**{_inline(caption)}**", "", *_block(text), ""]
        if section.fails_when and section.judged:
            lines += [f"*Fails when:* {_inline(section.fails_when)}", ""]
    return "\n".join([*lines, _inline(closing(audit)), ""])


def _inline(text: object) -> str:
    """Return a text on one line in which nothing is markup."""
    line = " ".join(clean(text).split())
    for sign in "\\`*_[]<>|#":
        line = line.replace(sign, f"\\{sign}")
    return line


def _table(table: pd.DataFrame) -> list[str]:
    head, body, left = cells(table)
    lines = [" | ".join(map(_inline, head)), " | ".join("---" for _ in head)]
    lines += [" | ".join(_inline(c) or " " for c in row) for row in body]
    out = [f"| {line} |" for line in lines]
    return [*out, "", f"({count(left, 'more row')})"] if left else out


def _block(text: str) -> list[str]:
    """Return a text word for word, fenced by more backticks than it holds in a row."""
    runs, run = 2, 0
    for character in text:
        run = run + 1 if character == "`" else 0
        runs = max(runs, run)
    fence = "`" * (runs + 1)
    return [f"{fence}text", clean(text), fence]


def as_json(audit: Audit) -> str:
    """Return the audit as JSON; see `Audit.to_json`."""
    return json.dumps(record(audit), ensure_ascii=False, allow_nan=False, indent=1)


def record(audit: Audit) -> dict[str, Any]:
    """Return everything but the pictures, as JSON knows it."""
    return {
        "format": FORMAT,
        "created": audit.created,
        "versions": dict(audit.versions),
        "random_seed": audit.inputs.random_seed,
        "trust": audit.inputs.trust_in_words,
        "given": sorted(audit.inputs.given),
        "sections": [_section(s) for s in audit.sections],
        "dial": audit.dial,
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "key": section.key,
        "title": section.title,
        "reading": section.reading,
        "not_judged": section.not_judged,
        "fails_when": section.fails_when,
        "notes": list(section.notes),
        "tables": {k: _records(v) for k, v in section.tables.items()},
        "texts": dict(section.texts),
        "seconds": round(section.seconds, 3),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    simple = isinstance(table.index, pd.RangeIndex) and table.index.name is None
    flat = table if simple else table.reset_index()
    names = [" ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in flat.columns]
    return [
        dict(zip(names, map(plain, row), strict=True))
        for row in flat.itertuples(index=False, name=None)
    ]


def plain(value: Any) -> Any:
    """Return a value as JSON knows it; what is not finite becomes None."""
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(v) for v in np.asarray(value, object).ravel().tolist()]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return None if value is pd.NaT or value is pd.NA else str(value)
