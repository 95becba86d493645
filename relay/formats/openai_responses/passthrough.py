"""Responses in, Responses out: the few edits of a body or stream that else passes byte for byte."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from openopen8.core.errors import Problem
from relay import splice
from relay.formats.format import Asked, Glance
from relay.formats.openai_responses.citations import word
from relay.formats.openai_responses.envelope import error_event, failure, response_object
from relay.formats.openai_responses.event import WireEvent, decode_event, error_code
from relay.formats.openai_responses.output import dicts, parse_item
from relay.formats.openai_responses.usage import parse_usage, render_usage, served
from relay.formats.renaming import patch_response
from relay.formats.vendor import loads
from relay.framing import SSE, Frame, sse
from relay.neutral import Opaque, StreamError, Usage
from relay.neutral.answer import written

__all__ = ["ResponsesTap", "patch_request", "patch_response"]

_encode = msgspec.json.Encoder().encode

_ENDINGS = frozenset(("response.completed", "response.incomplete", "response.cancelled"))

_UNSAID = frozenset(("response.audio.delta",))
"""Deltas that are no text."""


def patch_request(body: bytes, glance: Glance, model: str) -> bytes:
    """``body`` with the upstream's model name; else as it came."""
    return body if model == glance.model else splice.edited(body, glance.fields, {"model": _encode(model)})


class ResponsesTap:
    """Listens to a stream that passes through. See ``Tap`` for the attributes.

    Held back is the ending, which holds the whole response.
    """

    __slots__ = ("_code", "_head", "_held", "_model", "_name", "_sequence", "_served", "error", "finished",
                 "first_token", "stop_seen", "text", "usage")  # fmt: skip

    def __init__(self, model: str, include_usage: bool) -> None:
        self.usage: Usage | None = None
        self.text: list[str] = []
        self.finished = False
        self.error: StreamError | None = None
        self.first_token = False
        self.stop_seen = False
        self._model = model
        self._name = b'"model":' + _encode(model)
        self._held = b""
        self._head: dict[str, Any] = {}
        self._sequence = -1
        self._code = ""
        self._served: list[dict[str, Any]] = []

    @property
    def head(self) -> dict[str, Any]:
        """Id and time of the answer, once it has begun."""
        return self._head

    def plain(self, data: bytes) -> tuple[int, bytes]:
        """See ``Tap``."""
        start, parts = 0, []
        while not (self.finished or self.error) and data.startswith(b"event: response.", start):
            end = data.find(b"\n\n", start)
            piece = _piece(data, data.find(b"\n", start), end)
            if piece is None:
                break
            parts.append(piece.delta)
            self._sequence = piece.sequence_number
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
            self._failed(frame, event)
            return b""
        if type(event.sequence_number) is int:
            self._sequence = event.sequence_number
        self._listen(event)
        if not isinstance(event.response, dict):
            return frame.raw
        out = self._renamed(frame, event.response)
        if event.type in _ENDINGS:
            self._ending(event.response)
            self._held, out = out, b""
        return out

    def clear_text(self) -> None:
        """Drops the text that has been counted."""
        self.text.clear()

    def end(self, usage: Usage | None) -> bytes:
        """The held ending; ``usage`` stands in for the counts that the upstream left out."""
        if self.usage is not None or usage is None or not self._held:
            return self._held
        (frame,) = SSE().feed(self._held)
        return _edited(frame, {"usage": _encode(render_usage(usage))})

    def fail(self, problem: Problem) -> bytes:
        """The response as failed, for programs that look there, and the error, on which official clients raise."""
        id, created = word(self._head.get("id")), self._head.get("created_at")
        asked = Asked(self._model, int(created) if isinstance(created, int | float) else 0, "")
        whole = {**response_object(asked, "failed", [], None), "error": failure(problem, self._code), "id": id}
        failed = {"type": "response.failed", "response": whole, "sequence_number": self._sequence + 1}
        error = {**error_event(problem), "sequence_number": self._sequence + 2}
        head = sse(_encode(failed), "response.failed") if id else b""
        return head + sse(_encode(error), "error")

    def _listen(self, event: WireEvent) -> None:
        if event.type.endswith(".delta"):
            if event.delta and isinstance(event.delta, str) and event.type not in _UNSAID:
                self._hear(event.delta)
        elif event.type == "response.output_item.added" and isinstance(event.item, dict):
            if word(event.item.get("name")):
                self._hear(event.item["name"])
        elif event.type == "response.output_item.done" and isinstance(event.item, dict):
            self._served.append(served(event.item))

    def _hear(self, text: str) -> None:
        self.text.append(text)
        self.first_token = True

    def _ending(self, response: dict[str, Any]) -> None:
        self.finished = self.stop_seen = True
        self.usage = parse_usage(response, self._served)
        if not self.first_token:
            parts = (part for item in dicts(response.get("output")) for part in parse_item(item))
            for text in (text for part in parts if not isinstance(part, Opaque) for text in written(part)):
                self._hear(text)

    def _failed(self, frame: Frame, error: StreamError) -> None:
        self.error = error
        try:
            value = loads(frame.data)
        except ValueError:
            return
        response = value.get("response") if isinstance(value, dict) else None
        self._code = error_code(response) or error_code(value)
        if isinstance(response, dict):
            self.usage = parse_usage(response, self._served)

    def _renamed(self, frame: Frame, response: dict[str, Any]) -> bytes:
        """The frame under the caller's name of the model."""
        if not self._head:
            self._head = {name: response.get(name) for name in ("id", "created_at")}
        name = response.get("model")
        if name is None or name == self._model:
            return frame.raw
        upstream = b'"model":' + _encode(name)
        # Quotes inside strings are escaped: found once, the field is the response's own.
        if frame.raw.count(upstream) == 1:
            return frame.raw.replace(upstream, self._name)
        return _edited(frame, {"model": _encode(self._model)})


def _edited(frame: Frame, changes: dict[str, bytes]) -> bytes:
    """The frame with other values in its response."""
    try:
        fields = splice.top_level(frame.data)
        inner = bytes(fields["response"])
        response = splice.edited(inner, splice.top_level(inner), changes)
        return sse(splice.edited(frame.data, fields, {"response": response}), frame.event)
    except Problem:
        value = loads(frame.data)  # what strict parsers refuse is encoded anew
        value["response"] |= {name: msgspec.Raw(raw) for name, raw in changes.items()}
        return sse(_encode(value), frame.event)


class _Piece(msgspec.Struct, gc=False):
    """An event that adds text and says nothing else."""

    type: Literal[
        "response.output_text.delta",
        "response.function_call_arguments.delta",
        "response.reasoning_summary_text.delta",
        "response.custom_tool_call_input.delta",
    ]
    delta: str
    sequence_number: int
    error: None = None
    response: None = None


_decode_piece = msgspec.json.Decoder(_Piece).decode


def _piece(data: bytes, line: int, end: int) -> _Piece | None:
    """The event between these places, if it is one line of data that adds text and nothing else."""
    if line < 0 or end < 0 or not data.startswith(b"data: {", line + 1) or data.find(b"\n", line + 1, end) >= 0:
        return None
    try:
        return _decode_piece(data[line + 7 : end])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
