"""The Batch API of the loopback server: files, and batches that finish after a scripted delay."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.elicit.faults import Reply, error
from tests.elicit.replies import request_hash

__all__ = ["Batches", "Handled"]

type Handled = Callable[[Mapping[str, Any]], Reply]


@dataclass
class Batches:
    """Files and batches by their ids; the script tells how a batch goes.

    ``batch_delay`` seconds after its creation a batch is over; half way it shows half its counts.
    ``batch_status`` is how it ends (``completed``, ``failed``, ``expired``), and ``batch_done`` the
    share of its requests that a batch cancelled or expired has answered.
    """

    handle: Handled
    script: Mapping[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def route(self, method: str, path: str, kind: str, body: bytes) -> Reply:
        """Answer a request below /v1/files or /v1/batches."""
        parts = path.strip("/").split("/")[1:]
        match [method, *parts]:
            case ["POST", "files"]:
                return Reply.json(self._upload(kind, body))
            case ["GET", "files", name, "content"] if name in self.files:
                return Reply(200, self.files[name], kind="application/octet-stream")
            case ["GET", "files", name] if name in self.files:
                return Reply.json(self._file(name))
            case ["DELETE", "files", name] if self.files.pop(name, None) is not None:
                return Reply.json({"id": name, "object": "file", "deleted": True})
            case ["POST", "batches"]:
                return self._create(json.loads(body))
            case ["GET", "batches"]:
                known = [self._advance(b) for b in reversed(self.batches.values())]
                return Reply.json({"object": "list", "data": known, "has_more": False})
            case ["GET", "batches", name] if name in self.batches:
                return Reply.json(self._advance(self.batches[name]))
            case ["POST", "batches", name, "cancel"] if name in self.batches:
                return Reply.json(self._cancel(self.batches[name]))
        return error(404, f"No such object: {path}", None, "invalid_request_error")

    def _upload(self, kind: str, body: bytes) -> dict[str, Any]:
        boundary = re.search(r'boundary="?([^";]+)', kind)
        parts = body.split(b"--" + boundary.group(1).encode()) if boundary else []
        held = next(p for p in parts if b'name="file"' in p)
        content = held.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n")
        return self._file(self._keep(content))

    def _keep(self, content: bytes) -> str:
        name = f"file-{next(self.numbers)}"
        self.files[name] = content
        return name

    def _file(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "object": "file",
            "bytes": len(self.files[name]),
            "created_at": int(time.time()),
            "filename": f"{name}.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _create(self, asked: Mapping[str, Any]) -> Reply:
        if asked["input_file_id"] not in self.files:
            return error(404, "No such file", None, "invalid_request_error")
        now = time.time()
        batch = {
            "id": f"batch_{next(self.numbers)}",
            "object": "batch",
            "endpoint": asked["endpoint"],
            "input_file_id": asked["input_file_id"],
            "completion_window": asked["completion_window"],
            "metadata": asked.get("metadata"),
            "status": "validating",
            "created_at": int(now),
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
            "began": now,
        }
        self.batches[batch["id"]] = batch
        return Reply.json(batch)

    def _advance(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Bring a batch up to the present."""
        if batch["status"] not in ("validating", "in_progress", "finalizing", "cancelling"):
            return batch
        lines = self.files[batch["input_file_id"]].splitlines()
        delay = self.script.get("batch_delay", 0.0)
        past = (time.time() - batch["began"]) / delay if delay else 1.0
        batch["request_counts"] |= {
            "total": len(lines),
            "completed": int(len(lines) * min(past, 1)),
        }
        if past >= 1:
            self._finish(batch, lines, self.script.get("batch_status", "completed"))
        else:
            batch["status"] = "in_progress" if past > 0.2 else "validating"
        return batch

    def _cancel(self, batch: dict[str, Any]) -> dict[str, Any]:
        if batch["status"] in ("validating", "in_progress", "finalizing"):
            self._finish(batch, self.files[batch["input_file_id"]].splitlines(), "cancelled")
        return batch

    def _finish(self, batch: dict[str, Any], lines: list[bytes], status: str) -> None:
        batch["status"] = status
        if status == "failed":
            cause = {"code": "invalid_json_line", "message": "This line is not valid.", "line": 1}
            batch["errors"] = {"object": "list", "data": [cause]}
            return
        share = 1.0 if status == "completed" else self.script.get("batch_done", 0.5)
        done = [self._answer(json.loads(line)) for line in lines[: round(len(lines) * share)]]
        # As with the real service, the order of the answers is not that of the questions.
        done.sort(key=lambda line: request_hash({"id": line["custom_id"]}))
        bad = [line for line in done if line["response"]["status_code"] != 200]
        good = [line for line in done if line["response"]["status_code"] == 200]
        for key, rows in (("output_file_id", good), ("error_file_id", bad)):
            text = "".join(json.dumps(row) + "\n" for row in rows)
            batch[key] = self._keep(text.encode()) if rows else None
        batch["request_counts"] |= {"completed": len(good), "failed": len(lines) - len(good)}
        batch["completed_at"] = int(time.time())

    def _answer(self, line: Mapping[str, Any]) -> dict[str, Any]:
        reply = self.handle(line["body"])
        try:
            body = json.loads(reply.body)
        except ValueError:
            body = {"error": {"message": "upstream sent no JSON"}}
        return {
            "id": f"batch_req_{line['custom_id']}",
            "custom_id": line["custom_id"],
            "response": {"status_code": reply.status, "request_id": "", "body": body},
            "error": None,
        }
