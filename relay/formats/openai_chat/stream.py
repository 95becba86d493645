"""OpenAI chat streams <-> events. Source: https://platform.openai.com/docs/api-reference/chat-streaming"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem
from relay.formats.format import Asked
from relay.formats.openai_chat.chunk import ChunkChoice, decode_chunk, stream_error
from relay.formats.openai_chat.errors import error_object
from relay.formats.openai_chat.response import content_text, finish_reason, stop_reason
from relay.formats.openai_chat.usage import parse_usage, render_usage
from relay.formats.vendor import index_of
from relay.framing import Frame, sse
from relay.neutral import Delta, Event, Start, Stop, Usage, UsageReport

DONE = b"data: [DONE]\n\n"

_encode = msgspec.json.Encoder().encode


class ChatReader:
    """Events out of an OpenAI-compatible vendor's stream."""

    __slots__ = ("_begun", "_ended", "_refused", "_started", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._started = False
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._refused: set[int] = set()

    @property
    def stop_seen(self) -> bool:
        """True once every choice that began has named its finish reason."""
        return bool(self._ended) and self._ended >= self._begun

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one frame; an error ends nothing by itself."""
        data = frame.data.strip()
        if self.finished or not data:
            return []
        if data == b"[DONE]":
            self.finished = True
            return []
        chunk = decode_chunk(data)
        error = stream_error(frame, chunk)
        if error is not None or chunk is None:
            return [error] if error else []
        events: list[Event] = self._start(chunk.id, chunk.model)
        for choice in chunk.choices or ():
            self._read(choice, events)
        usage = parse_usage(chunk.usage) if chunk.usage else None
        return [*events, UsageReport(usage)] if usage else events

    def close(self) -> list[Event]:
        """Nothing: every event was complete with its frame."""
        return []

    def _start(self, id: object, model: object) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [Start(id if isinstance(id, str) else "", model if isinstance(model, str) else "")]

    def _read(self, choice: ChunkChoice, events: list[Event]) -> None:
        index = index_of(choice.index, 0)
        self._begun.add(index)
        if choice.delta is not None:
            if text := content_text(choice.delta.content):
                events.append(Delta(text, index))
            if isinstance(choice.delta.refusal, str) and choice.delta.refusal:
                self._refused.add(index)
                events.append(Delta(choice.delta.refusal, index, "refusal"))
        reason = stop_reason(choice.finish_reason, index in self._refused)
        if reason is not None and index not in self._ended:
            self._ended.add(index)
            events.append(Stop(reason, index))


class ChatWriter:
    """Chunks for an OpenAI caller."""

    __slots__ = ("_begun", "_ended", "_head", "_include_usage", "_refused", "_tail", "losses")

    def __init__(self, asked: Asked) -> None:
        self.losses: dict[str, None] = {}
        self._head = chunk_head(f"chatcmpl-{asked.request_id}", asked.now_s, asked.model)
        self._tail = b',"usage":null}' if asked.include_usage else b"}"
        self._include_usage = asked.include_usage
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._refused: set[int] = set()

    def feed(self, event: Event) -> bytes:
        """The chunks for one event."""
        if isinstance(event, Start):
            return self._begin(0)
        if isinstance(event, Delta):
            return self._begin(event.choice) + self._delta(event)
        if isinstance(event, Stop):
            return self._begin(event.choice) + self._stop(event)
        return b""

    def end(self, usage: Usage) -> bytes:
        """Finish reasons that are still missing, the usage chunk when asked for, and [DONE]."""
        out = self._begin(0)
        for choice in sorted(self._begun - self._ended):
            out += self._stop(Stop("stop", choice))
        if self._include_usage:
            out += usage_chunk(self._head, usage)
        return out + DONE

    def fail(self, problem: Problem) -> bytes:
        """The error as last event; official clients raise on it."""
        return sse(_encode(error_object(problem)))

    def _begin(self, choice: int) -> bytes:
        if choice in self._begun:
            return b""
        self._begun.add(choice)
        return self._chunk(choice, {"role": "assistant", "content": "", "refusal": None}, None)

    def _delta(self, event: Delta) -> bytes:
        if event.kind == "refusal":
            self._refused.add(event.choice)
            return self._chunk(event.choice, {"refusal": event.text}, None)
        return self._chunk(event.choice, {"content": event.text}, None)

    def _stop(self, event: Stop) -> bytes:
        self._ended.add(event.choice)
        return self._chunk(event.choice, {}, finish_reason(event.reason, event.choice in self._refused))

    def _chunk(self, index: int, delta: dict[str, Any], finish: str | None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + self._head + _encode(choice) + b"]" + self._tail + b"\n\n"


def chunk_head(id: str, created: int, model: str) -> bytes:
    """A chunk's bytes up to and with the bracket that opens its choices."""
    fields = {"id": id, "object": "chat.completion.chunk", "created": created, "model": model, "choices": ()}
    return _encode(fields)[:-2]


def usage_chunk(head: bytes, usage: Usage) -> bytes:
    """The event with the counts and no choices that ``include_usage`` asks for."""
    return b"data: " + head + b'],"usage":' + _encode(render_usage(usage)) + b"}\n\n"
