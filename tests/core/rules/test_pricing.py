"""What requests cost."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from openopen8.core.rules.pricing import MAX_CREDITS, Counts, Price, credits_of, plain, price_at, price_of

ONE = Decimal(1)
RATIOS = st.decimals(min_value=0, max_value=10**9, places=12, allow_nan=False, allow_infinity=False)
COUNTS = st.builds(Counts, *[st.integers(0, 10**9)] * 4)


def price(**ratios: str) -> Price:
    return Price(id=1, model="m", valid_from=0, **{name: Decimal(value) for name, value in ratios.items()})


def test_1000_in_and_500_out_at_5_and_15_are_12500_credits() -> None:
    receipt = price_of(Counts(input=1000, output=500), price(input="5", output="15"), ONE)
    assert receipt.credits == 12_500
    assert price_of(Counts(input=1000, output=500), price(input="5", output="15"), Decimal("0.5")).credits == 6_250


def test_unset_ratios_follow_input_and_output() -> None:
    counts = Counts(input=10, cache_read=10, output=10, reasoning=10)
    assert price_of(counts, price(input="1", output="2"), ONE).credits == 60
    assert price_of(counts, price(input="1", output="2", cache_read="0.1", reasoning="0"), ONE).credits == 31


def test_a_price_per_call_does_not_look_at_counts() -> None:
    assert price_of(Counts(input=999), price(per_call="2.5"), ONE).credits == 3


@given(COUNTS, RATIOS, RATIOS, RATIOS)
def test_a_receipt_adds_up_and_is_rounded_up_once(counts: Counts, a: Decimal, b: Decimal, group: Decimal) -> None:
    receipt = price_of(counts, Price(id=1, model="m", valid_from=0, input=a, output=b), group)
    true = sum((x.count * Fraction(x.ratio) for x in receipt.lines), Fraction(0)) * Fraction(group)
    assert receipt.credits == min(ceil(true), MAX_CREDITS)


@given(st.integers(0, 10**9), st.integers(0, 10**9), RATIOS, RATIOS, RATIOS)
def test_a_hold_is_estimated_as_the_receipt_would_charge(
    input: int, output: int, a: Decimal, b: Decimal, group: Decimal
) -> None:
    price = Price(id=1, model="m", valid_from=0, input=a, output=b)
    assert credits_of(input, output, price, group) == price_of(Counts(input=input, output=output), price, group).credits


@given(COUNTS, RATIOS, RATIOS, RATIOS, st.lists(st.text(max_size=9), max_size=2), st.integers(0, 2**43))
def test_a_stored_receipt_says_what_the_receipt_says(
    counts: Counts, a: Decimal, b: Decimal, group: Decimal, notes: list[str], period: int
) -> None:
    receipt = price_of(counts, Price(id=1, model="m", valid_from=0, input=a, output=b), group, tuple(notes))
    assert json.loads(receipt.as_json(period)) == {**receipt.as_dict(), "period_start": period}


def test_ratios_that_nobody_can_store_cost_no_time() -> None:
    assert price_of(Counts(input=10), price(input="1e-999999"), ONE).credits in (0, 1)


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
