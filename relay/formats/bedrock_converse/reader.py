"""Converse's streams -> events.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relay.formats.bedrock_converse.citations import parse_citation
from relay.formats.bedrock_converse.content import parse_call
from relay.formats.bedrock_converse.models import OWN
from relay.formats.bedrock_converse.response import detail, stop_reason
from relay.formats.bedrock_converse.usage import parse_usage
from relay.formats.vendor import loads, message_of
from relay.formats.words import count, table, word
from relay.framing import Frame
from relay.neutral import (
    Arguments,
    Begin,
    Cite,
    Delta,
    End,
    Event,
    Opaque,
    Sign,
    Start,
    Stop,
    StreamError,
    Thinking,
    ToolUse,
    UsageReport,
)

STATUSES = {
    "accessDeniedException": 403,
    "internalServerException": 500,
    "modelStreamErrorException": 502,
    "modelTimeoutException": 504,
    "serviceUnavailableException": 503,
    "throttlingException": 429,
    "validationException": 400,
}
"""What an exception inside a stream would have been as an answer."""


def status_of(exception: str) -> int:
    """The status of an exception; its name comes in both spellings."""
    return STATUSES.get(exception[:1].lower() + exception[1:], 502)


class ConverseReader:
    """Events out of a stream of Converse; a frame's event is the name of the message."""

    __slots__ = ("_calls", "_open", "finished", "stop_seen")

    def __init__(self) -> None:
        self.finished = False
        self.stop_seen = False
        self._calls: dict[int | None, int] = {}  # by the block's index
        self._open = False

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one frame; kinds that are not known yet give none."""
        if self.finished:
            return []
        try:
            value = loads(frame.data)
        except ValueError:
            return [StreamError("The provider sent an event that is not JSON.")]
        if frame.event.lower().endswith("exception") or frame.event == "error":
            told = message_of(value) or "The provider reported an error."
            return [StreamError(told, status_of(frame.event))]
        read = _READ.get(frame.event)
        return read(self, table(value)) if read is not None else []

    def close(self) -> list[Event]:
        """Nothing is held back."""
        return []

    def start(self, value: dict[str, Any]) -> list[Event]:
        """``messageStart``"""
        return [Start()]

    def begin(self, value: dict[str, Any]) -> list[Event]:
        """``contentBlockStart``: only calls of tools have one."""
        raw = table(table(value.get("start")).get("toolUse"))
        if not word(raw.get("name")):
            return []
        part = parse_call(raw, "")
        if isinstance(part, ToolUse):
            self._calls[count(value.get("contentBlockIndex"))] = len(self._calls)
        self._open = True
        return [Begin(part)]

    def delta(self, value: dict[str, Any]) -> list[Event]:
        """``contentBlockDelta``"""
        delta = table(value.get("delta"))
        if text := word(delta.get("text")):
            self._open = True
            return [Delta(text)]
        if thought := table(delta.get("reasoningContent")):
            return self._thought(thought)
        if cited := parse_citation(table(delta.get("citation"))):
            self._open = True
            return [Cite(cited)]
        call = self._calls.get(count(value.get("contentBlockIndex")))
        piece = word(table(delta.get("toolUse")).get("input"))
        return [Arguments(piece, call)] if piece and call is not None else []

    def _thought(self, raw: dict[str, Any]) -> list[Event]:
        self._open = True
        if text := word(raw.get("text")):
            return [Delta(text, 0, "thinking")]
        if signature := word(raw.get("signature")):
            return [Sign(Opaque(OWN, signature))]
        hidden = word(raw.get("redactedContent"))
        return [Begin(Thinking("", Opaque(OWN, hidden), redacted=True))] if hidden else []

    def end(self, value: dict[str, Any]) -> list[Event]:
        """``contentBlockStop``"""
        was, self._open = self._open, False
        return [End()] if was else []

    def stop(self, value: dict[str, Any]) -> list[Event]:
        """``messageStop``; the counts are still to come."""
        reason = stop_reason(value.get("stopReason")) or ("tools" if self._calls else "stop")
        if self.stop_seen:
            return []
        self.stop_seen = True
        return [Stop(reason, detail=detail(value.get("stopReason")))]

    def metadata(self, value: dict[str, Any]) -> list[Event]:
        """``metadata``, the last one."""
        self.finished = self.stop_seen
        usage = parse_usage(value.get("usage"), value.get("serviceTier"))
        return [UsageReport(usage)] if usage else []


_READ: dict[str, Callable[[ConverseReader, dict[str, Any]], list[Event]]] = {
    "messageStart": ConverseReader.start,
    "contentBlockStart": ConverseReader.begin,
    "contentBlockDelta": ConverseReader.delta,
    "contentBlockStop": ConverseReader.end,
    "messageStop": ConverseReader.stop,
    "metadata": ConverseReader.metadata,
}
