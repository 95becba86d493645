"""A provider byte by byte: a server in the test's own loop that does with its connections what the test says.

async def script(peer: Peer) -> None:
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

async with RawServer(script) as server:
    ...ask server.url...
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number
        """0 for the first connection."""

    async def head(self) -> Request:
        """A request without its body; raises IncompleteReadError when the client leaves."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines[1:] if line)
        return Request(lines[0], {name.lower(): value for name, _, value in pairs}, b"")

    async def request(self) -> Request:
        """A whole request."""
        head = await self.head()
        size = int(head.headers.get("content-length", 0))
        return Request(head.line, head.headers, await self.reader.readexactly(size))

    async def send(self, *pieces: bytes) -> None:
        """Each piece on its own, so that the client reads it on its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0.001)

    async def answer(self, body: bytes = b"ok", status: int = 200, *headers: bytes) -> None:
        """A proper answer with a length."""
        lines = [b"HTTP/1.1 %d X" % status, *headers, b"content-length: %d" % len(body)]
        await self.send(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    def half_close(self) -> None:
        """Send no more, still read."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Cut with a reset."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def left(self) -> None:
        """Until the client has gone."""
        with contextlib.suppress(OSError):
            while await self.reader.read(65536):
                pass


Script = Callable[[Peer], Awaitable[None]]


class RawServer:
    """Runs ``script`` for each connection; afterwards the connection is closed."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None, port: int = 0, limit: int = 2**16) -> None:
        self.script = script
        self.made = 0
        """Connections that were made."""
        self.open = 0
        """Connections that are open."""
        self.peers: list[Peer] = []
        self._tls = tls
        self._port = port
        self._limit = limit
        self._tasks: set[asyncio.Task[Any]] = set()
        self._news = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something about the connections is true."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(true), 10)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self.port = self._port = int(listener.getsockname()[1])
        self._server = await asyncio.start_server(
            self._connected, sock=listener, ssl=self._tls, limit=self._limit, backlog=512
        )

    async def stop(self) -> None:
        """Close the door and cut every connection."""
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _ in range(3):
            await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = Peer(reader, writer, self.made)
        self.made, self.open = self.made + 1, self.open + 1
        self.peers.append(peer)
        await self._tell()
        try:
            await self.script(peer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self.open -= 1
            if writer.can_write_eof() and not writer.transport.is_closing():
                writer.close()
            else:
                writer.transport.abort()
            await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


def always(answer: bytes) -> Script:
    """The same answer to every request, as long as the client stays."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(answer)

    return script


def once(*pieces: bytes) -> Script:
    """One answer, piece by piece, then the end of the connection."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)

    return script


def waiting(*pieces: bytes) -> Script:
    """One answer, piece by piece; then the connection stays open until the client leaves."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces)
        await peer.left()

    return script
