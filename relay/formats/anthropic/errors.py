"""Errors in Claude's shape. Source: https://platform.claude.com/docs/en/api/errors"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}

STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""What an error inside a stream would have been as an answer."""


THREAD_UNSUPPORTED = "thread_unsupported_request"
"""The code by which official clients know that they have to go on without a message thread."""


def error_object(problem: Problem, request_id: str) -> dict[str, Any]:
    """The body of an error answer, also the data of an ``error`` event."""
    kind = _TYPES.get(problem.status, "invalid_request_error" if problem.status < 500 else "api_error")
    error: dict[str, Any] = {"type": kind, "message": problem.message}
    if problem.code == THREAD_UNSUPPORTED:
        error["details"] = {"error_code": problem.code, "unsupported": ["thread"]}
    return {"type": "error", "error": error, "request_id": request_id}


def render_error(problem: Problem, request_id: str) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(error_object(problem, request_id))
