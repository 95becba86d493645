"""OpenAI chat streams -> events. Source: https://platform.openai.com/docs/api-reference/chat-streaming"""

from __future__ import annotations

from typing import Any

from relay.formats.openai_chat.calls import Calls
from relay.formats.openai_chat.chunk import Chunk, ChunkChoice, decode_chunk, stream_error, usage_in
from relay.formats.openai_chat.chunk import Delta as ChunkDelta
from relay.formats.openai_chat.message import (
    content_texts,
    dicts,
    parse_annotations,
    parse_image,
    parse_logprobs,
    word,
)
from relay.formats.openai_chat.response import stop_reason
from relay.formats.openai_chat.thoughts import entries, state_of
from relay.formats.openai_chat.usage import parse_usage
from relay.formats.vendor import index_of
from relay.framing import Frame
from relay.neutral import (
    Audio,
    Begin,
    Cite,
    Delta,
    End,
    Event,
    Logprobs,
    Opaque,
    Sign,
    Start,
    Stop,
    Thinking,
    UsageReport,
)


class ChatReader:
    """Events out of an OpenAI-compatible vendor's stream."""

    __slots__ = ("_choices", "_ended", "_started", "_tier", "finished")

    def __init__(self) -> None:
        self.finished = False
        self._started = False
        self._choices: dict[int, _Choice] = {}
        self._ended: set[int] = set()
        self._tier: object = None

    @property
    def stop_seen(self) -> bool:
        """True once every choice that began has named its finish reason."""
        return bool(self._ended) and self._ended >= self._choices.keys()

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one frame; an error ends nothing by itself."""
        data = frame.data.strip()
        if self.finished or not data:
            return []
        if data == b"[DONE]":
            self.finished = True
            return []
        chunk = decode_chunk(data)
        error = stream_error(frame, chunk)
        if error is not None or chunk is None:
            return [error] if error else []
        events: list[Event] = [] if self._started else self._start(chunk)
        if chunk.choices:
            for choice in chunk.choices:
                self._read(choice, events)
        if chunk.service_tier is not None:
            self._tier = chunk.service_tier
        report = usage_in(chunk)
        usage = parse_usage(report, self._tier) if report else None
        return [*events, UsageReport(usage)] if usage else events

    def close(self) -> list[Event]:
        """Nothing: every event was complete with its frame."""
        return []

    def _start(self, chunk: Chunk) -> list[Event]:
        self._started = True
        return [Start(word(chunk.id), word(chunk.model), word(chunk.system_fingerprint))]

    def _read(self, choice: ChunkChoice, events: list[Event]) -> None:
        index = index_of(choice.index, 0)
        found = self._choices.get(index)
        if found is None:
            found = self._choices[index] = _Choice(index)
        if choice.delta is not None:
            found.read(choice.delta, events)
        if choice.logprobs is not None and (logprobs := parse_logprobs(choice.logprobs)):
            events.append(Logprobs(logprobs, index))
        if choice.finish_reason is not None:
            reason = stop_reason(choice.finish_reason, found.refused, found.calls.any)
            if reason is not None and index not in self._ended:
                self._ended.add(index)
                events.append(Stop(reason, index))


class _Choice:
    """One choice, as far as what follows depends on what came."""

    __slots__ = ("_details", "_index", "_plain", "_sounding", "_summarised", "calls", "refused")

    def __init__(self, index: int) -> None:
        self.refused = False
        self.calls = Calls(index)
        self._index = index
        self._plain: list[str] = []  # thoughts of the plain field, which details may repeat
        self._details: object = None  # index of the entry whose pieces are coming
        self._summarised: str | None = None  # id of the summary whose encrypted whole is to come
        self._sounding = False

    def read(self, delta: ChunkDelta, events: list[Event]) -> None:
        """The events of one delta. Most hold a piece of text and nothing else."""
        content = delta.content
        if delta.reasoning_details is not None:
            self._detailed(entries(delta.reasoning_details), events)
        elif delta.reasoning_content or delta.reasoning:
            self._think(word(delta.reasoning_content) or word(delta.reasoning), events)
        if type(content) is str:
            if content:
                events.append(Delta(content, self._index))
        elif content is not None:
            text, thought = content_texts(content)
            self._think(thought, events)
            if text:
                events.append(Delta(text, self._index))
        if delta.refusal or delta.tool_calls or delta.function_call:
            self._act(delta, events)
        if delta.audio or delta.images or delta.annotations:
            self._show(delta, events)

    def _act(self, delta: ChunkDelta, events: list[Event]) -> None:
        if refusal := word(delta.refusal):
            self.refused = True
            events.append(Delta(refusal, self._index, "refusal"))
        for item in dicts(delta.tool_calls):
            events += self.calls.read(item)
        if isinstance(delta.function_call, dict):
            events += self.calls.read({"index": -1, "function": delta.function_call})

    def _show(self, delta: ChunkDelta, events: list[Event]) -> None:
        if isinstance(delta.audio, dict):
            self._sound(delta.audio, events)
        for item in dicts(delta.images):
            image = parse_image(item)
            events += [] if image is None else [Begin(image, self._index), End(self._index)]
        events += [Cite(cited, self._index) for cited in parse_annotations(delta.annotations)]

    def _sound(self, audio: dict[str, Any], events: list[Event]) -> None:
        if not self._sounding:
            self._sounding = True
            events.append(Begin(Audio(id=word(audio.get("id"))), self._index))
        if data := word(audio.get("data")):
            events.append(Delta(data, self._index, "audio"))
        if said := word(audio.get("transcript")):
            events.append(Delta(said, self._index, "transcript"))
        if type(expires := audio.get("expires_at")) is int:
            events.append(Delta(str(expires), self._index, "expires"))

    def _think(self, text: str, events: list[Event]) -> None:
        if text:
            self._plain.append(text)
            events.append(Delta(text, self._index, "thinking"))

    def _detailed(self, found: list[dict[str, Any]], events: list[Event]) -> None:
        for entry in found:
            kind = entry.get("type")
            if kind == "reasoning.text":
                self._told(entry, word(entry.get("text")), events)
                if state := state_of(entry, "signature"):
                    events += [Sign(state, self._index, word(entry.get("id"))), End(self._index)]
            elif kind == "reasoning.summary":
                self._told(entry, word(entry.get("summary")), events)
            elif kind == "reasoning.encrypted" and (state := state_of(entry, "data")):
                self._hidden(entry, state, events)

    def _hidden(self, entry: dict[str, Any], state: Opaque, events: list[Event]) -> None:
        """Encrypted: what a summary stands for, a text's signature, or a thought that can't be shown."""
        id = word(entry.get("id"))
        if state.maker == "gemini":
            events.append(Sign(state, self._index))
        elif self._summarised is not None and self._summarised == id:
            self._summarised = None
            events += [Sign(state, self._index, id), End(self._index)]
        else:
            whole = Thinking("", state, redacted=state.maker != "openai", id=id)
            events += [Begin(whole, self._index), End(self._index)]

    def _told(self, entry: dict[str, Any], text: str, events: list[Event]) -> None:
        """A piece of a thought's text, or all of it again at its end, as our own streams have it."""
        repeated = bool(self._plain) and "".join(self._plain) == text
        id = word(entry.get("id"))
        if not repeated and (self._details is None or self._details != entry.get("index")):
            events.append(Begin(Thinking(id=id), self._index))
        self._plain.clear()
        self._details = entry.get("index")
        self._summarised = id if entry.get("type") == "reasoning.summary" else None
        if text and not repeated:
            events.append(Delta(text, self._index, "thinking"))
