"""Claude's streams <-> events. Source: https://docs.anthropic.com/en/docs/build-with-claude/streaming"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem
from relay.formats.anthropic.errors import error_object
from relay.formats.anthropic.response import claude_reason, stop_reason
from relay.formats.anthropic.usage import parse_usage, render_usage
from relay.formats.format import Asked
from relay.formats.vendor import error_of, loads
from relay.framing import Frame, sse
from relay.neutral import Delta, Event, Start, Stop, StreamError, Usage, UsageReport

_encode = msgspec.json.Encoder().encode


class MessageReader:
    """Events out of a Claude stream. Usage in ``message_delta`` is cumulative: the last value counts."""

    __slots__ = ("_usage", "finished", "stop_seen")

    def __init__(self) -> None:
        self.finished = False
        self.stop_seen = False
        self._usage: dict[str, Any] = {}

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one frame; kinds that are not known yet give none."""
        if self.finished or not frame.data.strip():
            return []
        try:
            value = loads(frame.data)
        except ValueError:
            return [StreamError("The provider sent an event that is not JSON.")]
        error = error_of(value)
        if error is not None or not isinstance(value, dict):
            return [error or StreamError("The provider sent an event that is no object.")]
        return self._read(value.get("type"), value)

    def close(self) -> list[Event]:
        """Nothing: every event was complete with its frame."""
        return []

    def _read(self, kind: object, value: dict[str, Any]) -> list[Event]:
        if kind == "message_start":
            message = _dict(value.get("message"))
            return [Start(_text(message.get("id")), _text(message.get("model"))), *self._report(message)]
        if kind == "content_block_start":
            return _delta(_dict(value.get("content_block")))
        if kind == "content_block_delta":
            return _delta(_dict(value.get("delta")))
        if kind == "message_delta":
            return [*self._stop(_dict(value.get("delta"))), *self._report(value)]
        self.finished = kind == "message_stop"
        return []

    def _stop(self, delta: dict[str, Any]) -> list[Event]:
        reason = stop_reason(delta.get("stop_reason"))
        if reason is None:
            return []
        self.stop_seen = True
        return [Stop(reason, sequence=_text(delta.get("stop_sequence")) or None)]

    def _report(self, holder: dict[str, Any]) -> list[Event]:
        counts = _dict(holder.get("usage"))
        self._usage = {**self._usage, **{name: value for name, value in counts.items() if value is not None}}
        usage = parse_usage(self._usage) if counts else None
        return [UsageReport(usage)] if usage else []


class MessageWriter:
    """Events for a Claude caller: one text block. Further choices have no place here."""

    __slots__ = ("_model", "_open", "_request_id", "_started", "_stop", "_usage", "losses")

    def __init__(self, asked: Asked) -> None:
        self.losses: dict[str, None] = {}
        self._model = asked.model
        self._request_id = asked.request_id
        self._started = False
        self._open = False
        self._stop = Stop("stop")
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """The bytes for one event; the stop reason waits for ``end``."""
        if isinstance(event, UsageReport):
            self._usage = event.usage
        elif isinstance(event, Start):
            return self._start()
        elif isinstance(event, Delta) and event.choice == 0 and event.kind in ("text", "refusal"):
            return self._start() + self._block() + _delta_event(event.text)
        elif isinstance(event, Stop) and event.choice == 0:
            self._stop = event
        return b""

    def end(self, usage: Usage) -> bytes:
        """``content_block_stop``, ``message_delta`` with the counts, ``message_stop``."""
        out = self._start()
        if self._open:
            out += _event({"type": "content_block_stop", "index": 0})
        delta = {"stop_reason": claude_reason(self._stop.reason), "stop_sequence": self._stop.sequence}
        out += _event({"type": "message_delta", "delta": delta, "usage": render_usage(usage)})
        return out + _event({"type": "message_stop"})

    def fail(self, problem: Problem) -> bytes:
        """An ``error`` event; official clients raise on it."""
        return _event(error_object(problem, self._request_id))

    def _start(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        message: dict[str, Any] = {
            "id": f"msg_{self._request_id}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": render_usage(self._usage),
        }
        return _event({"type": "message_start", "message": message})

    def _block(self) -> bytes:
        if self._open:
            return b""
        self._open = True
        return _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})


def _event(value: dict[str, Any]) -> bytes:
    return sse(_encode(value), value["type"])


def _delta_event(text: str) -> bytes:
    return _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


def _delta(holder: dict[str, Any]) -> list[Event]:
    """Text of a ``text`` block's start or of a ``text_delta``; other kinds give nothing."""
    text = _text(holder.get("text")) if holder.get("type") in ("text", "text_delta") else ""
    return [Delta(text)] if text else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
