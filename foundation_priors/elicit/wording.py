"""How a call is worded: its messages, with the form of the answer in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundation_priors.elicit.template import names_in, render

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Call, Study

__all__ = ["OWN_NAMES", "known_names", "messages_of"]

PROFILES = "profiles"
OWN_NAMES = ("profile", PROFILES, "instructions", "answer_form")


def messages_of(call: Call) -> list[dict[str, str]]:
    """Word a call.

    Parameters
    ----------
    call : Call
        What is asked.

    Returns
    -------
    list of dict
        The system's message, if there is one, and the user's.
    """
    study = call.study
    values = _shared(call)
    if call.keyed:
        user, system = _many(call, values), values
    else:
        row = call.rows.start
        own = _own(call, row, values)
        if names_in(study.prompt, {PROFILES}):
            own[PROFILES] = _line(call, row, values)
        user, system = render(study.prompt, _with_instructions(call, own)), own
        if "{instructions}" not in study.prompt:
            user = _join(user, own["instructions"])
    head = [{"role": "system", "content": render(study.system, system)}] if study.system else []
    return [*head, {"role": "user", "content": user}]


def known_names(study: Study) -> list[str]:
    """Return every name that a template of a study may use.

    Parameters
    ----------
    study : Study
        With columns, factors and fields.

    Returns
    -------
    list of str
        Columns, factors, ``{field}_options`` and our own.
    """
    options = [f"{name}_options" for name, size in study.schema.sizes.items() if size]
    return [*study.profiles.columns, *study.factors, *options, *OWN_NAMES]


def _shared(call: Call) -> dict[str, str]:
    """Return what all profiles of a call have in common."""
    study, schema = call.study, call.study.schema
    values = {
        f"{name}_options": ", ".join(schema.options_of(name, call.orders))
        for name, size in schema.sizes.items()
        if size
    }
    for name, levels in study.factors.items():
        values[name] = levels[call.factors[name]]
    return values


def _own(call: Call, row: int, shared: dict[str, str]) -> dict[str, str]:
    """Add what is known of one profile, in the texts of the factors too."""
    profiles = call.study.profiles
    own = {**profiles.texts(row), "profile": str(profiles.ids[row])}
    known = {**shared, **own}
    factors = {name: render(shared[name], known) for name in call.study.factors}
    return {**shared, **own, **factors}


def _line(call: Call, row: int, shared: dict[str, str]) -> str:
    own = _own(call, row, shared)
    if call.study.line:
        return f"{own['profile']}: {render(call.study.line, own)}"
    known = [f"{name}: {own[name]}" for name in call.study.profiles.columns]
    return f"{own['profile']}: {', '.join(known)}"


def _many(call: Call, shared: dict[str, str]) -> str:
    prompt = call.study.prompt
    values = _with_instructions(call, dict(shared))
    if names_in(prompt, {PROFILES}):
        values[PROFILES] = "\n".join(_line(call, row, shared) for row in call.rows)
        user = render(prompt, values)
    else:
        blocks = [
            f"Profile {call.study.profiles.ids[row]}:\n"
            f"{render(prompt, {**_own(call, row, shared), 'instructions': ''})}"
            for row in call.rows
        ]
        return _join("\n\n".join(blocks), values["instructions"])
    return user if "{instructions}" in prompt else _join(user, values["instructions"])


def _with_instructions(call: Call, values: dict[str, str]) -> dict[str, str]:
    values["answer_form"] = call.study.schema.form(call)
    own = call.study.instructions
    text = call.study.schema.asking(call) if own is None else render(own, values)
    values["instructions"] = text
    return values


def _join(text: str, instructions: str) -> str:
    return f"{text}\n\n{instructions}" if instructions else text
