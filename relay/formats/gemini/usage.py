"""Gemini's usageMetadata <-> disjoint counts: cached tokens inside the prompt, thoughts beside the candidates."""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import Tally
from relay.neutral import Usage


def parse_usage(raw: object) -> Usage | None:
    """Disjoint counts; None where nothing was counted. Contradictions are clamped and marked.

    Source: https://ai.google.dev/api/generate-content#UsageMetadata; ``toolUsePromptTokenCount`` stands
    beside the prompt, ``totalTokenCount`` is the sum of all.
    """
    if not isinstance(raw, dict):
        return None
    tally = Tally()
    prompt, tools = (tally.count(raw.get(name)) for name in ("promptTokenCount", "toolUsePromptTokenCount"))
    output, thoughts = (tally.count(raw.get(name)) for name in ("candidatesTokenCount", "thoughtsTokenCount"))
    cached = tally.at_most(prompt, tally.count(raw.get("cachedContentTokenCount")))
    total = tally.count(raw.get("totalTokenCount"))
    if not (prompt or tools or output or thoughts):
        return None
    tally.inconsistent |= total not in (0, prompt + tools + output + thoughts)
    return Usage(Counts(prompt - cached + tools, cached, output, thoughts), tally.inconsistent, raw)


def render_usage(usage: Usage) -> dict[str, Any]:
    """The usageMetadata of an answer or of a stream's last chunk."""
    counts = usage.counts
    beside = {"cachedContentTokenCount": counts.cache_read, "thoughtsTokenCount": counts.reasoning}
    return {
        "promptTokenCount": counts.total_input,
        "candidatesTokenCount": counts.output,
        "totalTokenCount": counts.total_input + counts.total_output,
        **{name: value for name, value in beside.items() if value},
    }
