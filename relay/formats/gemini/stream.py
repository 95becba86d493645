"""Gemini's streams <-> events: each chunk is a small whole answer. Source: https://ai.google.dev/api/generate-content"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem
from relay.formats.format import Asked
from relay.formats.gemini.errors import error_object
from relay.formats.gemini.response import candidate, choices_of
from relay.formats.gemini.usage import parse_usage, render_usage
from relay.formats.vendor import error_of, loads
from relay.framing import Frame, JsonArray, sse
from relay.neutral import Choice, Delta, Event, Start, Stop, StreamError, Usage, UsageReport, spoken

_encode = msgspec.json.Encoder().encode


class ContentReader:
    """Events out of a Gemini stream. It has no ending event: the end of the bytes after a finish reason is one."""

    __slots__ = ("_begun", "_ended", "_started", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._started = False
        self._begun: set[int] = set()
        self._ended: set[int] = set()

    @property
    def stop_seen(self) -> bool:
        """True once every candidate that began has named its finish reason."""
        return bool(self._ended) and self._ended >= self._begun

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one frame."""
        if self.finished or not frame.data.strip():
            return []
        try:
            value = loads(frame.data)
        except ValueError:
            return [StreamError("The provider sent an event that is not JSON.")]
        error = error_of(value)
        if error is not None or not isinstance(value, dict):
            return [error or StreamError("The provider sent an event that is no object.")]
        events = self._start(value)
        for choice in choices_of(value):
            events += self._read(choice)
        usage = parse_usage(value.get("usageMetadata"))
        return [*events, UsageReport(usage)] if usage else events

    def close(self) -> list[Event]:
        """No events; ``finished`` becomes true when a finish reason came."""
        self.finished = self.stop_seen
        return []

    def _start(self, value: dict[str, Any]) -> list[Event]:
        if self._started:
            return []
        self._started = True
        id, model = value.get("responseId"), value.get("modelVersion")
        return [Start(id if isinstance(id, str) else "", model if isinstance(model, str) else "")]

    def _read(self, choice: Choice) -> list[Event]:
        self._begun.add(choice.index)
        events: list[Event] = [Delta(spoken((part,)), choice.index) for part in choice.parts]
        if choice.stop is not None and choice.index not in self._ended:
            self._ended.add(choice.index)
            events.append(Stop(choice.stop, choice.index))
        return events


class ContentWriter:
    """Chunks for a Gemini caller, as SSE or as one growing JSON array."""

    __slots__ = ("_array", "_stops", "_tail", "losses")

    def __init__(self, asked: Asked) -> None:
        self.losses: dict[str, None] = {}
        self._array = JsonArray() if asked.array else None
        self._tail = {"modelVersion": asked.model, "responseId": asked.request_id}
        self._stops: dict[int, Stop | None] = {}

    def feed(self, event: Event) -> bytes:
        """The bytes for one event; finish reasons wait for ``end``."""
        if isinstance(event, Delta) and event.kind in ("text", "refusal"):
            self._stops.setdefault(event.choice, None)
            return self._chunk({"candidates": [candidate(event.choice, event.text, None)]})
        if isinstance(event, Stop):
            self._stops[event.choice] = event
        return b""

    def end(self, usage: Usage) -> bytes:
        """The last chunk, with finish reasons and counts, and the end of the array."""
        stops = sorted((self._stops or {0: None}).items())
        candidates = [candidate(index, "", stop.reason if stop else "stop") for index, stop in stops]
        return self._chunk({"candidates": candidates, "usageMetadata": render_usage(usage)}) + self._close()

    def fail(self, problem: Problem) -> bytes:
        """The error as last chunk; official clients raise on it."""
        return self._framed(error_object(problem, self._tail["responseId"])) + self._close()

    def _chunk(self, fields: dict[str, Any]) -> bytes:
        return self._framed({**fields, **self._tail})

    def _framed(self, value: dict[str, Any]) -> bytes:
        return self._array.item(_encode(value)) if self._array else sse(_encode(value))

    def _close(self) -> bytes:
        return self._array.close() if self._array else b""
