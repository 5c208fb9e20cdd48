"""What the loopback server says: answers that fit a schema, drawn from a hash of the request."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

__all__ = [
    "answer",
    "completion",
    "fingerprint",
    "letters_of",
    "probabilities",
    "request_hash",
    "schema_of",
]

# Pieces of at most five letters, a quote on its own, so that options take several tokens.
TOKEN = re.compile(r" ?[^\W\d_]{1,5}|\d{1,3}|\s+|.", re.DOTALL)
WORDS = (
    "income",
    "policy",
    "schools",
    "höhere Löhne",
    "l'économie",
    "学校",
    "Ελλάδα",
    "🗳️",
    "\u2028",
)


def request_hash(body: Mapping[str, Any]) -> str:
    """Return 32 hex digits that are the same for equal requests, in whatever order of keys."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def fingerprint(model: str) -> str:
    return "fp_" + hashlib.blake2b(model.encode(), digest_size=5).hexdigest()


def schema_of(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the JSON schema asked for: in ``response_format``, or written in a message."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return wanted["json_schema"].get("schema")
    for message in reversed(body.get("messages", [])):
        found = _schema_in(message.get("content"))
        if found is not None:
            return found
    return None


def _schema_in(text: Any) -> dict[str, Any] | None:
    if not isinstance(text, str):
        return None
    decoder = json.JSONDecoder()
    for match in re.finditer(r"\{", text):
        try:
            value, _ = decoder.raw_decode(text, match.start())
        except ValueError:
            continue
        if isinstance(value, dict) and ("properties" in value or "$defs" in value):
            return value
    return None


def letters_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the options by their letters, where the last message lists them line by line."""
    text = str(body["messages"][-1].get("content")) if body.get("messages") else ""
    return dict(re.findall(r"^([A-Z])[:.)] (.+)$", text, re.MULTILINE))


def answer(schema: Mapping[str, Any], seed: str) -> Any:
    """Draw a value that fits a JSON schema; equal seeds give equal values."""
    return _draw(schema, seed, Random(seed), schema)


def _draw(part: Mapping[str, Any], path: str, rng: Random, root: Mapping[str, Any]) -> Any:
    if "$ref" in part:
        return _draw(root["$defs"][part["$ref"].rsplit("/", 1)[-1]], path, rng, root)
    if "const" in part:
        return part["const"]
    if "enum" in part:
        chances = probabilities(path, part["enum"])
        return rng.choices(part["enum"], list(chances.values()))[0]
    for several in ("anyOf", "oneOf"):
        if several in part:
            return _draw(part[several][0], path, rng, root)
    kind = part.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    return _KINDS[kind](part, path, rng, root)


def _object(part: Mapping[str, Any], path: str, rng: Random, root: Mapping[str, Any]) -> Any:
    fields = part.get("properties", {})
    return {k: _draw(v, f"{path}/{k}", rng, root) for k, v in fields.items()}


def _array(part: Mapping[str, Any], path: str, rng: Random, root: Mapping[str, Any]) -> Any:
    size = part.get("minItems", part.get("maxItems", 1))
    return [_draw(part["items"], f"{path}/{i}", rng, root) for i in range(size)]


def _integer(part: Mapping[str, Any], path: str, rng: Random, root: Mapping[str, Any]) -> int:
    low = part.get("minimum", part.get("exclusiveMinimum", -1) + 1)
    high = part.get("maximum", part.get("exclusiveMaximum", low + 101) - 1)
    return rng.randint(math.ceil(low), math.floor(high))


def _number(part: Mapping[str, Any], path: str, rng: Random, root: Mapping[str, Any]) -> float:
    low = part.get("minimum", part.get("exclusiveMinimum", 0))
    high = part.get("maximum", part.get("exclusiveMaximum", low + 100))
    return round(low + (high - low) * (0.01 + 0.98 * rng.random()), 4)


def _string(part: Mapping[str, Any], path: str, rng: Random, root: Mapping[str, Any]) -> str:
    return f"Because of {rng.choice(WORDS)}."[: part.get("maxLength", 100)]


_KINDS = {
    "object": _object,
    "array": _array,
    "integer": _integer,
    "number": _number,
    "string": _string,
    "boolean": lambda part, path, rng, root: rng.random() < 0.5,
    "null": lambda part, path, rng, root: None,
}


def probabilities(path: str, options: Sequence[Any]) -> dict[Any, float]:
    """Return the server's probability of each option of the question at ``hash/field``."""
    rng = Random(path)
    raw = [0.1 + rng.random() for _ in options]
    return {o: r / sum(raw) for o, r in zip(options, raw, strict=True)}


def completion(body: Mapping[str, Any], seed: str, content: str | None = None) -> dict[str, Any]:
    """Return a chat completion for a request: its answer, or the ``content`` given."""
    schema = schema_of(body)
    letters = letters_of(body) if schema is None else {}
    if letters:
        chances = probabilities(f"{seed}/letter", list(letters))
        content = content or Random(seed).choices(list(chances), list(chances.values()))[0]
    if content is None:
        content = "I could not say." if schema is None else json.dumps(answer(schema, seed))
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": content, "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    if body.get("logprobs"):
        top = body.get("top_logprobs") or 0
        tokens = _logprobs(content, schema or {}, seed, top)
        if letters:
            tokens = [_entry(content, {t: 0.998 * p for t, p in chances.items()}, top)]
        choice["logprobs"] = {"content": tokens}
    asked = sum(len(str(m.get("content"))) for m in body.get("messages", [])) // 4 + 3
    said = len(TOKEN.findall(content))
    return {
        "id": f"chatcmpl-{seed}",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": f"{body.get('model')}-loopback",
        "system_fingerprint": fingerprint(str(body.get("model"))),
        "choices": [choice],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
        },
    }


def _logprobs(content: str, schema: Mapping[str, Any], seed: str, top: int) -> list[dict[str, Any]]:
    """Return one entry a token; tokens of a choice carry the conditional chances of the next."""
    spans = list(_choices_in(content, schema, seed))
    tokens = []
    for match in TOKEN.finditer(content):
        inside = [s for s in spans if s[0] <= match.start() < s[1]]
        chances = _next(content, match, inside[0]) if inside else {match.group(): 0.999}
        chances.setdefault(match.group(), 1e-4)
        tokens.append(_entry(match.group(), chances, top))
    return tokens


def _entry(said: str, chances: Mapping[str, float], top: int) -> dict[str, Any]:
    ranked = sorted(chances.items(), key=lambda pair: -pair[1])[:top]
    return _token(said, chances[said]) | {"top_logprobs": [_token(t, p) for t, p in ranked]}


def _token(text: str, chance: float) -> dict[str, Any]:
    return {"token": text, "logprob": math.log(chance), "bytes": list(text.encode())}


def _choices_in(
    content: str, schema: Mapping[str, Any], seed: str
) -> list[tuple[int, int, dict[str, float]]]:
    """Return (start, end with the closing mark, chances by text) of each choice in the answer."""
    spans = []
    for field, part in schema.get("properties", {}).items():
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rsplit("/", 1)[-1]]
        found = re.search(re.escape(json.dumps(field)) + r"\s*:\s*", content)
        if "enum" not in part or found is None:
            continue
        chances = probabilities(f"{seed}/{field}", part["enum"])
        written = {json.dumps(o) if isinstance(o, str) else f"{o}}}": p for o, p in chances.items()}
        value = next((w for w in written if content.startswith(w, found.end())), "")
        spans.append((found.end(), found.end() + len(value), written))
    return spans


def _next(
    content: str, match: re.Match[str], span: tuple[int, int, dict[str, float]]
) -> dict[str, float]:
    """Return the chances of every token that may follow what stands before a match."""
    start, _, written = span
    said = content[start : match.start()]
    chances: dict[str, float] = {}
    for text, chance in written.items():
        follows = TOKEN.match(text, len(said)) if text.startswith(said) else None
        if follows:
            chances[follows.group()] = chances.get(follows.group(), 0.0) + chance
    whole = sum(chances.values())
    return {t: 0.998 * p / whole for t, p in chances.items()}
