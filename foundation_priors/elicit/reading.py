"""Find the answer in what a model wrote: JSON, or as Python writes it, with or without prose."""

from __future__ import annotations

import json
import re
from typing import Any

from foundation_priors.elicit.fields import Rejected, shown

__all__ = [
    "SPECIAL",
    "bare",
    "groups_in",
    "is_whole",
    "loads",
    "name_of",
    "spoken",
    "thoughts_end",
]

DEEPEST = 64  # levels of brackets in JSON from outside; the parser below calls itself for each
SCANNED = 1_000_000  # characters looked at in vain for the ends of objects, so that it ends soon
REFUSAL = re.compile(
    r"\b(i['’]m sorry|i am sorry|i apologi[sz]e|i (can(no|['’])t|can ?not|won['’]t|am (not able"
    r"|unable)|['’]m (not able|unable))|as an ai)\b",
    re.IGNORECASE,
)
FENCE = re.compile(r"^```(\w*\n)?|```$")
NAMES = (
    r"(?:\w+:)?(?:think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad|deliberation"
    r"|chain[-_ ]of[-_ ]thought|inner[-_ ]monologue)"
)
OPENING = (
    rf"<{NAMES}(?:\s[^<>]{{0,200}})?>|\[THINK\]|◁think▷|<\|begin_of_(?:thought|thinking)\|>"
    r"|<\|channel\|>\s*(?:analysis|commentary)"
)
CLOSING = (
    rf"</{NAMES}\s*>|\[/THINK\]|◁/think▷|<\|end_of_(?:thought|thinking)\|>"
    r"|<\|channel\|>\s*final[^<>]{0,20}(?:<\|constrain\|>[^<>]{0,20})?<\|message\|>"
)
OPENS = re.compile(OPENING, re.IGNORECASE)
CLOSES = re.compile(CLOSING, re.IGNORECASE)
THOUGHT = re.compile(rf"(?:{OPENING}).*?(?:{CLOSING})", re.IGNORECASE | re.DOTALL)
# The marks of chat templates, where a server lets them through, and those that end a turn.
MARK = (
    r"<[|｜][^|｜<>]{1,40}[|｜]>|</?s>|\[/?(?:INST|EO[ST])\]"
    r"|<(?:bos|pad|eo[dmst](?:_id)?|(?:start|end)_of_\w{1,20})>"
)
SPECIAL = re.compile(MARK, re.IGNORECASE)
AHEAD = re.compile(
    r"(?:\s*(?:(?:<\|(?:im_start|start|start_header_id)\|>|<start_of_turn>)\s*(?:assistant|model)\b"
    rf"|{MARK}))+",
    re.IGNORECASE,
)
LAST = re.compile(rf"(?:{MARK})\Z", re.IGNORECASE)
ENDS = re.compile(
    r"<[|｜](?:im_(?:start|end)|start(?:_header_id)?|return|user|system|end(?:oftext)?"
    r"|end[▁_]of[▁_](?:text|turn|sentence|message)(?:_token)?|eo[mst](?:_id|_token)?)[|｜]>"
    r"|\[(?:INST|EO[ST])\]|<(?:eo[dmst](?:_id)?|(?:start|end)_of_(?:turn|utterance))>",
    re.IGNORECASE,
)
JOINING = ("or", "and", "then", "oder", "und", "ou", "et", "o", "y", "e")
BLANK = "\ufeff \t\r\n"
PIECE = re.compile(r'"(?:[^"\\]+|\\.)*+(?:"|\Z)|[{}\[\]]', re.DOTALL)
LITERAL = re.compile(
    r"""'(?:[^'\\\n]|\\.)*+'|"(?:[^"\\]|\\.)*+"|[^'"{}\[\]]+|[{}\[\]]""", re.DOTALL
)
ESCAPED = re.compile(r"\\.|\"", re.DOTALL)
CONSTANTS = {"True": "true", "False": "false", "None": "null"}
CONSTANT = re.compile(r"\b(?:True|False|None)\b")
TORN = re.compile(r"""\{\s*(["']|\w+\s*:)""")  # the beginning of an object, good JSON or not


def loads(data: bytes | str) -> Any:
    """Read JSON that somebody else wrote.

    Parameters
    ----------
    data : bytes or str
        All of it.

    Returns
    -------
    object
        What it says.

    Raises
    ------
    ValueError
        If it is no JSON, or is nested more than `DEEPEST` deep.

    Examples
    --------
    >>> loads("[" * 200_000)
    Traceback (most recent call last):
    ...
    ValueError: JSON nested more than 64 deep
    """
    text = data if isinstance(data, str) else data.decode(json.detect_encoding(data), "replace")
    if text.count("{") + text.count("[") > DEEPEST:
        depth = 0
        for piece in PIECE.finditer(text):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(piece.group(), 0)
            if depth > DEEPEST:
                raise ValueError(f"JSON nested more than {DEEPEST} deep")
    return json.loads(text)


def groups_in(text: str | None, lists: bool = False) -> list[list[Any]]:
    """Return the outermost JSON objects in a text, grouped where no words tell them apart.

    Parameters
    ----------
    text : str or None
        What the model wrote.
    lists : bool
        Whether a JSON list is an answer too.

    Returns
    -------
    list of list
        Of objects, and of lists if asked for, in order. What stands inside one is not returned
        again. Empty if there is none. The last group counts: before other words stands a draft,
        as in "Draft: ... Final: ...", while "or" and the same words ("Option 1: ... Option 2: ...")
        leave several answers.

    Raises
    ------
    Rejected
        If the text is empty, refuses in words, is nested too deep, repeats a name with another
        value, or goes on after the last object with one that cannot be read.

    Examples
    --------
    >>> groups_in('Sure! {"vote": "Dole"} Anything else?')
    [[{'vote': 'Dole'}]]
    >>> groups_in('{"a": 1} or {"a": 2}. No: {"a": 3}')
    [[{'a': 1}, {'a': 2}], [{'a': 3}]]
    """
    said = spoken(text or "")
    found: list[list[Any]] = []
    before: list[str] = []
    opening, at, end, scanned = re.compile(r"[{\[]" if lists else r"\{"), 0, 0, 0
    over = _turn_ends(said)
    while (start := opening.search(said, at, over)) is not None:
        at = start.end()
        stop, value = _object_at(said, start.start())
        if value is None:
            scanned += stop - start.start() + 50  # for the trouble of reading it
            if scanned > SCANNED:
                raise Rejected("not JSON", "There are too many brackets that belong to nothing.")
            continue
        words = _words(said[end : start.start()])
        if not found or (words and words != before):
            found.append([])
        found[-1].append(value)
        before = words
        at = end = stop
        over = over if over >= end else _turn_ends(said, end)
    torn = TORN.search(said, end, over) if found else None
    if torn is not None:
        raise Rejected("not JSON", f"The last object, {shown(said[torn.start() :])}, is none.")
    if not found and REFUSAL.search(said, 0, over):
        raise Rejected("refusal", f"The model said {shown(said)}.")
    return found


def is_whole(text: str) -> bool:
    """Say whether a text ends with the end of a JSON object or list, but for white space.

    Examples
    --------
    >>> is_whole('{"vote": "Dole"}' + 200 * " "), is_whole('{"vote": "Dole"'), is_whole("4")
    (True, False, False)
    """
    try:
        said = spoken(text)
        start = re.search(r"[{\[]", said)
        end = None if start is None else _end(said, start.start())
        return end is not None and not said[end : _turn_ends(said, end)].strip("` \t\r\n")
    except Rejected:
        return False


def bare(text: str) -> str:
    """Return a text without thoughts and without a fence around it, up to the end of its turn.

    Examples
    --------
    >>> bare("<think>Hm.</think> ```Dole```"), bare("Dole<|im_end|> Thanks!<|im_end|>")
    ('Dole', 'Dole')
    """
    said = spoken(text)
    return FENCE.sub("", said[: _turn_ends(said)].strip()).strip()


def name_of(text: str) -> str:
    """Reduce a name to what is compared: no case, and one underscore for all that is no letter.

    Examples
    --------
    >>> name_of(" Self-Placement")
    'self_placement'
    """
    return re.sub(r"\W+", "_", text.strip()).casefold()


def thoughts_end(text: str) -> int:
    """Return where a message begins that follows the thoughts of a reasoning model.

    Examples
    --------
    >>> thoughts_end("<think>A or B?</think>B"), thoughts_end("B")
    (22, 0)
    """
    ends = [mark.end() for mark in CLOSES.finditer(text)]
    return ends[-1] if ends else 0


def spoken(text: str) -> str:
    """Cut off what a reasoning model thought before it spoke, or after, and a template's marks.

    Parameters
    ----------
    text : str
        What it wrote, with thoughts between marks such as ``<think>`` and ``</think>``, of which
        either may be missing, and marks such as ``<|eot_id|>`` or ``</s>`` around the whole.

    Returns
    -------
    str
        What remains, without white space around it.

    Raises
    ------
    Rejected
        If nothing remains.

    Examples
    --------
    >>> spoken("<thinking>Dole?</thinking> Clinton"), spoken("Clinton <reasoning> Since")
    ('Clinton', 'Clinton')
    >>> spoken("<|im_start|>assistant Dole<|im_end|>")
    'Dole'
    """
    said = text[thoughts_end(text) :].strip(BLANK)
    if not said:  # it thought last
        said = CLOSES.split(THOUGHT.sub("", text))[-1]
    said = _unmarked(OPENS.split(said, maxsplit=1)[0])
    if not said:
        raise Rejected("empty", "The model said nothing.")
    return said


def _unmarked(text: str) -> str:
    """Cut off the marks of a chat template before and behind a text, and white space."""
    ahead = AHEAD.match(text)
    start, end = ahead.end() if ahead else 0, len(text)
    while True:
        while end > start and text[end - 1] in BLANK:
            end -= 1
        mark = LAST.search(text, max(start, end - 60), end)
        if mark is None:
            return text[start:end].strip(BLANK)
        end = mark.start()


def _turn_ends(text: str, start: int = 0) -> int:
    """Return where a mark ends the turn, from `start` on; the end of the text without one."""
    mark = ENDS.search(text, start)
    return len(text) if mark is None else mark.start()


def _object_at(text: str, start: int) -> tuple[int, Any]:
    """Return where the object that opens at `start` ends and what it is, None if it is none."""
    stop = _end(text, start)
    value = None if stop is None else _decoded(text[start:stop])
    if stop is not None and value is not None:
        return stop, value
    reached, said = _as_json(text, start)
    value = None if said is None else _decoded(said)
    return (max(stop or len(text), reached) if value is None else reached), value


def _decoded(text: str) -> Any:
    try:
        return DECODER.decode(text)
    except Rejected:
        raise
    except ValueError:
        return None


def _as_json(text: str, start: int) -> tuple[int, str | None]:
    """Return where an object as Python writes it ends, {'vote': None}, and the same as JSON.

    Quotes and constants are put into other words and nothing is evaluated; of the rest, numbers
    among it, JSON's rules say what is allowed.
    """
    depth, at, out = 0, start, []
    while (piece := LITERAL.match(text, at)) is not None:
        said, at = piece.group(), piece.end()
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(said, 0)
        if said[0] in "'\"":
            said = f'"{ESCAPED.sub(_escaped, said[1:-1])}"'
        out.append(CONSTANT.sub(lambda c: CONSTANTS[c.group()], said) if said[0] != '"' else said)
        if depth == 0:
            return at, "".join(out)
        if depth > DEEPEST:
            break
    return at, None


def _escaped(found: re.Match[str]) -> str:
    return {'"': '\\"', "\\'": "'"}.get(found.group(), found.group())


def _end(text: str, start: int) -> int | None:
    """Return where the bracket that opens at `start` is closed; None if it is not."""
    depth = 0
    for piece in PIECE.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(piece.group(), 0)
        if depth > DEEPEST:
            raise Rejected("not JSON", f"The answer is nested more than {DEEPEST} deep.")
        if depth == 0:
            return piece.end()
    return None


def _words(text: str) -> list[str]:
    """Return the words that tell one object from another, and not those that only list them."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"```\w*", "", text).casefold())
    return [word for word in words if word not in JOINING]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in pairs:
        if name in out and out[name] != value:
            raise Rejected("several choices", f"{shown(name)} is answered twice and differently.")
        out[name] = value
    return out


# NaN and Infinity are read, so that a field can say what is wrong with them.
DECODER = json.JSONDecoder(object_pairs_hook=_once, strict=False)
