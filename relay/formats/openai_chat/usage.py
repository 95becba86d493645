"""OpenAI's usage object <-> disjoint counts: cached tokens are inside the prompt, reasoning inside the completion."""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import Tally
from relay.neutral import Further, Usage

_TIERS = frozenset(("", "auto", "default", "standard"))
"""The usual tier under its names."""


def parse_usage(raw: object, tier: object = "") -> Usage | None:
    """Disjoint counts; None where nothing was counted. Contradictions are clamped and marked.

    ``tier`` is the answer's ``service_tier``. Source: https://platform.openai.com/docs/api-reference/chat/object,
    and vendors' variations: DeepSeek's ``prompt_cache_hit_tokens``, Moonshot's ``cached_tokens``, prompt missing
    beside a total.
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
    further = _further(raw, tally, prompt, cached, output)
    read, thought = _researched(raw, tally)
    counts = Counts(prompt - cached + read, cached, output, reasoning + thought)
    return Usage(counts, tally.inconsistent, raw, further, charged_tier(tier))


def charged_tier(tier: object) -> str:
    """The tier's name unless it is the usual one."""
    return tier if isinstance(tier, str) and tier not in _TIERS else ""


def _researched(raw: dict[str, Any], tally: Tally) -> tuple[int, int]:
    """What Perplexity's research read and thought, which it counts beside prompt and completion.

    Source: https://docs.perplexity.ai/getting-started/pricing
    """
    if "citation_tokens" not in raw:
        return 0, 0
    return tally.count(raw["citation_tokens"]), tally.count(raw.get("reasoning_tokens"))


def _cached(raw: dict[str, Any]) -> object:
    inside = _details(raw, "prompt").get("cached_tokens")
    return inside or raw.get("prompt_cache_hit_tokens") or raw.get("cached_tokens")


def _details(raw: dict[str, Any], side: str) -> dict[str, Any]:
    details = raw.get(f"{side}_tokens_details")
    return details if isinstance(details, dict) else {}


def _outputs(raw: dict[str, Any], tally: Tally, completion: int, beyond: int) -> tuple[int, int]:
    """Output and reasoning. ``beyond`` is what the total holds more than prompt and completion.

    Reasoning that only the total holds is outside the completion: xAI names it, Google's compatible
    endpoint leaves it out (https://discuss.ai.google.dev/t/98760).
    """
    reasoning = tally.count(_details(raw, "completion").get("reasoning_tokens"))
    if beyond > 0 and reasoning in (0, beyond):
        tally.inconsistent |= not reasoning
        return completion, beyond
    reasoning = tally.at_most(completion, reasoning)
    return completion - reasoning, reasoning


def _further(raw: dict[str, Any], tally: Tally, prompt: int, cached: int, output: int) -> Further:
    """Audio, images and cache writes. Where a part was cached and no split is given, text was cached first."""
    inside, made = _details(raw, "prompt"), _details(raw, "completion")
    audio = tally.at_most(prompt, tally.count(inside.get("audio_tokens")))
    image = tally.at_most(prompt - audio, tally.count(inside.get("image_tokens")))
    left = max(0, cached - (prompt - audio - image))
    cached_image = min(left, image)
    cached_audio = min(left - cached_image, audio)
    fresh = prompt - cached - (audio - cached_audio) - (image - cached_image)
    spoken = tally.at_most(output, tally.count(made.get("audio_tokens")))
    return Further(
        cache_write_5m=tally.at_most(max(0, fresh), tally.count(inside.get("cache_write_tokens"))),
        input_audio=audio - cached_audio,
        input_image=image - cached_image,
        cached_audio=cached_audio,
        cached_image=cached_image,
        output_audio=spoken,
        output_image=tally.at_most(output - spoken, tally.count(made.get("image_tokens"))),
        calls={"web_search": searches} if (searches := tally.count(raw.get("num_search_queries"))) else {},
    )


def render_usage(usage: Usage) -> dict[str, Any]:
    """The usage object of an answer or of a stream's last chunk."""
    counts, further = usage.counts, usage.further
    prompt = {
        "audio_tokens": further.input_audio + further.cached_audio,
        "image_tokens": further.input_image + further.cached_image,
        "cache_write_tokens": further.cache_write_5m + further.cache_write_1h,
    }
    made = {"audio_tokens": further.output_audio, "image_tokens": further.output_image}
    return {
        "prompt_tokens": counts.total_input,
        "completion_tokens": counts.total_output,
        "total_tokens": counts.total_input + counts.total_output,
        "prompt_tokens_details": {"cached_tokens": counts.cache_read, **_some(prompt)},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning, **_some(made)},
    }


def _some(numbers: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in numbers.items() if number}
