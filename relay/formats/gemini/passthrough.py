"""Gemini in, Gemini out: the few edits of a body or stream that else passes byte for byte."""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem
from relay import splice
from relay.formats import renaming
from relay.formats.carrier import opened64
from relay.formats.format import Glance
from relay.formats.gemini.candidate import blocked, parse_raw, raw_parts, stop_of
from relay.formats.gemini.chunk import decode_chunk, text_chunk
from relay.formats.gemini.errors import error_object
from relay.formats.gemini.thoughts import PLACEHOLDER
from relay.formats.gemini.usage import parse_usage, render_usage, searches
from relay.formats.gemini.words import OWN, dicts, word
from relay.formats.vendor import index_of
from relay.framing import SSE, Frame, JsonArray, sse
from relay.neutral import StreamError, Usage
from relay.neutral.answer import written

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_MARK = b'"b284L'
"""How state of another vendor begins in Gemini's field, see ``relay/formats/carrier.py``."""


def patch_request(body: bytes, glance: Glance, model: str) -> bytes:
    """``body`` as it came, but for a model's name in it (the path's counts), and other vendors' state."""
    changes: dict[str, bytes] = {}
    if "model" in glance.fields and model != glance.model:
        changes["model"] = _encode(f"models/{model}")
    if _MARK in body:
        changes["contents"] = _encode(_unmarked(_decode(glance.fields["contents"])))
    return splice.edited(body, glance.fields, changes) if changes else body


def _unmarked(value: Any) -> Any:
    """Contents without signatures that only others can read; calls have a placeholder instead."""
    if isinstance(value, list):
        return [kept for item in value if (kept := _unmarked(item)) != {"text": ""} or kept == item]
    if not isinstance(value, dict):
        return value
    out = {}
    for name, inner in value.items():
        if name not in ("thoughtSignature", "thought_signature") or opened64(word(inner), OWN).maker == OWN:
            out[name] = _unmarked(inner) if name == "parts" else inner
        elif "functionCall" in value or "function_call" in value:
            out[name] = PLACEHOLDER
    return out


def patch_response(body: bytes, model: str) -> bytes:
    """A whole answer under the name ``model``."""
    return renaming.patch_response(body, model, "modelVersion")


class ContentTap:
    """Listens to a stream that passes through. See ``Tap`` for the attributes.

    Held back is the chunk with the last finish reason, and what follows it.
    """

    __slots__ = ("_array", "_begun", "_ended", "_grounded", "_held", "_model", "_name", "_pattern", "_raw", "_upstream",
                 "_usage", "error", "finished", "first_token", "text")  # fmt: skip

    def __init__(self, model: str, include_usage: bool, array: bool = False) -> None:
        self.text: list[str] = []
        self.finished = False
        self.error: StreamError | None = None
        self.first_token = False
        self._model = model
        self._name = _encode(model)
        self._array = JsonArray() if array else None
        self._held: list[Frame] = []
        self._pattern: tuple[bytes, bytes] | None = None  # the upstream's name of the model, and ours
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._grounded: list[dict[str, Any]] = []
        self._raw: object = None
        self._upstream = ""
        self._usage: Usage | None = None

    @property
    def stop_seen(self) -> bool:
        """True once every candidate that began has named its finish reason."""
        return bool(self._ended) and self._ended >= self._begun

    @property
    def usage(self) -> Usage | None:
        """The counts of the last report; most chunks have one, so it is read when it is asked for."""
        if self._raw is not None:
            raw = _decode(self._raw) if isinstance(self._raw, msgspec.Raw) else self._raw
            found = parse_usage(raw, searches(self._grounded, self._upstream) if self._grounded else None)
            self._raw, self._usage = None, found or self._usage
        return self._usage

    def plain(self, data: bytes) -> tuple[int, bytes]:
        """See ``Tap``."""
        pattern, parts, start = self._pattern, [], 0
        waiting = self._array is not None or self._held or self._ended or self.error
        while not waiting and data.startswith(b"data: {", start):
            end = data.find(b"\n\n", start)
            if end < 0 or data.find(b"\n", start, end) >= 0:
                break
            chunk = text_chunk(data[start + 6 : end])
            if chunk is None:
                break
            name = chunk.modelVersion
            once = pattern is not None and name == self._upstream and data.count(pattern[0], start, end) == 1
            if name != self._model and not once:
                break
            parts.append(chunk.text)
            self._begun.add(chunk.index)
            if len(chunk.usageMetadata):
                self._raw = chunk.usageMetadata
            start = end + 2
        if parts:
            self.text += parts
            self.first_token = True
        passed = data if start == len(data) else data[:start]
        return start, passed.replace(*pattern) if start and pattern else passed

    def feed(self, frame: Frame) -> bytes:
        """The bytes to pass on now."""
        data = frame.data.strip()
        if self.finished or self.error or not data or data == b"[DONE]":
            return b""
        value = decode_chunk(data)
        if isinstance(value, StreamError):
            self.error = value
            return b""
        said = self._listen(value)
        out = b""
        if said and self._held:  # some models name a finish reason in every chunk
            out = b"".join(map(self._framed, self._held))
            self._held.clear()
        frame = self._renamed(frame, value)
        if self.stop_seen:
            self._held.append(frame)
            return out
        return out + self._framed(frame)

    def clear_text(self) -> None:
        """Drops the text that has been counted."""
        self.text.clear()

    def end(self, usage: Usage | None) -> bytes:
        """The held ending; ``usage`` stands in for the counts that the upstream left out."""
        if self.usage is None and usage is not None and self._held:
            self._held[-1] = _counted(self._held[-1], usage)
        return b"".join(map(self._framed, self._held)) + (self._array.close() if self._array else b"")

    def fail(self, problem: Problem) -> bytes:
        """The error as last chunk; official clients raise on it."""
        error = sse(_encode(error_object(problem, "")))
        return self._framed(SSE().feed(error)[0]) + (self._array.close() if self._array else b"")

    def _framed(self, frame: Frame) -> bytes:
        return frame.raw if self._array is None else self._array.item(frame.data)

    def _listen(self, value: dict[str, Any]) -> bool:
        """True when the model said something."""
        said = False
        candidates = dicts(value.get("candidates"))
        for at, item in enumerate(candidates):
            index = index_of(item.get("index"), at)
            self._begun.add(index)
            if self._hear(item):
                said = True
                self._ended.discard(index)
            if stop_of(item, index, False) is not None:
                self._ended.add(index)
            if "groundingMetadata" in item:
                self._grounded.append(item)
        if not candidates and not self._begun and blocked(value) is not None:
            self._ended.add(0)
        self._upstream = self._upstream or word(value.get("modelVersion"))
        if isinstance(value.get("usageMetadata"), dict):
            self._raw = value["usageMetadata"]
        return said

    def _hear(self, item: dict[str, Any]) -> bool:
        said = False
        for raw in raw_parts(item):
            found = parse_raw(raw)
            if found is None:
                continue
            pieces = [text for text in written(found[0]) if text]
            said |= bool(pieces) or "text" not in raw
            self.text += pieces
        self.first_token |= said
        return said

    def _renamed(self, frame: Frame, value: dict[str, Any]) -> Frame:
        """The frame under the caller's name of the model."""
        name = value.get("modelVersion")
        if name is None or name == self._model:
            return frame
        for gap in (b": ", b":"):
            upstream = b'"modelVersion"' + gap + _encode(name)
            # Quotes inside strings are escaped: found once, the field is the top-level one.
            if frame.raw.count(upstream) == 1 and frame.data.count(upstream) == 1:
                self._pattern = (upstream, b'"modelVersion"' + gap + self._name)
                data, raw = (piece.replace(*self._pattern) for piece in (frame.data, frame.raw))
                return Frame(frame.event, data, raw)
        data = patch_response(frame.data, self._model)
        return Frame(frame.event, data, sse(data, frame.event))


class ArrayTap(ContentTap):
    """The same for callers who want one JSON array; Google itself is always asked for events."""

    __slots__ = ()

    def __init__(self, model: str, include_usage: bool) -> None:
        super().__init__(model, include_usage, array=True)


def _counted(frame: Frame, usage: Usage) -> Frame:
    """The frame with counts."""
    changes = {"usageMetadata": _encode(render_usage(usage))}
    try:
        data = splice.edited(frame.data, splice.top_level(frame.data), changes)
    except Problem:
        return frame  # what strict parsers refuse stays as it came
    return Frame(frame.event, data, sse(data, frame.event))
