"""Labels of elements, ``beta[age]``: how they are written, and which element one means."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from foundation_priors.errors import StatementError, did_you_mean

__all__ = ["label_of", "locate", "readable", "written"]

WIDEST = 120
"""Most characters of a name or label that are shown."""
OFFERED = 1000
"""Most labels among which a similar one is looked for."""
_BIDI = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def locate(
    name: str,
    place: Sequence[str],
    axes: Sequence[Sequence[Any]],
    absent: str = "There is no {}",
) -> tuple[int, ...]:
    """Return the position of an element along each axis, whose coordinates are compared as text.

    ``absent`` is what to say where there is none.

    Raises
    ------
    StatementError
        When there is no such element, or more than one.
    """
    asked = label_of(name, place)
    if not axes:
        raise StatementError(f"{absent.format(asked)}: {readable(name)} is one number.")
    if len(place) != len(axes):
        raise StatementError(
            f"{absent.format(asked)}: that is {len(place)} label{'s' * (len(place) != 1)} for "
            f"{len(axes)} dimension{'s' * (len(axes) != 1)}, and a label with a comma is written "
            "in quotes."
        )
    found = []
    for k, (wanted, axis) in enumerate(zip(place, axes, strict=True)):
        texts = list(map(str, axis))
        hits = [i for i, text in enumerate(texts) if text == wanted]
        if not hits:
            others = (label_of(name, [*place[:k], t, *place[k + 1 :]]) for t in texts[:OFFERED])
            raise StatementError(f"{absent.format(asked)}.{did_you_mean(asked, others)}")
        if len(hits) > 1:
            raise StatementError(
                f"{asked} is {len(hits)} elements, at positions "
                f"{', '.join(map(str, hits[:9]))}, whose labels are equal as text: give the "
                "coordinates labels of their own, or a function of the draws."
            )
        found.append(hits[0])
    return tuple(found)


def label_of(name: str, place: Sequence[object]) -> str:
    """Return an element as it is written in a statement: ``beta[age]``, ``beta['a, b']``."""
    inside = ", ".join(written(str(part)) for part in place)
    return f"{readable(name)}[{inside}]" if len(place) else readable(name)


def written(label: str) -> str:
    """Return a label as a statement writes it, in quotes where it needs them.

    Examples
    --------
    >>> written("age"), written("it's"), written("(0, 1]")
    ('age', "it's", "'(0, 1]'")
    """
    text = readable(label)
    if text and text == text.strip() and text[0] not in "'\"" and not set(text) & set("[],"):
        return text
    mark = '"' if "'" in text and '"' not in text else "'"
    return f"{mark}{text.replace(mark, 2 * mark)}{mark}"


def readable(text: str) -> str:
    """Return a foreign text to show: cut where it is long, and with some characters escaped.

    These are the ones that move the cursor, turn the text around or cannot be encoded.
    """
    if len(text) > WIDEST:
        text = f"{text[: WIDEST - 4]} ..."
    return "".join(
        repr(c)[1:-1] if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in _BIDI else c
        for c in text
    )
