"""OpenAI's Responses where they are kept: read, listed, cancelled, deleted, made in the background.

Source: https://platform.openai.com/docs/api-reference/responses and https://platform.openai.com/docs/guides/background
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.exchange import Exchange, Received
from tests.fakes.vendors.play import ANSWER, Refused, need, only, whole
from tests.fakes.vendors.responses import stream_of

_FIELDS = "input instructions stream store background previous_response_id conversation include metadata"
_USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 500,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 1500,
}


class Keeping:
    """A script with a memory, by provider key: what one key made, another does not know."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], dict[str, Any]] = {}
        self.asked: list[str] = []
        """Method and path of each request."""
        self.id = ""
        """Of all that is made from now on."""
        self.heard = 2
        """Events of a stream that come before its answer is over."""
        self.odd = b""
        """What is said about an answer in place of it."""

    def finish(self, status: str = "completed", usage: Any = _USAGE) -> None:
        """What is made in the background is over."""
        for response in self.kept.values():
            if response["status"] in ("queued", "in_progress"):
                response |= {"status": status, "usage": usage, "output": _output() if status == "completed" else []}

    async def __call__(self, exchange: Exchange) -> None:
        received = exchange.received
        path, _, query = received.path.partition("?")
        self.asked.append(f"{received.method} {path}")
        if self.odd:
            return await whole(exchange, 200, self.odd)
        try:
            value = self._answer(received, path.removeprefix("/v1/responses"), parse_qs(query))
        except Refused as refused:
            error = {"message": str(refused), "type": "invalid_request_error", "param": None, "code": None}
            return await whole(exchange, refused.status, json.dumps({"error": error}).encode())
        if isinstance(value, dict):
            return await whole(exchange, 200, json.dumps(value).encode())
        await exchange.begin()
        for piece in value:
            await exchange.chunk(piece)
        if b"response.completed" not in value[-1]:
            await exchange.gate()
        await exchange.end()

    def _answer(self, received: Received, path: str, query: dict[str, list[str]]) -> Any:
        need(received.key, "No API key", 401)
        if path.startswith("/v1/conversations"):
            return self._converse(received, path.removeprefix("/v1/conversations").removeprefix("/"))
        if received.method == "POST" and path == "":
            return self._create(received)
        if received.method == "POST" and path == "/compact":
            only(received.json, "input instructions previous_response_id", "body", "model")
            item = {"id": "cmp_1", "type": "compaction", "encrypted_content": "gAAAA"}
            return {"id": "resp_c", "object": "response.compaction", "created_at": 1, "output": [item], "usage": _USAGE}
        id, _, part = path.removeprefix("/").partition("/")
        need((received.key, id) in self.kept, f"Response with id '{id}' not found.", 404)
        response = self.kept[received.key, id]
        if received.method == "DELETE":
            del self.kept[received.key, id]
            return {"id": id, "object": "response", "deleted": True}
        if part == "cancel":
            need(response["background"], "Cannot cancel a synchronous response.")
            return response | {"status": "cancelled"}
        if part == "input_items":
            item = {"id": "msg_in", "type": "message", "role": "user", "content": [], "status": "completed"}
            return {"object": "list", "data": [item], "first_id": "msg_in", "last_id": "msg_in", "has_more": False}
        need(received.method == "GET" and not part, "Not found", 404)
        return self._events(response, int(query.get("starting_after", ["-1"])[0])) if query.get("stream") else response

    def _converse(self, received: Received, rest: str) -> Any:
        id, _, part = rest.partition("/")
        if not id:
            only(received.json, "items metadata", "body")
            id = f"conv_{len(self.asked)}"
            made = {"id": id, "object": "conversation", "created_at": 1, "metadata": received.json.get("metadata")}
            self.kept[received.key, id] = {**made, "status": ""}
            return made
        need((received.key, id) in self.kept, f"Conversation with id '{id}' not found.", 404)
        if received.method == "DELETE" and not part:
            del self.kept[received.key, id]
            return {"id": id, "object": "conversation.deleted", "deleted": True}
        if part:
            need(part == "items" and received.method == "GET", "Not found", 404)
            return {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}
        if received.method == "POST":
            self.kept[received.key, id] |= received.json
        return self.kept[received.key, id]

    def _create(self, received: Received) -> Any:
        body = received.json
        only(body, _FIELDS, "body", "model")
        before = body.get("previous_response_id")
        need(before is None or (received.key, before) in self.kept, f"Previous response with id '{before}' not found.")
        conversation = body.get("conversation")
        need(conversation is None or (received.key, conversation) in self.kept, "Conversation not found.")
        later = bool(body.get("background"))
        response = {
            "id": self.id or f"resp_{len(self.asked)}", "object": "response", "created_at": 1, "model": body["model"],
            "status": "queued" if later else "completed", "background": later, "error": None,
            "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
            "previous_response_id": before, "store": body.get("store") is not False, "tool_choice": "auto",
            "tools": [], "output": [] if later else _output(), "usage": None if later else _USAGE,
        }  # fmt: skip
        if response["store"]:
            self.kept[received.key, response["id"]] = response
        return self._events(response, -1) if body.get("stream") else dict(response)

    def _events(self, response: dict[str, Any], after: int) -> list[bytes]:
        """All events after that one; of an answer that is not over, those that there are."""
        if response["status"] == "completed":
            return stream_of(dict(response))[after + 1 :]
        return stream_of({**response, "output": _output()})[after + 1 : self.heard]


def _output() -> list[dict[str, Any]]:
    content = [{"type": "output_text", "text": ANSWER, "annotations": [], "logprobs": []}]
    return [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}]
