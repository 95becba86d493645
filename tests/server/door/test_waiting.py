"""Whoever waits too long is let go, and nobody else: bodies that stall, heads that never come, idle connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from openopen8.server import door
from tests.fakes.upstream import as_asked, by_turns, streamed, whole
from tests.server.door.conftest import DOORS, Gateway
from tests.server.door.echo import Echo
from tests.server.door.raw import Raw
from tests.server.door.requests import body_of, chat, chunked, known, models, request, stream
from tests.server.running import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHORT = 0.3
"""Seconds that stand for a minute."""
SERVED = {
    "options": {"timeout_keep_alive": SHORT},
    "limits": {"head_seconds": SHORT, "linger_seconds": SHORT * 3, "linger_pause": SHORT / 2},
    "body_timeout": SHORT,
}
LARGE = "many words " * 900_000
"""More than the system takes off the gateway's hands for a caller that does not read."""


async def at_once(*waits: Awaitable[None]) -> None:
    """All of them, so that they wait together."""
    await asyncio.gather(*waits)


@pytest.mark.parametrize("data", [chat()[:-10], chunked(body_of())[:-10], chunked(body_of())[:-3]])
async def test_a_body_that_stalls_is_a_408_and_the_end_of_the_connection(gateway: Gateway, data: bytes) -> None:
    answers = []

    async def stall(address: str) -> None:
        caller = await Raw.open(address)
        caller.send(known(gateway, data))
        answers.append(await caller.answer())
        assert not await caller.takes_more()
        await caller.close()

    await at_once(*map(stall, gateway.doors.values()))
    assert answers[0] == answers[1] and answers[0] is not None and answers[0].status == 408
    await gateway.settled()
    assert [entry.status for entry in gateway.world.log()[-2:]] == [408, 408]


async def test_a_body_that_comes_slowly_but_comes_is_taken(gateway: Gateway) -> None:
    async def write(address: str) -> None:
        caller = await Raw.open(address)
        await caller.sent(known(gateway, chat())[: -len(body_of())])
        for at in range(0, len(body_of()), 5):  # longer than SHORT in all
            await caller.sent(body_of()[at : at + 5], SHORT / 10)
        answer = await caller.answer()
        assert answer is not None and answer.status == 200
        await caller.close()

    await at_once(*map(write, gateway.doors.values()))


async def test_a_first_head_that_does_not_come_ends_the_connection(gateway: Gateway) -> None:
    async def begin(address: str, head: bytes) -> None:
        caller = await Raw.open(address)
        caller.send(head)
        assert await caller.rest() == b""
        await caller.close()

    heads = (b"", b"POST /v1/chat", b"GET / HTTP/1.1\r\nhost: x\r\nx-a: ", b"\r\n\r\n")
    await at_once(*(begin(address, head) for address in gateway.doors.values() for head in heads))


@pytest.mark.parametrize("first", [chat(), models(), stream()], ids=["chat", "list", "stream"])
async def test_an_idle_connection_ends_also_with_half_a_head(gateway: Gateway, first: bytes) -> None:
    async def idle(address: str, head: bytes) -> None:
        caller = await Raw.open(address)
        for _ in range(2):
            caller.send(known(gateway, first))
            answer = await caller.answer()
            assert answer is not None and answer.header(b"connection") is None
        caller.send(head)
        assert await caller.rest() == b""
        await caller.close()

    heads = (b"", b"POST /v1/chat", b"\r\n")
    await at_once(*(idle(address, head) for address in gateway.doors.values() for head in heads))


@pytest.mark.parametrize("first", [chat(), models()], ids=["chat", "list"])
async def test_a_request_may_take_longer_than_a_connection_may_idle(gateway: Gateway, first: bytes) -> None:
    async def begun(address: str) -> Raw:
        caller = await Raw.open(address)
        caller.send(known(gateway, first))
        assert await caller.answer() is not None
        return caller

    async def ask(caller: Raw, second: bytes) -> None:
        caller.send(known(gateway, second))
        await asyncio.sleep(SHORT * 1.5)
        gateway.fake.let(2 if second == stream() else 1)
        answer = await caller.answer()
        assert answer is not None and answer.status == 200
        assert await caller.takes_more()
        await caller.close()

    for second in (stream(), chat()):
        gateway.fake.script(whole())
        callers = await asyncio.gather(*map(begun, gateway.doors.values()))
        # only now: a first request that came late would take what the gate lets through
        gateway.fake.script(by_turns(streamed(gated=True), whole(gated=True)))
        await at_once(*(ask(caller, second) for caller in callers))
    await gateway.settled()


async def test_the_time_to_idle_begins_with_the_end_of_the_last_answer_of_either_way(gateway: Gateway) -> None:
    """A list, which goes the usual way, long after a chat, which went the short one, and the other way round."""

    async def ask(address: str) -> None:
        caller = await Raw.open(address)
        for request_ in [chat(), models()] * 4:
            caller.send(known(gateway, request_))
            assert await caller.answer() is not None
            await asyncio.sleep(SHORT / 3)
        assert await caller.takes_more()
        await caller.close()

    await at_once(*map(ask, gateway.doors.values()))


async def test_an_answer_may_be_read_slower_than_a_connection_may_idle(gateway: Gateway) -> None:
    """An answer is complete for the gateway when it lies in the connection's buffer."""
    gateway.fake.script(whole(LARGE))

    async def read(address: str) -> None:
        caller = await Raw.open(address, limit=60_000)
        caller.send(known(gateway, chat()))
        await caller.head()
        got = bytearray()
        while not got.endswith(b"}}"):
            got += await caller.some(2**18)
            await asyncio.sleep(SHORT / 20)
        assert got.count(b"many words") == LARGE.count("many words")
        await caller.close()

    await at_once(*map(read, gateway.doors.values()))


async def test_a_caller_that_never_reads_its_answer_is_let_go(gateway: Gateway) -> None:
    gateway.fake.script(whole(LARGE))

    async def stare(kind: str, data: bytes) -> None:
        caller = await Raw.open(gateway.doors[kind], limit=60_000)
        caller.stop_reading()
        caller.send(known(gateway, data))
        before = len(gateway.fake.chats)
        while len(gateway.fake.chats) == before:
            await asyncio.sleep(0.01)
        await gateway.alone(kind)
        caller.leave()

    asks = (chat(), chat("connection: close"), models() + chat())
    await at_once(*(stare(kind, data) for kind in DOORS for data in asks))
    await gateway.settled()


async def test_a_refused_caller_that_goes_on_writing_gets_its_answer_and_some_time(gateway: Gateway) -> None:
    """Closed in the middle of its writing, it would get a reset, and might never see the answer."""
    for kind in DOORS:
        caller = await Raw.open(gateway.doors[kind])
        caller.send(known(gateway, request("content-length: 5000000")))
        answer = await caller.answer()
        assert answer is not None and answer.status == 413
        for _ in range(50):
            await caller.written(b" " * 100_000)
        assert await caller.ends()
        await caller.close()
        await gateway.alone(kind)


async def test_a_refused_caller_can_not_stay(gateway: Gateway) -> None:
    async def go_on(kind: str, data: bytes) -> None:
        caller = await Raw.open(gateway.doors[kind])
        caller.send(known(gateway, data))
        answer = await caller.answer()
        assert answer is not None and answer.status in (400, 413)
        while gateway.servers[kind].server_state.connections:
            await caller.sent(b"more", 0.01)
        await caller.close()

    await at_once(*(go_on(kind, data) for kind in DOORS for data in (request("content-length: 5000000"), b"x\r\n")))


async def test_too_many_requests_in_flight_are_a_503_for_both_doors_alike(gateway: Gateway) -> None:
    gateway.fake.script(whole(gated=True), as_asked())
    refused = []
    for kind in DOORS:
        gateway.fake.script(whole(gated=True))
        async with gateway.serve(kind, max_requests_in_flight=1) as address:
            first, second = await Raw.open(address), await Raw.open(address)
            before = len(gateway.fake.chats)
            first.send(known(gateway, chat()))
            while len(gateway.fake.chats) == before:
                await asyncio.sleep(0.005)
            second.send(known(gateway, chat() + models()))
            refused.append(await second.answer())
            assert await second.answer() is not None  # what is no chat is answered all the same
            gateway.fake.let()
            answer = await first.answer()
            assert answer is not None and answer.status == 200
            gateway.fake.let()
            second.send(known(gateway, chat()))
            answer = await second.answer()
            assert answer is not None and answer.status == 200
            await first.close()
            await second.close()
    assert refused[0] == refused[1] and refused[0] is not None
    assert (refused[0].status, refused[0].header(b"retry-after")) == (503, b"1")
    await gateway.settled()


class Parrot(Echo):
    """An echo that takes websockets, too."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return await super().__call__(scope, receive, send)
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})


@pytest.mark.parametrize("first", [chat(), models()], ids=["chat", "list"])
@pytest.mark.parametrize("kind", DOORS)
async def test_a_websocket_lives_on_where_a_request_came_before_it(kind: str, first: bytes) -> None:
    app = Parrot()
    options = door.options(app if kind == "hot" else None) | {"timeout_keep_alive": SHORT}
    handshake = (
        b"GET /_event HTTP/1.1\r\nhost: g\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with serving(app, **options) as address:
        caller = await Raw.open(address)
        caller.send(first)
        assert await caller.answer() is not None
        caller.send(handshake)
        assert (await caller.head()).startswith(b"HTTP/1.1 101 ")
        await asyncio.sleep(SHORT * 2)
        caller.send(b"\x81\x82\0\0\0\0hi")
        assert await caller.some(4) == b"\x81\x02hi"
        await caller.close()


async def test_times_are_those_that_the_documents_name() -> None:
    assert (door.Door.head_seconds, door.Door.head_limit, door.Door.linger_seconds) == (30, 65536, 30)
