"""A request on the hot path: read and answered at uvicorn's HTTP protocol, without ASGI scope, routing or messages.

The exchange stands where uvicorn keeps its own cycle, so that its shutdown, pipelining and loss of a
connection go on working: hence the attributes ``keep_alive``, ``disconnected``, ``response_complete``
and ``message_event``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

from relay.caller import Gone, Pairs
from relay.routes import Route

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_LENGTH = b"content-length"


class _NoEvent:
    """uvicorn sets an event of its cycle when the connection is lost; here ``lost`` is called instead."""

    def set(self) -> None: ...


class Connection(Protocol):
    """What an exchange needs of the connection that it came in on."""

    transport: asyncio.Transport
    server_state: Any
    flow: Any

    def answered(self) -> None:
        """The answer has been written: the next request may come."""

    def hang_up(self) -> None:
        """Close when what was written has been sent."""


class Exchange:
    """One request and its caller; see ``Caller`` for the answer's side."""

    message_event = _NoEvent()

    __slots__ = (
        "_attending", "_body", "_chunked", "_connection", "_head", "_news", "complete", "declared", "disconnected",
        "headers", "keep_alive", "left", "on_slow", "pairs", "peer", "query", "response_complete", "route", "size",
        "started", "task",
    )  # fmt: skip

    def __init__(
        self,
        connection: Connection,
        route: Route,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        declared: int,
        keep_alive: bool,
        peer: str,
    ) -> None:
        self.route = route
        self.query = query
        self.headers = headers
        self.declared = declared
        self.peer = peer
        self.keep_alive = keep_alive
        self.complete = False
        """True once the whole body is there."""
        self.size = 0
        self.disconnected = False
        self.response_complete = False
        self.started = False
        self.left = False
        self.on_slow: Callable[[bool], None] | None = None
        self.task: asyncio.Task[None] | None = None
        self.pairs: Pairs = ()
        """Headers that every answer to this request carries."""
        self._connection = connection
        self._body: list[bytes] = []
        self._news: asyncio.Future[None] | None = None
        self._attending: Callable[[], None] | None = None
        self._head = b""
        self._chunked = False

    # -- the request, fed by the protocol ------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """A piece of the body."""
        self._body.append(data)
        self.size += len(data)
        self._tell()

    def end(self) -> None:
        """The body is complete."""
        self.complete = True
        self._tell()

    def lost(self) -> None:
        """The connection is gone."""
        self.disconnected = True
        if self.response_complete or self.left:
            return
        self.left = True
        self._tell()
        if self._attending is not None:
            self._attending()

    async def part(self) -> tuple[bytes, bool]:
        """What has come of the body, and whether more is to come; raises Gone."""
        if not self._body and not self.complete and not self.left:
            self._connection.flow.resume_reading()
            self._news = asyncio.get_running_loop().create_future()
            try:
                await self._news
            finally:
                self._news = None
        if self.left:
            raise Gone
        body, self._body = self._body, []
        return (body[0] if len(body) == 1 else b"".join(body)), not self.complete

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # -- the answer ----------------------------------------------------------------------------------

    def attend(self, on_left: Callable[[], None] | None) -> None:
        self._attending = on_left

    def slow(self, slow: bool) -> None:
        """The transport's buffer is full, or empty again."""
        if self.on_slow is not None:
            self.on_slow(slow)

    def start(self, status: int, pairs: Pairs) -> None:
        self.started = True
        parts = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        chunked = status not in (204, 304)
        for name, value in (*self._connection.server_state.default_headers, *self.pairs, *pairs):
            if name == _LENGTH:
                chunked = False
            elif name == b"connection" and value == b"close":
                self.keep_alive = False
                continue
            parts += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts.append(b"transfer-encoding: chunked\r\n\r\n" if chunked else b"\r\n")
        self._chunked = chunked
        self._head = b"".join(parts)

    def write(self, data: bytes) -> None:
        head, self._head = self._head, b""
        if self.left or not (head or data):
            return
        if self._chunked and data:
            head = b"%b%x\r\n%b\r\n" % (head, len(data), data)
        elif data:
            head += data
        self._connection.transport.write(head)

    def finish(self, data: bytes = b"") -> None:
        if self.left or self.response_complete:
            return
        head, self._head = self._head, b""
        transport = self._connection.transport
        if not self._chunked:
            if head and len(data) > 65536:  # not worth a copy
                transport.write(head)
                head = b""
            transport.write(head + data if head else data)
        elif data:
            transport.write(b"%b%x\r\n%b\r\n0\r\n\r\n" % (head, len(data), data))
        else:
            transport.write(head + b"0\r\n\r\n")
        self._end()

    def close(self) -> None:
        """Nobody works on this request any more: an answer that was not ended can only be cut off."""
        if not self.response_complete and not self.left:
            self.keep_alive = False
            self._end()

    def _end(self) -> None:
        self.response_complete = True
        self.task = None
        self.headers = []  # an idle connection keeps this exchange, but not what was in it
        self._body = []
        if not self.keep_alive:
            self._connection.hang_up()
        self._connection.answered()
