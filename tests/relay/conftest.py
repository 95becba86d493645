"""A relay with a fake provider behind it, and a caller in front."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from openopen8.core.clock import SetClock
from openopen8.core.tools import Tools
from relay.app import Relay
from tests.conftest import EVERYTHING
from tests.fakes.upstream import FakeUpstream
from tests.relay.house import Build, House
from tests.relay.wire import Lobby
from tests.world import World


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


BY_HAND = 86_400.0
"""Seconds between a relay's own looks at tasks: the tests take those turns themselves."""
DOORS, DATABASES = ("hot", "asgi"), ("sqlite", "postgres")
EVERY = [f"{door}-{database}" for door in DOORS for database in DATABASES]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of a whole relay by the usual door on SQLite and, by turns, one other pair; in test-all by all.

    Large tables that are about formats alone say ``ONE_WAY``: doors and databases make no difference to them.
    """
    if "way" in metafunc.fixturenames and getattr(metafunc.module, "ONE_WAY", False) and not EVERYTHING:
        metafunc.parametrize("way", EVERY[:1])
    elif "way" in metafunc.fixturenames:
        other = EVERY[1 + zlib.crc32(metafunc.function.__name__.encode()) % (len(EVERY) - 1)]
        metafunc.parametrize("way", EVERY if EVERYTHING else [EVERY[0], other])


@pytest.fixture
async def build(way: str, request: pytest.FixtureRequest, clock: SetClock, fake: FakeUpstream) -> AsyncIterator[Build]:
    """``await build(balance=…, channel={…}, streaming_timeout=…)``: a house with other settings."""
    door, database = way.split("-")
    given: Tools = request.getfixturevalue(f"{database}_tools")
    relays: list[Relay] = []

    async def make(balance: int = 1_000_000_000, channel: dict[str, Any] | None = None, **settings: Any) -> House:
        values = given.settings.model_copy(update=settings)
        tools = Tools(values, given.db, given.clock, given.keyring)
        world = World(tools)
        user = world.user(balance=balance)
        channel_id = world.channel(**{"base_url": fake.url, **(channel or {})})
        world.price()
        token_id, key = world.token(user)
        relay = Relay(tools, random=lambda: 0.0, poll_every=BY_HAND)
        await relay.start()
        relays.append(relay)
        lobby = Lobby(relay) if door == "hot" else None
        return House(world, relay, fake, user, token_id, key, channel_id, clock, tools, lobby)

    yield make
    for relay in relays:
        await relay.stop()


@pytest.fixture
async def house(build: Build) -> House:
    return await build()
