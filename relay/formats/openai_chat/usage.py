"""OpenAI's usage object <-> disjoint counts: cached tokens are inside the prompt, reasoning inside the completion."""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import Tally
from relay.neutral import Usage


def parse_usage(raw: object) -> Usage | None:
    """Disjoint counts; None where nothing was counted. Contradictions are clamped and marked.

    Source: https://platform.openai.com/docs/api-reference/chat/object, and vendors' variations: DeepSeek's
    ``prompt_cache_hit_tokens``, Moonshot's ``cached_tokens``, prompt missing beside a total.
    """
    if not isinstance(raw, dict):
        return None
    tally = Tally()
    completion, total = tally.count(raw.get("completion_tokens")), tally.count(raw.get("total_tokens"))
    prompt = tally.count(raw.get("prompt_tokens"))
    if not prompt and total > completion:
        prompt, tally.inconsistent = total - completion, True
    if not prompt and not completion:
        return None  # some vendors send zeros for "unknown"; no request costs nothing
    tally.inconsistent |= not prompt
    cached = tally.at_most(prompt, tally.count(_cached(raw)))
    output, reasoning = _outputs(raw, tally, completion, total - prompt - completion)
    return Usage(Counts(prompt - cached, cached, output, reasoning), tally.inconsistent, raw)


def _cached(raw: dict[str, Any]) -> object:
    details = raw.get("prompt_tokens_details")
    inside = details.get("cached_tokens") if isinstance(details, dict) else None
    return inside or raw.get("prompt_cache_hit_tokens") or raw.get("cached_tokens")


def _outputs(raw: dict[str, Any], tally: Tally, completion: int, beyond: int) -> tuple[int, int]:
    """Output and reasoning. ``beyond`` is what the total holds more than prompt and completion.

    Reasoning that only the total holds is outside the completion: xAI names it, Google's compatible
    endpoint leaves it out (https://discuss.ai.google.dev/t/98760).
    """
    details = raw.get("completion_tokens_details")
    reasoning = tally.count(details.get("reasoning_tokens")) if isinstance(details, dict) else 0
    if beyond > 0 and reasoning in (0, beyond):
        tally.inconsistent |= not reasoning
        return completion, beyond
    reasoning = tally.at_most(completion, reasoning)
    return completion - reasoning, reasoning


def render_usage(usage: Usage) -> dict[str, Any]:
    """The usage object of an answer or of a stream's last chunk."""
    counts = usage.counts
    return {
        "prompt_tokens": counts.total_input,
        "completion_tokens": counts.total_output,
        "total_tokens": counts.total_input + counts.total_output,
        "prompt_tokens_details": {"cached_tokens": counts.cache_read},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning},
    }
