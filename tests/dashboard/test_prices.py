"""The Prices page's state, through its events."""

from __future__ import annotations

from typing import Any

from openopen8.core.models import PriceRow
from openopen8.core.services import prices
from openopen8.core.services.forms import read
from openopen8.core.services.price_fields import PriceFields
from openopen8.state.me import Me
from openopen8.state.prices import Prices
from tests.dashboard.conftest import House
from tests.dashboard.tab import Tab


async def opened(house: House, query: str = "") -> Tab:
    tab = house.tab(house.root)
    await tab.run(Prices.load, path="/prices-test", query=query)
    return tab


def form(**fields: Any) -> dict[str, Any]:
    return {"model": "n", "input": "", "output": "", "cache_read": "", "reasoning": "", **fields}


async def test_models_that_are_served_without_a_price_are_named(house: House) -> None:
    assert (await opened(house)).shown(Prices, "unpriced") == ["n"]


async def test_the_checklists_link_opens_the_form_with_the_model_that_waits(house: House) -> None:
    tab = await opened(house, "new=1")
    assert (tab.shown(Prices, "editing"), tab.shown(Prices, "model")) == (True, "n")


async def test_usd_per_million_is_saved_as_credits_per_token(house: House) -> None:
    tab = await opened(house)
    await tab.run(Prices.add, model="n")
    await tab.run(Prices.save, form=form(input="10", output="30", cache_read="1"))
    saved = prices.find(house.tools, house.root.actor, "n").items[0]
    assert (saved.input, saved.output, saved.cache_read, saved.reasoning) == ("5", "15", "0.5", None)
    assert tab.shown(Prices, "editing") is False
    assert tab.shown(Prices, "unpriced") == []
    assert tab.shown(Me, "notice").kind == "success"


async def test_wrong_numbers_are_told_at_their_fields_and_nothing_is_saved(house: House) -> None:
    tab = await opened(house)
    await tab.run(Prices.add)
    await tab.run(Prices.save, form=form(model="", input="ten"))
    assert set(tab.shown(Prices, "errors")) == {"model", "input", "output"}
    assert tab.shown(Prices, "editing") is True
    assert any(event.name == "_set_focus" for event in tab.events)
    assert len(house.world.all(PriceRow)) == 1


async def test_a_price_that_begins_before_a_newer_one_is_refused_at_its_field(house: House) -> None:
    tab = await opened(house)
    house.world.price("n", valid_from=house.tools.now() - 1000)
    await tab.run(Prices.add, model="n")
    await tab.run(Prices.choose_start, moment="2020-01-01T00:00:00Z")
    await tab.run(Prices.save, form=form(input="1", output="1"))
    assert set(tab.shown(Prices, "errors")) == {"valid_from"}


async def test_changing_a_price_begins_with_its_numbers_and_keeps_its_history(house: House) -> None:
    tab = await opened(house)
    await tab.run(Prices.change, id=tab.shown(Prices, "rows")[0].id)
    assert [tab.shown(Prices, name) for name in ("model", "unit", "input", "output")] == ["m", "credits", "5", "15"]
    await tab.run(Prices.save, form=form(model="m", input="6", output="15"))
    await tab.run(Prices.look_back, model="m")
    assert [(row.input, row.status) for row in tab.shown(Prices, "history")] == [("6", "current"), ("5", "past")]


EVERYTHING: dict[str, Any] = {
    "cache_write": "6.25", "cache_write_1h": "10", "input_audio": "9", "input_image": "8", "cache_read_audio": "0.9",
    "cache_read_image": "0.8", "output_audio": "20", "output_image": "60", "long_above": 200_000,
    "long": {"input": "10", "output": "22.5", "cache_read_image": "3"}, "tiers": {"flex": "0.5", "priority": "2"},
    "calls": {"web_search": "5000"}, "units": {"seconds": "0.125"},
}  # fmt: skip


async def test_the_form_shows_and_keeps_all_that_a_price_says(house: House) -> None:
    fields = read(PriceFields, {"model": "w", "input": "5", "output": "15", **EVERYTHING})
    made = prices.create(house.tools, house.root.actor, fields)
    tab = await opened(house)
    row = next(row for row in tab.shown(Prices, "rows") if row.model == "w")
    assert (row.long, row.tiers, row.tools) == (True, True, True)
    await tab.run(Prices.change, id=made.id)
    assert tab.shown(Prices, "more") is True, "what is set is not folded away"
    shown = tab.shown(Prices, "rare")
    assert (shown["cache_write"], shown["long_above"], shown["long_output"]) == ("6.25", "200,000", "22.5")
    assert (shown["tiers"], shown["calls"]) == ("flex=0.5, priority=2", "web_search=5000")
    for unit in ("usd", "credits", "usd"):
        await tab.run(Prices.choose_unit, unit=unit)
    shown = tab.shown(Prices, "rare")
    assert (shown["cache_write"], shown["calls"], shown["tiers"]) == ("12.5", "web_search=0.01", "flex=0.5, priority=2")
    await tab.run(Prices.save, form={"model": "w", "input": "10", "output": "30", **shown})
    saved = prices.find(house.tools, house.root.actor, "w").items[0]
    assert {name: getattr(saved, name) for name in EVERYTHING} == EVERYTHING
    assert saved.id != made.id


async def test_the_rare_fields_are_folded_until_one_is_wrong(house: House) -> None:
    tab = await opened(house)
    await tab.run(Prices.add, model="n")
    assert not tab.shown(Prices, "more")
    wrong = {"cache_write": "x", "long_above": "many", "tiers": "flex", "long_input": "2"}
    await tab.run(Prices.save, form=form(input="1", output="1", **wrong))
    assert set(tab.shown(Prices, "errors")) == {"cache_write", "long_above", "tiers"}
    assert tab.shown(Prices, "more") is True
    await tab.run(Prices.save, form=form(input="1", output="1", long_above="10", long_input="2"))
    assert set(tab.shown(Prices, "errors")) == {"long_input"}, "the service's own refusal stands at a field of the form"
    assert prices.find(house.tools, house.root.actor, "n").total == 0


async def test_a_price_in_another_unit_than_the_public_list_is_asked_about_once(house: House) -> None:
    tab = await opened(house)
    await tab.run(Prices.add, model="gpt-4o")
    typed = {**form(input="2500000", output="10"), "model": "gpt-4o"}
    await tab.run(Prices.save, form=typed)
    (sentence,) = tab.shown(Prices, "far")
    assert sentence == "Input is more than 100 times off the public list price, 2.5."
    assert prices.find(house.tools, house.root.actor, "gpt-4o").total == 0
    await tab.run(Prices.save, form=typed)
    assert prices.find(house.tools, house.root.actor, "gpt-4o").total == 1


async def test_a_change_keeps_a_ratio_that_the_form_leaves_out(house: House) -> None:
    prices.create(house.tools, house.root.actor, PriceFields(model="w", input="5", output="15", cache_write="6.25"))
    tab = await opened(house)
    row = next(row for row in tab.shown(Prices, "rows") if row.model == "w")
    await tab.run(Prices.change, id=row.id)
    await tab.run(Prices.save, form=form(model="w", input="4", output="15"))
    saved = prices.find(house.tools, house.root.actor, "w").items[0]
    assert (saved.input, saved.cache_write) == ("4", "6.25")


async def test_a_price_per_call_has_no_tokens(house: House) -> None:
    tab = await opened(house)
    await tab.run(Prices.add, model="n")
    await tab.run(Prices.choose_mode, mode="call")
    await tab.run(Prices.save, form={"model": "n", "per_call": "0.04"})
    saved = prices.find(house.tools, house.root.actor, "n").items[0]
    assert (saved.per_call, saved.input) == ("20000", None)


async def test_a_price_goes_only_after_the_question(house: House) -> None:
    tab = await opened(house)
    id = tab.shown(Prices, "rows")[0].id
    await tab.run(Prices.delete)
    assert len(prices.find(house.tools, house.root.actor).items) == 1
    await tab.run(Prices.ask_delete, id=id)
    assert tab.shown(Prices, "doomed").model == "m"
    await tab.run(Prices.delete)
    assert prices.find(house.tools, house.root.actor).items == ()


async def test_changing_the_unit_converts_what_is_typed(house: House) -> None:
    tab = await opened(house)
    await tab.run(Prices.add, model="n")
    await tab.run(Prices.type_in, name="input", value="10")
    await tab.run(Prices.type_in, name="output", value="30")
    before = tab.shown(Prices, "worked")
    await tab.run(Prices.choose_unit, unit="credits")
    assert (tab.shown(Prices, "input"), tab.shown(Prices, "output")) == ("5", "15")
    assert tab.shown(Prices, "worked") == before and before.cost == "12,500"


async def test_only_numbers_of_the_form_can_be_typed_into(house: House) -> None:
    tab = await opened(house)
    await tab.run(Prices.type_in, name="rate", value="1")
    await tab.run(Prices.type_in, name="_user_id", value="1")
    assert tab.shown(Prices, "rate") == 500_000
