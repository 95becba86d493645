"""OpenAI in, OpenAI out: the few edits of a body or stream that else passes byte for byte."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from openopen8.core.errors import Problem
from relay import splice
from relay.formats.fields import typed
from relay.formats.format import Glance
from relay.formats.openai_chat.chunk import Chunk, Delta, decode_chunk, stream_error, usage_in
from relay.formats.openai_chat.message import arguments, content_texts, dicts, word
from relay.formats.openai_chat.usage import parse_usage
from relay.formats.openai_chat.writer import DONE, chunk_head, usage_chunk
from relay.formats.openai_errors import error_object
from relay.formats.renaming import patch_response
from relay.formats.vendor import index_of
from relay.framing import Frame, sse
from relay.neutral import StreamError, Usage

_encode = msgspec.json.Encoder().encode
_options = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode


def patch_request(body: bytes, glance: Glance, model: str) -> bytes:
    """``body`` with the upstream's model name, and for streams a wish to be told the counts; else as it came."""
    changes: dict[str, bytes] = {}
    if model != glance.model:
        changes["model"] = _encode(model)
    if glance.stream and not glance.include_usage:
        raw = glance.fields.get("stream_options")
        given = None if raw is None else typed(raw, _options, "stream_options")
        changes["stream_options"] = _encode({**(given or {}), "include_usage": True})
    return splice.edited(body, glance.fields, changes) if changes else body


class ChatTap:
    """Listens to a stream that passes through. See ``Tap`` for the attributes.

    Held back are, once every choice has stopped, the usage chunk and all that follows it, and [DONE].
    """

    __slots__ = (
        "_begun", "_created", "_ended", "_held", "_id", "_include_usage", "_model", "_name", "_reported",
        "_upstream", "error", "finished", "first_token", "text", "usage",
    )  # fmt: skip

    def __init__(self, model: str, include_usage: bool) -> None:
        self.usage: Usage | None = None
        self.text: list[str] = []
        self.finished = False
        self.error: StreamError | None = None
        self.first_token = False
        self._model = model
        self._name = b'"model":' + _encode(model)
        self._upstream: tuple[object, bytes] = (None, b"")
        self._include_usage = include_usage
        self._reported = False
        self._held: list[bytes] = []
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._id: object = None
        self._created: object = None

    @property
    def stop_seen(self) -> bool:
        """True once every choice that began has named its finish reason."""
        return bool(self._ended) and self._ended >= self._begun

    def plain(self, data: bytes) -> tuple[int, bytes]:
        """See ``Tap``."""
        name, parts, start = self._upstream, [], 0
        while data.startswith(b"data: {", start):
            end = data.find(b"\n\n", start)
            chunk = _text_chunk(data, start + 6, end)
            if chunk is None or self._held:
                break
            if chunk.model != self._model and (chunk.model != name[0] or data.count(name[1], start, end) != 1):
                break
            if self._id is None:
                self._id, self._created = chunk.id, chunk.created
            choice = chunk.choices[0]
            self._begun.add(choice.index)
            if choice.delta.content:
                parts.append(choice.delta.content)
            start = end + 2
        if parts:
            self.text += parts
            self.first_token = True
        passed = data if start == len(data) else data[:start]
        return start, passed.replace(name[1], self._name) if start and name[0] is not None else passed

    def feed(self, frame: Frame) -> bytes:
        """The bytes to pass on now."""
        data = frame.data.strip()
        if self.finished or self.error or not data:
            return b""
        if data == b"[DONE]":
            self.finished = True
            return b""
        chunk = decode_chunk(data)
        self.error = stream_error(frame, chunk)
        if self.error is not None or chunk is None:
            return b""
        self._listen(chunk)
        return self._pass_on(frame, chunk)

    def clear_text(self) -> None:
        """Drops the text that has been counted."""
        self.text.clear()

    def end(self, usage: Usage | None) -> bytes:
        """The held ending; ``usage`` stands in for the counts that the upstream left out."""
        held = b"".join(self._held)
        if self._include_usage and not self._reported and usage is not None:
            held += usage_chunk(self._head(), usage)
        return held + DONE

    def fail(self, problem: Problem) -> bytes:
        """The error as last event; official clients raise on it."""
        return sse(_encode(error_object(problem)))

    def _head(self) -> bytes:
        id, created = self._id, self._created
        return chunk_head(id if isinstance(id, str) else "", created if isinstance(created, int) else 0, self._model)

    def _listen(self, chunk: Chunk) -> None:
        if self._id is None:
            self._id, self._created = chunk.id, chunk.created
        if report := usage_in(chunk):
            self.usage = parse_usage(report, chunk.service_tier) or self.usage
        for choice in chunk.choices or ():
            index = index_of(choice.index, 0)
            self._begun.add(index)
            if choice.delta is not None:
                self._hear(choice.delta)
            if choice.finish_reason:
                self._ended.add(index)

    def _hear(self, delta: Delta) -> None:
        if type(delta.content) is str:
            if delta.content:
                self.text.append(delta.content)
        elif delta.content:
            self.text += [text for text in content_texts(delta.content) if text]
        if delta.refusal or delta.reasoning_content or delta.reasoning or delta.tool_calls or delta.function_call:
            self.text += _further(delta)
        elif delta.audio or delta.reasoning_details or delta.images:
            self._hear_others(delta)
        if self.text:
            self.first_token = True

    def _hear_others(self, delta: Delta) -> None:
        """Sounds and pictures are no text, but the answer has begun."""
        if isinstance(delta.audio, dict) and (said := word(delta.audio.get("transcript"))):
            self.text.append(said)
        for entry in dicts(delta.reasoning_details):
            self.text += [text for field in ("text", "summary") if (text := word(entry.get(field)))]
        self.first_token = True

    def _pass_on(self, frame: Frame, chunk: Chunk) -> bytes:
        counts_only = bool(chunk.usage) and not chunk.choices
        if counts_only and not self._include_usage:
            return b""
        out = self._renamed(frame, chunk)
        if self._held or (counts_only and self.stop_seen):
            self._held.append(out)
            out = b""
        self._reported |= bool(chunk.usage)
        return out

    def _renamed(self, frame: Frame, chunk: Chunk) -> bytes:
        """The frame under the caller's name of the model."""
        name = chunk.model
        if name is None or name == self._model:
            return frame.raw
        if name != self._upstream[0]:
            self._upstream = (name, b'"model":' + _encode(name))
        # Quotes inside strings are escaped: found once, the field is the top-level one.
        if frame.raw.count(self._upstream[1]) == 1:
            return frame.raw.replace(self._upstream[1], self._name)
        return sse(patch_response(frame.data, self._model), frame.event)


class _TextDelta(msgspec.Struct, gc=False):
    content: str
    refusal: None = None
    reasoning_content: None = None
    reasoning: None = None
    reasoning_details: None = None
    tool_calls: None = None
    function_call: None = None
    audio: None = None
    images: None = None


class _TextChoice(msgspec.Struct, gc=False):
    index: Annotated[int, msgspec.Meta(ge=0)]
    delta: _TextDelta
    finish_reason: None = None
    usage: None = None


class _TextChunk(msgspec.Struct, gc=False):
    """A chunk that adds text to one choice and says nothing else."""

    choices: Annotated[list[_TextChoice], msgspec.Meta(min_length=1, max_length=1)]
    model: str
    object: Literal["chat.completion.chunk"] | None = None
    id: Any = None
    created: Any = None
    usage: None = None
    error: None = None


_decode_text = msgspec.json.Decoder(_TextChunk).decode


def _text_chunk(data: bytes, start: int, end: int) -> _TextChunk | None:
    """The event between these places, if it is one line that adds text and nothing else."""
    if end < 0 or data.find(b"\n", start, end) >= 0:
        return None
    try:
        return _decode_text(data[start:end])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _further(delta: Delta) -> list[str]:
    """Generated text outside ``content``: refusals, reasoning, calls."""
    found = [word(delta.refusal), word(delta.reasoning_content) or word(delta.reasoning)]
    calls = dicts(delta.tool_calls)
    for inner in (delta.function_call, *(call.get("custom") or call.get("function") for call in calls)):
        if isinstance(inner, dict):
            found += (word(inner.get("name")), arguments(inner.get("arguments")) or word(inner.get("input")))
    return [text for text in found if text]
