"""What went wrong with a request, and whether and when to send it again."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Literal

__all__ = ["Fault", "Patience", "Unreadable", "explain", "of_status", "retry_after"]

AGAIN = (408, 409, 425, 429)
OVERLOADED = (408, 429, 503, 504, 529)
BUSY = (429, 503, 529)
BROKEN = (500, 501)
BROKE = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
FORMS = ("response_format", "json_schema")  # some servers call a form they lack an error of theirs
WRONG_ADDRESS = (405, 406, 410)

ADDRESS = "check base_url, which as a rule ends in /v1, and that the server is running"
NO_MODEL = "pass the name by which the server knows it as fp.Endpoint(model=...)"
NO_CREDIT = "the account has no credit left, so add some and run again to go on"
ELSEWHERE = "redirects are not followed: if that server is meant, give it as base_url"
NO_ENTRY = "check the endpoint's api_key, and that it may use this model"

Kind = Literal["again", "stop", "bad", "filtered"]


@dataclass(frozen=True)
class Patience:
    """How long a server is asked again.

    Parameters
    ----------
    tries : int
        Requests per call until one brings a response. Those that a busy server turns away (status
        429 or 503) while it answers others don't count.
    reasks : int
        How often a call is asked again whose response holds no valid answer.
    base, longest : float
        Seconds: the pause before the k-th repetition is drawn uniformly from 0 to
        ``min(longest, base * 2**(k - 1))``.
    patience : float
        Seconds that a server may ask to wait (its Retry-After); where it asks for more, the run
        stops and says so.

    Notes
    -----
    Full jitter [1]_: without it, requests refused together come back together.

    References
    ----------
    .. [1] Brooker, M. (2015). Exponential backoff and jitter. AWS Architecture Blog.

    Examples
    --------
    >>> Patience(base=1.0).ceiling(3)
    4.0
    """

    tries: int = 8
    reasks: int = 2
    base: float = 0.5
    longest: float = 30.0
    patience: float = 300.0

    def ceiling(self, failures: int) -> float:
        """Return the longest pause after that many failures."""
        return float(min(self.longest, self.base * 2 ** (min(failures, 60) - 1)))

    def pause(self, failures: int, after: float | None = None) -> float:
        """Return the seconds to wait after that many failures.

        Parameters
        ----------
        failures : int
            From 1.
        after : float, optional
            What the server asked for, which is waited at least.

        Returns
        -------
        float
            Random.
        """
        if after is not None:
            return after + random.uniform(0, min(self.base, self.longest))
        return random.uniform(0, self.ceiling(failures))


@dataclass(frozen=True)
class Fault:
    """Why a request brought no completion.

    Parameters
    ----------
    kind : str
        ``again``: it may go better the next time; ``stop``: nothing will go better; ``bad``: the
        server understands this request and refuses it; ``filtered``: for its content.
    text : str
        In words of the server's, not redacted and not cut yet.
    after : float, optional
        Seconds that the server asks to wait.
    overload : bool
        Whether fewer requests at a time would help.
    billed : bool
        Whether the server may have charged for it.
    advice : str
        What to do about it.
    early : int
        After how many of them a run that has had no response yet is stopped; 0: never.
    served : bool
        Whether the server took the request and broke on it.
    busy : bool
        Whether the server turned it away for want of time alone.
    raw : str or None
        What came of a response that may have been charged for.
    """

    kind: Kind
    text: str
    after: float | None = None
    overload: bool = False
    billed: bool = False
    advice: str = "run again to go on from what the journal holds"
    early: int = 0
    served: bool = False
    busy: bool = False
    raw: str | None = None


class Unreadable(Exception):  # noqa: N818  # an event that is explained, not shown
    """A response with status 200 holds no completion.

    Parameters
    ----------
    text : str
        What it holds instead.
    page : bool
        Whether it is a web page.
    early : int
        After how many of them a run that has had no response yet is stopped; 0: never.
    """

    def __init__(self, text: str, page: bool = False, early: int = 0) -> None:
        super().__init__(text)
        self.text, self.page, self.early = text, page, early


def explain(error: Exception) -> Fault:
    """Say what an error of the client means for the run.

    Parameters
    ----------
    error : Exception
        An error of `openai`, a TimeoutError, or `Unreadable`.

    Returns
    -------
    Fault
        Its meaning.

    Raises
    ------
    Exception
        The error itself, if it is none of these.
    """
    import openai

    if isinstance(error, openai.APIStatusError):
        return of_status(error.status_code, error.body, error.response.headers)
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return Fault("again", "the request timed out", overload=True, billed=True)
    if isinstance(error, openai.APIConnectionError):
        return _of_connection(error)
    if isinstance(error, Unreadable):
        if error.page:
            return Fault("again", error.text, advice=ADDRESS, early=3)  # a proxy may say so once
        return Fault("again", error.text, billed=True, early=error.early)
    raise error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a server asks to wait.

    Parameters
    ----------
    headers : mapping
        Of the response: ``retry-after-ms``, or ``retry-after`` in seconds or as an HTTP date.

    Returns
    -------
    float or None
        At least 0; None if it does not say.

    Examples
    --------
    >>> retry_after({"retry-after-ms": "250"}), retry_after({"retry-after": "2"}), retry_after({})
    (0.25, 2.0, None)
    """
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        seconds = _number(text, unit)
        if seconds is None:
            seconds = _until(text)
        if seconds is not None:
            return max(0.0, seconds)
    return None


def _number(text: str, unit: float) -> float | None:
    try:
        value = float(text) * unit
    except ValueError:
        return None
    return value if value == value and abs(value) < float("inf") else None


def _until(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _of_connection(error: Exception) -> Fault:
    import httpx2

    cause = error.__cause__
    said = str(cause or error) or type(cause or error).__name__
    if isinstance(cause, httpx2.ConnectError):
        return Fault("again", f"no connection ({said})", advice=ADDRESS, early=1)
    if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return Fault("stop", said, advice=ADDRESS)
    return Fault("again", f"the connection was dropped ({said})", billed=True)


def of_status(status: int, sent: Any, headers: Mapping[str, str]) -> Fault:
    """Say what a status other than 200 means for the run.

    Parameters
    ----------
    status : int
        Of the response.
    sent : object
        Its body, read as JSON where it is JSON.
    headers : mapping
        Its headers.

    Returns
    -------
    Fault
        Its meaning.
    """
    if 300 <= status < 400:
        where = headers.get("location")
        text = f"HTTP {status}, it redirects to {where[:500] if where else 'no address'}"
        return Fault("stop", text, advice=ELSEWHERE)
    body, text = _detail(sent), _said(status, sent)
    code = str(body.get("code") or "")
    after = retry_after(headers)
    if status == 402 or {code, str(body.get("type") or "")} & set(BROKE):
        return Fault("stop", text, advice=NO_CREDIT)
    if code == "content_filter" or (status == 403 and _flagged(text)):
        return Fault("filtered", text)
    if status in (401, 403):
        return Fault("stop", text, advice=NO_ENTRY)
    if status == 404 or status in WRONG_ADDRESS:
        named = code == "model_not_found" or "model" in str(body.get("message", "")).lower()
        return Fault("stop", text, advice=NO_MODEL if status == 404 and named else ADDRESS)
    refused = status in BROKEN and any(word in text for word in FORMS)
    if (status in AGAIN or status >= 500) and not refused:
        busy, served = status in BUSY, status in BROKEN
        return Fault("again", text, after, status in OVERLOADED, served=served, busy=busy)
    return Fault("bad", text, advice="change the settings that the server does not take")


def _detail(body: Any) -> dict[str, Any]:
    """Return the error object of a JSON body; empty when the server isn't one for models."""
    if not isinstance(body, dict):
        return {}
    inner = body.get("error", body)
    if isinstance(inner, str):
        return {"message": inner}
    if not isinstance(inner, dict) or inner == {"detail": "Not Found"}:
        return {}
    return inner


def _said(status: int, sent: Any) -> str:
    detail = _detail(sent)
    message = detail.get("message") or detail.get("detail") or ""
    if not message and isinstance(sent, str):
        message = "a web page" if looks_like_page(sent) else sent
    return f"HTTP {status}" + (f", {str(message)[:10_000]}" if message else "")


def _flagged(text: str) -> bool:
    return any(word in text.lower() for word in ("moderation", "flagged", "content policy"))


def looks_like_page(text: str) -> bool:
    """Return whether a body is a web page."""
    return text.lstrip()[:100].lower().startswith(("<!doctype", "<html", "<head", "<?xml"))
