"""Callers in a crowd: whole answers and streams, over connections that are kept and over new ones.

Cheaper than an HTTP library, and stricter: what breaks is told, nothing is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools

from tests.system.installation import CHAT

LONGEST = 30.0


class Connection(asyncio.Protocol):
    """One connection; answers one request after the other."""

    def __init__(self) -> None:
        self.open = True
        self.answers = 0
        self._waits: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    async def ask(self, request: bytes) -> None:
        """Send; return at the answer's end. Raises ConnectionError when that does not come."""
        self.status, self.body, self.headers = 0, bytearray(), dict[str, str]()
        self._parser = httptools.HttpResponseParser(self)
        self._waits = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        async with asyncio.timeout(LONGEST):
            await self._waits
        self.answers += 1

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if not self._parser.should_keep_alive():
            self.open = False
            self.transport.close()
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._waits is not None and not self._waits.done():
            where = f"after {self.answers} answers, with {len(self.body)} bytes of one"
            self._waits.set_exception(ConnectionResetError(f"lost {where}: {exc!r}"))


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a caller met instead of an answer, and the port that it called from."""

    port: int
    text: str


@dataclass
class Crowd:
    """Calls one server with one token until ``over``; what came is in ``answered`` and ``wrong``."""

    address: str
    value: str = field(repr=False)
    answered: dict[str, bool] = field(default_factory=dict)
    """Request ids of complete answers, and whether they were streams."""
    wrong: list[Wrong] = field(default_factory=list)
    connections: int = 0
    over: bool = False

    async def keep(self, pause: float, stream: bool = False) -> None:
        """Ask again and again over a connection that is kept for as long as the server says."""
        connection = None
        while not self.over:
            if connection is None or not connection.open:
                connection = await self.connect()
            if connection is not None:
                await self.ask(connection, stream)
            await asyncio.sleep(pause)
        if connection is not None:
            connection.transport.close()

    async def renew(self, pause: float, stream: bool = False) -> None:
        """A new connection for each request."""
        while not self.over:
            connection = await self.connect()
            if connection is not None:
                await self.ask(connection, stream)
                connection.transport.close()
            await asyncio.sleep(pause)

    async def connect(self) -> Connection | None:
        parts = urlsplit(self.address)
        try:
            _, made = await asyncio.get_running_loop().create_connection(Connection, parts.hostname, parts.port)
        except OSError as error:
            self.wrong.append(Wrong(0, f"refused: {error}"))
            return None
        self.connections += 1
        return made

    async def ask(self, connection: Connection, stream: bool = False) -> None:
        """One request; what came of it is kept."""
        port = connection.transport.get_extra_info("sockname")[1]
        try:
            await connection.ask(self._request(stream))
        except (OSError, TimeoutError) as error:
            self.wrong.append(Wrong(port, f"{'stream' if stream else 'whole'}: {error!r}"))
            connection.transport.abort()
            connection.open = False
            return
        body, id = bytes(connection.body), connection.headers.get("x-request-id", "")
        whole = body.rstrip().endswith(b"data: [DONE]") if stream else body.endswith(b"}")
        if connection.status != 200 or not whole:
            self.wrong.append(Wrong(port, f"{connection.status} {body[-200:]!r}"))
        else:
            self.answered[id] = stream

    def _request(self, stream: bool) -> bytes:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": stream})
        head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.value}\r\n"
        return f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


@asynccontextmanager
async def crowd(address: str, value: str, kept: int, new: int, streams: int, pause: float) -> AsyncIterator[Crowd]:
    """``kept`` + ``new`` callers that ask each ``pause`` seconds, and so many that stream all the time."""
    found = Crowd(address, value)
    began = time.monotonic()
    tasks = [
        *(asyncio.create_task(found.keep(pause)) for _ in range(kept)),
        *(asyncio.create_task(found.renew(pause)) for _ in range(new)),
        *(asyncio.create_task(found.keep(0, stream=True)) for _ in range(streams // 2)),
        *(asyncio.create_task(found.renew(0, stream=True)) for _ in range(streams - streams // 2)),
    ]
    try:
        yield found
    finally:
        found.over = True
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
        took = time.monotonic() - began
        print(f"{len(found.answered)} answers, {found.connections} connections in {took:.1f} s")
