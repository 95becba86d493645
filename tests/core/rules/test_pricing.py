"""What requests cost."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openopen8.core.rules.pricing import (
    LONG,
    MAX_CREDITS,
    NOTHING,
    Counts,
    Further,
    Line,
    Price,
    Rates,
    credits_of,
    plain,
    price_at,
    price_of,
)
from openopen8.core.rules.rates import NAMES
from openopen8.core.rules.usage import split

ONE = Decimal(1)
RATIOS = st.decimals(min_value=0, max_value=10**9, places=12, allow_nan=False, allow_infinity=False)
COUNTS = st.builds(Counts, *[st.integers(0, 10**9)] * 4)
KINDS = st.dictionaries(st.sampled_from(["web_search", "seconds", 'odd"name']), st.integers(-5, 10**6))
FURTHER = st.builds(Further, *[st.integers(-(10**3), 10**9)] * 8, KINDS, KINDS)
RATES = st.builds(Rates, RATIOS, RATIOS, *[st.none() | RATIOS] * 10)
NAMED = st.dictionaries(st.sampled_from(["web_search", "seconds", "flex"]), RATIOS).map(lambda x: tuple(x.items()))
PRICES = st.builds(
    Price, st.just(1), st.just("m"), st.just(0), RATES, st.none() | RATIOS, st.none() | st.integers(1, 10**9), RATES,
    NAMED, NAMED, NAMED,
)  # fmt: skip


def rates(**ratios: str) -> Rates:
    return Rates(**{name: Decimal(value) for name, value in ratios.items()})


def price(**ratios: str) -> Price:
    return Price(1, "m", 0, rates(**ratios))


def lines(price: Price, counts: Counts, further: Further = NOTHING, tier: str = "") -> dict[str, str]:
    """Bucket → count × ratio."""
    receipt = price_of(counts, price, ONE, (), further, tier)
    return {line.bucket: f"{line.count} × {plain(line.ratio)}" for line in receipt.lines}


def test_1000_in_and_500_out_at_5_and_15_are_12500_credits() -> None:
    receipt = price_of(Counts(input=1000, output=500), price(input="5", output="15"), ONE)
    assert receipt.credits == 12_500
    assert price_of(Counts(input=1000, output=500), price(input="5", output="15"), Decimal("0.5")).credits == 6_250


def test_unset_ratios_follow_input_and_output() -> None:
    counts = Counts(input=10, cache_read=10, output=10, reasoning=10)
    assert price_of(counts, price(input="1", output="2"), ONE).credits == 60
    assert price_of(counts, price(input="1", output="2", cache_read="0.1", reasoning="0"), ONE).credits == 31


@pytest.mark.parametrize(
    ("given", "bucket", "ratio"),
    [
        ({}, "cache_write", "1"),
        ({}, "cache_write_1h", "1"),
        ({"cache_write": "1.25"}, "cache_write_1h", "1.25"),
        ({"cache_write_1h": "2"}, "cache_write", "1"),
        ({}, "input_audio", "1"),
        ({}, "input_image", "1"),
        ({}, "cache_read_audio", "1"),
        ({"input_audio": "3"}, "cache_read_audio", "3"),
        ({"input_audio": "3", "cache_read": "0.1"}, "cache_read_audio", "0.1"),
        ({"input_image": "4"}, "cache_read_image", "4"),
        ({"cache_read_image": "0.5", "cache_read": "0.1"}, "cache_read_image", "0.5"),
        ({}, "output_audio", "2"),
        ({}, "output_image", "2"),
    ],
)
def test_rare_buckets_follow_the_nearest_one_that_is_set(given: dict[str, str], bucket: str, ratio: str) -> None:
    assert rates(input="1", output="2", **given).ratios[bucket] == Decimal(ratio)


def test_each_token_is_charged_in_one_bucket() -> None:
    each = {name: str(place + 1) for place, name in enumerate(NAMES)}
    further = Further(10, 20, 30, 40, 50, 60, 70, 80)
    assert lines(price(**each), Counts(1000, 200, 300, 5), further) == {
        "input": "900 × 1",
        "output": "150 × 2",
        "cache_read": "90 × 3",
        "cache_write": "10 × 4",
        "cache_write_1h": "20 × 5",
        "reasoning": "5 × 6",
        "input_audio": "30 × 7",
        "input_image": "40 × 8",
        "cache_read_audio": "50 × 9",
        "cache_read_image": "60 × 10",
        "output_audio": "70 × 11",
        "output_image": "80 × 12",
    }


def test_parts_that_claim_more_than_there_is_get_what_is_left() -> None:
    further = Further(cache_write_5m=8, input_audio=8, cached_audio=-3, output_image=9)
    assert lines(price(input="1", output="1"), Counts(10, 5, 4), further) == {
        "cache_write": "8 × 1",
        "input_audio": "2 × 1",
        "cache_read": "5 × 1",
        "output_image": "4 × 1",
    }


@pytest.mark.parametrize(("cached", "charged"), [(100, "1"), (101, "2")])
def test_a_long_request_is_charged_by_its_own_ratios_as_a_whole(cached: int, charged: str) -> None:
    long = Price(1, "m", 0, rates(input="1", output="1"), None, 200, rates(input="2", output="2"))
    counts = Counts(100, cached, 10)
    assert {line.split(" × ")[1] for line in lines(long, counts).values()} == {charged}
    assert price_of(counts, long, ONE).notes == (() if charged == "1" else (LONG,))


def test_the_answers_service_tier_multiplies_tokens_but_no_calls() -> None:
    tiers = Price(1, "m", 0, rates(input="1", output="3"), tiers=(("flex", Decimal("0.5")),),
                  calls=(("web_search", Decimal(100)),))  # fmt: skip
    used = Counts(10, 0, 2), Further(calls={"web_search": 2})
    assert lines(tiers, *used, "flex") == {"input": "10 × 0.5", "output": "2 × 1.5", "calls.web_search": "2 × 100"}
    assert price_of(used[0], tiers, ONE, (), used[1], "flex").notes == ("service tier flex: × 0.5",)
    for usual in ("", "default", "standard", "auto"):
        assert lines(tiers, used[0], tier=usual) == {"input": "10 × 1", "output": "2 × 3"}
        assert price_of(used[0], tiers, ONE, (), used[1], usual).notes == ()


def test_a_tier_without_a_factor_costs_the_usual_and_the_receipt_says_so() -> None:
    receipt = price_of(Counts(10), price(input="1"), ONE, (), Further(), "priority\n" + "x" * 100)
    assert receipt.credits == 10
    (note,) = receipt.notes
    assert note.startswith("service tier priorityx") and note.endswith(": no factor set") and len(note) < 80


def test_what_is_no_token_is_charged_by_kind_and_shown_where_it_is_free() -> None:
    by_kind = Price(1, "m", 0, units=(("seconds", Decimal("0.5")),))
    used = Further(calls={"web_search": 3, 'a"b': 1}, units={"seconds": 61, "pages": 0})
    receipt = price_of(Counts(), by_kind, ONE, (), used)
    assert receipt.credits == 31
    assert receipt.lines == (
        Line("calls.other", 1, Decimal(0)),
        Line("calls.web_search", 3, Decimal(0)),
        Line("units.seconds", 61, Decimal("0.5")),
    )


def test_a_price_per_call_does_not_look_at_counts() -> None:
    by_call = Price(1, "m", 0, per_call=Decimal("2.5"))
    assert price_of(Counts(input=999), by_call, ONE).credits == 3
    assert price_of(Counts(input=999), by_call, ONE, (), Further(input_audio=5, calls={"x": 1}), "flex").credits == 3
    assert credits_of(10**6, 10**6, by_call, ONE) == 3


@pytest.mark.parametrize(
    ("given", "free"),
    [
        (Price(1, "m", 0), True),
        (Price(1, "m", 0, per_call=Decimal(0)), True),
        (price(input="0", output="0", output_audio="1"), False),
        (Price(1, "m", 0, calls=(("web_search", ONE),)), False),
        (Price(1, "m", 0, units=(("seconds", ONE),)), False),
        (Price(1, "m", 0, long_above=10, long=rates(input="1")), False),
    ],
)
def test_a_price_is_free_only_when_nothing_can_cost(given: Price, free: bool) -> None:
    assert given.free is free


@given(COUNTS, FURTHER, PRICES, RATIOS, st.sampled_from(["", "flex", "priority"]))
def test_a_receipt_adds_up_and_is_rounded_up_once(
    counts: Counts, further: Further, price: Price, group: Decimal, tier: str
) -> None:
    for receipt in (price_of(counts, price, group, (), further, tier), price_of(counts, price, group)):
        true = sum((x.count * Fraction(x.ratio) for x in receipt.lines), Fraction(0)) * Fraction(group)
        assert receipt.credits == min(ceil(true), MAX_CREDITS)
        assert all(line.count > 0 for line in receipt.lines)
        told = msgspec.json.decode(receipt.as_json(7))
        assert told == {**receipt.as_dict(), "period_start": 7}


@given(COUNTS, RATES, st.lists(st.text(max_size=9), max_size=2), st.integers(0, 2**43))
def test_a_stored_receipt_says_what_the_receipt_says(
    counts: Counts, rates: Rates, notes: list[str], period: int
) -> None:
    receipt = price_of(counts, Price(1, "m", 0, rates), ONE, tuple(notes))
    assert msgspec.json.decode(receipt.as_json(period)) == {**receipt.as_dict(), "period_start": period}


def test_ratios_that_nobody_can_store_cost_no_time() -> None:
    assert price_of(Counts(input=10), price(input="1e-999999"), ONE).credits in (0, 1)


@given(COUNTS, FURTHER)
def test_no_token_is_lost_or_counted_twice(counts: Counts, further: Further) -> None:
    found = split(counts, further)
    assert all(count >= 0 for _, count in found)
    assert [name for name, _ in found] == list(dict.fromkeys(name for name, _ in found))
    assert sum(count for _, count in found) == counts.total_input + counts.total_output


@given(COUNTS, PRICES, RATIOS)
def test_the_short_way_and_the_full_one_give_one_receipt(counts: Counts, price: Price, group: Decimal) -> None:
    assert price_of(counts, price, group) == price_of(counts, price, group, (), Further())


@given(st.integers(0, 10**9), st.integers(0, 10**9), PRICES, RATIOS)
def test_a_hold_is_what_the_same_counts_cost(input: int, output: int, price: Price, group: Decimal) -> None:
    assert credits_of(input, output, price, group) == price_of(Counts(input, 0, output), price, group).credits


def test_the_row_that_holds_is_the_last_that_has_begun() -> None:
    rows = tuple(Price(id=n, model="m", valid_from=n * 10) for n in (1, 2, 3))
    found = [price_at(rows, now) for now in (9, 10, 29, 30)]
    assert [row and row.id for row in found] == [None, 1, 2, 3]


def test_decimals_are_written_as_people_write_them() -> None:
    assert [plain(Decimal(x)) for x in ("1.500", "1E+3", "0.000", "1e-12", "100")] == [
        "1.5",
        "1000",
        "0",
        "0.000000000001",
        "100",
    ]
