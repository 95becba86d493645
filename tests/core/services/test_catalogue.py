"""Prices from the public list: what is seen is what is done. The list is made up; the last tests read the real one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.types import (
    ClauseContains,
    ClauseEquals,
    ClauseStartsWith,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from openopen8.core.clock import to_ms
from openopen8.core.errors import Problem
from openopen8.core.models import LogEntry, PriceRow
from openopen8.core.rules.roles import COMMAND_LINE
from openopen8.core.services import catalogue, price_list, prices
from openopen8.core.services.catalogue import Choice, Filled, FillFields, Proposal
from openopen8.core.services.forms import read
from openopen8.core.services.price_fields import PriceFields
from openopen8.core.services.price_list import Offer, PriceList
from openopen8.core.services.snapshot import load_snapshot
from openopen8.core.tools import Tools
from tests.conftest import START
from tests.world import World

D = Decimal
SOON = date(2027, 1, 1)
SOON_MS = to_ms(datetime.combine(SOON, time.min, UTC))


def model(id: str, prices: Any, variants: list[PriceVariant] | None = None) -> ModelInfo:
    return ModelInfo(id=id, match=ClauseStartsWith(starts_with=id), prices=prices, price_variants=variants)


def steps(base: str, start: int, price: str) -> TieredPrices:
    return TieredPrices(base=D(base), tiers=[Tier(start=start, price=D(price))])


PLAIN = model("plain", ModelPrice(input_mtok=D("2.5"), output_mtok=D(10), cache_read_mtok=D("0.25")))
FULL = model(
    "full",
    ModelPrice(
        input_mtok=steps("2", 200_000, "4"),
        output_mtok=steps("10", 200_000, "15"),
        cache_read_mtok=D("0.2"),
        cache_write_mtok=D("2.5"),
        cache_write_1h_mtok=D(4),
        input_audio_mtok=D(6),
        web_searches_kcount=D(10),
        requests_kcount=D(5),
    ),
    [
        PriceVariant({"service_tier": "default"}, ModelPrice()),
        PriceVariant({"service_tier": "flex"}, ModelPrice(
            input_mtok=steps("1", 200_000, "2"), output_mtok=steps("5", 200_000, "7.5"), cache_read_mtok=D("0.1"),
            cache_write_mtok=D("1.25"), cache_write_1h_mtok=D(2), input_audio_mtok=D(3))),
        PriceVariant({"service_tier": "priority"}, ModelPrice(input_mtok=D(4), output_mtok=D(20))),
        PriceVariant({"processing": "batch"}, ModelPrice(input_mtok=D(1), output_mtok=D(10))),
        PriceVariant({"region": "eu"}, ModelPrice(input_mtok=D(9))),
    ],
)  # fmt: skip
DATED = model(
    "dated",
    [
        ConditionalPrice(prices=ModelPrice(input_mtok=D(1), output_mtok=D(2))),
        ConditionalPrice(StartDateConstraint(date(2026, 1, 1)), prices=ModelPrice(input_mtok=D(3), output_mtok=D(4))),
        ConditionalPrice(StartDateConstraint(SOON), prices=ModelPrice(input_mtok=D(5), output_mtok=D(6))),
    ],
)
NIGHTLY = model(
    "nightly",
    [
        ConditionalPrice(prices=ModelPrice(input_mtok=D(1), output_mtok=D(2))),
        ConditionalPrice(TimeOfDateConstraint(time(0), time(23)), prices=ModelPrice(input_mtok=D("0.1"))),
    ],
)
SPEECH = model("speech", ModelPrice(audio_hours=D("0.36"), input_audio_hours=D("0.36")))
FREE = ModelInfo(id="free", match=ClauseEquals(equals="free"), prices=ModelPrice())


def listing(*, plain: ModelInfo = PLAIN) -> PriceList:
    maker = Provider("maker", "Maker", "x", model_match=ClauseContains(contains="a"),
                     models=[plain, FULL, DATED, NIGHTLY, SPEECH, FREE])  # fmt: skip
    seller = Provider("seller", "Seller", "x", models=[model("plain", ModelPrice(input_mtok=D(9), output_mtok=D(9)))])
    return PriceList([seller, maker], START)


def offers(name: str) -> tuple[Offer, ...]:
    found = listing().find(name)
    assert found is not None
    return found.offers


def test_a_list_price_becomes_every_bucket_of_ours() -> None:
    (offer,) = offers("full")
    values = catalogue.values_of(offer, 500_000)
    assert {name: value for name, value in values.items() if value is not None} == {
        "input": D(1),
        "output": D(5),
        "cache_read": D("0.1"),
        "cache_write": D("1.25"),
        "cache_write_1h": D(2),
        "input_audio": D(3),
        "long_above": 200_000,
        "long": {"input": D(2), "output": D("7.5"), "cache_read": D("0.1"), "cache_write": D("1.25"),
                 "cache_write_1h": D(2), "input_audio": D(3)},
        "tiers": {"flex": D("0.5"), "priority": D(2)},
        "calls": {"web_search": D(5000)},
    }  # fmt: skip
    assert offer.left_out == (
        "tier priority of some kinds of tokens", "tier batch", "prices by region", "requests_kcount",
    )  # fmt: skip


def test_prices_by_date_are_what_holds_now_and_what_is_announced() -> None:
    now, later = offers("dated")
    assert (now.valid_from, now.tokens) == (None, {"input": D(3), "output": D(4)})
    assert (later.valid_from, later.tokens) == (SOON_MS, {"input": D(5), "output": D(6)})


def test_prices_by_time_of_day_are_left_out_and_said() -> None:
    (offer,) = listing().of_provider("maker")[3].offers
    assert (offer.tokens["input"], offer.left_out) == (D(1), ("prices by time of day",))


def test_an_hour_of_audio_is_charged_by_the_second() -> None:
    (offer,) = listing().of_provider("maker")[4].offers
    assert catalogue.values_of(offer, 500_000)["units"] == {"seconds": D(50)}


def test_a_model_is_found_by_its_names_at_its_maker_first() -> None:
    found = listing().find("plain-2026-01-01")
    assert found is not None and (found.provider, found.model) == ("maker", "plain")
    seller = listing().find("plain", "seller")
    assert seller is not None and seller.provider == "seller"
    assert listing().find("unheard-of") is None
    assert listing().find("free") is None, "a model without a price is none that is free"


def test_odd_rates_keep_twelve_decimals() -> None:
    offer = Offer(None, {"input": D("0.1"), "output": D("0.3")}, units={"seconds": D("0.111") / 3600})
    values = catalogue.values_of(offer, 7)
    assert (values["input"], values["units"]) == (D("0.0000007"), {"seconds": D("0.000215833333")})
    read(PriceFields, {"model": "m", "input": values["input"], "output": values["output"], "units": values["units"]})


def preview(tools: Tools, **choice: Any) -> dict[str, Proposal]:
    found = catalogue.preview(tools, COMMAND_LINE, Choice(**choice), listing())
    return {x.model: x for x in found}


def test_the_preview_tells_new_changed_and_unchanged_apart(tools: Tools) -> None:
    world = World(tools)
    root = world.user("root", role="root")
    world.price("plain", "1.25", "5", cache_read=D("0.125"))
    world.price("full", "1", "5")
    found = preview(tools, provider="maker")
    states = {name: x.state for name, x in found.items()}
    assert states == {"plain": "unchanged", "full": "changed", "dated": "new", "nightly": "new", "speech": "new"}
    assert found["full"].differs == ("cache_read", "cache_write", "cache_write_1h", "input_audio", "long_above", "long",
                                     "tiers", "calls")  # fmt: skip
    assert found["full"].before is not None and found["full"].before["cache_read"] is None
    assert (found["dated"].price["input"], found["dated"].later[str(SOON_MS)]["input"]) == ("1.5", "2.5")
    assert len(world.all(PriceRow)) == 2, "looking changes nothing"
    done = catalogue.fill(tools, root, FillFields(provider="maker"), listing())
    assert done == Filled(3, 1, 1)
    assert {x.state for x in preview(tools, provider="maker").values()} == {"unchanged"}


def test_filling_in_sets_what_holds_and_what_comes(tools: Tools) -> None:
    world = World(tools)
    root = world.user("root", role="root")
    world.price("dated", "99", "99")
    catalogue.fill(tools, root, FillFields(models=["dated"]), listing())
    rows = load_snapshot(tools).prices["dated"]
    assert [(x.valid_from, x.input) for x in rows] == [(0, D(99)), (tools.now(), D("1.5")), (SOON_MS, D("2.5"))]
    (told,) = [x.error for x in world.all(LogEntry) if x.kind == "admin"]
    assert "filled in list prices of dated" in told


def test_every_field_survives_its_way_into_the_workers_memory(tools: Tools) -> None:
    root = World(tools).user("root", role="root")
    catalogue.fill(tools, root, FillFields(models=["full"], provider="maker"), listing())
    (price,) = load_snapshot(tools).prices["full"]
    assert price.rates.ratios["input_audio"] == D(3) and price.rates.ratios["cache_write_1h"] == D(2)
    assert (price.long_above, price.long.input, price.long.ratios["cache_write"]) == (200_000, D(2), D("1.25"))
    assert dict(price.tiers) == {"flex": D("0.5"), "priority": D(2)} and price.calls == (("web_search", D(5000)),)


def test_only_new_ones_may_be_filled_in(tools: Tools) -> None:
    world = World(tools)
    root = world.user("root", role="root")
    world.price("full", "1", "5")
    done = catalogue.fill(tools, root, FillFields(provider="maker", search="u", new_only=True), listing())
    assert done == Filled(0, 0, 1)


def test_served_models_are_found_whatever_they_are_called(tools: Tools) -> None:
    world = World(tools)
    world.channel(models=("plain-2026-01-01", "unheard-of", "full"))
    world.channel(models=("dated",), enabled=False)
    found = preview(tools, served=True)
    assert {name: (x.provider, x.listed_as) for name, x in found.items()} == {
        "plain-2026-01-01": ("maker", "plain"),
        "full": ("maker", "full"),
    }
    assert preview(tools, served=True, search="2026").keys() == {"plain-2026-01-01"}


def test_a_choice_names_something(tools: Tools) -> None:
    with pytest.raises(Problem) as refused:
        preview(tools)
    assert (refused.value.status, refused.value.param) == (400, "provider")


def test_only_admins_see_the_list_or_fill_it_in(tools: Tools) -> None:
    ann = World(tools).user("ann")
    for call in (
        lambda: catalogue.preview(tools, ann, Choice(provider="maker"), listing()),
        lambda: catalogue.fill(tools, ann, FillFields(provider="maker"), listing()),
        lambda: catalogue.providers(tools, ann, listing()),
    ):
        with pytest.raises(Problem) as refused:
            call()
        assert refused.value.status == 403


@pytest.mark.parametrize(
    ("input", "output", "far"),
    [
        ("1.25", "5", {}),
        ("125", "5", {}),
        ("126", "5", {"input": "1.25"}),
        ("1250000", "5000000", {"input": "1.25", "output": "5"}),
        ("0.0124", "5", {"input": "1.25"}),
        ("0", "0", {}),
    ],
)
def test_a_price_in_another_unit_is_noticed(sqlite_tools: Tools, input: str, output: str, far: dict[str, str]) -> None:
    given = {"input": D(input), "output": D(output)}
    assert catalogue.far_off(sqlite_tools, "plain", given, listing()) == far
    assert catalogue.far_off(sqlite_tools, "unheard-of", given, listing()) == {}


def test_the_real_list_can_be_filled_in_whole(sqlite_tools: Tools) -> None:
    """Every model of the big makers has a price that our own forms accept."""
    root = World(sqlite_tools).user("root", role="root")
    known = price_list.read(START)
    assert len(known.providers()) > 30
    for provider in ("openai", "anthropic", "google", "x-ai", "deepseek", "mistral"):
        found = catalogue.preview(sqlite_tools, root, Choice(provider=provider))
        assert found, provider
        for each in found:
            read(PriceFields, {"model": each.model} | {k: v for k, v in each.price.items() if v not in (None, {})})
        done = catalogue.fill(sqlite_tools, root, FillFields(provider=provider))
        assert done.new + done.changed + done.unchanged == len(found)
    assert prices.find(sqlite_tools, root).total > 200


def test_the_real_list_has_what_vendors_publish() -> None:
    """https://openai.com/api/pricing, https://www.anthropic.com/pricing, as of the package's oldest rows."""
    known = price_list.read(START)
    chat, claude = known.find("gpt-4o"), known.find("claude-sonnet-4-5-20250929")
    assert chat is not None and claude is not None
    assert (chat.offers[0].tokens["input"], chat.offers[0].tokens["output"]) == (D("2.5"), D(10))
    assert (claude.offers[0].tokens["cache_write"], claude.offers[0].tokens["cache_write_1h"]) == (D("3.75"), D(6))
    assert claude.offers[0].long_above == 200_000 and claude.offers[0].calls["web_search"] == D("0.01")
