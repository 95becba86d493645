"""What an answer is charged by that has tokens and units: pictures, speech, searches. One of the two, never both."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from openopen8.core.rules.pricing import Counts, Further, Price, price_of


def either(price: Price, counts: Counts, further: Further, reported: bool) -> tuple[Counts, Further]:
    """What of both is charged. ``reported``: the tokens are the provider's own count.

    A price may name both, for models that report tokens in some of their answers only: then the units stand in
    where no tokens were reported.
    """
    ratios = dict(price.units)
    if not any(ratios.get(kind) for kind in further.units):
        return counts, further
    told = reported and bool(counts.total_input or counts.total_output)
    if told and any(price.rates.ratios.values()):
        return counts, msgspec.structs.replace(further, units={})
    return Counts(), Further(calls=further.calls, units=further.units)


def hold_of(price: Price, ratio: Decimal, units: Mapping[str, int]) -> int:
    """Credits for units that are known before the answer."""
    return price_of(Counts(), price, ratio, further=Further(units=dict(units))).credits
