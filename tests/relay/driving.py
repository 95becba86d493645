"""Drives a relay as an ASGI server would: requests in, pieces out, callers that leave or can't be reached."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from relay.app import Relay

Headers = dict[str, str]
Watch = Callable[[Any], None]


@dataclass
class Reply:
    """What the caller got. ``whole``: the answer was ended properly."""

    status: int = 0
    headers: Headers = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """Data of the server-sent events; ``[DONE]`` as text."""
        blocks = [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")]
        return [data.decode() if data == b"[DONE]" else json.loads(data) for data in blocks]

    @property
    def text(self) -> str:
        """The text of a streamed OpenAI answer."""
        found = [event for event in self.events if isinstance(event, dict)]
        return "".join((c["delta"].get("content") or "") for event in found for c in event.get("choices", ()))


class Talk:
    """One request under way. ``break_at``: the so-manieth message to the caller can't be sent.

    ``watch`` is called with each message at the moment when the caller gets it.
    """

    def __init__(
        self, relay: Relay, scope: dict[str, Any], body: bytes, break_at: int | None, watch: Watch | None
    ) -> None:
        self.reply = Reply()
        self._body: list[bytes] = [body[i : i + 65536] for i in range(0, len(body), 65536)] or [b""]
        self._gone = asyncio.Event()
        self._news = asyncio.Condition()
        self._sent = 0
        self._break_at = break_at
        self._watch = watch
        self._task = asyncio.create_task(self._run(relay, scope))

    async def until(self, part: bytes) -> None:
        """Wait until the caller has got ``part``."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: part in self.reply.body or self._task.done()), 20)
        assert part in self.reply.body, self.reply.body

    @property
    def done(self) -> bool:
        """True once the relay has done with the request."""
        return self._task.done()

    def leave(self) -> None:
        """Hang up."""
        self._gone.set()

    async def end(self) -> Reply:
        """Wait until the relay has done with the request."""
        await asyncio.wait_for(self._task, 30)
        return self.reply

    async def cancel(self) -> None:
        """As a server that is told to stop at once."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, relay: Relay, scope: dict[str, Any]) -> None:
        try:
            await relay(scope, self._receive, self._send)
        finally:
            async with self._news:
                self._news.notify_all()

    async def _receive(self) -> dict[str, Any]:
        if self._body:
            piece = self._body.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._body)}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self._sent += 1
        if self._gone.is_set() or self._sent == self._break_at:
            self._gone.set()
            raise OSError("the connection is gone")
        if self._watch is not None:
            self._watch(message)
        if message["type"] == "http.response.start":
            self.reply.status = message["status"]
            self.reply.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.reply.body += message["body"]
            self.reply.whole = not message["more_body"]
        async with self._news:
            self._news.notify_all()


class Caller:
    """A program with a token."""

    def __init__(self, relay: Relay, key: str = "", headers: Headers | None = None) -> None:
        self.relay = relay
        self.headers = {**({"authorization": f"Bearer {key}"} if key else {}), **(headers or {})}

    def open(
        self,
        path: str = "/v1/chat/completions",
        body: Any = None,
        *,
        method: str = "POST",
        query: str = "",
        headers: Headers | None = None,
        peer: str = "192.0.2.10",
        break_at: int | None = None,
        watch: Watch | None = None,
        declared: bool = True,
    ) -> Talk:
        """Send a request; ``body`` is bytes or what becomes JSON."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {**self.headers, **({"content-length": str(len(raw))} if declared else {}), **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": (peer, 12345),
        }
        return Talk(self.relay, scope, raw, break_at, watch)

    async def post(self, path: str = "/v1/chat/completions", body: Any = None, **more: Any) -> Reply:
        return await self.open(path, body, **more).end()

    async def get(self, path: str, **more: Any) -> Reply:
        return await self.open(path, None, method="GET", **more).end()

    async def chat(self, stream: bool = False, **more: Any) -> Reply:
        """An OpenAI chat request; ``more`` goes into its body."""
        return await self.post(body=question(stream, **more))

    def stream(self, break_at: int | None = None, **more: Any) -> Talk:
        """A streamed OpenAI chat request under way."""
        return self.open(body=question(True, **more), break_at=break_at)


def question(stream: bool = False, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Say hello."}], **more}
    return {**body, "stream": True} if stream else body
