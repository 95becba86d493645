"""The Profile page's state, through its events."""

from __future__ import annotations

import pytest

from openopen8.core.models import User
from openopen8.core.security.passwords import hash_password, password_matches
from openopen8.core.services import access_tokens, sessions
from openopen8.state.profile import Profile, browser_of
from tests.dashboard.conftest import House
from tests.dashboard.tab import Tab

OLD, NEW = "an old password", "a new password"


async def opened(house: House) -> Tab:
    tab = house.tab(house.ann)
    await tab.run(Profile.load, path="/profile-test")
    return tab


async def test_an_access_token_is_shown_once_and_works(house: House) -> None:
    tab = await opened(house)
    await tab.run(Profile.create, form={"token_name": "deploy"})
    value = tab.shown(Profile, "value")
    assert value.startswith("oo8-")
    actor = access_tokens.who(house.tools, value)
    assert actor is not None and actor.name == "ann"
    await tab.run(Profile.stored, open=False)
    assert tab.shown(Profile, "value") == ""
    assert value not in str(tab.shown(Profile, "tokens"))


async def test_an_access_token_needs_a_name(house: House) -> None:
    tab = await opened(house)
    await tab.run(Profile.create, form={"token_name": "  "})
    assert tab.shown(Profile, "errors")["token_name"]
    assert access_tokens.find(house.tools, house.ann.actor) == ()


async def test_a_deleted_access_token_stops_working(house: House) -> None:
    tab = await opened(house)
    await tab.run(Profile.create, form={"token_name": "deploy"})
    value = tab.shown(Profile, "value")
    await tab.run(Profile.ask_delete, id=tab.shown(Profile, "tokens")[0].id)
    await tab.run(Profile.delete)
    assert access_tokens.who(house.tools, value) is None
    assert tab.shown(Profile, "tokens") == []


async def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(house: House) -> None:
    house.world.change(User, house.ann.actor.user_id, password_hash=hash_password(OLD))
    other = house.log_in(house.ann.actor)
    tab = await opened(house)
    assert len(tab.shown(Profile, "sessions")) == 2
    await tab.run(Profile.change_password, form={"old_password": OLD, "new_password": NEW, "again": NEW})
    assert password_matches(NEW, house.world.one(User, house.ann.actor.user_id).password_hash)
    assert sessions.who(house.tools, other.login) is None
    assert sessions.who(house.tools, house.ann.login) is not None
    assert [row.current for row in tab.shown(Profile, "sessions")] == [True]


@pytest.mark.parametrize(
    ("old", "new", "again", "field"),
    [
        ("wrong one", NEW, NEW, "old_password"),
        (OLD, "short", "short", "new_password"),
        (OLD, NEW, "another one", "again"),
    ],
)
async def test_a_wrong_password_form_is_told_at_its_field(
    house: House, old: str, new: str, again: str, field: str
) -> None:
    house.world.change(User, house.ann.actor.user_id, password_hash=hash_password(OLD))
    tab = await opened(house)
    await tab.run(Profile.change_password, form={"old_password": old, "new_password": new, "again": again})
    assert set(tab.shown(Profile, "errors")) == {field}
    assert password_matches(OLD, house.world.one(User, house.ann.actor.user_id).password_hash)
    assert OLD not in str(tab.deltas) and NEW not in str(tab.deltas)


async def test_a_session_can_be_ended_from_another_one(house: House) -> None:
    other = house.log_in(house.ann.actor)
    tab = await opened(house)
    row = next(row for row in tab.shown(Profile, "sessions") if not row.current)
    await tab.run(Profile.end, id=row.id)
    assert sessions.who(house.tools, other.login) is None


async def test_another_users_session_can_not_be_ended(house: House) -> None:
    tab = await opened(house)
    await tab.run(Profile.end, id=house.bob.login[:16])
    assert sessions.who(house.tools, house.bob.login) is not None


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome · Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1 Version/17 Safari/605.1", "Safari · macOS"),
        ("curl/8.5", "curl/8.5"),
        ("", ""),
    ],
)
def test_a_browser_is_named(agent: str, words: str) -> None:
    assert browser_of(agent) == words
