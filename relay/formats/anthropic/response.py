"""Claude's answers <-> neutral. Source: https://platform.claude.com/docs/en/api/messages"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.anthropic.citations import word
from relay.formats.anthropic.content import parse_block, render_content
from relay.formats.anthropic.usage import parse_usage, render_usage
from relay.formats.format import Asked, Garbage, Rendered
from relay.formats.marks import attached
from relay.formats.vendor import whole
from relay.neutral import Answer, Choice, StopReason, ToolUse

_STOPS: dict[str, StopReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "sequence",
    "refusal": "refusal",
    "tool_use": "tools",
    "pause_turn": "pause",
}

_REASONS: dict[StopReason, str] = {
    "length": "max_tokens",
    "sequence": "stop_sequence",
    "refusal": "refusal",
    "tools": "tool_use",
    "pause": "pause_turn",
}

_CATEGORIES = frozenset(("cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms"))
"""Why Claude refuses; official clients know no others."""


def parse_response(body: bytes) -> Answer:
    """The answer of a vendor, as lenient as can be. Raises Garbage."""
    value = whole(body)
    if not isinstance(value, dict) or not isinstance(value.get("content"), list):
        raise Garbage("The provider's answer has no content.")
    blocks = (block for block in value["content"] if isinstance(block, dict))
    choice = Choice(
        index=0,
        parts=attached(part for block in blocks for part in parse_block(block)),
        stop=stop_reason(value.get("stop_reason")),
        sequence=word(value.get("stop_sequence")) or None,
        detail=category(value.get("stop_details")),
    )
    return Answer(word(value.get("id")), word(value.get("model")), (choice,), parse_usage(value.get("usage")))


def render_response(answer: Answer, asked: Asked) -> Rendered:
    """The first choice for the caller; Claude knows no others."""
    losses: dict[str, None] = {}
    choice = answer.choices[0]
    if len(answer.choices) > 1:
        losses["choices"] = None
    if choice.logprobs:
        losses["logprobs"] = None
    content = render_content(choice.parts, asked.request_id, losses)
    called = any(isinstance(part, ToolUse) for part in choice.parts)
    body = {
        **head(asked),
        "content": content,
        **ending(choice.stop, choice.sequence, choice.detail, called),
        "usage": render_usage(answer.usage),
    }
    return Rendered(msgspec.json.encode(body), tuple(losses))


def head(asked: Asked) -> dict[str, Any]:
    """How every message begins."""
    return {"id": f"msg_{asked.request_id}", "type": "message", "role": "assistant", "model": asked.model}


def stop_reason(reason: object) -> StopReason | None:
    """A vendor's ``stop_reason`` as neutral value; None where it is missing."""
    return _STOPS.get(reason, "other") if isinstance(reason, str) and reason else None


def category(details: object) -> str:
    """What a refusal was about, where it is told."""
    return word(details.get("category")) if isinstance(details, dict) else ""


def ending(stop: StopReason | None, sequence: str | None, detail: str, called: bool) -> dict[str, Any]:
    """The fields that say why an answer ended; ``called``: it calls tools."""
    reason = _REASONS.get(stop or ("tools" if called else "stop"), "end_turn")
    fields: dict[str, Any] = {"stop_reason": reason, "stop_sequence": sequence}
    if stop == "refusal":
        about = detail if detail in _CATEGORIES else None
        fields["stop_details"] = {"type": "refusal", "category": about, "explanation": None}
    return fields
