"""One request and its response: what is sent, and what of the response is kept."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from foundation_priors.elicit.answers import Rejected
from foundation_priors.elicit.fields import shown
from foundation_priors.elicit.reading import is_whole, spoken
from foundation_priors.elicit.retry import Unreadable

if TYPE_CHECKING:
    from foundation_priors.elicit.design import Call, Study

__all__ = ["PATH", "Dialect", "Mode", "Reply", "compose", "judge", "read_reply"]

PATH = "/chat/completions"
OPTIONS = 20  # the most likely tokens that most servers tell at each place; some tell fewer
LETTER = 16  # tokens for an answer of one letter
LIMITS = ("max_tokens", "max_completion_tokens")
MOST_TOKENS = 10**12  # a count above it is none
CUT = re.compile(r"length|max_.*tokens|token_limit")  # finish reasons, as servers word them
FILTERED = re.compile(r"filter|safety|sensitive|recitation|blocklist|prohibited|guardrail")
BROKEN_OFF = re.compile(
    r"error|fail|abort|cancel|interrupt|time_?out|disconnect|insufficient|overload"
)
BRIEF = 100  # characters that are an answer and no thoughts
RAISE = "raise max_tokens (or max_completion_tokens) in settings="

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
    thoughts : str or None
        What a reasoning model thought, where the server tells it apart from the answer.
    """

    text: str
    refusal: str | None
    finish: str | None
    tokens: dict[str, int] | None
    model: str | None
    fingerprint: str | None
    logprobs: list[dict[str, Any]] | None
    latency: float
    thoughts: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server wants requests for one letter worded.

    Parameters
    ----------
    limit : str
        The name of the limit of tokens.
    listed : int
        The most likely tokens that it tells at each place.
    """

    limit: str = LIMITS[0]
    listed: int = OPTIONS

    def learned(self, body: Mapping[str, Any], said: str) -> Dialect:
        """Return what a refusal tells of the server's dialect; the same if it tells nothing.

        Parameters
        ----------
        body : mapping
            Of the request that was refused.
        said : str
            The server's words.

        Returns
        -------
        Dialect
            Another one, if the request can be worded otherwise.

        Examples
        --------
        >>> said = "'max_tokens' is not supported. Use 'max_completion_tokens' instead."
        >>> Dialect().learned({"max_tokens": 16}, said).limit
        'max_completion_tokens'
        >>> Dialect().learned({"top_logprobs": 20}, "top_logprobs must be between 0 and 5").listed
        5
        """
        limit, listed = self.limit, self.listed
        if LIMITS[0] in body and LIMITS[1] in said:
            limit = LIMITS[1]
        if "logprobs" in said and "top_logprobs" in body:
            asked = int(body["top_logprobs"])
            fewer = [int(n) for n in re.findall(r"\d{1,3}", said) if 0 < int(n) < asked]
            listed = min(listed, max(fewer, default=listed))
        return Dialect(limit, listed)


def compose(study: Study, call: Call, mode: Mode, dialect: Dialect | None = None) -> dict[str, Any]:
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
    dialect : Dialect, optional
        How the server wants it worded.

    Returns
    -------
    dict
        For Chat Completions.
    """
    dialect = dialect or Dialect()
    settings = dict(call.settings)
    extra = settings.pop("extra_body", None) or {}
    listed = settings.pop("top_logprobs", OPTIONS)
    model = study.endpoints[call.model].model or call.model
    body = {"model": model, "messages": _messages(study, call, mode), **settings, **extra}
    if study.probabilities:
        if not body.keys() & set(LIMITS):
            body[LIMITS[0]] = LETTER
        body |= {"logprobs": True, "top_logprobs": min(listed, dialect.listed)}
    elif mode == "json_schema":
        schema = {"name": "answer", "strict": True, "schema": call.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif mode == "json_object":
        body["response_format"] = {"type": "json_object"}
    if dialect.limit != LIMITS[0] and LIMITS[0] in body:
        body.setdefault(dialect.limit, body.pop(LIMITS[0]))
    return body


def _messages(study: Study, call: Call, mode: Mode) -> list[dict[str, Any]]:
    messages = call.messages
    if mode == "json_schema" or study.probabilities:
        return messages
    last = messages[-1]
    worded = f"{last['content']}\n\n{study.schema.instructions(call)}"
    return [*messages[:-1], {**last, "content": worded}]


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
        Its first choice. The text is that of the message and the arguments of its tool calls, or
        where there is none, the object that a client has parsed, or what the server took for
        thoughts and is an answer and nothing else.

    Raises
    ------
    Unreadable
        If it is no chat completion, or one that an error broke off.
    """
    choice = _first(value.get("choices")) if isinstance(value, Mapping) else None
    if not isinstance(choice, Mapping):
        raise Unreadable(_instead(value))
    message = choice.get("message", choice)
    if isinstance(message, str):
        message = {"content": message}
    if not isinstance(message, Mapping) or (message is choice and "text" not in choice):
        raise Unreadable(_instead(value))
    finish = _words(choice.get("finish_reason"))
    said, within = _content(message.get("content", choice.get("text")))
    called = _called(message)
    text = f"{said}\n{called}" if called and said.strip() else called or said
    if not text.strip() and isinstance(message.get("parsed"), Mapping | list):
        text = json.dumps(message["parsed"])
    errors = [part["error"] for part in (choice, message, value) if part.get("error")]
    if errors or (finish and BROKEN_OFF.search(finish.lower())):
        raise Unreadable(_broken(finish, errors, text))
    apart = [message.get(name) for name in ("reasoning_content", "reasoning", "thinking")]
    thoughts: str | None = next((t for t in (_content(a)[0] for a in apart) if t), within) or None
    if thoughts and not text.strip() and not (finish and CUT.search(finish.lower())):
        # Some servers take a whole answer for thoughts; what was only weighed is none.
        if is_whole(thoughts) or (len(thoughts) <= BRIEF and "{" not in thoughts):
            text, thoughts = thoughts, None
    logprobs = choice.get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    return Reply(
        text,
        _words(message.get("refusal")) or None,
        finish,
        _tokens(value.get("usage")),
        _words(value.get("model")),
        _words(value.get("system_fingerprint")),
        _finite(tokens) if isinstance(tokens, list) else None,
        latency,
        thoughts,
    )


def _first(choices: Any) -> Any:
    return choices[0] if isinstance(choices, list) and choices else None


def _words(value: Any) -> str | None:
    """Return a server's word as one, whatever it sent."""
    return value if value is None or isinstance(value, str) else json.dumps(value)[:1000]


def _content(content: Any) -> tuple[str, str]:
    """Return the text of a message, which some servers send in parts, and the thoughts in it."""
    if content is None or isinstance(content, str):
        return content or "", ""
    if isinstance(content, Mapping) and not isinstance(content.get("text"), str):
        return json.dumps(content), ""  # the answer's own object
    said: dict[bool, list[str]] = {False: [], True: []}
    for part in content if isinstance(content, list) else [content]:
        if not isinstance(part, Mapping):
            said[False].append(part if isinstance(part, str) else json.dumps(part))
            continue
        kind = str(part.get("type"))
        words = next((part[n] for n in ("text", "thinking", "reasoning") if part.get(n)), "")
        said["think" in kind or "reason" in kind].append(
            words if isinstance(words, str) else _content(words)[0]
        )
    return "".join(said[False]), "".join(said[True])


def _called(message: Mapping[str, Any]) -> str:
    """Return the arguments of the tools that a message calls, which may be its answer."""
    calls = message.get("tool_calls")
    given = [message.get("function_call"), *(calls if isinstance(calls, list) else ())]
    given = [call.get("function", call) for call in given if isinstance(call, Mapping)]
    said = [call.get("arguments") for call in given if isinstance(call, Mapping)]
    return "\n".join(s if isinstance(s, str) else json.dumps(s) for s in said if s)


def _tokens(usage: Any) -> dict[str, int] | None:
    """Return the tokens that a server counts; None unless both are whole numbers from 0."""
    if not isinstance(usage, Mapping):
        return None
    into, out = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    return None if into is None or out is None else {"input": into, "output": out}


def _count(value: Any) -> int | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return int(value) if 0 <= value <= MOST_TOKENS and value == int(value) else None


def _finite(value: Any) -> Any:
    """Put null for numbers that JSON does not know."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _broken(finish: str | None, errors: list[Any], text: str) -> str:
    said = _message(errors[0]) if errors else f"finish_reason {finish!r}"
    return f"the answer was broken off after {shown(text)}, {said}"


def _message(error: Any) -> str:
    """Return the words of an error, and its code."""
    if not isinstance(error, Mapping):
        return str(_words(error))
    parts = [error.get("message"), error.get("code")]
    return " ".join(str(_words(part)) for part in parts if part) or str(_words(error))


def _instead(value: Any) -> str:
    error = value.get("error") if isinstance(value, Mapping) else None
    if error:
        return f"an error came instead of an answer, {_message(error)}"
    return "the response holds no answer"


def judge(study: Study, call: Call, reply: Reply) -> tuple[list[Any] | None, Rejected | None]:
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
        The answers, one for each profile of the call, None for one that has none; and why some, or
        all, are missing.

    Notes
    -----
    A response is paid for, so that whatever a study's own checks raise is a reason, too.
    """
    try:
        parsed = _read(study, call, reply)
    except Rejected as rejected:
        return None, rejected.with_traceback(None)
    except Exception as error:
        detail = f"Reading it failed with {type(error).__name__}, {str(error)[:200]}."
        return None, Rejected("unreadable", detail)
    lost = [answer for answer in parsed if isinstance(answer, Rejected)]
    if not lost:
        return parsed, None
    reasons = [answer.reason if isinstance(answer, Rejected) else None for answer in parsed]
    answers = [None if isinstance(answer, Rejected) else answer for answer in parsed]
    return answers, Rejected(lost[0].reason, lost[0].detail, reasons)


def _read(study: Study, call: Call, reply: Reply) -> list[Any]:
    finish = (reply.finish or "").lower()
    if reply.refusal:
        raise Rejected("refusal", reply.refusal)
    if FILTERED.search(finish):
        raise Rejected("content filter", "The server's filter stopped the answer.")
    if BROKEN_OFF.search(finish):
        raise Rejected("broken off", f"The server ended the answer with {finish!r}.")
    cut = CUT.search(finish) is not None
    if cut and not _message_of(reply.text):
        raise Rejected("truncated", f"All tokens went into thoughts: {RAISE}.")
    if reply.thoughts and not reply.text.strip():
        raise Rejected("empty", f"The model thought and did not answer: {RAISE}.")
    if study.probabilities:
        return [study.schema.probabilities(reply.logprobs, call, reply.text)]
    if cut and not is_whole(reply.text):
        raise Rejected("truncated", f"The answer was cut off at the limit of tokens: {RAISE}.")
    return study.schema.parse(reply.text, call)


def _message_of(text: str) -> str:
    try:
        return spoken(text)
    except Rejected:
        return ""
