"""Whole answers of Responses <-> neutral. Source: https://platform.openai.com/docs/api-reference/responses/object"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.format import Asked, Garbage, Rendered
from relay.formats.marks import attached
from relay.formats.openai_responses.citations import word
from relay.formats.openai_responses.envelope import ending, response_object
from relay.formats.openai_responses.offered import offered
from relay.formats.openai_responses.output import dicts, logprobs_of, parse_item, render_items
from relay.formats.openai_responses.usage import parse_usage
from relay.formats.vendor import whole
from relay.neutral import Answer, Choice, Refusal, StopReason, ToolUse

_REASONS: dict[str, StopReason] = {"max_output_tokens": "length", "content_filter": "refusal"}


def parse_response(body: bytes) -> Answer:
    """The answer of a vendor, as lenient as can be. Raises Garbage."""
    value = whole(body)
    if not isinstance(value, dict) or not isinstance(value.get("output"), list):
        raise Garbage("The provider's answer has no output.")
    if value.get("status") == "failed":
        raise Garbage("The provider's answer failed.")
    items = dicts(value["output"])
    parts = attached(part for item in items for part in parse_item(item))
    stop = stop_reason(
        value,
        any(isinstance(part, ToolUse) for part in parts),
        any(isinstance(part, Refusal) for part in parts),
    )
    logprobs = tuple(one for item in items for one in logprobs_of(item))
    choice = Choice(0, parts, stop, logprobs=logprobs)
    return Answer(word(value.get("id")), word(value.get("model")), (choice,), parse_usage(value))


def stop_reason(response: dict[str, Any], called: bool, refused: bool) -> StopReason | None:
    """Why the answer ended; None while it has not, as in background mode."""
    status = response.get("status")
    if status in ("in_progress", "queued"):
        return None
    if status == "incomplete":
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return _REASONS.get(reason, "other") if isinstance(reason, str) else "other"
    if status == "cancelled":
        return "other"
    return "tools" if called else "refusal" if refused else "stop"


def render_response(answer: Answer, asked: Asked) -> Rendered:
    """The whole answer for the caller, who gets the first choice: this format has but one."""
    losses: dict[str, None] = {} if len(answer.choices) == 1 else {"choices": None}
    choice = answer.choices[0]
    output = render_items(choice.parts, choice.logprobs, asked.request_id, offered(asked.fields), losses)
    refused = any(isinstance(part, Refusal) and part.text for part in choice.parts)
    status, details = ending(choice.stop, refused)
    body = response_object(asked, status, output, answer.usage, **details)
    return Rendered(msgspec.json.encode(body), tuple(losses))
