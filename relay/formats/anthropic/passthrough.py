"""Claude in, Claude out: the few edits of a body or stream that else passes byte for byte."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from openopen8.core.errors import Problem
from relay import splice
from relay.formats.anthropic.building import send
from relay.formats.anthropic.citations import word
from relay.formats.anthropic.content import arguments
from relay.formats.anthropic.errors import error_object
from relay.formats.anthropic.event import WireEvent, decode_event, object_of
from relay.formats.anthropic.response import stop_reason
from relay.formats.anthropic.usage import merged, parse_usage, render_usage
from relay.formats.format import Glance
from relay.formats.renaming import patch_response
from relay.formats.vendor import loads
from relay.framing import SSE, Frame, sse
from relay.neutral import StreamError, Usage

__all__ = ["MessageTap", "patch_request", "patch_response"]

_encode = msgspec.json.Encoder().encode

_PIECES = ("text", "thinking", "partial_json")


def patch_request(body: bytes, glance: Glance, model: str) -> bytes:
    """``body`` with the upstream's model name; else as it came."""
    return body if model == glance.model else splice.edited(body, glance.fields, {"model": _encode(model)})


class MessageTap:
    """Listens to a stream that passes through. See ``Tap`` for the attributes.

    Held back are the ``message_delta`` that says why it ended, and all that follows it.
    """

    __slots__ = ("_counts", "_held", "_id", "_model", "_name", "error", "finished", "first_token",
                 "stop_seen", "text", "usage")  # fmt: skip

    def __init__(self, model: str, include_usage: bool) -> None:
        self.usage: Usage | None = None
        self.text: list[str] = []
        self.finished = False
        self.error: StreamError | None = None
        self.first_token = False
        self.stop_seen = False
        self._model = model
        self._name = b'"model":' + _encode(model)
        self._counts: dict[str, Any] = {}
        self._held: list[bytes] = []
        self._id = ""

    def plain(self, data: bytes) -> tuple[int, bytes]:
        """See ``Tap``."""
        start, parts = 0, []
        while not (self._held or self.error) and data.startswith(b"event: content_block_delta\n", start):
            end = data.find(b"\n\n", start)
            piece = _piece(data, start + 26, end)
            if piece is None:
                break
            parts.append(piece)
            start = end + 2
        if parts:
            self.text += parts
            self.first_token = True
        return start, data if start == len(data) else data[:start]

    def feed(self, frame: Frame) -> bytes:
        """The bytes to pass on now."""
        data = frame.data.strip()
        if self.finished or self.error or not data:
            return b""
        if data == b"[DONE]":
            return frame.raw
        event = decode_event(frame)
        if isinstance(event, StreamError):
            self.error = event
            return b""
        out = frame.raw
        if event.type == "message_start":
            out = self._begun(frame, object_of(event.message))
        elif event.type in ("message_delta", "message_stop"):
            self._ending(event)
        else:
            self._listen(event)
        if self._held or self.stop_seen:
            self._held.append(out)
            return b""
        return out

    def clear_text(self) -> None:
        """Drops the text that has been counted."""
        self.text.clear()

    def end(self, usage: Usage | None) -> bytes:
        """The held ending; ``usage`` stands in for the counts that the upstream left out."""
        held = b"".join(self._held)
        if (self.usage is None or self.usage.partial) and usage is not None and held:
            frames = SSE().feed(held)
            held = b"".join(_counted(frame, usage) for frame in frames)
        return held if self.finished else held + send({"type": "message_stop"})

    def fail(self, problem: Problem) -> bytes:
        """An ``error`` event; official clients raise on it."""
        return send(error_object(problem, self._id))

    def _begun(self, frame: Frame, message: dict[str, Any]) -> bytes:
        self._id = self._id or word(message.get("id"))
        self._report(message.get("usage"), partial=True)
        return self._renamed(frame, message.get("model"))

    def _listen(self, event: WireEvent) -> None:
        if event.type == "content_block_delta":
            self._hear(object_of(event.delta))
        elif event.type == "content_block_start":
            block = object_of(event.content_block)
            self._hear(block)
            if block.get("type") == "tool_use":
                self._say(word(block.get("name")))
                self._say(arguments(block["input"]) if block.get("input") else "")
            self.first_token |= block.get("type") not in ("text", "thinking", None)

    def _hear(self, piece: dict[str, Any]) -> None:
        for name in _PIECES:
            self._say(word(piece.get(name)))

    def _say(self, text: str) -> None:
        if text:
            self.text.append(text)
            self.first_token = True

    def _ending(self, event: WireEvent) -> None:
        self.stop_seen |= stop_reason(object_of(event.delta).get("stop_reason")) is not None
        self._report(event.usage)
        if event.type == "message_stop":
            self.finished = self.stop_seen = True

    def _report(self, report: object, partial: bool = False) -> None:
        self._counts = merged(self._counts, report)
        if isinstance(report, dict):
            self.usage = parse_usage(self._counts, partial) or self.usage

    def _renamed(self, frame: Frame, name: object) -> bytes:
        """The frame under the caller's name of the model."""
        if name is None or name == self._model:
            return frame.raw
        upstream = b'"model":' + _encode(name)
        # Quotes inside strings are escaped: found once, the field is the message's own.
        if frame.raw.count(upstream) == 1:
            return frame.raw.replace(upstream, self._name)
        return _edited(frame, "message", {"model": _encode(self._model)})


def _counted(frame: Frame, usage: Usage) -> bytes:
    """The frame with counts, if it is the one that has them."""
    event = decode_event(frame)
    if isinstance(event, StreamError) or event.type != "message_delta":
        return frame.raw
    return _edited(frame, "", {"usage": _encode(render_usage(usage))})


def _edited(frame: Frame, name: str, changes: dict[str, bytes]) -> bytes:
    """The frame with other values at its top level, or in its object ``name``."""
    try:
        fields = splice.top_level(frame.data)
        if name:
            inner = bytes(fields[name])
            changes = {name: splice.edited(inner, splice.top_level(inner), changes)}
        return sse(splice.edited(frame.data, fields, changes), frame.event)
    except Problem:
        value = loads(frame.data)  # what strict parsers refuse is encoded anew
        (value[name] if name else value).update({key: msgspec.Raw(raw) for key, raw in changes.items()})
        return sse(_encode(value), frame.event)


class _Delta(msgspec.Struct, gc=False):
    type: Literal["text_delta", "thinking_delta", "input_json_delta"]
    text: str = ""
    thinking: str = ""
    partial_json: str = ""


class _Piece(msgspec.Struct, gc=False):
    """An event that adds text and says nothing else."""

    type: Literal["content_block_delta"]
    delta: _Delta
    error: None = None


_decode_piece = msgspec.json.Decoder(_Piece).decode


def _piece(data: bytes, line: int, end: int) -> str | None:
    """The text of the event between these places, if it is one line of data that adds text and nothing else."""
    if end < 0 or not data.startswith(b"data: {", line + 1) or data.find(b"\n", line + 1, end) >= 0:
        return None
    try:
        delta = _decode_piece(data[line + 7 : end]).delta
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return delta.text or delta.thinking or delta.partial_json or None
