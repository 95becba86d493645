"""Quota periods and the status of a token."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from openopen8.core.clock import DAY, HOUR, to_ms
from openopen8.core.rules.options import Options
from openopen8.core.rules.pricing import Price, Rates
from openopen8.core.rules.quota import current_period, estimate, period_start, token_status, used_now


def at(*parts: int) -> int:
    return to_ms(datetime(*parts, tzinfo=UTC))  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("period", "now", "start"),
    [
        ("none", at(2026, 9, 23, 12), 0),
        ("daily", at(2026, 9, 23, 23, 59), at(2026, 9, 23)),
        ("daily", at(2026, 9, 24), at(2026, 9, 24)),
        ("weekly", at(2026, 9, 27, 23), at(2026, 9, 21)),
        ("weekly", at(2026, 9, 28), at(2026, 9, 28)),
        ("weekly", at(2027, 1, 1), at(2026, 12, 28)),
        ("monthly", at(2024, 2, 29, 5), at(2024, 2, 1)),
    ],
)
def test_periods_begin_at_utc_midnight_monday_and_the_first(period: str, now: int, start: int) -> None:
    assert period_start(period, now) == start


def test_used_begins_again_with_a_new_period_only() -> None:
    changed = at(2026, 9, 23, 12)
    assert current_period("daily", changed, changed + HOUR) == changed, "a change starts a period of its own"
    assert used_now(7, "daily", changed, changed + HOUR) == 7
    assert used_now(7, "daily", changed, at(2026, 9, 24)) == 0
    assert used_now(7, "none", changed, changed + 900 * DAY) == 7


def test_the_first_that_applies_is_the_status() -> None:
    assert token_status(False, 0, 1, 1, 5) == "disabled"
    assert token_status(True, 5, 1, 1, 5) == "expired"
    assert token_status(True, 6, 1, 1, 5) == "exhausted"
    assert token_status(True, 6, 2, 1, 5) == "enabled"
    assert token_status(True, None, None, 10**15, 5) == "enabled"


def test_an_estimate_is_bounded_unless_holds_are_strict() -> None:
    price, one = Price(1, "m", 0, Rates(Decimal(1), Decimal(2))), Decimal(1)
    loose, strict = Options(), Options(strict_holds=True)
    assert estimate(price, one, 100, None, 1, loose) == 100 + 2 * 500
    assert estimate(price, one, 100, 10, 3, loose) == 100 + 2 * 30
    assert estimate(price, one, 100, 10**6, 1, loose) == 100 + 2 * 8_192
    assert estimate(price, one, 100, 10**6, 1, strict) == 100 + 2 * 10**6
    assert estimate(price, one, 100, None, 1, strict) == 100 + 2 * 8_192
