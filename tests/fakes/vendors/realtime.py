"""OpenAI's realtime API, as strict as it is: one socket a session, text, sound and tools.

Source: https://platform.openai.com/docs/guides/realtime-conversations
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.fakes.vendors.play import KEY, Refused, need, only

MODEL = "gpt-realtime"
USAGE: dict[str, Any] = {
    "total_tokens": 1500,
    "input_tokens": 1000,
    "output_tokens": 500,
    "input_token_details": {
        "text_tokens": 600,
        "audio_tokens": 400,
        "image_tokens": 0,
        "cached_tokens": 300,
        "cached_tokens_details": {"text_tokens": 200, "audio_tokens": 100, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 200, "audio_tokens": 300},
}
_FIELDS = {
    "session.update": "session",
    "conversation.item.create": "item",
    "input_audio_buffer.append": "audio",
    "input_audio_buffer.commit": "",
    "response.create": "",
    "response.cancel": "",
}


class Realtime:
    """Sessions that play the same conversation. ``status``: refuse handshakes with it. ``hold``: responses last."""

    def __init__(self, azure: bool = False) -> None:
        self._root, self._shown = (
            ("/openai/v1", ("api-key", KEY)) if azure else ("/v1", ("authorization", f"Bearer {KEY}"))
        )
        self.status = 0
        self.hold = False
        self.transcription: dict[str, Any] = {"type": "duration", "seconds": 2.5}
        self.leaves: tuple[int, str] | None = None
        """Close in place of an answer."""
        self.events: list[dict[str, Any]] = []
        self.heads: list[dict[str, str]] = []
        self.closed: list[tuple[int | None, str | None]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Realtime]:
        async with serve(self._session, "127.0.0.1", 0, process_request=self._enter, max_size=2**24) as server:
            assert isinstance(server, Server)
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield self

    def _enter(self, connection: ServerConnection, request: Request) -> Response | None:
        self.heads.append({name.lower(): value for name, value in request.headers.raw_items()})
        name, value = self._shown
        right = request.headers.get(name) == value
        status = self.status or (200 if right else 401)
        status = 404 if request.path != f"{self._root}/realtime?model={MODEL}" else status
        if status == 200:
            return None
        response = connection.respond(status, json.dumps({"error": {"message": f"refused with {status}"}}))
        if status == 301:
            response.headers["location"] = request.path
        return response

    async def _session(self, socket: ServerConnection) -> None:
        self._socket = socket
        self._heard: Any = None
        session = {"type": "realtime", "object": "realtime.session", "id": "sess_1", "model": MODEL}
        await self._tell("session.created", session=session)
        try:
            async for message in socket:
                assert isinstance(message, str)
                await self._event(json.loads(message), session)
        except ConnectionClosed:
            pass
        finally:
            self.closed.append((socket.close_code, socket.close_reason))

    async def _event(self, event: dict[str, Any], session: dict[str, Any]) -> None:
        self.events.append(event)
        try:
            kind = event.get("type", "")
            need(kind in _FIELDS, f"Invalid value: '{kind}'")
            only(event, "event_id response", kind, f"type {_FIELDS[kind]}")
            if kind == "session.update":
                need(event["session"].get("type") == "realtime", "Missing required parameter: 'session.type'.")
                need(event["session"].get("model", MODEL) == MODEL, "The model of a session can't be changed.")
                self._heard = event["session"].get("audio", {}).get("input", {}).get("transcription")
                await self._tell("session.updated", session={**session, **event["session"]})
            elif kind == "conversation.item.create":
                await self._tell("conversation.item.added", item={"id": "item_1", **event["item"]})
            elif kind == "input_audio_buffer.commit" and self._heard:
                done = "conversation.item.input_audio_transcription.completed"
                await self._tell(done, item_id="item_1", content_index=0, transcript="Hi", usage=self.transcription)
            elif kind == "response.create":
                await self._respond()
            elif kind == "response.cancel":
                await self._done("cancelled")
        except Refused as refused:
            await self._tell("error", error={"type": "invalid_request_error", "message": str(refused), "code": None})

    async def _respond(self) -> None:
        if self.leaves:
            return await self._socket.close(*self.leaves)
        at = {"response_id": "resp_1", "item_id": "item_2", "output_index": 0, "content_index": 0}
        await self._tell("response.created", response={"id": "resp_1", "object": "realtime.response", "output": []})
        await self._tell("response.output_text.delta", **at, delta="Hello!")
        await self._tell("response.output_audio.delta", **at, delta="UklGRg==" * 1000)
        await self._tell("response.function_call_arguments.delta", **at, call_id="call_1", delta='{"model":"x"}')
        if not self.hold:
            await self._done("completed")

    async def _done(self, status: str) -> None:
        response = {"id": "resp_1", "object": "realtime.response", "status": status, "output": [], "usage": USAGE}
        await self._tell("response.done", response=response)

    async def _tell(self, type: str, **fields: Any) -> None:
        await self._socket.send(json.dumps({"type": type, "event_id": f"event_{len(self.events)}", **fields}))


async def until(condition: Any) -> None:
    """Wait until something has come about."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)
