"""Gemini's usageMetadata <-> disjoint counts: cached tokens inside the prompt, thoughts beside the candidates."""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.gemini.words import dicts, third, word
from relay.formats.vendor import Tally
from relay.neutral import Further, Usage

_TIERS = {
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_PRIORITY": "priority",
    "FLEX": "flex",
    "PRIORITY": "priority",
    "SERVICE_TIER_FLEX": "flex",
    "SERVICE_TIER_PRIORITY": "priority",
}
_TRAFFIC = {"flex": "ON_DEMAND_FLEX", "priority": "ON_DEMAND_PRIORITY"}


def parse_usage(raw: object, calls: dict[str, int] | None = None) -> Usage | None:
    """Disjoint counts; None where nothing was counted. Contradictions are clamped and marked.

    Source: https://ai.google.dev/api/generate-content#UsageMetadata; ``toolUsePromptTokenCount`` stands
    beside the prompt, ``totalTokenCount`` is the sum of all. ``calls`` counts the server tools that were used.
    """
    if not isinstance(raw, dict):
        return None
    tally = Tally()
    prompt, tools = (tally.count(raw.get(name)) for name in ("promptTokenCount", "toolUsePromptTokenCount"))
    made, thoughts = raw.get("candidatesTokenCount"), tally.count(raw.get("thoughtsTokenCount"))
    output = tally.count(raw.get("responseTokenCount") if made is None else made)
    cached = tally.at_most(prompt, tally.count(raw.get("cachedContentTokenCount")))
    total = tally.count(raw.get("totalTokenCount"))
    if not (prompt or tools or output or thoughts):
        return None
    if total not in (0, prompt + tools + output + thoughts):
        tally.inconsistent = True
        output = output or max(0, total - prompt - tools - thoughts)
    further = _further(raw, tally, (prompt, tools, cached, output), calls or {})
    counts = Counts(prompt - cached + tools, cached, output, thoughts)
    return Usage(counts, tally.inconsistent, raw, further, _tier(raw))


def _tier(raw: dict[str, Any]) -> str:
    """The tier that was charged: Vertex names the kind of traffic."""
    return next((tier for name in ("trafficType", "serviceTier") if (tier := _TIERS.get(word(raw.get(name)).upper()))),
                "")  # fmt: skip


def _further(raw: dict[str, Any], tally: Tally, totals: tuple[int, int, int, int], calls: dict[str, int]) -> Further:
    """Sounds and pictures. Where a part was cached and no split is given, text was cached first."""
    prompt, tools, cached, output = totals
    audio, image = _two(raw.get("promptTokensDetails"), tally, prompt)
    if "cacheTokensDetails" in raw:
        heard, seen = _two(raw["cacheTokensDetails"], tally, cached)
        heard, seen = tally.at_most(audio, heard), tally.at_most(image, seen)
    else:
        left = max(0, cached - (prompt - audio - image))
        seen = min(left, image)
        heard = min(left - seen, audio)
    shown = _two(raw.get("toolUsePromptTokensDetails"), tally, tools)
    fresh = prompt - cached + tools
    sound = min(fresh, audio - heard + shown[0])
    spoken, drawn = _two(raw.get("candidatesTokensDetails"), tally, output)
    return Further(
        input_audio=sound,
        input_image=min(fresh - sound, image - seen + shown[1]),
        cached_audio=heard,
        cached_image=seen,
        output_audio=spoken,
        output_image=drawn,
        calls=calls,
    )


def _two(details: object, tally: Tally, total: int) -> tuple[int, int]:
    """Tokens of sound and of pictures; other kinds cost what text costs."""
    found = {"AUDIO": 0, "IMAGE": 0}
    for item in dicts(details):
        kind = word(item.get("modality"))
        if kind in found:
            found[kind] += tally.count(item.get("tokenCount"))
    audio = tally.at_most(total, found["AUDIO"])
    return audio, tally.at_most(total - audio, found["IMAGE"])


def searches(candidates: list[dict[str, Any]], model: str) -> dict[str, int]:
    """What was searched: Gemini 3 is charged by the query, older models by the answer that rests on a search.

    Source: https://ai.google.dev/gemini-api/docs/google-search#pricing
    """
    queries: set[str] = set()
    places = False
    for grounding in (item.get("groundingMetadata") for item in candidates):
        if isinstance(grounding, dict):
            listed = grounding.get("webSearchQueries")
            queries |= {query for query in (listed if isinstance(listed, list) else ()) if word(query)}
            places |= any("maps" in chunk for chunk in dicts(grounding.get("groundingChunks")))
    found = {"web_search": len(queries) if third(model) else min(1, len(queries)), "maps": int(places)}
    return {name: count for name, count in found.items() if count}


def render_usage(usage: Usage) -> dict[str, Any]:
    """The usageMetadata of an answer or of a stream's last chunk."""
    counts, further = usage.counts, usage.further
    beside = {"cachedContentTokenCount": counts.cache_read, "thoughtsTokenCount": counts.reasoning}
    asked = further.input_audio + further.cached_audio, further.input_image + further.cached_image
    return {
        "promptTokenCount": counts.total_input,
        "candidatesTokenCount": counts.output,
        "totalTokenCount": counts.total_input + counts.total_output,
        **{name: value for name, value in beside.items() if value},
        **_details("promptTokensDetails", counts.total_input, *asked),
        **_details("cacheTokensDetails", counts.cache_read, further.cached_audio, further.cached_image, any(asked)),
        **_details("candidatesTokensDetails", counts.output, further.output_audio, further.output_image),
        **({"trafficType": _TRAFFIC[usage.tier]} if usage.tier in _TRAFFIC else {}),
    }


def _details(name: str, total: int, audio: int, image: int, always: bool = False) -> dict[str, Any]:
    """The split by kind, where there is more than text."""
    if not (audio or image or (always and total)):
        return {}
    split = {"TEXT": total - audio - image, "AUDIO": audio, "IMAGE": image}
    return {name: [{"modality": kind, "tokenCount": count} for kind, count in split.items() if count]}
