"""One event of an OpenAI chat stream, decoded once for reader and tap.

Source: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.vendor import error_of, loads, message_of, outline
from relay.framing import Frame
from relay.neutral import StreamError

NOT_JSON = StreamError("The provider sent an event that is not JSON.")


class Delta(msgspec.Struct, gc=False):
    """What a chunk adds to one choice; vendors differ in where reasoning goes."""

    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_details: Any = None
    tool_calls: Any = None
    function_call: Any = None
    audio: Any = None
    images: Any = None
    annotations: Any = None


class ChunkChoice(msgspec.Struct, gc=False):
    """One choice of a chunk."""

    index: Any = 0
    delta: Delta | None = None
    finish_reason: Any = None
    logprobs: Any = None
    usage: Any = None
    """Moonshot's counts, in the last chunk of each choice: https://platform.kimi.ai/docs/api/chat"""


class Chunk(msgspec.Struct, gc=False):
    """The fields of a chunk that the gateway looks at, of any type: vendors send all sorts."""

    id: Any = None
    object: Any = None
    created: Any = None
    model: Any = None
    choices: list[ChunkChoice] | None = None
    usage: Any = None
    error: Any = None
    service_tier: Any = None
    system_fingerprint: Any = None


def usage_in(chunk: Chunk) -> Any:
    """The report of a chunk, at its top or in a choice."""
    return chunk.usage or next((choice.usage for choice in chunk.choices or () if choice.usage), None)


decode_chunk = outline(Chunk)
"""The chunk; None when the bytes are no JSON object of that outline."""


def stream_error(frame: Frame, chunk: Chunk | None) -> StreamError | None:
    """The error that ``frame`` carries, if any. Some vendors send it under ``event: error``."""
    if chunk is not None and not chunk.error and chunk.object != "error" and frame.event != "error":
        return None
    try:
        value = loads(frame.data)
    except ValueError:
        return NOT_JSON
    error = error_of(value)
    if error is None and frame.event == "error":
        return StreamError(message_of(value) or "The provider reported an error.")
    return NOT_JSON if chunk is None else error
