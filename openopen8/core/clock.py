"""Time as the product keeps it: whole milliseconds since 1970-01-01 UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    """Where "now" comes from; tests pass their own."""

    def now(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000


class SetClock:
    """A clock that stands until it is moved: for tests and for replaying."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def advance(self, milliseconds: int) -> None:
        self.at += milliseconds


def to_datetime(ms: int) -> datetime:
    """Milliseconds as an aware UTC datetime."""
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def to_ms(moment: datetime) -> int:
    """An aware datetime as milliseconds; a naive one is a programming error."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1000 + moment.microsecond // 1000


def to_rfc3339(ms: int) -> str:
    """Milliseconds as RFC 3339 text in UTC: ``2026-01-02T03:04:05.678Z``."""
    return to_datetime(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"
