"""Requests per minute in a sliding window: only admitted requests count, nothing is queued."""

from __future__ import annotations

import msgspec

from openopen8.core.clock import MINUTE
from openopen8.core.errors import Problem

WINDOW = MINUTE


class Limit(msgspec.Struct, frozen=True, gc=False):
    """At most ``most`` admitted requests of ``scope`` in any 60 seconds."""

    scope: str
    most: int


class Window(msgspec.Struct, frozen=True, gc=False):
    """What a scope has used: requests of the last minute, and when the oldest of them leaves (ms)."""

    count: int = 0
    oldest: int = 0


def limits_of(
    user_id: int, model: str, user_model: int | None, group_id: int, group: int | None, token_id: int, token: int | None
) -> tuple[Limit, ...]:
    """The limits that apply to one request; None = no limit of that kind."""
    rows = (
        (f"user:{user_id}:{model}", user_model),
        (f"group:{group_id}", group),
        (f"token:{token_id}", token),
    )
    return tuple(Limit(scope, most) for scope, most in rows if most is not None)


def full(limit: Limit, window: Window) -> bool:
    """True when no further request fits into the window."""
    return window.count >= limit.most


def rate_limited(limit: Limit, window: Window, now: int) -> Problem:
    """429 with the seconds until a place is free."""
    wait = max(1, -(-(window.oldest + WINDOW - now) // 1000))
    headers = {
        "retry-after": str(wait),
        "x-ratelimit-limit-requests": str(limit.most),
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": f"{wait}s",
    }
    return Problem(429, "rate_limit_exceeded", "Rate limit exceeded. Please try again later.", headers=headers)
