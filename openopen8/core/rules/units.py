"""What an answer is charged by that has tokens and units: pictures, speech, searches. One of the two, never both."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from openopen8.core.rules.pricing import Counts, Further, Price, price_of


def hold_of(price: Price, ratio: Decimal, units: Mapping[str, int]) -> int:
    """Credits for units that are known before the answer."""
    return price_of(Counts(), price, ratio, further=Further(units=dict(units))).credits
