"""Callers that read slowly, or not at all: their provider has to wait, and nobody else; and very many at once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from openopen8.core.models import TokenCounter
from tests.conftest import EVERYTHING
from tests.fakes.scripts import USAGE, answer, chunk, whole
from tests.fakes.upstream import Exchange
from tests.server.door.conftest import DOORS, Gateway
from tests.server.door.raw import Raw, told
from tests.server.door.requests import chat, known, stream

SERVED = {"options": {"timeout_graceful_shutdown": 1}}
pytestmark = pytest.mark.asyncio(loop_scope="module", loop_factories=["uvloop"])

PIECE = "many words " * 300
SOME = 22 * 2**20
"""Bytes that may lie in the system's buffers, for both connections and both directions together."""
MORE = 32 * 2**20
"""Bytes that a stream has in all."""
COST = 12500


class Flood:
    """A stream that is as long as somebody takes it; ``sent`` bytes were."""

    def __init__(self) -> None:
        self.sent = 0

    async def __call__(self, exchange: Exchange) -> None:
        if not exchange.received.json.get("stream"):
            return await whole()(exchange)
        await exchange.begin()
        event = b"data: " + json.dumps(chunk({"content": PIECE})).encode() + b"\n\n"
        while self.sent < MORE:
            await exchange.chunk(event)
            self.sent += len(event)
        await exchange.event(chunk({}, "stop"))
        await exchange.event({**chunk({}), "choices": [], "usage": USAGE})
        await exchange.event(b"[DONE]")
        await exchange.end()

    async def stands(self) -> int:
        """How much was sent when nothing moves any more."""
        before = -1
        while before != self.sent or not self.sent:
            before = self.sent
            await asyncio.sleep(0.3)
        return before


@pytest.mark.parametrize("kind", DOORS)
async def test_a_caller_that_reads_nothing_holds_its_provider_back_and_nobody_else(gateway: Gateway, kind: str) -> None:
    flood = Flood()
    gateway.fake.script(flood)
    slow = await Raw.open(gateway.doors[kind], limit=60_000)
    slow.stop_reading()
    slow.send(known(gateway, stream()))
    assert await flood.stands() < SOME
    for _ in range(3):
        assert str(await told(gateway.doors[kind], known(gateway, chat() + chat()), answers=2)) == "200 200 open"
    stood = flood.sent
    slow.go_on_reading()
    got = await slow.until(b"[DONE]\n\n")
    assert flood.sent > stood and got.count(b"many words") > MORE // len("many words ") * 9 // 10
    await slow.close()
    await gateway.settled()


@pytest.mark.parametrize("kind", DOORS)
async def test_a_caller_that_reads_a_byte_now_and_then_holds_its_provider_back(gateway: Gateway, kind: str) -> None:
    flood = Flood()
    gateway.fake.script(flood)
    slow = await Raw.open(gateway.doors[kind], limit=60_000)
    slow.send(known(gateway, stream()))
    await flood.stands()
    for _ in range(20):
        assert len(await slow.some(1)) == 1
        await asyncio.sleep(0.01)
    assert await flood.stands() < SOME
    slow.leave()
    await gateway.alone(kind)
    while gateway.servers[kind].server_state.tasks:
        await asyncio.sleep(0.01)
    await gateway.settled()
    assert gateway.world.log()[-1].status == 499


@pytest.mark.parametrize("kind", DOORS)
async def test_a_caller_that_asks_and_asks_and_reads_nothing_is_not_asked_for(gateway: Gateway, kind: str) -> None:
    """Whole answers, too: the next request begins when the answer before it has been read."""
    gateway.fake.script(whole("many words " * 200_000))
    slow = await Raw.open(gateway.doors[kind], limit=60_000)
    slow.stop_reading()
    before = len(gateway.fake.chats)
    slow.send(known(gateway, chat() * 16))
    seen = -1
    while seen != len(gateway.fake.chats):
        seen = len(gateway.fake.chats)
        await asyncio.sleep(0.5)
    assert 0 < seen - before < 8
    slow.go_on_reading()
    for _ in range(16):
        reply = await slow.answer()
        assert reply is not None and reply.status == 200 and len(reply.body) > 2_000_000
    await slow.close()
    await gateway.settled()


@pytest.mark.parametrize("kind", DOORS)
async def test_a_large_body_waits_until_the_request_before_it_is_answered(gateway: Gateway, kind: str) -> None:
    gateway.fake.script(whole(gated=True))
    caller = await Raw.open(gateway.doors[kind])
    big = chat(body=json.dumps({"model": "m", "messages": [{"role": "user", "content": " " * 900_000}]}).encode())
    caller.send(known(gateway, chat() + big + chat()))
    await asyncio.sleep(0.2)
    (connection,) = gateway.servers[kind].server_state.connections
    assert held(connection.cycle) < 600_000  # type: ignore[union-attr]
    gateway.fake.let(3)
    for _ in range(3):
        reply = await caller.answer()
        assert reply is not None and reply.status == 200
    await caller.close()


def held(cycle: Any) -> int:
    """Bytes of body that wait in a request."""
    return sum(map(len, cycle._body)) if hasattr(cycle, "_body") else len(cycle.body)


@pytest.mark.parametrize("kind", DOORS if EVERYTHING else DOORS[:1])
async def test_very_many_streams_at_once_all_end_well(gateway: Gateway, kind: str) -> None:
    """Each with its own text, all of them charged; in one worker."""
    count = 2000 if EVERYTHING else 500
    gateway.fake.script(Numbered(count))
    token = gateway.world.all(TokenCounter)[0].used
    logged = len(gateway.world.log())

    async def ask(number: int) -> str:
        caller = await Raw.open(gateway.doors[kind])
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": f"number {number}"}]}
        caller.send(known(gateway, chat(body=json.dumps(body).encode())))
        reply = await caller.answer()
        await caller.close()
        assert reply is not None and reply.body.endswith(b"data: [DONE]\n\n")
        events = [json.loads(line[6:]) for line in reply.body.split(b"\n") if line.startswith(b"data: {")]
        return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])

    texts = await asyncio.gather(*(ask(number) for number in range(count)))
    await gateway.settled()
    assert texts == [f"{number} one two three" for number in range(count)]
    assert gateway.world.all(TokenCounter)[0].used - token == count * COST
    entries = gateway.world.log()[logged:]
    assert len(entries) == count and {(entry.status, entry.credits) for entry in entries} == {(200, COST)}


class Numbered:
    """Streams that say their number, and end only when all of them have begun."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._begun = 0
        self._all = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        number = exchange.received.json["messages"][0]["content"].removeprefix("number ")
        await exchange.begin()
        await exchange.event(chunk({"content": number}))
        self._begun += 1
        if self._begun == self._count:
            self._all.set()
        await self._all.wait()
        for word in (" one", " two", " three"):
            await exchange.event(chunk({"content": word}))
            await asyncio.sleep(0)
        await exchange.event(chunk({}, "stop"))
        await exchange.event({**chunk({}), "choices": [], "usage": answer()["usage"]})
        await exchange.event(b"[DONE]")
        await exchange.end()
