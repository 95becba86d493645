"""Reading ahead of a slow caller is bounded, and a wait with a limit loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from relay.flow import AHEAD, Flow
from relay.upstream import Failure, Sink
from tests.fakes.upstream import streamed
from tests.relay.house import House


class Pushing:
    """An answer whose bytes the test pushes."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.paused = False
        self.closed = False
        self.sink: Sink | None = None

    async def read(self, limit: int) -> bytes:
        raise NotImplementedError

    def flow(self, sink: Sink) -> None:
        self.sink = sink

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def close(self) -> None:
        self.closed = True

    def push(self, times: int = 10_000) -> int:
        """Bytes that came before the pause."""
        assert self.sink is not None
        sent = 0
        while not self.paused and sent < times * 16_384:
            self.sink.data(b"x" * 16_384)
            sent += 16_384
        return sent


async def test_a_slow_caller_makes_the_upstream_wait() -> None:
    answer = Pushing()
    flow = Flow(answer)
    sent = answer.push()
    assert AHEAD < sent <= AHEAD + 16_384
    assert await flow.next(1) == b"x" * sent
    assert not answer.paused, "it goes on once there is room"
    await flow.close()
    assert answer.closed


async def test_what_came_before_a_failure_is_delivered_first() -> None:
    answer = Pushing()
    flow = Flow(answer)
    answer.push(2)
    assert answer.sink is not None
    answer.sink.end(Failure("broken", "cut"))
    assert await flow.next(1) == b"x" * 32_768
    with pytest.raises(Failure):
        await flow.next(1)
    await flow.close()


async def test_a_wait_that_ran_out_loses_no_chunk() -> None:
    answer = Pushing()
    flow = Flow(answer)
    with pytest.raises(TimeoutError):
        await flow.next(0.01)
    answer.push(1)
    assert answer.sink is not None
    answer.sink.end(None)
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
