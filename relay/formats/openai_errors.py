"""Errors in OpenAI's shape. Source: https://platform.openai.com/docs/guides/error-codes"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

_RATE_LIMITED = {"message": "Rate limit exceeded. Please try again later.", "type": "rate_limit_error", "code": 429}
"""Word for word what programs of this family look for; an upstream's own 429 keeps its message."""


def error_object(problem: Problem) -> dict[str, Any]:
    """The body of an error answer, also an event in a stream."""
    if problem.status == 429 and problem.code == "rate_limit_exceeded":
        return {"error": _RATE_LIMITED}
    kind = _TYPES.get(problem.status, "invalid_request_error" if problem.status < 500 else "api_error")
    return {"error": {"message": problem.message, "type": kind, "param": problem.param, "code": problem.code}}


def render_error(problem: Problem, request_id: str) -> bytes:
    """The body of an error answer; OpenAI's has no place for the request id but the header."""
    return msgspec.json.encode(error_object(problem))
