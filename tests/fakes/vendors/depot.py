"""OpenAI's files for chats, and chats that name them; each key knows its own files alone.

Source: https://platform.openai.com/docs/api-reference/files, /guides/pdf-files, /guides/tools-code-interpreter
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.exchange import Exchange, Received
from tests.fakes.scripts import as_asked
from tests.fakes.vendors.play import Refused, need, only, whole
from tests.relay.endpoints import uploads

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")


@dataclass
class Depot:
    """The provider, as a script. ``files`` by key and id."""

    files: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    named: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Key and files of each chat."""
    expires_at: int | None = None

    async def __call__(self, exchange: Exchange) -> None:
        received = exchange.received
        try:
            if received.path.startswith("/v1/files"):
                return await whole(exchange, 200, json.dumps(self._file(received)).encode())
            self._check(received)
        except Refused as refused:
            return await whole(exchange, refused.status, json.dumps({"error": {"message": str(refused)}}).encode())
        if received.path == "/v1/responses":
            return await whole(exchange, 200, json.dumps(_response(received.json)).encode())
        await as_asked()(exchange)

    def _file(self, received: Received) -> Any:
        if received.method == "POST":
            return self._upload(received)
        found = re.fullmatch(r"/v1/files/([A-Za-z0-9-]+)(/content)?", received.path)
        need(found, "Invalid URL", 404)
        assert found is not None
        place = (received.key, found[1])
        need(place in self.files, "No such File object", 404)
        need(not found[2], f"Not allowed to download files of purpose: {self.files[place]['purpose']}")
        need(received.method == "DELETE", "not asked for in this play")
        del self.files[place]
        return {"id": found[1], "object": "file", "deleted": True}

    def _upload(self, received: Received) -> Any:
        given = uploads.read(received)
        only(given, "expires_after[anchor] expires_after[seconds]", "body", "purpose file")
        need(given["purpose"] in PURPOSES, "purpose")
        id = f"file-{len(self.files)}"
        self.files[received.key, id] = {
            "id": id, "object": "file", "bytes": len(given["file"]), "created_at": 1, "filename": "a.pdf",
            "purpose": given["purpose"], "status": "processed", "expires_at": self.expires_at,
        }  # fmt: skip
        return self.files[received.key, id]

    def _check(self, received: Received) -> None:
        """What it reads as the name of a file, wherever it may stand."""
        body = received.json
        if received.path == "/v1/responses":
            items = body["input"] if isinstance(body["input"], list) else []
            parts = [part for item in items for part in item.get("content") or () if isinstance(part, dict)]
            ids = [part["file_id"] for part in parts if part.get("type") in ("input_file", "input_image")]
            boxes = [tool["container"] for tool in body.get("tools", ()) if tool["type"] == "code_interpreter"]
            ids += [id for box in boxes for id in box.get("file_ids", ())]
        else:
            need(received.path == "/v1/chat/completions", "Invalid URL", 404)
            contents = [m["content"] for m in body["messages"] if isinstance(m["content"], list)]
            ids = [part["file"]["file_id"] for content in contents for part in content if part["type"] == "file"]
        for id in ids:
            need((received.key, id) in self.files, f"No such File object: {id}", 404)
        self.named.append((received.key, tuple(ids)))


def _response(body: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "output_text", "text": "Hello!", "annotations": []}]
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    usage = {"input_tokens": 1000, "output_tokens": 500, "total_tokens": 1500}
    return {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": body["model"],
            "output": [message], "usage": usage, "tools": [], "tool_choice": "auto",
            "parallel_tool_calls": True}  # fmt: skip
