"""An application for both doors that answers with what it was asked: what they make of the same bytes is compared."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from relay import routes
from relay.caller import Gone
from relay.hot import Exchange
from relay.routes import Route

_HOP = (b"host", b"connection", b"content-length", b"transfer-encoding", b"http2-settings")


class Echo:
    """As ``Relay`` to the door. ``seen``: every request that came to be answered.

    A body that says ``stream`` is answered in chunks; with ``early`` a request with a header ``x-early`` is
    answered before its body is read.
    """

    def __init__(self, early: bool = True) -> None:
        self._early = early
        self.seen: list[str] = []
        self.lost = 0
        """Callers that left before their answer."""

    # -- the hot way ---------------------------------------------------------------------------------

    def hot(self, url: bytes) -> tuple[Route, bytes] | None:
        return routes.hot(url)

    async def answer(self, exchange: Exchange) -> None:
        path, query = exchange.route.path, exchange.query
        try:
            if self._early and early(exchange.headers):
                self.seen.append(f"POST {path}")
                return reply(exchange, {"early": path})
            body, more = b"", True
            while more:
                part, more = await exchange.part()
                body += part
            self.seen.append(f"POST {path}")
            said = told("POST", path, query, exchange.headers, body)
            if b"stream" in body:
                return await stream(exchange, said)
            reply(exchange, said)
        except Gone:
            self.lost += 1
        finally:
            exchange.close()

    # -- the usual way -------------------------------------------------------------------------------

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1000})
        path = canonical(scope["method"], scope["path"])
        caller = _Sending(send)
        if self._early and early(scope["headers"]):
            self.seen.append(f"{scope['method']} {path}")
            return await caller.whole({"early": path})
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.lost += 1
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.seen.append(f"{scope['method']} {path}")
        said = told(scope["method"], path, scope["query_string"], scope["headers"], body)
        await (caller.streamed(said) if b"stream" in body and scope["method"] == "POST" else caller.whole(said))


def canonical(method: str, path: str) -> str:
    """What the hot way calls this path."""
    found = routes.hot(path.encode()) if method == "POST" else None
    return found[0].path if found else path


def early(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"x-early" for name, _ in headers)


def told(method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> dict[str, Any]:
    """The request as the application sees it, but for what frames it."""
    kept = [f"{name!r}: {value!r}" for name, value in headers if name not in _HOP]
    return {"method": method, "path": path, "query": query.decode("latin-1"), "headers": kept, "body": repr(body)}


def reply(exchange: Exchange, value: dict[str, Any]) -> None:
    body = json.dumps(value).encode()
    exchange.start(200, ((b"content-length", b"%d" % len(body)),))
    exchange.finish(body)


async def stream(exchange: Exchange, value: dict[str, Any]) -> None:
    exchange.start(200, ((b"content-type", b"text/event-stream"),))
    for piece in pieces(value):
        exchange.write(piece)
        await asyncio.sleep(0)
    exchange.finish(b"end")


def pieces(value: dict[str, Any]) -> list[bytes]:
    body = json.dumps(value).encode()
    return [body[at : at + 50] for at in range(0, len(body), 50)]


class _Sending:
    """An answer through ASGI."""

    def __init__(self, send: Any) -> None:
        self._send = send

    async def whole(self, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        await self._start((b"content-length", b"%d" % len(body)))
        await self._send({"type": "http.response.body", "body": body})

    async def streamed(self, value: dict[str, Any]) -> None:
        await self._start((b"content-type", b"text/event-stream"))
        for piece in pieces(value):
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)
        await self._send({"type": "http.response.body", "body": b"end"})

    async def _start(self, *headers: tuple[bytes, bytes]) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": list(headers)})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
