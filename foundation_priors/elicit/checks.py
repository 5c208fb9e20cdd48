"""What must hold of a study before anybody is asked."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from foundation_priors.elicit.budget import Budget
from foundation_priors.elicit.design import ORDER, ORDERS
from foundation_priors.elicit.endpoint import Endpoint
from foundation_priors.elicit.fields import Choice, Whole
from foundation_priors.elicit.letters import ALPHABET
from foundation_priors.elicit.template import names_in
from foundation_priors.elicit.wording import OWN_NAMES, PROFILES
from foundation_priors.errors import ColumnError, did_you_mean
from foundation_priors.synthetic.build import ROWS, WEIGHT
from foundation_priors.synthetic.provenance import plain

if TYPE_CHECKING:
    from foundation_priors.elicit.answers import AnswerSchema
    from foundation_priors.elicit.design import Study

__all__ = [
    "check_listed",
    "check_names",
    "check_run",
    "check_templates",
    "checked_count",
    "checked_factors",
    "checked_field",
    "checked_models",
    "checked_path",
    "checked_settings",
    "checked_text",
]

TAKEN = {*OWN_NAMES, "source", "model", "draw", "conversation", "probability", ROWS, WEIGHT}
OURS = ("messages", "model", "n", "response_format", "logprobs", "stream", "tools")
SECRET = ("api_key", "authorization", "headers", "extra_headers", "extra_query")


def checked_text(name: str, text: object, empty: bool = True) -> str:
    """Return a template, "" for None, or raise if it is no text."""
    if text is None and empty:
        return ""
    if not isinstance(text, str) or not (text.strip() or empty):
        raise TypeError(f"{name}= is {text!r}, and must be a text in which {{column}} is replaced.")
    return text


def checked_count(name: str, count: object) -> int:
    """Return a whole number of at least 1, or raise."""
    plain_count = count.item() if hasattr(count, "item") else count
    if not isinstance(plain_count, int) or isinstance(plain_count, bool) or plain_count < 1:
        raise ValueError(f"{name}={count!r} must be a whole number of at least 1.")
    return plain_count


def checked_path(journal: object) -> str:
    """Return where the journal is, or raise if it is no path."""
    if not isinstance(journal, str | os.PathLike) or not os.fspath(journal):
        raise TypeError(
            f"journal={journal!r} must be the path of a file such as 'answers.jsonl', in which"
            " every answer is kept."
        )
    return str(os.fspath(journal))


def check_run(budget: object, concurrency: object, batch: object, progress: object) -> None:
    """Raise if what a run takes cannot be meant, before a journal is opened.

    Parameters
    ----------
    budget, concurrency, batch, progress
        As `Elicitation.run` takes them.

    Raises
    ------
    ValueError, TypeError
        Naming it.
    """
    for name, flag in {"batch": batch, "progress": progress}.items():
        if not isinstance(flag, bool):
            raise TypeError(f"{name}={flag!r} must be True or False.")
    checked_count("concurrency", concurrency)
    if budget is not None and not isinstance(budget, Mapping):
        raise TypeError(f"budget={budget!r} must be a dictionary such as {{'calls': 100}}.")
    Budget(budget)


def checked_factors(factors: object) -> dict[str, dict[str, str]]:
    """Return the text of each level of each factor; a list of levels has itself for texts."""
    if factors is None:
        return {}
    if not isinstance(factors, Mapping):
        raise TypeError(
            f"factors= is {factors!r}, and must be a dictionary such as"
            " {'framing': {'plain': 'Estimate ...'}}."
        )
    out = {}
    for name, levels in factors.items():
        given = levels if isinstance(levels, Mapping) else _itself(name, levels)
        texts = {str(level): text for level, text in given.items()}
        odd = [text for text in texts.values() if not isinstance(text, str)]
        if not texts or odd or len(texts) < len(given) or not isinstance(name, str):
            raise ValueError(
                f"The factor {name!r} must have one or more distinct levels, each with a text."
            )
        out[name] = texts
    wrong = [level for level in out.get(ORDER, {}) if level not in ORDERS]
    if wrong:
        raise ValueError(f"The factor {ORDER!r} has the levels {ORDERS}, and not {wrong[0]!r}.")
    return out


def _itself(name: object, levels: object) -> dict[str, str]:
    if isinstance(levels, str) or not isinstance(levels, list | tuple):
        raise TypeError(
            f"The factor {name!r} is {levels!r}, and must be a dictionary of levels and texts, or a"
            " list of levels."
        )
    if len({str(level) for level in levels}) < len(levels):
        raise ValueError(f"The factor {name!r} names a level twice: name it once.")
    return {str(level): str(level) for level in levels}


def checked_models(models: object) -> dict[str, Endpoint]:
    """Return the endpoint of each model, or raise if there is none."""
    if not isinstance(models, Mapping) or not models:
        raise TypeError(
            "models= must name at least one model, as in {'qwen3':"
            " fp.Endpoint('http://localhost:11434/v1')}."
        )
    for name, point in models.items():
        if not isinstance(name, str) or not name or not isinstance(point, Endpoint):
            raise TypeError(
                f"models={{{name!r}: ...}} holds a {type(point).__name__}, and must map a name to"
                " an fp.Endpoint."
            )
        checked_settings(point.settings, f"fp.Endpoint(settings=...) of {name!r}")
    return dict(models)


def checked_settings(settings: object, where: str = "settings=") -> dict[str, Any]:
    """Return sampling settings as JSON can hold them, or raise."""
    if settings is None:
        return {}
    if not isinstance(settings, Mapping) or not all(isinstance(name, str) for name in settings):
        raise TypeError(f"{where} must be a dictionary such as {{'temperature': 1.0}}.")
    for name in settings:
        if name in OURS:
            raise ValueError(f"{where} holds {name!r}, which the study sets itself: leave it out.")
        inside = settings[name] if isinstance(settings[name], Mapping) else {}
        if {str(n).lower() for n in (name, *inside)} & set(SECRET):
            raise ValueError(
                f"{where} holds {name!r}, and settings are written into the journal: give keys and"
                " headers to fp.Endpoint(api_key=..., headers=...), where they stay hidden."
            )
    for name in ("max_tokens", "max_completion_tokens"):
        most = settings.get(name)
        if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
            raise ValueError(f"{where} holds {name!r}, which must be a whole number of at least 1.")
    out = plain(dict(settings))
    assert isinstance(out, dict)
    odd = [name for name, v in out.items() if isinstance(v, float) and not math.isfinite(v)]
    if odd:
        raise ValueError(f"{where} holds {odd[0]!r}, which is not finite.")
    return out


def checked_field(probabilities: object, schema: AnswerSchema, per_call: int) -> str | None:
    """Return the field whose options' probabilities are read, None if answers are drawn."""
    if probabilities is False or probabilities is None:
        return None
    if len(schema.fields) != 1 or per_call != 1:
        raise ValueError(
            "probabilities= reads one token of one answer: ask one question about one profile in a"
            " call, and the others in a study of their own."
        )
    ((name, field),) = schema.fields.items()
    if probabilities is not True and probabilities != name:
        raise ValueError(
            f"probabilities={probabilities!r} is no field.{did_you_mean(probabilities, [name])}"
        )
    if not isinstance(field, Choice | Whole) or not 2 <= len(field.options) <= len(ALPHABET):
        raise ValueError(
            f"probabilities= needs a question with 2 to {len(ALPHABET)} options, and {name!r} is"
            f" {field.form(field.options)}."
        )
    return name


def check_listed(study: Study) -> None:
    """Raise if what is told about the probabilities of options cannot be meant.

    Parameters
    ----------
    study : Study
        With the error allowed, and settings in which ``top_logprobs`` may stand.

    Raises
    ------
    ValueError
        Naming it.
    """
    error = study.probability_error
    if not isinstance(error, int | float) or isinstance(error, bool) or not 0 <= error < 1:
        raise ValueError(f"probability_error={error!r} must be a number from 0 to less than 1.")
    for settings in (study.settings, *(point.settings for point in study.endpoints.values())):
        count = settings.get("top_logprobs", 1)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"'top_logprobs': {count!r} must be a whole number of at least 1.")
        if "top_logprobs" in settings and not study.probabilities:
            raise ValueError(
                "The setting 'top_logprobs' is for options' probabilities: leave it out, or add"
                " probabilities=True."
            )


def check_names(study: Study) -> None:
    """Raise if one name stands for two things.

    Parameters
    ----------
    study : Study
        Its columns, factors and fields.

    Raises
    ------
    ColumnError
        Naming it.
    """
    choices = [name for name, f in study.schema.fields.items() if isinstance(f, Choice)]
    if (study.shuffle or ORDER in study.factors) and not choices:
        raise ValueError("The order of options varies, and answer= holds no list of options.")
    if study.shuffle and ORDER in study.factors:
        raise ValueError(f"Give shuffle_options=True or the factor {ORDER!r}, and not both.")
    options = [f"{name}_options" for name, size in study.schema.sizes.items() if size]
    owners = dict.fromkeys(TAKEN, "used by the package")
    if study.shuffle:
        owners[ORDER] = "the order of the options"
    parts: dict[str, Iterable[str]] = {
        "a column of profiles=": study.profiles.columns,
        "a factor": study.factors,
        "a field of answer=": study.schema.fields,
        "the list of a field's options": options,
    }
    for what, names in parts.items():
        for name in names:
            if name in owners:
                raise ColumnError(f"{name!r} is {what} and also {owners[name]}: {_advice(name)}.")
            if "/" in str(name):
                raise ColumnError(f"{name!r} is {what} and holds '/', as no file can: rename it.")
            owners[name] = what


def _advice(name: str) -> str:
    if name == "profile":
        return "make it the index with frame.set_index('profile')"
    return "rename it"


def check_templates(study: Study) -> None:
    """Raise if a template names what differs between the profiles of one call.

    Parameters
    ----------
    study : Study
        Its templates.

    Raises
    ------
    ValueError
        Naming the column.
    """
    listed = bool(names_in(study.prompt, {PROFILES}))
    if study.line and not listed:
        raise ValueError(
            "line= words one profile in a list of them, and the prompt has no place for the list:"
            " add {profiles} to it."
        )
    words = study.prompt + study.system + (study.instructions or "")
    if study.probabilities and study.instructions is not None and "{answer_form}" not in words:
        raise ValueError(
            "instructions= must show the letters that stand for the options: add {answer_form}."
        )
    if study.per_call == 1:
        return
    if not listed and names_in(study.prompt, {"instructions"}):
        raise ValueError(
            "The prompt is repeated for each profile of a call, and {instructions} with it: take it"
            " out, or list the profiles with {profiles} and word them in line=."
        )
    common = {"system": study.system, "instructions": study.instructions or ""}
    if listed:
        common["prompt"] = study.prompt
    single = {*study.profiles.columns, "profile"}
    for where, text in common.items():
        inner = [
            t for f in names_in(text, study.factors) for t in study.factors[f].values()
        ]  # a factor's text may name columns as well
        for name in names_in("\n".join([text, *inner]), single):
            raise ValueError(
                f"{where}= names {{{name}}}, which differs between the profiles of one call: name"
                " it in line= or, without {profiles}, in the prompt, or set per_call=1."
            )
