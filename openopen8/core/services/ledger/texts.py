"""JSON texts that the ledger stores."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from openopen8.core.rules.pricing import BUCKETS
from openopen8.core.services.ledger.bill import Progress

_encode = msgspec.json.Encoder().encode


def json_text(value: Any) -> str:
    """``value`` as JSON, whatever an upstream has put into it: numbers beyond 64 bits, halves of surrogate pairs."""
    try:
        return _encode(value).decode()
    except (msgspec.MsgspecError, OverflowError, TypeError, UnicodeError):
        return json.dumps(value, default=str)


def progress_text(progress: Progress, period_start: int) -> str:
    """What ``holds.progress`` keeps: enough to settle the request when its worker dies."""
    return json_text(
        {
            "counts": {name: getattr(progress.counts, name) for name in BUCKETS},
            "receipt": {**progress.receipt.as_dict(), "period_start": period_start},
            "channel_id": progress.channel_id,
            "upstream_model": progress.upstream_model,
            "first_token_ms": progress.first_token_ms,
            "retries": progress.retries,
        }
    )


def parsed(value: Any) -> Any:
    """A stored JSON value; some drivers have parsed it already."""
    return json.loads(value) if isinstance(value, str) else value
