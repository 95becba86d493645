"""OpenAI's usage object <-> disjoint counts: cached tokens are inside the prompt, reasoning inside the completion."""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import MAX_COUNT, Tally
from relay.neutral import Usage


def parse_usage(raw: object) -> Usage | None:
    """Disjoint counts; None where nothing was counted. Contradictions are clamped and marked.

    Source: https://platform.openai.com/docs/api-reference/chat/object, and vendors' variations: DeepSeek's
    ``prompt_cache_hit_tokens``, Moonshot's ``cached_tokens``, prompt missing beside a total.
    """
    if not isinstance(raw, dict):
        return None
    usual = _usual(raw)
    if usual is not None:
        return usual
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


def _usual(raw: dict[str, Any]) -> Usage | None:
    """The report of a vendor that keeps to OpenAI's form and adds up; None for every other."""
    prompt, completion = raw.get("prompt_tokens"), raw.get("completion_tokens")
    if type(prompt) is not int or type(completion) is not int or raw.get("total_tokens") != prompt + completion:
        return None
    if not (0 < prompt <= MAX_COUNT and 0 <= completion <= MAX_COUNT and raw.keys() <= _USUAL):
        return None
    cached = reasoning = 0
    details = raw.get("prompt_tokens_details")
    if details is not None:
        cached = details.get("cached_tokens", 0) if type(details) is dict else -1
    details = raw.get("completion_tokens_details")
    if details is not None:
        reasoning = details.get("reasoning_tokens", 0) if type(details) is dict else -1
    if type(cached) is not int or type(reasoning) is not int:
        return None
    if not (0 <= cached <= prompt and 0 <= reasoning <= completion):
        return None
    return Usage(Counts(prompt - cached, cached, completion - reasoning, reasoning), False, raw)


_USUAL = {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"}


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
