"""What a study would ask, how often, and for how much, without asking."""

from __future__ import annotations

import dataclasses
import html as markup
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from foundation_priors.display import count, money
from foundation_priors.elicit.design import ORDER
from foundation_priors.elicit.fields import Choice, Field, Text
from foundation_priors.elicit.template import names_in, suspects
from foundation_priors.elicit.wording import known_names
from foundation_priors.synthetic.display import STYLE

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Call, Study

__all__ = ["Preview", "preview_of", "tokens_of"]

SAMPLED = 50  # calls that are worded to estimate the tokens of all
BYTES_PER_TOKEN = 4.0
TOKENS_PER_MESSAGE = 4
EXAMPLES = 2
TEXT_TOKENS = 60


@dataclasses.dataclass(frozen=True, repr=False)
class Preview:
    """What a study would ask.

    Parameters
    ----------
    calls, cells : int
        How many requests there would be, and how many answers.
    tokens : dict of str to int
        Estimates of ``input`` and ``output``, at four bytes a token.
    cost : dict of str to float
        Estimates by model, of the models that have a price.
    examples : tuple of list of dict
        The messages of the first call, and of the last one.
    notes : tuple of str
        What looks like a mistake.
    budget : str
        Whether the budget suffices, in a sentence; "" without one.

    Notes
    -----
    Servers count tokens in their own way, and ask again what came back unusable: expect the true
    numbers within a third or so.
    """

    calls: int
    cells: int
    tokens: dict[str, int]
    cost: dict[str, float]
    examples: tuple[list[dict[str, str]], ...]
    notes: tuple[str, ...] = ()
    budget: str = ""

    def __repr__(self) -> str:
        """Show the numbers, what looks like a mistake, and example prompts."""
        lines = ["<foundation_priors.elicit.Preview (nobody was asked)>"]
        lines += [f"{name + ':':<10} {value}" for name, value in self._table().items()]
        lines += [f"Note:      {note}" for note in self.notes]
        for place, messages in enumerate(self.examples, 1):
            for message in messages:
                lines += ["", f"--- example {place}, {message['role']} ---", message["content"]]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Show the same in a notebook."""
        rows = {**self._table(), **{f"Note {i}": note for i, note in enumerate(self.notes, 1)}}
        table = "".join(
            "<tr><th style='text-align:left;padding-right:1em;vertical-align:top'>"
            f"{markup.escape(name)}</th>"
            f"<td style='text-align:left'>{markup.escape(value)}</td></tr>"
            for name, value in rows.items()
        )
        shown = "".join(
            f"<details{' open' if place == 1 else ''}><summary>Example {place}</summary>"
            + "".join(
                f"<em>{message['role']}</em><pre style='white-space:pre-wrap;color:inherit;"
                f"background:transparent'>{markup.escape(message['content'])}</pre>"
                for message in messages
            )
            + "</details>"
            for place, messages in enumerate(self.examples, 1)
        )
        return (
            f"<div style='{STYLE}'><strong>foundation_priors.elicit.Preview (nobody was asked)"
            f"</strong><table style='border:none;color:inherit'>{table}</table>{shown}</div>"
        )

    def _table(self) -> dict[str, str]:
        prices = [f"{money(cost)} ({name})" for name, cost in self.cost.items()]
        total = f"about {money(sum(self.cost.values()))}: {', '.join(prices)}"
        table = {
            "Calls": f"{self.calls:,} for {count(self.cells, 'answer')}",
            "Tokens": f"about {self.tokens['input']:,} in and {self.tokens['output']:,} out",
            "Cost": total if prices else "not known, since no endpoint has a price",
        }
        return {**table, **({"Budget": self.budget} if self.budget else {})}


def preview_of(study: Study, budget: Mapping[str, float] | None = None) -> Preview:
    """Estimate what a study takes.

    Parameters
    ----------
    study : Study
        What would be asked.
    budget : mapping of str to float, optional
        As `Elicitation.run` takes it.

    Returns
    -------
    Preview
        Nobody is asked.
    """
    each = study.n_calls // len(study.endpoints)
    into = sum(tokens_of(call) for call in _sample(study)) / len(_sample(study))
    out, cost = 0.0, {}
    for name, point in study.endpoints.items():
        said = _answer_tokens(study)
        most = point.max_output(study.settings)
        said = said if most is None else min(said, most)
        out += each * said
        if point.price is not None:
            cost[name] = point.cost(each * into, each * said)
    tokens = {"input": math.ceil(into * study.n_calls), "output": math.ceil(out)}
    return Preview(
        calls=study.n_calls,
        cells=study.n_cells,
        tokens=tokens,
        cost=cost,
        examples=_examples(study),
        notes=tuple(_notes(study)),
        budget=_budget(study, budget or {}, tokens, cost),
    )


def tokens_of(call: Call) -> int:
    """Estimate the tokens of a call's messages, at four bytes a token."""
    sizes = [len(message["content"].encode("utf-8", "replace")) for message in call.messages]
    return 3 + sum(math.ceil(size / BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE for size in sizes)


def _sample(study: Study) -> list[Call]:
    """Return calls that lie evenly among those of one model and draw."""
    size = len(study.combinations) * study.batches
    step, name = max(1, size // SAMPLED), next(iter(study.endpoints))
    places = [divmod(place, study.batches) for place in range(0, size, step)]
    return [study.call(name, combination, 0, batch) for combination, batch in places]


def _examples(study: Study) -> tuple[list[dict[str, str]], ...]:
    name = next(iter(study.endpoints))
    first = study.call(name, 0, 0, 0)
    last = study.call(name, len(study.combinations) - 1, study.draws - 1, study.batches - 1)
    return (first.messages,) if last.key == first.key else (first.messages, last.messages)


def _answer_tokens(study: Study) -> float:
    if study.probabilities:
        return 1.0
    fields = study.schema.fields.items()
    one = 4 + sum(len(name) / BYTES_PER_TOKEN + 3 + _field_tokens(field) for name, field in fields)
    size = len(study.profiles) / study.batches
    return one if study.per_call == 1 else size * (one + 4) + 2


def _field_tokens(field: Field) -> float:
    if isinstance(field, Choice):
        return sum(len(option) for option in field.options) / len(field.options) / BYTES_PER_TOKEN
    if isinstance(field, Text):
        return min(TEXT_TOKENS, (field.max_length or math.inf) / BYTES_PER_TOKEN)
    return 2.0


def _templates(study: Study) -> dict[str, str]:
    named = {
        "prompt=": study.prompt,
        "system=": study.system,
        "line=": study.line,
        "instructions=": study.instructions or "",
    }
    texts = {
        f"the level {level!r} of {name!r}": text
        for name, levels in study.factors.items()
        for level, text in levels.items()
    }
    return {name: text for name, text in {**named, **texts}.items() if text}


def _notes(study: Study) -> list[str]:
    known, templates = known_names(study), _templates(study)
    notes = []
    for where, text in templates.items():
        for word, near in suspects(text, known).items():
            meant = f": did you mean {{{near}}}?" if near else "."
            notes.append(f"{{{word}}} in {where} is no column, and stays as it is{meant}")
    whole = "\n".join(templates.values())
    for name in study.factors:
        if name != ORDER and not names_in(whole, {name}):
            notes.append(f"No template uses {{{name}}}, so its levels ask the same.")
    listed = names_in(study.prompt, {"profiles"}) and not study.line
    if len(study.profiles) > 1 and not listed and not names_in(whole, study.profiles.columns):
        notes.append("No template uses a column, so that all profiles are asked the same.")
    return [*notes, *_copies(study)]


def _copies(study: Study) -> list[str]:
    """Say where more draws bring nothing new."""
    if study.draws == 1:
        return []
    if study.probabilities:
        if study.shuffle:
            return []
        return ["Probabilities are the same in every draw, as far as the server is exact: take 1."]
    notes = []
    for name, point in study.endpoints.items():
        settings = {**study.settings, **point.settings}
        if settings.get("temperature") == 0:
            notes.append(f"At temperature 0, all draws of {name!r} are copies of one answer.")
        if settings.get("seed") is not None:
            notes.append(f"With the setting 'seed', all draws of {name!r} may be copies.")
    return notes


def _budget(
    study: Study, budget: Mapping[str, float], tokens: dict[str, int], cost: dict[str, float]
) -> str:
    needed = {
        "calls": study.n_calls,
        "tokens": sum(tokens.values()),
        "money": sum(cost.values()),
    }
    short = {k: budget[k] / needed[k] for k in budget if needed.get(k, 0) > budget[k]}
    if not budget:
        return ""
    if not short:
        return "suffices"
    name = min(short, key=lambda key: short[key])
    return f"suffices for about {100 * short[name]:.0f}% of the calls ({name}: {budget[name]:,})"
