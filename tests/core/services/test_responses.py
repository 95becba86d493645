"""Answers are kept for their time and then deleted, in small steps."""

from __future__ import annotations

from itertools import count

import msgspec

from openopen8.core.clock import DAY
from openopen8.core.models import KeptResponse
from openopen8.core.rules.roles import Actor
from openopen8.core.services import responses, users
from openopen8.core.services.duty import Duty
from openopen8.core.services.log_keeper import LogKeeper
from openopen8.core.services.responses import SLICE, Content, Kept
from openopen8.core.tools import Tools
from tests.world import World

_numbers = count()


def keep(tools: Tools, user: Actor, age: int, ours: bool = True, **more: object) -> str:
    """An answer that was last used ``age`` days ago."""
    content = responses.sealed(tools, Content([msgspec.Raw(b"{}")], msgspec.Raw(b'{"id":"x"}')))
    row = Kept(user.user_id, f"resp_{next(_numbers)}", 1, "m", None, None, None, tools.now() - age * DAY, None)
    row = msgspec.structs.replace(row, **({"sealed": content} if ours else {"channel_id": 1, "key_id": 1}), **more)
    responses.save(tools, row, ())
    return row.id


def left(tools: Tools) -> set[str]:
    return {row.id for row in World(tools).all(KeptResponse)}


def test_what_is_kept_long_enough_goes_in_small_steps_and_what_is_unpaid_stays(tools: Tools) -> None:
    user = World(tools).user()
    for _ in range(SLICE + 1):
        keep(tools, user, 8)
    stays = {keep(tools, user, 6), keep(tools, user, 29, ours=False), keep(tools, user, 40, ours=False, hold_id=-1)}
    keep(tools, user, 31, ours=False)
    duty = Duty(tools.db, "test")
    assert duty.take()
    assert list(responses.sweep(duty, 7, tools.now())) == [SLICE, 1, 1]
    assert left(tools) == stays
    duty.leave()


def test_what_goes_is_found_between_what_stays_also_of_one_moment(tools: Tools) -> None:
    user = World(tools).user()
    stays = set()
    for age in (9, 8):
        stays |= {keep(tools, user, age, ours=False) for _ in range(SLICE)}
        for _ in range(SLICE + 1):
            keep(tools, user, age)
    duty = Duty(tools.db, "test")
    assert duty.take()
    assert sum(responses.sweep(duty, 7, tools.now())) == 2 * (SLICE + 1)
    assert left(tools) == stays
    duty.leave()


def test_the_keeper_of_the_log_deletes_them_too_and_at_once_when_the_time_is_made_shorter(tools: Tools) -> None:
    world = World(tools)
    user = world.user()
    keeper = LogKeeper(tools, ask_every=0)
    old, young = keep(tools, user, 31), keep(tools, user, 5)
    keeper.turn()
    assert left(tools) == {young} and old != young
    world.option("response_retention_days", 0)
    assert responses.find(tools, user.user_id, young, 0) is None
    keeper.turn()
    assert left(tools) == set()
    keeper.leave()


def test_a_conversation_with_a_gap_is_none(tools: Tools) -> None:
    user = World(tools).user()
    first = keep(tools, user, 0)
    second = keep(tools, user, 0, previous_id=first)
    third = keep(tools, user, 0, previous_id=second)
    assert [row.id for row in responses.chain(tools, user.user_id, third, 30)] == [first, second, third]
    responses.delete(tools, user.user_id, first)
    assert responses.chain(tools, user.user_id, third, 30) == []
    assert responses.find(tools, user.user_id, third, 30) is not None


def test_a_deleted_users_answers_are_forgotten(tools: Tools) -> None:
    world = World(tools)
    root, ann, bob = world.user("root", role="root"), world.user("ann"), world.user("bob")
    keep(tools, ann, 0)
    stays = {keep(tools, bob, 0), keep(tools, ann, 0, ours=False, hold_id=-1)}
    users.delete(tools, root, ann.user_id)
    assert left(tools) == stays
