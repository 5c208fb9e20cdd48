"""What a user expects to be answered, written down before asking."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Self

from foundation_priors.errors import UnreliableWarning, warn

if TYPE_CHECKING:
    from foundation_priors.elicit.elicitation import Elicitation

__all__ = ["NOW", "Anticipation"]

NOW = "now"
FIELDS = ("quantity", "value", "mean", "sd", "quantiles", "who", "when", "note")


@dataclass(frozen=True)
class Anticipation:
    """What somebody expects a language model to say, written down before asking it.

    Parameters
    ----------
    quantity : str
        The column of the answers that it is about.
    value : float, optional
        One number, without more. Give exactly one of ``value``, ``mean`` and ``quantiles``.
    mean, sd : float, optional
        Of the answers; the sd may be left out.
    quantiles : mapping of float to float, optional
        From probabilities to values, in the unit of the answers, ``{0.05: 1, 0.5: 3, 0.95: 6}``:
        with the median, or with one on each side of it.
    who : str
        The user who expects it.
    when : str, date or datetime, optional
        When it was written down, in ISO 8601: the present moment by default, None where that was
        not recorded.
    note : str
        Why it is expected.

    Attributes
    ----------
    centre : float
        The value, the mean or the median.
    interval : tuple of float, or None
        The outermost quantiles, or the central 90% of a normal distribution with mean and sd.

    Raises
    ------
    ValueError
        When nothing is anticipated or too much, or it makes no sense.

    Notes
    -----
    It is a prior of the user's about the answers, and `foundation_priors.diagnose.circularity`
    asks how far revisions of the prompt have moved the answers there. What is written down
    afterwards proves nothing.

    Examples
    --------
    >>> expected = Anticipation("return_percent", quantiles={0.1: 1, 0.9: 5}, who="low", when=None)
    >>> round(expected.centre, 6), expected.interval
    (3.0, (1.0, 5.0))
    >>> Anticipation.from_json(expected.to_json()) == expected
    True
    """

    quantity: str
    value: float | None = None
    mean: float | None = None
    sd: float | None = None
    quantiles: Mapping[float, float] | None = None
    who: str = "user"
    when: str | date | None = NOW
    note: str = ""

    def __post_init__(self) -> None:
        """Check, and put numbers, dates and quantiles into one form."""
        for name in ("quantity", "who"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text:
                raise ValueError(f"{name}={text!r} of an anticipation must be a name.")
        if not isinstance(self.note, str):
            raise ValueError(f"note={self.note!r} of an anticipation must be text.")
        given = [n for n in ("value", "mean", "quantiles") if getattr(self, n) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "nothing"
            raise ValueError(
                f"An anticipation takes one of value=, mean= and quantiles=, and got {found}."
            )
        for name in ("value", "mean", "sd"):
            given_number = getattr(self, name)
            self._put(name, None if given_number is None else _number(name, given_number))
        if self.sd is not None and (self.mean is None or self.sd <= 0):
            raise ValueError(
                f"sd={self.sd:g} of an anticipation must be positive and stand beside mean=."
            )
        self._put("quantiles", _ordered(self.quantiles))
        self._put("when", _iso(self.when))

    def _put(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        """Hash as what is equal."""
        return hash(self.to_json())

    @property
    def centre(self) -> float:
        """The value, the mean or the median."""
        if self.value is not None:
            return self.value
        if self.mean is not None:
            return self.mean
        from statistics import NormalDist

        import numpy as np

        assert self.quantiles is not None
        scores = [NormalDist().inv_cdf(p) for p in self.quantiles]
        return float(np.interp(0.0, scores, list(self.quantiles.values())))

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where most of it lies, None for a single number."""
        if self.quantiles is not None and len(self.quantiles) > 1:
            ends = list(self.quantiles.values())
            return ends[0], ends[-1]
        if self.mean is not None and self.sd is not None:
            return self.mean - 1.645 * self.sd, self.mean + 1.645 * self.sd
        return None

    def before(self, first: str | date | None) -> bool | None:
        """Say whether it was written down before a time, None where that cannot be told.

        Examples
        --------
        >>> expected = Anticipation("y", value=1, when="2026-01-02")
        >>> expected.before("2026-01-03T10:00"), expected.before("2026-01-02T10:00")
        (True, None)
        """
        if self.when is None or first is None:
            return None
        own, other = str(self.when), str(_iso(first))
        if len(own) == 10 or len(other) == 10:  # a day alone
            return None if own[:10] == other[:10] else own[:10] < other[:10]
        return datetime.fromisoformat(own) < datetime.fromisoformat(other)

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps(self._plain())

    def _plain(self) -> dict[str, Any]:
        plain = {n: v for n, v in asdict(self).items() if v is not None and v != ""}
        if self.quantiles is not None:
            plain["quantiles"] = [[p, x] for p, x in self.quantiles.items()]
        return plain

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Undo `to_json`."""
        try:
            plain = json.loads(text)
        except (TypeError, ValueError):
            raise ValueError(
                "This is no JSON of an anticipation: give what to_json wrote."
            ) from None
        return cls._from(plain)

    @classmethod
    def _from(cls, plain: Any) -> Self:
        if not isinstance(plain, dict) or "quantity" not in plain or not set(plain) <= set(FIELDS):
            raise ValueError("This is no JSON of an anticipation: give what to_json wrote.")
        plain = {"when": None, **plain}
        if "quantiles" in plain:
            plain["quantiles"] = {p: x for p, x in plain["quantiles"]}
        return cls(**plain)

    def write(self, journal: str | os.PathLike, survey: Elicitation) -> None:
        """Put it into a journal, on the line that says what a survey is going to ask.

        Parameters
        ----------
        journal : str or path
            The file that ``survey.run(journal)`` will go on with; it is made if it isn't there.
        survey : Elicitation
            The first version of the question.

        Warns
        -----
        UnreliableWarning
            When the journal already holds answers.
        """
        from foundation_priors.elicit.journal import Journal
        from foundation_priors.elicit.run import now

        study = survey._study
        if self.quantity not in study.schema.fields:
            raise ValueError(
                f"The survey asks for {', '.join(study.schema.fields)}, and the anticipation is "
                f"about {self.quantity!r}: name a field of the answer."
            )
        with Journal(journal) as kept:
            if len(kept):
                warn(
                    f"The anticipation of {self.who!r} is written into a journal that holds "
                    "answers already: it was not made before asking.",
                    UnreliableWarning,
                )
            kept.write({**study.record(), "anticipation": self._plain(), "time": now()})

    @classmethod
    def read(cls, journal: str | os.PathLike) -> list[Self]:
        """Return the anticipations of a journal, in the order in which they were written."""
        from foundation_priors.elicit.journal import read

        lines = (line.get("anticipation") for line in read(journal))
        return [cls._from(plain) for plain in lines if plain is not None]


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name}={value!r} of an anticipation must be a finite number.")
    return number


def _ordered(quantiles: Any) -> dict[float, float] | None:
    if quantiles is None:
        return None
    if not isinstance(quantiles, Mapping) or not quantiles:
        raise ValueError(
            f"quantiles={quantiles!r} of an anticipation must map probabilities to values, such as "
            "{.05: 1, .5: 3, .95: 6}."
        )
    pairs = sorted(
        (_number("probability", p), _number("quantile", x)) for p, x in quantiles.items()
    )
    p, x = zip(*pairs, strict=True)
    if p[0] <= 0 or p[-1] >= 1:
        raise ValueError(f"The probabilities {p} of an anticipation must lie between 0 and 1.")
    if any(b <= a for a, b in zip(x, x[1:], strict=False)):
        raise ValueError(f"The quantiles {x} of an anticipation must rise with the probability.")
    if not p[0] <= 0.5 <= p[-1]:
        raise ValueError(
            "The quantiles of an anticipation must hold the median or lie on both sides of it."
        )
    return dict(pairs)


def _iso(when: Any) -> str | None:
    """Return a day, or a moment in UTC, in ISO 8601."""
    if when is None:
        return None
    if isinstance(when, str) and when == NOW:
        when = datetime.now(UTC)
    try:
        if isinstance(when, str) and len(when) > 10:
            when = datetime.fromisoformat(when)
        if isinstance(when, datetime):
            aware = when if when.tzinfo else when.replace(tzinfo=UTC)
            return aware.astimezone(UTC).isoformat(timespec="milliseconds")
        return (date.fromisoformat(when) if isinstance(when, str) else when).isoformat()
    except (AttributeError, TypeError, ValueError):
        raise ValueError(
            f"when={when!r} is no date: write it as 2026-01-31, or as 2026-01-31T12:00."
        ) from None
