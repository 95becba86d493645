"""The response object, which repeats much of its request, and what ends a stream badly.

Source: https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from typing import Any

from openopen8.core.errors import Problem
from relay.formats.format import Asked
from relay.formats.openai_errors import error_object
from relay.formats.openai_responses.usage import render_usage
from relay.neutral import StopReason, Usage

_REPEATED: dict[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""Fields of the request that its answer repeats, with what holds where they are not given."""

_CODES = {429: "rate_limit_exceeded", 400: "invalid_prompt", 413: "invalid_prompt"}


def response_id(request_id: str) -> str:
    """The id of an answer that we made."""
    return f"resp_{request_id}"


def response_object(
    asked: Asked, status: str, output: list[dict[str, Any]], usage: Usage | None, **further: Any
) -> dict[str, Any]:
    """The whole object; what was asked for is repeated byte for byte."""
    given = ((name, asked.fields.get(name)) for name in _REPEATED)
    repeated = {name: raw for name, raw in given if raw is not None and bytes(raw) != b"null"}
    tier = {"service_tier": usage.tier or "default"} if usage is not None else {}
    return {
        "id": response_id(asked.request_id),
        "object": "response",
        "created_at": asked.now_s,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": asked.model,
        "output": output,
        **_REPEATED,
        **repeated,
        **tier,
        "usage": None if usage is None else render_usage(usage),
        **further,
    }


def ending(stop: StopReason | None, refused: bool) -> tuple[str, dict[str, Any]]:
    """Status and details of an answer. A refusal in the model's own words is complete."""
    if stop == "length":
        return "incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}
    if stop == "refusal" and not refused:
        return "incomplete", {"incomplete_details": {"reason": "content_filter"}}
    return "completed", {}


def failure(problem: Problem, code: str = "") -> dict[str, Any]:
    """The error of a response that failed. ``code``: the vendor's own, which programs look at."""
    code = code or _CODES.get(problem.status, "server_error")
    return {"code": code, "message": error_object(problem)["error"]["message"]}


def error_event(problem: Problem) -> dict[str, Any]:
    """The event that ends a stream badly: documented flat, but official clients raise on ``error`` only."""
    error = error_object(problem)["error"]
    flat = {"code": None if error.get("code") is None else str(error["code"]), "param": error.get("param")}
    return {"type": "error", "message": error["message"], **flat, "error": error}
