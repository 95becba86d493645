"""Drives a relay as an ASGI server would: requests in, pieces out, callers that leave or can't be reached."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

from relay.app import Relay
from tests.relay.reply import Headers, Reply, Watch
from tests.relay.wire import Lobby, WireTalk

__all__ = ["Caller", "Headers", "Reply", "Talk", "question"]


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

    @property
    def unread(self) -> int:
        """Pieces of the request that were not taken."""
        return len(self._body)

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
    """A program with a token. With a ``lobby`` it comes in at the HTTP protocol, else as through an ASGI server."""

    def __init__(self, relay: Relay, key: str = "", headers: Headers | None = None, lobby: Lobby | None = None) -> None:
        self.relay = relay
        self.lobby = lobby
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
    ) -> Talk | WireTalk:
        """Send a request; ``body`` is bytes or what becomes JSON."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {**self.headers, **({"content-length": str(len(raw))} if declared else {}), **(headers or {})}
        if self.lobby is not None:
            return WireTalk(self.lobby, _written(method, path, query, given, raw), peer, break_at, watch)
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

    def stream(self, break_at: int | None = None, **more: Any) -> Talk | WireTalk:
        """A streamed OpenAI chat request under way."""
        return self.open(body=question(True, **more), break_at=break_at)


def question(stream: bool = False, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Say hello."}], **more}
    return {**body, "stream": True} if stream else body


def _written(method: str, path: str, query: str, headers: Headers, body: bytes) -> bytes:
    """The request as it goes over the wire; without a length in chunks."""
    target = quote(path, safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")
    given = {"host": "gateway"} | headers
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    if body and "content-length" not in headers:
        lines.append("transfer-encoding: chunked")
        pieces = (body[at : at + 65536] for at in range(0, len(body), 65536))
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
