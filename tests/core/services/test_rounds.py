"""Work that one worker of many does: each round of it is done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

from openopen8.core.clock import MINUTE, SetClock
from openopen8.core.services import channel_health
from openopen8.core.tools import Tools, open_tools

WORKERS = 3


def test_of_three_workers_that_wake_together_one_tests_the_channels_in_each_round(
    tools: Tools, clock: SetClock
) -> None:
    each = [replace(tools, db=open_tools(tools.settings).db) for _ in range(WORKERS)]
    gate = Barrier(WORKERS)

    def wake(mine: Tools) -> bool:
        gate.wait()
        return channel_health.claim_tests(mine, mine.now(), round(0.9 * MINUTE))

    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in range(20):
            assert sum(pool.map(wake, each)) == 1
            clock.advance(MINUTE // 2)
            assert sum(pool.map(wake, each)) == 0
            clock.advance(MINUTE // 2)
    for mine in each:
        mine.close()
