"""What an answer is charged by that has tokens and units: pictures, speech, searches. One of the two, never both."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from openopen8.core.rules.pricing import Counts, Further, Price, price_of

PICTURE_TOKENS = 4_160
"""What is held for a picture: a square one of high quality of gpt-image-1; a large one takes half as much again."""


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
    """Credits for units that are known before the answer; for pictures also as tokens, if those are dearer."""
    drawn = PICTURE_TOKENS * units.get("images", 0)
    by_unit = price_of(Counts(), price, ratio, further=Further(units=dict(units)))
    by_token = price_of(Counts(output=drawn), price, ratio, further=Further(output_image=drawn))
    return max(by_unit.credits, by_token.credits)
