"""Requests leave nothing to the garbage collector, whatever comes of them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import CountFirst
from tests.core.ledger.desk import Desk

Round = Callable[[], Awaitable[Any]]


async def test_thousands_of_requests_leave_no_garbage(desk: Desk) -> None:
    tokens = [desk.world.token(desk.world.user(balance=10**9), rate_limit=10**6)[1] for _ in range(10)]

    async def one(value: str) -> None:
        await desk.spend(value, 10, 10)

    assert await _garbage(lambda: asyncio.gather(*(one(value) for value in tokens * 10)), 20) < 400, "of 2,000 requests"


async def test_refusals_leave_no_garbage(desk: Desk) -> None:
    _, poor = desk.world.token(desk.world.user(balance=1_000))
    _, disabled = desk.world.token(desk.world.user(), enabled=False)

    def broken() -> Problem:
        try:
            raise Problem(400, "invalid_request", "broken")
        except Problem as problem:
            return problem

    async def refused(value: str, **fields: object) -> None:
        try:
            await desk.admit(value, **fields)
        except (Problem, CountFirst):
            return
        raise AssertionError("admitted")

    def round() -> Awaitable[Any]:
        return asyncio.gather(
            *(refused(disabled) for _ in range(30)),
            *(refused(poor, sampled=True) for _ in range(30)),
            *(refused(poor, problem=broken()) for _ in range(30)),
        )

    assert await _garbage(round, 20) < 400


async def _garbage(round: Round, times: int) -> int:
    """Objects that so many rounds leave: those that only the collector could free, and those that nobody could."""
    await round()
    gc.collect()
    before = len(gc.get_objects())
    gc.disable()
    try:
        for _ in range(times):
            await round()
        return gc.collect() + len(gc.get_objects()) - before
    finally:
        gc.enable()
