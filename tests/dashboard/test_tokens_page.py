"""The list of tokens, its sheet and its dialogs, as a tab sees them."""

from __future__ import annotations

import asyncio
from typing import Any

from reflex_base.utils.format import format_event_handler

from openopen8.core.clock import DAY
from openopen8.core.models import Token
from openopen8.core.services import tokens
from openopen8.core.services.ledger import entries
from openopen8.state.me import Me
from openopen8.state.token_deeds import TokenDeeds
from openopen8.state.token_form import TokenForm
from openopen8.state.token_value import TokenValue
from openopen8.state.tokens import Tokens
from tests.dashboard.conftest import House
from tests.dashboard.tab import Tab


async def opened(house: House, query: str = "") -> Tab:
    tab = house.tab(house.ann)
    await tab.run(Tokens.load, query=query)
    return tab


def form(**fields: Any) -> dict[str, Any]:
    """What the browser sends; the folded fields come as None."""
    return {"name": "app", "quota": "0", "expires_at": "", "ip_whitelist": "", "group": "", "rate_limit": None} | fields


def names(tab: Tab) -> list[str]:
    return [row.name for row in tab.shown(Tokens, "rows")]


async def test_the_view_comes_from_the_address_and_goes_into_it(house: House) -> None:
    for number in range(25):
        house.world.token(house.ann.actor, name=f"token-{number:02}")
    house.world.token(house.ann.actor, name="off", enabled=False)
    tab = await opened(house, "status=enabled&sort=name&page=2")
    assert names(tab) == [f"token-{number:02}" for number in range(20, 25)]
    assert tab.shown(Tokens, "address") == "/tokens?status=enabled&sort=name&page=2"
    assert tab.shown(Tokens, "counts") == {"": 26, "enabled": 25, "disabled": 1, "expired": 0, "exhausted": 0}


async def test_the_checklists_link_opens_the_sheet(house: House) -> None:
    assert (await opened(house, "new=1")).shown(TokenForm, "open") is True
    assert not (await opened(house)).shown(TokenForm, "open")


async def test_an_impossible_address_shows_the_first_page(house: House) -> None:
    house.world.token(house.ann.actor, name="only")
    tab = await opened(house, "status=%27--&sort=key_hash&page=99999")
    assert names(tab) == ["only"]
    assert tab.shown(Tokens, "page") in (None, 1)


async def test_search_status_and_pages_narrow_the_list(house: House) -> None:
    for name in ("my web", "my worker", "mobile"):  # no hint holds a space
        house.world.token(house.ann.actor, name=name)
    tab = await opened(house)
    await tab.run(Tokens.search_for, value="MY ")
    assert sorted(names(tab)) == ["my web", "my worker"]
    await tab.run(Tokens.filter_by, status="disabled")
    assert names(tab) == []
    await tab.run(Tokens.show_all)
    assert len(names(tab)) == 3


async def test_disable_takes_effect_and_can_be_undone(house: House) -> None:
    id, _ = house.world.token(house.ann.actor, name="web")
    tab = await opened(house)
    await tab.run(Tokens.set_enabled, token_id=id, enabled=False)
    assert tab.shown(Tokens, "rows")[0].status == "disabled"
    notice = tab.shown(Me, "notice")
    assert notice.undo and "web" in notice.text
    await tab.run(Tokens.undo)
    assert tab.shown(Tokens, "rows")[0].status == "enabled"


async def test_ticked_rows_are_disabled_and_deleted_together(house: House) -> None:
    ids = [house.world.token(house.ann.actor, name=name)[0] for name in ("a", "b", "c")]
    tab = await opened(house)
    await tab.run(Tokens.tick, token_id=ids[0])
    await tab.run(Tokens.tick, token_id=ids[1])
    await tab.run(Tokens.switch_ticked, enabled=False)
    assert tab.shown(Tokens, "counts")["disabled"] == 2
    await tab.run(Tokens.tick_all, on=True)
    await tab.run(Tokens.ask_delete, on=True)
    assert tab.shown(Tokens, "deleting") is True
    await tab.run(Tokens.delete_ticked)
    assert names(tab) == []


async def test_a_row_that_is_not_on_show_can_not_be_ticked(house: House) -> None:
    foreign, _ = house.world.token(house.bob.actor)
    tab = await opened(house)
    await tab.run(Tokens.tick, token_id=foreign)
    assert not tab.shown(Tokens, "ticked")


async def test_save_shows_the_value_once_with_ready_calls(house: House) -> None:
    tab = await opened(house)
    await tab.run(TokenForm.add)
    await tab.run(TokenForm.save, form=form(name="my-app", quota="100,000"))
    value = tab.shown(TokenValue, "value")
    assert value.startswith("sk-") and len(value) == 51
    calls = tab.shown(TokenValue, "calls")
    assert [call.key for call in calls] == ["curl", "python", "javascript", "claude", "gemini"]
    assert all(value in call.code and '"m"' in call.code for call in calls)
    assert names(tab) == ["my-app"] and tab.shown(TokenForm, "open") is False
    await tab.run(TokenValue.leave, open=False)
    assert tab.shown(TokenValue, "leaving") is True and tab.shown(TokenValue, "value") == value
    await tab.run(TokenValue.stored)
    assert tab.shown(TokenValue, "value") == "" and tab.shown(TokenValue, "calls") == []


async def test_a_page_load_clears_the_value(house: House) -> None:
    tab = await opened(house)
    await tab.run(TokenForm.add)
    await tab.run(TokenForm.save, form=form())
    assert tab.shown(TokenValue, "value")
    await tab.run(Tokens.load)
    assert tab.shown(TokenValue, "value") == ""


async def test_every_field_of_the_form_reaches_the_token(house: House) -> None:
    house.world.group("vip", "0.5", selectable=True)
    tab = await opened(house)
    await tab.run(TokenForm.add)
    await tab.run(TokenForm.set_expires, ms=float(house.tools.now() + DAY))
    await tab.run(TokenForm.set_group, value="vip")
    await tab.run(TokenForm.set_period, value="daily")
    await tab.run(TokenForm.tick_model, name="m")
    await tab.run(TokenForm.set_typed_model, value="not-yet, other")
    await tab.run(TokenForm.save, form=form(quota="5", ip_whitelist="10.1.2.3/8\n::1", rate_limit="7"))
    token = tokens.find(house.tools, house.ann.actor).items[0]
    assert (token.quota, token.quota_period, token.rate_limit, token.group) == (5, "daily", 7, "vip")
    assert token.allowed_models == ("m", "not-yet", "other")
    assert token.ip_whitelist == ("10.0.0.0/8", "::1")
    assert token.expires_at == house.tools.now() + DAY


async def test_errors_stand_at_their_field_the_first_gets_the_focus_and_nothing_is_lost(house: House) -> None:
    tab = await opened(house)
    await tab.run(TokenForm.add)
    await tab.run(TokenForm.save, form=form(name=" ", quota="lots", ip_whitelist="300.1.1.1", rate_limit="0"))
    errors = tab.shown(TokenForm, "errors")
    assert list(errors) == ["name", "quota", "ip_whitelist", "rate_limit"]
    assert errors["ip_whitelist"] == "300.1.1.1 is not an address"
    assert tab.events[-1].name == "_set_focus" and tab.events[-1].payload["ref"] == "ref_name"
    assert tab.shown(TokenForm, "quota") == "lots" and tab.shown(TokenForm, "ranges") == "300.1.1.1"
    assert tab.shown(TokenForm, "saving") is False and tab.shown(TokenForm, "open") is True
    assert tokens.find(house.tools, house.ann.actor).total == 0


async def test_what_only_the_service_refuses_stands_at_its_field_too(house: House) -> None:
    tab = await opened(house)
    await tab.run(TokenForm.add)
    await tab.run(TokenForm.set_group, value="no-such-group")
    await tab.run(TokenForm.save, form=form(quota="9" * 16))
    assert set(tab.shown(TokenForm, "errors")) & {"quota", "group"}


async def test_a_second_click_on_save_makes_no_second_token(house: House) -> None:
    tab = await opened(house)
    await tab.run(TokenForm.add)
    wire = format_event_handler(TokenForm.save)
    first, second = await tab.send(wire, form=form()), await tab.send(wire, form=form())
    await asyncio.wait_for(asyncio.gather(first.wait_all(), second.wait_all()), 20)
    assert tokens.find(house.tools, house.ann.actor).total == 1


async def test_edit_changes_only_what_was_changed_here(house: House) -> None:
    id, _ = house.world.token(house.ann.actor, name="web", quota=10, expires_at=house.tools.now() + DAY + 123)
    tab = await opened(house)
    await tab.run(TokenForm.edit, token_id=id)
    house.world.change(Token, id, rate_limit=9)
    await tab.run(TokenForm.save, form=form(name="web 2", quota="10"))
    token = tokens.get(house.tools, house.ann.actor, id)
    assert (token.name, token.rate_limit, token.expires_at) == ("web 2", 9, house.tools.now() + DAY + 123)
    assert not tab.shown(TokenValue, "value")


async def test_quick_help_says_worth_price_and_addresses(house: House) -> None:
    tab = await opened(house)
    await tab.run(TokenForm.add)
    await tab.run(TokenForm.set_quota, value="12,500")
    assert tab.shown(TokenForm, "quota_worth") == "$0.025"
    await tab.run(TokenForm.set_ranges, value="10.0.0.0/8 1.2.3.4 2001:db8::/32 300.1.1.1")
    assert [entry.words for entry in tab.shown(TokenForm, "entries")] == [
        "10.0.0.0/8: 16.7 million addresses",
        "1.2.3.4: one address",
        "2001:db8::/32: 2^96 addresses",
        "300.1.1.1 is not an address",
    ]
    assert [(x.name, x.price) for x in tab.shown(TokenForm, "options")] == [("m", "$10 in · $30 out per million")]


async def test_the_group_decides_models_and_prices(house: House) -> None:
    house.world.group("vip", "0.5", selectable=True)
    tab = await opened(house)
    await tab.run(TokenForm.add)
    assert [group.value for group in tab.shown(TokenForm, "groups")] == ["", "default", "vip"]
    await tab.run(TokenForm.set_group, value="vip")
    assert tab.shown(TokenForm, "options") == []


async def test_top_up_raises_the_quota_and_wrong_amounts_are_told(house: House) -> None:
    id, _ = house.world.token(house.ann.actor, name="web", quota=10)
    tab = await opened(house)
    await tab.run(TokenDeeds.ask, deed="topup", token_id=id)
    await tab.run(TokenDeeds.top_up, form={"amount": "-5"})
    assert tab.shown(TokenDeeds, "error")
    await tab.run(TokenDeeds.top_up, form={"amount": "1,000"})
    assert tokens.get(house.tools, house.ann.actor, id).quota == 1010


async def test_rotate_shows_a_new_value_and_only_known_grace_periods_count(house: House) -> None:
    id, _ = house.world.token(house.ann.actor, name="web")
    tab = await opened(house)
    await tab.run(TokenDeeds.ask, deed="rotate", token_id=id)
    await tab.run(TokenDeeds.set_grace, seconds=12)
    assert not tab.shown(TokenDeeds, "grace")
    await tab.run(TokenDeeds.set_grace, seconds=3600)
    await tab.run(TokenDeeds.rotate)
    assert tab.shown(TokenValue, "value").startswith("sk-")
    row = house.world.one(Token, id)
    assert row.old_key_until == house.tools.now() + 3_600_000


async def test_delete_tells_what_will_break_and_then_deletes(house: House) -> None:
    id, _ = house.world.token(house.ann.actor, name="web")
    tab = await opened(house)
    await tab.run(TokenDeeds.ask, deed="delete", token_id=id)
    assert tab.shown(TokenDeeds, "token_name") == "web" and tab.shown(TokenDeeds, "deed") == "delete"
    await tab.run(TokenDeeds.delete)
    assert tokens.find(house.tools, house.ann.actor).total == 0 and names(tab) == []


async def test_a_charge_shows_in_the_open_list_and_only_its_row_glows(house: House) -> None:
    moved, _ = house.world.token(house.ann.actor, name="moved", quota=100)
    house.world.token(house.ann.actor, name="still")
    tab = await opened(house)
    live = await tab.send(format_event_handler(Tokens.live))
    await asyncio.sleep(0.3)
    with house.tools.db.write() as session:
        from openopen8.core.models import TokenCounter

        session.get(TokenCounter, moved).used = 40  # type: ignore[union-attr]
        entries.touch(session, house.ann.actor.user_id)
    rows = await _until(tab, lambda rows: any(row.used == 40 for row in rows))
    live.cancel()
    assert {row.name: (row.percent, bool(row.glow)) for row in rows} == {"moved": (40, True), "still": (0, False)}


async def test_what_is_anothers_wakes_nobody_and_nothing_is_sent_again(house: House) -> None:
    house.world.token(house.ann.actor)
    tab = await opened(house)
    live = await tab.send(format_event_handler(Tokens.live))
    await asyncio.sleep(0.6)
    before = len(tab.deltas)
    house.world.token(house.bob.actor)
    with house.tools.db.write() as session:
        entries.touch(session, house.bob.actor.user_id)
    await asyncio.sleep(0.8)
    live.cancel()
    assert not [delta for delta in tab.deltas[before:] if Tokens.get_full_name() in delta]


async def _until(tab: Tab, right: Any) -> Any:
    async with asyncio.timeout(10):
        while True:
            rows = tab.shown(Tokens, "rows") or []
            if right(rows):
                return rows
            await asyncio.sleep(0.02)


async def test_a_notice_that_has_faded_does_not_come_up_again_on_the_next_page(house: House) -> None:
    id, _ = house.world.token(house.ann.actor)
    tab = await opened(house)
    await tab.run(Tokens.set_enabled, token_id=id, enabled=False)
    assert tab.shown(Me, "notice").id > 0

    async def turn_the_page() -> None:
        running = await tab.send(format_event_handler(Me.watch))
        await asyncio.sleep(0.3)
        running.cancel()

    await turn_the_page()
    assert tab.shown(Me, "notice").id > 0
    house.tools.clock.advance(9_000)  # type: ignore[attr-defined]
    await turn_the_page()
    assert tab.shown(Me, "notice").id == 0
