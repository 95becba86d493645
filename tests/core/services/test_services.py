"""Services as dashboard and command line call them: ids of any size, rights, and what they leave to the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from openopen8.core.errors import Problem
from openopen8.core.models import Account, LogEntry
from openopen8.core.rules.roles import COMMAND_LINE, Actor
from openopen8.core.services import (
    access_tokens,
    channels,
    charts,
    credits,
    groups,
    logs,
    models,
    options,
    prices,
    sessions,
    tokens,
    users,
)
from openopen8.core.services.forms import read
from openopen8.core.services.page import offset_of
from openopen8.core.services.tokens import TokenFields, TokenPatch
from openopen8.core.services.users import UserFields
from openopen8.core.tools import Tools
from tests.world import World

BY_ID: tuple[Callable[..., Any], ...] = (
    tokens.get,
    tokens.delete,
    tokens.rotate,
    tokens.recent,
    charts.token_days,
    channels.get,
    channels.delete,
    groups.get,
    groups.delete,
    prices.get,
    prices.delete,
    users.get,
    users.delete,
    logs.get,
    access_tokens.delete,
)


def test_ids_of_any_size_are_404(tools: Tools) -> None:
    root = World(tools).user("root", role="root")
    for call in BY_ID:
        for id in (0, -1, 2**31, 2**53, 2**63, 2**64, 10**40):
            with pytest.raises(Problem) as refused:
                call(tools, root, id)
            assert refused.value.status == 404, (call, id)
    for many in (tokens.set_enabled, channels.set_enabled):
        with pytest.raises(Problem):
            many(tools, root, [10**40], True)


def test_what_is_the_admins_is_refused_to_users_by_the_services_themselves(sqlite_tools: Tools) -> None:
    tools, world = sqlite_tools, World(sqlite_tools)
    ann, root = world.user("ann"), world.user("root", role="root")
    fields = read(UserFields, {"name": "new"})
    calls: tuple[Callable[[Actor], Any], ...] = (
        lambda who: users.find(tools, who),
        lambda who: users.get(tools, who, root.user_id),
        lambda who: users.create(tools, who, fields),
        lambda who: users.set_password(tools, who, ann.user_id, "a good password"),
        lambda who: users.delete(tools, who, ann.user_id),
        lambda who: credits.add(tools, who, ann.user_id, 5, "x"),
        lambda who: credits.correct(tools, who, "req_1", 5, "x"),
        lambda who: credits.find(tools, who, root.user_id),
        lambda who: channels.find(tools, who),
        lambda who: channels.get(tools, who, 1),
        lambda who: channels.set_enabled(tools, who, [1], True),
        lambda who: groups.find(tools, who),
        lambda who: prices.find(tools, who),
        lambda who: options.get(tools, who),
        lambda who: options.set(tools, who, {"retries": 1}),
    )
    for call in calls:
        with pytest.raises(Problem) as refused:
            call(ann)
        assert (refused.value.status, refused.value.code) == (403, "admin_only")


def test_the_command_line_may_do_everything_and_is_named_in_the_log(tools: Tools) -> None:
    world = World(tools)
    made = users.create(tools, COMMAND_LINE, read(UserFields, {"name": "boss", "role": "root"}))
    assert made.balance == 50_000_000, "the first root account starts with the credits of the settings"
    second = users.create(tools, COMMAND_LINE, read(UserFields, {"name": "other", "role": "root"}))
    assert second.balance == 0
    token = tokens.create(tools, COMMAND_LINE, read(TokenFields, {"name": "t"}), made.id)
    assert tokens.find(tools, COMMAND_LINE, everyone=True).items[0].user == "boss" and token.value
    users.set_password(tools, COMMAND_LINE, made.id, "a good password")
    assert sessions.log_in(tools, "boss", "a good password", "192.0.2.1", "")[1].is_root
    told = [entry.error for entry in world.log("admin")]
    assert told[0] == "command line created root 'boss'." and all(x.user_id is None for x in world.log("admin"))
    world.audit()


def test_what_a_user_sees_live_raises_the_users_revision(tools: Tools) -> None:
    world = World(tools)
    ann, root = world.user("ann"), world.user("root", role="root")

    def after(deed: Callable[[], Any]) -> bool:
        before = world.one(Account, ann.user_id).revision
        deed()
        return bool(world.one(Account, ann.user_id).revision > before)

    made = tokens.create(tools, ann, TokenFields(name="t"))
    id = made.token.id
    assert after(lambda: tokens.create(tools, ann, TokenFields(name="u")))
    assert after(lambda: tokens.update(tools, root, id, TokenPatch(name="v")))
    assert after(lambda: tokens.set_enabled(tools, ann, [id], False))
    assert after(lambda: tokens.rotate(tools, ann, id))
    assert after(lambda: tokens.delete(tools, ann, id))
    assert after(lambda: credits.add(tools, root, ann.user_id, 5, "x"))
    assert not after(lambda: tokens.find(tools, ann))


def test_counts_by_status_follow_the_search(tools: Tools) -> None:
    world = World(tools)
    ann = world.user("ann")
    for name, enabled in (("mine 1", True), ("mine 2", False), ("other", True)):
        world.token(ann, name=name, enabled=enabled)
    world.token(world.user("bob"), name="mine 3")
    assert tokens.status_counts(tools, ann) == {"all": 3, "enabled": 2, "disabled": 1, "expired": 0, "exhausted": 0}
    assert tokens.status_counts(tools, ann, "mine ")["all"] == 2


def test_recent_requests_are_those_of_the_last_hour(tools: Tools) -> None:
    world = World(tools)
    ann = world.user("ann")
    id, _ = world.token(ann)
    with tools.db.write() as session:
        for age in (0, 3_599_000, 3_601_000):
            session.add(LogEntry(time=tools.now() - age, user_id=ann.user_id, token_id=id, status=200))
    assert tokens.recent(tools, ann, id) == 2


def test_values_never_stand_in_a_repr(sqlite_tools: Tools) -> None:
    ann = World(sqlite_tools).user("ann")
    made = tokens.create(sqlite_tools, ann, TokenFields(name="t"))
    access = access_tokens.create(sqlite_tools, ann, access_tokens.AccessTokenFields(name="t"))
    assert made.value not in repr(made) and access.value not in repr(access)
    fields = read(UserFields, {"name": "x", "password": "planted-password"})
    given = {"name": "c", "type": "openai", "base_url": "https://x.example", "keys": ["planted-key-1"]}
    channel = read(channels.ChannelFields, given)
    assert "planted" not in repr(fields) + repr(channel)


def test_pages_have_bounds() -> None:
    assert offset_of(3, 50) == 100
    for page, size in ((0, 50), (1, 0), (1, 501), (10**7, 50)):
        with pytest.raises(Problem):
            offset_of(page, size)


def test_models_need_a_channel_in_the_group_and_a_price(sqlite_tools: Tools) -> None:
    world = World(sqlite_tools)
    ann, pro = world.user("ann"), world.group("pro", selectable=True)
    world.channel(models=("m", "n"))
    world.channel(models=("p",), groups=[pro])
    world.channel(models=("off",), enabled=False)
    for model in ("m", "p", "off"):
        world.price(model)
    assert [x.name for x in models.usable_models(sqlite_tools, ann)] == ["m"]
    assert [x.name for x in models.usable_models(sqlite_tools, ann, "pro")] == ["p"]
