"""What the relay tells the ledger about a request: its progress and its end."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from openopen8.core.rules.admission import Grant
from openopen8.core.rules.pricing import Counts, Receipt


class Bill(msgspec.Struct, frozen=True, gc=False):
    """The end of an admitted request: what is charged and what the log says. Settling twice charges once."""

    grant: Grant
    counts: Counts
    receipt: Receipt
    status: int
    """HTTP status that the caller got; 499 when it left first."""
    error: str = ""
    latency_ms: int = 0
    first_token_ms: int | None = None
    channel_id: int = 0
    upstream_model: str = ""
    retries: int = 0
    details: dict[str, Any] = {}


class Settled(msgspec.Struct, frozen=True, gc=False):
    """What was charged, and what is left: of the token's quota, or of the balance where there is no quota."""

    credits: int
    remaining: int


class Progress(msgspec.Struct, frozen=True, gc=False):
    """A stream's charge so far, enough to settle it after a crash."""

    counts: Counts
    receipt: Receipt
    channel_id: int
    upstream_model: str
    first_token_ms: int | None
    retries: int = 0


class Meter(Protocol):
    """A running stream, asked once a second."""

    def progress(self) -> Progress | None:
        """The charge so far; None when nothing was delivered since the last call."""
        ...
