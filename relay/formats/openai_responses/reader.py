"""Responses streams -> events. Source: https://platform.openai.com/docs/api-reference/responses-streaming"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from relay.formats.carrier import opened
from relay.formats.openai_responses.citations import parse_annotation, parse_logprobs, word
from relay.formats.openai_responses.event import WireEvent, decode_event
from relay.formats.openai_responses.output import dicts, logprobs_of, parse_call, parse_item, thought_text
from relay.formats.openai_responses.response import stop_reason
from relay.formats.openai_responses.thoughts import OWN, parse_reasoning
from relay.formats.openai_responses.usage import parse_usage, served
from relay.framing import Frame
from relay.neutral import (
    Arguments,
    Begin,
    Cite,
    Delta,
    DeltaKind,
    End,
    Event,
    Image,
    Logprobs,
    Opaque,
    Part,
    Refusal,
    Sign,
    Start,
    Stop,
    StreamError,
    Text,
    Thinking,
    ToolUse,
    UsageReport,
)

_ENDINGS = ("response.completed", "response.incomplete", "response.cancelled", "response.done")

_Place = tuple[int, DeltaKind, int]
"""Item, kind, and content within it."""


class _Item:
    """An item under way."""

    __slots__ = ("call", "cited", "done", "heard", "sent", "summary", "thoughts")

    def __init__(self) -> None:
        self.call = -1
        self.summary = 0  # which of several
        self.sent: dict[tuple[DeltaKind, int], int] = {}  # characters by content
        self.cited = 0
        self.heard = False  # log probabilities came
        self.thoughts = ""  # which of the two forms is read
        self.done = False


class ResponsesReader:
    """Events out of an OpenAI-compatible vendor's stream."""

    __slots__ = ("_calls", "_current", "_items", "_marks", "_open", "_refused", "_served", "_started", "finished",
                 "stop_seen")  # fmt: skip

    def __init__(self) -> None:
        self.finished = False
        self.stop_seen = False
        self._started = False
        self._items: dict[int, _Item] = {}
        self._current = 0
        self._calls = 0
        self._refused = False
        self._open: _Place | None = None
        self._marks: list[Opaque] = []
        self._served: list[dict[str, Any]] = []

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one frame; an error ends nothing by itself."""
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
        elif event.type in _ENDINGS:
            self._ending(event, out)
        elif isinstance(event.response, dict):
            self._start(event.response, out)
        return out

    def close(self) -> list[Event]:
        """Nothing: every event was complete with its frame."""
        return []

    # -- pieces -------------------------------------------------------------------------------------

    def text(self, event: WireEvent, out: list[Event]) -> None:
        """``response.output_text.delta``"""
        item = self._piece(event, "text", event.content_index, event.delta, out)
        if event.logprobs and (logprobs := parse_logprobs(event.logprobs)):
            item.heard = True
            out.append(Logprobs(logprobs))

    def text_done(self, event: WireEvent, out: list[Event]) -> None:
        """``response.output_text.done``: what its deltas left out."""
        self._rest(event, "text", event.content_index, event.text, out)

    def refusal(self, event: WireEvent, out: list[Event]) -> None:
        """``response.refusal.delta``"""
        self._refused = True
        self._piece(event, "refusal", event.content_index, event.delta, out)

    def refusal_done(self, event: WireEvent, out: list[Event]) -> None:
        """``response.refusal.done``"""
        self._refused = True
        self._rest(event, "refusal", event.content_index, event.refusal, out)

    def summary(self, event: WireEvent, out: list[Event]) -> None:
        """``response.reasoning_summary_text.delta``"""
        self._thought(event, "summary", event.summary_index, event.delta, out)

    def thought(self, event: WireEvent, out: list[Event]) -> None:
        """``response.reasoning_text.delta``, of open models."""
        self._thought(event, "content", event.content_index, event.delta, out)

    def audio(self, event: WireEvent, out: list[Event]) -> None:
        """``response.audio.delta``"""
        self._piece(event, "audio", 0, event.delta, out)

    def transcript(self, event: WireEvent, out: list[Event]) -> None:
        """``response.audio.transcript.delta``"""
        self._piece(event, "transcript", 0, event.delta, out)

    def annotation(self, event: WireEvent, out: list[Event]) -> None:
        """``response.output_text.annotation.added``"""
        citation = parse_annotation(event.annotation)
        if citation is None:
            return
        at, item = self._at(event)
        self._turn((at, "text", _index(event.content_index)), out)
        item.cited += 1
        out.append(Cite(citation))

    def arguments(self, event: WireEvent, out: list[Event]) -> None:
        """``response.function_call_arguments.delta``, and of custom tools' input."""
        self._argue(event, word(event.delta), out)

    def arguments_done(self, event: WireEvent, out: list[Event]) -> None:
        """What the deltas left out."""
        _, item = self._at(event)
        sent = item.sent.get(("text", 0), 0)
        self._argue(event, (word(event.arguments) or word(event.input))[sent:], out)

    # -- items --------------------------------------------------------------------------------------

    def added(self, event: WireEvent, out: list[Event]) -> None:
        """``response.output_item.added``"""
        raw = event.item if isinstance(event.item, dict) else {}
        at = event.output_index if type(event.output_index) is int else len(self._items)
        kind = word(raw.get("type"))
        self._current = at
        self._items[at] = item = _Item()
        if kind in ("function_call", "custom_tool_call") and word(raw.get("name")):
            call = parse_call(raw)
            item.sent["text", 0] = len(call.arguments)
            self._called(item, call, out)
        elif kind == "reasoning" and word(raw.get("id")) and _own(raw.get("encrypted_content")):
            self._turn((at, "thinking", 0), out)
            out.append(Begin(Thinking(id=word(raw.get("id")))))
            item.thoughts = "begun"

    def item_done(self, event: WireEvent, out: list[Event]) -> None:
        """``response.output_item.done``: the whole item, for what its pieces left out."""
        raw = event.item if isinstance(event.item, dict) else None
        at, item = self._at(event)
        if item.done and type(event.output_index) is not int:  # not numbered: another one
            at = len(self._items)
            item = self._items[at] = _Item()
        if raw is None or item.done:
            return
        item.done, kind = True, word(raw.get("type"))
        if item.call >= 0:
            call = parse_call(raw)
            self._argue(event, call.arguments[item.sent.get(("text", 0), 0) :], out)
            if item.call == self._calls - 1 and self._open is None:
                out.append(End())
        elif kind == "reasoning":
            self._reasoned(at, item, raw, out)
        elif kind == "message" and item.sent:
            self._finished_message(event, item, raw, out)
        else:
            self._whole(at, raw, out)

    def _finished_message(self, event: WireEvent, item: _Item, raw: dict[str, Any], out: list[Event]) -> None:
        parts = dicts(raw.get("content"))
        whole = sum(len(word(part.get("text")) or word(part.get("refusal"))) for part in parts)
        behind = sum(item.sent.values()) < whole
        for at, part in enumerate(parts):
            kind: DeltaKind = "refusal" if part.get("type") == "refusal" else "text"
            if behind:
                self._refused |= kind == "refusal"
                self._rest(event, kind, at, part.get(kind), out)
            if not item.cited:
                cited = (parse_annotation(one) for one in dicts(part.get("annotations")))
                out += [Cite(one) for one in cited if one is not None]
        if not item.heard and (logprobs := logprobs_of(raw)):
            out.append(Logprobs(logprobs))

    def _reasoned(self, at: int, item: _Item, raw: dict[str, Any], out: list[Event]) -> None:
        found = parse_reasoning(word(raw.get("id")), thought_text(raw), word(raw.get("encrypted_content")))
        streamed = ("thinking", 0) in item.sent
        for one in found:
            if isinstance(one, Opaque):
                self._marks.append(one)
            elif streamed or item.thoughts == "begun":
                if not streamed and one.text:
                    out.append(Delta(one.text, 0, "thinking"))
                if one.signature is not None:
                    out.append(Sign(one.signature, 0, one.id))
                streamed, item.thoughts = False, ""
                self._close(out)
            else:
                self._turn((at, "thinking", 0), out)
                out.append(Begin(one))
                self._close(out)

    def _whole(self, at: int, raw: dict[str, Any], out: list[Event]) -> None:
        """An item of which no pieces came."""
        self._served.append(served(raw))
        for place, one in enumerate(parse_item(raw)):
            if isinstance(one, Opaque):
                self._marks.append(one)
            else:
                self._begin(at, place, one, out)
        if logprobs := logprobs_of(raw):
            out.append(Logprobs(logprobs))

    def _begin(self, at: int, place: int, part: Part, out: list[Event]) -> None:
        if isinstance(part, ToolUse):
            self._called(_Item(), part, out)
            out.append(End())
            return
        self._refused |= isinstance(part, Refusal)
        self._turn((at, "text", place), out)
        out.append(Begin(part))
        if not isinstance(part, Text | Image):  # these two may be signed by what follows
            self._close(out)

    def _called(self, item: _Item, call: ToolUse, out: list[Event]) -> None:
        state = self._marks.pop() if self._marks else None
        self._close(out)
        if state is not None and state.data:
            call = msgspec.structs.replace(call, signature=state)
        item.call = self._calls
        self._calls += 1
        out.append(Begin(call))

    # -- the whole ----------------------------------------------------------------------------------

    def _start(self, response: dict[str, Any], out: list[Event]) -> None:
        if not self._started:
            self._started = True
            out.append(Start(word(response.get("id")), word(response.get("model"))))

    def _ending(self, event: WireEvent, out: list[Event]) -> None:
        response = event.response if isinstance(event.response, dict) else {}
        self._start(response, out)
        if not self._items:
            for at, raw in enumerate(dicts(response.get("output"))):
                self._whole(at, raw, out)
        self._signed(out)
        self.finished = self.stop_seen = True
        status = event.type.removeprefix("response.")
        told = response if response.get("status") in ("incomplete", "cancelled") else {**response, "status": status}
        out.append(Stop(stop_reason(told, self._calls > 0, self._refused) or "other"))
        usage = parse_usage(response, self._served)
        if usage is not None:
            out.append(UsageReport(usage))

    # -- places -------------------------------------------------------------------------------------

    def _at(self, event: WireEvent) -> tuple[int, _Item]:
        at = event.output_index if type(event.output_index) is int else self._current
        item = self._items.get(at)
        if item is None:
            item = self._items[at] = _Item()
        self._current = at
        return at, item

    def _piece(self, event: WireEvent, kind: DeltaKind, content: Any, text: Any, out: list[Event]) -> _Item:
        at, item = self._at(event)
        if isinstance(text, str) and text:
            place = (at, kind, _index(content))
            if self._open != place:
                self._turn(place, out)
            item.sent[kind, place[2]] = item.sent.get((kind, place[2]), 0) + len(text)
            out.append(Delta(text, 0, kind))
        return item

    def _rest(self, event: WireEvent, kind: DeltaKind, content: Any, text: Any, out: list[Event]) -> None:
        _, item = self._at(event)
        rest = word(text)[item.sent.get((kind, _index(content)), 0) :]
        self._piece(event, kind, content, rest, out)

    def _thought(self, event: WireEvent, form: str, content: Any, text: Any, out: list[Event]) -> None:
        """Thoughts come summed up or as they are; where both come the first form counts."""
        _, item = self._at(event)
        if item.thoughts in ("", "begun"):
            item.thoughts = form
        if item.thoughts != form or not isinstance(text, str) or not text:
            return
        at = _index(content)
        if item.sent and at > item.summary:
            text = f"\n\n{text}"
        item.summary = at
        self._piece(event, "thinking", 0, text, out)

    def _argue(self, event: WireEvent, text: str, out: list[Event]) -> None:
        _, item = self._at(event)
        if text and item.call >= 0:
            item.sent["text", 0] = item.sent.get(("text", 0), 0) + len(text)
            out.append(Arguments(text, item.call))

    def _turn(self, place: _Place, out: list[Event]) -> None:
        """Another part begins."""
        if self._open != place:
            self._close(out)
            self._open = place

    def _signed(self, out: list[Event]) -> None:
        """Signatures that no call took belong to what came before."""
        for state in self._marks:
            if state.data:
                out += (Sign(state), End())
                self._open = None
        self._marks.clear()

    def _close(self, out: list[Event]) -> None:
        self._signed(out)
        if self._open is not None:
            out.append(End())
            self._open = None


def _own(encrypted: object) -> bool:
    return isinstance(encrypted, str) and opened(encrypted, OWN).maker == OWN


def _index(value: object) -> int:
    return value if type(value) is int else 0


_READ: dict[str, Callable[[ResponsesReader, WireEvent, list[Event]], None]] = {
    "response.output_text.delta": ResponsesReader.text,
    "response.output_text.done": ResponsesReader.text_done,
    "response.output_text.annotation.added": ResponsesReader.annotation,
    "response.refusal.delta": ResponsesReader.refusal,
    "response.refusal.done": ResponsesReader.refusal_done,
    "response.reasoning_summary_text.delta": ResponsesReader.summary,
    "response.reasoning_text.delta": ResponsesReader.thought,
    "response.audio.delta": ResponsesReader.audio,
    "response.audio.transcript.delta": ResponsesReader.transcript,
    "response.function_call_arguments.delta": ResponsesReader.arguments,
    "response.function_call_arguments.done": ResponsesReader.arguments_done,
    "response.custom_tool_call_input.delta": ResponsesReader.arguments,
    "response.custom_tool_call_input.done": ResponsesReader.arguments_done,
    "response.output_item.added": ResponsesReader.added,
    "response.output_item.done": ResponsesReader.item_done,
}
