"""Numbers in words: all that a string such as "1.200" or "$450" can mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby

__all__ = ["readings"]

LONGEST = 200  # characters, but for a number of that many digits
SIGN = str.maketrans({"\u2212": "-", "\u2019": "'"})  # a minus, and an apostrophe that groups
AMOUNT = re.compile(
    r"(?P<before>[^\d.,+'(-]*?)(?P<sign>[+-]?)\s*(?P<symbol>[^\d.,+'(\s\w-]*)\s*"
    r"(?P<digits>[\d.](?:[\d.,' ]*\d)?)\.?(?P<power>e[+-]?\d+)?(?P<after>[^\d,+'-]*)"
)
LEAD = r"[1-9]\d{0,2}"  # what stands before groups of three
PLAIN = re.compile(r"\d+(\.\d*)?|\.\d+")
COMMA = re.compile(r"\d+,(?!\d{3}(?!\d))\d+")  # decimal: before exactly three digits it groups
UNSURE = re.compile(r"0\d*,\d{3}")  # decimal, or filled up with zeros
GROUPED = (
    (re.compile(rf"{LEAD}(,\d{{3}})+(\.\d+)?|[1-9]\d?(,\d\d)+,\d{{3}}(\.\d+)?"), ",", "."),
    (re.compile(rf"{LEAD}(\.\d{{3}})+(,\d+)?"), ".", ","),
    (re.compile(rf"{LEAD}( \d{{3}})+(\.\d+)?"), " ", "."),
    (re.compile(rf"{LEAD}('\d{{3}})+(\.\d+)?"), "'", "."),
)
WORD = re.compile(r"\d+|[^\W\d_]+|[^\w\s.,()]")
SPELT = {
    **dict.fromkeys(["$", "usd", "dollar"], "dollar"),
    **dict.fromkeys(["€", "eur", "euro"], "euro"),
    **dict.fromkeys(["£", "gbp", "pound"], "pound"),
    **dict.fromkeys(["¥", "jpy", "yen"], "yen"),
    **dict.fromkeys(["₹", "inr", "rupee"], "rupee"),
    **dict.fromkeys(["¢", "ct", "cent"], "cent"),
    **dict.fromkeys(["%", "pct", "percent"], "percent"),
    **dict.fromkeys(["/", "a", "an", "each", "per"], "per"),
    **{"yr": "year", "hr": "hour", "min": "minute"},
}


def readings(text: str, unit: str = "") -> list[float | int]:
    """Return every number that a string can mean.

    Parameters
    ----------
    text : str
        Without quotes around it, in lower case.
    unit : str
        Which the string may name, in words or by its sign; any other word makes it no number.

    Returns
    -------
    list of float or int
        Different, none if it is no number. A comma before exactly three digits groups thousands,
        and another one is a decimal comma; a full stop before exactly three digits can be either,
        and so can a comma in a number that begins with 0.

    Examples
    --------
    >>> readings("1,200"), readings("1.200"), readings("12,5"), readings("1.234,5")
    ([1200], [1.2, 1200], [12.5], [1234.5])
    >>> readings("0,123")
    [0.123, 123]
    >>> readings("$450", "dollars a month"), readings("450 euros", "dollars")
    ([450], [])
    """
    if len(text) > LONGEST and not text.isdigit():
        return []
    found = AMOUNT.fullmatch(text.translate(SIGN))
    if found is None:
        return []
    named = _words(f"{found['before']} {found['symbol']} {found['after']}")
    named = [word for word, _ in groupby(named)]  # "$450 USD"
    if named and named not in _spellings(unit):
        return []
    digits, power = found["digits"], found["power"] or ""
    out: list[float | int] = []
    if PLAIN.fullmatch(digits):
        out.append(_value(digits + power))
    elif COMMA.fullmatch(digits):
        out.append(_value(digits.replace(",", ".") + power))
    for pattern, group, point in GROUPED:
        if not power and pattern.fullmatch(digits):
            out.append(_value(digits.replace(group, "").replace(point, ".")))
    if not out and UNSURE.fullmatch(digits):
        out = [_value(digits.replace(",", ".") + power)]
        out += [] if power else [_value(digits.replace(",", ""))]
    sign = -1 if found["sign"] == "-" else 1
    return [sign * value for value in dict.fromkeys(out)]


def _value(digits: str) -> float | int:
    is_whole = not set(".e") & set(digits) and len(digits) < 400  # longer ones Python may refuse
    kind: Callable[[str], float | int] = int if is_whole else float
    return kind(digits)


def _words(text: str) -> list[str]:
    """Reduce words about a number to what is compared."""
    plain = text.casefold().replace("per cent", "percent").replace("u.s.", "us")
    words = WORD.findall(plain)
    if "dollar" in words or "dollars" in words or "$" in words:
        words = [word for word in words if word != "us"]
    singular = [w[:-1] if len(w) > 2 and w.endswith("s") and w != "us$" else w for w in words]
    return [SPELT.get(word, word) for word in singular if word != "old"]


def _spellings(unit: str) -> list[list[str]]:
    """Return the unit, and what stands in it before "per"."""
    whole = _words(unit)
    return [whole, whole[: whole.index("per")]] if "per" in whole else [whole]
