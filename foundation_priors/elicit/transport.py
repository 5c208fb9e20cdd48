"""Sending a request, and reading no more of what comes than was meant to be read."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foundation_priors.elicit.answers import Rejected
from foundation_priors.elicit.events import are_events, completion_of
from foundation_priors.elicit.exchange import PATH, Reply, read_reply
from foundation_priors.elicit.reading import loads
from foundation_priors.elicit.retry import Unreadable, looks_like_page

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

__all__ = ["Arrived", "Oversized", "bounded", "send"]

DIGITS = 15  # of a length that is believed
LISTS = 10_000_000  # bytes of what is no answer, such as a list of batches
STREAMED = "X-Stainless-Raw-Response"  # by which the client marks what it reads itself
DAMAGED = "damaged gzip"
ZIPPED = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # what zlib calls them


@dataclass
class Arrived:
    """What has arrived of a response, whole or not.

    Parameters
    ----------
    limit : int
        Bytes that are read, unpacked.

    Attributes
    ----------
    status : int or None
        None before any response.
    kind : str
        Its media type.
    packed : str
        In what it is packed and could not be unpacked; "" as a rule.
    body : bytearray
        At most `limit` bytes.
    length : int or None
        How long it is at least, where that is longer.
    """

    limit: int
    status: int | None = None
    kind: str = ""
    packed: str = ""
    body: bytearray = field(default_factory=bytearray)
    length: int | None = None

    @property
    def text(self) -> str:
        """What came, as text."""
        return self.body.decode("utf-8-sig", "replace")

    async def read(self, response: httpx2.Response) -> None:
        """Read a response up to the limit, and close it."""
        headers, stream = response.headers, response.stream
        self.status = response.status_code
        self.kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        self.packed = headers.get("content-encoding", "").strip().lower()
        unpack = zlib.decompressobj(ZIPPED[self.packed]) if self.packed in ZIPPED else None
        self.packed = "" if unpack or self.packed == "identity" else self.packed
        try:
            async with contextlib.aclosing(aiter(stream)) as chunks:  # type: ignore[type-var, arg-type]
                async for chunk in chunks:
                    room = self.limit + 1 - len(self.body)
                    self.body += unpack.decompress(chunk, room) if unpack else chunk[:room]
                    if len(self.body) > self.limit:
                        told = "" if unpack else headers.get("content-length", "")
                        told = told if told.isascii() and told.isdecimal() else "0"
                        self.length = max(int(told[:DIGITS]), len(self.body))
                        del self.body[self.limit :]
                        return
            if unpack and not unpack.eof:
                self.packed = DAMAGED
        except zlib.error:
            self.packed = DAMAGED
        finally:
            await stream.aclose()  # type: ignore[union-attr]


ARRIVING: ContextVar[Arrived | None] = ContextVar("ARRIVING", default=None)


@dataclass(frozen=True, slots=True)
class Oversized(Reply):
    """A response that is longer than the limit; its text is the first part of it as it came.

    Parameters
    ----------
    length : int
        Bytes of it that are known of.
    """

    length: int = 0

    @property
    def rejected(self) -> Rejected:
        """Why there is no answer in it."""
        return Rejected(
            "too long",
            f"The response has {self.length:,} bytes or more, and fp.Endpoint(max_bytes=...) are"
            " read: lower max_tokens, or raise max_bytes.",
        )


def oversized(text: str, length: int, latency: float = 0.0) -> Oversized:
    """Return the first part of a response as a reply without an answer."""
    return Oversized(text, None, None, None, None, None, None, latency, length=length)


def bounded(limit: int) -> Callable[[httpx2.Response], Awaitable[None]]:
    """Return a hook of the HTTP client that reads each response up to a limit.

    Parameters
    ----------
    limit : int
        Bytes of a response to a request that does not bring a limit of its own.

    Returns
    -------
    callable
        What the client calls with each response before it reads it. Afterwards nothing in the
        response can make reading it costly: no packing, and no odd encoding of its text.
    """
    import httpx2

    async def read(response: httpx2.Response) -> None:
        streamed = response.request.headers.get(STREAMED) == "stream"
        if streamed and response.is_success:
            return
        arrived = ARRIVING.get() or Arrived(max(limit, LISTS))
        await arrived.read(response)
        response.stream = httpx2.ByteStream(bytes(arrived.body))
        for name in ("content-encoding", "content-length", "transfer-encoding"):
            response.headers.pop(name, None)
        response.headers["content-type"] = arrived.kind
        response.encoding = "utf-8"

    return read


async def send(client: AsyncOpenAI, content: bytes, timeout: float, arrived: Arrived) -> Reply:
    """Send a request and read its response.

    Parameters
    ----------
    client : openai.AsyncOpenAI
        Whose own retries are off, and which has the hook of `bounded`.
    content : bytes
        The body, as JSON.
    timeout : float
        Seconds for all of it: the client's own limit is on each silence, and a server may send a
        byte now and then for ever.
    arrived : Arrived
        Empty; whatever happens, it holds what came.

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
    from openai import OpenAIError

    began = asyncio.get_running_loop().time()
    mark = ARRIVING.set(arrived)
    try:
        async with asyncio.timeout(timeout):
            await client.post(PATH, cast_to=httpx2.Response, content=content)
        latency = asyncio.get_running_loop().time() - began
        if arrived.length is not None:
            return oversized(arrived.text, arrived.length, latency)
        return read_reply(_value(arrived), latency)
    except (OpenAIError, TimeoutError, Unreadable):
        raise
    except Exception as error:
        if arrived.status is None:
            raise
        # Whatever a server sends, it ends no run.
        raise Unreadable(f"the response is not understood ({type(error).__name__})") from None
    finally:
        ARRIVING.reset(mark)


def _value(arrived: Arrived) -> Any:
    """Return a response as JSON, put together if it came in pieces."""
    text = arrived.text
    if arrived.kind == "text/event-stream" or are_events(text):
        return completion_of(text)
    try:
        return loads(text)
    except ValueError as error:
        if "nested" in str(error):
            raise Unreadable("the response is nested too deeply", early=3) from None
    if arrived.packed:
        raise Unreadable(f"the response is packed as {arrived.packed!r}", early=3)
    if looks_like_page(text):
        raise Unreadable("a web page came instead of JSON", page=True)
    if text.lstrip()[:1] in ("{", ""):
        raise Unreadable("the response was cut short")
    raise Unreadable("the response is no JSON", early=3)
