"""The start page: the checklist ticks itself off, then come the figures."""

from __future__ import annotations

import asyncio
from typing import Any

from reflex_base.utils.format import format_event_handler

from openopen8.core.clock import DAY
from openopen8.core.models import Channel, PriceRow
from openopen8.core.services import overview
from openopen8.core.services.ledger.entries import touch
from openopen8.state.home import Home
from tests.dashboard.conftest import House, Person
from tests.dashboard.tab import Tab


def spend(house: House, person: Person, days_ago: int = 0, **fields: Any) -> None:
    """Usage of a moment."""
    house.world.used(person.actor, house.tools.now() - days_ago * DAY, **{"credits": 12_500} | fields)
    with house.tools.db.write() as session:
        touch(session, person.actor.user_id)


async def opened(house: House, person: Person) -> Tab:
    tab = house.tab(person)
    await tab.run(Home.load, path="/home-test")
    return tab


def steps(tab: Tab) -> tuple[bool, ...]:
    found = tab.shown(Home, "steps")
    return (found.channel, found.price, found.token, found.call)


async def test_the_checklist_ticks_itself_off_step_by_step(house: House) -> None:
    channel, price = house.world.all(Channel)[0], house.world.all(PriceRow)[0]
    house.world.change(Channel, channel.id, enabled=False)
    house.world.change(PriceRow, price.id, deleted_at=1)
    tab = await opened(house, house.root)
    assert tab.shown(Home, "finished") is not True
    loop = await tab.send(format_event_handler(Home.live), path="/home-test")

    async def until(done: tuple[bool, ...]) -> None:
        async with asyncio.timeout(20):
            while steps(tab) != done:
                await asyncio.sleep(0.05)

    house.world.change(Channel, channel.id, enabled=True)
    await until((True, False, False, False))
    house.world.change(PriceRow, price.id, deleted_at=None)
    await until((True, True, False, False))
    house.world.token(house.root.actor)
    with house.tools.db.write() as session:
        touch(session, house.root.actor.user_id)
    await until((True, True, True, False))
    assert tab.shown(Home, "sample").hint.startswith("sk-")
    spend(house, house.root)
    await until((True, True, True, True))
    assert tab.shown(Home, "finished") is True
    loop.cancel()


async def test_a_refused_call_does_not_tick_the_last_step(house: House) -> None:
    spend(house, house.ann, requests=2, errors=2, credits=0)
    assert not overview.steps(house.tools, house.ann.actor).call


async def test_a_price_counts_only_for_a_model_that_is_served(house: House) -> None:
    house.world.change(PriceRow, house.world.all(PriceRow)[0].id, deleted_at=1)
    house.world.price("nobody-serves-this")
    assert not overview.steps(house.tools, house.root.actor).price
    assert overview.unpriced(house.tools) == ("m", "n")


async def test_the_periods_add_up(house: House) -> None:
    for days in (0, 6, 7, 29, 30):
        spend(house, house.ann, days)
    periods = {x.period: (x.requests, x.credits) for x in overview.figures(house.tools, house.ann.actor)}
    assert periods == {"today": (1, 12_500), "week": (2, 25_000), "month": (4, 50_000)}


async def test_users_see_their_own_figures_and_admins_may_see_everyones(house: House) -> None:
    spend(house, house.ann)
    spend(house, house.root)
    user, admin = await opened(house, house.ann), await opened(house, house.root)
    for tab in (user, admin):
        assert tab.shown(Home, "periods")[0].requests == "1"
        await tab.run(Home.choose_scope, scope="everyone")
    assert user.shown(Home, "periods")[0].requests == "1"
    assert admin.shown(Home, "periods")[0].requests == "2"


async def test_the_largest_models_and_tokens_come_first_with_their_names(house: House) -> None:
    token, _ = house.world.token(house.ann.actor, name="app")
    spend(house, house.ann, token_id=token, model="dear", credits=90)
    spend(house, house.ann, token_id=99, model="cheap", credits=10)
    tab = await opened(house, house.ann)
    assert [(part.name, part.share) for part in tab.shown(Home, "models")] == [("dear", 100), ("cheap", 11)]
    assert [part.name for part in tab.shown(Home, "tokens")] == ["app", "#99"]
