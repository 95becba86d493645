"""The charge of an answer that was made in the background: once, at its end, by whoever sees that first."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from openopen8.core.rules.pricing import Counts
from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.services import responses
from openopen8.core.services.ledger import Bill
from openopen8.core.services.responses import Kept
from relay import metering
from relay.admission import off_loop
from relay.formats.format import Garbage
from relay.formats.openai_responses import FORMAT
from relay.formats.openai_responses.usage import parse_usage
from relay.formats.vendor import loads
from relay.gate import Gate
from relay.metering import Measured
from relay.responses.terms import grant_of, opened

_WELL = ("completed", "incomplete")
_ENDED = (*_WELL, "failed", "cancelled")


async def close(gate: Gate, snapshot: Snapshot, row: Kept, body: bytes, last: bool = False) -> bool:
    """Charge what ``body``, the answer as its vendor shows it, came to; False while it is not over.

    ``last``: nobody will see more of it.
    """
    if row.hold_id is None or row.terms is None:
        return True
    shown = _shown(body)
    status = shown.get("status")
    # a word that is no ending may be an odd answer of something between: the vendor's own comes later
    if status not in _ENDED and not last:
        return False
    error = "" if status in _WELL else f"upstream_error: the answer is {status}"
    await settle(gate, snapshot, row, await _measured(gate, row, shown, body), error)
    return True


def _shown(body: bytes) -> dict[str, Any]:
    try:
        shown = loads(body)
    except ValueError:
        return {}
    return shown if isinstance(shown, dict) else {}


async def _measured(gate: Gate, row: Kept, shown: dict[str, Any], body: bytes) -> Measured:
    """The vendor's counts; without them our own of what came, or of what its caller has heard of it."""
    assert row.terms is not None
    usage, asked = parse_usage(shown), opened(row.terms).input_tokens
    if usage is not None:
        return metering.of_usage(usage, asked)
    if shown.get("status") in _WELL:
        with contextlib.suppress(Garbage):
            return await off_loop(len(body), lambda: metering.of_answer(FORMAT.parse_response(body), row.model, asked))
    return await heard(gate, row)


async def heard(gate: Gate, row: Kept) -> Measured:
    """What its caller has heard of an answer of which nobody tells what it came to."""
    counts = await gate.ledger.delivered(row.hold_id) if row.hold_id is not None else Counts()
    return Measured(counts, (metering.COUNTED,) if counts != Counts() else ())


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
