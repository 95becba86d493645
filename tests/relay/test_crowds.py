"""Many requests at once against little quota, on both databases, with one and two workers. (L1, N1, B1)"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from openopen8.core.models import Hold, Option, Token, TokenCounter
from openopen8.core.services.snapshot import bump
from openopen8.core.tools import Tools
from relay.app import Relay
from tests.fakes.upstream import FakeUpstream, as_asked
from tests.relay.driving import Caller, question
from tests.world import World

CROWD = 200
ONE = 10 * 5 + 100 * 15
"""What each answer costs: 10 tokens in, 100 out."""

USAGE = {"prompt_tokens": 10, "completion_tokens": 100, "total_tokens": 110}


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
async def relays(request: pytest.FixtureRequest, tools: Tools) -> AsyncIterator[list[Relay]]:
    made = [Relay(tools) for _ in range(request.param)]
    for relay in made:
        await relay.start()
    yield made
    for relay in made:
        await relay.stop()


async def crowd(relays: list[Relay], key: str, **more: object) -> list[int]:
    """The statuses of 200 requests at once."""
    callers = [Caller(relay, key) for relay in relays]
    talks = [callers[n % len(callers)].open(body=question(n % 2 == 0, **more)) for n in range(CROWD)]
    return [(await talk.end()).status for talk in talks]


async def test_a_quota_worth_ten_requests_is_overshot_by_less_than_one(tools: Tools, relays: list[Relay]) -> None:
    world = World(tools)
    user = world.user(balance=10**9)
    with FakeUpstream(as_asked(usage=USAGE)) as fake:
        world.channel(fake.url)
        world.price()
        token_id, key = world.token(user, quota=10 * ONE)
        statuses = await crowd(relays, key, max_tokens=100)
    used = world.one(TokenCounter, token_id).used
    assert used < 11 * ONE
    assert set(statuses) <= {200, 401, 403} and statuses.count(200) >= 8
    assert statuses.count(200) * ONE == used
    assert world.all(Hold) == []
    world.audit()


async def test_with_strict_holds_the_quota_is_never_exceeded(tools: Tools, relays: list[Relay]) -> None:
    world = World(tools)
    user = world.user(balance=10**9)
    with tools.db.write() as session:
        session.add(Option(name="strict_holds", value=True))
        bump(session)
    with FakeUpstream(as_asked(usage=USAGE)) as fake:
        world.channel(fake.url)
        world.price()
        token_id, key = world.token(user, quota=10 * ONE)
        await crowd(relays, key, max_tokens=100)
    assert 0 < world.one(TokenCounter, token_id).used <= 10 * ONE
    world.audit()


async def test_a_rate_limit_holds_across_workers(tools: Tools, relays: list[Relay]) -> None:
    world = World(tools)
    user = world.user(balance=10**9)
    with FakeUpstream(as_asked(usage=USAGE)) as fake:
        world.channel(fake.url)
        world.price()
        _, key = world.token(user, rate_limit=60)
        statuses = await crowd(relays, key)
    assert statuses.count(200) == 60 and statuses.count(429) == CROWD - 60
    world.audit()


async def test_a_change_counts_for_every_request_that_starts_after_it(tools: Tools, relays: list[Relay]) -> None:
    """L6: allowed models changed under load."""
    world = World(tools)
    user = world.user(balance=10**9)
    with FakeUpstream(as_asked(usage=USAGE)) as fake:
        world.channel(fake.url)
        world.price()
        token_id, key = world.token(user)
        before = [Caller(relay, key).open(body=question()) for relay in relays for _ in range(20)]
        await asyncio.to_thread(world.change, Token, token_id, allowed_models=["other"])
        after = [Caller(relay, key).open(body=question()) for relay in relays for _ in range(20)]
        assert {(await talk.end()).status for talk in after} == {403}
        assert {(await talk.end()).status for talk in before} <= {200, 403}
    world.audit()
