"""Holds of workers that are gone are settled by a living one, within a minute; those of the living stay.

``tests/system/test_crash.py`` kills workers under load.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from openopen8.core.clock import DAY, SECOND, SetClock
from openopen8.core.models import Hold, Worker
from openopen8.core.services.ledger import Ledger, ledger, workers
from openopen8.core.services.ledger.sqlite import SqliteStore
from openopen8.core.services.ledger.store import StoreDown
from openopen8.core.tools import Tools
from tests.core.ledger.desk import Desk
from tests.core.ledger.stores import TurnsBack


@pytest.fixture
async def other(desk: Desk) -> AsyncIterator[Desk]:
    """A worker on another machine, as far as this one can tell, with a hold."""
    second = Desk(desk.tools, await Ledger.open(desk.tools))
    desk.world.change(Worker, second.ledger.worker_id, host="another-machine")
    await second.admit(desk.world.token(desk.world.user())[1])
    yield second
    await second.ledger.close()


async def test_a_worker_of_another_machine_is_given_up_within_a_minute(
    desk: Desk, other: Desk, clock: SetClock
) -> None:
    clock.advance(workers.SILENT)
    assert await desk.ledger.recover() == 0
    clock.advance(1)
    assert await desk.ledger.recover() == 1
    assert not desk.world.all(Hold) and desk.world.log()[0].error.startswith("interrupted")
    desk.world.audit()
    assert workers.SILENT / SECOND + ledger.RECOVERY_EVERY < 60
    assert workers.SILENT / SECOND >= 4 * ledger.HEARTBEAT_EVERY


async def test_a_worker_that_beats_keeps_its_holds(desk: Desk, other: Desk, clock: SetClock) -> None:
    for _ in range(3):
        clock.advance(workers.SILENT)
        await other.ledger._beat()
        while desk.world.one(Worker, other.ledger.worker_id).heartbeat_at != clock.now():
            await asyncio.sleep(0.01)
        assert await desk.ledger.recover() == 0
    assert len(desk.world.all(Hold)) == 1


async def test_after_the_database_was_away_others_get_their_time_to_beat_again(
    sqlite_tools: Tools, clock: SetClock
) -> None:
    store = TurnsBack(SqliteStore(sqlite_tools.db))
    desk = Desk(sqlite_tools, Ledger(sqlite_tools, store, workers.register(sqlite_tools)))
    desk.world.channel()
    desk.world.price()
    _, value = desk.world.token(desk.world.user())
    second = Desk(sqlite_tools, await Ledger.open(sqlite_tools))
    desk.world.change(Worker, second.ledger.worker_id, host="another-machine")
    await second.admit(value)
    clock.advance(workers.SILENT + 1)
    store.fail = StoreDown("away")
    assert (await desk.refusal(value)).code == "database_unavailable"
    assert await desk.ledger.recover() == 0
    clock.advance(workers.SILENT + 1)
    assert await desk.ledger.recover() == 1
    await desk.ledger.close()
    await second.ledger.close()
    desk.world.audit()


async def test_a_worker_that_ended_in_good_order_leaves_its_holds_to_the_others(desk: Desk, other: Desk) -> None:
    await other.ledger.close()
    assert await desk.ledger.recover() == 1


async def test_ids_of_workers_are_never_given_twice(desk: Desk, clock: SetClock) -> None:
    """Others remember how far they have heard a worker."""
    seen = set()
    for _ in range(3):
        short = await Ledger.open(desk.tools)
        seen.add(short.worker_id)
        await short.close()
        clock.advance(2 * DAY)
    assert len(seen) == 3 and len(desk.world.all(Worker)) <= 3
