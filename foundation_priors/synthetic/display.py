"""What a container of synthetic answers says about itself."""

from __future__ import annotations

import html as markup
from typing import TYPE_CHECKING

import numpy as np

from foundation_priors.display import count, visible
from foundation_priors.synthetic.build import row_mass
from foundation_priors.synthetic.clusters import GIVEN, INDEPENDENT, UNTOLD, effect

if TYPE_CHECKING:
    from foundation_priors.synthetic.container import SyntheticData

__all__ = ["html", "text", "weights_then"]

TITLE = "foundation_priors.SyntheticData (synthetic: a prior, never evidence)"
WIDTH = 88
STYLE = (
    "border-left:4px solid #b8860b;padding:.2em .8em;font-family:monospace;font-size:.95em;"
    "color:inherit;background:transparent"
)


def text(llm: SyntheticData) -> str:
    """Return the plain representation."""
    lines = [f"<{TITLE}>", *headline(llm)]
    lines += [f"{name + ':':<12} {_cut(value)}" for name, value in _table(llm).items()]
    lines += ["Provenance:"]
    origin = _provenance(llm)
    width = max(len(key) for key in origin) + 1
    lines += [f"    {key + ':':<{width}} {_cut(value, width + 5)}" for key, value in origin.items()]
    return visible("\n".join(lines))


def html(llm: SyntheticData) -> str:
    """Return the representation for notebooks, which takes its colours from the page."""
    rows = "".join(
        f"<tr><th style='text-align:left;padding-right:1em'>{markup.escape(name)}</th>"
        f"<td style='text-align:left'>{markup.escape(value)}</td></tr>"
        for name, value in _table(llm).items()
    )
    origin = "".join(
        f"<tr><th style='text-align:left;padding-right:1em;vertical-align:top'>"
        f"{markup.escape(key)}</th><td style='text-align:left;white-space:pre-wrap'>"
        f"{markup.escape(value)}</td></tr>"
        for key, value in _provenance(llm, whole=True).items()
    )
    head = "<br>".join(markup.escape(line) for line in headline(llm))
    return visible(
        f"<div style='{STYLE}'><strong>{markup.escape(TITLE)}</strong><br>{head}"
        f"<table style='border:none;color:inherit'>{rows}</table>"
        f"<details><summary>Provenance</summary>"
        f"<table style='border:none;color:inherit'>{origin}</table></details></div>"
    )


def headline(llm: SyntheticData) -> list[str]:
    """Return how many answers there are, from whom, and what they are worth."""
    total = llm.effective_size().loc["total"]
    whom = ", ".join(llm.sources) or "a source that is not named"
    why = {
        UNTOLD: f"an upper bound, since {UNTOLD}",
        INDEPENDENT: "no clustering lowers it",
        GIVEN: "weights given by the user",
    }.get(str(total["clustering"]), f"clusters: {total['clustering']}")
    again = int(str(total["duplicates"]))
    worth = f"{total['effective_rows']:.4g}"
    then = weights_then(llm)
    return [
        _cut(f"{count(len(llm), 'answer')} from {whom}", 0),
        f"{worth} effective row{'s' * (worth != '1')} ({why}), {count(again, 'row')} "
        f"repeat{'s' if again == 1 else ''} another",
        *([then] if then else []),
    ]


def weights_then(llm: SyntheticData) -> str:
    """Say where the rules of today and those of the answers' file give different weights."""
    if llm.outcomes not in llm._then:
        return ""
    sizes = [llm._then[llm.outcomes].size, effect(llm._data, llm._schema, llm.outcomes).size]
    then, today = row_mass(llm._data, llm._schema).sum() / np.array(sizes)
    if np.isclose(then, today, rtol=1e-6):
        return ""
    if llm._keeps:
        where = f"where those of today are {today:.4g}"
        return f"weights as in its file, {then:.4g} effective rows, {where}"
    return f"weights of today: when its file was written they gave {then:.4g} effective rows"


def _table(llm: SyntheticData) -> dict[str, str]:
    table = {
        "Outcomes": ", ".join(_describe(llm, name) for name in llm.outcomes),
        "Covariates": ", ".join(_describe(llm, name) for name in llm.covariates) or "none",
        "Factors": ", ".join(_counted(llm, name) for name in llm.factors) or "none",
    }
    if llm.texts:
        table["Texts"] = ", ".join(_counted(llm, name) for name in llm.texts)
    if llm.unit is not None:
        table["Unit"] = _counted(llm, llm.unit)
    if llm.clusters:
        table["Clusters"] = ", ".join(llm.clusters)
    return table


def _describe(llm: SyntheticData, name: str) -> str:
    levels = llm.levels.get(name)
    if levels is None:
        values = llm.column(name)
        kind = "strings without levels" if values.dtype == object else str(values.dtype)
        wide = f", {values.shape[1]} wide" if values.ndim == 2 else ""
        return f"{name} ({kind}{wide})"
    between = " < " if name in llm.ordered else ", "
    return f"{name} {{{between.join(str(level) for level in levels)}}}"


def _counted(llm: SyntheticData, name: str) -> str:
    return f"{name} ({len(np.unique(llm.column(name).astype(str)))})"


def _provenance(llm: SyntheticData, whole: bool = False) -> dict[str, str]:
    return {key: _entry(value, whole) for key, value in llm.provenance.items()}


def _entry(value: object, whole: bool) -> str:
    if isinstance(value, dict) and not whole:
        return f"{count(len(value), 'entry', 'entries')}: {', '.join(value)}"
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_entry(entry, whole)}" for key, entry in value.items())
    return str(value)


def _cut(value: str, indent: int = 13) -> str:
    line = " ".join(value.split())
    room = WIDTH - indent
    return line if len(line) <= room else f"{line[: room - 3]}..."
