"""A fast OpenAI-compatible upstream for benchmarks: ``python -m tests.bench.mock PORT``.

Answers every POST: whole with 1.4 kB, or, when the body asks for a stream, 100 chunks at once, or one
each 20 ms when the model's name is ``paced``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httptools

CHUNKS = 100
PACE = 0.02


def _whole() -> bytes:
    body = json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "bench",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "word " * 230}, "finish_reason": "stop"}
            ],
            "usage": {"prompt_tokens": 200, "completion_tokens": 230, "total_tokens": 430},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _event(data: bytes) -> bytes:
    frame = b"data: " + data + b"\n\n"
    return f"{len(frame):x}\r\n".encode() + frame + b"\r\n"


def _chunk(delta: dict[str, str], finish: str | None) -> bytes:
    return json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": "bench",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        },
        separators=(",", ":"),
    ).encode()


_USAGE = (
    b'{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[],'
    b'"usage":{"prompt_tokens":200,"completion_tokens":100,"total_tokens":300}}'
)
WHOLE = _whole()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PIECES = [_event(_chunk({"content": "word "}, None)) for _ in range(CHUNKS)]
TAIL = _event(_chunk({}, "stop")) + _event(_USAGE) + _event(b"[DONE]") + b"0\r\n\r\n"


class Mock(asyncio.Protocol):
    """One connection; answers requests one after the other."""

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""
        self.task: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        body, self.body = self.body, b""
        if b'"stream":true' not in body and b'"stream": true' not in body:
            self.transport.write(WHOLE)
        elif b'"paced"' in body:
            self.task = asyncio.get_running_loop().create_task(self._paced())
        else:
            self._burst()

    def _burst(self) -> None:
        self.transport.write(HEAD)
        for piece in PIECES:
            self.transport.write(piece)
        self.transport.write(TAIL)

    async def _paced(self) -> None:
        self.transport.write(HEAD)
        for piece in PIECES:
            await asyncio.sleep(PACE)
            self.transport.write(piece)
        self.transport.write(TAIL)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.task is not None:
            self.task.cancel()


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Mock, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1])))
