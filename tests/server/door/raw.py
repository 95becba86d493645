"""A caller that writes whatever bytes it likes to a real connection, and reads answers one by one."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from dataclasses import dataclass
from typing import Self

PATIENCE = 20.0
PROBE = b"GET /healthz HTTP/1.1\r\nhost: probe\r\n\r\n"

_VARYING = (
    (re.compile(rb"(?mi)^date: [^\r]*"), b"date: NOW"),
    (re.compile(rb"req_[0-9A-Za-z_-]+"), b"req_ID"),
    (re.compile(rb"(?m)^(x-openopen8-remaining): [^\r]*"), rb"\1: REST"),
)


@dataclass(frozen=True)
class Answer:
    """One answer: its head as it stood on the wire but for date and request id, and its body without framing."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    def header(self, name: bytes) -> bytes | None:
        """The one value of a header."""
        found = [line.partition(b": ")[2] for line in self.head.split(b"\r\n") if line.lower().startswith(name + b": ")]
        assert len(found) < 2, self.head
        return found[0] if found else None


@dataclass(frozen=True)
class Told:
    """A whole conversation: the answers in order, and whether the connection took another request."""

    answers: tuple[Answer, ...]
    open: bool

    def __str__(self) -> str:
        return " ".join([*(str(answer.status) for answer in self.answers), "open" if self.open else "closed"])


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: str, limit: int = 2**20) -> Self:
        """``limit``: bytes that are read ahead."""
        host, port = address.removeprefix("http://").split(":")
        plug = socket.socket()
        if limit < 2**16:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limit)
        plug.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plug, (host, int(port)))
        return cls(*await asyncio.open_connection(sock=plug, limit=limit))

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def sent(self, data: bytes, pause: float = 0.0) -> None:
        """Write and let the other side see it before anything else is written."""
        with contextlib.suppress(ConnectionError, RuntimeError):  # closed: the answer may be there all the same
            self._writer.write(data)
            await self._writer.drain()
        await asyncio.sleep(pause)

    def end(self) -> None:
        """Say that nothing more will be sent."""
        self._writer.write_eof()

    def leave(self) -> None:
        """Hang up at once."""
        self._writer.transport.abort()

    def stop_reading(self) -> None:
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def go_on_reading(self) -> None:
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    async def answer(self, bodiless: bool = False) -> Answer | None:
        """The next answer; None when the connection was closed instead. ``bodiless``: to HEAD."""
        try:
            return await asyncio.wait_for(self._answer(bodiless), PATIENCE)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def takes_more(self) -> bool:
        """Whether the connection still takes a request."""
        await self.sent(PROBE)
        answer = await self.answer()
        return answer is not None and answer.status == 200 and answer.body == b'{"status":"ok"}'

    async def head(self) -> bytes:
        """The head of an answer, its body still to be read."""
        return await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), PATIENCE)

    async def until(self, part: bytes) -> bytes:
        """All up to ``part``."""
        got, last = bytearray(), b""
        while part not in last:
            piece = await self.some(2**16)
            assert piece, got[-200:]
            got += piece
            last = last[-len(part) :] + piece
        return bytes(got)

    async def rest(self) -> bytes:
        """All that comes until the connection is closed."""
        try:
            return await asyncio.wait_for(self._reader.read(-1), PATIENCE)
        except ConnectionError:
            return b""

    async def written(self, data: bytes) -> None:
        """Write; raises when the other side has had enough."""
        self._writer.write(data)
        await self._writer.drain()

    async def ends(self) -> bool:
        """True when the connection is ended properly, without a reset."""
        try:
            return await asyncio.wait_for(self._reader.read(-1), PATIENCE) == b""
        except ConnectionError:
            return False

    async def some(self, size: int) -> bytes:
        """At most ``size`` bytes, as soon as there are any."""
        return await asyncio.wait_for(self._reader.read(size), PATIENCE)

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def _answer(self, bodiless: bool) -> Answer:
        head = await self._reader.readuntil(b"\r\n\r\n")
        answer = Answer(settled(head), b"")
        if bodiless or answer.status in (100, 204, 304):
            return answer
        return Answer(answer.head, settled(await self._body(answer)))

    async def _body(self, answer: Answer) -> bytes:
        length = answer.header(b"content-length")
        if length is not None:
            assert answer.header(b"transfer-encoding") is None
            return await self._reader.readexactly(int(length))
        if answer.header(b"transfer-encoding") != b"chunked":
            assert answer.header(b"connection") == b"close"
            return await self._reader.read(-1)
        body = b""
        while True:
            size = int((await self._reader.readuntil(b"\r\n"))[:-2], 16)
            piece = await self._reader.readexactly(size + 2)
            assert piece.endswith(b"\r\n")
            if size == 0:
                return body
            body += piece[:-2]


async def told(address: str, *pieces: bytes, answers: int, heads: tuple[int, ...] = ()) -> Told:
    """Send the pieces, read as many answers, and see whether the connection still takes a request.

    ``heads``: places of answers that have no body, since HEAD was asked.
    """
    connection = await Raw.open(address)
    try:
        for piece in pieces:
            await connection.sent(piece, 0.002 if len(pieces) > 1 else 0)
        found = []
        for place in range(answers):
            answer = await connection.answer(place in heads)
            if answer is None:
                break
            found.append(answer)
        return Told(tuple(found), await connection.takes_more())
    finally:
        await connection.close()


def settled(data: bytes) -> bytes:
    """Without what differs each time."""
    for pattern, replaced in _VARYING:
        data = pattern.sub(replaced, data)
    return data
