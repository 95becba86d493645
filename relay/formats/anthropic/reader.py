"""Claude's streams -> events. Source: https://platform.claude.com/docs/en/build-with-claude/streaming"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relay.formats.anthropic.citations import parse_citation, parse_citations, word
from relay.formats.anthropic.content import arguments
from relay.formats.anthropic.event import WireEvent, decode_event, object_of
from relay.formats.anthropic.response import category, stop_reason
from relay.formats.anthropic.thoughts import OWN, parse_redacted, parse_thinking
from relay.formats.anthropic.usage import merged, parse_usage
from relay.formats.freeform import as_input
from relay.framing import Frame
from relay.neutral import (
    Arguments,
    Begin,
    Block,
    Cite,
    Delta,
    End,
    Event,
    Opaque,
    Sign,
    Start,
    Stop,
    StreamError,
    Text,
    ToolUse,
    UsageReport,
)


class _Open:
    """A block under way."""

    __slots__ = ("call", "kind", "pieces", "raw")

    def __init__(self, kind: str, raw: dict[str, Any], call: int = -1) -> None:
        self.kind = kind
        self.raw = raw
        self.call = call
        self.pieces: list[str] = []  # of an input that is only told whole
        if call >= 0 and raw.get("input"):
            self.pieces.append(arguments(raw["input"]))  # unless pieces of it are still to come


class MessageReader:
    """Events out of a Claude stream. Usage in ``message_delta`` is cumulative: the last value counts."""

    __slots__ = ("_blocks", "_calls", "_marks", "_speaking", "_usage", "finished", "stop_seen")

    def __init__(self) -> None:
        self.finished = False
        self.stop_seen = False
        self._usage: dict[str, Any] = {}
        self._blocks: dict[object, _Open] = {}
        self._calls = 0
        self._speaking = False  # a text has not ended yet: what follows may be its signature
        self._marks: list[Opaque] = []

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one frame; kinds that are not known yet give none."""
        data = frame.data.strip()
        if self.finished or not data or data == b"[DONE]":
            return []
        event = decode_event(frame)
        if isinstance(event, StreamError):
            return [event]
        out: list[Event] = []
        read = _READ.get(event.type)
        if read is not None:
            read(self, event, out)
        return out

    def close(self) -> list[Event]:
        """The end of a text that was still open."""
        out: list[Event] = []
        self._turn(out)
        return out

    def message(self, event: WireEvent, out: list[Event]) -> None:
        """``message_start``"""
        message = object_of(event.message)
        out.append(Start(word(message.get("id")), word(message.get("model"))))
        self._report(message.get("usage"), out, partial=True)

    def begin(self, event: WireEvent, out: list[Event]) -> None:
        """``content_block_start``"""
        raw = object_of(event.content_block)
        kind = word(raw.get("type"))
        self._blocks[_key(event.index)] = _Open(kind, raw)
        if kind == "text":
            self._turn(out)
            self._speaking = True
            out.append(Begin(Text(word(raw.get("text")), parse_citations(raw.get("citations")))))
        elif kind == "thinking":
            self._turn(out)
            found = parse_thinking(word(raw.get("thinking")), word(raw.get("signature")))
            out.append(Begin(found[0]))
        elif kind == "redacted_thinking":
            self._redacted(word(raw.get("data")), out)
        elif kind == "tool_use" and word(raw.get("name")):
            self._blocks[_key(event.index)] = _Open(kind, raw, self._calls)
            self._call(raw, out)

    def delta(self, event: WireEvent, out: list[Event]) -> None:
        """``content_block_delta``"""
        delta = object_of(event.delta)
        kind = delta.get("type")
        if kind == "text_delta":
            if text := word(delta.get("text")):
                self._speaking = True
                out.append(Delta(text))
        elif kind == "thinking_delta":
            if text := word(delta.get("thinking")):
                out.append(Delta(text, 0, "thinking"))
        elif kind == "input_json_delta":
            self._argue(event.index, word(delta.get("partial_json")), out)
        elif kind == "signature_delta":
            for thought in parse_thinking("", word(delta.get("signature"))):
                out += [Sign(thought.signature, 0, thought.id)] if thought.signature else []
        elif kind == "citations_delta" and (cited := parse_citation(delta.get("citation"))) is not None:
            self._speaking = True
            out.append(Cite(cited))

    def end(self, event: WireEvent, out: list[Event]) -> None:
        """``content_block_stop``. Texts end when something else begins."""
        block = self._blocks.pop(_key(event.index), None)
        if block is None or block.kind in ("", "text", "redacted_thinking"):
            return
        if block.call >= 0:
            if block.pieces:
                out.append(Arguments("".join(block.pieces), block.call))
        elif block.kind != "thinking":
            self._turn(out)
            out.append(Begin(Block(OWN, block.kind, _whole(block))))
        out.append(End())

    def ending(self, event: WireEvent, out: list[Event]) -> None:
        """``message_delta``"""
        delta = object_of(event.delta)
        reason = stop_reason(delta.get("stop_reason"))
        if reason is not None and not self.stop_seen:
            self._turn(out)
            self.stop_seen = True
            sequence = word(delta.get("stop_sequence")) or None
            out.append(Stop(reason, sequence=sequence, detail=category(delta.get("stop_details"))))
        self._report(event.usage, out)

    def stop(self, event: WireEvent, out: list[Event]) -> None:
        """``message_stop``; vendors forget the reason."""
        self._turn(out)
        self.finished = True
        if not self.stop_seen:
            self.stop_seen = True
            out.append(Stop("tools" if self._calls else "stop"))

    def _redacted(self, data: str, out: list[Event]) -> None:
        for one in parse_redacted(data):
            if isinstance(one, Opaque):
                self._marks.append(one)
            else:
                self._turn(out)
                out += (Begin(one), End())

    def _call(self, raw: dict[str, Any], out: list[Event]) -> None:
        state = self._marks.pop() if self._marks else None
        self._turn(out)
        self._calls += 1
        signature = state if state is not None and state.data else None
        out.append(Begin(ToolUse(word(raw.get("id")), raw["name"], signature=signature)))

    def _argue(self, index: object, text: str, out: list[Event]) -> None:
        block = self._blocks.get(_key(index))
        if block is None or not text:
            return
        if block.call < 0:
            block.pieces.append(text)
            return
        block.pieces.clear()
        out.append(Arguments(text, block.call))

    def _report(self, report: object, out: list[Event], partial: bool = False) -> None:
        self._usage = merged(self._usage, report)
        usage = parse_usage(self._usage, partial) if isinstance(report, dict) else None
        out += [UsageReport(usage)] if usage else []

    def _turn(self, out: list[Event]) -> None:
        """Another part begins; signatures that no call took belong to what came before."""
        for state in self._marks:
            if state.data:
                out += (Sign(state), End())
                self._speaking = False
        self._marks.clear()
        if self._speaking:
            self._speaking = False
            out.append(End())


def _key(index: object) -> object:
    return index if type(index) is int else 0


def _whole(block: _Open) -> dict[str, Any]:
    """A block that only Claude knows, with the input that came in pieces."""
    if not block.pieces:
        return dict(block.raw)
    return {**block.raw, "input": as_input(ToolUse("", "", "".join(block.pieces)))}


_READ: dict[str, Callable[[MessageReader, WireEvent, list[Event]], None]] = {
    "message_start": MessageReader.message,
    "content_block_start": MessageReader.begin,
    "content_block_delta": MessageReader.delta,
    "content_block_stop": MessageReader.end,
    "message_delta": MessageReader.ending,
    "message_stop": MessageReader.stop,
}
