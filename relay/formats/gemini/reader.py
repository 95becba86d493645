"""Gemini's streams -> events: each chunk is a small whole answer. Source: https://ai.google.dev/api/generate-content"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.carrier import unpacked
from relay.formats.gemini.candidate import blocked, parse_logprobs, parse_raw, raw_parts, stop_of
from relay.formats.gemini.chunk import TextChunk, decode_chunk, text_chunk
from relay.formats.gemini.grounding import parse_grounding
from relay.formats.gemini.partial import Partial, begins
from relay.formats.gemini.usage import parse_usage, searches
from relay.formats.gemini.words import dicts, word
from relay.formats.vendor import index_of, loads
from relay.framing import Frame
from relay.neutral import (
    Audio,
    Begin,
    Citation,
    Cite,
    Delta,
    End,
    Event,
    Image,
    Logprobs,
    Opaque,
    Part,
    Sign,
    Start,
    Stop,
    StreamError,
    Text,
    Thinking,
    ToolUse,
    UsageReport,
)


class ContentReader:
    """Events out of a Gemini stream. It has no ending event: the end of the bytes after a finish reason is one.

    Some models name a finish reason in every chunk, so it only counts once nothing more has come.
    """

    __slots__ = ("_choices", "_counted", "_grounded", "_model", "_started", "_stops", "_usage", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._started = False
        self._model = ""
        self._choices: dict[int, _Choice] = {}
        self._stops: dict[int, Stop] = {}
        self._grounded: list[dict[str, Any]] = []
        self._usage: object = None
        self._counted = b""  # the same as it came

    @property
    def stop_seen(self) -> bool:
        """True once every candidate that began has named its finish reason."""
        return bool(self._stops) and self._stops.keys() >= self._choices.keys()

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one frame."""
        data = frame.data.strip()
        if self.finished or not data or data == b"[DONE]":
            return []
        plain = text_chunk(data) if self._started else None
        if plain is not None:
            return self._plain(plain)
        value = decode_chunk(data)
        if isinstance(value, StreamError):
            return [value]
        events = self._start(value)
        candidates = dicts(value.get("candidates"))
        for at, item in enumerate(candidates):
            self._read(index_of(item.get("index"), at), item, events)
        stop = None if candidates or self._choices else blocked(value)
        if stop is not None:
            self._stops[0] = stop
        self._report(value, events)
        return events

    def close(self) -> list[Event]:
        """Why the candidates ended."""
        self.finished = self.stop_seen
        events: list[Event] = []
        for choice in self._choices.values():
            choice.close(events)
        return [*events, *(self._stops[index] for index in sorted(self._stops) if self.finished)]

    def _plain(self, chunk: TextChunk) -> list[Event]:
        """The short way for what streams mostly consist of."""
        index = chunk.index
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(index)
        events: list[Event] = []
        choice.say(chunk.text, events)
        if self._stops:
            self._stops.pop(index, None)
        usage = bytes(chunk.usageMetadata)
        if usage and usage != self._counted:
            self._counted = usage
            self._report({"usageMetadata": loads(usage)}, events)
        return events

    def _start(self, value: dict[str, Any]) -> list[Event]:
        if self._started:
            return []
        self._started = True
        self._model = word(value.get("modelVersion"))
        return [Start(word(value.get("responseId")), self._model)]

    def _read(self, index: int, item: dict[str, Any], events: list[Event]) -> None:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(index)
        before = len(events)
        for raw in raw_parts(item):
            choice.read(raw, events)
        if len(events) > before:
            self._stops.pop(index, None)
        if "groundingMetadata" in item or "citationMetadata" in item:
            self._grounded.append(item)
            choice.cite(item, events)
        if logprobs := parse_logprobs(item):
            events.append(Logprobs(logprobs, index))
        stop = stop_of(item, index, choice.called)
        if stop is not None:
            self._stops[index] = stop

    def _report(self, value: dict[str, Any], events: list[Event]) -> None:
        raw = value.get("usageMetadata")
        if raw is None or raw == self._usage:
            return
        self._usage = raw
        usage = parse_usage(raw, searches(self._grounded, self._model) if self._grounded else None)
        if usage is not None:
            events.append(UsageReport(usage))


class _Choice:
    """One candidate, as far as what follows depends on what came."""

    __slots__ = ("_cited", "_index", "_open", "_partial", "_signed", "_text", "called")

    def __init__(self, index: int) -> None:
        self.called = False
        self._index = index
        self._open: type[Part] | None = None
        self._signed = False
        self._text: list[str] = []
        self._cited: set[Citation] = set()
        self._partial: Partial | None = None  # a call of which more is to come

    def read(self, raw: dict[str, Any], events: list[Event]) -> None:
        """The events of one part. Most are a piece of text and nothing else."""
        if self._partial is None and not begins(raw):
            self._part(raw, events)
            return
        if not isinstance(raw.get("functionCall"), dict):
            self.close(events)
            self._part(raw, events)
            return
        partial = self._partial or Partial()
        self._partial = partial
        if partial.add(raw):
            self.close(events)

    def close(self, events: list[Event]) -> None:
        """No more pieces of a call are to come."""
        partial, self._partial = self._partial, None
        if partial is not None:
            self._part(partial.whole(), events)

    def _part(self, raw: dict[str, Any], events: list[Event]) -> None:
        found = parse_raw(raw)
        if found is None:
            return
        part, state = found
        if state is not None and (thoughts := unpacked(state)):
            self._whole(thoughts, events)
            state = None
        if isinstance(part, Text | Thinking):
            self._said(part, state, events)
        elif isinstance(part, Audio) and part.source is not None and self._open is Audio:
            events.append(Delta(part.source.value, self._index, "audio"))
        else:
            self._begin(part, state, events)

    def say(self, text: str, events: list[Event]) -> None:
        """A piece of text."""
        if self._open is not Text or self._signed:
            self._turn(Text, events)
        self._text.append(text)
        events.append(Delta(text, self._index))

    def cite(self, item: dict[str, Any], events: list[Event]) -> None:
        """What the text so far rests on; chunks may repeat it."""
        text, late = "".join(self._text), self._open is not Text
        for _, citation in parse_grounding(item, [(0, text)]) if text or not late else ():
            if citation not in self._cited:
                self._cited.add(citation)
                events.append(Cite(citation, self._index, late))

    def _said(self, part: Text | Thinking, state: Opaque | None, events: list[Event]) -> None:
        kind = type(part)
        if part.text and kind is Text:
            self.say(part.text, events)
        elif part.text:
            self._turn(kind, events)
            events.append(Delta(part.text, self._index, "thinking"))
        if state is not None:
            signed = (Text, Image) if kind is Text else (Thinking,)
            if self._open not in signed or self._signed:
                self._turn(kind, events)
                events.append(Begin(part if not part.text else kind(""), self._index))
            events.append(Sign(state, self._index))
            self._signed = True

    def _begin(self, part: Part, state: Opaque | None, events: list[Event]) -> None:
        self._turn(None, events)
        if state is not None and isinstance(part, ToolUse | Image):
            part = msgspec.structs.replace(part, signature=state)
            self._signed = True
        self.called |= isinstance(part, ToolUse)
        events.append(Begin(part, self._index))
        if isinstance(part, Image | Audio):
            self._open = type(part)
        else:
            events.append(End(self._index))

    def _turn(self, kind: type[Part] | None, events: list[Event]) -> None:
        """A part of another kind begins, or another one after one that was signed."""
        if self._open is kind and not self._signed and kind is not None:
            return
        if self._open is not None:
            events.append(End(self._index))
        self._open = kind
        self._signed = False
        if kind is Text:
            self._text.clear()

    def _whole(self, thoughts: tuple[Thinking, ...], events: list[Event]) -> None:
        """Thoughts that another vendor signed: what was shown of them has come already."""
        for thought in thoughts:
            if self._open is Thinking and thought.signature is not None and thought.text:
                events += (Sign(thought.signature, self._index, thought.id), End(self._index))
                self._open = None
            elif not (self._open is Thinking and thought.signature is None):
                self._turn(None, events)
                events += (Begin(thought, self._index), End(self._index))
