"""One request and its response: what is sent, and what of the response is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from foundation_priors.elicit.answers import Rejected
from foundation_priors.elicit.retry import Unreadable, looks_like_page

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from foundation_priors.elicit.design import Call, Study

__all__ = ["Mode", "Reply", "compose", "judge", "read_reply", "send"]

PATH = "/chat/completions"
OPTIONS = 20  # the most likely tokens that a server tells at each place; more is refused
LETTER = 16  # tokens for an answer of one letter
RESERVED = ("messages", "model", "n", "stream", "response_format", "logprobs", "top_logprobs")

Mode = Literal["json_schema", "json_object", "text"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What of a response is kept.

    Parameters
    ----------
    text : str
        The answer.
    refusal : str or None
        What the model says instead of answering.
    finish : str or None
        Why it ended: ``stop``, ``length``, ``content_filter``.
    tokens : dict or None
        Of ``input`` and ``output``; None if the server does not count.
    model, fingerprint : str or None
        What the server says of the model.
    logprobs : list or None
        Of the tokens.
    latency : float
        Seconds from sending to having the whole response.
    """

    text: str
    refusal: str | None
    finish: str | None
    tokens: dict[str, int] | None
    model: str | None
    fingerprint: str | None
    logprobs: list[dict[str, Any]] | None
    latency: float


def compose(study: Study, call: Call, mode: Mode) -> dict[str, Any]:
    """Return the body of a request.

    Parameters
    ----------
    study : Study
        What is asked.
    call : Call
        The call.
    mode : str
        How the form of the answer is asked for: by ``json_schema`` or ``json_object`` (JSON mode),
        or in words alone, ``text``.

    Returns
    -------
    dict
        For Chat Completions.
    """
    settings = dict(call.settings)
    extra = settings.pop("extra_body", None) or {}
    model = study.endpoints[call.model].model or call.model
    body = {"model": model, "messages": _messages(study, call, mode), **settings, **extra}
    if study.probabilities:
        if not body.keys() & {"max_tokens", "max_completion_tokens"}:
            body["max_tokens"] = LETTER
        return {**body, "logprobs": True, "top_logprobs": OPTIONS}
    if mode == "json_schema":
        schema = {"name": "answer", "strict": True, "schema": call.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif mode == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


def _messages(study: Study, call: Call, mode: Mode) -> list[dict[str, Any]]:
    messages = call.messages
    if mode == "json_schema" or study.probabilities:
        return messages
    last = messages[-1]
    worded = f"{last['content']}\n\n{study.schema.instructions(call)}"
    return [*messages[:-1], {**last, "content": worded}]


async def send(client: AsyncOpenAI, content: bytes, timeout: float) -> Reply:
    """Send a request and read its response.

    Parameters
    ----------
    client : openai.AsyncOpenAI
        Whose own retries are off.
    content : bytes
        The body, as JSON.
    timeout : float
        Seconds for all of it: the client's own limit is on each silence, and a server may send a
        byte now and then for ever.

    Returns
    -------
    Reply
        The response.

    Raises
    ------
    openai.OpenAIError, TimeoutError, Unreadable
        What `retry.explain` explains.
    """
    import httpx2

    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(timeout):
        response = await client.post(PATH, cast_to=httpx2.Response, content=content)
    latency = asyncio.get_running_loop().time() - began
    try:
        value = json.loads(response.content)
    except ValueError:
        page = looks_like_page(response.text)
        text = "a web page came instead of JSON" if page else "the response was cut short"
        raise Unreadable(text, page) from None
    return read_reply(value, latency)


def read_reply(value: Any, latency: float = 0.0) -> Reply:
    """Read a chat completion.

    Parameters
    ----------
    value : object
        The body of the response.
    latency : float
        Seconds.

    Returns
    -------
    Reply
        Its first choice.

    Raises
    ------
    Unreadable
        If it is no chat completion.
    """
    try:
        choice = value["choices"][0]
        message = choice["message"]
        text = message.get("content")
        return Reply(
            _text(text),
            message.get("refusal"),
            choice.get("finish_reason"),
            _tokens(value.get("usage")),
            value.get("model"),
            value.get("system_fingerprint"),
            (choice.get("logprobs") or {}).get("content"),
            latency,
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        raise Unreadable(_instead(value)) from None


def _text(content: Any) -> str:
    """Return the text of a message, which some servers send in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content)
    return "" if content is None else str(content)


def _tokens(usage: Any) -> dict[str, int] | None:
    if not isinstance(usage, Mapping) or usage.get("prompt_tokens") is None:
        return None
    return {
        "input": int(usage["prompt_tokens"]),
        "output": int(usage.get("completion_tokens") or 0),
    }


def _instead(value: Any) -> str:
    error = value.get("error") if isinstance(value, dict) else None
    if error:
        message = error.get("message", error) if isinstance(error, dict) else error
        return f"an error came instead of an answer, {message}"
    return "the response holds no answer"


def judge(study: Study, call: Call, reply: Reply) -> tuple[list[dict] | None, Rejected | None]:
    """Read the answers out of a response, or say why there are none.

    Parameters
    ----------
    study : Study
        What was asked.
    call : Call
        The call.
    reply : Reply
        The response.

    Returns
    -------
    tuple of (list of dict or None, Rejected or None)
        The answers, one for each profile of the call, or the reason.
    """
    try:
        if reply.refusal:
            raise Rejected("refusal", reply.refusal)
        if reply.finish == "content_filter":
            raise Rejected("content filter", "The server's filter stopped the answer.")
        if study.probabilities:
            return [study.schema.probabilities(reply.logprobs or [], call)], None
        if reply.finish == "length":
            raise Rejected("truncated", "The answer was cut off at the limit of tokens.")
        return study.schema.parse(reply.text, call), None
    except Rejected as rejected:
        return None, rejected.with_traceback(None)
