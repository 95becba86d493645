"""OpenAI chat answers <-> neutral. Source: https://platform.openai.com/docs/api-reference/chat/object"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from relay.formats.format import Asked, Garbage, Rendered
from relay.formats.openai_chat.message import (
    dicts,
    parse_logprobs,
    parse_message,
    render_logprobs,
    render_message,
    word,
)
from relay.formats.openai_chat.usage import parse_usage, render_usage
from relay.formats.vendor import index_of, whole
from relay.neutral import Answer, Choice, Refusal, StopReason, ToolUse

_STOPS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "refusal",
    "tool_calls": "tools",
    "function_call": "tools",
}

_FINISH: dict[StopReason, str] = {"length": "length", "refusal": "content_filter", "tools": "tool_calls"}

_tools = msgspec.json.Decoder(list[dict[str, Any]] | None).decode


def parse_response(body: bytes) -> Answer:
    """The answer of a vendor, as lenient as can be. Raises Garbage."""
    value = whole(body)
    items = dicts(value.get("choices")) if isinstance(value, dict) else []
    choices = [_choice(at, item) for at, item in enumerate(items)]
    if not choices:
        raise Garbage("The provider's answer has no choices.")
    choices.sort(key=lambda choice: choice.index)
    report = value.get("usage") or next((item["usage"] for item in items if item.get("usage")), None)
    usage = parse_usage(report, value.get("service_tier"))
    head = (word(value.get("id")), word(value.get("model")))
    return Answer(*head, tuple(choices), usage, word(value.get("system_fingerprint")))


def render_response(answer: Answer, asked: Asked) -> Rendered:
    """The whole answer for the caller."""
    losses: dict[str, None] = {}
    custom = custom_tools(asked.fields)
    body: dict[str, Any] = {
        "id": f"chatcmpl-{asked.request_id}",
        "object": "chat.completion",
        "created": asked.now_s,
        "model": asked.model,
        "choices": [_rendered(choice, asked.request_id, custom, losses) for choice in answer.choices],
    }
    if answer.usage is not None:
        body["usage"] = render_usage(answer.usage)
        if answer.usage.tier:
            body["service_tier"] = answer.usage.tier
    if answer.fingerprint:
        body["system_fingerprint"] = answer.fingerprint
    return Rendered(msgspec.json.encode(body), tuple(losses))


def custom_tools(fields: Mapping[str, msgspec.Raw]) -> frozenset[str]:
    """Names of the caller's tools whose input is any text: calls of them have a form of their own."""
    raw = fields.get("tools")
    if raw is None or b'"custom"' not in bytes(raw):
        return frozenset()
    inners = (tool.get("custom") for tool in _tools(raw) or () if tool.get("type") == "custom")
    return frozenset(word(inner.get("name")) for inner in inners if isinstance(inner, dict))


def stop_reason(finish: object, refused: bool, called: bool) -> StopReason | None:
    """A vendor's ``finish_reason`` as neutral value; None where it is missing or empty.

    ``stop`` may also end an answer that calls tools: so it is documented where the caller chose the tool.
    """
    if not isinstance(finish, str) or not finish:
        return None
    reason = _STOPS.get(finish, "other")
    if reason == "stop":
        return "tools" if called else "refusal" if refused else "stop"
    return reason


def finish_reason(reason: StopReason | None, refused: bool) -> str:
    """OpenAI's word. A refusal in the model's own words ended by itself, one without by a filter."""
    if reason == "refusal" and refused:
        return "stop"
    return _FINISH.get(reason or "stop", "stop")


def _choice(at: int, item: dict[str, Any]) -> Choice:
    message = item.get("message")
    parts = parse_message(message) if isinstance(message, dict) else ()
    refused, called = (any(isinstance(part, kind) for part in parts) for kind in (Refusal, ToolUse))
    stop = stop_reason(item.get("finish_reason"), refused, called)
    return Choice(index_of(item.get("index"), at), parts, stop, logprobs=parse_logprobs(item.get("logprobs")))


def _rendered(choice: Choice, request_id: str, custom: frozenset[str], losses: dict[str, None]) -> dict[str, Any]:
    refused = any(isinstance(part, Refusal) and part.text for part in choice.parts)
    return {
        "index": choice.index,
        "message": render_message(choice.parts, request_id, choice.index, custom, losses),
        "logprobs": render_logprobs(choice.logprobs),
        "finish_reason": finish_reason(choice.stop, refused),
    }
