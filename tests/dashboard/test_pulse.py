"""The pulse wakes who is meant, on both databases, and asks nothing while nobody watches."""

from __future__ import annotations

import asyncio

from openopen8.core.services.ledger import entries
from openopen8.core.tools import Tools
from openopen8.state.pulse import EVERYONE, Pulse, read_revisions
from tests.world import World


def touch(tools: Tools, user_id: int) -> None:
    with tools.db.write() as session:
        entries.touch(session, user_id)


async def test_a_change_wakes_its_user_and_everyone_but_no_other(tools: Tools) -> None:
    world, pulse = World(tools), Pulse(tools)
    ann, bob = world.user("ann").user_id, world.user("bob").user_id
    seen = {user: await pulse.after(user, None) for user in (ann, bob, EVERYONE)}
    waiting = {user: asyncio.create_task(pulse.after(user, seen[user], 8)) for user in seen}
    await asyncio.sleep(0.5)
    touch(tools, ann)
    woken = await asyncio.wait_for(asyncio.gather(waiting[ann], waiting[EVERYONE]), 6)
    assert woken[0] > seen[ann] and woken[1] > seen[EVERYONE]
    assert not waiting[bob].done()
    waiting[bob].cancel()


async def test_patience_ends_the_wait_with_the_same_revision(sqlite_tools: Tools) -> None:
    pulse, ann = Pulse(sqlite_tools), World(sqlite_tools).user("ann").user_id
    seen = await pulse.after(ann, None)
    assert await pulse.after(ann, seen, 0.05) == seen


async def test_changes_of_channels_and_prices_wake_who_watches_everything(sqlite_tools: Tools) -> None:
    world = World(sqlite_tools)
    before = read_revisions(sqlite_tools, {EVERYONE})[EVERYONE]
    world.price("new-model")
    assert read_revisions(sqlite_tools, {EVERYONE})[EVERYONE] > before


async def test_a_user_without_an_account_waits_and_does_not_fail(sqlite_tools: Tools) -> None:
    assert await Pulse(sqlite_tools).after(999, None, 0.05) == 0
