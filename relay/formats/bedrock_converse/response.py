"""Converse's answers -> neutral.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_ResponseSyntax
"""

from __future__ import annotations

from relay.formats.bedrock_converse.content import parse_block
from relay.formats.bedrock_converse.usage import parse_usage
from relay.formats.format import Garbage
from relay.formats.vendor import whole
from relay.formats.words import items, table
from relay.neutral import Answer, Choice, StopReason

_STOPS: dict[str, StopReason] = {
    "end_turn": "stop",
    "tool_use": "tools",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "sequence",
    "guardrail_intervened": "refusal",
    "content_filtered": "refusal",
}


def parse_response(body: bytes) -> Answer:
    """The answer of a model, as lenient as can be. Raises Garbage."""
    value = whole(body)
    message = table(table(table(value).get("output")).get("message"))
    if not isinstance(message.get("content"), list):
        raise Garbage("The provider's answer has no content.")
    parts = tuple(part for block in items(message["content"]) for part in parse_block(block))
    choice = Choice(0, parts, stop_reason(value.get("stopReason")), detail=detail(value.get("stopReason")))
    return Answer("", "", (choice,), parse_usage(value.get("usage"), value.get("serviceTier")))


def stop_reason(reason: object) -> StopReason | None:
    """``stopReason`` as neutral value; None where it is missing."""
    return _STOPS.get(reason, "other") if isinstance(reason, str) and reason else None


def detail(reason: object) -> str:
    """Which filter stopped the answer."""
    return reason if isinstance(reason, str) and _STOPS.get(reason) == "refusal" else ""
