"""Importing list prices on the Prices page, through its events. The list is the installed package's."""

from __future__ import annotations

from decimal import Decimal

from openopen8.core.models import PriceRow
from openopen8.core.services import prices
from openopen8.state.me import Me
from openopen8.state.price_catalogue import PriceCatalogue
from openopen8.state.prices import Prices
from tests.dashboard.conftest import House
from tests.dashboard.tab import Tab


async def opened(house: House) -> Tab:
    """A tab with the import open, in a house that serves two models of the list and two that it has not."""
    house.world.channel(models=("gpt-4o", "gpt-4o-mini", "unheard-of"))
    house.world.price("gpt-4o", "99", "99", valid_from=house.tools.now())
    tab = house.tab(house.root)
    await tab.run(Prices.load, path="/prices-test")
    await tab.run(PriceCatalogue.show)
    return tab


async def test_what_channels_serve_is_seen_first_with_what_would_change(house: House) -> None:
    tab = await opened(house)
    lines = {line.model: line for line in tab.shown(PriceCatalogue, "lines")}
    assert set(lines) == {"gpt-4o", "gpt-4o-mini"}
    changed, new = lines["gpt-4o"], lines["gpt-4o-mini"]
    assert (changed.state, changed.price, changed.before) == ("changed", "$2.50 / $10.00", "$198.00 / $198.00")
    assert changed.differs.startswith("input, output, cache read")
    assert (new.state, new.price, new.listed_as) == ("new", "$0.15 / $0.60", "openai/gpt-4o-mini")
    assert (changed.ticked, new.ticked) == (False, True), "what somebody has set is not overwritten by accident"
    assert tab.shown(PriceCatalogue, "ticked") == 1
    assert len(house.world.all(PriceRow)) == 2


async def test_only_what_is_ticked_is_imported_and_the_list_shows_it(house: House) -> None:
    tab = await opened(house)
    await tab.run(PriceCatalogue.fill)
    assert tab.shown(PriceCatalogue, "opened") is False
    assert tab.shown(Me, "notice").text == "Prices imported: 1"
    assert next(row for row in tab.shown(Prices, "rows") if row.model == "gpt-4o-mini").usd_in == "$0.15"
    assert prices.find(house.tools, house.root.actor, "gpt-4o").items[0].input == "99"
    await tab.run(PriceCatalogue.show)
    await tab.run(PriceCatalogue.tick, model="gpt-4o", on=True)
    await tab.run(PriceCatalogue.fill)
    current = next(x for x in house.world.all(PriceRow) if x.model == "gpt-4o" and x.deleted_at is None)
    assert current.input == Decimal("1.25"), "the later of two rows with one start"


async def test_a_provider_and_a_word_narrow_the_list(house: House) -> None:
    tab = await opened(house)
    assert {"openai", "anthropic", "google"} <= set(tab.shown(PriceCatalogue, "providers"))
    await tab.run(PriceCatalogue.choose, provider="openrouter")
    assert tab.shown(PriceCatalogue, "total") > len(tab.shown(PriceCatalogue, "lines")) == 200
    await tab.run(PriceCatalogue.choose, provider="anthropic")
    await tab.run(PriceCatalogue.search_for, value="sonnet-4-5")
    (line,) = tab.shown(PriceCatalogue, "lines")
    assert line.rest == "cache read, cache write, cache write 1h, long above, long, calls"
    await tab.run(PriceCatalogue.tick_all, on=False)
    assert tab.shown(PriceCatalogue, "ticked") == 0
    await tab.run(PriceCatalogue.fill)
    assert tab.shown(PriceCatalogue, "opened") is True, "nothing was ticked"
    await tab.run(PriceCatalogue.tick_all, on=True)
    await tab.run(PriceCatalogue.fill)
    assert prices.find(house.tools, house.root.actor, "sonnet-4-5").items[0].cache_write_1h == "3"


async def test_an_unknown_provider_lists_nothing(house: House) -> None:
    tab = await opened(house)
    await tab.run(PriceCatalogue.choose, provider="nobody")
    assert tab.shown(PriceCatalogue, "lines") == []
