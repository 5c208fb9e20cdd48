"""Faults of the loopback server: each turns the reply it would have given into a worse one.

A fault is named in the server's script. Some bring no response at all (``BROKEN``), some an HTTP
error that asking again mends (``PASSING``) or does not (``FATAL``), some a response that holds no
valid answer (``USELESS``), some only look odd and must be understood (``HARMLESS``), and some are
longer than anybody wants, cost more to read than to send, or lead elsewhere (``WILD``).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["BROKEN", "FATAL", "HARMLESS", "PASSING", "USELESS", "WILD", "Reply", "error", "spoil"]


@dataclass(frozen=True)
class Reply:
    """A response: ``ending`` says what becomes of the connection.

    ``keep`` sends all of it; ``reset`` and ``cut`` send half and then a RST or a FIN; ``abort``
    sends nothing and then a RST; ``hang`` sends nothing, ever; ``endless`` sends spaces for ever,
    slowly, and ``flood`` as fast as they are taken.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    ending: str = "keep"
    kind: str = "application/json"

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        return cls(status, json.dumps(value).encode(), headers)


@dataclass(frozen=True)
class Asked:
    """What a fault may look at: the request, the key sent with it, and the script."""

    body: Mapping[str, Any]
    key: str
    script: Mapping[str, Any]


def error(
    status: int, message: str, code: str | None, kind: str = "server_error", **headers: str
) -> Reply:
    """Return an error in the form OpenAI gives it."""
    value = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return replace(Reply.json(value, status), headers=headers)


def spoil(name: str, reply: Reply, asked: Asked) -> Reply:
    """Apply the fault of that name to a reply."""
    return FAULTS[name](reply, asked)


def _status(status: int, message: str, code: str | None = None) -> Callable[[Reply, Asked], Reply]:
    return lambda reply, asked: error(status, message, code)


def _rate_limit(reply: Reply, asked: Asked) -> Reply:
    return error(429, "Rate limit reached for requests", "rate_limit_exceeded", "requests")


def _rate_limit_after(reply: Reply, asked: Asked) -> Reply:
    seconds = str(asked.script.get("retry_after", 0.05))
    return replace(_rate_limit(reply, asked), headers={"Retry-After": seconds})


def _quota(reply: Reply, asked: Asked) -> Reply:
    text = "You exceeded your current quota, please check your plan and billing details."
    return error(429, text, "insufficient_quota", "insufficient_quota")


def _unauthorized(reply: Reply, asked: Asked) -> Reply:
    text = f"Incorrect API key provided: {asked.key}. You can find your API key at example.org."
    return error(401, text, "invalid_api_key", "invalid_request_error")


def _echo_key(reply: Reply, asked: Asked) -> Reply:
    text = f"upstream failed; headers were {{'Authorization': 'Bearer {asked.key}'}}"
    return error(500, text, asked.key, "server_error", **{"X-Echo": asked.key})


def _echo_in_answer(reply: Reply, asked: Asked) -> Reply:
    return _content(f"Bearer {asked.key} is not JSON")(reply, asked)


def _forbidden(reply: Reply, asked: Asked) -> Reply:
    text = "Country, region, or territory not supported"
    return error(403, text, "unsupported_country", "request_forbidden")


def _unknown_model(reply: Reply, asked: Asked) -> Reply:
    text = f"The model `{asked.body.get('model')}` does not exist or you do not have access to it."
    return error(404, text, "model_not_found", "invalid_request_error")


def _too_long(reply: Reply, asked: Asked) -> Reply:
    text = "This model's maximum context length is 128 tokens."
    return error(400, text, "context_length_exceeded", "invalid_request_error")


def _no_format(reply: Reply, asked: Asked) -> Reply:
    text = "response_format is not supported by this server"
    return error(400, text, None, "invalid_request_error")


def _redirect(status: int) -> Callable[[Reply, Asked], Reply]:
    return lambda reply, asked: Reply(status, b"", {"Location": asked.script["location"]})


def _html(status: int) -> Callable[[Reply, Asked], Reply]:
    page = b"<!doctype html><html><head><title>nginx</title></head><body>Hello</body></html>"
    return lambda reply, asked: Reply(status, page, kind="text/html")


def _ending(ending: str) -> Callable[[Reply, Asked], Reply]:
    return lambda reply, asked: replace(reply, ending=ending)


def _slow(reply: Reply, asked: Asked) -> Reply:
    return replace(reply, delay=reply.delay + asked.script.get("slow", 0.3))


def _truncated_body(reply: Reply, asked: Asked) -> Reply:
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def _error_in_200(reply: Reply, asked: Asked) -> Reply:
    return replace(error(200, "Provider returned error", "502"), status=200)


def _change(change: Callable[[dict[str, Any]], None]) -> Callable[[Reply, Asked], Reply]:
    """Make a fault of something that alters a completion in place."""

    def fault(reply: Reply, asked: Asked) -> Reply:
        value = json.loads(reply.body)
        change(value)
        return replace(reply, body=json.dumps(value).encode())

    return fault


def _content(text: str | None) -> Callable[[Reply, Asked], Reply]:
    return _change(lambda value: value["choices"][0]["message"].update(content=text))


def _said(value: dict[str, Any]) -> str:
    return value["choices"][0]["message"]["content"]


def _rewrite(write: Callable[[str], str]) -> Callable[[Reply, Asked], Reply]:
    return _change(lambda v: v["choices"][0]["message"].update(content=write(_said(v))))


def _off_range(value: Any) -> Any:
    """Replace every leaf by one that no schema of bounds or choices allows."""
    if isinstance(value, dict):
        return {k: _off_range(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_off_range(v) for v in value]
    return "x" * 5000 if isinstance(value, str) else 10**9


def _one_missing(text: str) -> str:
    """Leave the second profile out."""
    answers = json.loads(text)
    answers.pop(list(answers)[1])
    return json.dumps(answers)


def _refusal(value: dict[str, Any]) -> None:
    value["choices"][0]["message"].update(
        content=None, refusal="I'm sorry, I can't help with that."
    )


def _length(value: dict[str, Any]) -> None:
    value["choices"][0]["message"]["content"] = _said(value)[: max(1, len(_said(value)) // 2)]
    value["choices"][0]["finish_reason"] = "length"


def _broken_off(value: dict[str, Any]) -> None:
    value["choices"][0] |= {
        "finish_reason": "error",
        "error": {"code": 502, "message": "upstream fell over"},
    }
    value["choices"][0]["message"]["content"] = _said(value)[:5]


def _in_reasoning(value: dict[str, Any]) -> None:
    value["choices"][0]["message"].update(content=None, reasoning_content=_said(value))


def _in_tool_call(value: dict[str, Any]) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": _said(value)}}
    value["choices"][0]["message"].update(content=None, tool_calls=[call])
    value["choices"][0]["finish_reason"] = "tool_calls"


def _blanks(value: dict[str, Any]) -> None:
    value["choices"][0]["message"]["content"] = _said(value) + 200 * "\n"
    value["choices"][0]["finish_reason"] = "length"


def _all_thoughts(value: dict[str, Any]) -> None:
    thoughts = f"Is it {_said(value)}"
    value["choices"][0]["message"].update(content="", reasoning_content=thoughts)
    value["choices"][0]["finish_reason"] = "length"


def _filtered(value: dict[str, Any]) -> None:
    value["choices"][0]["message"]["content"] = ""
    value["choices"][0]["finish_reason"] = "content_filter"


def _duplicated(value: dict[str, Any]) -> None:
    value["choices"].append(json.loads(json.dumps(value["choices"][0])) | {"index": 1})


def _escaped(text: str) -> str:
    """Write the same JSON with every vowel of its strings as an escape."""

    def escape(match: re.Match[str]) -> str:
        return "".join(f"\\u{ord(c):04x}" if c in "aeiou" else c for c in match.group())

    return f"\n {re.sub(r'"[^"\\]*"', escape, text)} \n"


def _packed(name: str, size: int = 0) -> Callable[[Reply, Asked], Reply]:
    """Send gzip under a name, of the reply or of that many zeros."""
    body = gzip.compress(bytes(size)) if size else None
    return lambda reply, asked: replace(
        reply, body=body or gzip.compress(reply.body), headers={"Content-Encoding": name}
    )


def _events(whole: bool, end: str = "data: [DONE]\n\n") -> Callable[[Reply, Asked], Reply]:
    """Send the reply as server-sent events: in one, or a few letters in each."""

    def fault(reply: Reply, asked: Asked) -> Reply:
        value = json.loads(reply.body)
        usage, choices = value.pop("usage"), value["choices"]
        text = choices[0]["message"].pop("content")
        parts = [{**choices[0], "message": {"content": text}}] if whole else []
        size = 7
        for place in range(0, 0 if whole else len(text), size):
            delta = {"content": text[place : place + size]}
            parts.append({"index": 0, "delta": delta, "finish_reason": None})
        if not whole and end:
            parts.append({"index": 0, "delta": {}, "finish_reason": "stop"})
        pieces = [{**value, "choices": [part]} for part in parts]
        pieces.append({**value, "choices": [], "usage": usage})
        body = ": waiting\n\n" + "".join(f"data: {json.dumps(p)}\n\n" for p in pieces) + end
        return replace(reply, body=body.encode(), kind="text/event-stream")

    return fault


def _told(reply: Reply, asked: Asked) -> Reply:
    """Send what the script says."""
    told = asked.script["told"]
    body = told["body"].encode("utf-8", "surrogatepass")
    return Reply(told.get("status", 200), body, told.get("headers", {}))


BROKEN: dict[str, Callable[[Reply, Asked], Reply]] = {
    "reset": _ending("reset"),
    "abort": _ending("abort"),
    "cut": _ending("cut"),
    "hang": _ending("hang"),
    "endless": _ending("endless"),
    "truncated_body": _truncated_body,
}
PASSING: dict[str, Callable[[Reply, Asked], Reply]] = {
    "rate_limit": _rate_limit,
    "rate_limit_after": _rate_limit_after,
    "request_timeout": _status(408, "Request timed out"),
    "conflict": _status(409, "Conflict"),
    "server_error": _status(500, "The server had an error while processing your request"),
    "bad_gateway": _status(502, "Bad gateway"),
    "unavailable": _status(503, "The engine is currently overloaded"),
    "gateway_timeout": _status(504, "Gateway timeout"),
    "html_error": _html(502),
    "html": _html(200),
    "error_in_200": _error_in_200,
    "echo_key": _echo_key,
}
FATAL: dict[str, Callable[[Reply, Asked], Reply]] = {
    "unauthorized": _unauthorized,
    "forbidden": _forbidden,
    "unknown_model": _unknown_model,
    "quota": _quota,
    "no_format": _no_format,
    "too_long": _too_long,
}
USELESS: dict[str, Callable[[Reply, Asked], Reply]] = {
    "wrong_schema": _rewrite(lambda text: json.dumps({"something": "else"})),
    "off_range": _rewrite(lambda text: json.dumps(_off_range(json.loads(text)))),
    "not_json": _content("I would say the first option, all things considered."),
    "list": _content("[1, 2, 3]"),
    "refusal": _change(_refusal),
    "length": _change(_length),
    "filtered": _change(_filtered),
    "null_content": _content(None),
    "empty": _content(""),
    "no_choices": _change(lambda value: value.update(choices=[])),
    "echo_in_answer": _echo_in_answer,
}
HARMLESS: dict[str, Callable[[Reply, Asked], Reply]] = {
    "slow": _slow,
    "unicode": _rewrite(_escaped),
    "duplicated": _change(_duplicated),
    "no_usage": _change(lambda value: value.pop("usage")),
    "null_usage": _change(lambda value: value.update(usage=None)),
    "no_fingerprint": _change(lambda value: value.pop("system_fingerprint")),
    "fenced": _rewrite(lambda text: f"Sure! Here it is:\n```json\n{text}\n```\nAnything else?"),
}
OTHERS: dict[str, Callable[[Reply, Asked], Reply]] = {
    "one_missing": _rewrite(_one_missing),
    "broken_off": _change(_broken_off),
    "in_reasoning": _change(_in_reasoning),
    "in_tool_call": _change(_in_tool_call),
    "blanks_to_the_limit": _change(_blanks),
    "all_thoughts": _change(_all_thoughts),
}
WILD: dict[str, Callable[[Reply, Asked], Reply]] = {
    "long": _rewrite(lambda text: text + " " * 3_000_000),
    "flood": _ending("flood"),
    "bomb": _packed("gzip", 200_000_000),
    "deflated_bomb": _packed("deflate", 200_000_000),
    "packed": _packed("gzip"),
    "packed_oddly": _packed("br"),
    "packed_badly": lambda reply, asked: replace(
        reply, headers={"Content-Encoding": "gzip"}, body=gzip.compress(reply.body)[:40]
    ),
    "charset": lambda reply, asked: replace(reply, kind="application/json; charset=zlib"),
    "events": _events(whole=False),
    "events_in_one": _events(whole=True),
    "events_cut": _events(whole=False, end=""),
    "events_without_answer": lambda reply, asked: replace(
        reply, body=b"event: ping\ndata: {}\n\ndata: [DONE]\n\n", kind="text/event-stream"
    ),
    **{f"redirect_{status}": _redirect(status) for status in (301, 302, 303, 307, 308)},
    "told": _told,
}
FAULTS = OTHERS | BROKEN | PASSING | FATAL | USELESS | HARMLESS | WILD
