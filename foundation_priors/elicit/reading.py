"""Find the answer in what a model wrote: JSON, fenced or not, with or without prose around it."""

from __future__ import annotations

import json
import re
from typing import Any

from foundation_priors.elicit.fields import Rejected, shown

__all__ = ["bare", "json_in", "name_of"]

REFUSAL = re.compile(
    r"\b(i['’]m sorry|i am sorry|i apologi[sz]e|i (can(no|['’])t|can ?not|won['’]t|am (not able"
    r"|unable)|['’]m (not able|unable))|as an ai)\b",
    re.IGNORECASE,
)
FENCE = re.compile(r"^```(\w*\n)?|```$")
THOUGHT = "think>"


def json_in(text: str | None, lists: bool = False) -> list[Any]:
    """Return the outermost JSON objects in a text, in order.

    Parameters
    ----------
    text : str or None
        What the model wrote.
    lists : bool
        Whether a JSON list is an answer too.

    Returns
    -------
    list
        Of objects, and of lists if asked for. What stands inside one is not returned again. Empty
        if there is none.

    Raises
    ------
    Rejected
        If the text is empty, refuses in words, or repeats a name with another value.

    Examples
    --------
    >>> json_in('Sure! {"vote": "Dole"} Anything else?')
    [{'vote': 'Dole'}]
    """
    said = _spoken(text or "")
    found, at = [], 0
    opening = re.compile(r"[{\[]" if lists else r"\{")
    while (start := opening.search(said, at)) is not None:
        try:
            value, at = DECODER.raw_decode(said, start.start())
            found.append(value)
        except (ValueError, RecursionError) as error:
            if isinstance(error, Rejected):
                raise
            at = start.end()
    if not found and REFUSAL.search(said):
        raise Rejected("refusal", f"The model said {shown(said)}.")
    return found


def bare(text: str) -> str:
    """Return a text without thoughts and without a fence around it.

    Examples
    --------
    >>> bare("<think>Hm.</think> ```Dole```")
    'Dole'
    """
    return FENCE.sub("", _spoken(text)).strip()


def name_of(text: str) -> str:
    """Reduce a name to what is compared: no case, and one underscore for all that is no letter.

    Examples
    --------
    >>> name_of(" Self-Placement")
    'self_placement'
    """
    return re.sub(r"\W+", "_", text.strip()).casefold()


def _spoken(text: str) -> str:
    """Cut off what a reasoning model thought before it spoke."""
    after = text.rpartition(f"</{THOUGHT}")[2]
    said = after.partition(f"<{THOUGHT}")[0].strip("\ufeff \t\r\n")
    if not said:
        raise Rejected("empty", "The model said nothing.")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in pairs:
        if name in out and out[name] != value:
            raise Rejected("several choices", f"{shown(name)} is answered twice and differently.")
        out[name] = value
    return out


# NaN and Infinity are read, so that a field can say what is wrong with them.
DECODER = json.JSONDecoder(object_pairs_hook=_once, strict=False)
