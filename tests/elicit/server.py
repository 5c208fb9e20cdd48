"""An HTTP server on the loopback that speaks OpenAI's protocol and goes wrong by script.

Run as ``python -m tests.elicit.server [--port 0]``: it prints its address and serves until it is
stopped. Answers depend on a hash of the request alone, so that two runs can be compared. What it
does is told with ``POST /control/script`` (a JSON object of the keys of ``SCRIPT``, the others at
their defaults; counts start anew), and what it saw is read from ``GET /control/counts``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import socket
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from random import Random
from typing import Any

from tests.elicit.batches import Batches
from tests.elicit.faults import FATAL, Asked, Reply, error, spoil
from tests.elicit.replies import completion, request_hash

SCRIPT: dict[str, Any] = {
    "latency": 0.0,  # seconds before a reply
    "jitter": 0.0,  # up to this many more, drawn from the request's hash
    "share": 0.0,  # of the requests have a fault, drawn from the hash and the number of the attempt
    "faults": [],  # the names to draw from
    "seed": 0,  # of these draws
    "bodies": [],  # pairs of a status and a body in base 64, sent before any other reply
    "next": [],  # faults of the next requests, before any drawing; null is none
    "always": None,  # the fault of every request
    "when": {},  # faults of the requests whose text contains a key of this
    "burst": None,  # {"every": n, "length": k, "fault": name}: k faults in a row after every n
    "retry_after": 0.05,  # seconds, or any text, in the header of rate_limit_after
    "location": "/v1/chat/completions",  # to which redirect_3xx sends
    "paths": {},  # what is sent, as by told, to requests whose method and path begin so
    "told": {"body": ""},  # what told sends: its body, status and headers
    "slow": 0.3,  # seconds that slow adds
    "formats": ["json_schema", "json_object", "text"],  # response_format has else an error 400
    "most_listed": None,  # more top_logprobs are an error 400
    "token_limit": "max_tokens",  # another name for it is an error 400
    "logprobs": True,  # False refuses the setting, None ignores it
    "models": None,  # the names that exist; None: all
    "key": None,  # the only key let in; None: all
    "vary": False,  # answers differ between equal requests as well
    "keep": False,  # requests are kept for GET /control/requests
    "batch_delay": 0.0,
    "batch_status": "completed",
    "batch_done": 0.5,
}
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many"}


@dataclass
class State:
    """What the server was told and what it has seen since."""

    script: dict[str, Any] = field(default_factory=lambda: dict(SCRIPT))
    by_hash: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    queries: Counter[str] = field(default_factory=Counter)
    kept: list[Any] = field(default_factory=list)
    open: int = 0
    peak: int = 0
    connections: int = 0
    flooded: int = 0

    def __post_init__(self) -> None:
        # A batch is answered as a whole: in it, only faults that are a status or a text make sense.
        self.batches = Batches(lambda body: self.chat(body, ""), self.script)

    def counts(self) -> dict[str, Any]:
        """Return all that was counted since the last script."""
        names = ("by_hash", "faults", "keys", "paths", "queries", "peak", "connections", "flooded")
        return {"requests": self.by_hash.total()} | {n: getattr(self, n) for n in names}

    def chat(self, body: Mapping[str, Any], key: str) -> Reply:
        """Answer a chat completion, or spoil the answer."""
        seed = request_hash(body)
        self.by_hash[seed] += 1
        if self.script["keep"]:
            self.kept.append(body)
        if self.script["bodies"]:
            status, raw = self.script["bodies"].pop(0)
            return Reply(status, base64.b64decode(raw))
        refused = self._refused(body, key)
        if refused is not None:
            return refused
        name = self._fault(seed, body)
        said = f"{seed}#{self.by_hash[seed]}" if self.script["vary"] else seed
        if self.script["logprobs"] is None:
            body = {k: v for k, v in body.items() if k != "logprobs"}
        delay = self.script["latency"]
        if self.script["jitter"]:
            delay += self.script["jitter"] * Random(seed).random()
        reply = replace(Reply.json(completion(body, said)), delay=delay)
        if name is None:
            return reply
        self.faults[name] += 1
        return spoil(name, reply, Asked(body, key, self.script))

    def _refused(self, body: Mapping[str, Any], key: str) -> Reply | None:
        asked = Asked(body, key, self.script)
        if self.script["key"] is not None and key != self.script["key"]:
            return FATAL["unauthorized"](Reply(401, b""), asked)
        if self.script["models"] is not None and body.get("model") not in self.script["models"]:
            return FATAL["unknown_model"](Reply(404, b""), asked)
        wanted = (body.get("response_format") or {"type": "text"})["type"]
        if wanted not in [*self.script["formats"], "text"]:
            text = f"response_format.type: {wanted} is not supported"
            return error(400, text, None, "invalid_request_error")
        if body.get("logprobs") and self.script["logprobs"] is False:
            return error(400, "logprobs are not supported", None, "invalid_request_error")
        most = self.script["most_listed"]
        if most is not None and (body.get("top_logprobs") or 0) > most:
            return error(400, f"top_logprobs must be between 0 and {most}", None, "invalid_request")
        wanted = self.script["token_limit"]
        if wanted != "max_tokens" and "max_tokens" in body:
            text = f"'max_tokens' is not supported with this model. Use '{wanted}' instead."
            return error(400, text, "unsupported_parameter", "invalid_request_error")
        return None

    def _fault(self, seed: str, body: Mapping[str, Any]) -> str | None:
        script, number = self.script, self.by_hash.total()
        if script["next"]:
            return script["next"].pop(0)
        if script["always"]:
            return script["always"]
        if script["when"]:
            text = json.dumps(body.get("messages"), ensure_ascii=False)
            for part, name in script["when"].items():
                if part in text:
                    return name
        burst = script["burst"]
        if burst and number % (burst["every"] + burst["length"]) >= burst["every"]:
            return burst["fault"]
        rng = Random(f"{script['seed']} {seed} {self.by_hash[seed]}")
        return rng.choice(script["faults"]) if rng.random() < script["share"] else None


class Connection(asyncio.Protocol):
    """One connection, kept alive; one request at a time."""

    def __init__(self, state: list[State]) -> None:
        self.server, self.buffer, self.busy = state, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.server[0].connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._release()
        self.transport = None

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._next()

    def _next(self) -> None:
        """Take one whole request from the buffer and answer it."""
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if self.busy or not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        size = int(headers.get("content-length", 0))
        if headers.get("transfer-encoding") == "chunked":
            body, left = _unchunk(rest)
        else:
            body, left = (rest[:size], rest[size:]) if len(rest) >= size else (None, b"")
        if body is None:
            return
        self.buffer, self.state = left, self.server[0]
        self._occupy()
        self.state.queries[path.partition("?")[2]] += 1
        reply = self._route(method, path.partition("?")[0], headers, body)
        if reply.delay:
            asyncio.get_running_loop().call_later(reply.delay, self._send, reply)
        else:
            self._send(reply)

    def _occupy(self) -> None:
        self.busy = True
        self.state.open += 1
        self.state.peak = max(self.state.peak, self.state.open)

    def _release(self) -> None:
        if self.busy:
            self.busy = False
            self.state.open -= 1

    def _route(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if path.startswith("/control/"):
            return self._control(method, path, body)
        state, key = self.state, headers.get("authorization", "").removeprefix("Bearer ")
        state.keys[headers.get("authorization", "")] += 1
        state.paths[f"{method} {path}"] += 1
        for start, told in state.script["paths"].items():
            if f"{method} {path}".startswith(start):
                return Reply(
                    told.get("status", 200), told["body"].encode(), told.get("headers", {})
                )
        if (method, path) == ("POST", "/v1/chat/completions"):
            return state.chat(json.loads(body), key)
        if path.startswith(("/v1/files", "/v1/batches")):
            return state.batches.route(method, path, headers.get("content-type", ""), body)
        if path.startswith("/v1/models"):
            names = state.script["models"] or ["loopback"]
            data = [{"id": n, "object": "model", "created": 0, "owned_by": "tests"} for n in names]
            return Reply.json({"object": "list", "data": data})
        return Reply(404, b'{"detail":"Not Found"}')

    def _control(self, method: str, path: str, body: bytes) -> Reply:
        if path == "/control/script":
            given = json.loads(body or b"{}")
            unknown = set(given) - set(SCRIPT)
            if unknown:
                return error(400, f"no such key in a script: {sorted(unknown)}", None)
            self._release()  # this request is none of the new counts
            files = self.state.batches
            self.server[0] = self.state = State(SCRIPT | given)
            self.state.batches.files, self.state.batches.batches = files.files, files.batches
            self.state.batches.numbers = files.numbers
            return Reply.json({})
        return Reply.json(self.state.kept if path == "/control/requests" else self.state.counts())

    def _send(self, reply: Reply) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        reason = REASONS.get(reply.status, "Status")
        head = f"HTTP/1.1 {reply.status} {reason}\r\nContent-Type: {reply.kind}\r\n"
        head += f"Date: {formatdate(usegmt=True)}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in reply.headers.items())
        if reply.ending == "endless":
            self.transport.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            self._drip()
        elif reply.ending == "flood":
            self.transport.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            self._flood()
        elif reply.ending == "keep":
            head += f"Content-Length: {len(reply.body)}\r\n\r\n"
            self.transport.write(head.encode() + reply.body)
            self._release()
            self._next()
        elif reply.ending != "hang":
            self._break(f"{head}Content-Length: {len(reply.body)}\r\n\r\n".encode(), reply)

    def _drip(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(b"1\r\n \r\n")
            asyncio.get_running_loop().call_later(0.05, self._drip)

    def _flood(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            if self.transport.get_write_buffer_size() < 1 << 20:
                self.transport.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                self.state.flooded += 65536
            asyncio.get_running_loop().call_later(0.001, self._flood)

    def _break(self, head: bytes, reply: Reply) -> None:
        """End the connection in the middle of a body (reset, cut) or before it (abort)."""
        if reply.ending != "abort":
            self.transport.write(head + reply.body[: len(reply.body) // 2])
        if reply.ending == "cut":
            self.transport.close()
            return
        # With a linger time of zero, closing sends a RST instead of a FIN.
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def _unchunk(data: bytes) -> tuple[bytes | None, bytes]:
    body = b""
    while True:
        size, found, data = data.partition(b"\r\n")
        if not found or len(data) < int(size, 16) + 2:
            return None, b""
        body, data = body + data[: int(size, 16)], data[int(size, 16) + 2 :]
        if int(size, 16) == 0:
            return body, data


async def serve(port: int) -> None:
    """Serve until the process ends, and say where."""
    state = [State()]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(state), "127.0.0.1", port, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
