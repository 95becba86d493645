"""What the mock upstream answers, made once: a whole answer and a stream of 100 chunks for each wire format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.formats.format import Asked
from relay.neutral import Answer, Choice, Delta, Start, Stop, Text, Usage, UsageReport

CHUNKS = 100
INPUT, OUTPUT = 200, 230
"""Tokens of a whole answer, as its usage tells."""
WORD = "word "
ENDS = {
    "openai_chat": b"[DONE]",
    "openai_responses": b"response.completed",
    "anthropic": b"message_stop",
    "gemini": b"finishReason",
}
"""What the last event of a stream holds."""


@dataclass(frozen=True, slots=True)
class Script:
    """The bytes of one format's answers; ``pieces`` are sent one by one."""

    whole: bytes
    head: bytes
    pieces: tuple[bytes, ...]
    tail: bytes


@cache
def script(format: str) -> Script:
    """The answers of a provider that speaks ``format``."""
    if format == "openai_chat":  # most rows use this one: written out, so that it owes nothing to the relay
        return _script(_openai_whole(), [_openai_chunk({"content": WORD}, None)] * CHUNKS, _openai_end())
    wire = FORMATS[format]
    usage = Usage(Counts(input=INPUT, output=CHUNKS))
    answer = Answer("bench", "bench", (Choice(0, (Text(WORD * OUTPUT),), "stop"),), Usage(Counts(INPUT, output=OUTPUT)))
    asked = Asked("bench", 1_700_000_000, "bench")
    writer = wire.writer(asked)
    begun = writer.feed(Start("bench", "bench"))
    pieces = [writer.feed(Delta(WORD)) for _ in range(CHUNKS)]
    end = writer.feed(Stop("stop")) + writer.feed(UsageReport(usage)) + writer.end(usage)
    return _script(wire.render_response(answer, asked).body, [begun + pieces[0], *pieces[1:]], end)


def _script(whole: bytes, events: list[bytes], end: bytes) -> Script:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(whole)}\r\n\r\n"
    stream = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return Script(head.encode() + whole, stream, tuple(map(_framed, events)), _framed(end) + b"0\r\n\r\n")


def _framed(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _openai_whole() -> bytes:
    message = {"role": "assistant", "content": WORD * OUTPUT}
    return json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "bench",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT},
        }
    ).encode()


def _openai_chunk(delta: dict[str, str], finish: str | None) -> bytes:
    return _openai_event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _openai_end() -> bytes:
    usage = {"prompt_tokens": INPUT, "completion_tokens": CHUNKS, "total_tokens": INPUT + CHUNKS}
    return _openai_chunk({}, "stop") + _openai_event({"choices": [], "usage": usage}) + b"data: [DONE]\n\n"


def _openai_event(fields: dict[str, object]) -> bytes:
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "bench"}
    return b"data: " + json.dumps(head | fields, separators=(",", ":")).encode() + b"\n\n"
