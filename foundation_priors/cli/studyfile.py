"""A study as a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation_priors.cli.permits import Permits
from foundation_priors.cli.profilesfile import profiles_of
from foundation_priors.cli.usage import NotAllowed, UsageError
from foundation_priors.errors import FoundationPriorsError, did_you_mean

if TYPE_CHECKING:
    from foundation_priors.elicit import Elicitation, Endpoint

__all__ = ["StudyFile", "parsed", "read_study"]

TEXTS = ("prompt", "system", "line", "instructions")
FILES = tuple(f"{name}_file" for name in TEXTS)
PLAIN = ("per_call", "shuffle_options", "probabilities", "probability_error", "random_seed")
TABLES = ("answer", "factors", "models", "settings")
KNOWN = (*TEXTS, *FILES, *PLAIN, *TABLES, "profiles")
MODEL = ("base_url", "model", "api_key_env", "price", "timeout", "max_bytes", "settings")
TYPED = {
    "draws": "--draws",
    "journal": "--journal",
    "concurrency": "--concurrency",
    "batch": "--batch",
    "budget": "--budget-calls, --budget-tokens or --budget-money",
}
SECRETS = {"api_key", "apikey", "authorization", "headers", "extra_headers", "default_headers"}
ANSWERS = {
    "options": ("options", "ordered", "description"),
    "low": ("low", "high", "description"),
    "high": ("low", "high", "description"),
    "number": ("number", "unit", "description"),
    "text": ("text", "description"),
}
WORDS = ("text", "number", "boolean")


@dataclass(frozen=True)
class StudyFile:
    """What a file asks, and what a budget depends on.

    Parameters
    ----------
    survey : Elicitation
        The study.
    endpoints : dict of str to Endpoint
        Its models.
    settings : dict
        Of sampling.
    probabilities : bool
        Whether it reads probabilities of one token.
    """

    survey: Elicitation
    endpoints: dict[str, Endpoint]
    settings: dict[str, Any]
    probabilities: bool


def read_study(path: Path, permits: Permits | None = None) -> StudyFile:
    """Read a study.

    Parameters
    ----------
    path : pathlib.Path
        A TOML file. Other files that it names are looked for beside it.
    permits : Permits, optional
        Which keys it may send, and which files it may read. Default: no key, and those beneath its
        folder.

    Returns
    -------
    StudyFile
        Checked; nobody is asked.

    Raises
    ------
    UsageError
        If it cannot be meant, in one sentence.
    """
    content = parsed(path)
    try:
        return _study(content, path.parent, permits or Permits())
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    except (FoundationPriorsError, ValueError, TypeError) as error:
        raise UsageError(f"{path}: {error}") from error


def parsed(path: Path) -> dict[str, Any]:
    """Return what a study's file says, unchecked; what is no TOML is a `UsageError`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"The study {str(path)!r} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The study {str(path)!r} is not in UTF-8: save it as such.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The study {str(path)!r} is no TOML: {error}.") from None
    except RecursionError:
        raise UsageError(f"The study {str(path)!r} is nested too deeply.") from None


def _study(content: dict[str, Any], folder: Path, permits: Permits) -> StudyFile:
    from foundation_priors.elicit import Elicitation

    _no_keys(content)
    for name in content:
        if name in TYPED:
            raise UsageError(f"{name!r} is no part of a study: type {TYPED[name]}.")
    _known(content, KNOWN, "a study")
    given = {name: content[name] for name in PLAIN if name in content}
    refused: list[str] = []

    def allowed[T](get: Callable[[], T]) -> T | None:
        """Go on after a refusal, so that all of them are told at once."""
        try:
            return get()
        except NotAllowed as error:
            refused.append(str(error))
            return None

    texts = {n: partial(_text, content, n, folder, permits) for n in TEXTS}
    given |= {name: allowed(text) for name, text in texts.items()}
    if given["prompt"] is None and not refused:
        raise UsageError('There is no prompt: add prompt = "..." or prompt_file = "prompt.txt".')
    settings = _settings(content, "[settings]")
    models = _models(_table(content, "models"), permits)
    endpoints = {name: point for name, get in models if (point := allowed(get)) is not None}
    profiles = allowed(lambda: profiles_of(content.get("profiles"), folder, permits))
    if refused:
        raise UsageError(" ".join(dict.fromkeys(refused)))
    survey = Elicitation(
        **given,
        answer={name: _answer(name, form) for name, form in _table(content, "answer").items()},
        profiles=profiles,
        models=endpoints,
        factors=content.get("factors"),
        settings=settings,
    )
    return StudyFile(survey, endpoints, settings, bool(content.get("probabilities")))


def _no_keys(content: dict[str, Any]) -> None:
    for where, name in _names(content):
        if name.lower().replace("-", "_") in SECRETS:
            raise UsageError(
                f"{name!r} in {where}: a study holds no keys and no headers, so put the key into an"
                ' environment variable and name that with api_key_env = "NAME" under [models.NAME].'
            )


def _names(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each name that may be a key's, and where it stands."""
    models = content.get("models")
    tables = {f"[models.{n}]": t for n, t in models.items()} if isinstance(models, dict) else {}
    parts = {"the file": content, "[settings]": content.get("settings"), "[models]": models}
    for where, part in {**parts, **tables}.items():
        for name, value in part.items() if isinstance(part, dict) else ():
            yield where, name
            for inner in value if name == "settings" and isinstance(value, dict) else ():
                yield where, inner


def _known(given: Mapping[str, Any], known: Collection[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise UsageError(f"There is no {name!r} in {what}.{did_you_mean(name, known)}")


def _table(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = content.get(name)
    if not isinstance(value, dict) or not value:
        example = {"answer": 'vote = ["Clinton", "Dole"]', "models": 'base_url = "http://..."'}
        place = {"answer": "[answer]", "models": "[models.NAME]"}
        raise UsageError(f"There is no table {place[name]}: add one, with {example[name]} in it.")
    return value


def _text(content: Mapping[str, Any], name: str, folder: Path, permits: Permits) -> str | None:
    named = content.get(f"{name}_file")
    if named is None:
        return content.get(name)
    if name in content:
        raise UsageError(f"There are {name!r} and '{name}_file': keep one of them.")
    if not isinstance(named, str):
        raise UsageError(f"{name}_file is {named!r}, and must be the name of a file.")
    try:
        return (
            permits.file(folder, named, f"{name}_file").read_text(encoding="utf-8-sig").rstrip("\n")
        )
    except OSError as error:
        raise UsageError(f"{name}_file = {named!r} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{name}_file = {named!r} is not in UTF-8: save it as such.") from None


def _settings(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    settings = content.get("settings", {})
    if not isinstance(settings, dict):
        raise UsageError(f"{where} must be a table, with temperature = 1.0 in it, for instance.")
    for name in settings:
        if name in KNOWN or name in TYPED:
            raise UsageError(
                f"{name!r} stands under {where}, where all names go to the server: move it above"
                " the first [table]."
            )
    return settings


def _models(
    models: Mapping[str, Any], permits: Permits
) -> Iterator[tuple[str, Callable[[], Endpoint]]]:
    for name, entry in models.items():
        where = f"[models.{name}]"
        if not isinstance(entry, dict):
            raise UsageError(f"{name!r} under [models] must be a table of its own, {where}.")
        _no_dots(name, entry)
        _known(entry, MODEL, where)
        yield name, partial(_endpoint, entry, where, permits)


def _endpoint(entry: Mapping[str, Any], where: str, permits: Permits) -> Endpoint:
    from foundation_priors.elicit import Endpoint
    from foundation_priors.elicit.address import checked_url

    given = {key: entry[key] for key in ("base_url", "model") if key in entry}
    for key, value in given.items():
        if not isinstance(value, str):
            raise UsageError(f"{key!r} of {where} must be a text.")
    timeout = entry.get("timeout", 600)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise UsageError(f"'timeout' of {where} must be a number of seconds.")
    try:
        address = checked_url(Endpoint(**given).address)
        return Endpoint(
            **given,
            api_key=permits.key(_variable(entry, where), address, where, "base_url" in given),
            price=entry.get("price"),
            timeout=timeout,
            max_bytes=entry.get("max_bytes", Endpoint.max_bytes),
            settings=_settings(entry, f"the settings of {where}"),
        )
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def _no_dots(name: str, entry: Mapping[str, Any]) -> None:
    for key, value in entry.items():
        if isinstance(value, dict) and key not in MODEL:
            whole = f"{name}.{key}"
            raise UsageError(
                f"[models.{whole}] is a table in a table: a name with a dot needs quotes,"
                f' [models."{whole}"].'
            )


def _variable(entry: Mapping[str, Any], where: str) -> str | None:
    variable = entry.get("api_key_env")
    if variable is None or isinstance(variable, str) and variable.isidentifier():
        return variable
    # It is not repeated, since it may be a key that was put here by mistake.
    raise UsageError(
        f"api_key_env of {where} must be the name of an environment variable, and not a key."
    )


def _answer(name: str, form: object) -> object:
    """Turn what TOML can say of an answer into what `Elicitation` takes."""
    from foundation_priors.elicit import Number, Text

    if isinstance(form, str):
        words = {"text": Text(), "number": Number(), "boolean": bool}
        if form not in words:
            raise UsageError(
                f"{form!r} is no kind of answer to {name!r}.{did_you_mean(form, WORDS)}"
            )
        return words[form]
    if not isinstance(form, dict):
        return form
    kind = next((key for key in ANSWERS if key in form), None)
    if kind is None:
        raise UsageError(
            f"The answer {name!r} says none of options = [...], low and high, number = [low, high],"
            " and text = LENGTH."
        )
    _known(form, ANSWERS[kind], f"the answer {name!r}")
    try:
        return _field(kind, form)
    except (TypeError, ValueError, KeyError) as error:
        raise UsageError(f"The answer {name!r}: {_why(kind, error)}") from None


def _why(kind: str, error: Exception) -> str:
    if type(error) is ValueError:
        return str(error)
    return {
        "options": "options must be a list of texts.",
        "number": "number must be two numbers, as [0, 5000]; inf is no bound.",
        "text": "text must be the most characters, as 200.",
    }.get(kind, "low and high must both be there, and be whole numbers.")


def _field(kind: str, form: Mapping[str, Any]) -> object:
    from foundation_priors.elicit import Number, Text
    from foundation_priors.elicit.fields import Choice, Whole

    note = form.get("description", "")
    if kind == "options":
        options = form["options"]
        if not isinstance(options, list) or not all(isinstance(o, str) for o in options):
            raise TypeError
        return Choice(tuple(options), bool(form.get("ordered", False)), note)
    if kind == "number":
        low, high = (None if abs(bound) == float("inf") else bound for bound in form["number"])
        return Number(low, high, form.get("unit", ""), note)
    if kind == "text":
        return Text(form["text"], note)
    low, high = form["low"], form["high"]
    if not all(isinstance(bound, int) and not isinstance(bound, bool) for bound in (low, high)):
        raise TypeError
    return Whole(range(low, high + 1), note)
