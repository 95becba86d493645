"""A server that is told to stop: what is under way comes to its end, what idles is closed, nothing new begins."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.upstream import by_turns, hang, streamed, whole
from tests.server.door.conftest import DOORS, Gateway
from tests.server.door.raw import Raw
from tests.server.door.requests import chat, known, models, stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

GATED = by_turns(streamed("one ", "two ", gated=True), whole(gated=True))
PATIENT = {"timeout_graceful_shutdown": 20}


async def heard(gateway: Gateway, count: int) -> None:
    while len(gateway.fake.chats) < count:
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("kind", DOORS)
async def test_requests_in_flight_get_their_answers_and_idle_connections_end(gateway: Gateway, kind: str) -> None:
    gateway.fake.script(GATED)
    before = len(gateway.fake.chats)
    async with gateway.serving(kind, PATIENT) as (address, server):
        asking, streaming, queued, idle, fresh, half = [await Raw.open(address) for _ in range(6)]
        idle.send(known(gateway, models()))
        assert await idle.answer() is not None
        half.send(known(gateway, chat())[:30])
        asking.send(known(gateway, chat()))
        streaming.send(known(gateway, stream()))
        await streaming.until(b'"role"')
        queued.send(known(gateway, chat() + models() + chat()))
        await heard(gateway, before + 3)
        server.should_exit = True
        for caller in (idle, fresh, half):
            assert await caller.rest() == b""
        with pytest.raises(ConnectionError):
            await Raw.open(address)
        gateway.fake.let(5)
        answer = await asking.answer()
        assert answer is not None and (answer.status, answer.header(b"connection")) == (200, b"close")
        assert (await streaming.rest()).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        for last in (False, False, True):  # only the last of those that wait says that it is the last
            answer = await queued.answer()
            assert answer is not None and (answer.header(b"connection") == b"close") is last
        for caller in (asking, queued):
            assert await caller.rest() == b""
    await gateway.settled()


@pytest.mark.parametrize("kind", DOORS)
async def test_what_does_not_end_in_time_is_cut_off_and_settled(gateway: Gateway, kind: str) -> None:
    gateway.fake.script(by_turns(streamed("one ", "two ", gated=True), hang()))
    before, logged = len(gateway.fake.chats), len(gateway.world.log())
    async with gateway.serving(kind, {"timeout_graceful_shutdown": 0.2}) as (address, server):
        asking, streaming = await Raw.open(address), await Raw.open(address)
        asking.send(known(gateway, chat()))
        streaming.send(known(gateway, stream()))
        gateway.fake.let()
        await streaming.until(b"one ")
        await heard(gateway, before + 2)
        server.should_exit = True
        await asking.rest()
        assert not (await streaming.rest()).endswith(b"0\r\n\r\n")
    entries = gateway.world.log()[logged:]
    assert [entry.error.partition(":")[0] for entry in entries] == ["interrupted", "interrupted"]
    assert sorted(entry.output_tokens > 0 for entry in entries) == [False, True]
    assert all(received.left.wait(10) for received in gateway.fake.chats[before:])
    await gateway.settled()


@pytest.mark.parametrize("kind", DOORS)
async def test_before_the_start_and_after_the_stop_the_answer_is_503(gateway: Gateway, kind: str) -> None:
    async with gateway.serving(kind) as (address, server):
        relay = server.config.app._relay  # type: ignore[union-attr]
        await relay.stop()
        caller = await Raw.open(address)
        caller.send(known(gateway, chat()))
        answer = await caller.answer()
        assert answer is not None and (answer.status, answer.header(b"x-openopen8-error")) == (503, b"not_ready")
        await relay.start()
        caller.send(known(gateway, chat()))
        answer = await caller.answer()
        assert answer is not None and answer.status == 200
        await caller.close()
