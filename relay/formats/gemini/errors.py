"""Errors in Google's shape. Source: https://cloud.google.com/apis/design/errors"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem

_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error_object(problem: Problem, request_id: str) -> dict[str, Any]:
    """The body of an error answer, also an event in a stream."""
    reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": problem.code,
        "domain": "openopen8",
        "metadata": {"request_id": request_id},
    }
    word = _WORDS.get(problem.status, "INTERNAL")
    return {"error": {"code": problem.status, "message": problem.message, "status": word, "details": [reason]}}


def render_error(problem: Problem, request_id: str) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(error_object(problem, request_id))
