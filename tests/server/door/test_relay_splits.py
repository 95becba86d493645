"""The whole relay behind both doors: cut anywhere, the same answers, the same log, the same calls of the provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httptools
import pytest
import uvicorn
from uvicorn.server import ServerState

from openopen8.core.clock import SetClock
from openopen8.core.models import Hold, LogEntry
from openopen8.core.tools import Tools
from openopen8.server import door
from relay.app import Relay
from tests.conftest import EVERYTHING
from tests.relay.wire import Line
from tests.server.door.prompt import Prompt
from tests.server.door.raw import settled
from tests.server.door.requests import body_of, chat, chunked, models, request, stream
from tests.server.door.twins import pieces_of, turns
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])

@dataclass(frozen=True)
class Story:
    """All that one connection led to."""

    written: bytes
    closed: bool
    sent: tuple[bytes, ...]
    logged: tuple[tuple[Any, ...], ...]


class Office:
    """A relay behind one kind of door."""

    def __init__(self, kind: str, relay: Relay, prompt: Prompt, world: World) -> None:
        self.config = uvicorn.Config(relay, **door.options(relay if kind == "hot" else None))  # type: ignore[arg-type]
        self.config.load()
        self.state = ServerState()
        self._prompt, self._world = prompt, world

    async def story(self, pieces: list[bytes], answers: int) -> Story:
        written: list[bytes] = []
        self._prompt.bodies.clear()
        logged = len(self._world.log())
        line = Line("192.0.2.1", written.append)
        protocol: Any = self.config.http_protocol_class(
            config=self.config, server_state=self.state, app_state={}, _loop=asyncio.get_running_loop()
        )
        protocol.connection_made(line)
        line.lost = protocol.connection_lost
        for piece in pieces:
            protocol.data_received(piece)
            await turns()
        while count(written) < answers and not line.closed:
            await asyncio.sleep(0)
        closed = line.closed
        line.close()
        while self.state.tasks or self.state.connections:
            await asyncio.sleep(0)
        return Story(settled(b"".join(written)), closed, tuple(self._prompt.bodies), self._logged(logged))

    def _logged(self, before: int) -> tuple[tuple[Any, ...], ...]:
        entries: list[LogEntry] = self._world.log()[before:]
        return tuple((e.status, e.endpoint, e.model, e.stream, e.input_tokens, e.credits, e.error) for e in entries)


def count(written: list[bytes]) -> int:
    """How many answers are whole."""
    counter = _Counter()
    httptools.HttpResponseParser(counter).feed_data(b"".join(written))
    return counter.count


class _Counter:
    count = 0

    def on_message_complete(self) -> None:
        self.count += 1


@pytest.fixture
async def offices(sqlite_tools: Tools) -> AsyncIterator[tuple[World, str, list[Office]]]:
    world = World(sqlite_tools)
    world.channel()
    world.price()
    key = world.token(world.user(balance=10**12))[1]
    prompts = [Prompt(), Prompt()]
    relays = [Relay(sqlite_tools, upstream=prompt, random=lambda: 0.0) for prompt in prompts]
    for relay in relays:
        await relay.start()
    yield world, key, [Office("hot", relays[0], prompts[0], world), Office("asgi", relays[1], prompts[1], world)]
    for relay in relays:
        await relay.stop()


TALKS = {
    "a chat": (chat(), 1),
    "a stream": (stream(), 1),
    "a stream, a list, a chat": (stream() + models() + chat(), 3),
    "chunks and a chat": (chunked(body_of()[:20], body_of()[20:], trailers=b"x-a: b\r\n") + chat(), 2),
    "refusals": (chat(key=False) + request(body=b"{") + chat(body=body_of(model="other")), 3),
    "an upgrade that is not taken": (chat("connection: upgrade", "upgrade: h2c") + chat(), 2),
    "rubbish behind": (chat() + b"rubbish\r\n\r\n", 2),
}


@pytest.mark.parametrize("name", TALKS)
async def test_every_cut_leads_to_the_same_answers_log_and_charges(
    offices: tuple[World, str, list[Office]], clock: SetClock, name: str
) -> None:
    world, key, (hot, asgi) = offices
    data, answers = TALKS[name]
    data = data.replace(b"KEY", key.encode())
    told = await hot.story([data], answers)
    assert told == await asgi.story([data], answers) and told.written.count(b"HTTP/1.1 ") == answers
    for cut in range(1, len(data), 1 if EVERYTHING else 29):
        for office in (hot, asgi):
            clock.advance(120_000)  # of refusals only so many a minute are logged
            assert await office.story(pieces_of(data, [cut]), answers) == told
    assert world.all(Hold) == []
    world.audit()
