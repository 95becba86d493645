"""One request to the fake provider, and the means to answer it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Received:
    """What the gateway sent. ``left`` is set when it hung up before the answer's end."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    left: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)
    lines: tuple[str, ...] = ()
    """The header lines as they came."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def key(self) -> str:
        """The provider key that came with it."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Exchange:
    """One request and the means to answer it; scripts get it, in the fake's own loop."""

    def __init__(self, received: Received, writer: asyncio.StreamWriter, gate: asyncio.Semaphore) -> None:
        self.received = received
        self.alive = True
        """False once the connection can't take a further request."""
        self._writer = writer
        self._gate = gate

    async def gate(self) -> None:
        """Wait until the test calls ``let``; a caller that left takes no turn."""
        while self._gate.locked():
            if self.received.left.is_set():
                raise ConnectionResetError
            await asyncio.sleep(0.002)
        await self._gate.acquire()

    async def head(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        await self.raw("\r\n".join(lines).encode() + b"\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def begin(self, headers: dict[str, str] | None = None) -> None:
        """The head of an event stream."""
        await self.head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", **(headers or {})})

    async def chunk(self, data: bytes) -> None:
        await self.raw(b"%x\r\n" % len(data) + data + b"\r\n")

    async def event(self, value: Any) -> None:
        await self.chunk(b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n")

    async def end(self) -> None:
        await self.raw(b"0\r\n\r\n")

    async def cut(self) -> None:
        """Close the connection at once."""
        self.alive = False
        self._writer.transport.abort()


Script = Callable[[Exchange], Awaitable[None]]
