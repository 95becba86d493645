"""Cohere's streams -> events. Source: https://docs.cohere.com/docs/streaming"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relay.formats.cohere_chat.answer import FAILED, parse_call, parse_citation, stop_reason
from relay.formats.cohere_chat.usage import parse_usage
from relay.formats.vendor import error_of, loads, message_of, redact
from relay.formats.words import table, word
from relay.framing import Frame
from relay.neutral import Arguments, Begin, Cite, Delta, End, Event, Start, Stop, StreamError, UsageReport

_BROKEN = "The provider broke off its answer."


class CohereReader:
    """Events out of a stream of Chat v2."""

    __slots__ = ("_calls", "_planning", "finished", "stop_seen")

    def __init__(self) -> None:
        self.finished = False
        self.stop_seen = False
        self._calls = 0
        self._planning = False

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one frame; kinds that are not known yet give none."""
        data = frame.data.strip()
        if self.finished or not data or data == b"[DONE]":
            return []
        try:
            value = loads(data)
        except ValueError:
            return [StreamError("The provider sent an event that is not JSON.")]
        if error := error_of(value):
            return [error]
        event = table(value)
        kind = word(event.get("type")) or frame.event
        if not kind and word(event.get("message")):
            return [StreamError(message_of(event))]
        read = _READ.get(kind)
        if read is None:
            return []
        message = table(table(event.get("delta")).get("message"))
        planned = self._planned() if kind != "tool-plan-delta" else []
        return planned + read(self, message, event)

    def close(self) -> list[Event]:
        """Nothing is held back."""
        return []

    def start(self, message: dict[str, Any], event: dict[str, Any]) -> list[Event]:
        """``message-start``"""
        return [Start(word(event.get("id")))]

    def content(self, message: dict[str, Any], event: dict[str, Any]) -> list[Event]:
        """``content-start`` and ``content-delta``"""
        piece = table(message.get("content"))
        if thought := word(piece.get("thinking")):
            return [Delta(thought, 0, "thinking")]
        text = word(piece.get("text"))
        return [Delta(text)] if text else []

    def plan(self, message: dict[str, Any], event: dict[str, Any]) -> list[Event]:
        """``tool-plan-delta``: what the model thinks before it calls tools."""
        text = word(message.get("tool_plan"))
        self._planning |= bool(text)
        return [Delta(text, 0, "thinking")] if text else []

    def call(self, message: dict[str, Any], event: dict[str, Any]) -> list[Event]:
        """``tool-call-start``"""
        found = parse_call(table(message.get("tool_calls")))
        if found is None:
            return []
        self._calls += 1
        return [Begin(found)]

    def argue(self, message: dict[str, Any], event: dict[str, Any]) -> list[Event]:
        """``tool-call-delta``, of the call that began last"""
        function = table(table(message.get("tool_calls")).get("function"))
        piece = word(function.get("arguments"))
        return [Arguments(piece, self._calls - 1)] if piece and self._calls else []

    def cite(self, message: dict[str, Any], event: dict[str, Any]) -> list[Event]:
        """``citation-start``, after the words that it cites"""
        found = parse_citation(table(message.get("citations")))
        return [Cite(found)] if found is not None else []

    def ended(self, message: dict[str, Any], event: dict[str, Any]) -> list[Event]:
        """``tool-call-end``; texts end when something else begins, since citations follow them."""
        return [End()] if self._calls else []

    def end(self, message: dict[str, Any], event: dict[str, Any]) -> list[Event]:
        """``message-end``"""
        delta = table(event.get("delta"))
        if word(delta.get("finish_reason")) in FAILED:
            return [StreamError(redact(word(delta.get("error"))) or _BROKEN)]
        self.finished = self.stop_seen = True
        reason = stop_reason(delta.get("finish_reason")) or ("tools" if self._calls else "stop")
        usage = parse_usage(delta.get("usage"))
        return [Stop(reason), *([UsageReport(usage)] if usage else [])]

    def _planned(self) -> list[Event]:
        was, self._planning = self._planning, False
        return [End()] if was else []


_READ: dict[str, Callable[[CohereReader, dict[str, Any], dict[str, Any]], list[Event]]] = {
    "message-start": CohereReader.start,
    "content-start": CohereReader.content,
    "content-delta": CohereReader.content,
    "tool-plan-delta": CohereReader.plan,
    "tool-call-start": CohereReader.call,
    "tool-call-delta": CohereReader.argue,
    "tool-call-end": CohereReader.ended,
    "citation-start": CohereReader.cite,
    "message-end": CohereReader.end,
}
