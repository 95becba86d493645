"""What requests leave behind: no garbage for the collector, no body on an idle connection."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from openopen8.core.tools import Tools
from openopen8.server import door
from relay.app import Relay
from relay.hot import Exchange
from tests.conftest import EVERYTHING
from tests.relay.wire import Line
from tests.server.door.prompt import Prompt
from tests.server.door.requests import body_of, chat, models, request, stream
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])

MANY = 10_000 if EVERYTHING else 300
SECRET = "a secret question that nobody may keep " * 2000


class Desk:
    """Connections to the hot door of a relay whose provider answers at once."""

    def __init__(self, relay: Relay, key: str) -> None:
        self.config = uvicorn.Config(relay, **door.options(relay))  # type: ignore[arg-type]
        self.config.load()
        self.state = ServerState()
        self.key = key.encode()

    def connect(self) -> Any:
        line = Line("192.0.2.1", ignore)
        protocol: Any = self.config.http_protocol_class(
            config=self.config, server_state=self.state, app_state={}, _loop=asyncio.get_running_loop()
        )
        protocol.connection_made(line)
        line.lost = protocol.connection_lost
        return protocol

    async def ask(self, protocol: Any, data: bytes) -> None:
        protocol.data_received(data.replace(b"KEY", self.key))
        await self.quiet()

    async def quiet(self) -> None:
        while self.state.tasks:
            await asyncio.sleep(0)


def ignore(data: bytes) -> None:
    """Nobody reads it."""


@pytest.fixture
async def desk(sqlite_tools: Tools) -> AsyncIterator[Desk]:
    world = World(sqlite_tools)
    world.channel()
    world.price()
    key = world.token(world.user(balance=10**12))[1]
    relay = Relay(sqlite_tools, upstream=Prompt(keep=False), random=lambda: 0.0)
    await relay.start()
    yield Desk(relay, key)
    await relay.stop()
    world.audit()


@pytest.fixture
def by_hand() -> Iterator[None]:
    """The collector runs only when a test calls it."""
    gc.disable()
    yield
    gc.enable()


KINDS = {
    "chats": chat(),
    "streams": stream(),
    "refusals": chat(key=False),
    "a chat that a list follows": chat() + models(),
    "pipelines": chat() * 3,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_requests_leave_no_reference_cycles(desk: Desk, by_hand: None, kind: str) -> None:
    protocols = [desk.connect() for _ in range(10)]
    data = KINDS[kind]

    async def some(count: int) -> int:
        for number in range(count):
            await desk.ask(protocols[number % 10], data)
        return gc.collect()

    await some(100)
    # the process has other things to collect, too, but not twice
    assert min(await some(MANY), await some(MANY)) < 50
    for protocol in protocols:
        protocol.transport.close()
    await asyncio.sleep(0)


@pytest.mark.parametrize("end", [b"", b"rubbish\r\n\r\n", request(host=False), models()])
async def test_connections_leave_no_reference_cycles(desk: Desk, by_hand: None, end: bytes) -> None:
    async def some(count: int) -> int:
        for _ in range(count):
            protocol = desk.connect()
            await desk.ask(protocol, chat() + end)
            protocol.transport.close()
            await asyncio.sleep(0)
            protocol.transport.lost = ignore  # the test's own
            del protocol
        return gc.collect()

    await some(100)
    assert min(await some(MANY // 3), await some(MANY // 3)) < 50


@pytest.mark.parametrize("more", [{}, {"stream": True}, {"model": "unknown"}])
@pytest.mark.parametrize("key", [True, False], ids=["admitted", "refused before its body was read"])
async def test_an_idle_connection_keeps_nothing_of_what_was_asked(desk: Desk, more: dict[str, Any], key: bool) -> None:
    protocol = desk.connect()
    body = body_of(messages=[{"role": "user", "content": SECRET}], **more)
    asked = chat(body=body, key=key)
    if not key:
        await desk.ask(protocol, asked[:-10])
        assert largest(protocol) < 5_000
    await desk.ask(protocol, asked if key else asked[-10:])
    exchange = protocol.cycle
    assert type(exchange) is Exchange and exchange.response_complete
    assert largest(protocol) < 5_000
    assert (exchange.headers, exchange._body, exchange._head) == ([], [], b"")
    protocol.transport.close()
    await asyncio.sleep(0)


async def test_a_connection_that_ended_is_gone_at_once(desk: Desk, by_hand: None) -> None:
    protocol = desk.connect()
    await desk.ask(protocol, chat())
    gone = weakref.ref(protocol)
    protocol.transport.close()
    await asyncio.sleep(0)
    protocol.transport.lost = ignore
    del protocol
    assert gone() is None


async def test_a_request_that_is_over_is_freed_when_the_next_one_comes(desk: Desk, by_hand: None) -> None:
    protocol = desk.connect()
    await desk.ask(protocol, chat())
    first = id(protocol.cycle)
    await desk.ask(protocol, chat())
    assert not any(type(value) is Exchange and id(value) == first and value is not protocol.cycle for value in
                   gc.get_objects())  # fmt: skip
    protocol.transport.close()
    await asyncio.sleep(0)


def largest(root: Any) -> int:
    """Size of the largest bytes or text that ``root`` leads to, not counting what belongs to the server."""
    seen, left, found = {id(root)}, [root], 0
    while left:
        value = left.pop()
        if isinstance(value, bytes | bytearray | str):
            found = max(found, len(value))
        for other in gc.get_referents(value):
            inner = isinstance(other, bytes | bytearray | str | list | tuple | dict) or type(other) is Exchange
            if inner and id(other) not in seen:
                seen.add(id(other))
                left.append(other)
    return found


async def test_the_measure_finds_what_is_kept() -> None:
    assert largest([{"a": (b"x" * 10_000,)}]) == 10_000
