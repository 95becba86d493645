"""The Logs page's state, through its events."""

from __future__ import annotations

import asyncio
from typing import Any

from reflex_base.utils.format import format_event_handler

from openopen8.core.models import LogEntry
from openopen8.core.security.secrets import hint_of
from openopen8.core.services import options
from openopen8.core.services.ledger.entries import touch
from openopen8.state.log_filter import Wish
from openopen8.state.logs import Logs, look
from openopen8.state.me import Me
from tests.dashboard.conftest import House, Person
from tests.dashboard.tab import Tab


def write(house: House, person: Person, **fields: Any) -> int:
    """One entry of the log."""
    values = {"time": house.tools.now(), "user_id": person.actor.user_id, "status": 200, "model": "m", "credits": 5}
    with house.tools.db.write() as session:
        row = LogEntry(**values | {"request_id": f"req_{fields}"[:40]} | fields)
        session.add(row)
        session.flush()
        touch(session, person.actor.user_id)
        return row.id or 0


async def opened(house: House, person: Person, query: str = "") -> Tab:
    tab = house.tab(person)
    await tab.run(Logs.load, path="/logs-test", query=query)
    return tab


def ids(tab: Tab) -> list[int]:
    return [row.id for row in tab.shown(Logs, "rows")]


async def test_users_see_their_own_entries_and_admins_all(house: House) -> None:
    mine, other = write(house, house.ann), write(house, house.bob)
    assert ids(await opened(house, house.ann)) == [mine]
    assert ids(await opened(house, house.root)) == [other, mine]


async def test_the_token_filter_shows_only_that_tokens_requests(house: House) -> None:
    token, _ = house.world.token(house.ann.actor, name="app")
    hit = write(house, house.ann, token_id=token)
    write(house, house.ann)
    tab = await opened(house, house.ann)
    assert [choice.label for choice in tab.shown(Logs, "tokens")] == ["app"]
    await tab.run(Logs.choose, name="token", value=str(token))
    assert ids(tab) == [hit]
    assert tab.shown(Logs, "address") == f"/logs?token={token}"


async def test_a_deleted_tokens_entries_can_still_be_filtered(house: House) -> None:
    token, _ = house.world.token(house.ann.actor, name="gone", deleted_at=1)
    hit = write(house, house.ann, token_id=token)
    tab = await opened(house, house.ann, f"token={token}")
    assert ids(tab) == [hit]
    assert tab.shown(Logs, "rows")[0].token == "gone"


async def test_the_sums_are_those_of_the_filter(house: House) -> None:
    write(house, house.ann, credits=12_500, input_tokens=1_000, output_tokens=500)
    write(house, house.ann, credits=0, status=429)
    tab = await opened(house, house.ann)
    sums = tab.shown(Logs, "sums")
    assert (sums.requests, sums.tokens_in, sums.tokens_out, sums.credits) == ("2", "1,000", "500", "12,500")
    await tab.run(Logs.choose, name="status", value="429")
    assert tab.shown(Logs, "sums").requests == "1"


async def test_a_request_is_found_by_its_id_whatever_its_age(house: House) -> None:
    old = write(house, house.ann, request_id="req_old", time=1)
    tab = await opened(house, house.ann)
    await tab.run(Logs.search_for, value="req_old")
    assert ids(tab) == [old]


async def test_a_name_that_is_no_filter_changes_nothing(house: House) -> None:
    tab = await opened(house, house.ann)
    await tab.run(Logs.choose, name="_user_id", value="3")
    await tab.run(Logs.choose, name="rows", value="x")
    assert tab.shown(Logs, "rows") == []


async def test_a_user_who_asks_for_another_user_gets_a_refusal_and_no_rows(house: House) -> None:
    write(house, house.bob)
    tab = await opened(house, house.ann, f"user={house.bob.actor.user_id}")
    assert not tab.shown(Logs, "rows")
    assert "admin" in tab.shown(Logs, "failure")


async def test_another_users_entry_does_not_open(house: House) -> None:
    foreign = write(house, house.bob)
    tab = await opened(house, house.ann)
    await tab.run(Logs.open, id=foreign)
    assert not tab.shown(Logs, "opened")
    assert tab.shown(Me, "notice").kind == "error"


async def test_an_opened_entry_shows_channel_and_retries_to_admins_only(house: House) -> None:
    id = write(house, house.ann, channel_id=1, retries=2)
    admin, user = await opened(house, house.root), await opened(house, house.ann)
    for tab in (admin, user):
        await tab.run(Logs.open, id=id)
    assert (admin.shown(Logs, "entry").channel != "", admin.shown(Logs, "entry").retries) == (True, 2)
    assert (user.shown(Logs, "entry").channel, user.shown(Logs, "entry").retries) == ("", 0)


async def until(what: Any) -> None:
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.05)


async def test_new_entries_come_by_themselves_and_are_marked(house: House) -> None:
    first = write(house, house.ann)
    tab = await opened(house, house.ann)
    loop = await tab.send(format_event_handler(Logs.live), path="/logs-test")
    second = write(house, house.ann)
    await until(lambda: ids(tab) == [second, first])
    assert [row.fresh for row in tab.shown(Logs, "rows")] == [True, False]
    loop.cancel()


async def test_while_the_reader_scrolls_new_entries_wait_and_are_counted(house: House) -> None:
    first = write(house, house.ann)
    tab = await opened(house, house.ann)
    await tab.run(Logs.scroll, down=True)
    loop = await tab.send(format_event_handler(Logs.live), path="/logs-test")
    second = write(house, house.ann)
    await until(lambda: tab.shown(Logs, "waiting") == 1)
    assert ids(tab) == [first]
    await tab.run(Logs.newest)
    assert ids(tab) == [second, first]
    assert [row.fresh for row in tab.shown(Logs, "rows")] == [True, False]
    assert tab.shown(Logs, "waiting") == 0
    loop.cancel()


async def test_the_next_page_goes_on_where_the_last_one_ended_though_entries_came(house: House) -> None:
    all = [write(house, house.ann, request_id=f"req_{n}") for n in range(60)][::-1]
    tab = await opened(house, house.ann)
    await tab.run(Logs.switch_live, on=False)
    write(house, house.ann)
    await tab.run(Logs.turn_to, page=2)
    assert ids(tab) == all[50:]
    await tab.run(Logs.turn_to, page=1)
    assert len(ids(tab)) == 50 and ids(tab)[1:] == all[:49]


async def test_the_page_says_for_how_long_requests_are_kept(house: House) -> None:
    assert not (await opened(house, house.ann)).shown(Logs, "kept")
    options.set(house.tools, house.root.actor, {"log_retention_days": 30})
    assert (await opened(house, house.ann)).shown(Logs, "kept") == 30


async def test_a_search_that_took_its_time_says_so_and_goes_on(house: House) -> None:
    write(house, house.ann)
    found = look(house.tools, house.ann.actor, Wish())
    assert found.next is None
    tab = await opened(house, house.ann)
    assert not tab.shown(Logs, "partly")
    await tab.run(Logs.further)
    assert tab.shown(Logs, "page") in (None, 1), "there is nothing further"


async def test_a_switched_off_log_stays_as_it_is(house: House) -> None:
    tab = await opened(house, house.ann)
    await tab.run(Logs.switch_live, on=False)
    write(house, house.ann)
    await tab.run(Logs.scroll, down=False)
    assert ids(tab) == []
    await tab.run(Logs.switch_live, on=True)
    assert len(ids(tab)) == 1


async def test_a_custom_span_without_a_length_is_told_at_the_field(house: House) -> None:
    tab = await opened(house, house.ann)
    await tab.run(Logs.choose, name="span", value="custom")
    await tab.run(Logs.choose_since, value="2026-09-21T10:00:00Z")
    await tab.run(Logs.choose_until, value="2026-09-21T09:00:00Z")
    await tab.run(Logs.choose_times)
    assert tab.shown(Logs, "time_error") == "bad_time"
    await tab.run(Logs.choose_until, value="2026-09-21T11:00:00Z")
    await tab.run(Logs.choose_times)
    assert "span=custom" in tab.shown(Logs, "address")


async def test_the_empty_log_offers_a_call_with_one_of_the_readers_tokens(house: House) -> None:
    without = (await opened(house, house.ann)).shown(Logs, "sample")
    assert without is None or without.hint == ""
    _, value = house.world.token(house.ann.actor, name="app")
    sample = (await opened(house, house.ann)).shown(Logs, "sample")
    assert (sample.hint, sample.model) == (hint_of(value), "m")
