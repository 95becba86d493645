"""Every handler of the dashboard is called by those who may not: nothing runs, nothing is shown."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reflex as rx
from reflex_base.utils.format import format_event_handler

from openopen8.core.services import sessions, tokens
from openopen8.openopen8 import app
from openopen8.state.guard import allowed, needed
from openopen8.state.me import Me
from openopen8.state.tokens import Tokens
from tests.dashboard.conftest import House
from tests.dashboard.tab import handlers

ROLES = ("nobody", "user", "admin")
NAMES = sorted(handlers())


def refused(role: str) -> list[str]:
    """Wire names of what a caller of ``role`` may not call."""
    rank = {"public": 0, "user": 1, "admin": 2, "nobody": 3}
    return [name for name, need in handlers().items() if rank[need] > ROLES.index(role)]


async def test_nobody_runs_no_handler_of_a_user_or_an_admin(house: House) -> None:
    tab = house.tab()
    names = refused("nobody")
    assert len(names) > 50
    for name in names:
        tab.deltas.clear()
        tab.events.clear()
        future = await tab.send(name)
        await asyncio.wait_for(future.wait_all(), 20)
        assert tab.sent_away(), name
        assert not [state for delta in tab.deltas for state in delta if not state.endswith((".me", "__state____state"))
                    and any(not key.startswith("is_hydrated") for key in delta[state])], name  # fmt: skip


async def test_a_user_runs_no_handler_of_an_admin(house: House) -> None:
    tab = house.tab(house.ann)
    for name in refused("user"):
        tab.deltas.clear()
        future = await tab.send(name)
        await asyncio.wait_for(future.wait_all(), 20)
        notice = tab.shown(Me, "notice")
        assert notice is not None and notice.kind == "error", name


async def test_an_admin_runs_what_is_theirs_but_no_setvar(house: House) -> None:
    tab = house.tab(house.root)
    await tab.run(Tokens.load)
    setters = [name for name, need in handlers().items() if need == "nobody"]
    assert any(name.endswith("tokens.setvar") for name in setters)
    future = await tab.send(
        next(x for x in setters if x.endswith("____tokens.setvar")), var_name="search", value="planted"
    )
    await asyncio.wait_for(future.wait_all(), 20)
    assert tab.shown(Tokens, "search") != "planted"


@pytest.mark.parametrize("name", NAMES)
def test_every_handler_has_a_role_and_unknown_states_are_refused(name: str) -> None:
    assert handlers()[name] in ("public", "user", "admin", "nobody")


def test_a_state_outside_the_three_bases_is_nobodys() -> None:
    class Loose(rx.State):
        @rx.event
        def leak(self) -> None: ...

    class Found:
        states = (Loose,)
        handler = Loose.event_handlers["leak"]

    assert needed(Found()) == "nobody"
    assert not allowed("nobody", sessions.Actor(1, "root", "root"))


def test_public_handlers_are_few_and_known() -> None:
    public = {name for name, need in handlers().items() if need == "public" and "openopen8" in name}
    own = {"dismiss", "list_keys", "open_menu", "switch_language", "watch", "begin", "answered", "load"}
    assert {name.rpartition(".")[2] for name in public} <= own


async def test_a_stolen_tab_without_its_cookie_sees_nothing_of_the_old_state(house: House) -> None:
    house.world.token(house.ann.actor, name="anns-token")
    tab = house.tab(house.ann)
    await tab.run(Tokens.load)
    assert [row.name for row in tab.shown(Tokens, "rows")] == ["anns-token"]
    tab.login = ""
    tab.deltas.clear()
    await tab.run(Tokens.search_for, value="")
    assert tab.sent_away()
    assert "anns-token" not in str([delta for delta in tab.deltas])


async def test_another_user_in_the_same_tab_starts_clean(house: House) -> None:
    house.world.token(house.ann.actor, name="anns-token")
    tab = house.tab(house.ann)
    await tab.run(Tokens.load)
    tab.login = house.bob.login
    await tab.run(Tokens.retry)
    assert tab.shown(Tokens, "rows") == []


async def test_an_ended_session_is_refused_at_the_next_event(house: House) -> None:
    tab = house.tab(house.ann)
    await tab.run(Tokens.load)
    assert not tab.sent_away()
    sessions.end(house.tools, house.ann.login)
    await tab.run(Tokens.retry)
    assert tab.sent_away()


async def test_no_user_reaches_another_users_token_through_any_handler(house: House) -> None:
    id, _ = house.world.token(house.ann.actor, name="anns-token", quota=10)
    before = tokens.get(house.tools, house.ann.actor, id)
    tab = house.tab(house.bob)
    await tab.run(Tokens.load)
    for name in _with_a_token():
        future = await tab.send(name, **_payload(name, id))
        await asyncio.wait_for(future.wait_all(), 20)
    assert tokens.get(house.tools, house.ann.actor, id) == before
    assert "anns-token" not in str(tab.deltas)


def _with_a_token() -> list[str]:
    from openopen8.state.token_deeds import TokenDeeds
    from openopen8.state.token_form import TokenForm

    chosen = (Tokens.set_enabled, Tokens.tick, TokenForm.edit, TokenDeeds.ask)
    return [format_event_handler(handler) for handler in chosen]


def _payload(name: str, id: int) -> dict[str, Any]:
    more = {"set_enabled": {"enabled": False}, "ask": {"deed": "delete"}}
    return {"token_id": id, **more.get(name.rpartition(".")[2], {})}


def test_the_guard_stands_before_every_event() -> None:
    assert [type(x).__name__ for x in app._middlewares].count("Guard") == 1
