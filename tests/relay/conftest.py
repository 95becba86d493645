"""A relay with a fake provider behind it, and a caller in front."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from openopen8.core.clock import SetClock
from openopen8.core.tools import Tools
from relay.app import Relay
from tests.fakes.upstream import FakeUpstream
from tests.relay.house import Build, House
from tests.world import World


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
async def build(sqlite_tools: Tools, clock: SetClock, fake: FakeUpstream) -> AsyncIterator[Build]:
    """``await build(balance=…, channel={…}, streaming_timeout=…)``: a house with other settings."""
    relays: list[Relay] = []

    async def make(balance: int = 1_000_000_000, channel: dict[str, Any] | None = None, **settings: Any) -> House:
        values = sqlite_tools.settings.model_copy(update=settings)
        tools = Tools(values, sqlite_tools.db, sqlite_tools.clock, sqlite_tools.keyring)
        world = World(tools)
        user = world.user(balance=balance)
        channel_id = world.channel(**{"base_url": fake.url, **(channel or {})})
        world.price()
        token_id, key = world.token(user)
        relay = Relay(tools, random=lambda: 0.0)
        await relay.start()
        relays.append(relay)
        return House(world, relay, fake, user, token_id, key, channel_id, clock, tools)

    yield make
    for relay in relays:
        await relay.stop()


@pytest.fixture
async def house(build: Build) -> House:
    return await build()
