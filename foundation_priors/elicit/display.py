"""What a study says about itself."""

from __future__ import annotations

import html as markup
from typing import TYPE_CHECKING

from foundation_priors.synthetic.display import STYLE, WIDTH

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Study

__all__ = ["html", "text"]

TITLE = "foundation_priors.Elicitation"


def text(study: Study) -> str:
    """Return the plain representation.

    Parameters
    ----------
    study : Study
        What is asked.

    Returns
    -------
    str
        The prompt's beginning, the fields, profiles, factors and models.
    """
    rows = [f"{name + ':':<14} {_cut(value)}" for name, value in _table(study).items()]
    return "\n".join([f"<{TITLE}: {_headline(study)}>", *rows])


def html(study: Study) -> str:
    """Return the representation for notebooks, which takes its colours from the page.

    Parameters
    ----------
    study : Study
        What is asked.

    Returns
    -------
    str
        Self-contained HTML.
    """
    rows = "".join(
        f"<tr><th style='text-align:left;padding-right:1em;vertical-align:top'>"
        f"{markup.escape(name)}</th><td style='text-align:left;white-space:pre-wrap'>"
        f"{markup.escape(value)}</td></tr>"
        for name, value in _table(study).items()
    )
    return (
        f"<div style='{STYLE}'><strong>{TITLE}</strong><br>{markup.escape(_headline(study))}"
        f"<table style='border:none;color:inherit'>{rows}</table></div>"
    )


def _headline(study: Study) -> str:
    calls = study.n_calls // study.draws
    each = f", {study.per_call} profiles each" if study.per_call > 1 else ""
    return f"{calls:,} call{'' if calls == 1 else 's'} a draw{each}"


def _table(study: Study) -> dict[str, str]:
    columns = ", ".join(study.profiles.columns) or "nothing known of them"
    table = {
        "Prompt": study.prompt,
        "System": study.system,
        "Answer": "; ".join(
            f"{name}: {field.form(field.options)}" for name, field in study.schema.fields.items()
        ),
        "Profiles": f"{len(study.profiles):,} ({columns})",
        "Factors": ", ".join(
            f"{name} {{{', '.join(levels)}}}" for name, levels in study.factors.items()
        ),
        "Options": "in an order of its own in each call" if study.shuffle else "",
        "Probabilities": f"of {study.probabilities}" if study.probabilities else "",
        "Models": ", ".join(f"{name} at {p.address}" for name, p in study.endpoints.items()),
        "Settings": ", ".join(f"{name}={value!r}" for name, value in study.settings.items()),
    }
    return {name: value for name, value in table.items() if value}


def _cut(value: str) -> str:
    line, room = " ".join(value.split()), WIDTH - 15
    return line if len(line) <= room else f"{line[: room - 3]}..."
