"""Listens to the streams of endpoints that are no chat; see ``Tap`` for the attributes."""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem
from relay.formats.openai_errors import error_object
from relay.formats.renaming import patch_response
from relay.formats.vendor import error_of, loads
from relay.framing import Frame, sse
from relay.neutral import StreamError, Usage

_encode = msgspec.json.Encoder().encode
DONE = b"data: [DONE]\n\n"


class EventTap:
    """Events pass under the caller's name of the model; what ends the stream is held back.

    Subclasses say in ``_hear`` what an event means.
    """

    def __init__(self, model: str, include_usage: bool) -> None:
        self.usage: Usage | None = None
        self.text: list[str] = []
        self.finished = False
        self.error: StreamError | None = None
        self.first_token = False
        self.stop_seen = False
        self._model = model
        self._include_usage = include_usage
        self._held = b""
        self._done = False

    def plain(self, data: bytes) -> tuple[int, bytes]:
        """Nothing passes unread."""
        return 0, b""

    def feed(self, frame: Frame) -> bytes:
        """The bytes to pass on now."""
        data = frame.data.strip()
        if self.finished or self.error or not data:
            return b""
        if data == b"[DONE]":
            self._done = self.finished = True
            return b""
        event = self._read(data)
        if event is None:
            return b""
        self.error = error_of(event)
        return b"" if self.error else self._passed(frame, event)

    def clear_text(self) -> None:
        """Drops the text that has been counted."""
        self.text.clear()

    def end(self, usage: Usage | None) -> bytes:
        """The held ending."""
        return self._held + (DONE if self._done else b"")

    def fail(self, problem: Problem) -> bytes:
        """The error as last event; official clients raise on it."""
        return sse(_encode(error_object(problem)), "error")

    def _read(self, data: bytes) -> dict[str, Any] | None:
        """The fields that are looked at; None for what is no event."""
        try:
            event = loads(data)
        except ValueError:
            return None
        return event if isinstance(event, dict) else None

    def _passed(self, frame: Frame, event: dict[str, Any]) -> bytes:
        """An event that ends something is held until the next one comes: the last of all until it is paid."""
        ends = self._hear(event)
        out = frame.raw
        if event.get("model") not in (None, self._model):
            out = sse(patch_response(frame.data, self._model), frame.event)
        if ends:
            out, self._held = self._held, out
            return out
        out, self._held = self._held + out, b""
        return out

    def _hear(self, event: dict[str, Any]) -> bool:
        """Take what the event tells; True for one that may be the last."""
        raise NotImplementedError

    def _say(self, text: object) -> None:
        if isinstance(text, str) and text:
            self.text.append(text)
            self.first_token = True
