"""Probabilities of the options of one question, from the log-probabilities of one token."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from foundation_priors.elicit.fields import Rejected, fold, shown
from foundation_priors.elicit.reading import OPENS, SPECIAL, thoughts_end

__all__ = ["ALPHABET", "ERROR", "LEAST", "letters_of"]

ALPHABET = "ABCDEFGHIJKLMNOPQRST"  # as many as the log-probabilities that a server returns
LEAST = 0.5
ERROR = 0.02  # the most by which a probability may be off for what the server does not list
LONGEST = 50  # characters of a token that is one letter among marks
SLACK = 0.01  # by which rounding may put a log-probability above 0
FILLER = 1e-9  # what servers list below it stands for "not among the most likely"
MORE = "ask for more with settings={'top_logprobs': ...}"
PREFIX = re.compile(r"\s*(?:```\w*\s*)?\{\s*(?:\"[^\"]*\"|'[^']*')\s*:\s*[\"']?")
# After a letter: a word, also in quotes or brackets, or a mark within one, as in "A voter",
# 'A "voter"', "A's", "A-level" and "A/B"; or another letter, as in "A, B or C".
CONTINUES = re.compile(
    r"[ \t\xa0]*(?:['’.,\-–/&+@#]?[^\W_]|[/&+])|[ \t\xa0]+[\"'“‘«(\[*_]+[^\W_]"
    r"|\s*,\s*(?P<other>[A-T])(?![\w'’])"
)


def letters_of(
    content: Sequence[Any] | None,
    options: int | Sequence[str],
    text: str | None = None,
    error: float = ERROR,
) -> list[float]:
    """Return the probability of each letter at the place where the message says one.

    Parameters
    ----------
    content : sequence or None
        The response's ``logprobs.content``: objects, or mappings, with ``token``, ``logprob`` and
        ``top_logprobs``.
    options : int or sequence of str
        How many letters there are, A, B, ..., or what they stand for, in that order.
    text : str, optional
        The message, where the tokens may be those of the model's thoughts as well.
    error : float, optional
        The most by which an option's probability may be off for what the server does not list.

    Returns
    -------
    list of float
        Shape (option,), renormalised over the letters, so that they add to 1.

    Raises
    ------
    Rejected
        If the message does not begin with a letter, there are no log-probabilities, the letters
        have less than half of the probability, or what is not listed could move one of them by
        more than `error`.

    Notes
    -----
    The letter is the first token of the message, after thoughts, tokens of white space or marks,
    and a name and colon where the answer is JSON. It must be a token of its own and no word of a
    sentence, as the article of "A voter ...". Tokens that are the same letter but for case, space
    and marks are added up.

    Let the letters that are listed have the probabilities m_k, together S, let all that is listed
    add up to T, and let s be the smallest of the most likely tokens. Each of the u options that is
    not listed has at most b = min(s, 1 - T), and all of them c = min(u s, 1 - T). So an option
    that is not listed may have up to b / (S + b) instead of 0, and one that is listed down to
    m_k / (S + c) instead of m_k / S. Rarer ways to write an option that is listed are left out.

    Examples
    --------
    >>> top = [{"token": "A", "logprob": math.log(0.6)}, {"token": " b", "logprob": math.log(0.2)}]
    >>> [round(p, 3) for p in letters_of([{**top[0], "top_logprobs": top}], 2)]
    [0.75, 0.25]
    """
    if not content:
        raise Rejected("no probabilities", "The response holds no log-probabilities.")
    names = [""] * options if isinstance(options, int) else list(options)
    token = content[_place(content, names, text)]
    top = _masses(_get(token, "top_logprobs"))
    seen = {**_masses([token]), **top}
    if not seen:
        raise Rejected("no probabilities", "The message's letter has no log-probability.")
    masses = [0.0] * len(names)
    for said, mass in seen.items():
        letter = _letter(said, len(names))
        if letter is not None:
            masses[letter] += mass
    listed, total = sum(seen.values()), sum(masses)
    if listed > 1.01:
        raise Rejected("no probabilities", f"The probabilities add up to {listed:.3g}.")
    if total < LEAST:
        where = shown(_token(token))
        raise Rejected("no option", f"The letters have a probability of {total:.2g} in {where}.")
    smallest = min((mass for mass in top.values() if mass > FILLER), default=1.0)
    off = _off(masses, smallest, max(0.0, 1.0 - listed))
    if off > error:
        raise Rejected(
            "not listed",
            f"The server lists {len(seen)} tokens and not every letter, so that a probability may"
            f" be off by {off:.2g}: {MORE}.",
        )
    return [mass / total for mass in masses]


def _off(masses: Sequence[float], smallest: float, rest: float) -> float:
    """Return by how much the options' probabilities may be off for those that are not listed."""
    total, missing = sum(masses), sum(mass == 0 for mass in masses)
    if not missing:
        return 0.0
    one, every = min(smallest, rest), min(missing * smallest, rest)
    return max(one / (total + one), max(masses) / total - max(masses) / (total + every))


def _place(content: Sequence[Any], names: Sequence[str], text: str | None) -> int:
    """Return the position of the token that is the message's letter."""
    ends, said = [], ""
    for entry in content:
        said += _token(entry)
        ends.append(len(said))
    begin = _begin(said, text)
    if OPENS.match(said[begin:].lstrip()):
        raise Rejected("truncated", "All tokens went into thoughts: raise max_tokens.")
    prefix = PREFIX.match(said, begin)
    begin = prefix.end() if prefix else begin
    for place, end in enumerate(ends):
        piece = _token(content[place])
        if end <= begin or not re.search(r"[^\W_]", SPECIAL.sub("", piece)):
            continue
        letter = _letter(piece, len(names))
        word = end - len(piece)
        if letter is None:
            raise Rejected("no option", f"The message begins with {shown(said[word:].strip())}.")
        after = word + re.search(r"[^\W_]", piece).end()  # type: ignore[union-attr]
        rest = SPECIAL.sub("", said[after : after + 1000])
        more = CONTINUES.match(rest)
        listed = more is not None and more["other"] is not None
        if listed and _letter(more["other"], len(names)) is None:  # type: ignore[index]
            more = None  # as in "A, I think"
        if more and not _says(rest, names[letter]):
            raise Rejected("no option", f"{shown(said[word:].strip())} is no letter alone.")
        return place
    raise Rejected("empty", "The message holds no letter.")


def _begin(said: str, text: str | None) -> int:
    """Return where in all that the tokens say the message begins."""
    message = (text or "")[thoughts_end(text or "") :].strip()
    at = said.rfind(message) if message else -1
    if at >= 0 and not re.search(r"[^\W_]", SPECIAL.sub("", said[at + len(message) :])):
        return max(at, thoughts_end(said))
    return thoughts_end(said)


def _says(rest: str, option: str) -> bool:
    """Return whether the words after a letter are its own option's."""
    own, words = fold(option), fold(rest.lstrip(" \t\xa0\"'“‘«([*_"))
    return bool(own) and words.startswith(own) and not words[len(own) : len(own) + 1].isalnum()


def _letter(token: str, size: int) -> int | None:
    """Return which letter a token is, None if it is none."""
    if len(token) > LONGEST:
        return None
    plain = re.sub(r"^[\W_]+|[\W_]+$", "", unicodedata.normalize("NFKC", token)).upper()
    return ALPHABET.index(plain) if len(plain) == 1 and plain in ALPHABET[:size] else None


def _token(entry: Any) -> str:
    """Return a token with spaces as such, which vocabularies spell otherwise."""
    token = _get(entry, "token")
    text = token if isinstance(token, str) else ""
    return re.sub(r"^[▁ĠĊ]+", lambda found: "\n" if "Ċ" in found[0] else " ", text)


def _masses(entries: Any) -> dict[str, float]:
    """Return the probabilities of tokens, of those whose log-probability is a number."""
    out: dict[str, float] = {}
    for entry in entries if isinstance(entries, list | tuple) else ():
        logprob = _get(entry, "logprob")
        is_number = isinstance(logprob, int | float) and not isinstance(logprob, bool)
        if is_number and logprob <= SLACK:
            out.setdefault(_token(entry), math.exp(max(-1e4, min(0.0, logprob))))
    return out


def _get(entry: Any, name: str) -> Any:
    return entry.get(name) if isinstance(entry, Mapping) else getattr(entry, name, None)
