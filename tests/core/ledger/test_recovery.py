"""Rows of workers that have ended; ``test_hosts.py`` has those of silent machines."""

from __future__ import annotations

from openopen8.core.clock import DAY, SetClock
from openopen8.core.models import Worker
from openopen8.core.services.ledger import Ledger
from tests.core.ledger.desk import Desk


async def test_ids_of_workers_are_never_given_twice(desk: Desk, clock: SetClock) -> None:
    """Others remember how far they have heard a worker."""
    seen = set()
    for _ in range(3):
        short = await Ledger.open(desk.tools)
        seen.add(short.worker_id)
        await short.close()
        clock.advance(2 * DAY)
    assert len(seen) == 3 and len(desk.world.all(Worker)) <= 3
