"""Reading ahead of a slow caller is bounded, and a wait with a limit loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from relay.flow import AHEAD, Flow
from relay.upstream import Failure
from tests.fakes.upstream import streamed
from tests.relay.house import House


class Endless:
    """A provider that sends as fast as it is read."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self, most: int = 10_000, error: Exception | None = None, wait: asyncio.Event | None = None) -> None:
        self.wait = wait
        self.sent = 0
        self.closed = False
        self._most = most
        self._error = error

    async def chunks(self) -> AsyncIterator[bytes]:
        if self.wait is not None:
            await self.wait.wait()
        while self.sent < self._most:
            self.sent += 1
            yield b"x" * 16_384
            await asyncio.sleep(0)
        if self._error:
            raise self._error

    async def read(self, limit: int) -> bytes:
        raise NotImplementedError

    async def close(self) -> None:
        self.closed = True


async def test_a_slow_caller_makes_the_upstream_wait() -> None:
    answer = Endless()
    flow = Flow(answer)
    for _ in range(200):
        await asyncio.sleep(0)
    assert answer.sent * 16_384 <= AHEAD + 2 * 16_384
    first = await flow.next(1)
    assert first is not None and len(first) >= AHEAD
    for _ in range(200):
        await asyncio.sleep(0)
    assert answer.sent * 16_384 > AHEAD + 2 * 16_384, "it goes on once there is room"
    await flow.close()
    assert answer.closed


async def test_what_came_before_a_failure_is_delivered_first() -> None:
    for error in (Failure("broken", "cut"), RuntimeError("something unheard of")):
        flow = Flow(Endless(2, error))
        while not flow._pump.done():
            await asyncio.sleep(0.01)
        assert await flow.next(1) == b"x" * 32_768
        with pytest.raises(Failure):
            await flow.next(1)
        await flow.close()


async def test_a_wait_that_ran_out_loses_no_chunk() -> None:
    answer = Endless(1, wait=asyncio.Event())
    flow = Flow(answer)
    with pytest.raises(TimeoutError):
        await flow.next(0.01)
    assert answer.wait is not None
    answer.wait.set()
    assert await flow.next(10) == b"x" * 16_384
    assert await flow.next(10) is None
    await flow.close()


async def test_a_caller_that_does_not_read_does_not_fill_the_memory(house: House) -> None:
    """Sends that take for ever: the upstream's chunks stay with the upstream."""
    piece = "y" * 60_000
    house.fake.script(streamed(*[piece] * 400))
    stuck = asyncio.Event()
    talk = house.caller.stream()
    send = talk._send

    async def slow(message: object) -> None:
        await stuck.wait()
        await send(message)

    talk._send = slow  # type: ignore[method-assign]
    await asyncio.sleep(0.3)
    assert not house.fake.chats or not house.fake.chats[0].answered.is_set()
    stuck.set()
    reply = await talk.end()
    assert len(reply.text) == 400 * 60_000
    house.settled()
