"""OpenAI's files and batches. Source: https://platform.openai.com/docs/api-reference/files and /batch."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

from tests.fakes.exchange import Exchange, Received
from tests.fakes.vendors.play import KEY, Refused, need, only, whole

USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}


@dataclass
class Office:
    """A provider of batches, as a script. ``run`` makes the results of all that wait."""

    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    usage: Any = field(default_factory=lambda: USAGE)

    async def __call__(self, exchange: Exchange) -> None:
        try:
            answer = self._answer(exchange.received)
        except Refused as refused:
            await whole(exchange, refused.status, json.dumps({"error": {"message": str(refused)}}).encode())
            return
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        await exchange.head(200, {"content-type": "application/octet-stream", "content-length": str(len(body))})
        await exchange.raw(body)

    def run(self, state: str = "completed", bad: int = 0) -> None:
        """All batches end; the first ``bad`` requests of each in an error."""
        for batch in self.batches.values():
            batch["status"] = state
            if state == "failed":
                batch["errors"] = {"object": "list", "data": [{"code": "invalid_json_line", "message": "no"}]}
                continue
            rows = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
            batch["output_file_id"] = f"file-out{len(self.files)}"
            self.files[batch["output_file_id"]] = b"".join(self._done(row) for row in rows[bad:])
            if bad:
                batch["error_file_id"] = f"file-err{len(self.files)}"
                self.files[batch["error_file_id"]] = b"".join(_failed(row) for row in rows[:bad])

    def _done(self, row: dict[str, Any]) -> bytes:
        body = {"id": "c", "model": row["body"]["model"], "choices": [], "usage": self.usage}
        response = {"status_code": 200, "request_id": "r", "body": body}
        done = {"id": "b", "custom_id": row["custom_id"], "response": response, "error": None}
        return json.dumps(done).encode() + b"\n"

    def _answer(self, received: Received) -> Any:
        need(received.key == KEY, "Incorrect API key provided", 401)
        found = re.fullmatch(r"/v1/(files|batches)(?:/([A-Za-z0-9_-]+)(/content|/cancel)?)?", received.path)
        need(found, "Invalid URL", 404)
        assert found is not None
        kind, id, rest = found.groups()
        if kind == "files":
            return self._upload(received) if received.method == "POST" else self._file(received, id or "", rest)
        return self._begun(received.json) if id is None else self._batch(received, id, rest)

    def _upload(self, received: Received) -> Any:
        head = f"Content-Type: {received.headers['content-type']}\r\n\r\n".encode()
        form = message_from_bytes(head + received.body)
        need(form.is_multipart(), "not a form")
        parts: dict[Any, bytes] = {}
        for part in form.get_payload():  # type: ignore[union-attr]
            parts[part.get_param("name", header="content-disposition")] = part.get_payload(decode=True)  # type: ignore
        need(parts.get("purpose") == b"batch", "purpose")
        for line in parts["file"].splitlines():
            row = json.loads(line)
            only(row, "", "line", "custom_id method url body")
            need(row["body"]["model"] == "gpt-5-mini", "model not found")
        id = f"file-{len(self.files)}"
        self.files[id] = parts["file"]
        return {"id": id, "object": "file", "bytes": len(parts["file"]), "created_at": 1, "filename": "requests.jsonl",
                "purpose": "batch", "status": "processed"}  # fmt: skip

    def _file(self, received: Received, id: str, rest: str | None) -> Any:
        need(id in self.files, "No such File object", 404)
        if received.method == "DELETE":
            del self.files[id]
            return {"id": id, "object": "file", "deleted": True}
        return self.files[id] if rest else {"id": id}

    def _begun(self, body: dict[str, Any]) -> Any:
        only(body, "metadata output_expires_after", "body", "input_file_id endpoint completion_window")
        need(body["input_file_id"] in self.files, "No such File object", 400)
        need(body["completion_window"] == "24h", "completion_window")
        id = f"batch_{len(self.batches)}"
        counts = {"total": 2, "completed": 0, "failed": 0}
        self.batches[id] = {"id": id, "object": "batch", "status": "validating", "created_at": 1, "model": "gpt-5-mini",
                            "request_counts": counts, **body}  # fmt: skip
        return self.batches[id]

    def _batch(self, received: Received, id: str, rest: str | None) -> Any:
        need(id in self.batches, "No batch found", 404)
        if rest == "/cancel":
            need(received.method == "POST", "Invalid method", 405)
            self.batches[id]["status"] = "cancelling"
        return self.batches[id]


def _failed(row: dict[str, Any]) -> bytes:
    response = {"status_code": 400, "request_id": "r", "body": {"error": {"message": "no"}}}
    return json.dumps({"id": "b", "custom_id": row["custom_id"], "response": response, "error": None}).encode() + b"\n"
