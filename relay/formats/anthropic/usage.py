"""Claude's usage object <-> disjoint counts: cached tokens stand beside ``input_tokens``."""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import Tally
from relay.neutral import Usage


def parse_usage(raw: object) -> Usage | None:
    """Disjoint counts; None where nothing was counted. Cache writes count as fresh input.

    Source: https://docs.anthropic.com/en/api/messages (Usage)
    """
    if not isinstance(raw, dict):
        return None
    tally = Tally()
    fresh, written = (tally.count(raw.get(name)) for name in ("input_tokens", "cache_creation_input_tokens"))
    read, output = (tally.count(raw.get(name)) for name in ("cache_read_input_tokens", "output_tokens"))
    if not (fresh or written or read or output):
        return None
    return Usage(Counts(input=fresh + written, cache_read=read, output=output), tally.inconsistent, raw)


def render_usage(usage: Usage | None) -> dict[str, Any]:
    """The usage object; zeros where nothing is known yet. Reasoning is part of the output here."""
    counts = Counts() if usage is None else usage.counts
    return {
        "input_tokens": counts.input,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": counts.cache_read,
        "output_tokens": counts.total_output,
    }
