"""What the fake provider answers: all is well, and every way in which it is not."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from tests.fakes.exchange import Exchange, Script

USAGE = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}


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


def listed(models: tuple[str, ...]) -> Script:
    """A list of models."""

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
