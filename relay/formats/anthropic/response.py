"""Claude's answers <-> neutral. Source: https://docs.anthropic.com/en/api/messages"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.anthropic.usage import parse_usage, render_usage
from relay.formats.format import Asked, Garbage, Rendered
from relay.formats.vendor import error_of, loads
from relay.neutral import Answer, Choice, StopReason, Text, spoken

_STOPS: dict[str, StopReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "sequence",
    "refusal": "refusal",
    "tool_use": "tools",
}

_REASONS: dict[StopReason, str] = {
    "length": "max_tokens",
    "sequence": "stop_sequence",
    "refusal": "refusal",
    "tools": "tool_use",
}


def parse_response(body: bytes) -> Answer:
    """The answer of a vendor, as lenient as can be. Raises Garbage."""
    try:
        value = loads(body)
    except ValueError:
        raise Garbage("The provider's answer is not JSON.") from None
    error = error_of(value)
    if error is not None:
        raise Garbage(error.message)
    if not isinstance(value, dict) or not isinstance(value.get("content"), list):
        raise Garbage("The provider's answer has no content.")
    text = "".join(_block_text(block) for block in value["content"])
    sequence = value.get("stop_sequence")
    choice = Choice(
        index=0,
        parts=(Text(text),) if text else (),
        stop=stop_reason(value.get("stop_reason")),
        sequence=sequence if isinstance(sequence, str) else None,
    )
    return Answer(_text(value.get("id")), _text(value.get("model")), (choice,), parse_usage(value.get("usage")))


def render_response(answer: Answer, asked: Asked) -> Rendered:
    """The first choice for the caller; Claude knows no others."""
    choice = answer.choices[0]
    text = spoken(choice.parts)
    body = {
        "id": f"msg_{asked.request_id}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": claude_reason(choice.stop),
        "stop_sequence": choice.sequence,
        "usage": render_usage(answer.usage),
    }
    return Rendered(msgspec.json.encode(body))


def stop_reason(reason: object) -> StopReason | None:
    """A vendor's ``stop_reason`` as neutral value; None where it is missing."""
    return _STOPS.get(reason, "other") if isinstance(reason, str) and reason else None


def claude_reason(reason: StopReason | None) -> str:
    """Claude's word for ``reason``."""
    return _REASONS.get(reason or "stop", "end_turn")


def _block_text(block: Any) -> str:
    return _text(block.get("text")) if isinstance(block, dict) and block.get("type") == "text" else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
