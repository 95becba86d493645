"""The Channels page's states, through their events, against a provider on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from openopen8.core.models import Channel, ChannelKey
from openopen8.core.security.secrets import hint_of
from openopen8.core.services import channels
from openopen8.core.tools import Tools
from openopen8.state.channel_form import ChannelForm
from openopen8.state.channel_rows import row_of
from openopen8.state.channel_test import ChannelTest
from openopen8.state.channels import Channels
from openopen8.state.me import Me
from tests.dashboard.conftest import House
from tests.dashboard.tab import Tab
from tests.fakes.upstream import FakeUpstream, as_asked, status
from tests.world import World

KEY = "sk-planted-provider-key-0001"


@pytest.fixture
def provider() -> Iterator[FakeUpstream]:
    with FakeUpstream(as_asked(), models=("alpha", "beta", "gamma")) as fake:
        yield fake


async def opened(house: House, query: str = "") -> Tab:
    tab = house.tab(house.root)
    await tab.run(Channels.load, path="/channels-test", query=query)
    return tab


def form(**fields: Any) -> dict[str, Any]:
    values = {"name": "Fresh", "type": "openai-compatible", "base_url": "http://127.0.0.1:9", "keys": "", "models": "m"}
    objects = {"model_mapping": "", "parameter_override": "", "header_override": "", "status_map": ""}
    rest = {"priority": "0", "weight": "1", "key_mode": "random", "test_model": "", "note": "", "auto_disable": "on"}
    rest |= {"proxy": ""}
    return values | objects | rest | {"group:default": "on"} | fields


def stored(house: House, name: str = "Fresh") -> channels.ChannelView:
    return channels.named(house.tools, house.root.actor, name)


async def test_the_checklists_link_opens_the_form(house: House) -> None:
    assert (await opened(house, "new=1")).shown(ChannelForm, "opened") is True


async def test_a_channel_is_saved_with_all_that_the_form_says(house: House) -> None:
    tab = await opened(house)
    await tab.run(ChannelForm.add)
    more = {"priority": "7", "weight": "3", "model_mapping": '{"m": "vendor-m"}', "status_map": '{"404": 503}'}
    await tab.run(ChannelForm.save, form=form(keys=f"{KEY}\nenv:OO8_KEY_B", models="m\nn, o", **more))
    saved = stored(house)
    assert (saved.models, saved.priority, saved.weight, saved.groups) == (("m", "n", "o"), 7, 3, ("default",))
    assert (saved.model_mapping, saved.status_map, saved.auto_disable) == ({"m": "vendor-m"}, {"404": 503}, True)
    assert [key.hint for key in saved.keys] == [hint_of(KEY), "env:OO8_KEY_B"]
    assert tab.shown(ChannelForm, "opened") is False
    assert "Fresh" in [row.name for row in tab.shown(Channels, "rows")]


async def test_no_key_ever_reaches_the_browser(house: House) -> None:
    tab = await opened(house)
    await tab.run(ChannelForm.add)
    await tab.run(ChannelForm.note_keys, value=KEY)
    await tab.run(ChannelForm.save, form=form(keys=KEY))
    await tab.run(ChannelForm.edit, id=stored(house).id)
    assert tab.shown(ChannelForm, "keys")[0].hint
    assert KEY not in str(tab.deltas) and KEY not in str(tab.events)


async def test_wrong_fields_are_told_where_they_are_and_nothing_is_saved(house: House) -> None:
    tab = await opened(house)
    await tab.run(ChannelForm.add)
    wrong = {"name": "", "priority": "high", "model_mapping": "[1]", "base_url": "ftp://x"}
    await tab.run(ChannelForm.save, form=form(**wrong))
    assert {"priority", "model_mapping"} <= set(tab.shown(ChannelForm, "errors"))
    assert tab.shown(ChannelForm, "more") is True
    await tab.run(ChannelForm.save, form=form(name="", status_map='{"x": 1}'))
    assert {"name", "status_map"} == set(tab.shown(ChannelForm, "errors"))
    await tab.run(ChannelForm.save, form=form(base_url="ftp://x"))
    assert {"base_url"} == set(tab.shown(ChannelForm, "errors"))
    assert len(house.world.all(Channel)) == 1


async def test_an_edit_without_keys_keeps_them_and_another_host_needs_them_again(house: House) -> None:
    tab = await opened(house)
    await tab.run(ChannelForm.add)
    await tab.run(ChannelForm.save, form=form(keys=KEY))
    before = [key.sealed for key in house.world.all(ChannelKey)]
    await tab.run(ChannelForm.edit, id=stored(house).id)
    await tab.run(ChannelForm.save, form=form(note="mine"))
    assert stored(house).note == "mine"
    assert [key.sealed for key in house.world.all(ChannelKey)] == before
    await tab.run(ChannelForm.edit, id=stored(house).id)
    await tab.run(ChannelForm.save, form=form(base_url="http://127.0.0.2:9"))
    assert set(tab.shown(ChannelForm, "errors")) == {"keys"}


async def test_a_proxy_is_saved_shown_without_its_password_and_kept_by_an_edit(house: House) -> None:
    tab = await opened(house)
    await tab.run(ChannelForm.add)
    await tab.run(ChannelForm.save, form=form(proxy="http://me:planted-word@proxy.test:3128", http2="on"))
    assert (stored(house).proxy, stored(house).http2) == ("http://me:***@proxy.test:3128", True)
    await tab.run(ChannelForm.edit, id=stored(house).id)
    draft = tab.shown(ChannelForm, "draft")
    assert (draft.proxy, draft.http2, tab.shown(ChannelForm, "more")) == (stored(house).proxy, True, True)
    before = house.world.one(Channel, stored(house).id).proxy_sealed
    await tab.run(ChannelForm.save, form=form(proxy=draft.proxy, note="mine"))
    row = house.world.one(Channel, stored(house).id)
    assert (row.note, row.proxy_sealed, row.http2) == ("mine", before, False)
    assert "planted-word" not in str(tab.deltas)


async def test_models_are_never_fetched_around_a_proxy(house: House, provider: FakeUpstream) -> None:
    tab = await opened(house)
    await tab.run(ChannelForm.add)
    await tab.run(ChannelForm.note_address, value=provider.url)
    await tab.run(ChannelForm.note_proxy, value="http://127.0.0.1:9")
    await tab.run(ChannelForm.fetch)
    assert tab.shown(ChannelForm, "fetch_error") and provider.requests == []
    await tab.run(ChannelForm.note_proxy, value=" ")
    await tab.run(ChannelForm.fetch)
    assert tab.shown(ChannelForm, "fetched") == ["alpha", "beta", "gamma"]


async def test_the_providers_models_are_fetched_with_the_typed_key_and_picked(
    house: House, provider: FakeUpstream
) -> None:
    tab = await opened(house)
    await tab.run(ChannelForm.add)
    await tab.run(ChannelForm.note_address, value=provider.url)
    await tab.run(ChannelForm.note_keys, value=KEY)
    await tab.run(ChannelForm.fetch)
    assert [offer.name for offer in tab.shown(ChannelForm, "offers")] == ["alpha", "beta", "gamma"]
    assert provider.requests[0].headers["authorization"] == f"Bearer {KEY}"
    await tab.run(ChannelForm.pick, **{"name": "beta"})
    assert tab.shown(ChannelForm, "models") == "beta"
    assert [offer.chosen for offer in tab.shown(ChannelForm, "offers")] == [False, True, False]
    await tab.run(ChannelForm.note_search, value="a")
    await tab.run(ChannelForm.pick_all, on=True)
    assert tab.shown(ChannelForm, "models").split() == ["alpha", "beta", "gamma"]


async def test_a_provider_that_refuses_says_why_in_the_form(house: House, provider: FakeUpstream) -> None:
    tab = await opened(house)
    await tab.run(ChannelForm.add)
    await tab.run(ChannelForm.fetch)
    assert tab.shown(ChannelForm, "fetch_error")
    await tab.run(ChannelForm.note_address, value="http://127.0.0.1:9")
    await tab.run(ChannelForm.fetch)
    assert tab.shown(ChannelForm, "fetch_error")
    assert tab.shown(ChannelForm, "fetching") is False


async def test_a_test_shows_answer_latency_and_first_token_and_is_kept(house: House, provider: FakeUpstream) -> None:
    id = house.world.channel(provider.url, ("m",), name="Well")
    tab = await opened(house)
    await tab.run(ChannelTest.ask, id=id)
    outcome = tab.shown(ChannelTest, "outcome")
    assert outcome.ok and outcome.answer and outcome.latency and outcome.first
    row = next(row for row in tab.shown(Channels, "rows") if row.id == id)
    assert row.test_ok and row.tested_at == house.tools.now()


async def test_a_failed_test_says_what_the_provider_said(house: House, provider: FakeUpstream) -> None:
    provider.script(status(401, {"error": {"message": "no such key"}}))
    id = house.world.channel(provider.url, ("m",), name="Ill")
    tab = await opened(house)
    await tab.run(ChannelTest.ask, id=id)
    outcome = tab.shown(ChannelTest, "outcome")
    assert outcome.done and not outcome.ok and outcome.error
    assert provider.url not in outcome.error


async def test_priority_and_weight_change_in_their_place(house: House) -> None:
    tab = await opened(house)
    id = tab.shown(Channels, "rows")[0].id
    await tab.run(Channels.renumber, **{"id": id, "name": "priority", "value": "9"})
    await tab.run(Channels.renumber, **{"id": id, "name": "weight", "value": "4"})
    row = tab.shown(Channels, "rows")[0]
    assert (row.priority, row.weight) == (9, 4)


@pytest.mark.parametrize("value", ["", "x", "1.5", "9999999999"])
async def test_a_wrong_number_shows_the_old_one_again(house: House, value: str) -> None:
    tab = await opened(house)
    await tab.run(Channels.renumber, **{"id": tab.shown(Channels, "rows")[0].id, "name": "weight", "value": value})
    assert tab.shown(Me, "notice").kind == "error"
    assert tab.shown(Channels, "revision") == 1
    assert house.world.all(Channel)[0].weight == 1


async def test_no_other_field_can_be_changed_in_place(house: House) -> None:
    tab = await opened(house)
    await tab.run(Channels.renumber, **{"id": tab.shown(Channels, "rows")[0].id, "name": "base_url", "value": "5"})
    assert house.world.all(Channel)[0].base_url == "http://127.0.0.1:9"


async def test_disabling_can_be_undone_and_deleting_asks_first(house: House) -> None:
    tab = await opened(house)
    id = tab.shown(Channels, "rows")[0].id
    await tab.run(Channels.switch, id=id, on=False)
    assert tab.shown(Channels, "rows")[0].state == "off" and tab.shown(Me, "notice").undo
    await tab.run(Channels.undo)
    assert tab.shown(Channels, "rows")[0].state == "on"
    await tab.run(Channels.delete)
    assert len(tab.shown(Channels, "rows")) == 1
    await tab.run(Channels.ask_delete, id=id)
    await tab.run(Channels.delete)
    assert tab.shown(Channels, "rows") == []


def test_every_state_of_a_channel_has_its_words(sqlite_tools: Tools) -> None:
    world = World(sqlite_tools)
    root, now = world.user("root", role="root"), sqlite_tools.now()
    names = ("on", "off", "switched", "rest", "key_rest", "no_key")
    ids = {name: world.channel(name=name) for name in names}
    world.change(Channel, ids["off"], enabled=False)
    world.change(Channel, ids["switched"], enabled=False, disabled_reason="No key is left")
    world.change(Channel, ids["rest"], rest_until=now + 5, rest_reason="429 from provider")
    for key in world.all(ChannelKey):
        if key.channel_id == ids["key_rest"]:
            world.change(ChannelKey, key.id, rest_until=now + 9, rest_reason="429")
        if key.channel_id == ids["no_key"]:
            world.change(ChannelKey, key.id, enabled=False, disabled_reason="401")
    rows = {name: row_of(channels.get(sqlite_tools, root, id)) for name, id in ids.items()}
    assert {name: row.state for name, row in rows.items()} == {name: name for name in names}
    assert (rows["rest"].until, rows["rest"].reason) == (now + 5, "429 from provider")
    assert rows["key_rest"].until == now + 9
