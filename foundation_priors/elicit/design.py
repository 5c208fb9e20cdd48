"""The design of a study: which calls there are, and what each asks."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from foundation_priors.elicit.letters import ERROR
from foundation_priors.elicit.template import names_in
from foundation_priors.elicit.wording import PROFILES, messages_of
from foundation_priors.errors import JournalError
from foundation_priors.synthetic.provenance import plain

if TYPE_CHECKING:
    from foundation_priors.elicit.answers import AnswerSchema
    from foundation_priors.elicit.endpoint import Endpoint
    from foundation_priors.elicit.profiles import Profiles

__all__ = ["ORDER", "ORDERS", "Call", "Cell", "Study", "digest"]

FORMAT = 1
ORDER = "option_order"
ORDERS = ("original", "reversed")
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def digest(value: object) -> str:
    """Return 32 hex digits that are equal for equal JSON values, in whatever order of keys.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return hashlib.blake2b(CANONICAL(value).encode(), digest_size=16).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """What one answer is about: a profile, under levels of the factors, in one draw."""

    profile: str | int
    factors: dict[str, str]
    draw: int


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One request: made when it is needed, so that a call not made costs nothing.

    Parameters
    ----------
    study : Study
        What it belongs to.
    model : str
        The name of the model in the study.
    factors : dict of str to str
        The levels, and the order of the options where it varies.
    draw : int
        From 0.
    rows : range
        The profiles, as positions in the table.
    orders : dict of str to tuple of int
        The order in which each field shows its options, where it is not the original one.
    """

    study: Study = dataclasses.field(repr=False)
    model: str
    factors: dict[str, str]
    draw: int
    rows: range
    orders: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict, repr=False)
    _memo: dict[Any, Any] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """One for each profile."""
        return tuple(Cell(profile, self.factors, self.draw) for profile in self.profiles)

    @property
    def profiles(self) -> tuple[str | int, ...]:
        """The profiles' ids."""
        return self.study.profiles.ids[self.rows.start : self.rows.stop]

    @property
    def keyed(self) -> bool:
        """Whether the answer holds one entry for each profile, under its id."""
        return self.study.per_call > 1

    @property
    def settings(self) -> dict[str, Any]:
        """The sampling settings: the study's, and over them the endpoint's; not to be changed."""
        return self.shared("settings", self._settings)

    def _settings(self) -> dict[str, Any]:
        own = plain(self.study.endpoints[self.model].settings)
        assert isinstance(own, dict)
        return {**self.study.settings, **own}

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the answer."""
        return self.shared("schema", lambda: self.study.schema.json_schema(self))

    def shared(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what calls of equal levels and one profile each have in common, made once.

        Parameters
        ----------
        name : str
            Of what it is.
        make : callable
            Makes it.

        Returns
        -------
        object
            Not to be changed.
        """
        alone = self.keyed or self.study.shuffle
        memo = self._memo if alone else self.study._memo
        place = name if alone else (name, self.model, *self.factors.values())
        if place not in memo:
            memo[place] = make()
        return memo[place]

    @property
    def messages(self) -> list[dict[str, str]]:
        """The messages, as Chat Completions takes them."""
        if "messages" not in self._memo:
            self._memo["messages"] = messages_of(self)
        return self._memo["messages"]

    @property
    def request(self) -> str:
        """32 hex digits: what is sent, equal for all draws."""
        if "request" not in self._memo:
            head = self.shared("head", self._head)
            self._memo["request"] = digest([head, self.messages])
        return self._memo["request"]

    def _head(self) -> str:
        called = self.study.endpoints[self.model].model or self.model
        names = [self.model, called, self.study.probabilities]
        return digest([*names, self.schema, self.settings])

    @property
    def key(self) -> str:
        """32 hex digits: the request, for these cells, in this draw."""
        if "key" not in self._memo:
            cells = [self.draw, self.factors, list(self.profiles)]
            self._memo["key"] = digest([self.request, *cells])
        return self._memo["key"]


@dataclasses.dataclass(frozen=True, eq=False)
class Study:
    """Everything that is asked, as checked by `Elicitation`.

    Parameters
    ----------
    prompt, system, instructions, line : str
        Templates; "" for none, and the instructions are None for those made from the answer.
    schema : AnswerSchema
        What an answer holds.
    profiles : Profiles
        Who is asked about.
    factors : dict of str to dict of str to str
        The text of each level of each factor.
    endpoints : dict of str to Endpoint
        The models.
    settings : dict
        Sampling settings.
    per_call : int
        Profiles in one call.
    shuffle : bool
        Whether each call shows the options in an order of its own.
    probabilities : str or None
        The field whose options' probabilities are read instead of an answer.
    random_seed : int
        Of the orders.
    draws : int
        Answers for each cell.
    probability_error : float
        The most by which an option's probability may be off for what a server does not list.
    """

    prompt: str
    system: str
    instructions: str | None
    line: str
    schema: AnswerSchema
    profiles: Profiles
    factors: dict[str, dict[str, str]]
    endpoints: dict[str, Endpoint]
    settings: dict[str, Any]
    per_call: int = 1
    shuffle: bool = False
    probabilities: str | None = None
    random_seed: int = 0
    draws: int = 1
    probability_error: float = ERROR
    _memo: dict[Any, Any] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def combinations(self) -> list[dict[str, str]]:
        """The levels of all factors, crossed, the first factor slowest."""
        if "combinations" not in self._memo:
            crossed = itertools.product(*self.factors.values())
            names = list(self.factors)
            self._memo["combinations"] = [dict(zip(names, c, strict=True)) for c in crossed]
        return self._memo["combinations"]

    @property
    def used(self) -> list[str]:
        """The columns that some template names, or the list of profiles shows."""
        if "used" not in self._memo:
            texts = [text for levels in self.factors.values() for text in levels.values()]
            templates = [self.prompt, self.system, self.instructions or "", self.line, *texts]
            known = list(self.profiles.columns)
            listed = not self.line and names_in(self.prompt, {PROFILES})
            self._memo["used"] = known if listed else names_in("\n".join(templates), known)
        return self._memo["used"]

    @property
    def batches(self) -> int:
        """How many calls ask all profiles once."""
        return math.ceil(len(self.profiles) / self.per_call)

    @property
    def n_calls(self) -> int:
        """How many calls there are."""
        return len(self.endpoints) * len(self.combinations) * self.draws * self.batches

    @property
    def n_cells(self) -> int:
        """How many answers are asked for."""
        return len(self.endpoints) * len(self.combinations) * self.draws * len(self.profiles)

    def calls(self, model: str | None = None) -> Iterator[Call]:
        """Make the calls one by one, in the order in which to ask.

        Parameters
        ----------
        model : str, optional
            Only those of this model. Default: all, the models in turn.

        Yields
        ------
        Call
            Draws slowest, then profiles, factors and models, so that a run that ends early leaves
            few answers to all profiles rather than all answers to few.
        """
        names = list(self.endpoints) if model is None else [model]
        steps = itertools.product(
            range(self.draws), range(self.batches), range(len(self.combinations)), names
        )
        for draw, batch, combination, name in steps:
            yield self.call(name, combination, draw, batch)

    def call(self, model: str, combination: int, draw: int, batch: int) -> Call:
        """Make one call.

        Parameters
        ----------
        model : str
            Its name.
        combination, draw, batch : int
            Positions: of the levels in `combinations`, of the draw, of the profiles.

        Returns
        -------
        Call
            Nothing of it is worded yet.
        """
        start = batch * self.per_call
        rows = range(start, min(start + self.per_call, len(self.profiles)))
        factors = self.combinations[combination]
        orders = self._orders(factors, draw, rows)
        if self.shuffle:
            shown = [",".join(str(i + 1) for i in order) for order in orders.values()]
            factors = {**factors, ORDER: "|".join(shown)}
        return Call(self, model, factors, draw, rows, orders)

    def _orders(self, factors: dict[str, str], draw: int, rows: range) -> dict[str, tuple]:
        if not self.shuffle:
            return self.schema.orders(None) if factors.get(ORDER) == ORDERS[1] else {}
        ids = list(self.profiles.ids[rows.start : rows.stop])
        return self.schema.orders(Random(digest([self.random_seed, factors, draw, ids])))

    def locate(self, line: Mapping[str, Any]) -> tuple[Call, int] | None:
        """Find the call that a line of a journal answers.

        Parameters
        ----------
        line : mapping
            Of kind ``answer``.

        Returns
        -------
        tuple of (Call, int) or None
            The call, and the number of its first cell where models are slowest, then factors,
            draws and profiles; None if this study does not ask for it.
        """
        cells = line.get("cells") or [{}]
        levels = [cells[0].get("factors", {}).get(name) for name in self.factors]
        combination = self._places("combinations").get(tuple(levels))
        model = self._places("models").get(line.get("model"))
        place, draw = self.profiles.place(cells[0].get("profile")), line.get("draw")
        if model is None or combination is None or place is None or not isinstance(draw, int):
            return None
        if not 0 <= draw < self.draws or place % self.per_call:
            return None
        batch = place // self.per_call
        call = self.call(str(line["model"]), combination, draw, batch)
        if call.key != line.get("key"):
            return None
        before = (model * len(self.combinations) + combination) * self.draws + draw
        return call, before * len(self.profiles) + place

    def _places(self, what: str) -> dict[Any, int]:
        if f"{what} by name" not in self._memo:
            names = [tuple(c.values()) for c in self.combinations]
            found = names if what == "combinations" else list(self.endpoints)
            self._memo[f"{what} by name"] = {name: i for i, name in enumerate(found)}
        return self._memo[f"{what} by name"]

    @property
    def version(self) -> str:
        """32 hex digits: all that is asked, wherever the models run, but for the draws."""
        if "version" not in self._memo:
            called = {name: [p.model or name, p.settings] for name, p in self.endpoints.items()}
            self._memo["version"] = digest({**self._asked(), "models": called})
        return self._memo["version"]

    def record(self) -> dict[str, Any]:
        """Return the journal's line of the study: all that a replay needs, and no key.

        Returns
        -------
        dict
            Of kind ``study``.
        """
        from foundation_priors import __version__

        head = {"kind": "study", "format": FORMAT, "version": self.version}
        line = {**head, **self._asked(), "package": __version__}
        if self.probabilities:
            line["probability_error"] = self.probability_error
        if self.schema.check is not None:
            line["checked"] = True  # by a pydantic model, which the line cannot hold
        return line

    def _asked(self) -> dict[str, Any]:
        names = ("prompt", "system", "instructions", "line", "factors", "settings", "per_call")
        return {
            **{name: getattr(self, name) for name in names},
            "shuffle": self.shuffle,
            "probabilities": self.probabilities,
            "random_seed": self.random_seed,
            "answer": self.schema.record(),
            "models": {name: point.record(name) for name, point in self.endpoints.items()},
            "index": list(self.profiles.ids),
            "profiles": self.profiles.record(),
        }

    @classmethod
    def from_record(cls, line: Mapping[str, Any], draws: int = 1) -> Study:
        """Rebuild a study from its line in a journal.

        Parameters
        ----------
        line : mapping
            As `record` returns it.
        draws : int
            Answers for each cell.

        Returns
        -------
        Study
            Its endpoints have no keys.

        Raises
        ------
        JournalError
            If the line does not hold a study.
        """
        from foundation_priors.elicit.answers import AnswerSchema
        from foundation_priors.elicit.endpoint import Endpoint
        from foundation_priors.elicit.profiles import Profiles

        same = ("prompt", "system", "instructions", "line", "factors", "settings", "per_call")
        try:
            return cls(
                **{name: line[name] for name in (*same, "shuffle", "probabilities", "random_seed")},
                schema=AnswerSchema.from_record(line["answer"], bool(line.get("checked"))),
                profiles=Profiles.from_record(line["profiles"], line["index"]),
                endpoints={name: Endpoint(**entry) for name, entry in line["models"].items()},
                draws=draws,
                probability_error=line.get("probability_error", ERROR),
            )
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise JournalError(
                f"The study {line.get('version')!r} in the journal is damaged"
                f" ({type(error).__name__}): replay it with the Elicitation that asked,"
                " survey.replay(journal)."
            ) from error
