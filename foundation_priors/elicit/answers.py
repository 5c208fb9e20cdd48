"""The schema of an answer: told to the model, asked of the server, and checked when it arrives."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from foundation_priors.elicit.fields import KINDS, Choice, Field, Rejected, Text, shown
from foundation_priors.elicit.letters import ALPHABET, letters_of
from foundation_priors.elicit.reading import bare, groups_in, name_of
from foundation_priors.elicit.schemas import fields_of, is_model
from foundation_priors.errors import did_you_mean

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Call

__all__ = ["AnswerSchema", "Rejected"]

IDS = ("profile", "id", "profile_id")
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
    incomplete : bool
        Whether such a model's checks are not known, of one rebuilt from a journal.

    Examples
    --------
    >>> schema = AnswerSchema.of({"vote": ["Clinton", "Dole"], "place": range(1, 8)})
    >>> schema.read_one('Here it is: {"Vote": "dole", "place": "4"}')
    {'vote': 'Dole', 'place': 4}
    """

    fields: dict[str, Field]
    check: Check | None = None
    incomplete: bool = False

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

    def parse(self, text: str | None, call: Call) -> list[dict[str, Any] | Rejected]:
        """Read and check what a model wrote.

        Parameters
        ----------
        text : str or None
            The message.
        call : Call
            Who was asked about.

        Returns
        -------
        list of dict or Rejected
            For each profile of the call plain values by field, or why there are none.

        Raises
        ------
        Rejected
            If no profile has an answer.
        """
        if not call.keyed:
            return [self.read_one(text, call.orders)]
        return self._read_many(text, [str(profile) for profile in call.profiles], call.orders)

    def probabilities(
        self, content: Sequence[Any] | None, call: Call, text: str | None = None
    ) -> dict[str, Any]:
        """Read the probabilities of the options off the first token of the answer.

        Parameters
        ----------
        content : sequence or None
            The response's ``logprobs.content``.
        call : Call
            What was asked.
        text : str, optional
            The message, where the tokens may be those of thoughts as well.

        Returns
        -------
        dict
            The field, and in it each option's probability, in the original order.

        Raises
        ------
        Rejected
            If the message does not begin with a letter, or its probability is not known.
        """
        name = call.study.probabilities
        assert name is not None
        options = self.options_of(name, call.orders)
        chances = letters_of(content, options, text, call.study.probability_error)
        found = dict(zip(options, chances, strict=True))
        return {name: {option: found[option] for option in self.fields[name].options}}

    def read_one(
        self, text: str | None, orders: Mapping[str, Sequence[int]] | None = None
    ) -> dict[str, Any]:
        """Read and check one answer.

        Parameters
        ----------
        text : str or None
            JSON, with or without a fence or prose around it; where there is one field, its value.
        orders : mapping, optional
            The order in which each field showed its options, where it was not the original one.

        Returns
        -------
        dict
            Plain values by field.

        Raises
        ------
        Rejected
            If there is no answer, or one that does not fit.

        Notes
        -----
        The last object counts: what stands before it and other words was a draft.
        """
        groups = groups_in(text)
        found = [value for value in (groups[-1] if groups else ()) if isinstance(value, dict)]
        if not found and len(self.fields) == 1:
            found = [{name: bare(text or "") for name in self.fields}]
        if not found:
            raise Rejected("not JSON", f"{shown(text)} holds no JSON object.")
        answer = self._checked(found[-1], orders or {})
        for other in found[:-1]:
            if self._fits(other, orders or {}) not in (None, answer):
                raise Rejected("several choices", "There are two different answers.")
        return answer

    def _fits(self, value: object, orders: Mapping[str, Sequence[int]]) -> dict[str, Any] | None:
        try:
            return self._checked(value, orders)
        except Rejected:
            return None

    def _read_many(
        self, text: str | None, profiles: list[str], orders: Mapping[str, Sequence[int]]
    ) -> list[dict[str, Any] | Rejected]:
        groups = [[v for v in group if _holds_objects(v)] for group in groups_in(text, lists=True)]
        groups = [group for group in groups if group]
        every = [value for group in groups for value in group]
        if len(every) > 1 and _id_in(every, profiles):
            groups = [[every]]
        found = [_by_profile(value, profiles) for value in (groups[-1] if groups else ())]
        if not found or found[-1] is None:
            raise Rejected("not JSON", f"{shown(text)} holds no JSON object of profiles.")
        if any(other is not None and other != found[-1] for other in found[:-1]):
            raise Rejected("several choices", "There are two different answers.")
        return self._all(found[-1], profiles, orders)

    def _all(
        self, keyed: dict[str, Any], profiles: list[str], orders: Mapping[str, Sequence[int]]
    ) -> list[dict[str, Any] | Rejected]:
        """Check each profile's answer, so that one that is missing or wrong loses no other."""
        surplus = [name for name in keyed if name not in set(profiles)]
        if surplus and keyed.keys() & set(profiles):
            raise Rejected("surplus profile", f"Nobody asked about {shown(surplus[0])}.")
        out: list[dict[str, Any] | Rejected] = []
        for name in profiles:
            try:
                if name not in keyed:
                    raise Rejected("missing profile", f"There is no answer for {shown(name)}.")
                if isinstance(keyed[name], Rejected):
                    raise keyed[name]
                out.append(self._checked(keyed[name], orders))
            except Rejected as error:
                out.append(error.with_traceback(None))
        lost = [answer for answer in out if isinstance(answer, Rejected)]
        if len(lost) == len(profiles):
            raise lost[0]
        return out

    def _checked(self, value: object, orders: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Rejected("off schema", f"{shown(value)} is no JSON object.")
        names = _names_in(value)
        if len(names) == 1 and not set(names) & {name_of(name) for name in self.fields}:
            inner = next(iter(value.values()))
            if isinstance(inner, dict):  # {"answer": {...}}
                value, names = inner, _names_in(inner)
        out: dict[str, Any] = {}
        for name, field in self.fields.items():
            entry = self._entry(name, value, names)
            try:
                if isinstance(field, Choice):
                    out[name] = field.parse(entry, self.options_of(name, orders))
                else:
                    out[name] = field.parse(entry)
            except Rejected as error:
                raise Rejected(error.reason, f"{name}: {error.detail}") from None
        return out if self.check is None else self.check(out)

    def _entry(self, name: str, value: Mapping[str, Any], names: Mapping[str, list[str]]) -> object:
        """Return what stands under a field's name, however its case and spaces are written."""
        alike = names.get(name_of(name), [])
        entries = [value[n] for n in alike if n == name or n not in self.fields]
        entries = [entry for entry in entries if entry is not None]
        if not entries:
            hint = did_you_mean(name, [n[:40] for n in list(names)[:20]]) if names else ""
            raise Rejected("off schema", f"{name!r} is not answered.{hint[:80]}")
        if any(entry != entries[0] for entry in entries[1:]):
            raise Rejected("several choices", f"{name!r} is answered twice and differently.")
        return entries[0]

    def record(self) -> dict[str, Any]:
        """Return it as JSON can hold it, but for a pydantic model's own checks."""
        return {name: _recorded(field) for name, field in self.fields.items()}

    @classmethod
    def from_record(cls, entry: Mapping[str, Any], checked: bool = False) -> AnswerSchema:
        """Rebuild what `record` wrote, `checked` if a pydantic model had checks of its own."""
        return cls({name: _rebuilt(parts) for name, parts in entry.items()}, incomplete=checked)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _names_in(value: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names in an object by what is compared of them."""
    out: dict[str, list[str]] = {}
    for name in value:
        out.setdefault(name_of(name), []).append(name)
    return out


def _id_in(values: Sequence[Any], profiles: Sequence[str]) -> str | None:
    """Return the name under which the answers in a list hold their profiles.

    It is known, or the first name of each, under which all profiles stand once.
    """
    if not values or not all(isinstance(value, dict) and value for value in values):
        return None
    for name in values[0]:
        if name_of(name) in IDS and all(name in value for value in values):
            return str(name)
    first = next(iter(values[0]))
    held = [str(value[first]) for value in values if next(iter(value)) == first]
    return str(first) if sorted(held) == sorted(profiles) else None


def _holds_objects(value: Any) -> bool:
    """Return whether a value may be answers, and not the [1] of a note."""
    return isinstance(value, dict) or any(isinstance(entry, dict) for entry in value)


def _by_profile(value: Any, profiles: list[str]) -> dict[str, Any] | None:
    """Return the answers under the profiles' ids, None if they are not keyed at all."""
    if isinstance(value, dict) and len(value) == 1 and not set(value) & set(profiles):
        inner = next(iter(value.values()))  # {"answers": ...}
        value = inner if isinstance(inner, list | dict) and len(profiles) > 1 else value
    if isinstance(value, dict):
        pairs = [(str(name), entry) for name, entry in value.items()]
    elif (name := _id_in(value, profiles)) is not None:
        pairs = [(str(entry[name]), entry) for entry in value]
    else:
        return None
    spoken = {name_of(f"profile {name}"): name for name in profiles}
    spoken.update({name_of(name): name for name in profiles})
    out: dict[str, Any] = {}
    for said, entry in pairs:
        name = said if said in profiles else spoken.get(name_of(said), said)
        if name in out and out[name] != entry:
            entry = Rejected("several choices", f"Profile {shown(name)} is answered twice.")
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
