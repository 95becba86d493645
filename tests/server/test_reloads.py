"""Reloads asked for at the same time."""

from __future__ import annotations

import asyncio

import pytest

from openopen8.server.reloads import Outcome, Reloads


class Steps:
    """A reload that takes until it is let go; counts how often it began."""

    def __init__(self) -> None:
        self.begun = 0
        self.said: list[str] = []
        self.gate = asyncio.Semaphore(0)
        self.reloads = Reloads(self._once, self.said.append)

    async def _once(self) -> Outcome:
        self.begun += 1
        mine = self.begun
        await self.gate.acquire()
        return Outcome(True, f"reload {mine}")


async def test_who_asks_during_a_reload_gets_one_that_begins_later() -> None:
    steps = Steps()
    first = steps.reloads.ask()
    await asyncio.sleep(0)
    others = [steps.reloads.ask() for _ in range(3)]
    await asyncio.sleep(0)
    assert steps.begun == 1
    steps.gate.release()
    assert (await first).text == "reload 1"
    steps.gate.release()
    assert {(await other).text for other in others} == {"reload 2"}
    assert (steps.begun, steps.said) == (2, ["reload 1", "reload 2"])


async def test_who_goes_away_takes_the_reload_from_nobody() -> None:
    steps = Steps()
    first, second = steps.reloads.ask(), steps.reloads.ask()
    first.cancel()
    steps.gate.release()
    assert (await second).ok


async def test_stopping_breaks_off_what_runs_and_what_waits() -> None:
    steps = Steps()
    running = steps.reloads.ask()
    await asyncio.sleep(0)
    waiting = steps.reloads.ask()
    await asyncio.sleep(0)
    await steps.reloads.stop()
    for asked in (running, waiting):
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert steps.said == []
