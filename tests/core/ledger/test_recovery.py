"""Rows of workers that have ended; ``test_hosts.py`` has those of silent machines."""

from __future__ import annotations

from openopen8.core.clock import DAY, SetClock
from openopen8.core.models import Hold, Worker
from openopen8.core.services.ledger import Ledger, audit
from openopen8.core.services.responses import Kept
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


async def test_a_lasting_hold_outlives_its_worker_if_an_answer_belongs_to_it_and_no_other(desk: Desk) -> None:
    owner = desk.world.user()
    token_id, value = desk.world.token(owner)
    gone = await Ledger.open(desk.tools)
    there = Desk(desk.tools, gone)
    answered, lost, here = [await d.ledger.admit(d.ask(value), lasting=True) for d in (there, there, desk)]
    kept = Kept(owner.user_id, "resp_1", token_id, "m", 1, 1, None, desk.tools.now(), None, answered.hold_id, b"{}")
    await gone.keep(kept, [])
    for task in gone._tasks:
        task.cancel()
    desk.world.change(Worker, gone.worker_id, started="another start")
    assert [finding.name for finding in audit.run(desk.tools) if not finding.ok] == ["no hold of a dead worker"]
    assert await desk.ledger.recover() == 1
    assert {hold.id for hold in desk.world.all(Hold)} == {answered.hold_id, here.hold_id}
    assert [entry.request_id for entry in desk.world.log()] == [lost.ask.request_id]
    desk.world.audit()
    await gone.close()
