"""Cohere's usage -> disjoint counts: what is billed, which leaves out the tokens of its own templates.

Source: https://docs.cohere.com/reference/chat#response.body.usage and
https://docs.cohere.com/docs/rate-limits ("billed_units")
"""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import Tally
from relay.neutral import Usage


def parse_usage(raw: object) -> Usage | None:
    """Disjoint counts; None where nothing was counted. Cached tokens are a part of the prompt's.

    Of the whole prompt's: those of the template, which nobody pays, come first.
    """
    if not isinstance(raw, dict):
        return None
    tally = Tally()
    billed, all_of_them = _counted(raw.get("billed_units"), tally), _counted(raw.get("tokens"), tally)
    found = billed or all_of_them
    if found is None:
        return None
    taken, made = found
    unpaid = max(0, all_of_them[0] - taken) if all_of_them else 0
    cached = tally.at_most(taken, max(0, tally.count(raw.get("cached_tokens")) - unpaid))
    return Usage(Counts(taken - cached, cached, made), tally.inconsistent, raw)


def _counted(raw: Any, tally: Tally) -> tuple[int, int] | None:
    if not isinstance(raw, dict):
        return None
    taken, made = tally.count(raw.get("input_tokens")), tally.count(raw.get("output_tokens"))
    return (taken, made) if taken or made else None
