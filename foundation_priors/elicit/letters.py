"""Probabilities of the options of one question, from the log-probabilities of one token."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from foundation_priors.elicit.fields import Rejected, shown

__all__ = ["ALPHABET", "LEAST", "letters_of"]

ALPHABET = "ABCDEFGHIJKLMNOPQRST"  # as many as the log-probabilities that a server returns
LEAST = 0.5
MARKS = " \t\r\n\"'`*_()[]{}.:,-▁Ġ"


def letters_of(content: Sequence[Any] | None, size: int) -> list[float]:
    """Return the probability of each letter in the first token that says one.

    Parameters
    ----------
    content : sequence or None
        The response's ``logprobs.content``: objects, or mappings, with ``token``, ``logprob`` and
        ``top_logprobs``.
    size : int
        How many letters there are: A, B, ...

    Returns
    -------
    list of float
        Shape (size,), renormalised over the letters, so that they add to 1.

    Raises
    ------
    Rejected
        If there are no log-probabilities, or the letters have less than half of the probability.

    Notes
    -----
    Tokens that are the same letter but for case, space and marks are added up. Tokens of white
    space or marks before the letter, and a name and colon where the answer is JSON, are passed
    over.

    Examples
    --------
    >>> top = [{"token": "A", "logprob": math.log(0.6)}, {"token": " b", "logprob": math.log(0.2)}]
    >>> [round(p, 3) for p in letters_of([{**top[0], "top_logprobs": top}], 2)]
    [0.75, 0.25]
    """
    if not content:
        raise Rejected("no probabilities", "The response holds no log-probabilities.")
    token = content[_place(content)]
    alternatives = [*(_get(token, "top_logprobs") or []), token]
    seen: dict[str, float] = {}
    for entry in alternatives:
        seen.setdefault(
            str(_get(entry, "token")), math.exp(min(0.0, float(_get(entry, "logprob"))))
        )
    masses = [0.0] * size
    for text, mass in seen.items():
        letter = text.strip(MARKS).upper()
        if len(letter) == 1 and letter in ALPHABET[:size]:
            masses[ALPHABET.index(letter)] += mass
    total = sum(masses)
    if not LEAST <= total <= 1.01:
        raise Rejected(
            "no option",
            f"The letters have a probability of {total:.2g} in {shown(_get(token, 'token'))}.",
        )
    return [mass / total for mass in masses]


def _place(content: Sequence[Any]) -> int:
    """Return the position of the first token of the answer."""
    said, starts = "", []
    for entry in content:
        starts.append(len(said))
        said += str(_get(entry, "token"))
    begins = re.match(r"\s*(```\w*\s*)?\{\s*\"[^\"]*\"\s*:\s*\"?", said)
    at = begins.end() if begins else 0
    for place, entry in enumerate(content):
        if starts[place] >= at and str(_get(entry, "token")).strip(MARKS):
            return place
    return 0


def _get(entry: Any, name: str) -> Any:
    return entry.get(name) if isinstance(entry, dict) else getattr(entry, name, None)
