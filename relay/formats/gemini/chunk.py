"""One chunk of a Gemini stream, decoded once for reader and tap. Most only add a piece of text to one candidate."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from relay.formats.vendor import error_of, loads
from relay.neutral import StreamError


class _Part(msgspec.Struct, gc=False):
    text: Annotated[str, msgspec.Meta(min_length=1)]
    thought: None = None
    thoughtSignature: None = None


class _Content(msgspec.Struct, gc=False):
    parts: Annotated[list[_Part], msgspec.Meta(min_length=1, max_length=1)]


class _Candidate(msgspec.Struct, gc=False):
    content: _Content
    index: Annotated[int, msgspec.Meta(ge=0)] = 0
    finishReason: None = None
    groundingMetadata: None = None
    citationMetadata: None = None
    logprobsResult: None = None


class TextChunk(msgspec.Struct, gc=False):
    """A chunk that adds text to one candidate and says nothing else but the counts so far."""

    candidates: Annotated[list[_Candidate], msgspec.Meta(min_length=1, max_length=1)]
    modelVersion: str
    usageMetadata: msgspec.Raw = msgspec.Raw()
    responseId: Any = None
    error: None = None
    object: None = None
    type: None = None

    @property
    def index(self) -> int:
        """Of the candidate."""
        return self.candidates[0].index

    @property
    def text(self) -> str:
        """What it adds."""
        return self.candidates[0].content.parts[0].text


_decode = msgspec.json.Decoder(TextChunk).decode


def text_chunk(data: bytes) -> TextChunk | None:
    """The chunk if it is of the usual kind."""
    try:
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def decode_chunk(data: bytes) -> dict[str, Any] | StreamError:
    """Any chunk, or the error that it is."""
    try:
        value = loads(data)
    except ValueError:
        return StreamError("The provider sent an event that is not JSON.")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]  # errors come so
    error = error_of(value)
    if error is not None or not isinstance(value, dict):
        return error or StreamError("The provider sent an event that is no object.")
    return value
