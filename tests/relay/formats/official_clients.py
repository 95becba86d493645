"""The vendors' own client types: what they accept is right."""

from __future__ import annotations

import json
from typing import Any

import anthropic.types
import anthropic.types.message_create_params
import openai.types.chat
import openai.types.responses
from golden_cases import frames
from google.genai import types as google
from pydantic import TypeAdapter

_claude_event: TypeAdapter[Any] = TypeAdapter(anthropic.types.RawMessageStreamEvent)
_claude_request: TypeAdapter[Any] = TypeAdapter(
    anthropic.types.message_create_params.MessageCreateParamsNonStreaming
    | anthropic.types.message_create_params.MessageCreateParamsStreaming
)
_responses_event: TypeAdapter[Any] = TypeAdapter(openai.types.responses.ResponseStreamEvent)
_CLAUDE_EVENTS = {"message_start", "content_block_start", "content_block_delta", "content_block_stop",
                  "message_delta", "message_stop"}  # fmt: skip


def answer_text(name: str, body: bytes) -> str:
    """The text of a whole answer, read by the vendor's model in strict JSON mode."""
    if name == "openai_chat":
        return openai.types.chat.ChatCompletion.model_validate_json(body, strict=True).choices[0].message.content or ""
    if name == "openai_responses":
        return openai.types.responses.Response.model_validate_json(body, strict=True).output_text
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
    if name == "openai_responses":
        return _responses_text([(frame.event, json.loads(frame.data)) for frame in found])
    if name == "anthropic":
        kinds = [frame.event for frame in found if frame.event != "content_block_delta"]
        blocks = kinds[1:-2]
        assert [kinds[0], *kinds[-2:]] == ["message_start", "message_delta", "message_stop"]
        assert blocks == ["content_block_start", "content_block_stop"] * (len(blocks) // 2)
        return "".join(_claude_text(frame.event, frame.data) for frame in found)
    values = [google.GenerateContentResponse.model_validate_json(frame.data) for frame in found]
    firsts = [value for value in values if not (value.candidates and value.candidates[0].index)]
    return "".join(_google_text(value) for value in firsts)


def _chunk(data: bytes) -> openai.types.chat.ChatCompletionChunk:
    # The types of streams know no tools of free text yet; the client itself does not check them.
    plain = data.replace(b'"type":"custom"', b'"type":"function"')
    return openai.types.chat.ChatCompletionChunk.model_validate_json(plain)


def _responses_text(found: list[tuple[str, Any]]) -> str:
    assert [value["type"] for _, value in found] == [event for event, _ in found]
    assert [value["sequence_number"] for _, value in found] == list(range(len(found)))
    events = [_responses_event.validate_python(value, strict=True) for _, value in found]
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1].type in ("response.completed", "response.incomplete")
    done = [event.item for event in events if event.type == "response.output_item.done"]
    ordered = sorted(event.output_index for event in events if event.type == "response.output_item.added")
    assert ordered == list(range(len(done))) and len(events[-1].response.output) == len(done)
    texts = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(texts) == events[-1].response.output_text
    return "".join(texts)


def _claude_text(event: str, data: bytes) -> str:
    assert event in _CLAUDE_EVENTS and json.loads(data)["type"] == event
    value = _claude_event.validate_json(data)
    if value.type == "content_block_start" and value.content_block.type == "text":
        return str(value.content_block.text)
    return value.delta.text if value.type == "content_block_delta" and value.delta.type == "text_delta" else ""


def _google_text(value: google.GenerateContentResponse) -> str:
    return value.text or ""


def takes_request(name: str, body: bytes) -> bool:
    """True where the vendor's types take a request; raises where they don't. So far only Claude's are asked."""
    if name == "anthropic":
        _exhaust(_claude_request.validate_python(json.loads(body)))
    return name == "anthropic"


def _exhaust(value: Any) -> None:
    """Lists in these types are checked when they are read."""
    if isinstance(value, dict):
        value = value.values()
    elif isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return
    for inner in value:
        _exhaust(inner)
