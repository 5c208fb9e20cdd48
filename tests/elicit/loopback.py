"""The loopback server as a process of its own, and what tests tell and ask it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

__all__ = ["Loopback"]

ROOT = Path(__file__).parents[2]


class Loopback:
    """A running server; leaving the ``with`` block stops it.

    ``url`` is the address to give as ``base_url``.
    """

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.elicit.server"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.url = f"{self.address}/v1"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def script(self, **script: Any) -> None:
        """Start anew: what was counted is forgotten, and this is how it goes on."""
        self._ask("script", json.dumps(script).encode())

    def counts(self) -> dict[str, Any]:
        """Return what the server saw since the last script."""
        return self._ask("counts")

    def requests(self) -> list[dict[str, Any]]:
        """Return the chat requests since a script with ``keep=True``."""
        return self._ask("requests")

    def _ask(self, what: str, data: bytes | None = None) -> Any:
        with urlopen(Request(f"{self.address}/control/{what}", data=data), timeout=30) as reply:
            return json.load(reply)
