"""What one question can be answered with: how to say it, how to ask for it, how to check it."""

from __future__ import annotations

import dataclasses
import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, ClassVar

from foundation_priors.elicit.numerals import readings
from foundation_priors.errors import did_you_mean

__all__ = ["KINDS", "Choice", "Field", "Flag", "Number", "Rejected", "Text", "Whole", "fold"]

LABEL = re.compile(r"\(?(\d{1,3}|[a-z])(?:\s?[.):\]]\s*|\s+[-–—]\s+)(\S.*)", re.DOTALL)
LONGEST = 10_000  # characters of what may be an option or a number
LARGEST = 10**300  # of whole numbers, which have no end
LISTED = 100  # whole numbers up to this many are listed in the schema, which every server knows


class Rejected(ValueError):
    """An answer that cannot be used.

    Parameters
    ----------
    reason : str
        A few words, the same for all answers that fail in the same way.
    detail : str
        One sentence about this answer.
    reasons : sequence of str or None, optional
        Of a call about several profiles of which some are answered: the reason for each, None for
        those that are.
    """

    def __init__(self, reason: str, detail: str, reasons: Sequence[str | None] = ()) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.reasons = tuple(reasons)


def fold(text: str) -> str:
    """Reduce a string to what is compared: no case, one space, no quotes or full stop around it.

    Examples
    --------
    >>> fold(' "Strong  democrat." ')
    'strong democrat'
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    return plain.strip(" \"'`*“”‘’").rstrip(".").strip(" \"'`*“”‘’").casefold()


def shown(value: object) -> str:
    """Return the beginning of an answer, for a sentence about it."""
    text = repr(value[:61] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """One of several options.

    Parameters
    ----------
    options : tuple of str
        At least two, different by more than case.
    ordered : bool
        Whether their order means something.
    description : str
        What is asked, for the schema.
    """

    options: tuple[str, ...]
    ordered: bool = False
    description: str = ""
    kind: ClassVar[str] = "choice"

    def __post_init__(self) -> None:
        """Check the options."""
        folded = [fold(option) for option in self.options]
        if len(self.options) < 2 or len(set(folded)) < len(folded) or not all(folded):
            raise ValueError(
                f"The options {list(self.options)} must be two or more, none empty, and different"
                " by more than case, spaces and quotes."
            )

    def form(self, options: Sequence[str]) -> str:
        """Say in words what to write."""
        return " or ".join(f'"{option}"' for option in options)

    def json_schema(self, options: Sequence[str]) -> dict[str, Any]:
        """Return the JSON schema."""
        return {"type": "string", "enum": list(options)}

    def parse(self, value: object, shown_as: Sequence[str] = ()) -> str:
        """Return the option that was meant.

        Parameters
        ----------
        value : object
            What was answered: an option, with or without its number or letter before it.
        shown_as : sequence of str, optional
            The options in the order in which they were shown. Default: the original order.

        Returns
        -------
        str
            One of the options.

        Raises
        ------
        Rejected
            If it is none, or more than one.
        """
        if isinstance(value, list):
            raise Rejected("several choices", f"{shown(value)} is a list and not one option.")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # of the options "1" and "2"
        if not isinstance(value, str) or len(value) > LONGEST:
            raise Rejected("off schema", f"{shown(value)} is none of the options.")
        wanted, options = fold(value), {fold(option): option for option in self.options}
        if wanted in options:
            return options[wanted]
        label = LABEL.fullmatch(wanted)
        named = options.get(fold(label[2])) if label else None
        if label and named is not None:
            mark, places = label[1], [fold(o) for o in shown_as or self.options]
            if not (_numbers(mark, fold(named), places) and options.get(mark, named) == named):
                raise Rejected(
                    "several choices", f"{shown(value)} is the number of another option."
                )
            return named
        if sum(_holds(wanted, option) for option in options) > 1:
            raise Rejected("several choices", f"{shown(value)} names more than one option.")
        hint = did_you_mean(value[:200], self.options)
        raise Rejected("off schema", f"{shown(value)} is none of the options.{hint}")


@dataclasses.dataclass(frozen=True, slots=True)
class Whole:
    """A whole number: one of a range, or of a list.

    Parameters
    ----------
    values : range or tuple of int
        What it can be.
    description : str
        What is asked, for the schema.
    """

    values: range | tuple[int, ...]
    description: str = ""
    kind: ClassVar[str] = "whole"

    def __post_init__(self) -> None:
        """Check the values."""
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise ValueError(f"{self.values!r} must hold two or more different whole numbers.")

    @property
    def options(self) -> tuple[str, ...]:
        """The numbers as strings, if they are few."""
        return tuple(str(v) for v in self.values) if len(self.values) <= LISTED else ()

    def form(self, options: Sequence[str]) -> str:
        """Say in words what to write."""
        if isinstance(self.values, range) and abs(self.values.step) == 1:
            return f"a whole number from {min(self.values)} to {max(self.values)}"
        if len(self.values) <= LISTED:
            return "one of " + ", ".join(str(value) for value in self.values)
        first, second, last = self.values[0], self.values[1], self.values[-1]
        return f"one of {first}, {second}, ..., {last}"

    def json_schema(self, options: Sequence[str]) -> dict[str, Any]:
        """Return the JSON schema."""
        if len(self.values) <= LISTED:
            return {"type": "integer", "enum": list(self.values)}
        return {"type": "integer", "minimum": min(self.values), "maximum": max(self.values)}

    def parse(self, value: object) -> int:
        """Return the number that was meant."""
        numbers = [n for n in _numbers_in(value, "") if float(n).is_integer()]
        if not numbers:
            raise Rejected("off schema", f"{shown(value)} is no whole number.")
        return int(_only(value, [n for n in numbers if n in self.values], self.form(self.options)))


@dataclasses.dataclass(frozen=True, slots=True)
class Number:
    """A number with bounds, which are included, and a unit, which the model is told.

    Parameters
    ----------
    low, high : float, optional
        The bounds. Default: none.
    unit : str
        Of what it is a number: "cents", "years".
    description : str
        What is asked, for the schema.

    Examples
    --------
    >>> Number(0, 5000, unit="cents").form(())
    'a number from 0 to 5000, in cents'
    """

    low: float | None = None
    high: float | None = None
    unit: str = ""
    description: str = ""
    kind: ClassVar[str] = "number"
    options: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Check the bounds."""
        for bound in (self.low, self.high):
            is_number = isinstance(bound, int | float) and not isinstance(bound, bool)
            if bound is not None and not (is_number and math.isfinite(bound)):
                raise ValueError(f"The bound {bound!r} of a Number must be finite, or None.")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"Number({self.low}, {self.high}): the first must be the lower bound.")

    def form(self, options: Sequence[str]) -> str:
        """Say in words what to write."""
        bounds = {
            (False, False): "",
            (True, False): f" of at least {self.low}",
            (False, True): f" of at most {self.high}",
            (True, True): f" from {self.low} to {self.high}",
        }[self.low is not None, self.high is not None]
        return f"a number{bounds}{f', in {self.unit}' if self.unit else ''}"

    def json_schema(self, options: Sequence[str]) -> dict[str, Any]:
        """Return the JSON schema."""
        bounds = {"minimum": self.low, "maximum": self.high}
        return {"type": "number", **{k: v for k, v in bounds.items() if v is not None}}

    def parse(self, value: object) -> float:
        """Return the number that was meant."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        within = [n for n in _numbers_in(value, self.unit) if low <= n <= high]
        return float(_only(value, within, self.form(()))) + 0.0  # which turns -0.0 into 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no.

    Parameters
    ----------
    description : str
        What is asked, for the schema.
    """

    description: str = ""
    kind: ClassVar[str] = "flag"
    options: ClassVar[tuple[str, ...]] = ()

    def form(self, options: Sequence[str]) -> str:
        """Say in words what to write."""
        return "true or false"

    def json_schema(self, options: Sequence[str]) -> dict[str, Any]:
        """Return the JSON schema."""
        return {"type": "boolean"}

    def parse(self, value: object) -> bool:
        """Return what was meant."""
        if isinstance(value, bool):
            return value
        known = {"true": True, "yes": True, "false": False, "no": False}
        if isinstance(value, str) and fold(value) in known:
            return known[fold(value)]
        raise Rejected("off schema", f"{shown(value)} is neither true nor false.")


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """Free text, which is kept beside the answers and enters no model.

    Parameters
    ----------
    max_length : int, optional
        In characters. Default: no limit.
    description : str
        What is asked, for the schema.

    Examples
    --------
    >>> Text(max_length=200).form(())
    '"text of at most 200 characters"'
    """

    max_length: int | None = None
    description: str = ""
    kind: ClassVar[str] = "text"
    options: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Check the length."""
        whole = isinstance(self.max_length, int) and not isinstance(self.max_length, bool)
        if self.max_length is not None and not (whole and self.max_length > 0):
            raise ValueError(f"max_length={self.max_length!r} must be a whole number above 0.")

    def form(self, options: Sequence[str]) -> str:
        """Say in words what to write."""
        most = f" of at most {self.max_length} characters" if self.max_length else ""
        return f'"text{most}"'

    def json_schema(self, options: Sequence[str]) -> dict[str, Any]:
        """Return the JSON schema; the length is left out, since strict servers refuse it."""
        return {"type": "string"}

    def parse(self, value: object) -> str:
        """Return the text without space around it."""
        if not isinstance(value, str):
            raise Rejected("off schema", f"{shown(value)} is no text.")
        text = value.strip()
        if self.max_length is not None and len(text) > self.max_length:
            raise Rejected(
                "out of range", f"The text has {len(text)} characters, not {self.max_length}."
            )
        # Files know neither half of a surrogate pair nor a character of no width at all.
        if any(0xD800 <= ord(c) <= 0xDFFF or c == "\0" for c in text):
            raise Rejected("off schema", "The text holds characters that no file can hold.")
        return text


Field = Choice | Whole | Number | Flag | Text
KINDS: dict[str, type[Field]] = {kind.kind: kind for kind in (Choice, Whole, Number, Flag, Text)}


def _holds(text: str, option: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(option)}(?!\w)", text) is not None


def _numbers(mark: str, option: str, places: Sequence[str]) -> bool:
    """Return whether a number or a letter may be that of an option."""
    if not mark.isdigit():
        at = ord(mark) - ord("a")
        return at >= len(places) or places[at] == option
    counted = [places[at] for at in (int(mark) - 1, int(mark)) if 0 <= at < len(places)]
    return option in counted or not counted  # from 1, from 0, or a code of the prompt's own


def _numbers_in(value: object, unit: str) -> list[int | float]:
    """Return all that a value can mean as a number: one where it is a number of JSON."""
    if isinstance(value, str):
        text = fold(value[:LONGEST])
        if text in ("nan", "inf", "infinity", "-inf", "-infinity"):
            raise Rejected("not finite", f"{shown(value)} is no finite number.")
        found = readings(text, unit)
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        found = [value] if is_number else []  # type: ignore[list-item]
    if not found:
        raise Rejected("off schema", f"{shown(value)} is no number.")
    finite = [n for n in found if abs(n) <= LARGEST]
    if not finite:
        raise Rejected("not finite", f"{shown(value)} is no number that can be used.")
    return finite


def _only(value: object, within: Sequence[int | float], form: str) -> int | float:
    """Return the one reading that lies within the bounds."""
    if not within:
        raise Rejected("out of range", f"{shown(value)} is not {form}.")
    if len(within) > 1:
        both = " or ".join(f"{number:,}" for number in within)
        raise Rejected("ambiguous", f"{shown(value)} can be {both}.")
    return within[0]
