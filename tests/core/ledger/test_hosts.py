"""Workers on other machines, known only by their heartbeats in the common database."""

from __future__ import annotations

from openopen8.core.clock import SECOND, SetClock
from openopen8.core.models import Hold, Worker
from openopen8.core.services.ledger import Ledger
from tests.core.ledger.desk import Desk

LOOK = 5 * SECOND


class Elsewhere:
    """A ledger that says it runs on another machine, and a hold of it."""

    def __init__(self, desk: Desk, ledger: Ledger) -> None:
        self.desk, self.ledger = desk, ledger

    @classmethod
    async def start(cls, desk: Desk, heartbeat_at: int | None = None) -> Elsewhere:
        ledger = await Ledger.open(desk.tools)
        for task in ledger._tasks:
            task.cancel()  # its heart beats when the test says so
        _, value = desk.world.token(desk.world.user())
        await Desk(desk.tools, ledger).admit(value)
        self = cls(desk, ledger)
        desk.world.change(Worker, ledger.worker_id, host="another machine")
        if heartbeat_at is not None:
            self.beat(heartbeat_at)
        return self

    def beat(self, at: int) -> None:
        self.desk.world.change(Worker, self.ledger.worker_id, heartbeat_at=at)

    @property
    def held(self) -> bool:
        return bool(self.desk.world.all(Hold))


async def watch(desk: Desk, clock: SetClock, seconds: int) -> None:
    """Look as a living worker does, every 5 seconds."""
    for _ in range(seconds * SECOND // LOOK):
        clock.advance(LOOK)
        await desk.ledger.recover()


async def test_the_holds_of_a_silent_machine_are_settled_within_a_minute(desk: Desk, clock: SetClock) -> None:
    there = await Elsewhere.start(desk)
    await desk.ledger.recover()
    await watch(desk, clock, 40)
    assert there.held
    await watch(desk, clock, 10)
    assert not there.held
    assert [entry.error[:11] for entry in desk.world.log()] == ["interrupted"]
    desk.world.audit()


async def test_a_machine_whose_clock_is_an_hour_behind_lives_as_long_as_its_heart_beats(
    desk: Desk, clock: SetClock
) -> None:
    there = await Elsewhere.start(desk, heartbeat_at=clock.at - 3600 * SECOND)
    for beat in range(10):
        there.beat(clock.at - 3600 * SECOND + beat)
        await watch(desk, clock, 35)
    assert there.held


async def test_after_an_outage_of_the_database_a_living_machine_has_time_to_be_heard(
    desk: Desk, clock: SetClock
) -> None:
    there = await Elsewhere.start(desk)
    await desk.ledger.recover()
    clock.advance(600 * SECOND)  # nobody could look, and no heart could be heard
    await desk.ledger.recover()
    await watch(desk, clock, 40)
    assert there.held
    there.beat(clock.at)
    await watch(desk, clock, 40)
    assert there.held


async def test_a_machine_whose_worker_ended_in_good_order_left_nothing_to_wait_for(desk: Desk) -> None:
    there = await Elsewhere.start(desk)
    desk.world.change(Worker, there.ledger.worker_id, stopped_at=1)
    await desk.ledger.recover()
    assert not there.held
