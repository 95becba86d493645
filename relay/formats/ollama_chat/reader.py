"""Ollama's streams -> events: each line is a small whole answer. Source: https://docs.ollama.com/api/streaming"""

from __future__ import annotations

from typing import Any

from relay.formats.logprobs import parse_logprobs
from relay.formats.ollama_chat.answer import parse_calls, stop_reason
from relay.formats.ollama_chat.usage import parse_usage
from relay.formats.vendor import error_of, loads
from relay.formats.words import table, word
from relay.framing import Frame
from relay.neutral import Begin, Delta, End, Event, Logprobs, Start, Stop, StreamError, UsageReport


class OllamaReader:
    """Events out of a stream of lines; the one that is ``done`` ends it, with the counts."""

    __slots__ = ("_called", "_started", "finished", "stop_seen")

    def __init__(self) -> None:
        self.finished = False
        self.stop_seen = False
        self._called = False
        self._started = False

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one line. An error may come in the middle, as a line of its own."""
        if self.finished:
            return []
        try:
            value = loads(frame.data)
        except ValueError:
            return [StreamError("The provider sent a line that is not JSON.")]
        if error := error_of(value):
            return [error]
        line = table(value)
        events = self._start(line) + self._message(table(line.get("message")), line)
        return events + self._end(line) if line.get("done") is True else events

    def close(self) -> list[Event]:
        """Nothing is held back."""
        return []

    def _start(self, line: dict[str, Any]) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [Start("", word(line.get("model")))]

    def _message(self, message: dict[str, Any], line: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        if thought := word(message.get("thinking")):
            events.append(Delta(thought, 0, "thinking"))
        if text := word(message.get("content")):
            events.append(Delta(text))
        if logprobs := parse_logprobs(line.get("logprobs")):
            events.append(Logprobs(logprobs))
        for call in parse_calls(message):
            self._called = True
            events += [Begin(call), End()]
        return events

    def _end(self, line: dict[str, Any]) -> list[Event]:
        self.finished = self.stop_seen = True
        usage = parse_usage(line)
        stop = Stop(stop_reason(line.get("done_reason"), self._called))
        return [stop, *([UsageReport(usage)] if usage else [])]
