"""The vendors' own client types: what they accept is right."""

from __future__ import annotations

import json
from typing import Any

import anthropic.types
import openai.types.chat
from golden_cases import frames
from google.genai import types as google
from pydantic import TypeAdapter

_claude_event: TypeAdapter[Any] = TypeAdapter(anthropic.types.RawMessageStreamEvent)
_CLAUDE_EVENTS = {"message_start", "content_block_start", "content_block_delta", "content_block_stop",
                  "message_delta", "message_stop"}  # fmt: skip


def answer_text(name: str, body: bytes) -> str:
    """The text of a whole answer, read by the vendor's model in strict JSON mode."""
    if name == "openai_chat":
        return openai.types.chat.ChatCompletion.model_validate_json(body, strict=True).choices[0].message.content or ""
    if name == "anthropic":
        message = anthropic.types.Message.model_validate_json(body, strict=True)
        return "".join(block.text for block in message.content if block.type == "text")
    return _google_text(google.GenerateContentResponse.model_validate_json(body))


def stream_text(name: str, stream: bytes) -> str:
    """The text of a stream, each event read by the vendor's model."""
    found = frames(stream)
    if name == "openai_chat":
        assert found[-1].data == b"[DONE]"
        chunks = [_chunk(frame.data) for frame in found[:-1]]
        first = [choice for chunk in chunks for choice in chunk.choices if choice.index == 0]
        return "".join(choice.delta.content or "" for choice in first)
    if name == "anthropic":
        kinds = [frame.event for frame in found if frame.event != "content_block_delta"]
        blocks = kinds[1:-2]
        assert [kinds[0], *kinds[-2:]] == ["message_start", "message_delta", "message_stop"]
        assert blocks == ["content_block_start", "content_block_stop"] * (len(blocks) // 2)
        return "".join(_claude_text(frame.event, frame.data) for frame in found)
    return "".join(_google_text(google.GenerateContentResponse.model_validate_json(frame.data)) for frame in found)


def _chunk(data: bytes) -> openai.types.chat.ChatCompletionChunk:
    # The types of streams know no tools of free text yet; the client itself does not check them.
    plain = data.replace(b'"type":"custom"', b'"type":"function"')
    return openai.types.chat.ChatCompletionChunk.model_validate_json(plain)


def _claude_text(event: str, data: bytes) -> str:
    assert event in _CLAUDE_EVENTS and json.loads(data)["type"] == event
    value = _claude_event.validate_json(data)
    if value.type == "content_block_start" and value.content_block.type == "text":
        return str(value.content_block.text)
    return value.delta.text if value.type == "content_block_delta" and value.delta.type == "text_delta" else ""


def _google_text(value: google.GenerateContentResponse) -> str:
    return value.text or ""
