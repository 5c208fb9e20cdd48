"""An answer that came as server-sent events, piece by piece, put together again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from foundation_priors.elicit.reading import loads
from foundation_priors.elicit.retry import Unreadable

__all__ = ["are_events", "completion_of"]

TEXTS = ("content", "refusal", "reasoning_content", "reasoning")
END = "[DONE]"


def are_events(text: str) -> bool:
    """Return whether a body is a stream of events."""
    return text.lstrip("\ufeff\r\n ").startswith(("data:", "event:", "id:", "retry:", ":"))


def completion_of(text: str) -> dict[str, Any]:
    r"""Put the pieces of a chat completion together.

    Some servers and proxies stream whether or not they were asked to.

    Parameters
    ----------
    text : str
        The events.

    Returns
    -------
    dict
        As if it had come in one piece; its first choice alone.

    Raises
    ------
    Unreadable
        If they are no pieces of a completion, or do not come to an end.

    Examples
    --------
    >>> piece = '{"choices": [{"delta": {"content": "%s"}, "finish_reason": %s}]}'
    >>> text = f"data: {piece % ('Do', 'null')}\n\ndata: {piece % ('le', '"stop"')}\n\n"
    >>> completion_of(text)["choices"][0]["message"]["content"]
    'Dole'
    """
    whole: dict[str, Any] = {}
    choice: dict[str, Any] = {}
    said: dict[str, list[str]] = {name: [] for name in TEXTS}
    calls: dict[Any, list[str]] = {}
    tokens: list[Any] = []
    ended = found = False
    for data in _data(text):
        if data.strip() == END:
            ended = True
            break
        piece = _piece(data)
        if piece.get("error"):
            return piece
        whole |= {name: value for name, value in piece.items() if value is not None}
        for part in _dicts(piece.get("choices")):
            if part.get("index") not in (None, 0):
                continue
            found = True
            choice |= {name: v for name, v in part.items() if v is not None}
            if isinstance(logprobs := part.get("logprobs"), dict):
                tokens += logprobs.get("content") or ()
            for delta in _dicts([part.get("delta"), part.get("message")]):
                for name in TEXTS:
                    if isinstance(delta.get(name), str):
                        said[name].append(delta[name])
                for call in _dicts(delta.get("tool_calls")):
                    function = call.get("function")
                    words = function.get("arguments") if isinstance(function, dict) else None
                    calls.setdefault(str(call.get("index")), []).append(str(words or ""))
    if not found:
        raise Unreadable("server-sent events came instead of JSON, and hold no answer", early=3)
    if not ended and choice.get("finish_reason") is None:
        raise Unreadable("the server-sent events were cut short")
    message: dict[str, Any] = {name: "".join(parts) for name, parts in said.items() if parts}
    if calls:
        message["tool_calls"] = [{"function": {"arguments": "".join(c)}} for c in calls.values()]
    choice.pop("delta", None)
    choice |= {"message": {"content": None, **message}}
    choice["logprobs"] = {"content": tokens} if tokens else None
    return {**whole, "choices": [choice]}


def _data(text: str) -> Iterator[str]:
    """Yield the data of each event."""
    lines: list[str] = []
    for line in [*text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        if line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        elif not line and lines:
            yield "\n".join(lines)
            lines = []


def _piece(data: str) -> dict[str, Any]:
    try:
        piece = loads(data)
    except ValueError:
        raise Unreadable("the server-sent events were cut short") from None
    if not isinstance(piece, dict):
        raise Unreadable("server-sent events came instead of JSON, and hold no answer", early=3)
    return piece


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [v for v in values if isinstance(v, dict)] if isinstance(values, list) else []
