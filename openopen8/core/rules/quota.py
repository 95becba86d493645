"""Quotas and balances: what is left, what is held, when a period begins."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

from openopen8.core.clock import DAY, to_datetime, to_ms
from openopen8.core.rules.options import Options
from openopen8.core.rules.pricing import Price, credits_of

PERIODS: tuple[str, ...] = ("none", "daily", "weekly", "monthly")


def period_start(period: str, now: int) -> int:
    """When the quota period that ``now`` lies in began (ms, UTC); 0 for ``none``."""
    return 0 if period == "none" else _start(period, now // DAY)


@lru_cache(maxsize=64)
def _start(period: str, day_number: int) -> int:
    day = to_datetime(day_number * DAY)
    if period == "weekly":
        day -= timedelta(days=day.weekday())
    elif period == "monthly":
        day = day.replace(day=1)
    return to_ms(day)


def current_period(period: str, counted_since: int, now: int) -> int:
    """Start of the period that counts now: the calendar's, or a later one that a change of period began."""
    return max(period_start(period, now), counted_since)


def used_now(used: int, period: str, counted_since: int, now: int) -> int:
    """``used`` as it is at ``now``: 0 once a new period has begun."""
    return used if current_period(period, counted_since, now) == counted_since else 0


def token_status(enabled: bool, expires_at: int | None, quota: int | None, used: int, now: int) -> str:
    """disabled, else expired, else exhausted, else enabled."""
    if not enabled:
        return "disabled"
    if expires_at is not None and now >= expires_at:
        return "expired"
    if quota is not None and used >= quota:
        return "exhausted"
    return "enabled"


def estimate(price: Price, ratio: Decimal, input_tokens: int, max_output: int | None, n: int, options: Options) -> int:
    """Credits to hold for a request: its input plus the output that it may have."""
    if max_output is None:
        output = options.max_output_hold if options.strict_holds else options.default_output_estimate
    else:
        output = max_output if options.strict_holds else min(max_output, options.max_output_hold)
    return credits_of(input_tokens, output * max(n, 1), price, ratio)
