"""An audit as one page that needs nothing else: words, tables, pictures and the trust dial."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pandas as pd

from foundation_priors.display import count
from foundation_priors.report.texts import QUESTION, closing, headline
from foundation_priors.report.words import cells, clean, numeric, paragraphs

if TYPE_CHECKING:
    from foundation_priors.report.audit import Audit
    from foundation_priors.report.section import Section

__all__ = ["card", "page"]

LONG = 60
"""Characters of a cell beyond which it is set as text."""
SHORT = ("statements", "shares", "trust")
"""Sections whose readings stand at the top of the page."""


def page(audit: Audit) -> str:
    """Return the page; see `Audit.to_html`."""
    style, script = (_own(name) for name in ("page.css", "page.js"))
    data = _embedded(audit.dial)
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    body = "\n".join(
        [
            '<a class="skip" href="#main">To the findings</a>',
            _header(audit),
            '<main id="main">',
            _short(audit),
            _dial(),
            _contents(audit),
            *(_section(section) for section in audit.sections if section.judged),
            _lacking(audit),
            "</main>",
            f"<footer><p class='soft'>{_text(closing(audit))}</p></footer>",
            f'<script type="application/json" id="dial-data">{data}</script>',
            f"<script>{script}</script>",
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(QUESTION)}</title>\n<style>{style}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _own(name: str) -> str:
    return files("foundation_priors.report").joinpath(name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """Return the hash by which the page's policy lets its own script run, and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _embedded(data: Any) -> str:
    """Return JSON that no text in it can end, since it holds no angle bracket."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _text(value: object) -> str:
    return escape(clean(value), quote=True)


def _header(audit: Audit) -> str:
    return (
        f'<header><h1>{_text(QUESTION)}</h1><p class="soft">{_text(headline(audit))}</p></header>'
    )


def _short(audit: Audit) -> str:
    said = [s.reading for s in audit.sections if s.key in SHORT and s.judged]
    order = {s.key: s.reading for s in audit.sections if s.judged}
    said = [order[key] for key in SHORT if key in order]
    lacking = len(audit.not_judged)
    left = (
        f'<p><a href="#not-judged">{count(lacking, "question")} of {len(audit.sections)} could '
        "not be judged.</a></p>"
        if lacking
        else ""
    )
    points = "".join(f"<p>{_text(line)}</p>" for line in said)
    return f'<section id="short"><h2>In short</h2>{points}{left}</section>'


def _dial() -> str:
    return (
        '<section id="dial" hidden aria-labelledby="dial-title">'
        '<h2 id="dial-title">The trust dial</h2>'
        '<label for="dial-trust">Trust in the answers, from ignoring them to believing them</label>'
        '<input type="range" id="dial-trust" min="0" max="40" step="any" value="0">'
        '<div class="ticks" id="dial-ticks" aria-hidden="true"></div>'
        '<output id="dial-now" for="dial-trust" aria-live="polite"></output>'
        '<div class="marks" id="dial-marks" role="group" aria-label="Weights to jump to"></div>'
        '<div class="panels" id="dial-panels"></div>'
        '<div class="wide"><table class="claims"><caption>Probability of each statement</caption>'
        '<tbody id="dial-claims"></tbody></table></div>'
        '<p class="soft">Filled: the posterior at this trust. Dashed: without the answers. Bar and '
        "dot: interval and mean. Equal steps of the dial move the posterior about equally far. "
        "Numbers between the weights that were computed are interpolated.</p></section>"
        "<noscript><p>The trust dial needs JavaScript; the tables below hold its numbers at a few "
        "weights.</p></noscript>"
    )


def _contents(audit: Audit) -> str:
    items = "".join(
        f'<li><a href="#{_text(s.key)}">{_text(s.title)}</a></li>'
        for s in audit.sections
        if s.judged
    )
    return f'<nav aria-label="Contents"><ol>{items}</ol></nav>'


def _section(section: Section) -> str:
    said, *notes = paragraphs(section)
    parts = [f"<h2>{_text(section.title)}</h2>", f"<p>{_text(said)}</p>"]
    parts += [f'<p class="warn">{_text(note)}</p>' for note in notes]
    parts.append(_picture(section))
    first = True
    for caption, table in section.tables.items():
        parts.append(_table(caption, table, folded=not first))
        first = False
    for caption, text in section.texts.items():
        parts.append(
            f"<details><summary>{_text(caption)}</summary><pre>{_text(text)}</pre></details>"
        )
    if section.fails_when:
        parts.append(
            f'<p class="soft"><strong>Fails when:</strong> {_text(section.fails_when)}</p>'
        )
    return f'<section id="{_text(section.key)}">{"".join(parts)}</section>'


def _picture(section: Section) -> str:
    picture = section.picture
    if picture is None:
        return ""
    if picture.failed:
        return f'<p class="soft">The picture could not be drawn: {_text(picture.failed)}</p>'
    return (
        f'<figure><img src="{picture.address}" width="{picture.width}" '
        f'alt="{_text(picture.alt)}"></figure>'
    )


def _table(caption: str, table: pd.DataFrame, folded: bool) -> str:
    head, body, left = cells(table)
    kinds = ["" if is_number else "words" for is_number in numeric(table)]
    top = "".join(
        f'<th scope="col" class="{kind}">{_text(name)}</th>'
        for name, kind in zip(head, kinds, strict=True)
    )
    rows = "".join(f"<tr>{''.join(map(_cell, row, kinds))}</tr>" for row in body)
    more = f'<p class="soft">{count(left, "more row")}, in the JSON.</p>' if left else ""
    inner = (
        f'<div class="wide" tabindex="0" role="region" aria-label="{_text(caption)}"><table>'
        f"<caption>{_text(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{more}"
    )
    return f"<details><summary>{_text(caption)}</summary>{inner}</details>" if folded else inner


def _cell(text: str, kind: str) -> str:
    long = " long" if len(text) > LONG else ""
    return f'<td class="{kind}{long}">{_text(text)}</td>'


def _lacking(audit: Audit) -> str:
    lacking = [s for s in audit.sections if not s.judged]
    if not lacking:
        return ""
    items = "".join(
        f'<li id="{_text(s.key)}"><strong>{_text(s.title)}.</strong> {_text(s.not_judged)}</li>'
        for s in lacking
    )
    return (
        f'<section id="not-judged"><h2>What could not be judged, and why</h2><ul>{items}</ul>'
        "</section>"
    )


def card(audit: Audit) -> str:
    """Return the representation of notebooks: what was found, folded."""
    items = "".join(
        f"<details><summary>{_text(s.title)}{'' if s.judged else ' (not judged)'}</summary>"
        f"{''.join(f'<p>{_text(p)}</p>' for p in paragraphs(s))}</details>"
        for s in audit.sections
    )
    return (
        f"<div><strong>foundation_priors.Audit</strong><br>{_text(headline(audit))}{items}"
        "<em>.to_html(file) writes the page with pictures, tables and the trust dial.</em></div>"
    )
