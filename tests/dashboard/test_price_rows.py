"""Prices in credits and USD."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openopen8.core.services.prices import PriceView
from openopen8.state.price_rows import converted, line_of, number, to_credits, worked, worked_call

RATE = 500_000


def test_the_worked_example_is_the_specifications_own() -> None:
    example = worked("5", "15", "credits", RATE)
    assert (example.cost, example.worth, example.usd_in, example.usd_out) == ("12,500", "$0.025", "$10.00", "$30.00")


def test_usd_per_million_means_the_same_price() -> None:
    assert worked("10", "30", "usd", RATE) == worked("5", "15", "credits", RATE)


def test_the_example_waits_for_both_numbers() -> None:
    assert not worked("5", "", "usd", RATE).ready
    assert not worked("five", "15", "usd", RATE).ready


def test_a_call_costs_what_is_typed() -> None:
    assert worked_call("0.04", "usd", RATE).cost == "20,000"
    assert worked_call("20000", "credits", RATE).worth == "$0.04"


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("2.5", "2.5"),
        ("2,5", "2.5"),
        ("0,075", "0.075"),
        ("1,000", "1000"),
        ("1,000.5", "1000.5"),
        (" 3 ", "3"),
        ("0", "0"),
    ],
)
def test_numbers_are_read_as_people_write_them(typed: str, value: str) -> None:
    assert number(typed) == Decimal(value)


@pytest.mark.parametrize("typed", ["", "-1", "x", "NaN", "Infinity", "1e99", "1 2 x"])
def test_what_is_no_price_is_refused(typed: str) -> None:
    assert number(typed) is None


@given(st.decimals(0, 10**6, places=6), st.booleans())
def test_changing_the_unit_and_back_keeps_the_price(value: Decimal, by_call: bool) -> None:
    text = format(value, "f")
    there = converted(text, "credits", RATE, by_call)
    assert number(converted(there, "usd", RATE, by_call)) == value
    assert to_credits(value, "usd", RATE, by_call) == number(there)


def test_a_line_says_what_a_request_costs() -> None:
    line = line_of(PriceView(1, "m", "5", "15", None, None, None, 0, "current", 0), RATE)
    assert (line.example, line.worth, line.usd_in, line.usd_out) == ("12,500", "$0.025", "$10.00", "$30.00")
    call = line_of(PriceView(2, "m", None, None, None, None, "20000", 0, "current", 0), RATE)
    assert (call.per_call, call.input, call.example) == (True, "20,000", "20,000")
