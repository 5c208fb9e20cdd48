"""Templates in which only known names in braces are replaced, so that JSON passes through."""

import datetime
import difflib
import re
from collections.abc import Collection, Mapping

import numpy as np

__all__ = ["as_text", "names_in", "render", "suspects"]

BRACED = re.compile(r"\{([^{}\n]+)\}")
WORD = re.compile(r"\{([^\W\d]\w*)\}")
VALUE = re.compile(r"[:,\[]\s*$")
"""What stands before a word in braces that is a value in JSON rather than a place in a text."""
UNKNOWN = "unknown"


def render(template: str, values: Mapping[str, str]) -> str:
    """Replace the names in braces that are known, once, and leave all else as it is.

    Parameters
    ----------
    template : str
        Text, with or without ``{name}``.
    values : mapping of str to str
        What each known name stands for. A replacement is not looked through again.

    Returns
    -------
    str
        The text, other braces untouched.

    Examples
    --------
    >>> render('Age {age}. Answer as {"vote": "..."}, {name}.', {"age": "26"})
    'Age 26. Answer as {"vote": "..."}, {name}.'
    """
    return BRACED.sub(lambda found: values.get(found[1], found[0]), template)


def names_in(template: str, known: Collection[str]) -> list[str]:
    """Return the known names that a template uses, in order, each once.

    Parameters
    ----------
    template : str
        Text.
    known : collection of str
        Names.

    Returns
    -------
    list of str
        Those that stand in braces.

    Examples
    --------
    >>> names_in("{vote} of {age}, {age}", {"age", "educ", "vote"})
    ['vote', 'age']
    """
    return list(dict.fromkeys(name for name in BRACED.findall(template) if name in known))


def suspects(template: str, known: Collection[str]) -> dict[str, str]:
    """Find single words in braces that are not known, and what they look like.

    Parameters
    ----------
    template : str
        Text.
    known : collection of str
        Names.

    Returns
    -------
    dict of str to str
        The word as it stands, and the name that it resembles, "" where it resembles none.

    Examples
    --------
    >>> suspects('{agee} {"vote": 1} {Age} {city}', ["age", "vote"])
    {'agee': 'age', 'Age': 'age', 'city': ''}
    """
    folded = {name.casefold(): name for name in known}
    found = {}
    for place in WORD.finditer(template):
        word = place[1]
        near = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.7)
        if word not in known and (near or not VALUE.search(template[: place.start()])):
            found[word] = folded[near[0]] if near else ""
    return found


def as_text(value: object) -> str:
    """Write one value of a profile the way a prompt should show it.

    Parameters
    ----------
    value : object
        A string, number, boolean or time, of NumPy or of Python, or None.

    Returns
    -------
    str
        Whole numbers without decimals, times as ISO, "unknown" for what is missing.

    Examples
    --------
    >>> [as_text(value) for value in ("nurse", 35.0, 0.1, None)]
    ['nurse', '35', '0.1', 'unknown']
    >>> as_text(np.datetime64("1996-11-05", "ns"))
    '1996-11-05'
    """
    if isinstance(value, str):
        return value
    if isinstance(value, np.datetime64):
        return _time(value)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return UNKNOWN
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def _time(value: np.datetime64) -> str:
    if np.isnat(value):
        return UNKNOWN
    day = value.astype("datetime64[D]")
    return str(day) if day == value else str(value.astype("datetime64[s]"))
