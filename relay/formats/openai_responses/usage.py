"""Usage of Responses <-> disjoint counts: cached tokens are inside the input, reasoning inside the output.

Source: https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage
"""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import Tally
from relay.neutral import Further, Usage

_USUAL_TIERS = frozenset(("auto", "default", "standard"))

_CALLS = {"web_search_call": "web_search", "file_search_call": "file_search"}
"""Server tools that cost by the call; usage does not mention them."""


def parse_usage(response: dict[str, Any], output: object = None) -> Usage | None:
    """The counts of a response object; None where nothing was counted. Contradictions are clamped and marked.

    ``output`` are the items that came, where the object itself does not repeat them.
    """
    raw = response.get("usage")
    if not isinstance(raw, dict):
        return None
    tally = Tally()
    total, made = tally.count(raw.get("total_tokens")), tally.count(raw.get("output_tokens"))
    asked = tally.count(raw.get("input_tokens"))
    if not asked and total > made:
        asked, tally.inconsistent = total - made, True
    if not asked and not made:
        return None  # zeros for "unknown": no request costs nothing
    tally.inconsistent |= not asked or (total > 0 and total != asked + made)
    inside, outside = _details(raw, "input"), _details(raw, "output")
    cached = tally.at_most(asked, tally.count(inside.get("cached_tokens")))
    reasoning = tally.at_most(made, tally.count(outside.get("reasoning_tokens")))
    further = _further(inside, outside, tally, (asked, cached, made - reasoning), calls(response, output))
    counts = Counts(asked - cached, cached, made - reasoning, reasoning)
    return Usage(counts, tally.inconsistent, raw, further, tier_of(response.get("service_tier")))


def _details(raw: dict[str, Any], side: str) -> dict[str, Any]:
    """The split of one side; Realtime and transcriptions have another name for it."""
    return _object(raw.get(f"{side}_tokens_details")) or _object(raw.get(f"{side}_token_details"))


def tier_of(tier: object) -> str:
    """The service tier that was charged; empty for the usual one."""
    return tier if isinstance(tier, str) and tier not in _USUAL_TIERS else ""


def calls(response: dict[str, Any], output: object = None) -> dict[str, int]:
    """How often server tools ran, by kind. Pages that were only opened or searched in cost nothing."""
    found: dict[str, int] = {}
    containers: set[str] = set()
    listed = response.get("output") or output
    for item in listed if isinstance(listed, list) else ():
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "code_interpreter_call":
            containers.add(str(item.get("container_id")))
        name = _CALLS.get(kind) if isinstance(kind, str) else None
        if name and _object(item.get("action")).get("type", "search") == "search":
            found[name] = found.get(name, 0) + 1
    if containers:
        found["code_interpreter"] = len(containers)
    searches = _object(_object(response.get("tool_usage")).get("web_search")).get("num_requests")
    if type(searches) is int and searches >= 0:
        found["web_search"] = searches
    return {name: count for name, count in found.items() if count}


def served(item: dict[str, Any]) -> dict[str, Any]:
    """What :func:`calls` needs of an item; pictures are large."""
    return {name: item[name] for name in ("type", "action", "container_id") if name in item}


def _further(
    inside: dict[str, Any], outside: dict[str, Any], tally: Tally, totals: tuple[int, int, int], called: dict[str, int]
) -> Further:
    """Audio, images, cache writes."""
    asked, cached, made = totals
    audio = tally.at_most(asked, tally.count(inside.get("audio_tokens")))
    image = tally.at_most(asked - audio, tally.count(inside.get("image_tokens")))
    cached_audio, cached_image = _cached(inside, tally, (audio, image), asked - audio - image, cached)
    fresh = asked - cached - (audio - cached_audio) - (image - cached_image)
    written = tally.at_most(max(0, fresh), tally.count(inside.get("cache_write_tokens")))
    kept = tally.count(_object(inside.get("cache_write_tokens_details")).get("ttl_12h_tokens"))
    longer = tally.at_most(written, kept)
    spoken = tally.at_most(made, tally.count(outside.get("audio_tokens")))
    return Further(
        cache_write_5m=written - longer,
        cache_write_1h=longer,
        input_audio=audio - cached_audio,
        input_image=image - cached_image,
        cached_audio=cached_audio,
        cached_image=cached_image,
        output_audio=spoken,
        output_image=tally.at_most(made - spoken, tally.count(outside.get("image_tokens"))),
        calls=called,
    )


def _cached(
    inside: dict[str, Any], tally: Tally, media: tuple[int, int], text: int, cached: int
) -> tuple[int, int]:
    """Audio and images that were cached. Where no split is given, text was cached first."""
    audio, image = media
    split = _object(inside.get("cached_tokens_details"))
    if split:
        heard = tally.at_most(min(audio, cached), tally.count(split.get("audio_tokens")))
        return heard, tally.at_most(min(image, cached - heard), tally.count(split.get("image_tokens")))
    left = max(0, cached - text)
    seen = min(left, image)
    return min(left - seen, audio), seen


def render_usage(usage: Usage) -> dict[str, Any]:
    """The usage object of a response."""
    counts, further = usage.counts, usage.further
    written = further.cache_write_5m + further.cache_write_1h
    asked: dict[str, Any] = {"cached_tokens": counts.cache_read, "cache_write_tokens": written}
    if further.cache_write_1h:
        details = {"ttl_30m_tokens": further.cache_write_5m, "ttl_12h_tokens": further.cache_write_1h}
        asked["cache_write_tokens_details"] = details
    asked |= _some(further.input_audio + further.cached_audio, further.input_image + further.cached_image)
    made = {"reasoning_tokens": counts.reasoning, **_some(further.output_audio, further.output_image)}
    return {
        "input_tokens": counts.total_input,
        "input_tokens_details": asked,
        "output_tokens": counts.total_output,
        "output_tokens_details": made,
        "total_tokens": counts.total_input + counts.total_output,
    }


def _some(audio: int, image: int) -> dict[str, int]:
    return {name: count for name, count in (("audio_tokens", audio), ("image_tokens", image)) if count}


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
