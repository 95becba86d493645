"""Claude's usage object <-> disjoint counts: cached tokens stand beside ``input_tokens``, thinking inside the output.

Source: https://platform.claude.com/docs/en/api/messages (Usage) and
https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
"""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import Tally
from relay.neutral import Further, Usage

_TIERS = frozenset(("priority", "batch"))
"""Tiers that are told apart by price; the usual one is ``standard``."""

_BESIDE = frozenset(("compaction", "advisor_message"))
"""Inference within a request that the totals leave out."""


def parse_usage(raw: object, partial: bool = False) -> Usage | None:
    """Disjoint counts; None where nothing was counted. Cache writes are a part of the fresh input.

    ``partial``: as a stream's beginning tells them.
    """
    if not isinstance(raw, dict):
        return None
    tally = Tally()
    reports = [raw, *(entry for entry in _dicts(raw.get("iterations")) if entry.get("type") in _BESIDE)]
    rows = [_row(report, tally) for report in reports]
    fresh, five, hour, read, output, thinking = (tally.count(sum(column)) for column in zip(*rows, strict=True))
    if not (fresh or five or hour or read or output):
        return None
    counts = Counts(fresh + five + hour, read, output - thinking, thinking)
    further = Further(cache_write_5m=five, cache_write_1h=hour, calls=_calls(raw.get("server_tool_use"), tally))
    return Usage(counts, tally.inconsistent, raw, further, _tier(raw), partial)


def merged(before: dict[str, Any], report: object) -> dict[str, Any]:
    """``before`` with a later report: its counts are cumulative, and what it leaves out still holds."""
    if not isinstance(report, dict):
        return before
    return {**before, **{name: value for name, value in report.items() if value is not None}}


def render_usage(usage: Usage | None) -> dict[str, Any]:
    """The usage object; zeros where nothing is known yet."""
    if usage is None:
        usage = Usage(Counts())
    counts, five, hour = usage.counts, usage.further.cache_write_5m, usage.further.cache_write_1h
    body: dict[str, Any] = {
        "input_tokens": counts.input - five - hour,
        "cache_creation_input_tokens": five + hour,
        "cache_read_input_tokens": counts.cache_read,
        "output_tokens": counts.total_output,
    }
    if five or hour:
        body["cache_creation"] = {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}
    if counts.reasoning:
        body["output_tokens_details"] = {"thinking_tokens": counts.reasoning}
    calls = {f"{name}_requests": usage.further.calls.get(name, 0) for name in ("web_search", "web_fetch")}
    if any(calls.values()):
        body["server_tool_use"] = calls
    if usage.tier in _TIERS:
        body["service_tier"] = usage.tier
    elif usage.tier == "fast":
        body["speed"] = "fast"
    return body


def _row(raw: dict[str, Any], tally: Tally) -> tuple[int, int, int, int, int, int]:
    """Fresh input, cache writes of both kinds, cache reads, output with thinking, and thinking.

    Vendors and clouds report writes as a total, split by how long they live, or both; the unsplit rest is
    the usual kind, of five minutes.
    """
    total = tally.count(raw.get("cache_creation_input_tokens"))
    split, details = _dict(raw.get("cache_creation")), _dict(raw.get("output_tokens_details"))
    five, hour = (tally.count(split.get(f"ephemeral_{ttl}_input_tokens")) for ttl in ("5m", "1h"))
    tally.inconsistent |= 0 < total < five + hour
    output = tally.count(raw.get("output_tokens"))
    return (
        tally.count(raw.get("input_tokens")),
        max(five, total - hour),
        hour,
        tally.count(raw.get("cache_read_input_tokens")),
        output,
        tally.at_most(output, tally.count(details.get("thinking_tokens"))),
    )


def _calls(raw: object, tally: Tally) -> dict[str, int]:
    """How often server tools ran: ``web_search_requests`` and their like."""
    found = {name.removesuffix("_requests"): tally.count(value) for name, value in _dict(raw).items()
             if name.endswith("_requests")}  # fmt: skip
    return {name: count for name, count in found.items() if count}


def _tier(raw: dict[str, Any]) -> str:
    tier = raw.get("service_tier")
    if isinstance(tier, str) and tier in _TIERS:
        return tier
    return "fast" if raw.get("speed") == "fast" else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
