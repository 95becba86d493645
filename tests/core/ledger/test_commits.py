"""Where transactions on SQLite run: in the loop, and in a thread when others hold the queue or the disk is slow."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator

import pytest

from openopen8.core.db import Database, WriteQueue
from openopen8.core.rules.pricing import Counts
from openopen8.core.services.ledger import Ledger, workers
from openopen8.core.services.ledger.sqlite import PROBE_EVERY, SqliteStore
from openopen8.core.tools import Tools
from tests.core.ledger.desk import Desk


class Stopwatch:
    """Each commit seems to take ``seconds``."""

    def __init__(self) -> None:
        self.seconds = self.at = 0.0

    def __call__(self) -> float:
        self.at += self.seconds
        return self.at


class Placed(SqliteStore):
    """Notes for each statement in which thread it ran."""

    def __init__(self, db: Database, watch: Stopwatch) -> None:
        super().__init__(db, timer=watch)
        self.places: list[tuple[str, bool]] = []
        self._connection.set_trace_callback(self._note)

    def _note(self, statement: str) -> None:
        self.places.append((statement.split()[0], threading.current_thread() is threading.main_thread()))

    def in_loop(self) -> dict[str, bool]:
        """Since the last call: did the statements run in the loop?"""
        found = dict(self.places)
        self.places.clear()
        return found


@pytest.fixture
async def placed(sqlite_tools: Tools) -> AsyncIterator[tuple[Desk, Placed, Stopwatch]]:
    watch = Stopwatch()
    store = Placed(sqlite_tools.db, watch)
    ledger = Ledger(sqlite_tools, store, workers.register(sqlite_tools))
    desk = Desk(sqlite_tools, ledger)
    desk.world.channel()
    desk.world.price()
    yield desk, store, watch
    await ledger.close()


async def test_only_slow_commits_leave_the_loop_and_quick_ones_come_back(
    placed: tuple[Desk, Placed, Stopwatch],
) -> None:
    desk, store, watch = placed
    _, value = desk.world.token(desk.world.user())
    await desk.spend(value, 1, 1)
    assert store.in_loop()["COMMIT"]
    watch.seconds = 0.010
    for _ in range(5):
        await desk.spend(value, 1, 1)
    store.in_loop()
    await desk.spend(value, 1, 1)
    places = store.in_loop()
    assert not places["COMMIT"] and places["BEGIN"] and places["INSERT"]
    watch.seconds = 0.0
    for _ in range(PROBE_EVERY + 1):  # the commit of a hold waits for no disk, and tells nothing of it
        await desk.spend(value, 1, 1)
    store.in_loop()
    await desk.spend(value, 1, 1)
    assert store.in_loop()["COMMIT"]
    desk.world.audit()


async def test_many_at_once_are_charged_once_each_while_commits_are_slow(
    placed: tuple[Desk, Placed, Stopwatch],
) -> None:
    desk, store, watch = placed
    watch.seconds = 0.010
    user = desk.world.user()
    tokens = [desk.world.token(user) for _ in range(5)]
    for _ in range(4):
        spent = await asyncio.gather(*(desk.spend(value, 1, 1) for _, value in tokens * 10))
        assert sum(spent) == 50 * 20
    assert store.slow and len(desk.world.log()) == 200
    desk.world.audit()


async def test_those_who_come_one_turn_after_the_other_share_a_commit(placed: tuple[Desk, Placed, Stopwatch]) -> None:
    desk, store, _ = placed
    user = desk.world.user()
    values = [desk.world.token(user)[1] for _ in range(20)]
    await desk.admit(values[0])  # reads what all share

    async def after(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await desk.admit(values[turns])

    store.places.clear()
    await asyncio.gather(*map(after, range(20)))
    commits = [word for word, _ in store.places if word == "COMMIT"]
    assert 1 <= len(commits) <= 6  # one, unless the machine is so slow that they would wait too long


async def test_the_loop_goes_on_while_another_process_holds_the_queue(
    placed: tuple[Desk, Placed, Stopwatch],
) -> None:
    desk, store, _ = placed
    _, value = desk.world.token(desk.world.user())
    await desk.admit(value)
    assert desk.tools.db.queue is not None
    other = WriteQueue(desk.tools.db.queue.path)
    other.acquire()
    store.in_loop()
    waiting = asyncio.create_task(desk.admit(value))
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert not waiting.done() and not store.places
    other.release()
    await waiting
    assert not any(store.in_loop().values())
    await desk.admit(value)
    assert all(store.in_loop().values())
    other.close()
    desk.world.audit()


async def test_the_loop_goes_on_while_a_foreign_program_holds_the_file(
    placed: tuple[Desk, Placed, Stopwatch],
) -> None:
    desk, store, _ = placed
    _, value = desk.world.token(desk.world.user())
    grant = await desk.admit(value)
    assert store._connection.execute("PRAGMA busy_timeout").fetchone()[0] == 0, "the loop would sleep in SQLite"
    shell = sqlite3.connect(desk.tools.db.path or "", isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    waiting = [asyncio.create_task(desk.admit(value)), desk.ledger.settle(desk.bill(grant, Counts(input=1)))]
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert not any(each.done() for each in waiting)
    shell.execute("COMMIT")
    shell.close()
    await asyncio.gather(*waiting)
    store.in_loop()
    await desk.admit(value)
    assert store.in_loop()["COMMIT"]
    desk.world.audit()


async def test_a_service_that_writes_in_the_loop_never_waits_for_the_ledger_for_ever(
    placed: tuple[Desk, Placed, Stopwatch],
) -> None:
    desk, store, watch = placed
    watch.seconds = 0.010
    _, value = desk.world.token(desk.world.user())
    for _ in range(5):
        await desk.spend(value, 1, 1)
    assert store.slow
    going = [asyncio.create_task(desk.spend(value, 1, 1)) for _ in range(10)]
    for _ in range(20):
        desk.world.user()  # blocks the loop until it has its turn
        await asyncio.sleep(0)
    await asyncio.gather(*going)
    desk.world.audit()
