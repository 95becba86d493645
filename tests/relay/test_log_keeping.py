"""A worker keeps the log while it serves, and lets the next one do it when it has gone."""

from __future__ import annotations

import asyncio

from openopen8.core.models import UsageSum
from openopen8.core.services.duty import Duty
from openopen8.core.services.log_digest import DUTY
from openopen8.core.tools import Tools
from relay.log_keeping import keep_log
from tests.world import World


async def test_the_log_is_followed_until_the_worker_stops(sqlite_tools: Tools) -> None:
    world, after = World(sqlite_tools), Duty(sqlite_tools.db, DUTY)
    world.user("ann")  # its first credits are an entry of the log
    task = asyncio.create_task(keep_log(sqlite_tools, every=0.01))
    async with asyncio.timeout(20):
        while not world.all(UsageSum):
            await asyncio.sleep(0.02)
    assert not after.take()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert after.take()
    after.leave()


async def test_a_database_that_is_away_for_a_while_does_not_end_it(sqlite_tools: Tools) -> None:
    world = World(sqlite_tools)
    with sqlite_tools.db.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE log_marks RENAME TO away")
        task = asyncio.create_task(keep_log(sqlite_tools, every=0.01))
        await asyncio.sleep(0.2)
        connection.exec_driver_sql("ALTER TABLE away RENAME TO log_marks")
    world.user("ann")
    async with asyncio.timeout(20):
        while not world.all(UsageSum):
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
