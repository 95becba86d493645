"""An OpenAI-compatible provider that does as it is told: a real server on a free loopback port, in its own thread.

with FakeUpstream(whole("Hello")) as fake:
    ...call the gateway with a channel whose base URL is fake.url...
    assert fake.requests[0].json["model"] == "m"
"""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any, Self

from tests.fakes.exchange import Exchange, Received, Script
from tests.fakes.scripts import (
    USAGE,
    answer,
    as_asked,
    by_turns,
    chunk,
    cut_at_once,
    cut_whole,
    error_inside,
    garbage,
    hang,
    heartbeats,
    huge_line,
    listed,
    raw_stream,
    status,
    streamed,
    trickle,
    whole,
)

__all__ = [
    "USAGE",
    "Exchange",
    "FakeUpstream",
    "Received",
    "Script",
    "answer",
    "as_asked",
    "by_turns",
    "chunk",
    "cut_at_once",
    "cut_whole",
    "error_inside",
    "free_port",
    "garbage",
    "hang",
    "heartbeats",
    "huge_line",
    "raw_stream",
    "status",
    "streamed",
    "trickle",
    "whole",
]


class FakeUpstream:
    """Answers each request with the next of its scripts; the last one stays."""

    def __init__(self, *scripts: Script, models: tuple[str, ...] = ("m",), lists: Script | None = None) -> None:
        self.requests: list[Received] = []
        self.models = models
        self.lists = lists
        """Answers look-ups of models in another vendor's form."""
        self._scripts: list[Script] = list(scripts) or [whole()]
        self._connections = 0

    def script(self, *scripts: Script) -> None:
        """From now on answer with these."""
        self._scripts = list(scripts)

    def let(self, times: int = 1) -> None:
        """Open the gate for the next chunk (or for so many)."""
        for _ in range(times):
            self._loop.call_soon_threadsafe(self._gate.release)

    @property
    def url(self) -> str:
        """Base URL without ``/v1``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def chats(self) -> list[Received]:
        """Requests other than look-ups of models."""
        return [r for r in self.requests if r.method == "POST"]

    @property
    def connections(self) -> int:
        """How many connections were made."""
        return self._connections

    def __enter__(self) -> Self:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.run(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._gate = asyncio.Semaphore(0)
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        server = await asyncio.start_server(self._connected, sock=self._socket, limit=2**26, backlog=4096)
        started.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        received = await _read(reader)
        self.requests.append(received)
        exchange = Exchange(received, writer, self._gate)
        watch = asyncio.create_task(_watch(reader, received, 0.005 if len(self._tasks) < 50 else 0.2))
        try:
            await self._script_for(received)(exchange)
        except OSError:
            received.left.set()
            return False
        finally:
            watch.cancel()
        if not received.left.is_set():
            received.answered.set()
        return exchange.alive

    def _script_for(self, received: Received) -> Script:
        if received.method == "GET" and received.path.partition("?")[0].endswith("models"):
            return self.lists or listed(self.models)
        return self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path, headers, body, lines=tuple(line for line in head[1:] if line))


async def _watch(reader: asyncio.StreamReader, received: Received, every: float) -> None:
    while not (reader.at_eof() or reader.exception()):  # an exception: the connection was reset
        await asyncio.sleep(every)
    received.left.set()


def free_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
