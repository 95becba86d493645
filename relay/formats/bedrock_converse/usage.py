"""Converse's usage -> disjoint counts.

Cached tokens stand beside ``inputTokens``, as with Claude; a few models' count them inside, which only the total tells.
Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import Tally
from relay.formats.words import items, table, word
from relay.neutral import Further, Usage

_TIERS = frozenset(("priority", "flex"))


def parse_usage(raw: object, tier: object = None) -> Usage | None:
    """Disjoint counts; None where nothing was counted. Cache writes are a part of the fresh input."""
    if not isinstance(raw, dict):
        return None
    tally = Tally()
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens", "totalTokens")
    input, output, read, write, total = (tally.count(raw.get(name)) for name in names)
    if not (input or output or read or write):
        return None
    if (read or write) and total and total == input + output:  # inside
        if read + write > input:  # they can't be: AWS bills them beside it
            tally.inconsistent = True
        else:
            input -= read + write
    hour = tally.at_most(write, _hour(raw, tally))
    further = Further(cache_write_5m=write - hour, cache_write_1h=hour)
    kind = word(table(tier).get("type"))
    counts = Counts(input + write, read, output)
    return Usage(counts, tally.inconsistent, raw, further, kind if kind in _TIERS else "")


def _hour(raw: dict[str, Any], tally: Tally) -> int:
    """Tokens that were written for an hour."""
    details = items(raw.get("cacheDetails"))
    return sum(tally.count(entry.get("inputTokens")) for entry in details if entry.get("ttl") == "1h")
