"""The charge of an answer that was made in the background: once, at its end, by whoever sees that first."""

from __future__ import annotations

import asyncio

from openopen8.core.rules.pricing import Counts
from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.services import responses
from openopen8.core.services.ledger import Bill
from openopen8.core.services.responses import Kept
from relay import metering
from relay.formats.openai_responses.usage import parse_usage
from relay.formats.vendor import loads
from relay.gate import Gate
from relay.metering import Measured
from relay.responses.memory import RUNNING
from relay.responses.terms import grant_of, opened


async def close(gate: Gate, snapshot: Snapshot, row: Kept, body: bytes, last: bool = False) -> bool:
    """Charge what ``body``, the answer as its vendor shows it, came to; False while it is not over.

    ``last``: nobody will see more of it.
    """
    if row.hold_id is None or row.terms is None:
        return True
    try:
        shown = loads(body)
    except ValueError:
        shown = None
    if not isinstance(shown, dict) or (shown.get("status") in RUNNING and not last):
        return False
    usage = parse_usage(shown)
    failed = shown.get("status") not in ("completed", "incomplete")
    error = f"upstream_error: the answer is {shown.get('status')}" if failed else ""
    measured = metering.of_usage(usage) if usage is not None else Measured(Counts())
    await settle(gate, snapshot, row, measured, error)
    return True


async def settle(gate: Gate, snapshot: Snapshot, row: Kept, measured: Measured, error: str) -> None:
    """The second time nothing happens: the hold is gone."""
    assert row.terms is not None
    now, terms = gate.tools.now(), opened(row.terms)
    grant = grant_of(terms, snapshot, now)
    bill = Bill(
        grant=grant,
        counts=measured.counts,
        receipt=measured.receipt(grant),
        status=200,
        error=error[:1000],
        latency_ms=max(0, now - terms.started_at),
        channel_id=terms.channel_id,
        upstream_model=terms.upstream_model,
        details={**(measured.details or {}), "background": True},
    )
    await gate.ledger.settle(bill)
    await asyncio.to_thread(responses.done, gate.tools, row.user_id, row.id)
