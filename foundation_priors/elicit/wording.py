"""How a call is worded: its messages, with the form of the answer in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundation_priors.elicit.template import names_in, render

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Call, Study

__all__ = ["OWN_NAMES", "PROFILES", "known_names", "messages_of"]

PROFILES = "profiles"  # the name of the list of the profiles of a call
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
    values = call.shared("values", lambda: _shared(call))
    if call.keyed:
        values = _with_instructions(call, dict(values))
        user = _many(call, values)
    else:
        row = call.rows.start
        own = _own(call, row, values)
        if call.shared("listed", lambda: names_in(study.prompt, {PROFILES})):
            own[PROFILES] = _line(call, row, values)
        values = _with_instructions(call, own)
        user = render(study.prompt, values)
    if not call.shared("placed", lambda: _places_instructions(study)) and values["instructions"]:
        user = f"{user}\n\n{values['instructions']}"
    head = [{"role": "system", "content": render(study.system, values)}] if study.system else []
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
    own = {**profiles.texts(row, call.study.used), "profile": str(profiles.ids[row])}
    known = {**shared, **own}
    factors = {name: render(shared[name], known) for name in call.study.factors}
    return {**shared, **own, **factors}


def _line(call: Call, row: int, shared: dict[str, str]) -> str:
    own = _own(call, row, shared)
    if call.study.line:
        return f"{own['profile']}: {render(call.study.line, own)}"
    known = [f"{name}: {own[name]}" for name in call.study.profiles.columns]
    return f"{own['profile']}: {', '.join(known)}"


def _many(call: Call, values: dict[str, str]) -> str:
    study = call.study
    if not _names_one(study):
        return render(study.prompt, values)
    if names_in(study.prompt, {PROFILES}):
        lines = "\n".join(_line(call, row, values) for row in call.rows)
        return render(study.prompt, {**values, PROFILES: lines})
    blocks = [
        f"Profile {study.profiles.ids[row]}:\n{render(study.prompt, _own(call, row, values))}"
        for row in call.rows
    ]
    return "\n\n".join(blocks)


def _names_one(study: Study) -> bool:
    """Say whether the prompt words each profile, and not one question for all of them."""
    texts = [text for levels in study.factors.values() for text in levels.values()]
    single = {*study.profiles.columns, "profile", PROFILES}
    return bool(names_in("\n".join([study.prompt, *texts]), single))


def _places_instructions(study: Study) -> bool:
    return bool(names_in(study.prompt + study.system, {"instructions"}))


def _with_instructions(call: Call, values: dict[str, str]) -> dict[str, str]:
    schema, own = call.study.schema, call.study.instructions
    values["answer_form"] = call.shared("form", lambda: schema.form(call))
    asking = call.shared("asking", lambda: schema.asking(call))
    values["instructions"] = asking if own is None else render(own, values)
    return values
