"""The schema of an answer: told to the model, asked of the server, and checked when it arrives."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from foundation_priors.elicit.fields import KINDS, Choice, Field, Rejected, Text, shown
from foundation_priors.elicit.letters import ALPHABET, letters_of
from foundation_priors.elicit.reading import bare, json_in, name_of
from foundation_priors.elicit.schemas import fields_of, is_model
from foundation_priors.errors import did_you_mean

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Call

__all__ = ["AnswerSchema", "Rejected"]

Check = Callable[[dict[str, Any]], dict[str, Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class AnswerSchema:
    """What an answer holds.

    Parameters
    ----------
    fields : dict of str to Field
        One for each question.
    check : callable, optional
        What a pydantic model adds: a function of the checked values that returns them or raises
        `Rejected`.

    Examples
    --------
    >>> schema = AnswerSchema.of({"vote": ["Clinton", "Dole"], "place": range(1, 8)})
    >>> schema.read_one('Here it is: {"Vote": "dole", "place": "4"}')
    {'vote': 'Dole', 'place': 4}
    """

    fields: dict[str, Field]
    check: Check | None = None

    @classmethod
    def of(cls, answer: object) -> AnswerSchema:
        """Make it from what a user writes down, see `fields_of`."""
        fields = fields_of(answer)
        return cls(fields, _checker(answer, fields) if is_model(answer) else None)

    @property
    def sizes(self) -> dict[str, int]:
        """How many options each field lists, 0 where it lists none."""
        return {name: len(field.options) for name, field in self.fields.items()}

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The fields that are numbers or choices."""
        return tuple(name for name, f in self.fields.items() if not isinstance(f, Text))

    def options_of(self, name: str, orders: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
        """Return the options of a field in the order in which they are shown."""
        options = self.fields[name].options
        return tuple(options[i] for i in orders[name]) if name in orders else options

    def orders(self, rng: Random | None) -> dict[str, tuple[int, ...]]:
        """Return another order for the options of each choice.

        Parameters
        ----------
        rng : random.Random or None
            Draws a permutation, or for ordered options one of both directions. None reverses all.

        Returns
        -------
        dict of str to tuple of int
            Positions in the original order.
        """
        out = {}
        for name, field in self.fields.items():
            if not isinstance(field, Choice):
                continue
            places = list(range(len(field.options)))
            if rng is None or (field.ordered and rng.random() < 0.5):
                places.reverse()
            elif not field.ordered:
                rng.shuffle(places)
            out[name] = tuple(places)
        return out

    def form(self, call: Call) -> str:
        """Show in words what an answer looks like.

        Parameters
        ----------
        call : Call
            Who is asked about, and in which order options are shown.

        Returns
        -------
        str
            Of one line; for several profiles, with the ids of the first and second.
        """
        if call.study.probabilities:
            options = self.options_of(call.study.probabilities, call.orders)
            return "\n".join(f"{a}: {o}" for a, o in zip(ALPHABET, options, strict=False))
        entries = [f'"{n}": {self._form(n, call.orders)}' for n in self.fields]
        one = f"{{{', '.join(entries)}}}"
        if not call.keyed:
            return one
        more = f', "{call.profiles[1]}": ...' if len(call.profiles) > 1 else ""
        return f'{{"{call.profiles[0]}": {one}{more}}}'

    def _form(self, name: str, orders: Mapping[str, Sequence[int]]) -> str:
        field = self.fields[name]
        note = f" ({field.description})" if field.description else ""
        return f"{field.form(self.options_of(name, orders))}{note}"

    def asking(self, call: Call) -> str:
        """Return the words that ask for the form, for every server alike."""
        if call.study.probabilities:
            return f"Answer with one letter only:\n{self.form(call)}"
        if not call.keyed:
            return f"Answer with nothing but JSON in this form:\n{self.form(call)}"
        return (
            f"Answer with nothing but JSON, one entry for each of the {len(call.profiles)} profiles"
            f" under its name, in this form:\n{self.form(call)}"
        )

    def instructions(self, call: Call) -> str:
        """Return what is added for a server that does not enforce a JSON schema."""
        return f"The answer must fit this JSON schema:\n{json.dumps(call.schema)}"

    def json_schema(self, call: Call) -> dict[str, Any]:
        """Return the JSON schema, strict as OpenAI's structured output wants it.

        Parameters
        ----------
        call : Call
            Who is asked about, and in which order options are shown.

        Returns
        -------
        dict
            Of an object; for several profiles, of one whose names are their ids.
        """
        parts = {}
        for name, field in self.fields.items():
            part = field.json_schema(self.options_of(name, call.orders))
            unit = getattr(field, "unit", "")
            note = field.description or (f"in {unit}" if unit else "")
            parts[name] = {**part, **({"description": note} if note else {})}
        if not call.keyed:
            return _object(parts)
        one = {"$ref": "#/$defs/answer"}
        many = _object({str(profile): one for profile in call.profiles})
        return {**many, "$defs": {"answer": _object(parts)}}

    def parse(self, text: str | None, call: Call) -> list[dict[str, Any]]:
        """Read and check what a model wrote.

        Parameters
        ----------
        text : str or None
            The message.
        call : Call
            Who was asked about.

        Returns
        -------
        list of dict
            Plain values by field, one for each profile of the call.

        Raises
        ------
        Rejected
            If there is no answer, not exactly one, or one that does not fit.
        """
        if not call.keyed:
            return [self.read_one(text)]
        return self._read_many(text, [str(profile) for profile in call.profiles])

    def probabilities(self, content: Sequence[Any] | None, call: Call) -> dict[str, Any]:
        """Read the probabilities of the options off the first token of the answer.

        Parameters
        ----------
        content : sequence or None
            The response's ``logprobs.content``.
        call : Call
            What was asked.

        Returns
        -------
        dict
            The field, and in it each option's probability, in the original order.

        Raises
        ------
        Rejected
            If the options' letters have less than half of the probability.
        """
        name = call.study.probabilities
        assert name is not None
        options = self.options_of(name, call.orders)
        found = dict(zip(options, letters_of(content, len(options)), strict=True))
        return {name: {option: found[option] for option in self.fields[name].options}}

    def read_one(self, text: str | None) -> dict[str, Any]:
        """Read and check one answer.

        Parameters
        ----------
        text : str or None
            JSON, with or without a fence or prose around it; where there is one field, its value.

        Returns
        -------
        dict
            Plain values by field.

        Raises
        ------
        Rejected
            If there is no answer, or one that does not fit.
        """
        found = [value for value in json_in(text) if isinstance(value, dict)]
        if not found and len(self.fields) == 1:
            found = [{name: bare(text or "") for name in self.fields}]
        return _only_valid(found, self._checked, text)

    def _read_many(self, text: str | None, profiles: list[str]) -> list[dict[str, Any]]:
        found = json_in(text, lists=True)
        if len(found) > 1 and all(isinstance(v, dict) and _id_in(v) for v in found):
            found = [found]
        keyed = [_by_profile(value, profiles) for value in found]
        return _only_valid([k for k in keyed if k], lambda k: self._all(k, profiles), text)

    def _all(self, keyed: dict[str, Any], profiles: list[str]) -> list[dict[str, Any]]:
        missing = [name for name in profiles if name not in keyed]
        surplus = [name for name in keyed if name not in set(profiles)]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise Rejected("missing profile", f"There is no answer for {missing[0]!r}{more}.")
        if surplus:
            raise Rejected("surplus profile", f"Nobody asked about {shown(surplus[0])}.")
        return [self._checked(keyed[name]) for name in profiles]

    def _checked(self, value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Rejected("off schema", f"{shown(value)} is no JSON object.")
        given = {name_of(str(name)): entry for name, entry in value.items()}
        if len(given) == 1 and not set(given) & {name_of(name) for name in self.fields}:
            inner = next(iter(given.values()))
            if isinstance(inner, dict):  # {"answer": {...}}
                given = {name_of(str(name)): entry for name, entry in inner.items()}
        given |= {name: value[name] for name in self.fields if name in value}
        out = {}
        for name, field in self.fields.items():
            entry = given.get(name, given.get(name_of(name)))
            if entry is None:
                hint = did_you_mean(name, given) if given else ""
                raise Rejected("off schema", f"{name!r} is not answered.{hint[:80]}")
            try:
                out[name] = field.parse(entry)
            except Rejected as error:
                raise Rejected(error.reason, f"{name}: {error.detail}") from None
        return out if self.check is None else self.check(out)

    def record(self) -> dict[str, Any]:
        """Return it as JSON can hold it, but for a pydantic model's own checks."""
        return {name: _recorded(field) for name, field in self.fields.items()}

    @classmethod
    def from_record(cls, entry: Mapping[str, Any]) -> AnswerSchema:
        """Rebuild what `record` wrote."""
        return cls({name: _rebuilt(parts) for name, parts in entry.items()})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _only_valid(found: list[Any], check: Callable[[Any], Any], text: str | None) -> Any:
    """Return the one candidate that passes, or raise what is wrong with the last."""
    passed: list[Any] = []
    problem = Rejected("not JSON", f"{shown(text)} holds no JSON object.")
    for candidate in found:
        try:
            passed.append(check(candidate))
        except Rejected as error:
            problem = error
    if not passed:
        raise problem
    if any(other != passed[0] for other in passed[1:]):
        raise Rejected("several choices", f"There are {len(passed)} different answers.")
    return passed[0]


def _id_in(value: dict[str, Any]) -> str | None:
    """Return the name under which an answer in a list holds its profile."""
    return next((name for name in value if name_of(name) in ("profile", "id", "profile_id")), None)


def _by_profile(value: Any, profiles: list[str]) -> dict[str, Any] | None:
    """Return the answers under the profiles' ids, None if they are not keyed at all."""
    if isinstance(value, dict) and len(value) == 1 and not set(value) & set(profiles):
        inner = next(iter(value.values()))  # {"answers": ...}
        value = inner if isinstance(inner, list | dict) and len(profiles) > 1 else value
    if isinstance(value, dict):
        pairs = [(str(name), entry) for name, entry in value.items()]
    elif value and all(isinstance(entry, dict) and _id_in(entry) for entry in value):
        pairs = [(str(entry[_id_in(entry)]), entry) for entry in value]
    else:
        return None
    spoken = {name_of(f"profile {name}"): name for name in profiles}
    spoken.update({name_of(name): name for name in profiles})
    out: dict[str, Any] = {}
    for said, entry in pairs:
        name = said if said in profiles else spoken.get(name_of(said), said)
        if name in out and out[name] != entry:
            raise Rejected("several choices", f"Profile {name!r} is answered twice.")
        out[name] = entry
    return out


def _checker(model: Any, fields: dict[str, Field]) -> Check:
    from pydantic import ValidationError

    def check(values: dict[str, Any]) -> dict[str, Any]:
        try:
            made = model.model_validate(values, by_name=True)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the answer"
            raise Rejected("off schema", f"{where}: {first['msg']}.") from None
        dumped = made.model_dump(mode="json")
        return {name: field.parse(dumped[name]) for name, field in fields.items()}

    return check


def _recorded(field: Field) -> dict[str, Any]:
    parts = {part.name: getattr(field, part.name) for part in dataclasses.fields(field)}
    values = parts.get("values")
    if isinstance(values, range):
        parts["values"] = {"range": [values.start, values.stop, values.step]}
    return {
        "kind": field.kind,
        **{n: list(v) if isinstance(v, tuple) else v for n, v in parts.items()},
    }


def _rebuilt(entry: Mapping[str, Any]) -> Field:
    parts = {name: value for name, value in entry.items() if name != "kind"}
    if isinstance(parts.get("values"), dict):
        parts["values"] = range(*parts["values"]["range"])
    made: Callable[..., Field] = KINDS[entry["kind"]]
    return made(**{name: tuple(v) if isinstance(v, list) else v for name, v in parts.items()})
