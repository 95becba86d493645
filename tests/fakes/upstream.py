"""An OpenAI-compatible provider that does as it is told: a real server on a free loopback port, in its own thread.

    with FakeUpstream(whole("Hello")) as fake:
        ...call the gateway with a channel whose base URL is fake.url...
        assert fake.requests[0].json["model"] == "m"
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

USAGE = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}


@dataclass
class Received:
    """What the gateway sent. ``left`` is set when it hung up before the answer's end."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    left: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)

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
        """Wait until the test calls ``let``."""
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


class FakeUpstream:
    """Answers each request with the next of its scripts; the last one stays."""

    def __init__(self, *scripts: Script, models: tuple[str, ...] = ("m",)) -> None:
        self.requests: list[Received] = []
        self.models = models
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
        server = await asyncio.start_server(self._connected, sock=self._socket, limit=2**26)
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
        watch = asyncio.create_task(_watch(reader, received))
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
        if received.method == "GET" and received.path.endswith("/models"):
            return _listed(self.models)
        return self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path, headers, body)


async def _watch(reader: asyncio.StreamReader, received: Received) -> None:
    while not reader.at_eof():
        await asyncio.sleep(0.005)
    received.left.set()


def free_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -- scripts -------------------------------------------------------------------------------------------


def answer(text: str = "Hello!", model: str = "upstream-m", usage: Any = USAGE, finish: str = "stop") -> dict[str, Any]:
    """The body of a whole answer."""
    message = {"role": "assistant", "content": text}
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }
    return {**body, "usage": usage} if usage is not None else body


def whole(text: str = "Hello!", usage: Any = USAGE, gated: bool = False, headers: dict[str, str] | None = None,
          **more: Any) -> Script:  # fmt: skip
    """A whole answer; ``gated`` waits for ``let`` first."""

    async def script(exchange: Exchange) -> None:
        if gated:
            await exchange.gate()
        await _whole_body(exchange, 200, json.dumps({**answer(text, usage=usage), **more}).encode(), headers)

    return script


def as_asked(text: str = "Hello!", usage: Any = USAGE) -> Script:
    """Whole or streamed, as the request wants it."""

    async def script(exchange: Exchange) -> None:
        wanted = exchange.received.json.get("stream")
        await (streamed(text, usage=usage) if wanted else whole(text, usage=usage))(exchange)

    return script


def by_turns(stream: Script, other: Script) -> Script:
    """One script for streams, another for whole answers."""

    async def script(exchange: Exchange) -> None:
        await (stream if exchange.received.json.get("stream") else other)(exchange)

    return script


def status(code: int, body: Any = None, headers: dict[str, str] | None = None) -> Script:
    """An error."""
    value = {"error": {"message": f"upstream says {code}", "type": "t", "code": "c"}} if body is None else body

    async def script(exchange: Exchange) -> None:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        await _whole_body(exchange, code, raw, headers)

    return script


def streamed(
    *texts: str,
    usage: Any = USAGE,
    gated: bool = False,
    finish: str | None = "stop",
    done: bool = True,
    then: str = "end",
    model: str = "upstream-m",
) -> Script:
    """A stream. ``then``: ``end``, ``cut`` (the connection), ``hang`` (say no more), ``heartbeats``.

    ``usage`` comes in a chunk of its own, when the request asked for it.
    """
    pieces = texts or ("Hel", "lo!")

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event(chunk({"role": "assistant", "content": ""}, model=model))
        for piece in pieces:
            if gated:
                await exchange.gate()
            await exchange.event(chunk({"content": piece}, model=model))
        if finish:
            await exchange.event(chunk({}, finish, model=model))
        if usage is not None and (exchange.received.json.get("stream_options") or {}).get("include_usage"):
            await exchange.event({**chunk({}, model=model), "choices": [], "usage": usage})
        if done:
            await exchange.event(b"[DONE]")
        await _after(exchange, then)

    return script


def chunk(delta: dict[str, Any], finish: str | None = None, model: str = "upstream-m") -> dict[str, Any]:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}


def hang() -> Script:
    """Takes the request and never answers."""

    async def script(exchange: Exchange) -> None:
        await _forever(exchange)

    return script


def cut_at_once() -> Script:
    """Hangs up instead of answering."""

    async def script(exchange: Exchange) -> None:
        await exchange.cut()

    return script


def cut_whole() -> Script:
    """A whole answer that ends in its middle."""

    async def script(exchange: Exchange) -> None:
        await exchange.head(200, {"content-type": "application/json", "content-length": "500"})
        await exchange.raw(b'{"id": "chatcmpl-1", "choices": [')
        await exchange.cut()

    return script


def garbage(stream: bool = False) -> Script:
    """A page of HTML where JSON or events should be."""

    async def script(exchange: Exchange) -> None:
        await _whole_body(exchange, 200, b"<html>Welcome to nginx!</html>", {"content-type": "text/html"})

    return script


def huge_line(size: int = 9 * 1024 * 1024) -> Script:
    """A stream with one event that never ends."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.chunk(b"data: ")
        for _ in range(size // 65536 + 1):
            await exchange.chunk(b"x" * 65536)
        await _forever(exchange)

    return script


def trickle(text: str = "slowly", pause: float = 0.01) -> Script:
    """A stream whose bytes come one by one."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        events = [chunk({"content": text}), chunk({}, "stop"), {**chunk({}), "choices": [], "usage": USAGE}]
        data = b"".join(b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in events)
        for byte in data + b"data: [DONE]\n\n":
            await exchange.chunk(bytes([byte]))
            await asyncio.sleep(pause if byte == 10 else 0)
        await exchange.end()

    return script


def error_inside(*texts: str, code: int = 500) -> Script:
    """A 200 whose stream turns into an error after ``texts``."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        for text in texts:
            await exchange.event(chunk({"content": text}))
        await exchange.event({"error": {"message": "the model fell over", "code": code}})
        await exchange.end()

    return script


def heartbeats() -> Script:
    """A stream of comments only."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await _after(exchange, "heartbeats")

    return script


def raw_stream(*pieces: bytes) -> Script:
    """A stream of exactly these bytes, each piece a chunk."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        for piece in pieces:
            await exchange.chunk(piece)
        await exchange.end()

    return script


def _listed(models: tuple[str, ...]) -> Script:
    async def script(exchange: Exchange) -> None:
        body = {"object": "list", "data": [{"id": name, "object": "model"} for name in models]}
        await _whole_body(exchange, 200, json.dumps(body).encode(), None)

    return script


async def _whole_body(exchange: Exchange, code: int, body: bytes, headers: dict[str, str] | None) -> None:
    head = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    await exchange.head(code, head)
    await exchange.raw(body)


async def _after(exchange: Exchange, then: str) -> None:
    if then == "cut":
        await exchange.cut()
    elif then == "hang":
        await _forever(exchange)
    elif then == "heartbeats":
        while not exchange.received.left.is_set():
            await exchange.chunk(b": still here\n\n")
            await asyncio.sleep(0.02)
    else:
        await exchange.end()


async def _forever(exchange: Exchange) -> None:
    while not exchange.received.left.is_set():
        await asyncio.sleep(0.005)
    with contextlib.suppress(OSError):
        await exchange.cut()
